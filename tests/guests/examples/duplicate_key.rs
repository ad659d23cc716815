//! Answers payloads with the same metadata key twice, among many others.

use guests::{Answer, Codec, Payload, Verb, note};

struct DuplicateKey;

impl Codec for DuplicateKey {
    fn code(_: Verb, mut payloads: Vec<Payload>) -> Answer {
        for payload in &mut payloads {
            for key in ["x-twice", "x-once", "x-twice"] {
                note(payload, key, "value");
            }
        }
        Ok(payloads)
    }
}

guests::export!(DuplicateKey);
