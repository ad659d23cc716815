//! What the codec asks its host for.

use std::ops::Range;

/// The keys, which are the host's.
pub trait Host {
    /// Finds the key, and opens `nonce || ciphertext || tag` with it: both are parts of the payload.
    fn open(
        &self,
        payload: Vec<u8>,
        key_id: Range<usize>,
        sealed: Range<usize>,
    ) -> Result<Vec<u8>, KeyError>;

    /// Seals the payload, with the key of that id or else the active one, and puts the head before
    /// it.
    fn seal(&self, key_id: Option<&str>, payload: Vec<u8>, head: &[u8])
    -> Result<Sealed, KeyError>;
}

/// Bytes of the nonce, which is before what is sealed.
pub const NONCE: usize = 12;
/// Bytes of the tag, which is behind it.
pub const TAG: usize = 16;

/// A sealed payload, and the id of the key that did it.
pub struct Sealed {
    /// The key's id.
    pub key_id: String,
    /// `head || nonce || ciphertext || tag`
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
    /// The keys cannot be had now.
    Unavailable,
}
