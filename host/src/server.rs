//! Listens, accepts, and drains.
//!
//! One task per connection, on one of the threads of [`Workers`]; HTTP/1.1 and HTTP/2 (with prior
//! knowledge) on the same port. The accept loop ends when the server is told to stop, and for nothing
//! else.

mod timer;
mod workers;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};

use crate::http::Http;
use timer::HeadTimer;
pub use workers::Workers;

/// HTTP/2 streams at once on a connection. Pages ask for about a hundred payloads at once.
const STREAMS: u32 = 200;

/// Bytes of an HTTP/2 frame, of which a client may send fewer. A megabyte in frames of 16 KiB, which
/// every client may send, costs a fifth more.
const FRAME: u32 = 256 << 10;

/// Between two HTTP/2 pings on a silent connection, and how long an answer may take: a peer
/// that is gone without a word is noticed within a minute.
const PING_EVERY: Duration = Duration::from_secs(30);
const PING_WITHIN: Duration = Duration::from_secs(20);

/// How long the accept loop rests after an error. Most mean that file descriptors have run
/// out, and those come back as connections end.
const ACCEPT_REST: Duration = Duration::from_millis(50);

/// How long a server that is told to stop goes on, but for telling everybody whom it answers: what had
/// reached the machine by then is as good as in flight, but nobody has read it.
const LAST_CALL: Duration = Duration::from_millis(200);

/// An address that may be listened on: since nobody is asked who they are, only loopback,
/// unless somebody said in so many words that it may be open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listen(SocketAddr);

/// An address that others can reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotLoopback(pub SocketAddr);

impl Listen {
    /// An address of this machine that only this machine reaches.
    pub fn loopback(address: SocketAddr) -> Result<Self, NotLoopback> {
        if address.ip().to_canonical().is_loopback() {
            Ok(Self(address))
        } else {
            Err(NotLoopback(address))
        }
    }

    /// The address.
    pub fn address(&self) -> SocketAddr {
        self.0
    }

    /// Any address. Whoever reaches it can decode everything.
    pub fn insecure_open(address: SocketAddr) -> Self {
        Self(address)
    }
}

impl fmt::Display for NotLoopback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} can be reached from other machines, and there is no authorisation yet: whoever reaches it \
             can decode everything. Listen on 127.0.0.1 behind a proxy that authenticates, or say --insecure-open",
            self.0
        )
    }
}

/// A bound socket, with what answers on it.
pub struct Server {
    listener: TcpListener,
    http: Arc<Http>,
}

impl Server {
    /// Binds the address. From here on connections queue up, and are answered by [`Self::run`].
    pub async fn bind(listen: Listen, http: Arc<Http>) -> io::Result<Self> {
        let listener = TcpListener::bind(listen.0).await?;
        Ok(Self { listener, http })
    }

    /// The address that was bound, with the real port where 0 was asked for.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves with those threads until `stop` and a moment longer, then finishes the requests in flight,
    /// for as long as they may take.
    /// Answers whether all of them were.
    pub async fn run(self, workers: Workers, stop: impl Future<Output = ()>) -> bool {
        let limits = self.http.policy().limits.clone();
        let permits = Arc::new(Semaphore::new(limits.connections));
        let connections = GracefulShutdown::new();
        let mut stop = std::pin::pin!(async {
            stop.await;
            self.http.end();
            sleep(LAST_CALL).await;
        });
        loop {
            let accepted = tokio::select! {
                accepted = self.accept(&permits) => accepted,
                () = &mut stop => break,
            };
            let Some((stream, permit)) = accepted else {
                continue;
            };
            let http = Arc::clone(&self.http);
            let watcher = connections.watcher();
            let spawned = workers.spawn(stream, move |stream| async move {
                serve(stream, http, limits.header_deadline, watcher).await;
                drop(permit);
            });
            if let Err(error) = spawned {
                tracing::warn!(%error, "cannot serve a connection");
            }
        }
        // Nobody is to queue behind a server that will not answer.
        drop(self.listener);
        timeout(limits.drain, connections.shutdown()).await.is_ok()
    }

    /// The next connection, once there is room for it.
    async fn accept(&self, permits: &Arc<Semaphore>) -> Option<(TcpStream, OwnedSemaphorePermit)> {
        let permit = Arc::clone(permits).acquire_owned().await.ok()?;
        match self.listener.accept().await {
            Ok((stream, _)) => Some((stream, permit)),
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                sleep(ACCEPT_REST).await;
                None
            }
        }
    }
}

/// What a connection is served with: HTTP/1.1 and HTTP/2, whichever the client speaks. An HTTP/1.1
/// connection without a request is closed when the deadline has passed.
pub fn http_stack(header_deadline: Duration) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(HeadTimer::default())
        .header_read_timeout(header_deadline);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_frame_size(FRAME)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_WITHIN);
    builder
}

/// One connection, to its end.
async fn serve(stream: TcpStream, http: Arc<Http>, header_deadline: Duration, watcher: Watcher) {
    // Answers are small and written whole: waiting to fill a packet would only delay them.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let begun = Arc::new(Notify::new());
    let begins = Arc::clone(&begun);
    let service = service_fn(move |request| {
        begins.notify_one();
        let http = Arc::clone(&http);
        async move { http.answer(request).await }
    });
    let stack = http_stack(header_deadline);
    let connection = stack.serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(watcher.watch(connection.into_owned()));
    // hyper's deadline begins when it is plain which HTTP is spoken, and is HTTP/1.1's only.
    let first_request = timeout(header_deadline, begun.notified());
    let ended = tokio::select! {
        ended = &mut connection => ended,
        begun = first_request => match begun {
            Ok(()) => connection.await,
            Err(_) => return,
        },
    };
    // What goes wrong on a connection is the peer's doing or the network's: it has no request
    // that a record could be written for.
    if let Err(error) = ended {
        tracing::debug!(%error, "connection");
    }
}
