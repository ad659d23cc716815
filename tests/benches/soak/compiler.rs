//! What a compiler costs others, and others it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tests::{Request, Server, Setup, bomb, guest, plain};

use crate::burner::Burners;
use crate::latencies::Latencies;
use crate::neighbour::{ROUNDS, measure};

/// Clients that leave the server no time, nor the compiler.
const SATURATING_CLIENTS: usize = 8;

/// How often a new version is put in place.
const RELOADS: usize = 10;

/// How long what competes for the processors is measured by itself.
const AT_FIRST: Duration = Duration::from_secs(2);

/// Measures a good namespace without and next to a compile bomb, and how long a new version
/// takes to serve.
pub(crate) fn run(each: Duration) {
    let part = each / ROUNDS;
    // Of two processors, for longer than it is measured.
    let seconds = 2 * (AT_FIRST + part).as_secs() + 2;
    let config = format!(
        "codecs = \"codecs\"\n[limits]\ndeadline-ms = 60000\ncompile-cpu-seconds = {seconds}\n"
    );
    let server = Setup::config(&config)
        .file("codecs/good.wasm", guest("tag"))
        .file("codecs/swapped.wasm", guest("identity"))
        .start();
    let [mut alone, mut awake, mut at_first, mut later] = [const { Vec::new() }; 4];
    for round in 0..ROUNDS {
        alone.push(measure(&server, part));
        let burners = Burners::light();
        awake.push(measure(&server, part));
        drop(burners);
        // Each is another one.
        let bomb = [bomb::slow(), bomb::padding(16 + round as usize)].concat();
        let name = format!("bomb-{round}.wasm");
        server.folder.replace(&format!("codecs/{name}"), bomb);
        // The poll's and the hash's time.
        thread::sleep(Duration::from_millis(250));
        at_first.push(measure(&server, AT_FIRST));
        later.push(measure(&server, part));
        server.logs(&["ERROR", &name]);
    }
    let [alone, awake, at_first, later] = [alone, awake, at_first, later].map(Latencies::all);
    println!("a neighbour that has a bomb compiled");
    alone.print("alone");
    awake.print("kept awake");
    at_first.print("first 2 s");
    later.print("after that");
    at_first.print_ratios(&alone, "first 2 s to alone");
    at_first.print_ratios(&awake, "first 2 s to kept awake");
    later.print_ratios(&alone, "after that to alone");
    later.print_ratios(&awake, "after that to kept awake");
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
