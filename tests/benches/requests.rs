//! What a request costs: server CPU, p50 and p99, of codec-host and of what it is measured by.
//!
//! `cargo bench -p tests --features native` prints the whole table in about four minutes.
//!
//! * `-- quick`: fewer and shorter rounds, under a minute.
//! * `-- 256 h1`: only cases and protocols with one of these words (`decode`, `1 MiB`, `h2`, …).
//! * `-- table`, `-- load`, `-- memory`: only that part. `load` is a small request's latency while
//!   another namespace decodes megabytes; `memory` is resident memory (`REQUESTS=1000000`).
//! * `ROUNDS=15 MILLIS=500`: how many rounds, and how long each cell of a round is measured.
//! * `CODEC_HOST=FILE`: the server to measure, in place of the one that is built with the bench.
//! * Without `--features native` the `native` server is left out; without `go`, the `go` server.
//!
//! The server has core 0 to itself and the driver core 1, where it waits for answers without
//! sleeping, so let nothing else run meanwhile. CPU
//! is `utime + stime` of the server's threads, which the kernel counts in nanoseconds. Servers
//! take turns within a round, so that a noisy minute hits them all. Ratios are medians of the
//! rounds' ratios. Every answer is checked.

#[path = "requests/cases.rs"]
mod cases;
#[path = "requests/drive.rs"]
mod drive;
#[path = "requests/echo.rs"]
mod echo;
#[path = "requests/http1.rs"]
mod http1;
#[path = "requests/http2.rs"]
mod http2;
#[path = "requests/load.rs"]
mod load;
#[path = "requests/memory.rs"]
mod memory;
#[path = "requests/options.rs"]
mod options;
#[path = "requests/report.rs"]
mod report;
#[path = "requests/servers.rs"]
mod servers;

use std::process::ExitCode;

use cases::Case;
use codec_host::server::Workers;
use drive::{CLIENTS, Protocol, Sample};
use options::{Options, Part};
use servers::{ALL_CORES, Cluster, ROLE, SERVER_CORE, pin_driver};
use tokio::net::TcpListener;

/// The same as the server's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The program is the driver, and two of the servers that it starts.
fn main() -> ExitCode {
    match std::env::var(ROLE).as_deref() {
        Ok("echo") => serve_echo(),
        #[cfg(feature = "native")]
        Ok("native") => {
            codec_host::sandbox::native::switch(true);
            codec_host::cli::run()
        }
        _ => {
            let options = Options::read();
            println!("{}", report::machine());
            if options.has(Part::Table) {
                table(&options);
            }
            if options.has(Part::Load) {
                load::measure(&options);
            }
            if options.has(Part::Memory) {
                memory::measure(&options);
            }
            ExitCode::SUCCESS
        }
    }
}

fn serve_echo() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let workers = Workers::start().expect("threads");
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        println!("listening on http://{address}");
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            workers.spawn(stream, echo::serve).expect("a thread");
        }
    })
}

fn table(options: &Options) {
    let pinned = Cluster::start(SERVER_CORE);
    let cases = Case::all(&pinned);
    let cells: Vec<_> = cases
        .iter()
        .flat_map(|case| Protocol::ALL.map(|protocol| (case, protocol)))
        .filter(|(case, protocol)| options.wants(&case.name, protocol.name()))
        .collect();
    println!(
        "{} rounds, {} ms a cell; server on core {SERVER_CORE}, driver on the other",
        options.rounds,
        options.cell.as_millis()
    );
    pin_driver();
    let table = rounds(options, &pinned, &cells);
    drop(pinned);
    table.print();

    let cells: Vec<_> = cells
        .into_iter()
        .filter(|(case, protocol)| case.is_spread() && *protocol == Protocol::Http1)
        .collect();
    if cells.is_empty() {
        return;
    }
    println!(
        "\nOn both cores, with the driver among them and twice the connections: CPU per request beside the above."
    );
    let spread = Cluster::start(ALL_CORES);
    servers::unpin_driver();
    let both = rounds(options, &spread, &cells);
    table.print_spread(&both);
}

/// Measures every cell on every server, round by round.
fn rounds(options: &Options, cluster: &Cluster, cells: &[(&Case, Protocol)]) -> report::Table {
    let mut table = report::Table::new(cluster, cells);
    for round in 0..options.rounds {
        for (case, protocol) in cells {
            // Whoever comes first finds the caches cold, so that is not always the same one.
            for turn in 0..cluster.servers.len() {
                let at = (turn + round) % cluster.servers.len();
                let server = &cluster.servers[at];
                let clients = CLIENTS * cluster.cores;
                let sample: Sample = drive::cell(server, case, *protocol, clients, options.cell);
                table.add(at, &case.name, *protocol, sample);
            }
        }
        eprintln!("round {} of {}", round + 1, options.rounds);
    }
    table
}
