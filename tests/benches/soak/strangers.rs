//! Components that nobody wrote, loaded into the running server and called, next to good traffic.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};
use std::{env, fs};

use tests::{Connection, Folder, Payload, Request, Server, Setup, base64, frame, guest};

use crate::good::{self, Good};

/// Codecs of which some are made, by changing bytes.
const CHANGED: [&str; 4] = ["identity", "tag", "prints", "takes_keys"];

/// Components that are there at once.
const BATCH: usize = 25;

/// How often each that is served is called.
const CALLS: u64 = 12;

/// Clients that call them.
const CLIENTS: usize = 4;

/// Far longer than a batch takes: one compilation takes two minutes at the most.
const PATIENCE: Duration = Duration::from_secs(600);

/// How a reason begins with which a component is refused. What is not among them, the server must
/// not say of anything: that it crashes the compiler, or that the loader panicked.
const REASONS: [&str; 10] = [
    "is not a WebAssembly component",
    "is too complex",
    "does not compile",
    "takes more than",
    "needs more than",
    "imports",
    "missing export",
    "wrong WIT version",
    "does not fit the world",
    "cannot be called",
];

#[derive(Default)]
struct Tally {
    made: BTreeMap<String, u64>,
    served: BTreeMap<String, u64>,
    refused: BTreeMap<String, u64>,
    answers: BTreeMap<u16, u64>,
    /// What the server must not do.
    odd: Vec<String>,
}

/// A component that nobody wrote.
struct Stranger {
    number: u64,
    /// What it was made as.
    made: String,
    /// Whether it is a component, of what is on in the server. One that is not must be refused.
    is_valid: bool,
    artifact: Vec<u8>,
}

/// Makes that many components, and says what became of everybody.
pub(crate) fn run(count: u64, seed: u64) -> bool {
    let strangers = strangers(count, seed);
    let limits = "codecs = \"codecs\"\nlimits = { deadline-ms = 50 }\n";
    let server = Setup::config(&format!("{limits}{}", good::config()))
        .env("K1", &base64([7; 32]))
        .file("codecs/.there", "")
        .start();
    let mut tally = Tally::default();
    let mut before = 0;
    let started = Instant::now();
    let good = Good::beside(&server, || {
        before = server.resident_bytes();
        for batch in strangers.chunks(BATCH) {
            try_out(&server, seed, batch, &mut tally);
        }
    });
    let took = started.elapsed();
    thread::sleep(Duration::from_secs(1));
    println!("components that nobody wrote, --seed {seed}");
    println!(
        "  generated                 {count} in {} s",
        took.as_secs()
    );
    for (made, count) in &tally.made {
        let served = tally.served.get(made).unwrap_or(&0);
        println!("    {count:>6}  {made}, {served} of them served");
    }
    println!(
        "  refused                   {}",
        tally.refused.values().sum::<u64>()
    );
    for (reason, count) in &tally.refused {
        println!("    {count:>6}  {reason}");
    }
    println!(
        "  served                    {}",
        tally.served.values().sum::<u64>()
    );
    println!(
        "  calls                     {}",
        tally.answers.values().sum::<u64>()
    );
    println!("  answers by status         {:?}", tally.answers);
    good.print();
    println!("  RSS before                {} MiB", before >> 20);
    if good.is_up() {
        println!(
            "  RSS a second later        {} MiB",
            server.resident_bytes() >> 20
        );
    }
    println!("  what must not happen      {}", tally.odd.len());
    tally.odd.iter().for_each(|odd| println!("    {odd}"));
    good.is_sound() && tally.odd.is_empty()
}

