//! Takes memory until there is none.

use guests::{Answer, Codec, Payload, Verb};

struct Hog;

impl Codec for Hog {
    fn code(_: Verb, _: Vec<Payload>) -> Answer {
        let mut taken: Vec<Vec<u8>> = Vec::new();
        loop {
            taken.push(std::hint::black_box(vec![1; 1 << 20]));
        }
    }
}

guests::export!(Hog);
