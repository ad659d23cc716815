//! The world `temporal:codec/codec`, as the host provides it.
//!
//! The small types, and the settings' interface, are generated from `wit/`. Whatever payloads go
//! through is written out here instead, since what is generated would copy every argument: these
//! borrow the guest's memory, and the host's. wasmtime checks each against the component's own
//! idea of it, imports when it is linked and exports when they are called.

mod each;
mod keyring;
mod list;
mod payload;
mod sealed;
mod span;
mod wire;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmtime::component::{Component, HasSelf, Linker, ResourceTable, TypedFunc};
use wasmtime::{Engine, Result, Trap, UpdateDeadline};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use super::codec::{Oversized, Tenancy};
use super::meter::Meter;
use super::wasi::{self, GuestLog, RandomBudget};
use crate::keyring::Key;
use crate::limits::{HERE_BYTES, TICK};
pub(super) use list::{Argument, Form, Replied};

/// The generated bindings.
mod bindings {
    #![allow(missing_docs, unreachable_pub)]
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "codec",
        with: { "temporal:codec/keyring.key": super::KeyHandle },
    });
}

use bindings::temporal::codec::keyring::{KeyError, SealedPayload};
pub(super) use bindings::temporal::codec::types::CodecError;
use bindings::temporal::codec::types::{ExternalPayload, Payload};
use bindings::wasi::config::store;

/// The version of the package `temporal:codec` that the host provides.
pub(super) const WIT_VERSION: &str = "1.0.0";

/// The interfaces of which a codec exports one. Of both, the first counts.
pub(super) const CODECS: [(&str, Form); 2] = [
    ("temporal:codec/wire-codec@1.0.0", Form::Bytes),
    ("temporal:codec/payload-codec@1.0.0", Form::Records),
];

/// `encode` and `decode`: `func(payloads: list<payload>) -> result<list<payload>, codec-error>`, or
/// the same with `list<list<u8>>`
pub(super) type Transcode = TypedFunc<(Argument<'static>,), (Transcoded,)>;

/// What they answer.
pub(super) type Transcoded = std::result::Result<Replied, CodecError>;

/// The optional interface in which a codec says what it decodes.
pub(super) const ENCODINGS: &str = "temporal:codec/encodings@1.0.0";

/// A key that a guest holds a handle of.
#[expect(unreachable_pub, reason = "the generated bindings export it again")]
pub struct KeyHandle(Arc<Key>);

/// How often a call gives others a turn before it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turns {
    /// Never: it takes less than a tick and waits for nothing, or is stopped and made anew with
    /// [`Self::Many`]. It has no stack of its own, which would have to be wiped.
    One,
    /// Every tick but the first, and whenever it has to wait.
    Many,
}

/// Everything one call has: what its host functions see, and what it has used up.
pub(super) struct State {
    pub(super) meter: Meter,
    pub(super) turns: Turns,
    /// Epochs until the deadline.
    pub(super) ticks: u64,
    pub(super) started: Instant,
    /// How long it may take from then on.
    time: Duration,
    /// Whether there was a tick since it began.
    has_ticked: bool,
    /// Whether it has been at it for a whole tick.
    pub(super) is_slow: bool,
    /// The namespace's name, where the request has one.
    namespace: Option<Box<str>>,
    pub(super) tenancy: Arc<Tenancy>,
    pub(super) random: RandomBudget,
    handles: ResourceTable,
    /// Made when the guest first asks for something of it.
    wasi: Option<(Box<WasiCtx>, GuestLog)>,
}

impl State {
    pub(super) fn new(
        tenancy: &Arc<Tenancy>,
        turns: Turns,
        deadline: Instant,
        namespace: Option<&str>,
    ) -> Self {
        let limits = &tenancy.limits;
        let started = Instant::now();
        let ticks = ticks(deadline, started);
        let mut handles = ResourceTable::new();
        handles.set_max_capacity(limits.handles);
        Self {
            meter: Meter::new(limits),
            turns,
            ticks,
            started,
            time: time(ticks),
            has_ticked: false,
            is_slow: false,
            namespace: namespace.map(Box::from),
            tenancy: Arc::clone(tenancy),
            random: RandomBudget(limits.random_bytes),
            handles,
            wasi: None,
        }
    }

    /// Begins another call of an instance that goes on.
    pub(super) fn begin_again(&mut self, turns: Turns, deadline: Instant) {
        self.turns = turns;
        self.started = Instant::now();
        self.ticks = ticks(deadline, self.started);
        self.time = time(self.ticks);
        self.has_ticked = false;
        self.is_slow = false;
        self.random = RandomBudget(self.tenancy.limits.random_bytes);
    }

    /// The namespace's name, where the request has one.
    pub(super) fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    /// Lets a host function handle so many bytes, or ends the call.
    fn admit(&self, bytes: usize) -> Result<()> {
        if bytes > self.tenancy.limits.hostcall_bytes {
            return Err(Oversized::HostCall.into());
        }
        self.in_time(bytes)
    }

    /// Ends a call whose time is up, between the steps of a host function that handles so many
    /// bytes: no epoch does. With few it is not worth a look at the clock.
    fn in_time(&self, bytes: usize) -> Result<()> {
        if bytes > HERE_BYTES && self.started.elapsed() > self.time {
            return Err(Trap::Interrupt.into());
        }
        Ok(())
    }

