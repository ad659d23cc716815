//! Counts its calls in a static, and shows a block of memory that it wrote the last payload to.
//! It panics at a payload that says so, takes four megabytes at another, makes a hash map at a third,
//! prints at a fourth, and at a fifth after it was refused more memory than there is.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};

use guests::{Answer, Codec, Payload, Verb, note};

static CALLS: AtomicU32 = AtomicU32::new(0);

thread_local! {
    static LAST: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

struct Remembers;

impl Codec for Remembers {
    fn code(_: Verb, mut payloads: Vec<Payload>) -> Answer {
        let calls = CALLS.fetch_add(1, Ordering::Relaxed);
        for payload in &mut payloads {
            match &*payload.data {
                b"panic" => panic!("as it was told"),
                b"hash" => drop(HashMap::from([(payload.data.clone(), 1)])),
                b"print" => eprintln!("as it was told"),
                b"ask for too much" => {
                    let refused = Vec::<u8>::new().try_reserve_exact(1 << 30);
                    eprintln!("refused: {}", refused.is_err());
                }
                b"grow" => std::mem::forget(vec![1u8; 4 << 20]),
                _ => {}
            }
            let last = LAST.replace(payload.data.clone());
            note(payload, "x-calls-before", calls.to_string());
            note(payload, "x-last", last);
        }
        Ok(payloads)
    }
}

guests::export!(Remembers);
