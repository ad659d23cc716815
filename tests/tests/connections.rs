//! How a connection lives through what is sent on it.

use tests::{Connection, Request, Setup, TENANTS, body, only, plain, until};

#[test]
fn what_is_declared_too_large_is_refused_without_being_awaited() {
    let server = Setup::config(&only(TENANTS, &["plain"])).start();
    let mut connection = server.connect();
    let request = Request::post("/plain/decode", "").header("Expect", "100-continue");
    let head = request.head("Content-Length: 1000000000000\r\n");
    connection.send(&head).expect("sent");
    let answer = connection.answer();
    assert_eq!(answer.status, 413);
    assert_eq!(answer.header("connection"), Some("close"));
    assert!(connection.is_ended());
}

#[test]
fn who_sends_all_before_reading_sees_why_it_was_too_much() {
    let server = Setup::demo().start();
    let check = |size: usize| {
        let answer = server.ask(&Request::post("/any/decode", vec![b' '; size]));
        assert_eq!(answer.status, 413, "{size}");
    };
    check((16 << 20) + 1);
    check(40 << 20);
}

#[test]
fn who_asks_before_sending_is_told_to_go_on_or_why_not() {
    let server = Setup::config(&only(TENANTS, &["plain"])).start();
    let json = body(&[plain("in")]);
    let length = format!("Content-Length: {}\r\n", json.len());
    let expecting = |path: &str| Request::post(path, "").header("Expect", "100-continue");

    let mut connection = server.connect();
    for _ in 0..2 {
        let head = expecting("/plain/decode").head(&length);
        connection.send(&head).expect("sent");
        assert_eq!(connection.answer().status, 100);
        connection.send(json.as_bytes()).expect("sent");
        assert_eq!(connection.answer().payload(), plain("in"));
    }

    let check = |request: Request, status: u16| {
        let mut connection = server.connect();
        connection.send(&request.head(&length)).expect("sent");
        assert_eq!(connection.answer().status, status, "{request:?}");
    };
    check(expecting("/elsewhere"), 404);
    check(expecting("/nobody/decode"), 404);
    check(
        expecting("/plain/decode").header("Content-Encoding", "br"),
        415,
    );
}

#[test]
fn a_connection_survives_every_error_of_a_request() {
    let server = Setup::config(TENANTS).start();
    let mut connection = server.connect();
    let errors = [
        Request::post("/plain/decode", "not JSON"),
        Request::post("/elsewhere", body(&[plain("in")])),
        Request::decode("nobody", &[plain("in")]),
        Request::decode("a/b", &[plain("in")]),
        Request::decode("plain", &[plain("in")]).header("Content-Type", "text/plain"),
        Request::decode("plain", &[plain("in")]).header("Origin", "https://elsewhere.example"),
        Request::new("GET", "/plain/decode").body("with a body"),
        Request::decode("traps", &[plain("in")]),
        Request::decode("spins", &[plain("in")]),
        Request::decode("says-later", &[plain("in")]),
        Request::decode("stillborn", &[plain("in")]),
    ];
    for error in errors {
        assert!(connection.ask(&error).status >= 400, "{error:?}");
        let fine = connection.ask(&Request::decode("plain", &[plain("fine")]));
        assert_eq!(fine.payload(), plain("fine"), "after {error:?}");
    }
}

#[test]
fn a_large_body_that_nobody_wants_does_not_hide_the_answer() {
    let server = Setup::demo().start();
    let check = |request: Request, status: u16| {
        let request = request.body(vec![b' '; 8 << 20]);
        assert_eq!(server.ask(&request).status, status);
    };
    check(Request::post("/elsewhere", ""), 404);
    check(
        Request::post("/decode", "").header("X-Namespace", "a/b"),
        400,
    );
    check(
        Request::post("/decode", "").header("Content-Type", "text/plain"),
        415,
    );
    check(
        Request::post("/decode", "").header("Origin", "https://elsewhere.example"),
        403,
    );
    check(Request::new("PUT", "/decode"), 405);
}

