//! How a compiler competes for the CPU, and when it is seen to get none.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::limits::{COMPILE_ASIDE, COMPILE_BUSY, COMPILE_PATIENCE, COMPILE_SHARE};

/// How a compiler competes for the CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Priority {
    /// It makes way for everybody, at once; on a busy machine it hardly gets anywhere.
    Idle,
    /// It gets a little of the CPU on any machine, and holds others up by a few milliseconds.
    Low,
}

impl Priority {
    /// The word for it on the command line.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Low => "low",
        }
    }
}

/// Whether the machine was too busy for an idle compiler of late.
#[derive(Clone, Debug, Default)]
pub(super) struct Busy(Arc<Mutex<Option<Instant>>>);

impl Busy {
    /// An idle compiler got nowhere.
    pub(super) fn note(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    pub(super) fn lately(&self) -> bool {
        let noted = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        noted.is_some_and(|at| at.elapsed() < COMPILE_BUSY)
    }
}

/// Ends if the process, which has just been started, hardly gets any of the CPU; never if it
/// does for long enough, or if that cannot be told.
pub(super) async fn starves(process: Option<u32>) {
    let least = COMPILE_PATIENCE / COMPILE_SHARE;
    let started = Instant::now();
    let mut before = Duration::ZERO;
    while started.elapsed() < COMPILE_ASIDE {
        sleep(COMPILE_PATIENCE).await;
        let Some(used) = process.and_then(cpu_time) else {
            break;
        };
        if used < before + least {
            return;
        }
        before = used;
    }
    std::future::pending().await
}

/// The CPU time that all threads of the process have used.
#[cfg(target_os = "linux")]
fn cpu_time(process: u32) -> Option<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // Whatever the program is called, it is in parentheses.
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ').skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    let (user, system) = (ticks()?, ticks()?);
    // A hundred to the second, whatever the kernel itself counts in.
    Some(Duration::from_millis((user + system) * 10))
}

/// No other system has idle threads, so that nobody needs to know.
#[cfg(not(target_os = "linux"))]
fn cpu_time(_: u32) -> Option<Duration> {
    None
}
