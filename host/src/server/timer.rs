//! The timer that the deadline of a request's head goes by.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hyper::rt::{Sleep, Timer};

/// One connection's timer, which begins each wait with what is left of the one before.
///
/// hyper has a deadline for every head and drops it when the head is there. To put a timer into the
/// runtime's wheel and take it out again is two locks; and whenever none was in it meanwhile, the
/// runtime wakes itself from a sleep that it has not begun: two system calls for each request. One
/// that stays in the wheel is put off by one atomic operation.
#[derive(Default)]
pub(super) struct HeadTimer {
    unused: Unused,
}

/// What the last wait left. It may still wake the connection, which then has nothing to do.
type Unused = Arc<Mutex<Option<Pin<Box<tokio::time::Sleep>>>>>;

impl Timer for HeadTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(Instant::now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        let unused = self
            .unused
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let sleep = match unused {
            Some(mut sleep) => {
                sleep.as_mut().reset(deadline.into());
                sleep
            }
            None => Box::pin(tokio::time::sleep_until(deadline.into())),
        };
        Box::pin(Wait {
            sleep: Some(sleep),
            unused: Arc::clone(&self.unused),
        })
    }
}

struct Wait {
    /// None only while it is dropped.
    sleep: Option<Pin<Box<tokio::time::Sleep>>>,
    unused: Unused,
}

impl Sleep for Wait {}

impl Future for Wait {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        match &mut self.sleep {
            Some(sleep) => sleep.as_mut().poll(context),
            None => Poll::Ready(()),
        }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        let mut unused = self.unused.lock().unwrap_or_else(PoisonError::into_inner);
        *unused = self.sleep.take();
    }
}
