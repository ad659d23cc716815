//! Floods standard error and standard output, with escape sequences and forged log lines in it.

use guests::{Answer, Codec, Payload, Verb};

struct Prints;

impl Codec for Prints {
    fn code(_: Verb, payloads: Vec<Payload>) -> Answer {
        eprintln!("printed by the guest \u{1b}[31m\r\nFORGED line");
        for _ in 0..2_000 {
            eprintln!("{}", "flood ".repeat(100));
            println!("{}", "flood ".repeat(100));
        }
        eprintln!("end of the flood");
        Ok(payloads)
    }
}

guests::export!(Prints);
