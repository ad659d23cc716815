//! A machine with nothing to wake up from.

use std::process::{Child, Command, Stdio};
use std::thread;

/// Processes that keep every processor busy and make way for everybody at once. Beside them
/// somebody has all that a server alone has, but for what an idle machine has to spare and one in
/// the cloud takes away from those that use all of it: virtual processors that run without a pause
/// are stopped for milliseconds, whoever keeps them busy.
pub(crate) struct Burners(Vec<Child>);

impl Burners {
    /// One for each processor.
    pub(crate) fn light() -> Self {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        let burner = || {
            Command::new("chrt")
                .args(["--idle", "0", "sh", "-c", "while :; do :; done"])
                .stdin(Stdio::null())
                .spawn()
                .expect("chrt is of util-linux")
        };
        Self((0..processors).map(|_| burner()).collect())
    }
}

impl Drop for Burners {
    fn drop(&mut self) {
        for burner in &mut self.0 {
            // It may have ended already.
            let _ = burner.kill();
            let _ = burner.wait();
        }
    }
}
