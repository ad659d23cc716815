//! Answers payloads of as many bytes as its setting `bytes` says.

use guests::{Answer, Codec, Payload, Verb, setting};

struct HugeReply;

impl Codec for HugeReply {
    fn code(_: Verb, mut payloads: Vec<Payload>) -> Answer {
        let bytes = setting("bytes").expect("the test sets it");
        let bytes: usize = bytes.parse().expect("a number");
        for payload in &mut payloads {
            payload.metadata.clear();
            payload.data = vec![b'x'; bytes];
        }
        Ok(payloads)
    }
}

guests::export!(HugeReply);
