//! Panics even on the empty list that a server tries a component with.

use guests::{Answer, Guest, Payload};

struct Stillborn;

impl Guest for Stillborn {
    fn encode(_: Vec<Payload>) -> Answer {
        panic!("on purpose")
    }

    fn decode(_: Vec<Payload>) -> Answer {
        panic!("on purpose")
    }
}

guests::export!(Stillborn);
