//! All hostile guests at once, next to good traffic: what they cost it.
//!
//! `cargo bench -p tests --bench soak` makes 20,000 hostile calls, loads and calls 100 components
//! that nobody wrote, measures what a neighbour that spins costs and what one that is compiled, and
//! has 10,000 secrets looked for; it takes about five minutes.
//!
//! * `-- --calls N`, `--smith N`, `--seconds N` and `--compile N` (of each measurement with and
//!   without the neighbour) and `--canary N`: how much of each; none with 0.
//! * `--kind NAME`: only that guest.
//! * `--seed N`: what the components that nobody wrote are made from. It is printed; without it
//!   they are others every time.
//!
//! It prints figures and judges only what has no figure: it fails where the server ended, where a
//! good request was lost, where a component that nobody wrote was not told what is wrong with it,
//! or where a secret was found.

#[path = "soak/burner.rs"]
mod burner;
#[path = "soak/compiler.rs"]
mod compiler;
#[path = "soak/good.rs"]
mod good;
#[path = "soak/kinds.rs"]
mod kinds;
#[path = "soak/latencies.rs"]
mod latencies;
#[path = "soak/mix.rs"]
mod mix;
#[path = "soak/neighbour.rs"]
mod neighbour;
#[path = "soak/strangers.rs"]
mod strangers;

use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use tests::Canary;

fn main() -> ExitCode {
    let options = Options::read();
    let mut is_sound = true;
    if options.calls > 0 {
        is_sound &= mix::run(options.calls, options.kind.as_deref());
    }
    if options.smith > 0 {
        is_sound &= strangers::run(options.smith, options.seed);
    }
    if options.seconds > 0 {
        neighbour::run(Duration::from_secs(options.seconds));
    }
    if options.compile > 0 {
        compiler::run(Duration::from_secs(options.compile));
    }
    if options.canary > 0 {
        is_sound &= look_for_secrets(options.canary);
    }
    if is_sound {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

struct Options {
    calls: u64,
    smith: u64,
    seed: u64,
    seconds: u64,
    compile: u64,
    canary: u64,
    kind: Option<String>,
}

impl Options {
    fn read() -> Self {
        let mut options = Self {
            calls: 20_000,
            smith: 100,
            seed: u64::from(std::process::id()),
            seconds: 15,
            compile: 10,
            canary: 10_000,
            kind: None,
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            // Cargo's own.
            if argument == "--bench" {
                continue;
            }
            let value = arguments.next().unwrap_or_default();
            let number = || {
                value
                    .parse()
                    .unwrap_or_else(|_| panic!("{argument} NUMBER"))
            };
            match argument.as_str() {
                "--calls" => options.calls = number(),
                "--smith" => options.smith = number(),
                "--seed" => options.seed = number(),
                "--seconds" => options.seconds = number(),
                "--compile" => options.compile = number(),
                "--canary" => options.canary = number(),
                "--kind" => options.kind = Some(value),
                other => panic!(
                    "{other}: there are --calls, --smith, --seed, --seconds, --compile, --canary \
                     and --kind"
                ),
            }
        }
        options
    }
}

/// Two clients, so that slots of the pool change hands.
fn look_for_secrets(times: u64) -> bool {
    let canary = Canary::start();
    let (planted, found) = thread::scope(|scope| {
        let other = scope.spawn(|| canary.alternate(times / 2));
        let (planted, found) = canary.alternate(times - times / 2);
        let (also_planted, also_found) = other.join().expect("a client");
        (planted.min(also_planted), found + also_found)
    });
    println!("canary");
    println!("  alternations              {times}");
    println!("  words a guest finds of its own secret, at least   {planted}");
    println!(
        "  bytes found of another call's                     {}",
        found * 8
    );
    found == 0
}
