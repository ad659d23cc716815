//! Artifacts on their way to being components.

use std::collections::{HashMap, HashSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use tokio::runtime::Builder;

use super::plan::ComponentSource;
use super::{BUILT_IN, source};
use crate::limits::{COMPILE_AGAIN, COMPILERS};
use crate::sandbox::{Component, Digest, Loader, Unfit};

/// Every artifact that was asked for, by digest: the same file twice is loaded once.
pub(super) struct Components {
    loader: Arc<Loader>,
    loaded: HashMap<Digest, Loaded>,
    /// What waits for a thread.
    queue: VecDeque<(Digest, ComponentSource)>,
    /// When what is loading now was begun.
    loading: HashMap<Digest, Instant>,
    finished: (Sender<Finished>, Receiver<Finished>),
}

/// What became of an artifact.
pub(super) enum Loaded {
    Pending,
    Fit(Arc<Component>),
    Unfit(Unfit),
    /// Not loaded, which says nothing about the artifact; to be tried again then.
    Later(Unfit, Instant),
}

struct Finished(Digest, Result<Arc<Component>, Unfit>);

impl Components {
    pub(super) fn new(loader: Arc<Loader>) -> Self {
        Self {
            loader,
            loaded: HashMap::new(),
            queue: VecDeque::new(),
            loading: HashMap::new(),
            finished: channel(),
        }
    }

    /// What became of the artifact. One that was never asked for is loaded from there, as soon
    /// as there is a thread for it.
    pub(super) fn find(&mut self, digest: Digest, source: &ComponentSource) -> &Loaded {
        let again = match self.loaded.get(&digest) {
            None => true,
            Some(Loaded::Later(_, due)) => *due <= Instant::now(),
            Some(Loaded::Pending | Loaded::Fit(_) | Loaded::Unfit(_)) => false,
        };
        if again {
            self.loaded.insert(digest, Loaded::Pending);
            self.queue.push_back((digest, source.clone()));
            self.start();
        }
        self.loaded.get(&digest).unwrap_or(&Loaded::Pending)
    }

    /// Waits until nothing is loading, except what takes longer than that. Answers whether
    /// anything was finished.
    pub(super) fn finish_all(&mut self, patience: Duration) -> bool {
        let mut any = false;
        while let Some(latest) = self.loading.values().max() {
            // As long as others wait for a thread there is something to wait for.
            let left = match self.queue.is_empty() {
                true => patience.saturating_sub(latest.elapsed()),
                false => Duration::MAX,
            };
            let Ok(finished) = self.finished.1.recv_timeout(left) else {
                break;
            };
            self.accept(finished);
            any = true;
        }
        any
    }

    /// Waits until something has loaded, at most that long.
    pub(super) fn finish_within(&mut self, duration: Duration) {
        if let Ok(finished) = self.finished.1.recv_timeout(duration) {
            self.accept(finished);
        }
        while let Ok(finished) = self.finished.1.try_recv() {
            self.accept(finished);
        }
    }

    /// Drops what is not wanted, and does not begin with it.
    pub(super) fn retain(&mut self, wanted: &HashSet<Digest>) {
        let loading = &self.loading;
        self.loaded
            .retain(|digest, _| wanted.contains(digest) || loading.contains_key(digest));
        self.queue.retain(|(digest, _)| wanted.contains(digest));
    }

    fn start(&mut self) {
        while self.loading.len() < COMPILERS
            && let Some((digest, source)) = self.queue.pop_front()
        {
            let loader = Arc::clone(&self.loader);
            let done = self.finished.0.clone();
            let load = move || {
                let load = || load(&loader, digest, &source);
                let loaded = catch_unwind(AssertUnwindSafe(load))
                    .unwrap_or_else(|_| Err(Unfit::Fails("the loader panicked".into())));
                // The receiver is gone only when the process ends.
                let _ = done.send(Finished(digest, loaded));
            };
            match std::thread::Builder::new().name("load".into()).spawn(load) {
                Ok(_) => drop(self.loading.insert(digest, Instant::now())),
                Err(error) => {
                    let unfit = Unfit::Untried(format!("no thread to load it: {error}"));
                    self.settle(digest, Err(unfit));
                }
            }
        }
    }

    fn accept(&mut self, Finished(digest, loaded): Finished) {
        self.loading.remove(&digest);
        self.settle(digest, loaded);
        self.start();
    }

    fn settle(&mut self, digest: Digest, loaded: Result<Arc<Component>, Unfit>) {
        let loaded = match loaded {
            Ok(component) => Loaded::Fit(component),
            // The next look finds what it is now.
            Err(Unfit::Gone) => return drop(self.loaded.remove(&digest)),
            Err(unfit @ Unfit::Untried(_)) => Loaded::Later(unfit, Instant::now() + COMPILE_AGAIN),
            Err(unfit) => Loaded::Unfit(unfit),
        };
        self.loaded.insert(digest, loaded);
    }
}

/// Loads on this thread alone. The server's runtime would have nothing to do for it, and may be
/// gone before it.
fn load(
    loader: &Loader,
    digest: Digest,
    source: &ComponentSource,
) -> Result<Arc<Component>, Unfit> {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Unfit::Untried(error.to_string()))?;
    runtime.block_on(loader.load(digest, || read(&digest, source)))
}

/// The artifact, if it is still the one with that digest.
fn read(digest: &Digest, source: &ComponentSource) -> Result<Vec<u8>, Unfit> {
    let artifact = match source {
        ComponentSource::BuiltIn => return Ok(BUILT_IN.to_vec()),
        ComponentSource::File(path) => source::read(path).map_err(|_| Unfit::Gone)?,
    };
    if Digest::of(&artifact) != *digest {
        return Err(Unfit::Gone);
    }
    Ok(artifact)
}
