//! One payload in protobuf's binary format: what encrypting and compressing codecs have inside.
//!
//! On top of prost, which checks lengths before it allocates, UTF-8 in keys, and the depth of unknown groups.
//! Unknown fields are skipped; of a field or a key given twice the last one counts, as in every protobuf reader.

use std::fmt;

use prost::Message as _;

use crate::Payload;

/// The bytes of a payload. Fields go by number and metadata by key, so equal payloads give equal bytes.
pub fn marshal(payload: &Payload) -> Vec<u8> {
    payload.encode_to_vec()
}

/// The payload that the bytes are. No bytes at all are a payload without anything.
///
/// # Errors
///
/// Bytes that are not a `Payload`.
pub fn unmarshal(bytes: &[u8]) -> Result<Payload, WireError> {
    Payload::decode(bytes).map_err(WireError::new)
}

/// Bytes that are not a payload in protobuf's binary format.
///
/// `Display` says what is wrong and in which field, and gives nothing of the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WireError {
    reason: String,
}

impl WireError {
    fn new(error: prost::DecodeError) -> Self {
        let mut reason = error.to_string();
        // prost ends in the number where a key or a wire type does not exist, and that is input: a key is as
        // many as ten bytes of it.
        let without_number = reason
            .trim_end_matches(|last: char| last.is_ascii_digit())
            .trim_end_matches(": ");
        reason.truncate(without_number.len());
        Self { reason }
    }
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for WireError {}
