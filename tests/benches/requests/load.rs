//! The latency of small requests at 70 % of the rate that saturates the server, while another
//! namespace decodes a megabyte after the other.
//!
//! Arrivals are random and do not wait for answers: a request that finds its client busy counts
//! from when it was due.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

use crate::cases::Case;
use crate::http1::Client;
use crate::options::Options;
use crate::servers::{Alone, NAMESPACE, OTHER_NAMESPACE};

/// Clients of the small requests.
const CLIENTS: usize = 8;

/// Share of the saturation rate.
const SHARE: f64 = 0.7;

/// p99 to p50.
const GOAL: f64 = 5.0;

pub(crate) fn measure(options: &Options) {
    let host = Alone::start(&[NAMESPACE, OTHER_NAMESPACE]);
    let address = host.server.address;
    let small = Case::decode(&host.server, 256);
    let large = Case::decode(&host.server, 1 << 20);
    let time = options.cell * 12;
    let over = AtomicBool::new(false);
    let connect = |namespace: &'static str, case: &Case| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let client = runtime.block_on(Client::open(address, namespace, case.verb, &case.body));
        Asker { runtime, client }
    };
    let run = |pace: Pace| {
        let clients: Vec<_> = (0..CLIENTS).map(|_| connect(NAMESPACE, &small)).collect();
        thread::scope(|scope| {
            let asking: Vec<_> = clients
                .into_iter()
                .enumerate()
                .map(|(seed, client)| scope.spawn(move || client.ask_for(time, pace, seed)))
                .collect();
            let asked = asking
                .into_iter()
                .flat_map(|ask| ask.join().expect("asked"));
            let mut latencies: Vec<_> = asked.collect();
            latencies.sort();
            latencies
        })
    };

    println!("\nA 256 B decode at {SHARE} of the saturation rate, on all cores");
    for beside in ["nothing else", "1 MiB decodes of another namespace"] {
        let megabytes = beside != "nothing else";
        over.store(!megabytes, Ordering::Relaxed);
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut client = connect(OTHER_NAMESPACE, &large);
                while !over.load(Ordering::Relaxed) {
                    client.ask();
                }
            });
            let saturated = run(Pace::Closed).len() as f64 / time.as_secs_f64();
            let rate = saturated * SHARE;
            let latencies = run(Pace::Open(rate / CLIENTS as f64));
            over.store(true, Ordering::Relaxed);
            let quantile = |share: f64| {
                let at = (latencies.len() - 1) as f64 * share;
                latencies[at.round() as usize].as_secs_f64() * 1e6
            };
            let (half, most) = (quantile(0.5), quantile(0.99));
            let mark = if most / half <= GOAL {
                "met"
            } else {
                "NOT MET"
            };
            println!(
                "beside {beside}: {rate:.0} requests/s, p50 {half:.0} µs, p99 {most:.0} µs, \
                 {:.1} times (≤ {GOAL}: {mark})",
                most / half
            );
        });
    }
}

/// When a client asks.
#[derive(Clone, Copy)]
enum Pace {
    /// As soon as it has its answer.
    Closed,
    /// That many times a second, at random.
    Open(f64),
}

struct Asker {
    runtime: Runtime,
    client: Client,
}

impl Asker {
    fn ask(&mut self) {
        let answer = self.runtime.block_on(self.client.ask());
        assert!(!answer.is_empty());
    }

    fn ask_for(mut self, time: Duration, pace: Pace, seed: usize) -> Vec<Duration> {
        // Clients have machines of their own, as a rule: what they wait for is the server only.
        codec_host::lanes::come_first();
        let mut random = 0x9e37_79b9_7f4a_7c15_u64 ^ (seed as u64 + 1) << 7;
        let mut latencies = Vec::new();
        let begun = Instant::now();
        let mut due = begun;
        while begun.elapsed() < time {
            let from = match pace {
                Pace::Closed => Instant::now(),
                Pace::Open(rate) => {
                    due += Duration::from_secs_f64(exponential(&mut random) / rate);
                    let early = due.saturating_duration_since(Instant::now());
                    // The clock wakes late, and that is not the server's doing; being late
                    // because of the last answer is.
                    if early.is_zero() {
                        due
                    } else {
                        thread::sleep(early);
                        Instant::now()
                    }
                }
            };
            self.ask();
            latencies.push(from.elapsed());
        }
        latencies
    }
}

/// Of mean 1, by Marsaglia's xorshift.
fn exponential(random: &mut u64) -> f64 {
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    -(((*random >> 11) as f64 + 1.0) / (1u64 << 53) as f64).ln()
}
