//! Bodies damaged at random, always in the same way.

use proto::json::{self, UnknownFields};

use crate::cases::cases;

const RUNS_PER_CASE: usize = 500;

/// Longer bodies are only deeper, and would take all of the time.
const LONGEST: usize = 4_096;

/// Bytes that mean something to the reader, to get further than random ones would.
const TOKENS: [&[u8]; 28] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\"",
    b"\\",
    b"\\u",
    b"\\ud83d",
    b"\\ude00",
    b"\\n",
    b"=",
    b"-",
    b"_",
    b"+",
    b"/",
    b"0",
    b"1e",
    b".5",
    b"null",
    b"true",
    b"\"data\":",
    b"\"payloads\":",
    b"\xc3",
    b"\xa9",
    b"\x00",
    b" ",
];

/// A linear congruential generator (Knuth's constants): repeatable, and good enough to damage things.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.0
    }

    /// The high bits; the low ones repeat soon.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        let high = usize::try_from(self.next() >> 33).unwrap_or_default();
        high % limit
    }
}

#[test]
fn damaged_bodies_are_refused_or_read_stably() {
    let mut random = Random::new(0x7e3d);
    let [mut accepted, mut refused] = [0; 2];
    for case in cases() {
        if case.body.len() > LONGEST {
            continue;
        }
        for _ in 0..RUNS_PER_CASE {
            let body = damage(&case.body, &mut random);
            match check(&body) {
                true => accepted += 1,
                false => refused += 1,
            }
        }
    }
    assert!(
        accepted > 10_000 && refused > 10_000,
        "or this test proves nothing: {accepted} accepted, {refused} refused"
    );
}

/// Whether the body was accepted.
fn check(body: &[u8]) -> bool {
    let strict = json::read(body, UnknownFields::Reject);
    match json::read(body, UnknownFields::Ignore) {
        Ok(payloads) => {
            let shown = String::from_utf8_lossy(body);
            assert!(
                serde_json::from_slice::<Unlimited>(body).is_ok() || has_bare_exponent(body),
                "not JSON, but accepted: {shown}"
            );
            assert_eq!(
                json::read(&json::write(&payloads), UnknownFields::Reject).as_ref(),
                Ok(&payloads),
                "{shown}"
            );
            if let Ok(strict) = strict {
                assert_eq!(strict, payloads, "{shown}");
            }
            true
        }
        Err(error) => {
            assert!(strict.is_err(), "the strict reader accepts more");
            assert!(error.offset() <= body.len(), "{error}");
            false
        }
    }
}

/// Whether there may be an exponent without digits, the one thing that we take for JSON and JSON does not.
fn has_bare_exponent(body: &[u8]) -> bool {
    let mut windows = body.windows(3);
    windows
        .any(|at| at[0].is_ascii_digit() && matches!(at[1], b'e' | b'E') && !at[2].is_ascii_digit())
}

/// Any JSON. The values are dropped, or serde_json would refuse numbers beyond the range of a double.
type Unlimited = serde::de::IgnoredAny;

fn damage(body: &[u8], random: &mut Random) -> Vec<u8> {
    let mut body = body.to_vec();
    for _ in 0..=random.below(3) {
        let at = random.below(body.len() + 1);
        let rest = body.len() - at;
        match random.below(7) {
            0 => body.truncate(at),
            1 if rest > 0 => body[at] ^= 1 << random.below(8),
            2 if rest > 0 => body[at] = random.next().to_le_bytes()[6],
            3 if rest > 0 => {
                body.drain(at..at + 1 + random.below(rest.min(8)));
            }
            4 if rest > 1 => body.swap(at, at + 1),
            5 if rest > 0 => {
                let copy = body[at..at + 1 + random.below(rest.min(40))].to_vec();
                let to = random.below(body.len() + 1);
                body.splice(to..to, copy);
            }
            _ => {
                let token = TOKENS[random.below(TOKENS.len())];
                body.splice(at..at, token.iter().copied());
            }
        }
    }
    body
}
