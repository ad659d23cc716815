//! Every bound of the server, with the reason it is what it is.
//!
//! What a bound does when it is reached is told where it is enforced. A bound that the
//! configuration may change carries its key in [`crate::config`]; the others are fixed.

pub mod artifact;

use std::time::Duration;

/// Bounds on what a caller may send, and how slowly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestLimits {
    /// Bytes of a request body. Temporal refuses a blob above 2 MiB and a gRPC message above
    /// 4 MiB; base64 adds a third, and remote data converters send lists. Half would refuse
    /// lists that Temporal stores, double only helps whoever wants the memory filled.
    pub body_bytes: usize,
    /// Bytes of all bodies together that arrive in parts, as far as they have and until their
    /// answers are made; meanwhile each takes up some five times its size. Those of at most
    /// [`HERE_BYTES`] may have as many again. Half would shed a few people who export histories
    /// at once, double is more than a small machine has.
    pub bodies_bytes: usize,
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
            bodies_bytes: 256 << 20,
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
    /// costs a codec that copies three times 48 MiB. With less than what one of them starts with,
    /// a component is refused.
    pub memory_bytes: usize,
    /// Linear memories of the instance. Every toolchain's components have one; four leave room
    /// for two codecs composed into one component, adapters included.
    pub memories: usize,
    /// Elements of all of the instance's tables. CPython's function table has about 10,000, and
    /// each costs eight bytes.
    pub table_elements: usize,
    /// Tables of the instance. Compiled components have three; CPython's, linked from a dozen
    /// libraries that share one, not more.
    pub tables: usize,
    /// Core instances that the component is made of: its modules, and the adapters around them.
    /// Rust's have three, CPython's with its libraries 39.
    pub instances: usize,
    /// Resource handles held at once: keys, and the streams of WASI. A codec holds a key or
    /// two, and frees them; one for each payload of a long list is a slip, but no harm.
    pub handles: usize,
    /// Bytes that a reply, or the arguments of one host call, may cost the host while they are
    /// lifted: what lists that alias one block are multiplied to. Below it everything that fits
    /// `reply_bytes` must have room, with the records around the bytes. Lifting is one step that
    /// no deadline interrupts, so that double would be felt.
    pub lift_bytes: usize,
    /// Bytes of keys, values and data in a reply: what compression may blow a request up to.
    /// The built-in codec inflates a list to 32 MiB at most.
    pub reply_bytes: usize,
    /// Bytes that one call of a host function takes: sealed or to be sealed, with their associated
    /// data, marshalled or to be. A request's body has room for one payload of 12 MiB, which
    /// framing makes little larger. Each such call is two steps or three that no deadline
    /// interrupts, of some 10 ms each; double would be felt.
    pub hostcall_bytes: usize,
    /// Bytes of stack that a call may have. There are two sizes of it, since a stack belongs to
    /// a wasmtime engine: what is compiled well lives with the smaller, the floor, also where
    /// more is allowed; interpreters (QuickJS, CPython) do not start with less than the ceiling.
    /// Which of them a component gets is found out when it is loaded; with anything below the
    /// ceiling, what needs the larger is refused.
    pub stack_bytes: usize,
    /// Bytes of random that one call may ask for: enough for every key and nonce.
    pub random_bytes: usize,
    /// Bytes of what one call prints that reach the log. A backtrace has about two thousand.
    pub log_bytes: usize,
    /// The same for all calls of the namespace, per second: sixteen calls' worth, so that a
    /// talkative codec can't fill a disk.
    pub log_bytes_per_second: usize,
    /// Calls at once. Well below [`POOL_CALLS`], so that one namespace can't take them all.
    pub concurrency: usize,
    /// Calls that may wait for one of those, beyond which they are shed at once. A page of the
    /// Web UI asks for about a hundred payloads at once, and twice that is two people's.
    pub queue: usize,
}

