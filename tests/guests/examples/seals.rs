//! Writes and reads the SDK samples' format with the two functions of the keyring that are made for
//! it.

use guests::keyring::{self, KeyError};
use guests::{Answer, Codec, CodecError, Payload, Verb, note};

struct Seals;

impl Codec for Seals {
    fn code(verb: Verb, payloads: Vec<Payload>) -> Answer {
        payloads
            .into_iter()
            .map(|payload| match verb {
                Verb::Encode => encode(&payload),
                Verb::Decode => decode(&payload),
            })
            .collect()
    }
}

fn encode(payload: &Payload) -> Result<Payload, CodecError> {
    // By its id, where the payload asks for a key.
    let id = find(payload, "x-key");
    let sealed = keyring::seal_payload(id.as_deref(), payload, &[]).map_err(fault)?;
    let mut wrapper = Payload {
        metadata: Vec::new(),
        data: sealed.sealed,
        external_payloads: Vec::new(),
    };
    note(&mut wrapper, "encoding", "binary/encrypted".to_owned());
    note(&mut wrapper, "encryption-key-id", sealed.key_id);
    Ok(wrapper)
}

fn decode(payload: &Payload) -> Result<Payload, CodecError> {
    let id = find(payload, "encryption-key-id").unwrap_or_default();
    keyring::open_payload(&id, &payload.data, &[]).map_err(fault)
}

fn find(payload: &Payload, key: &str) -> Option<String> {
    let entry = payload.metadata.iter().find(|(name, _)| name == key);
    entry.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
}

fn fault(error: KeyError) -> CodecError {
    CodecError::Invalid(error.name().to_owned())
}

guests::export!(Seals);
