//! What a guest gets of WASI: what its toolchain needs to start, and nothing of this machine.
//!
//! No files, sockets, environment or arguments; clocks that stand still; what it prints ends
//! in the log. The context is made on the first call a guest makes, since most make none.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxBuilder};

use crate::limits::GUEST_LOG_BYTES;

/// Bytes of random that one call of a guest may ask for: enough for every key and nonce.
const RANDOM_BYTES: u64 = 64 << 10;

/// A context without powers. What the guest prints goes to `log`.
pub(super) fn context(log: &GuestLog) -> WasiCtx {
    WasiCtxBuilder::new()
        .stdout(log.clone())
        .stderr(log.clone())
        .wall_clock(Frozen::now())
        .monotonic_clock(Frozen::now())
        .max_random_size(RANDOM_BYTES)
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false)
        .build()
}

/// What a guest printed during one call: its first bytes. The rest is taken and dropped, so
/// that a talkative guest is not an error.
#[derive(Clone, Default)]
pub(super) struct GuestLog(Arc<Mutex<Vec<u8>>>);

impl GuestLog {
    /// Writes what was printed to the log, control characters escaped.
    pub(super) fn flush(&self) {
        let text = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        if !text.is_empty() {
            tracing::debug!(target: "codec_host::guest", "{}", String::from_utf8_lossy(&text).escape_debug());
        }
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
        let mut text = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = GUEST_LOG_BYTES.saturating_sub(text.len());
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