/// Has the components made. The program that does it is built here, and not with the tests.
fn strangers(count: u64, seed: u64) -> Vec<Stranger> {
    let folder = Folder::new();
    let target = env::current_exe().expect("this program has a path");
    let target = target.ancestors().nth(3).expect("<target>/<profile>/deps");
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("smith");
    let mut smith = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    smith
        .args(["run", "--quiet", "--release", "--locked", "--manifest-path"])
        .arg(package.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(target.join("smith"))
        .args(["--", &seed.to_string(), &count.to_string()])
        .arg(folder.path(""))
        .arg(folder.write("frame.wasm", frame()));
    for name in CHANGED {
        smith.arg(folder.write(&format!("{name}.wasm"), guest(name)));
    }
    let output = smith.output().expect("cargo can be run");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let lines = String::from_utf8(output.stdout).expect("text");
    let strangers = lines.lines().map(|line| {
        let mut words = line.split(' ');
        let mut word = || words.next().expect("three words").to_owned();
        let (number, made, is) = (word(), word(), word());
        let artifact = fs::read(folder.path(&format!("{number}.wasm")));
        Stranger {
            number: number.parse().expect("a number"),
            made,
            is_valid: is == "valid",
            artifact: artifact.expect("a file"),
        }
    });
    strangers.collect()
}

/// Loads the components, calls those that are served, and takes them away.
fn try_out(server: &Server, seed: u64, batch: &[Stranger], tally: &mut Tally) {
    for stranger in batch {
        *tally.made.entry(stranger.made.clone()).or_default() += 1;
        server
            .folder
            .replace(&file(stranger.number), &stranger.artifact);
    }
    let told = told(server, batch);
    let mut served = Vec::new();
    for (stranger, told) in batch.iter().zip(told) {
        let number = stranger.number;
        let odd = match told {
            Told::Serving => {
                *tally.served.entry(stranger.made.clone()).or_default() += 1;
                served.push(number);
                (!stranger.is_valid).then(|| "is served, and is no component".to_owned())
            }
            Told::Refused(line) => {
                let reason = line.split_once(&format!("{}.wasm ", name(number)));
                let text = reason.map_or(line.as_str(), |(_, text)| text);
                let known = REASONS.iter().find(|reason| text.starts_with(**reason));
                let reason = known.map_or(text, |reason| *reason);
                *tally.refused.entry(reason.to_owned()).or_default() += 1;
                known.is_none().then_some(line)
            }
            Told::Nothing => Some("is neither served nor refused".to_owned()),
        };
        if let Some(odd) = odd {
            let kept = keep(seed, number, &stranger.artifact);
            tally.odd.push(format!("{kept}: {odd}"));
        }
    }
    call_all(server, &served, tally);
    for stranger in batch {
        server.folder.remove(&file(stranger.number));
    }
}

/// What the log says of a component.
#[derive(Clone)]
enum Told {
    Nothing,
    Serving,
    Refused(String),
}

/// Waits until the log has a word on each.
fn told(server: &Server, batch: &[Stranger]) -> Vec<Told> {
    let mut told = vec![Told::Nothing; batch.len()];
    let started = Instant::now();
    while started.elapsed() < PATIENCE && told.iter().any(|told| matches!(told, Told::Nothing)) {
        thread::sleep(Duration::from_millis(50));
        let log = server.log();
        for (stranger, told) in batch.iter().zip(&mut told) {
            let seat = format!("seat=namespace {}", name(stranger.number));
            let lines = log.lines().rev().filter(|line| line.contains(&seat));
            for line in lines {
                if line.contains(" INFO serving") {
                    *told = Told::Serving;
                } else if line.contains(" ERROR ") {
                    *told = Told::Refused(line.to_owned());
                }
            }
        }
    }
    told
}

/// Calls each of them, again and again.
fn call_all(server: &Server, served: &[u64], tally: &mut Tally) {
    let calls = (0..CALLS).flat_map(|round| served.iter().map(move |number| (*number, round)));
    let calls = Mutex::new(calls);
    let answers = Mutex::new(tally);
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                let Ok(mut connection) = server.try_connect() else {
                    return;
                };
                loop {
                    let next = calls.lock().expect("no client panicked").next();
                    let Some((number, round)) = next else {
                        return;
                    };
                    let answer = call(&mut connection, number, round);
                    let mut tally = answers.lock().expect("no client panicked");
                    match answer {
                        Ok(status) => *tally.answers.entry(status).or_default() += 1,
                        Err(error) => {
                            let name = name(number);
                            tally.odd.push(format!("{name}, call {round}: {error}"));
                            match server.try_connect() {
                                Ok(another) => connection = another,
                                Err(_) => return,
                            }
                        }
                    }
                }
            });
        }
    });
}

/// The status of that call's answer.
fn call(connection: &mut Connection, number: u64, round: u64) -> Result<u16, String> {
    const COUNTS: [usize; 6] = [1, 1, 2, 0, 7, 1];
    const SIZES: [usize; 4] = [16, 0, 1000, 20_000];
    let count = COUNTS[round as usize % COUNTS.len()];
    let data = vec![b'.'; SIZES[round as usize / 2 % SIZES.len()]];
    let payloads = vec![Payload::new("json/plain", data).with("key", "value"); count];
    let verb = if round.is_multiple_of(2) {
        Request::encode
    } else {
        Request::decode
    };
    let request = verb(&name(number), &payloads);
    let answer = connection
        .send(&request.bytes())
        .and_then(|()| connection.try_answer("POST"))
        .map_err(|error| error.to_string())?
        .ok_or("the connection ended")?;
    match answer.status {
        200 if answer.payloads().len() != count => Err("another count".into()),
        200 | 400 | 500 | 503 | 504 => Ok(answer.status),
        other => Err(format!("status {other}")),
    }
}

/// Keeps a component for whoever looks into it, and says where.
fn keep(seed: u64, number: u64, artifact: &[u8]) -> String {
    let path = env::temp_dir().join(format!("codec-host-{seed}-{}.wasm", name(number)));
    match fs::write(&path, artifact) {
        Ok(()) => path.display().to_string(),
        Err(error) => format!("{} ({error})", name(number)),
    }
}

fn name(number: u64) -> String {
    format!("smith-{number:06}")
}

fn file(number: u64) -> String {
    format!("codecs/{}.wasm", name(number))
}
