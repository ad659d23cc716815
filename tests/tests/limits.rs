//! The bounds of a call, each just inside and just outside, as the configuration sets them.

use std::sync::mpsc;
use std::thread;

use tests::{Payload, Request, Server, Setup, example, plain, until};

#[test]
fn memory_is_bounded_over_all_memories_together() {
    let check = |guest: &str, bytes: u32, pages: u32| {
        answers(guest, &format!("memory-bytes = {bytes}"), 4, pages);
    };
    check("grows_to_the_end", 1 << 20, 16);
    check("grows_to_the_end", (17 << 16) - 1, 16);
    check("grows_to_the_end", 17 << 16, 17);
    // Two of the pages are its fourth memory's, which does not grow.
    check("many_memories", 1 << 20, 14);
    check("many_memories", (17 << 16) - 1, 14);
    check("many_memories", 17 << 16, 15);
}

/// A codec whose allocator has no use for more memory than it asked for is not given any, which would
/// count.
#[test]
fn a_higher_limit_on_memory_takes_no_less() {
    let most = |bytes: usize| {
        let config = format!(
            "[namespaces.limited]\ncomponent = \"it.wasm\"\nlimits = {{ memory-bytes = {bytes} }}"
        );
        let server = Setup::config(&config)
            .file("it.wasm", example("checksum"))
            .start();
        let encodes = |size: &usize| server.encode("limited", &[sized(*size)]).status == 200;
        let sizes = (1..20).map(|times| times * 10_000);
        sizes.take_while(encodes).last()
    };
    let all = [320 << 10, 384 << 10, 448 << 10, 576 << 10].map(most);
    assert!(all[0] >= Some(100_000), "{all:?}");
    assert!(all.is_sorted(), "{all:?}");
}

#[test]
fn who_starts_with_more_memory_than_it_may_have_waits_for_a_higher_limit() {
    let config = |bytes: usize| {
        format!(
            "[namespaces.limited]\ncomponent = \"it.wasm\"\nlimits = {{ memory-bytes = {bytes} }}"
        )
    };
    let server = Setup::config(&config(131_071))
        .file("it.wasm", example("checksum"))
        .start();
    assert_eq!(server.encode("limited", &[sized(10)]).status, 503);
    server.logs(&[
        "namespace limited",
        "starts with 131072 bytes of memory, and may have 131071 here (limits.memory-bytes)",
    ]);
    server.configure(&config(262_144));
    until("it serves", || {
        let answer = server.encode("limited", &[sized(10)]);
        (answer.status == 200).then_some(())
    });

    // What it asks for later is for each call to see.
    let answer = server.encode("limited", &[sized(200_000)]);
    let told = (answer.status, answer.text());
    assert_eq!(told, (500, "the codec ran out of memory"));
    server.logs(&["it asked for more than limits.memory-bytes"]);
}

#[test]
fn table_elements_are_bounded_over_all_tables_together() {
    let check = |guest: &str, elements: u32| {
        answers(guest, &format!("table-elements = {elements}"), 4, elements);
    };
    check("grows_table", 99);
    check("grows_table", 100);
    check("many_tables", 99);
    check("many_tables", 100);
}

#[test]
fn instances_and_what_they_have_are_bounded_in_number() {
    let check = |guest: &str, limit: &str, status: u16| {
        let server = serve(guest, limit);
        let answer = server.decode("limited", &[sized(4)]);
        assert_eq!(answer.status, status, "{limit}: {}", answer.text());
    };
    check("many_memories", "memories = 4", 200);
    check("many_memories", "memories = 3", 500);
    check("many_tables", "tables = 15", 200);
    check("many_tables", "tables = 14", 500);
    check("many_tables", "instances = 16", 200);
    check("many_tables", "instances = 15", 500);
}

#[test]
fn what_a_call_draws_holds_and_recurses_is_bounded() {
    let check = |guest: &str, limit: &str, inside: usize, outside: usize| {
        let server = serve(guest, limit);
        let answer = server.decode("limited", &[sized(inside)]);
        assert_eq!(answer.payload(), sized(inside), "{limit}");
        let answer = server.decode("limited", &[sized(outside)]);
        let told = (answer.status, answer.text());
        assert_eq!(told, (500, "the codec crashed"), "{limit}");
    };
    check("takes_keys", "handles = 10", 10, 11);
    check("takes_keys", "handles = 100", 100, 101);
    check("draws_random", "random-bytes = 10", 10, 11);
    check("draws_random", "random-bytes = 100", 100, 101);
    // The seed of hash maps is there all the same.
    let server = serve("remembers", "random-bytes = 0");
    let hashes = Payload::new("json/plain", "hash");
    assert_eq!(server.decode("limited", &[hashes]).status, 200);
    // 64 KiB are four thousand calls at the most, and some dozens at the least.
    check("recurses_as_deep_as_asked", "queue = 1", 1, 100);
    check("recurses_as_deep_as_asked", "stack-bytes = 65536", 1, 100);
}

