//! Components that are replaced again and again under load, in every way that deployments do it.
//!
//! `cargo bench -p tests --bench reload` replaces a component ten times in each of nine ways;
//! each time by another version, which the server never saw before, while clients ask for that
//! namespace and for one beside it.
//!
//! * `-- --times N`: how often in each way.
//! * `--pattern NAME`: only in that way.
//!
//! It fails where a request failed, where an answer was not of one version, or where an old
//! version came back. It prints how long a version took to be seen, and judges no time.

use std::fs;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tests::{
    Answer, Connection, PATTERNS, Pattern, Request, Server, Setup, Version, beside, plain, until,
};

/// Clients of the namespace whose component is replaced, and of the one beside it.
const CLIENTS: [(&str, usize); 2] = [("swapped", 3), ("neighbour", 2)];

/// How long a client thinks between two requests: without it the clients themselves would fill
/// the machine.
const THOUGHT: Duration = Duration::from_millis(1);

/// Payloads of a request: enough for two versions to share an answer, if they could.
const PAYLOADS: usize = 50;

fn main() -> ExitCode {
    let options = Options::read();
    let mut patterns: Vec<_> = PATTERNS.iter().collect();
    patterns.retain(|pattern| {
        options
            .pattern
            .as_ref()
            .is_none_or(|name| name == pattern.name)
    });
    assert!(!patterns.is_empty(), "there is no such pattern");
    println!(
        "{:<11} {:>6} {:>9} {:>7} {:>6} {:>10}   {:>21}   {:>8}",
        "pattern",
        "swaps",
        "requests",
        "failed",
        "mixed",
        "went back",
        "seen after, median max",
        "past 1 s"
    );
    let mut is_sound = true;
    for pattern in patterns {
        is_sound &= run(pattern, options.times);
    }
    if is_sound {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// What became of the requests.
#[derive(Default)]
struct Tally {
    requests: AtomicU64,
    failed: AtomicU64,
    mixed: AtomicU64,
    went_back: AtomicU64,
    /// How many swaps were begun, and how many of them were seen.
    begun: AtomicU64,
    seen: AtomicU64,
}

/// Replaces a component that often in that way, and says what it cost.
fn run(pattern: &Pattern, times: u64) -> bool {
    let server = Setup::codecs()
        .file("codecs/swapped.wasm", Version::after(0).artifact(0))
        .file("codecs/neighbour.wasm", Version::Tagged.artifact(0))
        .start();
    assert_eq!(inotify(&server), 0, "it is told of changes after all");
    let tally = Tally::default();
    let clients = CLIENTS
        .into_iter()
        .flat_map(|(namespace, count)| (0..count).map(move |_| namespace))
        .map(|namespace| client(&server, namespace, &tally));
    let mut seen: Vec<_> = beside(clients.collect::<Vec<_>>(), || {
        let mut connection = server.connect();
        let swaps = 1..=times;
        swaps
            .map(|swap| replace(pattern, swap, &server, &mut connection, &tally))
            .collect()
    });
    seen.sort_unstable();
    let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
    let millis = |at: usize| seen.get(at).map_or(0, Duration::as_millis);
    println!(
        "{:<11} {times:>6} {:>9} {:>7} {:>6} {:>10}   {:>8} ms {:>7} ms   {:>8}",
        pattern.name,
        of(&tally.requests),
        of(&tally.failed),
        of(&tally.mixed),
        of(&tally.went_back),
        millis(seen.len() / 2),
        millis(seen.len().saturating_sub(1)),
        seen.iter().filter(|took| took.as_secs() >= 1).count(),
    );
    let faults = [&tally.failed, &tally.mixed, &tally.went_back];
    let log = server.log();
    let told = log
        .lines()
        .filter(|line| line.contains("status=") || line.contains(" ERROR "));
    told.take(10).for_each(|line| println!("  {line}"));
    faults.into_iter().all(|count| of(count) == 0)
}

/// Replaces the component, and answers how long it took from then until it was seen.
fn replace(
    pattern: &Pattern,
    swap: u64,
    server: &Server,
    connection: &mut Connection,
    tally: &Tally,
) -> Duration {
    let version = Version::after(swap);
    let artifact = version.artifact(swap);
    tally.begun.store(swap, Ordering::SeqCst);
    pattern.swap(&server.folder, "swapped", &artifact);
    let swapped = Instant::now();
    until(&format!("swap {swap}, {}, is seen", pattern.name), || {
        let answer = ask(connection, server, "swapped", tally)?;
        (Version::of(&answer) == Some(version)).then_some(())
    });
    let took = swapped.elapsed();
    tally.seen.store(swap, Ordering::SeqCst);
    took
}

/// A client that asks for that namespace, time after time.
fn client<'a>(
    server: &'a Server,
    namespace: &'static str,
    tally: &'a Tally,
) -> Box<dyn FnMut() + Send + 'a> {
    let mut connection = server.connect();
    Box::new(move || {
        let seen = tally.seen.load(Ordering::SeqCst);
        let answer = ask(&mut connection, server, namespace, tally);
        let begun = tally.begun.load(Ordering::SeqCst);
        let expected = match namespace {
            "neighbour" => Some(Version::Tagged),
            // Nobody can say while a swap is under way.
            _ => (seen == begun).then(|| Version::after(seen)),
        };
        if let Some(answer) = answer {
            let version = Version::of(&answer);
            if version.is_none() {
                tally.mixed.fetch_add(1, Ordering::Relaxed);
            } else if expected.is_some() && version != expected {
                tally.went_back.fetch_add(1, Ordering::Relaxed);
            }
        }
        thread::sleep(THOUGHT);
    })
}

/// The answer to a request of many payloads, unless it fails.
fn ask(
    connection: &mut Connection,
    server: &Server,
    namespace: &str,
    tally: &Tally,
) -> Option<Answer> {
    tally.requests.fetch_add(1, Ordering::Relaxed);
    let request = Request::encode(namespace, &vec![plain("in"); PAYLOADS]);
    let answer = connection
        .send(&request.bytes())
        .and_then(|()| connection.try_answer("POST"));
    match answer {
        Ok(Some(answer)) if answer.status == 200 && answer.payloads().len() == PAYLOADS => {
            return Some(answer);
        }
        Ok(Some(_)) => {}
        // The server ended it.
        Ok(None) | Err(_) => *connection = server.connect(),
    }
    tally.failed.fetch_add(1, Ordering::Relaxed);
    None
}

/// How many ways the server has to be told of changes by the system. Linux shows them.
fn inotify(server: &Server) -> usize {
    let descriptors = fs::read_dir(format!("/proc/{}/fd", server.id()));
    let files = descriptors.into_iter().flatten().flatten();
    let targets = files.filter_map(|file| fs::read_link(file.path()).ok());
    targets
        .filter(|target| target.to_string_lossy().contains("notify"))
        .count()
}

struct Options {
    times: u64,
    pattern: Option<String>,
}

impl Options {
    fn read() -> Self {
        let mut options = Self {
            times: 10,
            pattern: None,
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            // Cargo's own.
            if argument == "--bench" {
                continue;
            }
            let value = arguments.next().unwrap_or_default();
            match argument.as_str() {
                "--times" => options.times = value.parse().expect("--times NUMBER"),
                "--pattern" => options.pattern = Some(value),
                other => panic!("{other}: there are --times and --pattern"),
            }
        }
        options
    }
}
