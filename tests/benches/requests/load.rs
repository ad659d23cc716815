//! The latency of small requests at 70 % of the rate that saturates the server, while another
//! namespace decodes a megabyte after the other.
//!
//! The server has one core and the driver the other, which it never leaves: whatever is late is
//! the server's doing, or the machine's. What the machine does is seen on `echo`. Arrivals are
//! random and do not wait for answers: a request that finds all connections busy counts from when
//! it was due.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use tests::Request;

use crate::cases::Case;
use crate::options::Options;
use crate::servers::{
    Alone, NAMESPACE, OTHER_NAMESPACE, SERVER_CORE, Server, pin_driver, unpin_driver,
};

/// Connections of the small requests.
const CONNECTIONS: usize = 16;

/// Share of the saturation rate.
const SHARE: f64 = 0.7;

/// p99 to p50.
const GOAL: f64 = 5.0;

/// The most that is written or read before the next connection is looked at.
const STEP: usize = 32 << 10;

/// How often each is measured for every round of the table: the rate and, right after it, the
/// latencies at its share. What is reported is their median, since machines have slow moments, in
/// which a rate that was measured before would be more than all.
const TURNS: usize = 4;

pub(crate) fn measure(options: &Options) {
    let host = Alone::start(SERVER_CORE, &[NAMESPACE, OTHER_NAMESPACE]);
    let echo = Alone::start_echo(SERVER_CORE);
    let small = Case::decode(&host.server, 256);
    let large = Case::decode(&host.server, 1 << 20);
    pin_driver();
    println!(
        "\nA 256 B decode at {SHARE} of the saturation rate, server on core {SERVER_CORE}, driver on the other"
    );
    let mut rows = Vec::new();
    for server in [&host.server, &echo.server] {
        for (beside, large) in [("nothing else", None), ("1 MiB decodes", Some(&large))] {
            rows.push((server.name, beside, server, large, Vec::new()));
        }
    }
    for _ in 0..options.rounds * TURNS {
        for (_, _, server, large, turns) in &mut rows {
            let mut load = Load::new(server, &small, *large);
            let saturated = load.run(options.cell / 2, &mut Pace::Closed).len();
            let rate = saturated as f64 / (options.cell / 2).as_secs_f64() * SHARE;
            let latencies = load.run(options.cell, &mut Pace::at(rate));
            turns.push(Turn::new(rate, &latencies));
        }
    }
    for (name, beside, _, _, turns) in &rows {
        report(name, beside, turns);
    }
    unpin_driver();
}

/// What was measured in a moment.
struct Turn {
    /// Requests a second.
    rate: f64,
    /// In microseconds.
    half: f64,
    most: f64,
}

impl Turn {
    fn new(rate: f64, latencies: &[Duration]) -> Self {
        let quantile = |share: f64| {
            let at = (latencies.len() - 1) as f64 * share;
            latencies[at.round() as usize].as_secs_f64() * 1e6
        };
        Self {
            rate,
            half: quantile(0.5),
            most: quantile(0.99),
        }
    }
}

fn report(name: &str, beside: &str, turns: &[Turn]) {
    let median = |figure: fn(&Turn) -> f64| {
        let mut figures: Vec<_> = turns.iter().map(figure).collect();
        figures.sort_by(f64::total_cmp);
        figures[figures.len() / 2]
    };
    let ratio = median(|turn| turn.most / turn.half);
    let mark = match (name, ratio <= GOAL) {
        ("echo", _) => "",
        (_, true) => " (≤ 5: met)",
        (_, false) => " (≤ 5: NOT MET)",
    };
    println!(
        "{name:<10} beside {beside:<13} {:>6.0} requests/s   p50 {:>5.0} µs   p99 {:>5.0} µs   \
         p99 to p50 {ratio:.1}{mark}",
        median(|turn| turn.rate),
        median(|turn| turn.half),
        median(|turn| turn.most),
    );
}

/// When small requests are due.
enum Pace {
    /// As soon as a connection is free.
    Closed,
    /// That many times a second, at random.
    Open {
        rate: f64,
        random: u64,
        next: Instant,
        due: VecDeque<Instant>,
    },
}

impl Pace {
    fn at(rate: f64) -> Self {
        Self::Open {
            rate,
            random: 0x9e37_79b9_7f4a_7c15,
            next: Instant::now(),
            due: VecDeque::new(),
        }
    }

