//! Instances that are called again, where a namespace opted in.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::Store;
use wasmtime::component::Instance;

use super::{Functions, State};
use crate::limits::KEPT_MEMORY_BYTES;

/// How long one instance serves. Whatever ends a call early, be it a trap or the deadline, ends
/// the instance too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reuse {
    /// Calls that it serves at most: with 1, each call has a fresh one.
    pub calls: u32,
    /// How old it may become.
    pub age: Duration,
}

/// A fresh instance for each call.
impl Default for Reuse {
    fn default() -> Self {
        Self {
            calls: 1,
            age: Duration::from_secs(10),
        }
    }
}

/// An instance, and how much of its life is over.
#[derive(Clone, Copy)]
pub(super) struct Life {
    pub(super) instance: Instance,
    pub(super) functions: Functions,
    /// Whether it can wait for what it calls.
    can_wait: bool,
    born: Instant,
    calls: u32,
}

impl Life {
    pub(super) fn begin(
        instance: Instance,
        functions: Functions,
        can_wait: bool,
        state: &State,
    ) -> Self {
        Self {
            instance,
            functions,
            can_wait,
            born: state.started,
            calls: 0,
        }
    }
}

/// The instances of one codec that wait for their next call.
pub(super) struct Kept {
    reuse: Reuse,
    /// Room for them, which the pool has for all codecs together.
    places: Arc<Semaphore>,
    waiting: Mutex<Vec<Waiting>>,
}

struct Waiting {
    store: Store<State>,
    life: Life,
    _place: OwnedSemaphorePermit,
}

impl Kept {
    pub(super) fn new(reuse: Reuse, places: Arc<Semaphore>) -> Self {
        Self {
            reuse,
            places,
            waiting: Mutex::default(),
        }
    }

    /// An instance that served that namespace before, and no other.
    pub(super) fn take(
        &self,
        namespace: Option<&str>,
        can_wait: bool,
    ) -> Option<(Store<State>, Life)> {
        if self.reuse.calls == 1 {
            return None;
        }
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        // The one that waits for the shortest time: its memory is still in the caches.
        let at = waiting.iter().rposition(|one| {
            one.store.data().namespace() == namespace
                && one.life.can_wait == can_wait
                && one.life.born.elapsed() < self.reuse.age
        })?;
        let Waiting { store, life, .. } = waiting.remove(at);
        Some((store, life))
    }

    /// Keeps an instance that ended a call as it should, if it may serve once more.
    pub(super) fn keep(&self, store: Store<State>, mut life: Life) {
        life.calls += 1;
        let meter = &store.data().meter;
        if life.calls >= self.reuse.calls
            || life.born.elapsed() >= self.reuse.age
            || meter.refused.is_some()
            || meter.memory_bytes() > KEPT_MEMORY_BYTES
        {
            return;
        }
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            return;
        };
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push(Waiting {
            store,
            life,
            _place: place,
        });
    }

    /// Drops those that are too old, with whatever they remember.
    pub(super) fn drop_aged(&self) {
        if self.reuse.calls == 1 {
            return;
        }
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|one| one.life.born.elapsed() < self.reuse.age);
    }
}
