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

    /// Opens many with one call: key ids and what was sealed to plaintexts, one right after the other.
    /// Where one cannot be opened, the error says which, counted from 0.
    fn open_each(&self, sealed: &[[&[u8]; 2]]) -> Result<Vec<u8>, (usize, KeyError)>;

    /// Seals many with one call, to one right after the other, without heads.
    fn seal_each(&self, key_id: Option<&str>, payloads: &[&[u8]]) -> Result<Sealed, KeyError>;
}

/// Bytes of the nonce, which is before what is sealed.
pub const NONCE: usize = 12;
/// Bytes of the tag, which is behind it.
pub const TAG: usize = 16;

/// Sealed payloads, and the id of the key that did it.
pub struct Sealed {
    /// The key's id.
    pub key_id: String,
    /// `head || nonce || ciphertext || tag`, of each
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
