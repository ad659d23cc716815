//! Work that is done while others go on with theirs.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Has each of these done again and again, on a thread of its own, until the work is done.
pub fn beside<'a, T>(
    repeated: impl IntoIterator<Item = Box<dyn FnMut() + Send + 'a>>,
    work: impl FnOnce() -> T,
) -> T {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for mut once in repeated {
            let is_over = &is_over;
            scope.spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    once();
                }
            });
        }
        let _over = Over(&is_over);
        work()
    })
}

/// Ends the others when the work ends, one way or the other.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
