//! What is asked, and what must be answered.

use tests::{Payload, Request};

use crate::servers::{Cluster, NAMESPACE, Server};

/// One kind of request.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) verb: &'static str,
    pub(crate) body: Vec<u8>,
    /// The values: what decoding must answer, and what encoding must have inside.
    pub(crate) plain: Vec<Payload>,
    /// Goals of CPU per request, to `go` and to `native`.
    pub(crate) goals: (f64, f64),
}

/// Payloads and bytes of each, and the goals.
const SIZES: [(usize, usize, &str, (f64, f64)); 5] = [
    (1, 256, "1 × 256 B", (0.6, 1.7)),
    (1, 4 << 10, "1 × 4 KiB", (0.4, 1.6)),
    (1, 64 << 10, "1 × 64 KiB", (0.25, 1.25)),
    (1, 1 << 20, "1 × 1 MiB", (0.2, 1.25)),
    (100, 256, "100 × 256 B", (0.35, 1.5)),
];

impl Case {
    /// Decoding one payload of that many bytes, which the server is asked to encode.
    pub(crate) fn decode(server: &Server, bytes: usize) -> Self {
        let plain = vec![plain(0, bytes)];
        let encoded = encode(server, &plain);
        Self::new("decode", "", &encoded, plain, (0.0, 0.0))
    }

    /// All cases. What is decoded was encoded by codec-host, and every server must read it.
    pub(crate) fn all(cluster: &Cluster) -> Vec<Self> {
        let mut cases = Vec::new();
        for (count, bytes, size, goals) in SIZES {
            let plain: Vec<_> = (0..count).map(|seed| plain(seed, bytes)).collect();
            let encoded = encode(&cluster.servers[0], &plain);
            cases.push(Self::new("decode", size, &encoded, plain, goals));
        }
        let foreign = vec![plain(7, 256)];
        let body = foreign.clone();
        cases.push(Self::new(
            "decode",
            "foreign 256 B",
            &body,
            foreign,
            (0.45, 1.2),
        ));
        for (count, bytes, size, goals) in SIZES {
            let plain: Vec<_> = (0..count).map(|seed| plain(seed, bytes)).collect();
            let body = plain.clone();
            cases.push(Self::new("encode", size, &body, plain, goals));
        }
        cases
    }

    fn new(
        verb: &'static str,
        size: &str,
        asked: &[Payload],
        plain: Vec<Payload>,
        goals: (f64, f64),
    ) -> Self {
        Self {
            name: format!("{verb} {size}"),
            verb,
            body: tests::body(asked).into_bytes(),
            plain,
            goals,
        }
    }

    /// Whether it is among those that are measured on two cores.
    pub(crate) fn is_spread(&self) -> bool {
        self.verb == "decode" && !self.name.contains("foreign")
    }
}

fn encode(server: &Server, plain: &[Payload]) -> Vec<Payload> {
    let mut connection = tests::Connection::open(server.address);
    connection
        .ask(&Request::encode(NAMESPACE, plain))
        .payloads()
}

/// A JSON value of exactly that many bytes, two to three times compressible, as workflows pass
/// them around: orders.
fn plain(seed: usize, bytes: usize) -> Payload {
    let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ (seed as u64 + 1));
    let mut text = String::from("[");
    loop {
        let order = random.order();
        if text.len() + order.len() + 20 > bytes {
            break;
        }
        text.push_str(&order);
        text.push(',');
    }
    // `"…"]` makes it as long as it is to be.
    let missing = bytes - text.len() - 3;
    text.push('"');
    text.extend((0..missing).map(|_| random.letter()));
    text.push_str("\"]");
    assert_eq!(text.len(), bytes);
    Payload::new("json/plain", text)
}

/// Marsaglia's xorshift: the same values in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn letter(&mut self) -> char {
        char::from(b'a' + (self.next() % 26) as u8)
    }

    fn order(&mut self) -> String {
        let places = ["Berlin", "São Paulo", "Osaka", "Lagos", "Denver"];
        let states = ["created", "paid", "shipped", "returned"];
        let number = self.next();
        format!(
            r#"{{"orderId":"ord_{number:016x}","state":"{}","customer":{{"id":{},"city":"{}"}},"total":{}.{:02},"note":"{}{}{}"}}"#,
            states[(number % 4) as usize],
            self.next() % 1_000_000,
            places[(number / 4 % 5) as usize],
            self.next() % 1000,
            number % 100,
            self.letter(),
            self.letter(),
            self.letter(),
        )
    }
}
