//! What a compiler costs others, and others it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tests::{Request, Server, Setup, bomb, guest, plain};

use crate::latencies::Latencies;
use crate::neighbour::measure;

/// Clients that leave the server no time, nor the compiler.
const SATURATING_CLIENTS: usize = 8;

/// How often a new version is put in place.
const RELOADS: usize = 10;

/// Measures a good namespace without and next to a compile bomb, and how long a new version
/// takes to serve.
pub(crate) fn run(each: Duration) {
    // Of two processors, for longer than it is measured.
    let seconds = 3 * each.as_secs().max(4);
    let config = format!(
        "codecs = \"codecs\"\n[limits]\ndeadline-ms = 60000\ncompile-cpu-seconds = {seconds}\n"
    );
    let server = Setup::config(&config)
        .file("codecs/good.wasm", guest("tag"))
        .file("codecs/swapped.wasm", guest("identity"))
        .start();
    let alone = measure(&server, each);
    server.folder.replace("codecs/bomb.wasm", bomb::slow());
    // The poll's and the hash's time.
    thread::sleep(Duration::from_millis(250));
    let at_first = measure(&server, Duration::from_secs(2));
    let later = measure(&server, each);
    server.logs(&["ERROR", "bomb.wasm"]);
    let again = measure(&server, each);
    println!("a neighbour that has a bomb compiled");
    alone.print("alone");
    at_first.print("first 2 s");
    later.print("after that");
    again.print("alone again");
    println!(
        "  ratio of p99  first 2 s {:.2}   after that {:.2}",
        at_first.ratio(&alone, 0.99),
        later.ratio(&alone, 0.99)
    );
    println!("a new version, from being put in place to serving, the median and the longest");
    print_reloads("on an idle machine", &reloads(&server, 0));
    let is_over = AtomicBool::new(false);
    let busy = thread::scope(|scope| {
        for _ in 0..SATURATING_CLIENTS {
            scope.spawn(|| {
                let mut connection = server.connect();
                while !is_over.load(Ordering::Relaxed) {
                    connection.ask(&Request::decode("good", &[plain("x")]));
                }
            });
        }
        let busy = reloads(&server, RELOADS);
        is_over.store(true, Ordering::Relaxed);
        busy
    });
    print_reloads("beside 8 clients that never wait", &busy);
}

fn print_reloads(when: &str, took: &Latencies) {
    let (median, longest) = (took.quantile(0.5), took.quantile(1.0));
    println!("  {median:>6} ms   {longest:>6} ms   {when}");
}

/// How long each of some new versions takes to serve, in milliseconds. Each has a digest of its
/// own.
fn reloads(server: &Server, before: usize) -> Latencies {
    Latencies::of((0..RELOADS).map(|version| {
        let name = ["tag", "identity"][version % 2];
        let padding = bomb::padding(16 + before + version);
        let artifact = [guest(name), padding].concat();
        let put = Instant::now();
        server.folder.replace("codecs/swapped.wasm", artifact);
        let is_served = || {
            let answer = server.encode("swapped", &[plain("in")]).payload();
            (answer != plain("in")) == (name == "tag")
        };
        while !is_served() {
            thread::sleep(Duration::from_millis(5));
        }
        put.elapsed().as_millis()
    }))
}
