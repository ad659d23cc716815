//! The words of the codec server protocol: verbs and headers.
//!
//! What is done with them is told in [`crate::http`].

use std::fmt;

/// What a request asks for: the last segment of its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// `…/encode`: what a worker or a person wrote becomes what Temporal stores.
    Encode,
    /// `…/decode`: the way back.
    Decode,
    /// `…/download`: fetch payloads from external storage. No storage can be configured yet,
    /// so that it is always answered as clients expect in that case.
    Download,
}

impl Verb {
    /// The verb of that path segment, if it is one.
    pub fn parse(segment: &str) -> Option<Self> {
        match segment {
            "encode" => Some(Self::Encode),
            "decode" => Some(Self::Decode),
            "download" => Some(Self::Download),
            _ => None,
        }
    }

    /// The path segment.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Encode => "encode",
            Self::Decode => "decode",
            Self::Download => "download",
        }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The header that names the namespace.
pub const X_NAMESPACE: &str = "x-namespace";

/// What a preflight allows: the methods.
pub const ALLOWED_METHODS: &str = "POST, GET, OPTIONS";

/// What a preflight allows: the headers that the Web UI sends.
pub const ALLOWED_HEADERS: &str = "Content-Type, X-Namespace, Authorization, Authorization-Extras";
