//! The types of the contract's interface `types`, written out.
//!
//! The bindings are generated around these, so that nothing is converted on the way in or out,
//! and the codec's logic can be compiled and tested without them.

/// One value as Temporal stores it. A metadata key occurs at most once.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Payload {
    /// What the value is, by key.
    pub metadata: Vec<(String, Vec<u8>)>,
    /// The value.
    pub data: Vec<u8>,
    /// What of the value is stored elsewhere.
    pub external_payloads: Vec<ExternalPayload>,
}

/// The size of what is stored elsewhere.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ExternalPayload {
    /// In bytes.
    pub size_bytes: i64,
}

/// Why a list could not be coded. The texts are shown to whoever asked: they hold no payload
/// bytes, no metadata and no key ids, which for some samples are the keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CodecError {
    /// A payload is bad, and always will be.
    Invalid(String),
    /// It might work later, or once the operator has mended something.
    Unavailable(String),
}

impl Payload {
    /// A payload that is nothing but a wrapper: the metadata and data given.
    pub fn wrapper<const N: usize>(metadata: [(&str, &[u8]); N], data: Vec<u8>) -> Self {
        let owned = metadata.map(|(key, value)| (key.to_owned(), value.to_vec()));
        Self {
            metadata: owned.into(),
            data,
            external_payloads: Vec::new(),
        }
    }

    /// The metadata value under that key.
    pub fn find(&self, key: &str) -> Option<&[u8]> {
        let entry = self.metadata.iter().find(|(name, _)| name == key);
        entry.map(|(_, value)| value.as_slice())
    }
}
