//! The threads that connections are served on.
//!
//! There are as many as processors, each with a runtime of its own, and a connection stays with the
//! one that it was given to. Threads that take tasks from each other are woken whenever there might be
//! something to take, which costs a sixth of a small request.

use std::io;
use std::sync::Arc;
use std::thread::{self, available_parallelism};

use tokio::net::TcpStream;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use crate::lanes;

/// The threads. They end when it is dropped, and so does what they serve.
pub struct Workers(Vec<Worker>);

struct Worker {
    runtime: Handle,
    /// Each of its connections has one.
    connections: Arc<()>,
    /// Hangs up on the thread when it is dropped.
    _ends: oneshot::Sender<()>,
}

impl Workers {
    /// As many threads as there are processors for this process.
    pub fn start() -> io::Result<Self> {
        let all = available_parallelism().map_or(1, usize::from);
        let workers = (0..all).map(|_| Worker::start());
        Ok(Self(workers.collect::<io::Result<_>>()?))
    }

    /// Has the connection served by the thread that serves the fewest.
    pub fn spawn<F: Future<Output = ()> + Send + 'static>(
        &self,
        stream: TcpStream,
        serve: impl FnOnce(TcpStream) -> F + Send + 'static,
    ) -> io::Result<()> {
        let stream = stream.into_std()?;
        let fewest = |worker: &&Worker| Arc::strong_count(&worker.connections);
        let Some(worker) = self.0.iter().min_by_key(fewest) else {
            return Ok(());
        };
        let connection = Arc::clone(&worker.connections);
        worker.runtime.spawn(async move {
            match TcpStream::from_std(stream) {
                Ok(stream) => serve(stream).await,
                Err(error) => tracing::warn!(%error, "cannot serve a connection"),
            }
            drop(connection);
        });
        Ok(())
    }
}

impl Worker {
    fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (ends, ended) = oneshot::channel::<()>();
        thread::Builder::new()
            .name("requests".into())
            .spawn(move || {
                lanes::come_first();
                // Nobody sends anything.
                let _ = runtime.block_on(ended);
            })?;
        Ok(Self {
            runtime: handle,
            connections: Arc::default(),
            _ends: ends,
        })
    }
}
