//! Answers one payload fewer than it was given.

use guests::{Answer, Codec, Payload, Verb};

struct Fewer;

impl Codec for Fewer {
    fn code(_: Verb, mut payloads: Vec<Payload>) -> Answer {
        payloads.pop();
        Ok(payloads)
    }
}

guests::export!(Fewer);
