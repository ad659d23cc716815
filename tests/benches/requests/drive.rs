//! The driver: four requests at a time for each core of the server, each answer checked.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::Value;
use tests::Payload;

use crate::cases::Case;
use crate::servers::{NAMESPACE, Server};
use crate::{http1, http2};

/// Requests under way at once, for each core of the server.
pub(crate) const CLIENTS: usize = 4;

/// The part of a cell's time that goes by before it counts, and the requests in it at least.
const WARM_UP: f64 = 0.25;
const WARM_UP_REQUESTS: usize = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// As many connections as clients.
    Http1,
    /// One connection with as many streams at a time, as browsers and proxies do it.
    Http2,
}

impl Protocol {
    pub(crate) const ALL: [Self; 2] = [Self::Http1, Self::Http2];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Http1 => "h1",
            Self::Http2 => "h2",
        }
    }
}

/// What one cell of one round gave.
pub(crate) struct Sample {
    /// Server CPU per request.
    pub(crate) cpu: Duration,
    /// Of each request, sorted.
    pub(crate) latencies: Vec<Duration>,
}

impl Sample {
    /// The latency that this share of the requests does not exceed.
    pub(crate) fn quantile(&self, share: f64) -> Duration {
        let last = self.latencies.len() - 1;
        self.latencies[(last as f64 * share).round() as usize]
    }
}

/// Asks the server with so many clients for that long, and measures.
pub(crate) fn cell(
    server: &Server,
    case: &Case,
    protocol: Protocol,
    clients: usize,
    time: Duration,
) -> Sample {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    // A driver that sleeps has to be woken, and the kernel bills the server for it: 12 µs of a small
    // answer here, which none pays that keeps the driver busy. So it never sleeps.
    runtime.spawn(async {
        loop {
            tokio::task::yield_now().await;
        }
    });
    let check = Check::new(server, case);
    let until = |time: Duration, requests: usize| Until {
        end: Instant::now() + time,
        requests,
    };
    let (cpu, mut latencies) = runtime.block_on(async {
        let mut clients = match protocol {
            Protocol::Http1 => http1::clients(server.address, case, clients).await,
            Protocol::Http2 => http2::clients(server.address, case, clients).await,
        };
        let warm_up = until(time.mul_f64(WARM_UP), WARM_UP_REQUESTS);
        ask(&mut clients, &warm_up, &check).await;
        let before = server.cpu();
        let latencies = ask(&mut clients, &until(time, WARM_UP_REQUESTS), &check).await;
        let cpu = server.cpu() - before;
        check.encoded().await;
        (cpu, latencies)
    });
    latencies.sort();
    Sample {
        cpu: cpu / u32::try_from(latencies.len()).expect("fewer requests"),
        latencies,
    }
}

/// When to stop asking: when the time has come and enough was asked.
pub(crate) struct Until {
    end: Instant,
    requests: usize,
}

/// Whoever asks, over one protocol or the other.
pub(crate) enum Client {
    Http1(http1::Client),
    Http2(Box<http2::Client>),
}

async fn ask(clients: &mut [Client], until: &Until, check: &Check<'_>) -> Vec<Duration> {
    let asked = clients
        .iter_mut()
        .map(|client| ask_one(client, until, check));
    join_all(asked).await.concat()
}

async fn ask_one(client: &mut Client, until: &Until, check: &Check<'_>) -> Vec<Duration> {
    let mut latencies = Vec::new();
    loop {
        let asked = Instant::now();
        let answer = match client {
            Client::Http1(client) => client.ask().await,
            Client::Http2(client) => client.ask().await,
        };
        let answered = Instant::now();
        latencies.push(answered - asked);
        check.answer(answer);
        if answered >= until.end && latencies.len() >= until.requests {
            return latencies;
        }
    }
}

/// What is a right answer.
struct Check<'a> {
    server: &'a Server,
    case: &'a Case,
    /// Answers that were found right, to compare others with: a server writes metadata in one
    /// order or another.
    right: RefCell<Vec<Vec<u8>>>,
    /// The first and the last answer of `encode`.
    encoded: RefCell<[Vec<u8>; 2]>,
}

impl<'a> Check<'a> {
    fn new(server: &'a Server, case: &'a Case) -> Self {
        Self {
            server,
            case,
            right: RefCell::default(),
            encoded: RefCell::default(),
        }
    }

    fn answer(&self, body: &[u8]) {
        if self.server.name == "echo" {
            assert!(body == self.case.body, "echo answers something else");
        } else if self.case.verb == "encode" {
            // Sealing draws a nonce, so no two answers are the same but in length.
            let [first, last] = &mut *self.encoded.borrow_mut();
            if first.is_empty() {
                first.extend_from_slice(body);
            }
            assert_eq!(body.len(), first.len(), "{}", self.place());
            last.clear();
            last.extend_from_slice(body);
        } else {
            let mut right = self.right.borrow_mut();
            if !right.iter().any(|other| other == body) {
                assert_eq!(payloads(body), self.case.plain, "{}", self.place());
                right.push(body.to_vec());
            }
        }
    }

    /// Decodes what was encoded.
    async fn encoded(&self) {
        for encoded in &self.encoded.take() {
            if encoded.is_empty() {
                return;
            }
            assert_ne!(payloads(encoded), self.case.plain, "{}", self.place());
            let mut client =
                http1::Client::open(self.server.address, NAMESPACE, "decode", encoded).await;
            let decoded = payloads(client.ask().await);
            assert_eq!(decoded, self.case.plain, "{}", self.place());
        }
    }

    fn place(&self) -> String {
        format!("{}: {}", self.server.name, self.case.name)
    }
}

fn payloads(body: &[u8]) -> Vec<Payload> {
    let json: Value = serde_json::from_slice(body).expect("JSON");
    tests::read(&json)
}
