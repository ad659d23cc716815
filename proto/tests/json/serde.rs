//! The same messages by way of generic serde impls, which share no code with ours.

use std::collections::BTreeMap;

use proto::json::{self, UnknownFields};
use proto::{Batch, ExternalPayloadDetails, Payload, Payloads};

use crate::damage::Random;

#[test]
fn written_bodies_are_those_of_the_serde_impls() {
    let mut random = Random::new(1);
    for _ in 0..2_000 {
        let payloads = random_payloads(&mut random);
        let batch: Batch = payloads.iter().collect();
        let ours = json::write(&batch);
        let theirs = serde_json::to_vec(&Payloads {
            payloads: payloads.clone(),
        })
        .expect("serializes");
        // As values: theirs has metadata in no order, since a hash map is in between.
        assert_eq!(value(&ours), value(&theirs));

        let read: Payloads = serde_json::from_slice(&ours).expect("deserializes");
        assert_eq!(read.payloads, payloads);
        assert_eq!(json::read(&theirs, UnknownFields::Reject), Ok(batch));
    }
}

fn value(body: &[u8]) -> serde_json::Value {
    serde_json::from_slice(body).expect("JSON")
}

fn random_payloads(random: &mut Random) -> Vec<Payload> {
    (0..random.below(5))
        .map(|_| Payload {
            metadata: random_metadata(random),
            data: random_bytes(random),
            external_payloads: (0..random.below(3))
                .map(|_| ExternalPayloadDetails {
                    size_bytes: random_size(random),
                })
                .collect(),
        })
        .collect()
}

fn random_metadata(random: &mut Random) -> BTreeMap<String, Vec<u8>> {
    (0..random.below(4))
        .map(|_| {
            let length = random.below(12);
            let key = (0..length).map(|_| {
                // Half of them where escapes are.
                let code = match random.below(2) {
                    0 => random.below(0x80),
                    _ => random.below(0x11_0000),
                };
                u32::try_from(code)
                    .ok()
                    .and_then(char::from_u32)
                    .unwrap_or('x')
            });
            (key.collect(), random_bytes(random))
        })
        .collect()
}

fn random_bytes(random: &mut Random) -> Vec<u8> {
    let length = match random.below(4) {
        0 => 0,
        1 => random.below(1_000),
        _ => random.below(40),
    };
    (0..length)
        .map(|_| random.next().to_le_bytes()[7])
        .collect()
}

fn random_size(random: &mut Random) -> i64 {
    match random.below(5) {
        0 => 0,
        1 => i64::MAX,
        2 => i64::MIN,
        _ => random.next().cast_signed() >> random.below(64),
    }
}
