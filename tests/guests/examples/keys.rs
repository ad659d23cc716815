//! Seals with the active key and opens by id, through handles; and notes what `export-key` gave it.

use guests::keyring::{self, KeyError};
use guests::{Answer, Codec, CodecError, Payload, Verb, note};

const ASSOCIATED: &[u8] = b"bound to this";

struct Keys;

impl Codec for Keys {
    fn code(verb: Verb, payloads: Vec<Payload>) -> Answer {
        payloads
            .into_iter()
            .map(|payload| match verb {
                Verb::Encode => encode(payload),
                Verb::Decode => decode(payload),
            })
            .collect()
    }
}

fn encode(mut payload: Payload) -> Result<Payload, CodecError> {
    let key = keyring::active().map_err(fault)?;
    payload.data = key.seal(&payload.data, ASSOCIATED);
    let id = key.id();
    let exported = match keyring::export_key(&id) {
        Ok(bytes) => format!("{} bytes", bytes.len()),
        Err(KeyError::NotGranted) => "not granted".to_owned(),
        Err(other) => other.name().to_owned(),
    };
    note(&mut payload, "x-key", id);
    note(&mut payload, "x-exported", exported);
    Ok(payload)
}

fn decode(mut payload: Payload) -> Result<Payload, CodecError> {
    let Some(at) = payload.metadata.iter().position(|(key, _)| key == "x-key") else {
        return Ok(payload);
    };
    let (_, id) = payload.metadata.remove(at);
    payload.metadata.retain(|(key, _)| key != "x-exported");
    let key = keyring::find(&String::from_utf8_lossy(&id)).map_err(fault)?;
    if key.open(&payload.data, b"bound to something else").is_ok() {
        return Err(CodecError::Invalid("opened with other data".to_owned()));
    }
    payload.data = key.open(&payload.data, ASSOCIATED).map_err(fault)?;
    Ok(payload)
}

fn fault(error: KeyError) -> CodecError {
    match error {
        KeyError::Unavailable => CodecError::Unavailable("no keys now".to_owned()),
        other => CodecError::Invalid(other.name().to_owned()),
    }
}

guests::export!(Keys);
