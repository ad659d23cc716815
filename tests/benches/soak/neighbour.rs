//! What a namespace that spins costs its neighbour.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tests::{Payload, Request, Server, Setup, plain};

use crate::burner::Burners;
use crate::latencies::Latencies;

/// Clients of the good namespace, each waiting for its answer before it asks again.
const GOOD_CLIENTS: usize = 2;

/// Clients of the spinning one: ten times as many.
const SPINNING_CLIENTS: usize = 10 * GOOD_CLIENTS;

/// How long a good client thinks between two requests: people's pages do, too. Without it the
/// clients themselves would fill the machine, and be what is measured.
const THOUGHT: Duration = Duration::from_millis(1);

/// Rounds that the time is divided into: a noisy second is to hit both sides.
pub(crate) const ROUNDS: u32 = 5;

/// How long a spinning call goes on when nobody wants it any more.
const SPINS: Duration = Duration::from_millis(500);

/// Measures the good namespace alone, on an idle machine and on one that is kept awake, and next to
/// the spinning one, in turns.
pub(crate) fn run(each: Duration) {
    let config = format!(
        r#"
        [namespaces.good]
        component = "tag.wasm"
        limits = {{ deadline-ms = 60000 }}
        [namespaces.spins]
        component = "spins.wasm"
        limits = {{ deadline-ms = {} }}
        "#,
        SPINS.as_millis()
    );
    let server = Setup::config(&config).start();
    let [is_on, is_over] = [AtomicBool::new(false), AtomicBool::new(false)];
    let [mut alone, mut awake, mut next_to_it] = [const { Vec::new() }; 3];
    thread::scope(|scope| {
        for _ in 0..SPINNING_CLIENTS {
            scope.spawn(|| {
                let mut connection = server.connect();
                while !is_over.load(Ordering::Relaxed) {
                    if is_on.load(Ordering::Relaxed) {
                        connection.ask(&Request::decode("spins", &[plain("x")]));
                    } else {
                        thread::sleep(SPINS / 10);
                    }
                }
            });
        }
        for _ in 0..ROUNDS {
            alone.push(measure(&server, each / ROUNDS));
            let burners = Burners::light();
            awake.push(measure(&server, each / ROUNDS));
            drop(burners);
            is_on.store(true, Ordering::Relaxed);
            thread::sleep(SPINS / 5);
            next_to_it.push(measure(&server, each / ROUNDS));
            is_on.store(false, Ordering::Relaxed);
            // Until those that queue have had their turn as well.
            thread::sleep(SPINS * 3);
        }
        is_over.store(true, Ordering::Relaxed);
    });
    let [alone, awake, next_to_it] = [alone, awake, next_to_it].map(Latencies::all);
    println!("a neighbour that spins, with {SPINNING_CLIENTS} clients to {GOOD_CLIENTS}");
    alone.print("alone");
    awake.print("kept awake");
    next_to_it.print("next to it");
    next_to_it.print_ratios(&alone, "to alone");
    next_to_it.print_ratios(&awake, "to kept awake");
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
    // Whoever asks is on another machine, as a rule. What it waits for on this one before it sees
    // its answer is not the server's doing.
    codec_host::lanes::come_first();
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