    /// Counts an epoch, and says how the call goes on.
    pub(super) fn tick(&mut self) -> UpdateDeadline {
        self.ticks = self.ticks.saturating_sub(1);
        // The first one may come right after the start; and whoever had to wait for the processor
        // is told of any number of them at once.
        self.is_slow = self.has_ticked;
        self.has_ticked = true;
        match self.turns {
            _ if self.ticks == 0 => UpdateDeadline::Interrupt,
            _ if !self.is_slow => UpdateDeadline::Continue(1),
            Turns::One => UpdateDeadline::Interrupt,
            Turns::Many => UpdateDeadline::Yield(1),
        }
    }

    /// What the guest printed, if it made use of WASI at all.
    pub(super) fn log(&self) -> Option<&GuestLog> {
        self.wasi.as_ref().map(|(_, log)| log)
    }
}

/// Epochs until the deadline, at least: the next one may come at once, and a deadline must not come
/// before its time.
fn ticks(deadline: Instant, started: Instant) -> u64 {
    let time = deadline.saturating_duration_since(started);
    let ticks = time.as_millis().div_ceil(TICK.as_millis()) + 1;
    u64::try_from(ticks).unwrap_or(u64::MAX)
}

/// All whole ticks but the one that may come at once.
fn time(ticks: u64) -> Duration {
    TICK.saturating_mul(u32::try_from(ticks.saturating_sub(1)).unwrap_or(u32::MAX))
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let most = self.tenancy.limits.log_bytes;
        let (ctx, _) = self.wasi.get_or_insert_with(|| {
            let log = GuestLog::new(most);
            (Box::new(wasi::context(&log)), log)
        });
        WasiCtxView {
            ctx,
            table: &mut self.handles,
        }
    }
}

/// Everything that a component may import.
pub(super) fn linker(engine: &Engine) -> Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasi::link_random(&mut linker, wasi::VERSION)?;
    link_own(&mut linker)?;
    Ok(linker)
}

/// What a component that imports all this is linked to for calls that are made at once. Whatever
/// might have to wait, which few call but all toolchains import, is a trap there.
pub(super) fn linker_at_once(component: &Component, imports: &[String]) -> Result<Linker<State>> {
    let mut linker = Linker::new(component.engine());
    link_own(&mut linker)?;
    // A trap would go before the same interface in another version.
    let random = imports
        .iter()
        .filter(|name| name.starts_with("wasi:random/"));
    let versions: BTreeSet<_> = random.filter_map(|name| name.split('@').nth(1)).collect();
    for version in versions {
        wasi::link_random(&mut linker, version)?;
    }
    linker.define_unknown_imports_as_traps(component)?;
    Ok(linker)
}

fn link_own(linker: &mut Linker<State>) -> Result<()> {
    store::add_to_linker::<_, HasSelf<State>>(linker, |state| state)?;
    keyring::link(linker)?;
    wire::link(linker)
}

/// Whether a component may import the interface of that name (`wasi:cli/stderr@0.2.3`).
pub(super) fn provides(import: &str) -> bool {
    let (interface, version) = import.split_once('@').unwrap_or((import, ""));
    let (package, _) = interface.split_once('/').unwrap_or((interface, ""));
    match package {
        "temporal:codec" => version.starts_with("1."),
        "wasi:config" => version == "0.2.0-rc.1",
        "wasi:cli" | "wasi:clocks" | "wasi:filesystem" | "wasi:io" | "wasi:random"
        | "wasi:sockets" => version.starts_with("0.2."),
        _ => false,
    }
}

impl store::Host for State {
    fn get(&mut self, key: String) -> Result<Option<String>, store::Error> {
        if key == "namespace" {
            return Ok(self.namespace.as_deref().map(str::to_owned));
        }
        let found = self.tenancy.settings.iter().find(|(name, _)| *name == key);
        Ok(found.map(|(_, value)| value.clone()))
    }

    fn get_all(&mut self) -> Result<Vec<(String, String)>, store::Error> {
        let namespace = self
            .namespace
            .as_deref()
            .map(|name| ("namespace".to_owned(), name.to_owned()));
        let mut all: Vec<_> = self
            .tenancy
            .settings
            .iter()
            .cloned()
            .chain(namespace)
            .collect();
        all.sort();
        Ok(all)
    }
}

/// Whether nothing in the interface of that name has to be waited for.
pub(super) fn never_waits(import: &str) -> bool {
    import.starts_with("temporal:codec/") || import.starts_with("wasi:config/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_provided_by_package_and_version() {
        let check =
            |import: &str, expected: bool| assert_eq!(provides(import), expected, "{import}");
        check("temporal:codec/keyring@1.0.0", true);
        check("temporal:codec/types@1.2.0", true);
        check("temporal:codec/keyring@2.0.0", false);
        check("wasi:config/store@0.2.0-rc.1", true);
        check("wasi:config/store@0.2.0", false);
        check("wasi:cli/stderr@0.2.6", true);
        check("wasi:cli/stderr@0.3.0", false);
        check("wasi:http/outgoing-handler@0.2.0", false);
        check("acme:internal/secrets", false);
    }
}