#[test]
fn requests_in_a_row_are_answered_in_their_order() {
    let server = Setup::config(&only(TENANTS, &["plain"])).start();
    let mut row = Vec::new();
    for n in 0..20 {
        row.extend(Request::decode("plain", &[plain(&n.to_string())]).bytes());
        row.extend(Request::post("/plain/decode", "{").bytes());
        row.extend(Request::decode("plain", &[plain(&n.to_string())]).chunked(3));
    }
    let mut connection = server.connect();
    connection.send(&row).expect("sent");
    for n in 0..20 {
        assert_eq!(connection.answer().payload(), plain(&n.to_string()));
        assert_eq!(connection.answer().status, 400);
        assert_eq!(connection.answer().payload(), plain(&n.to_string()));
    }
}

/// Not one to wake itself, for one: that of a timer would be another.
#[cfg(target_os = "linux")]
#[test]
fn an_answer_is_one_write() {
    const REQUESTS: u64 = 500;
    let server = Setup::config(&only(TENANTS, &["plain"])).start();
    let mut connection = server.connect();
    let request = Request::decode("plain", &[plain("in")]);
    let mut ask = || assert_eq!(connection.ask(&request).payload(), plain("in"));
    ask();
    let writes = || {
        let path = format!("/proc/{}/io", server.id());
        let text = std::fs::read_to_string(path).expect("what the server has read and written");
        let line = text.lines().find_map(|line| line.strip_prefix("syscw: "));
        line.and_then(|count| count.parse::<u64>().ok())
            .expect("a count")
    };
    let before = writes();
    (0..REQUESTS).for_each(|_| ask());
    // Some are of threads that have nothing to do with requests.
    let writes = writes() - before;
    assert!((REQUESTS..REQUESTS * 5 / 4).contains(&writes), "{writes}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_connection_is_served_by_the_thread_that_has_the_fewest() {
    use std::collections::{BTreeMap, BTreeSet};

    const REQUESTS: u64 = 200;
    let server = Setup::config(&only(TENANTS, &["plain"])).start();
    let request = Request::decode("plain", &[plain("in")]);
    let used = || {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", server.id()));
        let threads = tasks.expect("the server runs").filter_map(|task| {
            let path = task.ok()?.path();
            let name = std::fs::read_to_string(path.join("comm")).ok()?;
            let text = std::fs::read_to_string(path.join("schedstat")).ok()?;
            let nanoseconds: u64 = text.split(' ').next()?.parse().ok()?;
            (name.trim() == "requests").then_some((path, nanoseconds))
        });
        threads.collect::<BTreeMap<_, _>>()
    };
    let thread_of = |connection: &mut Connection| {
        let before = used();
        for _ in 0..REQUESTS {
            assert_eq!(connection.ask(&request).payload(), plain("in"));
        }
        let most = |(path, used): &(_, u64)| used - before[path];
        let (path, _) = used().into_iter().max_by_key(most).expect("a thread");
        path
    };
    let processors = std::thread::available_parallelism();
    let threads = processors.expect("a number").get();
    // They name themselves.
    until("there are as many threads as processors", || {
        (used().len() == threads).then_some(())
    });

    let mut connections: Vec<_> = (0..threads).map(|_| server.connect()).collect();
    let serving: Vec<_> = connections.iter_mut().map(thread_of).collect();
    assert_eq!(serving.iter().collect::<BTreeSet<_>>().len(), threads);
    drop(connections.remove(0));
    until(
        "the thread of the connection that ended has the next",
        || (thread_of(&mut server.connect()) == serving[0]).then_some(()),
    );
}

#[test]
fn a_body_that_comes_byte_by_byte_is_a_body() {
    let server = Setup::config(&only(TENANTS, &["plain"])).start();
    let mut connection = server.connect();
    for byte in Request::decode("plain", &[plain("slowly")]).bytes() {
        connection.send(&[byte]).expect("sent");
    }
    assert_eq!(connection.answer().payload(), plain("slowly"));
}

#[test]
fn a_slow_body_is_answered_with_408_and_the_connection_ends() {
    let server = Setup::config(&only(TENANTS, &["plain"]).replace("[limits]", HASTY)).start();
    let mut connection = server.connect();
    let head = Request::post("/plain/decode", "").head("Content-Length: 1000\r\n");
    connection.send(&head).expect("sent");
    connection.send(b"{\"payloads\":").expect("sent");
    let answer = connection.answer();
    assert_eq!(answer.status, 408);
    assert!(connection.is_ended());
    assert_eq!(server.decode("plain", &[plain("in")]).status, 200);
}

#[test]
fn a_slow_head_costs_the_connection() {
    let server = Setup::config(&only(TENANTS, &["plain"]).replace("[limits]", HASTY)).start();
    let mut silent = server.connect();
    assert!(
        silent.is_ended(),
        "nothing was sent, and nothing comes back"
    );

    let mut half = server.connect();
    half.send(b"POST /plain/decode HTTP/1.1\r\nHost")
        .expect("sent");
    let answer = half.try_answer("POST").expect("an answer or an end");
    assert!(answer.is_none_or(|answer| answer.status == 408));

    // Neither kind of HTTP yet.
    let mut undecided = server.connect();
    undecided.send(b"PRI * HTTP/2.0\r\n").expect("sent");
    assert!(undecided.is_ended(), "nothing more was sent");

    let mut trickling = server.connect();
    trickling
        .send(b"POST /plain/decode HTTP/1.1\r\nX: ")
        .expect("sent");
    until("the server ends the connection", || {
        trickling.send(b"x").is_err().then_some(())
    });

    let mut idle = server.connect();
    assert_eq!(
        idle.ask(&Request::decode("plain", &[plain("in")])).status,
        200
    );
    assert!(idle.is_ended(), "it has no more requests, and a deadline");
}

#[test]
fn a_body_that_breaks_off_is_no_request() {
    let server = Setup::config(&only(TENANTS, &["plain"]))
        .log("debug")
        .start();
    let json = body(&[plain("in")]);
    let check = |framing: &str, sent: &[u8]| {
        let mut connection = server.connect();
        let head = Request::post("/plain/decode", "").head(framing);
        connection.send(&head).expect("sent");
        connection.send(sent).expect("sent");
        connection.finish();
        let answer = connection.try_answer("POST").expect("an answer or an end");
        assert!(
            answer.is_none_or(|answer| answer.status == 400),
            "{framing}"
        );
        assert!(connection.is_ended());
    };
    check("Content-Length: 1000\r\n", json.as_bytes());
    check("Transfer-Encoding: chunked\r\n", b"ff\r\n{\"payloads\":");
    check("Transfer-Encoding: chunked\r\n", b"2\r\n{}\r\n");
    check("Transfer-Encoding: chunked\r\n", b"2\r\n{}XX0\r\n\r\n");
    check("Transfer-Encoding: chunked\r\n", b"zz\r\n{}\r\n0\r\n\r\n");
    assert_eq!(server.decode("plain", &[plain("in")]).status, 200);
    assert!(
        !server
            .log()
            .contains("status=200 verb=\"decode\" namespace=\"plain\" payloads=0")
    );
}

#[test]
fn a_request_that_says_two_lengths_is_refused() {
    let server = Setup::config(&only(TENANTS, &["plain"])).start();
    let check = |framing: &str, body: &[u8]| {
        let mut connection = server.connect();
        let head = Request::post("/plain/decode", "").head(framing);
        connection.send(&head).expect("sent");
        connection.send(body).expect("sent");
        let answer = connection.try_answer("POST").expect("an answer or an end");
        assert!(
            answer.is_none_or(|answer| answer.status == 400),
            "{framing}"
        );
        assert!(connection.is_ended(), "{framing}");
    };
    check("Content-Length: 2\r\nContent-Length: 3\r\n", b"{} ");
    check("Content-Length: -1\r\n", b"");
    check("Content-Length: 2x\r\n", b"{}");
    check("Transfer-Encoding: gzip\r\n", b"{}");
    check("Transfer-Encoding: chunked, gzip\r\n", b"{}");
}

/// Deadlines that a test can await.
const HASTY: &str = "[limits]\nheader-deadline-ms = 300\nbody-deadline-ms = 300";
