//! A codec: a component with one namespace's keys, settings and limits; and one call of it.

mod encodings;
mod failure;
mod lately;
#[cfg(feature = "native")]
pub mod native;
mod oversized;
mod reuse;
mod slots;
mod undecodable;

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use proto::wire::MAX_ENTRIES;
use proto::{Batch, PayloadRef};
use tokio::task::yield_now;
use tokio::time::timeout_at;
use wasmtime::{Store, format_err};

use super::component::{Component, Functions};
use super::engine::Engine;
use super::wasi::LogRate;
use super::world::{Argument, CodecError, Replied, State, Transcode, Transcoded, Turns};
use crate::keyring::Keyring;
use crate::limits::{CallLimits, HERE_BYTES, TICK};
use crate::protocol::Verb;
use encodings::Encodings;
use failure::readable;
pub use failure::{BadReply, CallError};
use lately::Lately;
pub use oversized::Oversized;
pub use reuse::Reuse;
use reuse::{Kept, Life};
use slots::Slots;
pub use undecodable::Decoded;

/// What makes a component one namespace's codec.
#[derive(Clone, Default)]
pub struct Tenancy {
    /// The keys it may use.
    pub keyring: Arc<Keyring>,
    /// What `wasi:config/store` answers, besides the namespace's name.
    pub settings: Arc<[(String, String)]>,
    /// What one call may use.
    pub limits: CallLimits,
    /// How long one instance serves.
    pub reuse: Reuse,
}

/// A component with one namespace's keys, settings and limits.
pub struct Codec {
    engine: Arc<Engine>,
    component: Arc<Component>,
    tenancy: Arc<Tenancy>,
    slots: Slots,
    kept: Kept,
    log_rate: LogRate,
    /// Calls that took long.
    slow: Lately,
    /// Calls that could not be made at once, since they would have had to wait.
    waiting: Lately,
    encodings: Option<Encodings>,
}

impl Codec {
    /// The component, at the service of a namespace.
    pub fn new(engine: Arc<Engine>, component: Arc<Component>, tenancy: Tenancy) -> Self {
        let slots = Slots::new(tenancy.limits.concurrency, tenancy.limits.queue);
        let kept = Kept::new(tenancy.reuse, Arc::clone(&engine.kept));
        Self {
            engine,
            component,
            tenancy: Arc::new(tenancy),
            slots,
            kept,
            log_rate: LogRate::default(),
            slow: Lately::default(),
            waiting: Lately::default(),
            encodings: None,
        }
    }

    /// The component it runs.
    pub fn component(&self) -> &Arc<Component> {
        &self.component
    }

    /// Whether its calls of late took so long that they had better not be made where others
    /// wait.
    pub fn is_slow(&self) -> bool {
        self.slow.did()
    }

    /// When a request that is read now must be answered.
    pub fn deadline(&self) -> Instant {
        Instant::now() + self.tenancy.limits.deadline
    }

    /// Drops the instances that have waited for another call for too long.
    pub fn drop_aged(&self) {
        self.kept.drop_aged();
    }

    /// Encodes or decodes, in a fresh instance unless the namespace opted out of that: as many
    /// payloads as were given, in the same order, or an error and no payload.
    pub async fn call(
        &self,
        verb: Verb,
        namespace: Option<&str>,
        payloads: &Batch,
        deadline: Instant,
    ) -> Result<Batch, CallError> {
        let _slots = self.slots.take(&self.engine.slots, deadline).await?;
        let argument = Argument(payloads);
        let is_quick = !self.is_slow() && !self.waiting.did() && payloads.size() <= HERE_BYTES;
        let called = match is_quick {
            true => self.call_at_once(verb, namespace, argument, deadline),
            false => None,
        };
        let called = match called {
            Some(called) => called?,
            None => {
                if is_quick {
                    // It was not, and had its turn.
                    yield_now().await;
                }
                // What few calls need is not to make the others' futures larger.
                Box::pin(self.call_in_turns(verb, namespace, argument, deadline)).await?
            }
        };
        let Replied(replied) = called.map_err(|error| match error {
            CodecError::Invalid(text) => CallError::Invalid(readable(&text)),
            CodecError::Unavailable(text) => CallError::Unavailable(readable(&text)),
        })?;
        check_reply(&replied, payloads.len(), self.tenancy.limits.reply_bytes)?;
        Ok(replied)
    }

