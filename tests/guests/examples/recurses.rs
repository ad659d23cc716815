//! Calls itself until the stack ends.

use guests::{Answer, Codec, Payload, Verb};

struct Recurses;

impl Codec for Recurses {
    fn code(_: Verb, mut payloads: Vec<Payload>) -> Answer {
        let depth = deeper(&payloads[0].data, 1);
        payloads[0].data = depth.to_string().into_bytes();
        Ok(payloads)
    }
}

fn deeper(data: &[u8], depth: u64) -> u64 {
    if std::hint::black_box(depth) == 0 {
        return data.len() as u64;
    }
    std::hint::black_box(deeper(data, depth + 1)) + 1
}

guests::export!(Recurses);
