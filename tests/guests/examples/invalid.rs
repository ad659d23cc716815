//! Calls every payload invalid, in 10 kB of text with control characters in it.

use guests::{Answer, Codec, CodecError, Payload, Verb};

struct Invalid;

impl Codec for Invalid {
    fn code(_: Verb, _: Vec<Payload>) -> Answer {
        let mut text =
            String::from("payload 0: \u{1b}[31mred\u{1b}[0m\r\nSet-Cookie: a=b\0\u{9b}2J ");
        text.push_str(&"\u{e9}".repeat(5_000));
        Err(CodecError::Invalid(text))
    }
}

guests::export!(Invalid);
