//! The component around the codec's logic: bindings, and the host behind them.
#![allow(unsafe_code, reason = "generated bindings")]

#[allow(missing_docs, unreachable_pub, reason = "generated")]
mod bindings {
    wit_bindgen::generate!({ path: "../wit", world: "codec", generate_all });
    use super::Component;
    export!(Component);
}

use bindings::exports::temporal::codec::payload_codec::{CodecError, Guest, Payload as WitPayload};
use bindings::temporal::codec::{keyring, types, wire};
use bindings::wasi::config::store;

use crate::codec::{self, Failure};
use crate::host::{Host, KeyError, Payload, Sealed};
use crate::settings::Settings;

struct Component;

impl Guest for Component {
    fn encode(payloads: Vec<WitPayload>) -> Result<Vec<WitPayload>, CodecError> {
        Ok(to_wit(codec::encode(
            from_wit(payloads),
            &settings()?,
            &Imports,
        )?))
    }

    fn decode(payloads: Vec<WitPayload>) -> Result<Vec<WitPayload>, CodecError> {
        Ok(to_wit(codec::decode(
            from_wit(payloads),
            &settings()?,
            &Imports,
        )?))
    }
}

/// Bad settings are the operator's to mend; no payload is invalid because of them.
fn settings() -> Result<Settings, Failure> {
    let all = store::get_all()
        .map_err(|_| Failure::Unavailable("the settings cannot be read".to_owned()))?;
    Settings::parse(&all).map_err(Failure::Unavailable)
}

/// The interfaces that the component imports.
struct Imports;

impl Host for Imports {
    fn open(&self, key_id: &str, sealed: &[u8]) -> Result<Payload, KeyError> {
        Ok(keyring::open_payload(key_id, sealed, &[])?.into())
    }

    fn seal(&self, key_id: Option<&str>, payload: Payload) -> Result<Sealed, KeyError> {
        let sealed = keyring::seal_payload(key_id, &payload.into(), &[])?;
        Ok(Sealed {
            key_id: sealed.key_id,
            bytes: sealed.sealed,
        })
    }

    fn marshal(&self, payload: &Payload) -> Vec<u8> {
        wire::marshal(&payload.clone().into())
    }

    fn unmarshal(&self, bytes: &[u8]) -> Option<Payload> {
        wire::unmarshal(bytes).ok().map(Payload::from)
    }
}

fn from_wit(payloads: Vec<WitPayload>) -> Vec<Payload> {
    payloads.into_iter().map(Payload::from).collect()
}

fn to_wit(payloads: Vec<Payload>) -> Vec<WitPayload> {
    payloads.into_iter().map(WitPayload::from).collect()
}

impl From<WitPayload> for Payload {
    fn from(payload: WitPayload) -> Self {
        let external = payload.external_payloads.into_iter();
        Self {
            metadata: payload.metadata,
            data: payload.data,
            external_payloads: external.map(|external| external.size_bytes).collect(),
        }
    }
}

impl From<Payload> for WitPayload {
    fn from(payload: Payload) -> Self {
        let external = payload.external_payloads.into_iter();
        Self {
            metadata: payload.metadata,
            data: payload.data,
            external_payloads: external
                .map(|size_bytes| types::ExternalPayload { size_bytes })
                .collect(),
        }
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

impl From<Failure> for CodecError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Invalid(text) => Self::Invalid(text),
            Failure::Unavailable(text) => Self::Unavailable(text),
        }
    }
}