impl Default for CallLimits {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(5),
            memory_bytes: 64 << 20,
            memories: 4,
            table_elements: 20_000,
            tables: 16,
            instances: 64,
            handles: 1024,
            lift_bytes: 40 << 20,
            reply_bytes: 32 << 20,
            hostcall_bytes: 16 << 20,
            stack_bytes: 1 << 20,
            random_bytes: 64 << 10,
            log_bytes: 4 << 10,
            log_bytes_per_second: 64 << 10,
            concurrency: 16,
            queue: 200,
        }
    }
}

/// The most that a namespace's configuration may ask for.
pub const CALL_CEILING: CallLimits = CallLimits {
    deadline: Duration::from_secs(60),
    memory_bytes: 256 << 20,
    memories: 16,
    table_elements: 100_000,
    tables: 32,
    instances: 128,
    handles: 65_536,
    lift_bytes: 512 << 20,
    reply_bytes: 256 << 20,
    hostcall_bytes: 256 << 20,
    stack_bytes: 1 << 20,
    random_bytes: 16 << 20,
    log_bytes: 64 << 10,
    log_bytes_per_second: 1 << 20,
    concurrency: POOL_CALLS,
    queue: 10_000,
};

/// The least that a namespace's configuration may ask for: one tick, one page, one call.
pub const CALL_FLOOR: CallLimits = CallLimits {
    deadline: Duration::from_millis(10),
    memory_bytes: 64 << 10,
    memories: 1,
    table_elements: 0,
    tables: 0,
    instances: 1,
    handles: 0,
    lift_bytes: 1 << 10,
    reply_bytes: 1 << 10,
    hostcall_bytes: 1 << 10,
    stack_bytes: 64 << 10,
    random_bytes: 0,
    log_bytes: 0,
    log_bytes_per_second: 0,
    concurrency: 1,
    queue: 0,
};

/// Calls at once over all namespaces: the instances the pool has room for. The work is CPU
/// time, so more than a few per core only queue inside; 64 leaves room for slow codecs.
pub const POOL_CALLS: usize = 64;

/// Instances that wait for another call, over all namespaces that reuse theirs; beyond it they
/// are dropped, as everybody else's are. As many as calls, so that a busy namespace finds all of
/// its own again.
pub const POOL_KEPT: usize = POOL_CALLS;

/// Bytes of memory above which an instance is not called again. It is what stays resident of a
/// memory that is given back, so that keeping more would cost what a fresh one does not.
pub const KEPT_MEMORY_BYTES: usize = 4 << 20;

/// The most that a namespace's configuration may ask for: calls of one instance, and its age.
pub const REUSE_CEILING: (u32, Duration) = (1_000_000, Duration::from_secs(3600));

/// Distinct codecs that the pool has a memory slot for. It stays resident as far as its codec's
/// calls grew it, up to 4 MiB: 128 KiB for a codec that is linked as ours is. Above it a call may
/// pay two mmap calls and two page faults, nothing else.
pub const POOL_CODECS: usize = 1000;

/// How often the epoch advances: the granularity of deadlines, and how long a spinning guest
/// holds a thread before others get a turn. At 1 ms the ticker itself would show in profiles.
pub const TICK: Duration = Duration::from_millis(10);

/// Bytes of an artifact. Python's interpreter compiled into a component has 18 MB.
pub const ARTIFACT_BYTES: u64 = 64 << 20;

/// Bounds on the process that compiles an artifact and tries it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompileLimits {
    /// Seconds of CPU, over all of its threads. A Rust codec takes 0.15, QuickJS 2.5, CPython
    /// 14; half would be close to that, and what is past double does not end soon.
    pub cpu_seconds: u64,
    /// Bytes of memory it may write to. A Rust codec takes 0.1 GiB, CPython 0.7; two of these
    /// processes at once should not be more than a machine can spare.
    pub memory_bytes: u64,
}

impl Default for CompileLimits {
    fn default() -> Self {
        Self {
            cpu_seconds: 30,
            memory_bytes: 1 << 30,
        }
    }
}

impl CompileLimits {
    /// How long it may take by the clock. It runs at low priority, so that on a busy machine
    /// a second of CPU takes several; at four the machine is too busy to compile.
    pub fn wall(&self) -> Duration {
        Duration::from_secs(self.cpu_seconds * 4)
    }
}

