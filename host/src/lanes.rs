//! Where the work of a request is done: here, or aside.
//!
//! Most of it takes microseconds and is done on the thread that the request came in on. What
//! takes long, or might, is done aside, by threads of a lower priority, so that small requests
//! never wait for large ones or for a codec that does not come to an end.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

use crate::limits::{ASIDE_NICENESS, HERE_SLICE};

/// The threads that work aside.
pub struct Lanes {
    /// None only while it is dropped.
    aside: Option<Runtime>,
}

/// The work ended in a panic, which is a bug of the server's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crashed;

impl Lanes {
    /// As many threads as there are processors.
    pub fn new() -> std::io::Result<Self> {
        let aside = Builder::new_multi_thread()
            .thread_name("aside")
            .on_thread_start(yield_to_others)
            .enable_all()
            .build()?;
        Ok(Self { aside: Some(aside) })
    }

    /// Does the work here, as long as it need not wait nor give others a turn; from then on it
    /// goes on aside.
    pub fn begin_here<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = Result<T, Crashed>> {
        // Not within: whoever waits for it would have room for all of it.
        let mut work = Box::pin(work);
        async move {
            match poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await {
                Poll::Ready(done) => Ok(done),
                Poll::Pending => self.go_on(work).await,
            }
        }
    }

    /// Does the work aside.
    pub fn aside<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = Result<T, Crashed>> {
        self.go_on(Box::pin(work))
    }

    /// Whoever stops waiting for the work has it stopped.
    async fn go_on<T: Send + 'static>(
        &self,
        work: Pin<Box<impl Future<Output = T> + Send + 'static>>,
    ) -> Result<T, Crashed> {
        let Some(aside) = &self.aside else {
            return Err(Crashed);
        };
        let mut tasks = JoinSet::new();
        tasks.spawn_on(work, aside.handle());
        match tasks.join_next().await {
            Some(Ok(done)) => Ok(done),
            Some(Err(_)) | None => Err(Crashed),
        }
    }
}

impl Drop for Lanes {
    fn drop(&mut self) {
        // A runtime that waits for its threads must not be dropped on one of another's.
        if let Some(aside) = self.aside.take() {
            aside.shutdown_background();
        }
    }
}

/// Has this thread, on which requests come in, interrupt those that work aside as soon as it has
/// something to do. A higher priority alone would have it wait for the end of their slice.
///
/// Policy and priority stay what whoever started the server gave it.
#[cfg(target_os = "linux")]
pub fn come_first() {
    const SIZE: u32 = size_of::<libc::sched_attr>() as u32;
    let mut attributes = libc::sched_attr {
        size: SIZE,
        sched_policy: 0,
        sched_flags: 0,
        sched_nice: 0,
        sched_priority: 0,
        sched_runtime: 0,
        sched_deadline: 0,
        sched_period: 0,
    };
    // SAFETY: the kernel writes and reads as many bytes of the attributes as it is told that they
    // have. Before Linux 6.12 it ignores the slice, and nothing is lost.
    #[expect(unsafe_code, reason = "it has no safe wrapper")]
    unsafe {
        let is_told = libc::syscall(libc::SYS_sched_getattr, 0, &raw mut attributes, SIZE, 0);
        if is_told == 0 && attributes.sched_policy == libc::SCHED_OTHER as u32 {
            attributes.sched_runtime = HERE_SLICE.as_nanos() as u64;
            libc::syscall(libc::SYS_sched_setattr, 0, &raw const attributes, 0);
        }
    }
}

/// Elsewhere nothing of the kind is known.
#[cfg(not(target_os = "linux"))]
pub fn come_first() {}

/// Lowers the priority of this thread.
fn yield_to_others() {
    // Without it the work is done all the same, only less considerately.
    let _ = rustix::process::nice(ASIDE_NICENESS);
}
