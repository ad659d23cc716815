//! Room for large bodies, which all requests share.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::error::Refusal;
use crate::limits::HERE_BYTES;

/// What the bodies of all requests take up: those that are large, as far as they have arrived.
#[derive(Default)]
pub(super) struct Room(AtomicUsize);

/// One body's share of the room, which is given back when this is dropped.
pub(super) struct Share<'a> {
    room: &'a Room,
    bytes: usize,
}

impl Room {
    /// The share of a body of which nothing has arrived.
    pub(super) fn share(&self) -> Share<'_> {
        Share {
            room: self,
            bytes: 0,
        }
    }
}

impl Share<'_> {
    /// Makes it large enough for that much of the body, or refuses, where all shares together are
    /// limited to that many bytes. Small bodies are free.
    pub(super) fn grow(&mut self, body: usize, limit: usize) -> Result<(), Refusal> {
        if body <= HERE_BYTES {
            return Ok(());
        }
        let more = body - self.bytes;
        let before = self.room.0.fetch_add(more, Ordering::Relaxed);
        self.bytes = body;
        if before.saturating_add(more) > limit {
            Err(Refusal::NoRoom)
        } else {
            Ok(())
        }
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.room.0.fetch_sub(self.bytes, Ordering::Relaxed);
        }
    }
}