/// How much lower the priority of a compiler is that does not make way at once. It is the one
/// whose new version a busy machine waits for, so that it comes before what is done aside.
pub const COMPILE_NICENESS: i32 = 2;

/// How often it is looked whether a compiler gets its share of the CPU: one that makes way for
/// everybody hardly gets anywhere on a busy machine, and is started over as one that does not. By
/// so much a new version is late there, and it should still serve within a second.
pub const COMPILE_PATIENCE: Duration = Duration::from_millis(100);

/// The part of that time that is its share: a quarter. With less, a Rust codec, which takes 150 ms,
/// would not serve within a second.
pub const COMPILE_SHARE: u32 = 4;

/// How long a machine is taken to be too busy for an idle compiler after one got nowhere: several new
/// versions at once each save [`COMPILE_PATIENCE`] and what would be started over.
pub const COMPILE_BUSY: Duration = Duration::from_secs(10);

/// How long a compiler competes for the CPU, or may be started over to. A Rust codec is done in a
/// fraction of it, also on a busy machine; the rest are in no such hurry.
pub const COMPILE_ASIDE: Duration = Duration::from_secs(2);

/// Compilers at once: with one, a slow artifact would hold up all others; each more is one
/// more time the memory of [`CompileLimits`].
pub const COMPILERS: usize = 2;

/// Bytes of compiled code. CPython's are 32 MB.
pub const COMPILED_BYTES: u64 = 256 << 20;

/// How long a start waits for a single slow artifact before it serves everybody else. CPython
/// takes 5 to 15 s where nothing is in the cache.
pub const START_PATIENCE: Duration = Duration::from_secs(20);

/// Bytes of compiled code up to which a component is compiled once more with more memory. A Rust
/// codec's are 0.3 to 1 MB and take a fifth of a second each time; an interpreter's would take ten
/// seconds, and it has memory enough.
pub const ROOMY_CODE_BYTES: usize = 4 << 20;

/// How long it may then take to decode a payload of some hundred KiB at most.
pub const ROOMY_DEADLINE: Duration = Duration::from_millis(500);

/// When an artifact that could not be compiled through no fault of its own (no process, no
/// memory, a machine too busy) is tried again.
pub const COMPILE_AGAIN: Duration = Duration::from_secs(10);

/// Bytes of all entries of the cache; above it, those used longest ago are dropped. A Rust
/// codec's entry has 0.7 MB, CPython's 32.
pub const CACHE_BYTES: u64 = 4 << 30;

/// Bytes of a codec's error text that the caller gets to see.
pub const ERROR_TEXT_BYTES: usize = 500;

/// Between two looks at the files behind configuration, keys and components. Changes are
/// promised within a second, compilation included; a look costs about five microseconds a namespace.
pub const POLL: Duration = Duration::from_millis(100);

/// How many times as long as a look has taken the next one is waited for: with very many files, or
/// on a slow file system, looking takes a twentieth of a core and not all of it.
pub const POLL_SHARE: u32 = 20;

/// How long a component must be gone before its namespace is: longer than any
/// delete-and-recreate deployment leaves it out, short enough to be gone within a second.
pub const REMOVAL_GRACE: Duration = Duration::from_millis(500);

/// Bytes of a body above which the whole of its work is done aside. Below it the work takes about
/// a third of a millisecond at the most, which nobody notices who waits for it; moving it costs
/// some 20 µs, which is a tenth of that.
pub const HERE_BYTES: usize = 256 << 10;

/// What the threads that requests come in on ask the scheduler for at a time: its least. Small
/// requests take less, and one that waits need not wait for a longer slice of another thread's.
pub const HERE_SLICE: Duration = Duration::from_micros(100);

/// How much lower the priority of the threads is that work aside: at 10, one that has always
/// something to do gets a tenth of a processor that others want as well, and all of one that
/// nobody does.
pub const ASIDE_NICENESS: i32 = 10;
