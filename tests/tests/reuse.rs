//! Instances that are called again, where a namespace opted in: for so many calls, for so long, for
//! one namespace only, and never after a failure.

use tests::{Payload, Server, Setup, guest, plain, until};

fn serve(reuse: &str) -> Server {
    let config = format!(
        "[namespaces.one]\ncomponent = \"remembers.wasm\"\n{reuse}\n\
         [fallback]\ncomponent = \"remembers.wasm\"\n{reuse}\n"
    );
    Setup::config(&config)
        .file("remembers.wasm", guest("remembers"))
        .start()
}

/// How many calls the instance had before that served this one.
fn calls_before(server: &Server, namespace: &str) -> u32 {
    let answer = server.decode(namespace, &[plain("x")]);
    let calls = answer.payload().note("x-calls-before");
    calls.parse().expect("a number")
}

fn told(text: &str) -> Payload {
    Payload {
        data: text.into(),
        ..plain("")
    }
}

#[test]
fn an_instance_serves_as_many_calls_as_it_may() {
    let server = serve("reuse-calls = 3");
    let calls: Vec<u32> = (0..7).map(|_| calls_before(&server, "one")).collect();
    assert_eq!(calls, [0, 1, 2, 0, 1, 2, 0]);
}

#[test]
fn whoever_does_not_opt_in_gets_a_fresh_one_every_time() {
    for reuse in ["", "reuse-calls = 1", "reuse-age-ms = 60000"] {
        let server = serve(reuse);
        let calls: Vec<u32> = (0..3).map(|_| calls_before(&server, "one")).collect();
        assert_eq!(calls, [0, 0, 0], "{reuse}");
    }
}

#[test]
fn an_instance_becomes_as_old_as_it_may() {
    let server = serve("reuse-calls = 1000000\nreuse-age-ms = 300");
    let mut calls = 0;
    until("a fresh one", || {
        let before = calls_before(&server, "one");
        let is_fresh = before == 0 && calls > 0;
        calls += 1;
        is_fresh.then_some(())
    });
    // It served more than one call before.
    assert!(calls > 2, "{calls}");
}

#[test]
fn an_instance_serves_no_other_namespace() {
    let server = serve("reuse-calls = 100");
    assert_eq!(calls_before(&server, "one"), 0);
    // These two share the fallback's codec.
    assert_eq!(calls_before(&server, "two"), 0);
    assert_eq!(calls_before(&server, "three"), 0);
    assert_eq!(calls_before(&server, "two"), 1);
    assert_eq!(calls_before(&server, "three"), 1);
    assert_eq!(calls_before(&server, "one"), 1);
}

#[test]
fn an_instance_that_failed_or_grew_large_serves_no_more() {
    let server = serve("reuse-calls = 100");
    let check = |text: &str, status: u16| {
        calls_before(&server, "one");
        assert!(calls_before(&server, "one") > 0, "{text}");
        assert_eq!(server.decode("one", &[told(text)]).status, status, "{text}");
        assert_eq!(calls_before(&server, "one"), 0, "{text}");
    };
    check("panic", 500);
    check("grow", 200);
}

#[test]
fn a_codec_may_print_now_and_then() {
    let server = serve("reuse-calls = 1000");
    for text in ["print", "ask for too much", "print"] {
        // These end up where nothing can be waited for, as printing has to be.
        for _ in 0..80 {
            calls_before(&server, "one");
        }
        assert_eq!(server.decode("one", &[told(text)]).status, 200, "{text}");
    }
    assert!(calls_before(&server, "one") > 0);
}

#[test]
fn the_built_in_codec_needs_no_more_memory_for_many_calls() {
    let server = Setup::config(
        "[namespaces.one]\ncomponent = \"built-in\"\nreuse-calls = 1000000\n\
         [namespaces.one.limits]\nmemory-bytes = 196608\n\
         [namespaces.one.keyring]\nactive = \"k\"\n\
         [namespaces.one.keyring.keys.k]\nfile = \"k\"\nencoding = \"raw\"\n",
    )
    .file("k", [7; 32])
    .start();
    let list = vec![plain(&"x".repeat(256)); 20];
    let encoded = server.encode("one", &list).payloads();
    let mut connection = server.connect();
    for _ in 0..500 {
        let answer = connection.ask(&tests::Request::decode("one", &encoded));
        assert_eq!((answer.status, answer.payloads()), (200, list.clone()));
    }
}
