//! Whether a codec's calls take long, so that the next one can be made where nobody waits for it.

use std::sync::atomic::{AtomicU32, Ordering};

/// How many quick calls in a row it takes to be trusted again after a slow one. With fewer, a
/// codec that is slow now and then would hold up its neighbours each time; with more, one slow
/// call would be remembered for minutes.
const PROBATION: u32 = 64;

/// How a codec's calls went of late.
#[derive(Default)]
pub(super) struct Pace {
    /// Quick calls that are still owed.
    owed: AtomicU32,
}

impl Pace {
    /// Remembers how a call went.
    pub(super) fn note(&self, was_slow: bool) {
        if was_slow {
            self.owed.store(PROBATION, Ordering::Relaxed);
        } else if self.is_slow() {
            // Two calls that end at once may count as one.
            let owed = self.owed.load(Ordering::Relaxed);
            self.owed.store(owed.saturating_sub(1), Ordering::Relaxed);
        }
    }

    pub(super) fn is_slow(&self) -> bool {
        self.owed.load(Ordering::Relaxed) > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slow_call_is_remembered_for_a_while() {
        let pace = Pace::default();
        pace.note(false);
        assert!(!pace.is_slow());
        pace.note(true);
        for _ in 0..PROBATION {
            assert!(pace.is_slow());
            pace.note(false);
        }
        assert!(!pace.is_slow());
    }
}