    /// Makes the call without giving others a turn; no result if it takes too long for that, or
    /// has to wait for something.
    fn call_at_once(
        &self,
        verb: Verb,
        namespace: Option<&str>,
        argument: Argument<'_>,
        deadline: Instant,
    ) -> Option<Result<Transcoded, CallError>> {
        let (mut store, life) = self.begin(namespace, deadline, Turns::One);
        let called = self.enter_at_once(&mut store, life, verb, argument);
        let state = store.data();
        self.slow.note(state.is_slow);
        match called.map_err(|error| CallError::stopped(&error, state)) {
            Ok((life, called)) => {
                self.kept.keep(store, life);
                Some(Ok(called))
            }
            Err(CallError::Deadline) if state.ticks > 0 => None,
            // Whether it fails there too is seen where it can wait. Memory that it was refused
            // before is no reason: it may know what to do without.
            Err(CallError::Trapped { .. } | CallError::OutOfMemory { .. })
                if self.component.may_wait =>
            {
                self.waiting.note(true);
                None
            }
            Err(error) => Some(Err(error)),
        }
    }

    async fn call_in_turns(
        &self,
        verb: Verb,
        namespace: Option<&str>,
        argument: Argument<'_>,
        deadline: Instant,
    ) -> Result<Transcoded, CallError> {
        self.waiting.note(false);
        let (mut store, life) = self.begin(namespace, deadline, Turns::Many);
        let entered = self.watched(self.enter(&mut store, life, verb, argument));
        // Epochs stop guest code only; this stops everything that waits.
        let called = timeout_at(deadline.into(), entered).await;
        let state = store.data();
        self.slow.note(state.is_slow);
        if let Some(log) = state.log() {
            log.flush(&self.log_rate, self.tenancy.limits.log_bytes_per_second);
        }
        match called {
            Err(_) => Err(CallError::Deadline),
            Ok(Err(error)) => Err(CallError::stopped(&error, state)),
            Ok(Ok((life, called))) => {
                self.kept.keep(store, life);
                Ok(called)
            }
        }
    }

    /// The same call. Where it does not end in its first turn, the next calls are to know of it
    /// before this one ends.
    async fn watched<T>(&self, call: impl Future<Output = T>) -> T {
        let begun = Instant::now();
        let mut is_first = true;
        let mut call = pin!(call);
        poll_fn(|context| {
            let polled = call.as_mut().poll(context);
            if is_first && polled.is_pending() && begun.elapsed() >= TICK {
                self.slow.note(true);
            }
            is_first = false;
            polled
        })
        .await
    }

    /// Encodes the payloads.
    pub async fn encode(
        &self,
        namespace: Option<&str>,
        payloads: &Batch,
    ) -> Result<Batch, CallError> {
        #[cfg(feature = "native")]
        if native::is_on() {
            return native::encode(&self.tenancy, payloads);
        }
        self.call(Verb::Encode, namespace, payloads, self.deadline())
            .await
    }

    /// A store for the call, with an instance in it if there is one that may be called again.
    fn begin(
        &self,
        namespace: Option<&str>,
        deadline: Instant,
        turns: Turns,
    ) -> (Store<State>, Option<Life>) {
        match self.kept.take(namespace, self.can_wait(turns)) {
            Some((mut store, life)) => {
                store.data_mut().begin_again(turns, deadline);
                store.set_epoch_deadline(1);
                (store, Some(life))
            }
            None => (self.store(namespace, deadline, turns), None),
        }
    }

