//! Says that it might work later.

use guests::{Answer, Codec, CodecError, Payload, Verb};

struct Unavailable;

impl Codec for Unavailable {
    fn code(_: Verb, _: Vec<Payload>) -> Answer {
        Err(CodecError::Unavailable(
            "the keys cannot be had now".to_owned(),
        ))
    }
}

guests::export!(Unavailable);
