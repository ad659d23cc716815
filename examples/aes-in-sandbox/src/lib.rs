//! A payload codec that encrypts inside of the sandbox, with a crate of its own choice. It
//! writes what the SDK samples write (`binary/encrypted`, AES-256-GCM), so it can be compared
//! with the built-in codec, which leaves the algorithm to the server and is many times as fast.
//!
//! The operator lets it have the keys with `export-keys = true` in the namespace's keyring.

use aes_gcm::aead::{Aead, Generate, KeyInit};
use aes_gcm::{Aes256Gcm, Nonce};
use exports::temporal::codec::payload_codec::{CodecError, Guest, Payload};
use temporal::codec::keyring::{self, KeyError};
use temporal::codec::wire;

wit_bindgen::generate!({ path: "../../wit", world: "codec", generate_all });

const ENCODING: &str = "encoding";
/// The value of `encoding` by which this codec knows its own payloads.
const MARKER: &[u8] = b"binary/encrypted";
/// The metadata key that says which key a payload was encrypted with.
const KEY_ID: &str = "encryption-key-id";

struct AesInSandbox;

// The functions that the server calls; natively there is nobody to export them to.
#[cfg(target_family = "wasm")]
export!(AesInSandbox);

impl Guest for AesInSandbox {
    fn encode(payloads: Vec<Payload>) -> Result<Vec<Payload>, CodecError> {
        if payloads.is_empty() {
            return Ok(payloads);
        }
        let id = keyring::active().map_err(fault)?.id();
        let cipher = cipher(&id)?;
        let encoded = payloads
            .iter()
            .map(|payload| encrypt(payload, &id, &cipher));
        encoded.collect()
    }

    fn decode(payloads: Vec<Payload>) -> Result<Vec<Payload>, CodecError> {
        let decoded = payloads.into_iter().enumerate().map(|(at, payload)| {
            decrypt(payload).map_err(|error| match error {
                CodecError::Invalid(why) => CodecError::Invalid(format!("payload {at}: {why}")),
                CodecError::Unavailable(_) => error,
            })
        });
        decoded.collect()
    }
}

/// The whole marshalled payload as `nonce || ciphertext || tag`.
fn encrypt(payload: &Payload, id: &str, cipher: &Aes256Gcm) -> Result<Payload, CodecError> {
    // Drawn by the server's generator, through `wasi:random`.
    let nonce = Nonce::generate();
    let sealed = cipher.encrypt(&nonce, &*wire::marshal(payload));
    let sealed = sealed.map_err(|_| invalid("it is too large for AES-GCM"))?;
    Ok(Payload {
        metadata: vec![
            (ENCODING.to_owned(), MARKER.to_vec()),
            (KEY_ID.to_owned(), id.as_bytes().to_vec()),
        ],
        data: [nonce.as_slice(), &sealed].concat(),
        external_payloads: Vec::new(),
    })
}

fn decrypt(payload: Payload) -> Result<Payload, CodecError> {
    // Foreign payloads come untouched: most histories have some.
    if metadata(&payload, ENCODING) != Some(MARKER) {
        return Ok(payload);
    }
    let id = metadata(&payload, KEY_ID).ok_or_else(|| invalid("it names no key"))?;
    let id = str::from_utf8(id).map_err(|_| invalid("its key id is not UTF-8"))?;
    let (nonce, sealed) = payload
        .data
        .split_first_chunk::<12>()
        .ok_or_else(|| invalid("it is cut short"))?;
    let marshalled = cipher(id)?
        .decrypt(nonce.into(), sealed)
        .map_err(|_| invalid("it was changed, or encrypted with another key"))?;
    wire::unmarshal(&marshalled).map_err(CodecError::Invalid)
}

fn cipher(id: &str) -> Result<Aes256Gcm, CodecError> {
    let key = keyring::export_key(id).map_err(fault)?;
    Aes256Gcm::new_from_slice(&key)
        .map_err(|_| CodecError::Unavailable("the key is none of AES-256".to_owned()))
}

/// A payload is invalid only where its key will never be there; the rest is the operator's to mend.
fn fault(error: KeyError) -> CodecError {
    CodecError::Unavailable(match error {
        KeyError::UnknownKey => return invalid("this namespace does not have its key"),
        KeyError::NotGranted => "this namespace does not grant `export-keys`".to_owned(),
        KeyError::NoActiveKey => "this namespace has no active key".to_owned(),
        _ => "the keys cannot be had now".to_owned(),
    })
}

fn invalid(why: &str) -> CodecError {
    CodecError::Invalid(why.to_owned())
}

fn metadata<'a>(payload: &'a Payload, key: &str) -> Option<&'a [u8]> {
    let entry = payload.metadata.iter().find(|(name, _)| name == key);
    entry.map(|(_, value)| value.as_slice())
}
