//! Artifacts on their way to being components.

use std::collections::{HashMap, HashSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use tokio::runtime::Handle;

use crate::sandbox::{Component, Digest, Engine, Unfit};

/// Threads that load components. Compilation is parallel in itself; a second one keeps a slow
/// artifact from holding up the others.
const LOADERS: usize = 2;

/// Every artifact that was asked for, by digest: the same file twice is loaded once.
pub(super) struct Components {
    engine: Arc<Engine>,
    /// Where a component is tried out.
    runtime: Handle,
    loaded: HashMap<Digest, Loaded>,
    /// What waits for a thread.
    queue: VecDeque<(Digest, Vec<u8>)>,
    loading: usize,
    finished: (Sender<Finished>, Receiver<Finished>),
}

/// What became of an artifact.
pub(super) enum Loaded {
    Pending,
    Fit(Arc<Component>),
    Unfit(Unfit),
}

struct Finished(Digest, Result<Arc<Component>, Unfit>);

impl Components {
    pub(super) fn new(engine: Arc<Engine>, runtime: Handle) -> Self {
        Self {
            engine,
            runtime,
            loaded: HashMap::new(),
            queue: VecDeque::new(),
            loading: 0,
            finished: channel(),
        }
    }

    /// What became of the artifact, if it was asked for.
    pub(super) fn find(&self, digest: &Digest) -> Option<&Loaded> {
        self.loaded.get(digest)
    }

    /// Loads the artifact, as soon as there is a thread for it.
    pub(super) fn load(&mut self, digest: Digest, artifact: Vec<u8>) {
        self.loaded.insert(digest, Loaded::Pending);
        self.queue.push_back((digest, artifact));
        self.start();
    }

    /// Waits until nothing is loading. Answers whether anything was.
    pub(super) fn finish_all(&mut self) -> bool {
        let was_loading = self.loading > 0;
        while self.loading > 0
            && let Ok(finished) = self.finished.1.recv()
        {
            self.accept(finished);
        }
        was_loading
    }

    /// Waits until something has loaded, at most that long.
    pub(super) fn finish_within(&mut self, duration: Duration) {
        if let Ok(finished) = self.finished.1.recv_timeout(duration) {
            self.accept(finished);
        }
    }

    /// Drops what is not wanted.
    pub(super) fn retain(&mut self, wanted: &HashSet<Digest>) {
        self.loaded
            .retain(|digest, loaded| matches!(loaded, Loaded::Pending) || wanted.contains(digest));
    }

    fn start(&mut self) {
        while self.loading < LOADERS
            && let Some((digest, artifact)) = self.queue.pop_front()
        {
            let (engine, runtime) = (Arc::clone(&self.engine), self.runtime.clone());
            let done = self.finished.0.clone();
            let load = move || {
                // Artifacts are hostile, and a bug of the compiler's is one artifact's failure.
                let load = || runtime.block_on(Component::load(&engine, &artifact));
                let loaded = catch_unwind(AssertUnwindSafe(load))
                    .unwrap_or_else(|_| Err(Unfit::Fails("the compiler panicked".into())));
                // The receiver is gone only when the process ends.
                let _ = done.send(Finished(digest, loaded));
            };
            match std::thread::Builder::new().name("load".into()).spawn(load) {
                Ok(_) => self.loading += 1,
                Err(error) => {
                    let unfit = Unfit::Fails(format!("no thread to load it: {error}"));
                    self.loaded.insert(digest, Loaded::Unfit(unfit));
                }
            }
        }
    }

    fn accept(&mut self, Finished(digest, loaded): Finished) {
        self.loading -= 1;
        let loaded = match loaded {
            Ok(component) => Loaded::Fit(component),
            Err(unfit) => Loaded::Unfit(unfit),
        };
        self.loaded.insert(digest, loaded);
        self.start();
    }
}
