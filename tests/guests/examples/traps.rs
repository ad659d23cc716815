//! Panics.

use guests::{Answer, Codec, Payload, Verb};

struct Traps;

impl Codec for Traps {
    fn code(_: Verb, _: Vec<Payload>) -> Answer {
        panic!("on purpose")
    }
}

guests::export!(Traps);