#[test]
fn who_needs_more_stack_has_it_within_bounds() {
    let server = serve("needs_much_stack", "queue = 1");
    let answer = server.decode("limited", &[plain("x")]);
    assert_eq!(answer.payload(), plain("x"));

    // It is one of two sizes.
    let server = serve("needs_much_stack", "stack-bytes = 1048575");
    let answer = server.decode("limited", &[plain("x")]);
    assert_eq!(answer.status, 503);
    server.logs(&[
        "namespace limited",
        "needs more than 64 KiB of stack",
        "limits.stack-bytes",
    ]);
    assert_eq!(server.decode("good", &[plain("x")]).payload(), plain("x"));
    let server = serve("needs_much_stack", "stack-bytes = 1048576");
    let answer = server.decode("limited", &[plain("x")]);
    assert_eq!(answer.payload(), plain("x"));

    let server = serve("needs_too_much_stack", "queue = 1");
    let answer = server.decode("limited", &[plain("x")]);
    assert_eq!(answer.status, 503);
    server.logs(&["needs more than 1 MiB of stack"]);
}

#[test]
fn a_reply_is_bounded_in_size_and_in_what_it_costs_to_read() {
    let check = |limit: &str, bytes: usize, expected: Result<usize, &str>| {
        let config = format!(
            "[namespaces.limited]\ncomponent = \"huge_reply.wasm\"\n\
             settings = {{ bytes = \"{bytes}\" }}\nlimits = {{ {limit} }}\n"
        );
        let answer = Setup::config(&config)
            .start()
            .decode("limited", &[plain("x")]);
        let told = match answer.status {
            200 => Ok(answer.payload().data.len()),
            _ => Err(answer.text()),
        };
        assert_eq!(told, expected, "{limit}");
    };
    // A hundred bytes are room for the records around the data.
    check("reply-bytes = 1000000", 999_900, Ok(999_900));
    check(
        "reply-bytes = 1000000",
        1_000_001,
        Err("the codec's answer is too large"),
    );
    check("lift-bytes = 1000000", 999_900, Ok(999_900));
    check(
        "lift-bytes = 1000000",
        1_000_001,
        Err("the codec's answer, or what it asks of the host, is too large"),
    );
}

#[test]
fn what_one_call_of_the_host_handles_is_bounded() {
    // What the framing of a payload adds, and the nonce.
    for (way, more) in [
        (b's', 0),
        (b'a', 0),
        (b'o', 0),
        (b'O', 0),
        (b'u', 0),
        (b'm', 27),
        (b'S', 39),
    ] {
        let limit = format!("hostcall-bytes = {}", 2_000 + more);
        let server = serve("has_the_host_handle_as_much_as_asked", &limit);
        let ask = |bytes: usize| server.decode("limited", &[data(vec![way; bytes])]);
        assert_eq!(ask(2_000).payload(), data(vec![way; 2_000]), "{way}");
        let answer = ask(2_001);
        let told = (answer.status, answer.text());
        assert_eq!(
            told,
            (500, "what the codec asks of the host is too large"),
            "{way}"
        );
    }
}

#[test]
fn a_payload_has_at_most_ten_thousand_entries_wherever_it_comes_from_a_guest() {
    let ask = |guest: &str, entries: usize| {
        serve(guest, "queue = 1").decode("limited", &[sized(entries)])
    };
    // `encoding` is one of them.
    let answer = ask("answers_externals", 9_999).payload();
    assert_eq!(answer.external.len(), 9_999);
    let answer = ask("answers_externals", 10_000);
    let told = (answer.status, answer.text());
    assert_eq!(told, (500, "the codec's answer is too large"));

    let inside = sized(10_000);
    assert_eq!(ask("marshals_externals", 10_000).payload(), inside);
    let answer = ask("marshals_externals", 10_001);
    let told = (answer.status, answer.text());
    assert_eq!(told, (500, "the codec crashed"));

    // Bytes are data, and bad ones are told.
    assert_eq!(ask("unmarshals_externals", 10_000).payload(), data([0]));
    assert_eq!(ask("unmarshals_externals", 10_001).payload(), data([1]));
}

#[test]
fn the_deadline_is_the_namespaces_own() {
    let server = serve("sleeps", "deadline-ms = 300");
    let asks = |millis: &str| server.decode("limited", &[data(millis)]);
    assert_eq!(asks("1").payload(), data("1"));
    let answer = asks("60000");
    let told = (answer.status, answer.text());
    assert_eq!(told, (504, "the codec took too long"));
}

