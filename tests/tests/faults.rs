//! A call in the sandbox takes no page from the kernel: its memory, its tables and its stack stay
//! resident and are wiped in place. With pages given back and faulted in again, a small request
//! costs several times as much, and more yet on several threads.

use tests::{Payload, Request, Server, Setup, plain};

/// Requests that are counted.
const REQUESTS: u64 = 1_000;

/// Faults that come with neither request: a thread's first look at something.
const STRAY: u64 = 50;

#[test]
fn small_calls_fault_in_no_page() {
    let server = Setup::demo().start();
    let encoded = encode(&server, plain(&"x".repeat(256)));
    let request = Request::decode("default", &[encoded]);
    faults(&server, &request, REQUESTS);
    let faults = faults(&server, &request, REQUESTS);
    assert!(faults < STRAY, "{faults} page faults in {REQUESTS} calls");
}

#[test]
fn calls_that_outgrow_what_stays_resident_are_counted() {
    let server = Setup::demo().start();
    let encoded = encode(&server, plain(&"x".repeat(6 << 20)));
    let request = Request::decode("default", &[encoded]);
    faults(&server, &request, 3);
    // Of huge pages a call takes some nine.
    let faults = faults(&server, &request, 20);
    // Or the other test proves nothing.
    assert!(faults > STRAY, "only {faults} page faults in 20 calls");
}

fn encode(server: &Server, payload: Payload) -> Payload {
    server.encode("default", &[payload]).payload()
}

/// How many pages the server faults in over that many requests, one after the other.
fn faults(server: &Server, request: &Request, requests: u64) -> u64 {
    let mut connection = server.connect();
    let before = minor_faults(server);
    for _ in 0..requests {
        assert_eq!(connection.ask(request).status, 200);
    }
    minor_faults(server) - before
}

/// proc(5): the second field is the program's name in parentheses, `minflt` the tenth.
fn minor_faults(server: &Server) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", server.id()));
    let stat = stat.expect("the server runs");
    let (_, fields) = stat.rsplit_once(") ").expect("a name in parentheses");
    let minor = fields.split(' ').nth(7).expect("the tenth field");
    minor.parse().expect("a number")
}
