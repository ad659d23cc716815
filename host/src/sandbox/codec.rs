//! A codec: a component with one namespace's keys, settings and limits; and one call of it.

mod encodings;
#[cfg(feature = "native")]
pub mod native;
mod oversized;
mod pace;
mod reuse;
mod slots;
mod undecodable;

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use proto::wire::MAX_ENTRIES;
use proto::{Batch, PayloadRef};
use tokio::task::yield_now;
use tokio::time::timeout_at;
use wasmtime::component::ComponentExportIndex;
use wasmtime::{PoolConcurrencyLimitError, Store, Trap};

use super::component::Component;
use super::engine::Engine;
use super::wasi::LogRate;
use super::world::{Argument, CodecError, Replied, State, Transcode, Transcoded, Turns};
use crate::keyring::Keyring;
use crate::limits::{CallLimits, ERROR_TEXT_BYTES, HERE_BYTES, TICK};
use crate::protocol::Verb;
use encodings::Encodings;
pub use oversized::Oversized;
use pace::Pace;
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
    pace: Pace,
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
            pace: Pace::default(),
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
        self.pace.is_slow()
    }

    /// When a request that is read now must be answered.
    pub fn deadline(&self) -> Instant {
        Instant::now() + self.tenancy.limits.deadline
    }

    /// Drops the instances that have waited for another call for too long.
    pub fn drop_aged(&self) {
        self.kept.drop_aged();
    }

    /// Encodes or decodes, in a fresh instance unless the namespace opted out of that: as many payloads as were given, in the same
    /// order, or an error and no payload.
    pub async fn call(
        &self,
        verb: Verb,
        namespace: Option<&str>,
        payloads: &Batch,
        deadline: Instant,
    ) -> Result<Batch, CallError> {
        let _slots = self.slots.take(&self.engine.slots, deadline).await?;
        let argument = Argument::new(payloads);
        let is_quick =
            self.component.never_waits && !self.is_slow() && payloads.size() <= HERE_BYTES;
        let called = match is_quick {
            true => self.call_at_once(verb, namespace, &argument, deadline),
            false => None,
        };
        let called = match called {
            Some(called) => called?,
            None => {
                if is_quick {
                    // It was not, and had its turn.
                    yield_now().await;
                }
                self.call_in_turns(verb, namespace, &argument, deadline)
                    .await?
            }
        };
        let Replied(replied) = called.map_err(|error| match error {
            CodecError::Invalid(text) => CallError::Invalid(readable(&text)),
            CodecError::Unavailable(text) => CallError::Unavailable(readable(&text)),
        })?;
        check_reply(&replied, payloads.len(), self.tenancy.limits.reply_bytes)?;
        Ok(replied)
    }

    /// Makes the call without giving others a turn; no result if it takes too long for that.
    fn call_at_once(
        &self,
        verb: Verb,
        namespace: Option<&str>,
        argument: &Argument<'_>,
        deadline: Instant,
    ) -> Option<Result<Transcoded, CallError>> {
        let (mut store, life) = self.begin(namespace, deadline, Turns::One);
        let called = self.enter_at_once(&mut store, life, verb, argument);
        let state = store.data();
        self.pace.note(state.is_slow);
        match called.map_err(|error| CallError::stopped(&error, state)) {
            Ok((life, called)) => {
                self.kept.keep(store, life);
                Some(Ok(called))
            }
            Err(CallError::Deadline) if state.ticks > 0 => None,
            Err(error) => Some(Err(error)),
        }
    }

    async fn call_in_turns(
        &self,
        verb: Verb,
        namespace: Option<&str>,
        argument: &Argument<'_>,
        deadline: Instant,
    ) -> Result<Transcoded, CallError> {
        let (mut store, life) = self.begin(namespace, deadline, Turns::Many);
        let entered = self.enter(&mut store, life, verb, argument);
        // Epochs stop guest code only; this stops everything that waits.
        let called = timeout_at(deadline.into(), entered).await;
        let state = store.data();
        self.pace.note(state.is_slow);
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
        match self.kept.take(namespace) {
            Some((mut store, life)) => {
                store.data_mut().begin_again(turns, ticks_until(deadline));
                store.set_epoch_deadline(1);
                (store, Some(life))
            }
            None => (self.store(namespace, deadline, turns), None),
        }
    }

    fn store(&self, namespace: Option<&str>, deadline: Instant, turns: Turns) -> Store<State> {
        let limits = &self.tenancy.limits;
        let state = State::new(&self.tenancy, turns, ticks_until(deadline), namespace);
        let mut store = Store::new(self.component.pre.engine(), state);
        store.limiter(|state| &mut state.meter);
        store.set_hostcall_fuel(limits.lift_bytes);
        store.set_max_component_handles(limits.handles);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|mut store| Ok(store.data_mut().tick()));
        store
    }

    fn enter_at_once(
        &self,
        store: &mut Store<State>,
        life: Option<Life>,
        verb: Verb,
        argument: &Argument<'_>,
    ) -> wasmtime::Result<(Life, Transcoded)> {
        let life = match life {
            Some(life) => life,
            None => Life::begin(self.component.pre.instantiate(&mut *store)?),
        };
        let function: Transcode = life
            .instance
            .get_typed_func(&mut *store, self.function(verb))?;
        let (called,) = function.call(store, (&argument.payloads(),))?;
        Ok((life, called))
    }

    async fn enter(
        &self,
        store: &mut Store<State>,
        life: Option<Life>,
        verb: Verb,
        argument: &Argument<'_>,
    ) -> wasmtime::Result<(Life, Transcoded)> {
        let life = match life {
            Some(life) => life,
            None => Life::begin(self.component.pre.instantiate_async(&mut *store).await?),
        };
        let function: Transcode = life
            .instance
            .get_typed_func(&mut *store, self.function(verb))?;
        let payloads = argument.payloads();
        let (called,) = function.call_async(store, (&payloads,)).await?;
        Ok((life, called))
    }

    fn function(&self, verb: Verb) -> &ComponentExportIndex {
        match verb {
            Verb::Encode => &self.component.encode,
            Verb::Decode | Verb::Download => &self.component.decode,
        }
    }
}

