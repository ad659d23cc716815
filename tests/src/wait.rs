//! Waiting for something to become true, without guessing how long it takes.

use std::thread::sleep;
use std::time::{Duration, Instant};

/// Far longer than anything here takes, on a busy machine too: it bounds a failing test.
const PATIENCE: Duration = Duration::from_secs(30);

/// Asks again and again until there is an answer. Panics when patience ends.
pub fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(
            started.elapsed() < PATIENCE,
            "not within {PATIENCE:?}: {what}"
        );
        sleep(Duration::from_millis(10));
    }
}