#[test]
fn beyond_the_queue_a_call_is_shed_at_once() {
    let check = |calls: usize, shed: usize| {
        let server = serve(
            "waits_for_ever",
            "concurrency = 2, queue = 1, deadline-ms = 2000",
        );
        let (send, answers) = mpsc::channel();
        for _ in 0..calls {
            let (send, mut connection) = (send.clone(), server.connect());
            thread::spawn(move || {
                let answer = connection.ask(&Request::decode("limited", &[plain("x")]));
                send.send(answer).expect("somebody listens");
            });
        }
        // In the order in which they come: what is shed does not wait for what is in service.
        let answers: Vec<_> = answers.iter().take(calls).collect();
        for answer in &answers[..shed] {
            let told = (answer.status, answer.text());
            assert_eq!(told, (503, "this namespace's codec is busy"));
            assert_eq!(answer.header("retry-after"), Some("1"));
        }
        let stopped = answers.iter().filter(|answer| answer.status == 504);
        assert!(stopped.count() >= 2, "of {calls}");
        assert_eq!(server.decode("good", &[plain("x")]).payload(), plain("x"));
    };
    check(3, 0);
    check(4, 1);
    check(8, 5);
}

#[test]
fn a_namespace_that_holds_all_that_it_may_leaves_room_for_others() {
    let mut config = String::from("[namespaces.good]\ncomponent = \"identity.wasm\"\n");
    for holder in 0..3 {
        config.push_str(&format!(
            "[namespaces.h{holder}]\ncomponent = \"holds_the_pool.wasm\"\nlimits = {{ deadline-ms = 3000 }}\n"
        ));
    }
    let server = Setup::config(&config).start();
    let mut held: Vec<_> = (0..48).map(|_| server.connect()).collect();
    for (call, connection) in held.iter_mut().enumerate() {
        let request = Request::decode(&format!("h{}", call % 3), &[plain("x")]);
        connection.send(&request.bytes()).expect("sent");
    }
    // They all hold on, or one of these waits for a place.
    for _ in 0..100 {
        let answer = server.decode("good", &[plain("x")]);
        assert_eq!(answer.payload(), plain("x"));
    }
    for connection in &mut held {
        assert_eq!(
            connection.answer().status,
            504,
            "it was let in, and held on"
        );
    }
}

#[test]
fn what_a_guest_prints_is_bounded_per_call() {
    let check = |bytes: usize| {
        let config = format!(
            "[namespaces.limited]\ncomponent = \"prints.wasm\"\n\
             limits = {{ log-bytes = {bytes}, log-bytes-per-second = 1000000 }}\n"
        );
        let server = Setup::config(&config).log("debug").start();
        server.decode("limited", &[plain("x")]).payload();
        let line = server.logs(&["printed by the guest"]);
        // Escapes take more than one character each, and are all before the flood.
        let floods = line.matches("flood").count();
        let expected =
            bytes.saturating_sub("printed by the guest \u{1b}[31m\r\nFORGED line\n".len()) / 6;
        assert!(floods.abs_diff(expected) <= 1, "{floods} for {bytes} bytes");
    };
    check(1000);
    check(2000);
}

#[test]
fn what_a_namespace_prints_is_bounded_per_second() {
    let config = "[namespaces.limited]\ncomponent = \"prints.wasm\"\n\
                  limits = { log-bytes = 1000, log-bytes-per-second = 2500 }\n";
    let server = Setup::config(config).log("debug").start();
    let started = std::time::Instant::now();
    let mut connection = server.connect();
    for _ in 0..20 {
        connection
            .ask(&Request::decode("limited", &[plain("x")]))
            .payload();
    }
    let seconds = usize::try_from(started.elapsed().as_secs()).expect("few") + 2;
    server.logs(&["printed by the guest"]);
    let floods = server.log().matches("flood").count();
    assert!(
        floods * 6 <= seconds * 2500,
        "{floods} in {seconds} seconds"
    );
    assert!(floods * 6 > 2000, "more than two calls' worth");
}

/// Asks the guest to take all that it may, and how much that was.
fn answers(guest: &str, limit: &str, bytes: usize, expected: u32) {
    let server = serve(guest, limit);
    let answer = server.decode("limited", &[sized(bytes)]);
    assert_eq!(answer.payload(), data(expected.to_le_bytes()), "{limit}");
}

/// A server with the guest at the service of `limited`, with that limit.
fn serve(guest: &str, limit: &str) -> Server {
    let config = format!(
        r#"
        [namespaces.good]
        component = "identity.wasm"
        [namespaces.limited]
        component = "{guest}.wasm"
        limits = {{ {limit} }}
        [namespaces.limited.keyring]
        active = "k1"
        keys = {{ k1 = {{ env = "K1" }} }}
        "#
    );
    let key = tests::base64([7; 32]);
    Setup::config(&config).env("K1", &key).start()
}

fn data(bytes: impl AsRef<[u8]>) -> Payload {
    Payload::new("json/plain", bytes.as_ref())
}

/// A payload with that many bytes of data, for guests that look at the number.
fn sized(bytes: usize) -> Payload {
    data(vec![b'.'; bytes])
}
