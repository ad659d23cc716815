//! Why payloads could not be coded.

use proto::wire::WireError;

/// Why a list could not be coded. The texts are shown to whoever asked: they hold no payload
/// bytes, no metadata and no key ids, which for some samples are the keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CodecError {
    /// A payload is bad, and always will be.
    Invalid(String),
    /// It might work later, or once the operator has mended something.
    Unavailable(String),
}

impl CodecError {
    /// The same, of that payload. Indices count from 0.
    pub(crate) fn of(self, at: usize) -> Self {
        match self {
            Self::Invalid(text) => Self::Invalid(format!("payload {at}: {text}")),
            Self::Unavailable(_) => self,
        }
    }
}

/// Of what the host gave.
pub(crate) fn not_a_payload(_: WireError) -> CodecError {
    invalid("not a Payload")
}

pub(crate) fn invalid(text: &str) -> CodecError {
    CodecError::Invalid(text.to_owned())
}

pub(crate) fn unavailable(text: &str) -> CodecError {
    CodecError::Unavailable(text.to_owned())
}
