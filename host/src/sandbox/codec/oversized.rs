//! What a codec hands over at once, and is more than it may be.

use std::fmt;

/// What is more than it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Oversized {
    /// Its answer, its error's text or the arguments of a host call, which wasmtime lifts alike:
    /// `lift-bytes`.
    Lifted,
    /// The arguments of a host call: `hostcall-bytes`.
    HostCall,
}

impl Oversized {
    /// What was, if that is why the call ended.
    pub(super) fn of(error: &wasmtime::Error) -> Option<Self> {
        if let Some(oversized) = error.downcast_ref() {
            return Some(*oversized);
        }
        // wasmtime has a type for it, and keeps it to itself.
        const WORDS: &str = "fuel allocated for hostcalls has been exhausted";
        let is_lifted = error.chain().any(|cause| cause.to_string().contains(WORDS));
        is_lifted.then_some(Self::Lifted)
    }
}

impl fmt::Display for Oversized {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lifted => "its answer, or what it asks of the host, is too large (lift-bytes)",
            Self::HostCall => "what it asks of the host is too large (hostcall-bytes)",
        })
    }
}

impl std::error::Error for Oversized {}
