//! What a codec does to its own request, and to nobody else's.

use std::net::TcpListener;
use std::thread;

use tests::{Answer, Payload, Request, Server, Setup, from_base64, only, plain, until};

#[test]
fn a_codec_that_fails_costs_its_own_request_and_nothing_more() {
    let server = Setup::config(CONFIG).start();
    let check = |namespace: &str, payload: Payload, status: u16, text: &str| {
        for verb in [Request::decode, Request::encode] {
            let answer = server.ask(&verb(namespace, &[payload.clone(), plain("other")]));
            assert_eq!(answer.status, status, "{namespace}: {}", answer.text());
            assert!(
                answer.text().contains(text),
                "{namespace}: {}",
                answer.text()
            );
            assert!(!answer.text().contains("payloads"), "{}", answer.text());
            // The next request of the same namespace, and of another.
            assert_eq!(server.decode(namespace, &[]).payloads(), []);
            assert_eq!(
                server.decode("plain", &[plain("in")]).payload(),
                plain("in")
            );
        }
    };
    check("traps", plain("in"), 500, "the codec crashed");
    check("exits", plain("in"), 500, "the codec crashed");
    check("recurses", plain("in"), 500, "the codec crashed");
    check("hog", plain("in"), 500, "the codec ran out of memory");
    check("fewer", plain("in"), 500, "breaks the contract");
    check("more", plain("in"), 500, "breaks the contract");
    check("duplicate", plain("in"), 500, "breaks the contract");
    check("huge", plain("in"), 500, "too large");
    check("spins", plain("in"), 504, "took too long");
    check(
        "sleeps",
        Payload::new("binary/plain", "60000"),
        504,
        "took too long",
    );
    check("says-later", plain("in"), 503, "cannot be had now");
    check("says-invalid", plain("in"), 400, "payload 0: ");
    assert_eq!(
        server
            .decode("spins", &[Payload::new("binary/plain", "quick")])
            .status,
        200
    );
}

#[test]
fn a_reply_may_be_as_large_as_its_limit() {
    let check = |bytes: usize, status: u16| {
        let config = format!(
            "[namespaces.huge]\ncomponent = \"huge_reply.wasm\"\n\
             settings = {{ bytes = \"{bytes}\" }}\nlimits = {{ reply-bytes = 100000 }}\n"
        );
        let server = Setup::config(&config).start();
        assert_eq!(
            server.decode("huge", &[plain("in")]).status,
            status,
            "{bytes}"
        );
        // The limit is on all of them together.
        let two = [plain("in"), plain("in")];
        let expected = if 2 * bytes <= 100_000 { 200 } else { 500 };
        assert_eq!(
            server.decode("huge", &two).status,
            expected,
            "{bytes} twice"
        );
    };
    check(50_000, 200);
    check(50_001, 200);
    check(100_000, 200);
    check(100_001, 500);
    check(30_000_000, 500);
}

#[test]
fn a_codecs_words_are_bounded_and_do_nothing_to_a_terminal() {
    let server = Setup::config(&only(CONFIG, &["says-invalid"]))
        .log("debug")
        .start();
    let answer = server.decode("says-invalid", &[plain("in")]);
    assert_eq!(answer.status, 400);
    let text = answer.text();
    assert!(text.starts_with("payload 0: \u{fffd}[31mred"), "{text}");
    assert!((400..=500).contains(&text.len()), "{} bytes", text.len());
    assert!(!text.contains(char::is_control));
    assert_eq!(answer.header("set-cookie"), None);
    server.logs(&["status=400"]);
    assert!(!server.log().contains(['\u{1b}', '\u{9b}', '\r', '\0']));
}

#[test]
fn nothing_of_a_call_is_there_in_the_next_one() {
    let server = Setup::config(&only(CONFIG, &["remembers"])).start();
    let mut connection = server.connect();
    for n in 0..50 {
        let request = Request::decode("remembers", &[plain(&n.to_string()), plain("second")]);
        let answered = connection.ask(&request).payloads();
        assert_eq!(answered[0].note("x-calls-before"), "0");
        assert_eq!(answered[0].note("x-last"), "");
        assert_eq!(
            answered[1].note("x-last"),
            format!("\"{n}\""),
            "it does remember"
        );
    }
}

#[test]
fn a_codec_has_no_powers() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.set_nonblocking(true).expect("a socket option");
    let target = listener.local_addr().expect("an address").to_string();
    let server = Setup::config(&only(CONFIG, &["looks"]))
        .env("CODEC_HOST_TEST", "secret")
        .start();
    let payload = Payload::new("binary/plain", target);
    let saw = server.decode("looks", &[payload]).payload();
    let check = |what: &str, expected: &str| assert_eq!(saw.note(what), expected, "{what}");
    check("x-files", "0");
    check("x-written", "false");
    check("x-environment", "0");
    check("x-arguments", "0");
    check("x-connected", "false");
    check("x-listening", "false");
    check("x-sent", "false");
    check("x-resolved", "false");
    check("x-clocks-moved", "false");
    assert!(listener.accept().is_err(), "somebody connected");
    assert!(!std::path::Path::new("/tmp/codec-host-test-written-by-a-guest").exists());
}

