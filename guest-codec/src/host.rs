//! What the codec asks its host for.

/// One value as Temporal stores it. A metadata key occurs at most once.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Payload {
    /// What the value is, by key.
    pub metadata: Vec<(String, Vec<u8>)>,
    /// The value.
    pub data: Vec<u8>,
    /// Sizes, in bytes, of what is stored elsewhere.
    pub external_payloads: Vec<i64>,
}

impl Payload {
    /// The metadata value under that key.
    pub fn find(&self, key: &str) -> Option<&[u8]> {
        let entry = self.metadata.iter().find(|(name, _)| name == key);
        entry.map(|(_, value)| value.as_slice())
    }
}

/// A Payload, marshalled and sealed, and the id of the key that did it.
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
    /// What was sealed is no Payload.
    Malformed,
    /// Keys cannot be had now.
    Unavailable,
}

/// The keys and the protobuf encoding, which are the host's.
pub trait Host {
    /// Finds the key, opens and unmarshals.
    fn open(&self, key_id: &str, sealed: &[u8]) -> Result<Payload, KeyError>;
    /// Marshals and seals, with the key of that id or the active one.
    fn seal(&self, key_id: Option<&str>, payload: Payload) -> Result<Sealed, KeyError>;
    /// The protobuf encoding of the payload.
    fn marshal(&self, payload: &Payload) -> Vec<u8>;
    /// The payload that the bytes encode.
    fn unmarshal(&self, bytes: &[u8]) -> Option<Payload>;
}
