//! What reading and writing a body costs: `cargo run --release -p proto --example throughput`.

use std::hint::black_box;
use std::time::{Duration, Instant};

use proto::json::{self, UnknownFields};
use proto::{Batch, Payload};

/// Long enough for a hundred rounds of the slowest row.
const ROUND: Duration = Duration::from_millis(300);

fn main() {
    println!(
        "{:>16} {:>10} {:>12} {:>8}",
        "body", "", "ns per op", "MB/s"
    );
    for (count, size) in [
        (1, 256),
        (1, 4 << 10),
        (1, 64 << 10),
        (1, 1 << 20),
        (100, 256),
    ] {
        let payloads: Batch = vec![payload(size); count].iter().collect();
        let body = json::write(&payloads);
        let name = format!("{count} × {size} B");
        measure(&name, "read", body.len(), || {
            json::read(black_box(&body), UnknownFields::Ignore).map(|payloads| payloads.len())
        });
        measure(&name, "write", body.len(), || {
            json::write(black_box(&payloads)).len()
        });
    }
}

fn payload(size: usize) -> Payload {
    let data = (0..size).map(|at| (at * 31 % 251).to_le_bytes()[0]);
    Payload {
        metadata: [
            ("encoding".to_owned(), b"binary/encrypted".to_vec()),
            ("encryption-key-id".to_owned(), b"test-key-id".to_vec()),
        ]
        .into(),
        data: data.collect(),
        external_payloads: Vec::new(),
    }
}

/// Megabytes are those of JSON, whichever way.
fn measure<T>(name: &str, what: &str, bytes: usize, mut run: impl FnMut() -> T) {
    let start = Instant::now();
    let mut runs: u32 = 0;
    while start.elapsed() < ROUND {
        for _ in 0..16 {
            black_box(run());
        }
        runs += 16;
    }
    let seconds = start.elapsed().as_secs_f64() / f64::from(runs);
    let rate = bytes as f64 / seconds / 1e6;
    println!("{name:>16} {what:>10} {:>12.0} {rate:>8.0}", seconds * 1e9);
}