/// Epochs until then, at least: the next one may come at once, and a deadline must not come
/// before its time.
fn ticks_until(deadline: Instant) -> u64 {
    let remaining = deadline.saturating_duration_since(Instant::now());
    let ticks = remaining.as_millis().div_ceil(TICK.as_millis()) + 1;
    u64::try_from(ticks).unwrap_or(u64::MAX)
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

/// A codec's text for the caller: bounded, and without anything that a terminal would obey.
fn readable(text: &str) -> String {
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
    OutOfMemory,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    /// More than the namespace's limit, in bytes.
    TooLarge {
        /// The limit.
        limit: usize,
    },
}

impl CallError {
    fn stopped(error: &wasmtime::Error, state: &State) -> Self {
        let trap = error.downcast_ref::<Trap>().copied();
        if trap == Some(Trap::Interrupt) {
            return Self::Deadline;
        }
        if error.is::<PoolConcurrencyLimitError>() {
            return Self::Busy;
        }
        if state.meter.refused {
            return Self::OutOfMemory;
        }
        if let Some(oversized) = Oversized::of(error) {
            return Self::Oversized(oversized);
        }
        Self::Trapped {
            trap,
            cause: super::component::words(error),
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
            Self::OutOfMemory => {
                f.write_str("it asked for more memory, or larger tables, than its limits")
            }
            Self::Oversized(oversized) => write!(f, "{oversized}"),
            Self::Trapped { cause, .. } => write!(f, "it trapped: {cause}"),
            Self::BadReply(BadReply::Count { replied, expected }) => {
                write!(f, "it answered {replied} payloads for {expected}")
            }
            Self::BadReply(BadReply::DuplicateKey) => {
                f.write_str("it answered a metadata key twice")
            }
            Self::BadReply(BadReply::Entries) => {
                write!(
                    f,
                    "it answered a payload of more than {MAX_ENTRIES} entries"
                )
            }
            Self::BadReply(BadReply::TooLarge { limit }) => {
                write!(f, "it answered more than {limit} bytes")
            }
        }
    }
}

impl std::error::Error for CallError {}
