//! Why a call gave no payloads.

use std::fmt;

use proto::wire::{MAX_ENTRIES, WireError};
use wasmtime::{PoolConcurrencyLimitError, Trap};

use super::{Oversized, State};
use crate::limits::ERROR_TEXT_BYTES;
use crate::sandbox::component;

/// A codec's text for the caller: bounded, and without anything that a terminal would obey.
pub(super) fn readable(text: &str) -> String {
    let cut = &text[..text.floor_char_boundary(ERROR_TEXT_BYTES)];
    let mut text: String = cut
        .chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect();
    // What a control character is replaced by has more bytes.
    text.truncate(text.floor_char_boundary(ERROR_TEXT_BYTES));
    tracing::debug!(target: "codec_host::guest", "the codec says: {text}");
    text
}

/// Why a call gave no payloads.
#[derive(Debug)]
pub enum CallError {
    /// The codec says that a payload is bad and always will be; its text, fit to be shown.
    Invalid(String),
    /// The codec says that it might work later; its text, fit to be shown.
    Unavailable(String),
    /// All slots are taken, and as many calls wait for one as may.
    Busy,
    /// It took longer than it may.
    Deadline,
    /// It asked for more memory, or larger tables, than it may have, and failed.
    OutOfMemory {
        /// The name of the limit.
        limit: &'static str,
    },
    /// It handed over more at once than it may.
    Oversized(Oversized),
    /// It trapped, or did what an instance must not.
    Trapped {
        /// The trap, where it was one.
        trap: Option<Trap>,
        /// wasmtime's words, for the log.
        cause: String,
    },
    /// It answered something that no client may see.
    BadReply(BadReply),
}

/// What is wrong with a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadReply {
    /// Not as many payloads as it was given.
    Count {
        /// How many it answered.
        replied: usize,
        /// How many it was given.
        expected: usize,
    },
    /// A payload with the same metadata key twice.
    DuplicateKey,
    /// A payload with more metadata and external payloads than there can be.
    Entries,
    /// Bytes in place of a payload that are not one.
    NotAPayload {
        /// Which of the list, counted from 0.
        at: usize,
        /// What is wrong with them.
        error: WireError,
    },
    /// More than the namespace's limit, in bytes.
    TooLarge {
        /// The limit.
        limit: usize,
    },
}

impl CallError {
    pub(super) fn stopped(error: &wasmtime::Error, state: &State) -> Self {
        let trap = error.downcast_ref::<Trap>().copied();
        if trap == Some(Trap::Interrupt) {
            return Self::Deadline;
        }
        if error.is::<PoolConcurrencyLimitError>() {
            return Self::Busy;
        }
        if let Some(limit) = state.meter.refused {
            return Self::OutOfMemory { limit };
        }
        if let Some(oversized) = Oversized::of(error) {
            return Self::Oversized(oversized);
        }
        if let Some(bad) = error.downcast_ref::<BadReply>() {
            return Self::BadReply(bad.clone());
        }
        Self::Trapped {
            trap,
            cause: component::words(error),
        }
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(text) => write!(f, "invalid: {text}"),
            Self::Unavailable(text) => write!(f, "unavailable: {text}"),
            Self::Busy => f.write_str("its slots are taken, and its queue is full"),
            Self::Deadline => f.write_str("it took longer than its deadline"),
            Self::OutOfMemory { limit } => {
                write!(f, "it asked for more than limits.{limit}")
            }
            Self::Oversized(oversized) => write!(f, "{oversized}"),
            Self::Trapped { cause, .. } => write!(f, "it trapped: {cause}"),
            Self::BadReply(bad) => write!(f, "{bad}"),
        }
    }
}

impl std::error::Error for CallError {}

impl fmt::Display for BadReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count { replied, expected } => {
                write!(f, "it answered {replied} payloads for {expected}")
            }
            Self::DuplicateKey => f.write_str("it answered a metadata key twice"),
            Self::Entries => write!(
                f,
                "it answered a payload of more than {MAX_ENTRIES} entries"
            ),
            Self::NotAPayload { at, error } => write!(f, "it answered as payload {at}: {error}"),
            Self::TooLarge { limit } => write!(f, "it answered more than {limit} bytes"),
        }
    }
}

impl std::error::Error for BadReply {}
