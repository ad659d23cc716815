//! What a guest gets of WASI: what its toolchain needs to start, and nothing of this machine.
//!
//! No files, sockets, environment or arguments; clocks that stand still; what it prints ends
//! in the log. The context is made on the first call a guest makes, since most make none.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rand::{Rng, RngExt};
use tokio::io::AsyncWrite;
use wasmtime::component::Linker;
use wasmtime::{StoreContextMut, bail};
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxBuilder};

use super::world::State;

/// A context without powers. What the guest prints goes to `log`.
pub(super) fn context(log: &GuestLog) -> WasiCtx {
    WasiCtxBuilder::new()
        .stdout(log.clone())
        .stderr(log.clone())
        .wall_clock(Frozen::now())
        .monotonic_clock(Frozen::now())
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false)
        .build()
}

/// Random bytes, out of the call's budget: a guest that asks for more has trapped.
pub(super) fn link_random(linker: &mut Linker<State>, version: &str) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    // Nobody needs worse random than this, so both interfaces give the same.
    for (interface, bytes, word) in [
        ("random", "get-random-bytes", "get-random-u64"),
        (
            "insecure",
            "get-insecure-random-bytes",
            "get-insecure-random-u64",
        ),
    ] {
        let mut instance = linker.instance(&format!("wasi:random/{interface}@{version}"))?;
        instance.func_wrap(
            bytes,
            |mut store: StoreContextMut<'_, State>, (length,): (u64,)| {
                Ok((store.data_mut().random.draw(length)?,))
            },
        )?;
        instance.func_wrap(word, |mut store: StoreContextMut<'_, State>, (): ()| {
            store.data_mut().random.take(size_of::<u64>() as u64)?;
            Ok((rand::rng().random::<u64>(),))
        })?;
    }
    let mut instance = linker.instance(&format!("wasi:random/insecure-seed@{version}"))?;
    instance.func_wrap(
        "insecure-seed",
        |mut store: StoreContextMut<'_, State>, (): ()| {
            // Every hash map asks for it, so it is there without a budget, and then always the same.
            let budget = store.data_mut().random.take(2 * size_of::<u64>() as u64);
            Ok((budget.map_or((0u64, 0u64), |_| rand::rng().random()),))
        },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}

/// The version under which wasmtime-wasi links its interfaces.
pub(super) const VERSION: &str = "0.2.12";

/// Bytes of random that the call may still ask for.
pub(super) struct RandomBudget(pub(super) usize);

impl RandomBudget {
    fn draw(&mut self, length: u64) -> wasmtime::Result<Vec<u8>> {
        let mut bytes = vec![0; self.take(length)?];
        rand::rng().fill_bytes(&mut bytes);
        Ok(bytes)
    }

    fn take(&mut self, length: u64) -> wasmtime::Result<usize> {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        match self.0.checked_sub(length) {
            Some(left) => {
                self.0 = left;
                Ok(length)
            }
            None => bail!("it asked for more random bytes than its limit"),
        }
    }
}

/// What a guest printed during one call: its first bytes. The rest is taken and dropped, so
/// that a talkative guest is not an error.
#[derive(Clone)]
pub(super) struct GuestLog {
    text: Arc<Mutex<Vec<u8>>>,
    most: usize,
}

impl GuestLog {
    /// A log of at most that many bytes.
    pub(super) fn new(most: usize) -> Self {
        Self {
            text: Arc::default(),
            most,
        }
    }

    /// Writes what was printed to the log, control characters escaped, as far as the rate
    /// allows.
    pub(super) fn flush(&self, rate: &LogRate, most_per_second: usize) {
        let mut text =
            std::mem::take(&mut *self.text.lock().unwrap_or_else(PoisonError::into_inner));
        if text.is_empty() || !tracing::enabled!(target: "codec_host::guest", tracing::Level::DEBUG)
        {
            return;
        }
        text.truncate(rate.take(text.len(), most_per_second));
        if !text.is_empty() {
            tracing::debug!(target: "codec_host::guest", "{}", String::from_utf8_lossy(&text).escape_debug());
        }
    }
}

/// How much a namespace's codec has logged within this second.
#[derive(Default)]
pub(super) struct LogRate(Mutex<(Option<Instant>, usize)>);

impl LogRate {
    /// How many of that many bytes may be logged now.
    fn take(&self, length: usize, most: usize) -> usize {
        let mut rate = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if rate
            .0
            .is_none_or(|since| now.duration_since(since) >= Duration::from_secs(1))
        {
            *rate = (Some(now), 0);
        }
        let taken = length.min(most.saturating_sub(rate.1));
        rate.1 += taken;
        taken
    }
}

impl StdoutStream for GuestLog {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }
}

impl IsTerminal for GuestLog {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl AsyncWrite for GuestLog {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        let mut text = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        let room = self.most.saturating_sub(text.len());
        text.extend_from_slice(&bytes[..bytes.len().min(room)]);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A clock that shows when the guest first looked at one.
struct Frozen(Duration);

impl Frozen {
    fn now() -> Self {
        Self(
            SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default(),
        )
    }
}

impl HostWallClock for Frozen {
    fn resolution(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn now(&self) -> Duration {
        Duration::from_secs(self.0.as_secs())
    }
}

impl HostMonotonicClock for Frozen {
    fn resolution(&self) -> u64 {
        1_000_000_000
    }

    fn now(&self) -> u64 {
        0
    }
}
