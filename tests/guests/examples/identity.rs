//! Answers every payload as it came.

use guests::{Answer, Codec, Payload, Verb};

struct Identity;

impl Codec for Identity {
    fn code(_: Verb, payloads: Vec<Payload>) -> Answer {
        Ok(payloads)
    }
}

guests::export!(Identity);
