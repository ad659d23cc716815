//! What a namespace that spins costs its neighbour.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tests::{Payload, Request, Server, Setup, plain};

use crate::latencies::Latencies;

/// Clients of the good namespace, each waiting for its answer before it asks again.
const GOOD_CLIENTS: usize = 2;

/// Clients of the spinning one: ten times as many.
const SPINNING_CLIENTS: usize = 10 * GOOD_CLIENTS;

/// How long a good client thinks between two requests: people's pages do, too. Without it the
/// clients themselves would fill the machine, and be what is measured.
const THOUGHT: Duration = Duration::from_millis(1);

/// Measures the good namespace alone, next to the spinning one, and alone again.
pub(crate) fn run(each: Duration) {
    let config = r#"
        [namespaces.good]
        component = "tag.wasm"
        limits = { deadline-ms = 60000 }
        [namespaces.spins]
        component = "spins.wasm"
    "#;
    let server = Setup::config(config).start();
    let alone = measure(&server, each);
    let is_over = AtomicBool::new(false);
    let next_to_it = thread::scope(|scope| {
        for _ in 0..SPINNING_CLIENTS {
            scope.spawn(|| {
                let mut connection = server.connect();
                while !is_over.load(Ordering::Relaxed) {
                    connection.ask(&Request::decode("spins", &[plain("x")]));
                }
            });
        }
        let latencies = measure(&server, each);
        is_over.store(true, Ordering::Relaxed);
        latencies
    });
    let again = measure(&server, each);
    println!("a neighbour that spins, with {SPINNING_CLIENTS} clients to {GOOD_CLIENTS}");
    alone.print("alone");
    next_to_it.print("next to it");
    again.print("alone again");
    println!(
        "  ratio        p50 {:.2}   p99 {:.2}",
        next_to_it.ratio(&alone, 0.5),
        next_to_it.ratio(&alone, 0.99)
    );
}

/// The latencies of good requests, in microseconds.
pub(crate) fn measure(server: &Server, each: Duration) -> Latencies {
    thread::scope(|scope| {
        let clients: Vec<_> = (0..GOOD_CLIENTS)
            .map(|_| scope.spawn(|| ask(server, each)))
            .collect();
        let latencies = clients
            .into_iter()
            .flat_map(|client| client.join().expect("a client"));
        Latencies::of(latencies)
    })
}

fn ask(server: &Server, each: Duration) -> Vec<u128> {
    let mut connection = server.connect();
    let payload = Payload::new("json/plain", vec![b'.'; 256]);
    let request = Request::decode("good", &[payload]);
    let started = Instant::now();
    let mut latencies = Vec::new();
    while started.elapsed() < each {
        let asked = Instant::now();
        connection.ask(&request).payload();
        latencies.push(asked.elapsed().as_micros());
        thread::sleep(THOUGHT);
    }
    latencies
}