#[test]
fn what_a_codec_prints_is_bounded_escaped_and_for_debugging() {
    let prints = |level: &str| {
        let server = Setup::config(&only(CONFIG, &["prints", "traps"]))
            .log(level)
            .start();
        let before = server.log().len();
        assert_eq!(
            server.decode("prints", &[plain("in")]).payload(),
            plain("in")
        );
        // A later request, so that what belongs to the first is surely there.
        assert_eq!(server.decode("traps", &[plain("in")]).status, 500);
        server.logs(&["status=500"]);
        server.log()[before..].to_owned()
    };
    let log = prints("debug");
    assert!(log.contains("printed by the guest"), "{log}");
    assert!(!log.contains("end of the flood"));
    assert!(log.len() < 10_000, "{} bytes", log.len());
    assert!(!log.contains('\u{1b}'));
    assert!(!log.lines().any(|line| line.starts_with("FORGED")));
    assert!(!prints("info").contains("printed by the guest"));
}

#[test]
fn keys_are_used_by_handle_and_their_bytes_are_a_grant() {
    let server = Setup::config(&only(CONFIG, &["keys", "keys-granted", "keys-none"]))
        .file("k1", "AAECAwQFBgcICQoLDA0ODw==")
        .start();
    let check = |namespace: &str, exported: &str| {
        let encoded = server.encode(namespace, &[plain("in")]).payload();
        assert_eq!(encoded.note("x-exported"), exported);
        assert_eq!(encoded.note("x-key"), "k1");
        assert!(!encoded.data.windows(4).any(|window| window == b"\"in\""));
        assert_eq!(server.decode(namespace, &[encoded]).payload(), plain("in"));
    };
    check("keys", "not granted");
    check("keys-granted", "16 bytes");
    assert_eq!(from_base64("AAECAwQFBgcICQoLDA0ODw==").len(), 16);
    server.logs(&["keys-granted", "export the bytes of its keys"]);
    let answer = server.encode("keys-none", &[plain("in")]);
    assert_eq!(answer.status, 400, "{}", answer.text());
}

#[test]
fn one_namespace_cannot_take_the_slots_of_another() {
    let server = Setup::config(&only(CONFIG, &["plain", "one-slot"])).start();
    thread::scope(|scope| {
        let spinning: Vec<_> = (0..6)
            .map(|_| scope.spawn(|| server.decode("one-slot", &[plain("in")])))
            .collect();
        for _ in 0..50 {
            let answer = server.decode("plain", &[plain("in")]);
            assert_eq!(answer.payload(), plain("in"));
        }
        let answers: Vec<Answer> = spinning
            .into_iter()
            .map(|request| request.join().expect("answered"))
            .collect();
        let count = |status: u16| answers.iter().filter(|one| one.status == status).count();
        assert_eq!(count(504) + count(503), 6, "{answers:?}");
        assert!(count(504) >= 1 && count(503) >= 1, "{answers:?}");
        for shed in answers.iter().filter(|one| one.status == 503) {
            assert!(shed.text().contains("busy"), "{}", shed.text());
            assert!(shed.header("retry-after").is_some());
        }
    });
    assert_eq!(server.decode("one-slot", &[]).payloads(), []);
}

#[test]
fn who_gives_up_frees_the_slot() {
    let server = Setup::config(&only(CONFIG, &["one-long-slot"])).start();
    let mut connection = server.connect();
    let request = Request::decode("one-long-slot", &[plain("in")]);
    connection.send(&request.bytes()).expect("sent");
    drop(connection);
    until("the slot is free", || is_free(&server).then_some(()));
}

fn is_free(server: &Server) -> bool {
    server.decode("one-long-slot", &[]).status == 200
}

const CONFIG: &str = r#"
[namespaces.plain]
component = "identity.wasm"
[namespaces.traps]
component = "traps.wasm"
[namespaces.exits]
component = "exits.wasm"
[namespaces.recurses]
component = "recurses.wasm"
[namespaces.hog]
component = "hog.wasm"
limits = { memory-bytes = 8388608 }
[namespaces.fewer]
component = "fewer.wasm"
[namespaces.more]
component = "more.wasm"
[namespaces.duplicate]
component = "duplicate_key.wasm"
[namespaces.huge]
component = "huge_reply.wasm"
settings = { bytes = "3000" }
limits = { reply-bytes = 5000 }
[namespaces.spins]
component = "spins.wasm"
limits = { deadline-ms = 100 }
[namespaces.one-slot]
component = "spins.wasm"
limits = { deadline-ms = 700, concurrency = 1 }
[namespaces.one-long-slot]
component = "spins.wasm"
limits = { deadline-ms = 60000, concurrency = 1 }
[namespaces.sleeps]
component = "sleeps.wasm"
limits = { deadline-ms = 100 }
[namespaces.says-later]
component = "unavailable.wasm"
[namespaces.says-invalid]
component = "invalid.wasm"
[namespaces.remembers]
component = "remembers.wasm"
[namespaces.looks]
component = "looks.wasm"
[namespaces.prints]
component = "prints.wasm"
[namespaces.keys]
component = "keys.wasm"
keyring = { active = "k1", keys.k1.file = "k1" }
[namespaces.keys-granted]
component = "keys.wasm"
keyring = { active = "k1", export-keys = true, keys.k1.file = "k1" }
[namespaces.keys-none]
component = "keys.wasm"
"#;
