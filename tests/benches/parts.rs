//! Where the time of a request goes: HTTP, JSON in, the sandbox as a whole and step by step (store,
//! instance, call, drop), the same with an instance that is used again, the same codec without a
//! sandbox, JSON out.
//!
//! `cargo bench -p tests --features native --bench parts -- --sort location` takes half a minute; a
//! word leaves out what does not have it in its name. With `CODEC=file.wasm` it is another codec's
//! sandbox, which must decode what ours encodes. Wall time on one thread: run it with `taskset -c 0`
//! on a quiet machine.

#[path = "requests/echo.rs"]
mod echo;

use std::fmt;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use codec_host::keyring::{Key, Keyring};
use codec_host::limits::CompileLimits;
use codec_host::protocol::Verb;
use codec_host::reload::BUILT_IN;
use codec_host::sandbox::native::{self, Stored};
use codec_host::sandbox::{Codec, Compiler, Component, Digest, Engine, Reuse, Tenancy};
use divan::Bencher;
use proto::json::UnknownFields;
use proto::{Batch, Payload};
use tests::Request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

/// The same as the server's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long each part of each case is repeated.
const TIME: Duration = Duration::from_millis(150);

fn main() {
    divan::Divan::default()
        .min_time(TIME)
        .max_time(4 * TIME)
        .config_with_args()
        .main();
}

/// What is asked: that many payloads of that many bytes.
#[derive(Clone, Copy)]
struct Case {
    verb: Verb,
    payloads: usize,
    bytes: usize,
}

const CASES: [Case; 10] = [
    Case::new(Verb::Decode, 1, 256),
    Case::new(Verb::Decode, 1, 4 << 10),
    Case::new(Verb::Decode, 1, 64 << 10),
    Case::new(Verb::Decode, 1, 1 << 20),
    Case::new(Verb::Decode, 100, 256),
    Case::new(Verb::Encode, 1, 256),
    Case::new(Verb::Encode, 1, 4 << 10),
    Case::new(Verb::Encode, 1, 64 << 10),
    Case::new(Verb::Encode, 1, 1 << 20),
    Case::new(Verb::Encode, 100, 256),
];

impl Case {
    const fn new(verb: Verb, payloads: usize, bytes: usize) -> Self {
        Self {
            verb,
            payloads,
            bytes,
        }
    }

    /// The payloads as workers see them.
    fn plain(self) -> Batch {
        let payload = Payload {
            metadata: [("encoding".to_owned(), b"json/plain".to_vec())].into(),
            data: vec![b'x'; self.bytes],
            external_payloads: Vec::new(),
        };
        vec![payload; self.payloads].iter().collect()
    }

    /// What a codec is given.
    fn given(self) -> Batch {
        match self.verb {
            Verb::Decode => transcode(&CODECS.fresh, Verb::Encode, self.plain()),
            _ => self.plain(),
        }
    }

    /// Whether that is what a codec should reply.
    fn is_right(self, replied: &Batch) -> bool {
        match self.verb {
            Verb::Decode => *replied == self.plain(),
            _ => transcode(&CODECS.fresh, Verb::Decode, replied.clone()) == self.plain(),
        }
    }
}

fn transcode(codec: &Codec, verb: Verb, given: Batch) -> Batch {
    let transcoded = RUNTIME.block_on(async {
        match verb {
            Verb::Decode => codec
                .decode(None, given)
                .await
                .map(|decoded| decoded.payloads),
            _ => codec.encode(None, &given).await,
        }
    });
    transcoded.expect("the codec can")
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} × ", self.verb.as_str(), self.payloads)?;
        match self.bytes {
            0..1024 => write!(f, "{} B", self.bytes),
            1024..1_048_576 => write!(f, "{} KiB", self.bytes >> 10),
            _ => write!(f, "{} MiB", self.bytes >> 20),
        }
    }
}

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
});

static CODECS: LazyLock<Codecs> = LazyLock::new(|| RUNTIME.block_on(Codecs::load()));

/// One with a fresh instance for every call, and one that uses its instances again.
struct Codecs {
    fresh: Codec,
    reusing: Codec,
}

