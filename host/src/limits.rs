//! Every bound of the server, with the reason it is what it is.
//!
//! What a bound does when it is reached is told where it is enforced. A bound that the
//! configuration may change carries its key in [`crate::config`]; the others are fixed.

use std::time::Duration;

/// Bounds on what a caller may send, and how slowly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestLimits {
    /// Bytes of a request body. Temporal refuses a blob above 2 MiB and a gRPC message above
    /// 4 MiB; base64 adds a third, and remote data converters send lists. Half would refuse
    /// lists that Temporal stores, double only helps whoever wants the memory filled.
    pub body_bytes: usize,
    /// From the end of a request's head to the end of its body. A megabyte over a poor
    /// mobile link takes seconds; a minute and more is somebody holding the connection.
    pub body_deadline: Duration,
    /// From the opening of a connection, or the end of the last answer on it, to the end of
    /// the next request's head. It also ends idle connections, so it is not shorter than
    /// what load balancers keep theirs (60 s, as a rule).
    pub header_deadline: Duration,
    /// Open connections. Each costs about 20 KiB here and a file descriptor; browsers open
    /// six, load balancers a few dozen.
    pub connections: usize,
    /// How long requests in flight may take to finish once the server was told to stop.
    /// Kubernetes kills after 30 s.
    pub drain: Duration,
}

impl Default for RequestLimits {
    fn default() -> Self {
        Self {
            body_bytes: 16 << 20,
            body_deadline: Duration::from_secs(30),
            header_deadline: Duration::from_secs(75),
            connections: 4096,
            drain: Duration::from_secs(25),
        }
    }
}

/// Bounds on one call of a codec, settable per namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallLimits {
    /// From the request's payloads being read to the codec's answer, waiting for a slot and
    /// instantiation included. Half a second would do for every codec measured; codecs in
    /// interpreted languages that are new here get the benefit of the doubt.
    pub deadline: Duration,
    /// Bytes of linear memory, summed over all memories of the instance. A 16 MiB list
    /// costs a codec that copies three times 48 MiB.
    pub memory_bytes: usize,
    /// Calls at once. Well below [`POOL_CALLS`], so that one namespace can't take them all.
    pub concurrency: usize,
    /// Bytes of keys, values and data in a reply: what compression may blow a request up to.
    pub reply_bytes: usize,
}

impl Default for CallLimits {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(5),
            memory_bytes: 64 << 20,
            concurrency: 16,
            reply_bytes: 64 << 20,
        }
    }
}

/// The most that a namespace's configuration may ask for.
pub const CALL_CEILING: CallLimits = CallLimits {
    deadline: Duration::from_secs(60),
    memory_bytes: 256 << 20,
    concurrency: POOL_CALLS,
    reply_bytes: 256 << 20,
};

/// The least that a namespace's configuration may ask for: one tick, one page, one call.
pub const CALL_FLOOR: CallLimits = CallLimits {
    deadline: Duration::from_millis(10),
    memory_bytes: 64 << 10,
    concurrency: 1,
    reply_bytes: 1 << 10,
};

/// Calls at once over all namespaces: the instances the pool has room for. The work is CPU
/// time, so more than a few per core only queue inside; 64 leaves room for slow codecs. The
/// pool keeps up to 4 MiB resident for each that was ever in use at once.
pub const POOL_CALLS: usize = 64;

/// How long a call waits for a slot of its namespace before it is shed with 503. A queue
/// much longer than a call takes serves nobody: the `temporal` CLI gives up after 10 s.
pub const SLOT_WAIT: Duration = Duration::from_millis(500);

/// Distinct codecs that keep their memory image mapped in the pool. Above it a call may pay
/// two mmap calls, nothing else.
pub const POOL_CODECS: usize = 1000;

/// How often the epoch advances: the granularity of deadlines, and how long a spinning guest
/// holds a thread before others get a turn. At 1 ms the ticker itself would show in profiles.
pub const TICK: Duration = Duration::from_millis(10);

/// What a guest's lifted arguments and results may cost the host, in wasmtime's hostcall
/// fuel (about a byte each), beyond the reply's own limit: room for the records around the
/// bytes. Lists that alias one block would otherwise multiply without bound.
pub const LIFT_SLACK: usize = 16 << 20;

/// Resource handles an instance may hold at once: keys, and the streams of WASI.
pub const HANDLES: usize = 1024;

/// Bytes of an artifact. Python's interpreter compiled into a component has 18 MB.
pub const ARTIFACT_BYTES: u64 = 64 << 20;

/// Elements of all tables of an instance. CPython's function table has about 10,000.
pub const TABLE_ELEMENTS: usize = 20_000;

/// Bytes of a codec's error text that the caller gets to see.
pub const ERROR_TEXT_BYTES: usize = 500;

/// Bytes of a guest's standard error that reach the log, per call.
pub const GUEST_LOG_BYTES: usize = 4 << 10;

/// Between two looks at the files behind configuration, keys and components. Changes are
/// promised within a second, compilation included; a look costs about a microsecond a file.
pub const POLL: Duration = Duration::from_millis(200);

/// How long a component must be gone before its namespace is: longer than any
/// delete-and-recreate deployment leaves it out, short enough to be gone within a second.
pub const REMOVAL_GRACE: Duration = Duration::from_millis(500);
