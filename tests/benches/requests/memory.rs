//! Resident memory: idle, per request under way, and after many requests.

use std::time::{Duration, Instant};

use crate::cases::Case;
use crate::http1::Client;
use crate::options::Options;
use crate::servers::{ALL_CORES, Alone, NAMESPACE, Server};

/// 1 MiB requests at once: what one namespace may have under way.
const AT_ONCE: usize = 16;

/// What a 1 MiB request under way may cost at the peak, in MiB.
const GOAL: f64 = 6.0;

/// How long a server is left alone before its memory is read.
const REST: Duration = Duration::from_secs(2);

pub(crate) fn measure(options: &Options) {
    println!("\nResident memory, MiB");
    let names: Vec<_> = (0..1000).map(|number| format!("n{number}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let thousand = Alone::start(ALL_CORES, &names);
    println!(
        "idle, 1,000 namespaces: {:.1}",
        mebibytes(&thousand.server, "VmRSS")
    );
    drop(thousand);

    let host = Alone::start(ALL_CORES, &[NAMESPACE]);
    let server = &host.server;
    println!("idle, 1 namespace: {:.1}", mebibytes(server, "VmRSS"));
    let large = Case::decode(server, 1 << 20);
    let small = Case::decode(server, 256);
    ask(server, &large, 1, AT_ONCE);
    let one = mebibytes(server, "VmHWM");
    ask(server, &large, AT_ONCE, AT_ONCE * 10);
    let many = mebibytes(server, "VmHWM");
    let each = (many - one) / (AT_ONCE - 1) as f64;
    let mark = if each <= GOAL { "met" } else { "NOT MET" };
    println!(
        "peak, 1 MiB requests: 1 at once {one:.1}, {AT_ONCE} at once {many:.1}, \
         {each:.1} for each more (≤ {GOAL}: {mark})"
    );
    let rested = after_rest(server);
    println!("after them: {rested:.1}");

    ask(server, &small, 4, options.requests / 10);
    let early = after_rest(server);
    ask(server, &small, 4, options.requests);
    let late = after_rest(server);
    println!(
        "after {} small requests: {early:.1}, after {} more: {late:.1}",
        options.requests / 10,
        options.requests
    );
}

fn ask(server: &Server, case: &Case, at_once: usize, requests: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(tokio::task::LocalSet::new().run_until(async {
        let mut asking = Vec::new();
        for _ in 0..at_once {
            let (verb, body) = (case.verb, &case.body);
            let mut client = Client::open(server.address, NAMESPACE, verb, body).await;
            asking.push(tokio::task::spawn_local(async move {
                for _ in 0..requests.div_ceil(at_once) {
                    assert!(!client.ask().await.is_empty());
                }
            }));
        }
        for asked in asking {
            asked.await.expect("answered");
        }
    }));
}

fn after_rest(server: &Server) -> f64 {
    let begun = Instant::now();
    let mut least = f64::MAX;
    while begun.elapsed() < REST {
        least = least.min(mebibytes(server, "VmRSS"));
        std::thread::sleep(REST / 20);
    }
    least
}

fn mebibytes(server: &Server, name: &str) -> f64 {
    server.kibibytes(name) as f64 / 1024.0
}
