//! Whether a codec's calls did something of late that the next one had better be prepared for.

use std::sync::atomic::{AtomicU32, Ordering};

/// How many calls in a row must not do it before the next one is expected not to. With fewer, a
/// codec that is slow now and then would hold up its neighbours each time; with more, one slow
/// call would be remembered for minutes.
const PROBATION: u32 = 64;

/// How a codec's calls went of late.
#[derive(Default)]
pub(super) struct Lately {
    /// Calls without it that are still owed.
    owed: AtomicU32,
}

impl Lately {
    /// Remembers whether a call did it.
    pub(super) fn note(&self, did: bool) {
        if did {
            self.owed.store(PROBATION, Ordering::Relaxed);
        } else if self.did() {
            // Two calls that end at once may count as one.
            let owed = self.owed.load(Ordering::Relaxed);
            self.owed.store(owed.saturating_sub(1), Ordering::Relaxed);
        }
    }

    /// Whether a call of late did it.
    pub(super) fn did(&self) -> bool {
        self.owed.load(Ordering::Relaxed) > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slow_call_is_remembered_for_a_while() {
        let slow = Lately::default();
        slow.note(false);
        assert!(!slow.did());
        slow.note(true);
        for _ in 0..PROBATION {
            assert!(slow.did());
            slow.note(false);
        }
        assert!(!slow.did());
    }
}
