//! Sleeps for as many milliseconds as its data says.

use std::thread::sleep;
use std::time::Duration;

use guests::{Answer, Codec, Payload, Verb};

struct Sleeps;

impl Codec for Sleeps {
    fn code(_: Verb, payloads: Vec<Payload>) -> Answer {
        let text = String::from_utf8_lossy(&payloads[0].data);
        let millis = text.parse().expect("the data is a number");
        sleep(Duration::from_millis(millis));
        Ok(payloads)
    }
}

guests::export!(Sleeps);