    /// When the request was due that a free connection may make now.
    fn due(&mut self, now: Instant) -> Option<Instant> {
        match self {
            Self::Closed => Some(now),
            Self::Open {
                rate,
                random,
                next,
                due,
            } => {
                while *next <= now {
                    due.push_back(*next);
                    *next += Duration::from_secs_f64(exponential(random) / *rate);
                }
                due.pop_front()
            }
        }
    }
}

/// Of mean 1, by Marsaglia's xorshift.
fn exponential(random: &mut u64) -> f64 {
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    -(((*random >> 11) as f64 + 1.0) / (1u64 << 53) as f64).ln()
}

/// All connections.
struct Load {
    small: Vec<Connection>,
    large: Option<Connection>,
}

impl Load {
    fn new(server: &Server, small: &Case, large: Option<&Case>) -> Self {
        let connect = |namespace, case| Connection::open(server, namespace, case);
        Self {
            small: (0..CONNECTIONS)
                .map(|_| connect(NAMESPACE, small))
                .collect(),
            large: large.map(|large| connect(OTHER_NAMESPACE, large)),
        }
    }

    /// The latencies of the small requests, in order.
    fn run(&mut self, time: Duration, pace: &mut Pace) -> Vec<Duration> {
        let mut latencies = Vec::new();
        let begun = Instant::now();
        while begun.elapsed() < time {
            for connection in &mut self.small {
                if connection.is_free()
                    && let Some(due) = pace.due(Instant::now())
                {
                    connection.ask(due);
                }
                latencies.extend(connection.go_on());
            }
            if let Some(large) = &mut self.large {
                if large.is_free() {
                    large.ask(Instant::now());
                }
                large.go_on();
            }
        }
        let mut all = self.small.iter_mut().chain(&mut self.large);
        while let Some(busy) = all.find(|connection| !connection.is_free()) {
            while busy.go_on().is_none() {}
        }
        latencies.sort();
        latencies
    }
}

/// A connection that asks the same thing again and again, and is never waited for.
struct Connection {
    stream: TcpStream,
    request: Vec<u8>,
    /// The body of every answer. Nothing before the first.
    expected: Option<Vec<u8>>,
    received: Vec<u8>,
    written: usize,
    /// When the request under way was due.
    due: Option<Instant>,
}

impl Connection {
    fn open(server: &Server, namespace: &str, case: &Case) -> Self {
        let request = Request::post(&format!("/{}", case.verb), case.body.as_slice());
        let stream = TcpStream::connect(server.address).expect("a connection");
        stream.set_nodelay(true).expect("a socket option");
        stream.set_nonblocking(true).expect("a socket option");
        Self {
            stream,
            request: request.header("X-Namespace", namespace).bytes(),
            expected: None,
            received: Vec::new(),
            written: 0,
            due: None,
        }
    }

    fn is_free(&self) -> bool {
        self.due.is_none()
    }

    fn ask(&mut self, due: Instant) {
        self.due = Some(due);
        self.written = 0;
        self.received.clear();
    }

    /// The latency, where the answer has come.
    fn go_on(&mut self) -> Option<Duration> {
        let due = self.due?;
        let rest = &self.request[self.written..];
        if !rest.is_empty() {
            self.written += moved(self.stream.write(&rest[..rest.len().min(STEP)]));
            return None;
        }
        let before = self.received.len();
        self.received.resize(before + STEP, 0);
        let read = moved(self.stream.read(&mut self.received[before..]));
        self.received.truncate(before + read);
        let body = answer(&self.received)?;
        assert_eq!(
            *self.expected.get_or_insert_with(|| body.to_vec()),
            body,
            "every answer is the same"
        );
        self.due = None;
        Some(due.elapsed())
    }
}

/// How many bytes, of which there may be none yet.
fn moved(result: std::io::Result<usize>) -> usize {
    match result {
        Ok(0) => panic!("the server hung up"),
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
        Err(error) => panic!("{error}"),
    }
}

/// The body of a 200, where all of it is there.
fn answer(received: &[u8]) -> Option<&[u8]> {
    let end = received.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&received[..end]).expect("a head is text");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let (_, rest) = head.split_once("content-length: ").expect("a length");
    let length = rest.lines().next().and_then(|line| line.parse().ok());
    received[end + 4..].get(..length.expect("a number"))
}
