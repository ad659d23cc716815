//! The component around the codec's logic: bindings, and the host behind them.

mod sealing;

use std::ops::Range;

use bindings::exports::temporal::codec::{encodings, wire_codec};
use bindings::temporal::codec::{keyring, types};
use bindings::wasi::config::store;

use crate::codec::{self, CodecError};
use crate::host::{Host, KeyError, Sealed};
use crate::settings::Settings;

/// The generated bindings.
#[allow(missing_docs, unreachable_pub, unsafe_code, reason = "generated")]
mod bindings {
    wit_bindgen::generate!({
        path: "../wit",
        world: "codec-of-bytes-with-encodings",
        generate_all,
    });
    use super::Component;
    export!(Component);
}

struct Component;

impl wire_codec::Guest for Component {
    fn encode(payloads: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>, types::CodecError> {
        let settings = settings()?;
        let imports = Imports {
            seals_as_handed_in: settings.compression.is_none(),
        };
        Ok(codec::encode(payloads, &settings, &imports)?)
    }

    fn decode(payloads: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>, types::CodecError> {
        let imports = Imports {
            seals_as_handed_in: false,
        };
        Ok(codec::decode(payloads, &settings()?, &imports)?)
    }
}

impl encodings::Guest for Component {
    fn decodes() -> Result<Vec<Vec<u8>>, types::CodecError> {
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
struct Imports {
    /// Whether what is sealed are the lists that the host handed in.
    seals_as_handed_in: bool,
}

impl Host for Imports {
    fn open(
        &self,
        payload: Vec<u8>,
        key_id: Range<usize>,
        sealed: Range<usize>,
    ) -> Result<Vec<u8>, KeyError> {
        sealing::open_in_place(payload, key_id, sealed)
    }

    fn seal(
        &self,
        key_id: Option<&str>,
        payload: Vec<u8>,
        head: &[u8],
    ) -> Result<Sealed, KeyError> {
        sealing::seal_in_place(key_id, payload, head, self.seals_as_handed_in)
    }

    fn open_each(&self, sealed: &[[&[u8]; 2]]) -> Result<Vec<u8>, (usize, KeyError)> {
        sealing::open(sealed)
    }

    fn seal_each(&self, key_id: Option<&str>, payloads: &[&[u8]]) -> Result<Sealed, KeyError> {
        sealing::seal(key_id, payloads)
    }
}

impl From<keyring::KeyError> for KeyError {
    fn from(error: keyring::KeyError) -> Self {
        match error {
            keyring::KeyError::UnknownKey => Self::UnknownKey,
            keyring::KeyError::NoActiveKey => Self::NoActiveKey,
            keyring::KeyError::NotAuthentic => Self::NotAuthentic,
            // Nothing here exports a key, or has one opened as a record.
            keyring::KeyError::Unavailable
            | keyring::KeyError::NotGranted
            | keyring::KeyError::Malformed => Self::Unavailable,
        }
    }
}

impl From<CodecError> for types::CodecError {
    fn from(error: CodecError) -> Self {
        match error {
            CodecError::Invalid(text) => Self::Invalid(text),
            CodecError::Unavailable(text) => Self::Unavailable(text),
        }
    }
}
