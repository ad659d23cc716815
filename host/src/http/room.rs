//! Room for bodies that arrive in parts, which all requests share.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::error::Refusal;
use crate::limits::HERE_BYTES;

/// What the bodies of all requests take up, as far as they have arrived.
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
    /// Makes it large enough for that much of the body, or gives it back and refuses, where all
    /// shares together are limited to that many bytes. Small bodies may have as much again, so
    /// that large ones do not keep them out.
    pub(super) fn grow(&mut self, body: usize, limit: usize) -> Result<(), Refusal> {
        let limit = match body <= HERE_BYTES {
            true => limit.saturating_mul(2),
            false => limit,
        };
        let more = body - self.bytes;
        let before = self.room.0.fetch_add(more, Ordering::Relaxed);
        self.bytes = body;
        if before.saturating_add(more) > limit {
            self.give_back();
            return Err(Refusal::NoRoom);
        }
        Ok(())
    }

    fn give_back(&mut self) {
        if self.bytes > 0 {
            self.room.0.fetch_sub(self.bytes, Ordering::Relaxed);
            self.bytes = 0;
        }
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.give_back();
    }
}