    /// Whether an instance that is made for calls of the kind can wait for what it calls.
    fn can_wait(&self, turns: Turns) -> bool {
        turns == Turns::Many || !self.component.may_wait
    }

    fn store(&self, namespace: Option<&str>, deadline: Instant, turns: Turns) -> Store<State> {
        let limits = &self.tenancy.limits;
        let state = State::new(&self.tenancy, turns, deadline, namespace);
        let mut store = Store::new(self.component.linked.pre.engine(), state);
        store.limiter(|state| &mut state.meter);
        store.set_hostcall_fuel(limits.lift_bytes);
        store.set_max_component_handles(limits.handles);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|mut store| Ok(store.data_mut().tick()));
        store
    }

    fn instantiate_at_once(
        &self,
        store: &mut Store<State>,
        payloads: &Batch,
    ) -> wasmtime::Result<Life> {
        let linked = self.component.suited(payloads, &self.tenancy.limits);
        let instance = linked.pre_at_once.instantiate(&mut *store)?;
        Ok(Life::begin(
            instance,
            linked.functions,
            self.can_wait(Turns::One),
            store.data(),
        ))
    }

    fn enter_at_once(
        &self,
        store: &mut Store<State>,
        life: Option<Life>,
        verb: Verb,
        argument: Argument<'_>,
    ) -> wasmtime::Result<(Life, Transcoded)> {
        let life = match life {
            Some(life) => life,
            None => self.instantiate_at_once(store, argument.0)?,
        };
        let function = function(store, life, verb)?;
        let (called,) = function.call(store, (argument,))?;
        Ok((life, called))
    }

    async fn enter(
        &self,
        store: &mut Store<State>,
        life: Option<Life>,
        verb: Verb,
        argument: Argument<'_>,
    ) -> wasmtime::Result<(Life, Transcoded)> {
        let life = match life {
            Some(life) => life,
            None => {
                let linked = self.component.suited(argument.0, &self.tenancy.limits);
                let instance = linked.pre.instantiate_async(&mut *store).await?;
                Life::begin(
                    instance,
                    linked.functions,
                    self.can_wait(Turns::Many),
                    store.data(),
                )
            }
        };
        let function = function(store, life, verb)?;
        let (called,) = function.call_async(store, (argument,)).await?;
        Ok((life, called))
    }
}

fn function(store: &mut Store<State>, life: Life, verb: Verb) -> wasmtime::Result<Transcode> {
    let Functions { encode, decode } = &life.functions;
    let index = match verb {
        Verb::Encode => encode,
        Verb::Decode | Verb::Download => decode,
    };
    let function = life.instance.get_func(store, index);
    let function = function.ok_or_else(|| format_err!("what was exported is gone"))?;
    // SAFETY: the component was linked, and its functions' types checked for that.
    #[expect(
        unsafe_code,
        reason = "to check a type takes longer than to open a payload"
    )]
    Ok(unsafe { Transcode::new_unchecked(function) })
}

/// What a reply must satisfy: clients match payloads by position, and Go's fail on another count.
fn check_reply(replied: &Batch, expected: usize, limit: usize) -> Result<(), CallError> {
    if replied.len() != expected {
        return Err(CallError::BadReply(BadReply::Count {
            replied: replied.len(),
            expected,
        }));
    }
    let entries =
        |payload: PayloadRef<'_>| payload.metadata().len() + payload.external_payloads().len();
    if replied.iter().any(|payload| entries(payload) > MAX_ENTRIES) {
        return Err(CallError::BadReply(BadReply::Entries));
    }
    if replied.iter().any(PayloadRef::has_duplicate_key) {
        return Err(CallError::BadReply(BadReply::DuplicateKey));
    }
    // An escaped byte of a key is written as six.
    let escapes = replied.keys().bytes().filter(|byte| *byte < b' ').count();
    if replied.size().saturating_add(5 * escapes) > limit {
        return Err(CallError::BadReply(BadReply::TooLarge { limit }));
    }
    Ok(())
}
