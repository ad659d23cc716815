//! Answers a payload whose data is "quick", and otherwise spins for ever.

use guests::{Answer, Codec, Payload, Verb};

struct Spins;

impl Codec for Spins {
    fn code(_: Verb, payloads: Vec<Payload>) -> Answer {
        if payloads[0].data == b"quick" {
            return Ok(payloads);
        }
        let mut turns = 0u64;
        loop {
            turns = std::hint::black_box(turns.wrapping_add(1));
        }
    }
}

guests::export!(Spins);
