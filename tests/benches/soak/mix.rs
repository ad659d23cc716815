//! All kinds of hostile calls, mixed, next to good traffic of other namespaces.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tests::{Server, Setup};

use crate::good::{self, Good};
use crate::kinds;

/// The deadline of the hostile namespaces: short, so that a soak of many calls ends.
const DEADLINE: Duration = Duration::from_millis(20);

/// Clients that ask hostile guests. More than processors, so that calls are cut into.
const HOSTILE_CLIENTS: u64 = 6;

#[derive(Default)]
struct Tally {
    answers: BTreeMap<u16, u64>,
    /// The longest that an answer took beyond the deadline, by kind.
    overshoot: BTreeMap<String, Duration>,
}

/// Makes that many hostile calls, and says what became of everybody.
pub(crate) fn run(calls: u64, only: Option<&str>) -> bool {
    let mut kinds = kinds::all();
    kinds.retain(|kind| only.is_none_or(|only| kind == only));
    let server = Setup::config(&config(&kinds))
        .env("K1", &tests::base64([7; 32]))
        .start();
    let alone = overshoot(&server, &kinds);
    let before = server.resident_bytes();
    let started = Instant::now();

    let all = Calls {
        made: AtomicU64::new(0),
        all: calls,
        quarters: Mutex::default(),
    };
    let next = AtomicU64::new(0);
    let tally = Mutex::new(Tally::default());
    let good = Good::beside(&server, || {
        thread::scope(|scope| {
            for _ in 0..HOSTILE_CLIENTS {
                scope.spawn(|| ask(&server, &kinds, &next, &all, &tally));
            }
        });
    });
    let took = started.elapsed();
    thread::sleep(Duration::from_secs(1));
    println!("soak");
    println!("  kinds                     {}", kinds.len());
    println!(
        "  hostile calls             {calls} in {} s",
        took.as_secs()
    );
    good.print();
    print_tally(&tally.into_inner().expect("no client panicked"), &alone);
    println!("  RSS before                {} MiB", before >> 20);
    for (quarter, bytes) in all.quarters.into_inner().expect("no client panicked") {
        println!("  RSS after {quarter} quarters      {} MiB", bytes >> 20);
    }
    if good.is_up() {
        println!(
            "  RSS a second later        {} MiB",
            server.resident_bytes() >> 20
        );
    }
    good.is_sound()
}

fn print_tally(tally: &Tally, alone: &BTreeMap<String, Duration>) {
    println!("  answers by status         {:?}", tally.answers);
    print_longest("nobody else asks", alone);
    print_longest("everybody does", &tally.overshoot);
}

fn print_longest(when: &str, overshoot: &BTreeMap<String, Duration>) {
    let mut overshoot: Vec<_> = overshoot.iter().collect();
    overshoot.sort_by_key(|(_, longest)| std::cmp::Reverse(**longest));
    println!(
        "  longest beyond a deadline of {} ms, as the client sees it, when {when}:",
        DEADLINE.as_millis(),
    );
    for (kind, longest) in overshoot.iter().take(8) {
        println!("    {:>7.1} ms  {kind}", longest.as_secs_f64() * 1e3);
    }
}

/// The longest that each kind's answer takes beyond the deadline when nobody else asks.
fn overshoot(server: &Server, kinds: &[String]) -> BTreeMap<String, Duration> {
    let mut connection = server.connect();
    let mut longest = BTreeMap::<_, Duration>::new();
    for round in 0..6 {
        for kind in kinds {
            let started = Instant::now();
            connection.ask(&kinds::request(kind, round));
            let beyond = started.elapsed().saturating_sub(DEADLINE);
            let longest = longest.entry(kind.clone()).or_default();
            *longest = beyond.max(*longest);
        }
    }
    longest
}

/// Asks one kind after the other.
fn ask(server: &Server, kinds: &[String], next: &AtomicU64, calls: &Calls, tally: &Mutex<Tally>) {
    let mut connection = server.connect();
    let count = kinds.len() as u64;
    loop {
        let turn = next.fetch_add(1, Ordering::Relaxed);
        let kind = &kinds[usize::try_from(turn % count).expect("an index")];
        let round = turn / count;
        if !kinds::takes_part(kind, round) {
            continue;
        }
        if !calls.one_more(server) {
            return;
        }
        let request = kinds::request(kind, round);
        let started = Instant::now();
        let answer = connection.send(&request.bytes());
        let answer = answer.and_then(|()| connection.try_answer("POST"));
        let took = started.elapsed();
        let status = match answer {
            Ok(Some(answer)) => answer.status,
            // The server ended it, or ended.
            Ok(None) | Err(_) => {
                connection = server.connect();
                0
            }
        };
        let mut tally = tally.lock().expect("no client panicked");
        *tally.answers.entry(status).or_default() += 1;
        let beyond = took.saturating_sub(DEADLINE);
        let longest = tally.overshoot.entry(kind.clone()).or_default();
        *longest = beyond.max(*longest);
    }
}

/// How many calls were made of those that are to be made.
struct Calls {
    made: AtomicU64,
    all: u64,
    /// How much memory the server held after each quarter of them.
    quarters: Mutex<Vec<(u64, usize)>>,
}

impl Calls {
    fn one_more(&self, server: &Server) -> bool {
        let made = self.made.fetch_add(1, Ordering::Relaxed);
        let quarter = (self.all / 4).max(1);
        if made > 0 && made <= self.all && made.is_multiple_of(quarter) {
            let mut quarters = self.quarters.lock().expect("no client panicked");
            quarters.push((made / quarter, server.resident_bytes()));
        }
        made < self.all
    }
}

fn config(kinds: &[String]) -> String {
    let mut config = good::config();
    for kind in kinds {
        config.push_str(&format!(
            "[namespaces.{kind}]\ncomponent = \"{kind}.wasm\"\nlimits = {{ deadline-ms = {} }}\n\
             settings = {{ bytes = \"1000000\" }}\n\
             [namespaces.{kind}.keyring]\nactive = \"k1\"\nkeys = {{ k1 = {{ env = \"K1\" }} }}\n",
            DEADLINE.as_millis(),
        ));
    }
    config
}
