//! Calls a payload invalid whose data is "bad", traps on "trap", and appends "!" to the others.

use guests::{Answer, Codec, CodecError, Payload, Verb};

struct InvalidOne;

impl Codec for InvalidOne {
    fn code(_: Verb, mut payloads: Vec<Payload>) -> Answer {
        for (at, payload) in payloads.iter_mut().enumerate() {
            match payload.data.as_slice() {
                b"bad" => return Err(CodecError::Invalid(format!("payload {at}: is bad"))),
                b"trap" => panic!("on purpose"),
                b"later" => return Err(CodecError::Unavailable("later".to_owned())),
                _ => payload.data.push(b'!'),
            }
        }
        Ok(payloads)
    }
}

guests::export!(InvalidOne);