impl Codecs {
    async fn load() -> Self {
        let artifact = match std::env::var_os("CODEC") {
            Some(path) => std::fs::read(path).expect("the codec can be read"),
            None => BUILT_IN.to_vec(),
        };
        let engine = Arc::new(Engine::new().expect("an engine"));
        let program = env!("CARGO_BIN_EXE_codec-host-tested").into();
        let compiler = Compiler::new(program, CompileLimits::default());
        let loaded = Component::load(&engine, &compiler, Digest::of(&artifact), &artifact).await;
        let (component, _) = loaded.expect("fit");
        let key = Key::new("bench-key", zeroize::Zeroizing::new(vec![7; 32])).expect("32 bytes");
        let keyring = Keyring::new([key], Some("bench-key"), false).expect("it has the key");
        let fresh = Tenancy {
            keyring: Arc::new(keyring),
            ..Tenancy::default()
        };
        let reusing = Tenancy {
            reuse: Reuse {
                calls: 1_000_000,
                age: Duration::from_secs(3600),
            },
            ..fresh.clone()
        };
        let codec = |tenancy| Codec::new(engine.clone(), component.clone(), tenancy);
        Self {
            fresh: codec(fresh),
            reusing: codec(reusing),
        }
    }
}

/// An exchange over a loopback socket with a server that echoes: both ends of it.
#[divan::bench(args = CASES)]
fn http(bencher: Bencher, case: Case) {
    let request = Request::post("/decode", proto::json::write(&case.given())).bytes();
    let mut stream = RUNTIME.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let stream = TcpStream::connect(address).await.expect("a connection");
        stream.set_nodelay(true).expect("a socket option");
        let (other_end, _) = listener.accept().await.expect("a connection");
        tokio::spawn(echo::serve(other_end));
        stream
    });
    let mut answer = Vec::with_capacity(2 * request.len());
    let mut ask = || {
        answer.clear();
        RUNTIME.block_on(async {
            stream.write_all(&request).await.expect("it reads");
            while !answer.ends_with(b"]}") {
                let read = stream.read_buf(&mut answer).await;
                assert!(read.expect("it answers") > 0, "it hung up");
            }
        });
    };
    bencher.bench_local(&mut ask);
}

#[divan::bench(args = CASES)]
fn json_in(bencher: Bencher, case: Case) {
    let body = proto::json::write(&case.given());
    bencher.bench_local(|| {
        proto::json::read(divan::black_box(&body), UnknownFields::Ignore).expect("JSON")
    });
}

/// A call with all that belongs to it: a slot, a deadline, what a reply must satisfy.
#[divan::bench(args = CASES)]
fn sandbox(bencher: Bencher, case: Case) {
    call_of(bencher, case, &CODECS.fresh);
}

#[divan::bench(sample_size = 1)]
fn store(bencher: Bencher) {
    bencher.bench_local(|| Stored::new(&CODECS.fresh));
}

#[divan::bench(sample_size = 1, args = CASES)]
fn instance(bencher: Bencher, case: Case) {
    let given = case.given();
    bencher
        .with_inputs(|| Stored::new(&CODECS.fresh))
        .bench_local_values(|stored| stored.instantiate(&given));
}

#[divan::bench(sample_size = 1, args = CASES)]
fn call(bencher: Bencher, case: Case) {
    let given = case.given();
    bencher
        .with_inputs(|| Stored::new(&CODECS.fresh).instantiate(&given))
        .bench_local_values(|instance| instance.call(case.verb, &given));
}

#[divan::bench(sample_size = 1, args = CASES)]
fn drop(bencher: Bencher, case: Case) {
    let given = case.given();
    let called = || {
        let instance = Stored::new(&CODECS.fresh).instantiate(&given);
        instance.call(case.verb, &given)
    };
    let replied = called();
    assert!(
        replied.replied().is_none_or(|reply| case.is_right(reply)),
        "{case}"
    );
    bencher
        .with_inputs(called)
        .bench_local_values(std::mem::drop);
}

/// The whole call, by an instance that was called before.
#[divan::bench(args = CASES)]
fn reused(bencher: Bencher, case: Case) {
    call_of(bencher, case, &CODECS.reusing);
}

/// The same codec without a sandbox.
#[divan::bench(args = CASES)]
fn native(bencher: Bencher, case: Case) {
    native::switch(true);
    call_of(bencher, case, &CODECS.fresh);
    native::switch(false);
}

#[divan::bench(args = CASES)]
fn json_out(bencher: Bencher, case: Case) {
    let replied = transcode(&CODECS.fresh, case.verb, case.given());
    bencher.bench_local(|| proto::json::write(divan::black_box(&replied)));
}

fn call_of(bencher: Bencher, case: Case, codec: &Codec) {
    let given = case.given();
    assert!(
        case.is_right(&transcode(codec, case.verb, given.clone())),
        "{case}"
    );
    bencher
        .with_inputs(|| given.clone())
        .bench_local_values(|given| transcode(codec, case.verb, given));
}
