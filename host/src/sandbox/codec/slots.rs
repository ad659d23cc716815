//! Room for calls: a namespace's share, and a short queue before it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout_at;

use super::CallError;

/// A namespace's share of the pool, and those who wait for it.
pub(super) struct Slots {
    own: Semaphore,
    waiting: AtomicUsize,
    queue: usize,
}

/// Held while a call is made: one slot of the namespace's, and one of the pool's.
pub(super) type Slot<'a> = (SemaphorePermit<'a>, SemaphorePermit<'a>);

impl Slots {
    /// That many calls at once, and that many waiting.
    pub(super) fn new(concurrency: usize, queue: usize) -> Self {
        Self {
            own: Semaphore::new(concurrency),
            waiting: AtomicUsize::new(0),
            queue,
        }
    }

    /// Room for one call. Where there is none it waits for its turn, unless too many do already.
    pub(super) async fn take<'a>(
        &'a self,
        pool: &'a Semaphore,
        deadline: Instant,
    ) -> Result<Slot<'a>, CallError> {
        if let Ok(own) = self.own.try_acquire()
            && let Ok(shared) = pool.try_acquire()
        {
            return Ok((own, shared));
        }
        Box::pin(self.wait(pool, deadline)).await
    }

    async fn wait<'a>(
        &'a self,
        pool: &'a Semaphore,
        deadline: Instant,
    ) -> Result<Slot<'a>, CallError> {
        let _place = Place::take(&self.waiting, self.queue)?;
        let both = async {
            // The semaphores are never closed.
            let own = self.own.acquire().await.map_err(|_| CallError::Busy)?;
            let shared = pool.acquire().await.map_err(|_| CallError::Busy)?;
            Ok((own, shared))
        };
        let taken = timeout_at(deadline.into(), both).await;
        taken.unwrap_or(Err(CallError::Busy))
    }
}

/// A place in the queue.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize, most: usize) -> Result<Self, CallError> {
        let taken = waiting.fetch_add(1, Ordering::Relaxed);
        let place = Self(waiting);
        if taken < most {
            Ok(place)
        } else {
            Err(CallError::Busy)
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn as_many_wait_as_may_and_the_next_is_shed_at_once() {
        let (slots, pool) = (Slots::new(1, 1), Semaphore::new(2));
        let far = Instant::now() + Duration::from_secs(60);
        let first = slots.take(&pool, far).await.expect("free");
        let mut second = std::pin::pin!(slots.take(&pool, far));
        let mut poll = || futures_poll(second.as_mut());
        assert!(poll().is_none());
        assert!(matches!(slots.take(&pool, far).await, Err(CallError::Busy)));
        drop(first);
        let second = poll().expect("its turn").expect("free");
        drop(second);
        assert_eq!(slots.waiting.load(Ordering::Relaxed), 0);
    }

    fn futures_poll<F: Future>(future: std::pin::Pin<&mut F>) -> Option<F::Output> {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match future.poll(&mut context) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        }
    }
}
