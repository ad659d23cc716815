//! The component around the codec's logic: bindings, and the host behind them.

use bindings::exports::temporal::codec::{encodings, payload_codec};
use bindings::temporal::codec::{keyring, wire};
use bindings::wasi::config::store;

use crate::codec;
use crate::host::{Host, KeyError, Sealed};
use crate::settings::Settings;
use crate::types::{CodecError, Payload};

/// The generated bindings, around the types that are written out in [`crate::types`].
#[allow(missing_docs, unreachable_pub, unsafe_code, reason = "generated")]
mod bindings {
    wit_bindgen::generate!({
        path: "../wit",
        world: "codec-with-encodings",
        with: { "temporal:codec/types@1.0.0": crate::types },
        generate_all,
    });
    use super::Component;
    export!(Component);
}

struct Component;

impl payload_codec::Guest for Component {
    fn encode(payloads: Vec<Payload>) -> Result<Vec<Payload>, CodecError> {
        codec::encode(payloads, &settings()?, &Imports)
    }

    fn decode(payloads: Vec<Payload>) -> Result<Vec<Payload>, CodecError> {
        codec::decode(payloads, &settings()?, &Imports)
    }
}

impl encodings::Guest for Component {
    fn decodes() -> Result<Vec<Vec<u8>>, CodecError> {
        let markers = settings()?.decode.encodings();
        Ok(markers.map(|marker| marker.as_bytes().to_vec()).collect())
    }
}

/// Bad settings are the operator's to mend; no payload is invalid because of them.
fn settings() -> Result<Settings, CodecError> {
    let all = store::get_all()
        .map_err(|_| CodecError::Unavailable("the settings cannot be had now".to_owned()))?;
    Settings::parse(&all).map_err(CodecError::Unavailable)
}

/// The interfaces that the component imports.
struct Imports;

impl Host for Imports {
    fn open(&self, key_id: &str, sealed: &[u8]) -> Result<Payload, KeyError> {
        keyring::open_payload(key_id, sealed, &[]).map_err(KeyError::from)
    }

    fn seal(&self, key_id: Option<&str>, payload: Payload) -> Result<Sealed, KeyError> {
        let sealed = keyring::seal_payload(key_id, &payload, &[])?;
        Ok(Sealed {
            key_id: sealed.key_id,
            bytes: sealed.sealed,
        })
    }

    fn marshal(&self, payload: &Payload) -> Vec<u8> {
        wire::marshal(payload)
    }

    fn unmarshal(&self, bytes: &[u8]) -> Option<Payload> {
        wire::unmarshal(bytes).ok()
    }
}

impl From<keyring::KeyError> for KeyError {
    fn from(error: keyring::KeyError) -> Self {
        match error {
            keyring::KeyError::UnknownKey => Self::UnknownKey,
            keyring::KeyError::NoActiveKey => Self::NoActiveKey,
            keyring::KeyError::NotAuthentic => Self::NotAuthentic,
            keyring::KeyError::Malformed => Self::Malformed,
            // Nothing here exports a key.
            keyring::KeyError::Unavailable | keyring::KeyError::NotGranted => Self::Unavailable,
        }
    }
}
