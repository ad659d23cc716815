//! Answers one payload more than it was given.

use guests::{Answer, Codec, Payload, Verb};

struct More;

impl Codec for More {
    fn code(_: Verb, mut payloads: Vec<Payload>) -> Answer {
        payloads.push(payloads[0].clone());
        Ok(payloads)
    }
}

guests::export!(More);
