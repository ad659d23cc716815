//! What the codec asks its host for.

use crate::types::Payload;

/// The keys and the protobuf encoding, which are the host's.
pub trait Host {
    /// Finds the key, opens `nonce || ciphertext || tag` with it and unmarshals what was inside.
    fn open(&self, key_id: &str, sealed: &[u8]) -> Result<Payload, KeyError>;

    /// Marshals the payload and seals it, with the key of that id or else the active one.
    fn seal(&self, key_id: Option<&str>, payload: Payload) -> Result<Sealed, KeyError>;

    /// The protobuf encoding of the payload.
    fn marshal(&self, payload: &Payload) -> Vec<u8>;

    /// The payload that the bytes encode, if they encode one.
    fn unmarshal(&self, bytes: &[u8]) -> Option<Payload>;
}

/// A payload, marshalled and sealed, and the id of the key that did it.
pub struct Sealed {
    /// The key's id.
    pub key_id: String,
    /// `nonce || ciphertext || tag`
    pub bytes: Vec<u8>,
}

/// Why the host did not seal or open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyError {
    /// No key of that id.
    UnknownKey,
    /// No key to seal with.
    NoActiveKey,
    /// Not sealed by this key, or changed since.
    NotAuthentic,
    /// What was sealed is not a payload.
    Malformed,
    /// The keys cannot be had now.
    Unavailable,
}
