//! Where the time of a request goes, without HTTP: reading JSON, the sandbox in its parts, the
//! same with an instance that is used again, the same codec without a sandbox, writing JSON.
//!
//! `cargo bench -p tests --features native --bench parts` takes about ten seconds. With
//! `CODEC=file.wasm` it is another codec's sandbox, which must decode what ours encodes.
//! Medians, in microseconds of wall time on one thread; run it with `taskset -c 0` on a quiet
//! machine.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use codec_host::keyring::{Key, Keyring};
use codec_host::limits::CompileLimits;
use codec_host::reload::BUILT_IN;
use codec_host::sandbox::{Codec, Compiler, Component, Digest, Engine, Reuse, Tenancy, native};
use proto::json::UnknownFields;
use proto::{Batch, Payload};
use tokio::runtime::Runtime;

/// The same as the server's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long each part of each case is repeated.
const TIME: Duration = Duration::from_millis(150);

const SIZES: [(usize, usize, &str); 5] = [
    (1, 256, "1 × 256 B"),
    (1, 4 << 10, "1 × 4 KiB"),
    (1, 64 << 10, "1 × 64 KiB"),
    (1, 1 << 20, "1 × 1 MiB"),
    (100, 256, "100 × 256 B"),
];

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let codecs = runtime.block_on(codecs());
    let names = [
        "JSON in", "sandbox", "store", "instance", "call", "drop", "reused", "native", "JSON out",
    ];
    print!("{:22}", "µs, decode");
    names.iter().for_each(|name| print!("{name:>10}"));
    println!();
    for (count, bytes, name) in SIZES {
        print!("{name:22}");
        let parts = parts(&runtime, &codecs, count, bytes);
        parts
            .iter()
            .for_each(|part| print!("{:10.2}", part.as_secs_f64() * 1e6));
        println!();
    }
}

/// One with a fresh instance for every call, and one that uses its instances again.
async fn codecs() -> [Codec; 2] {
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
    let reused = Tenancy {
        reuse: Reuse {
            calls: 1_000_000,
            age: Duration::from_secs(3600),
        },
        ..fresh.clone()
    };
    [fresh, reused].map(|tenancy| Codec::new(engine.clone(), component.clone(), tenancy))
}

fn parts(runtime: &Runtime, codecs: &[Codec; 2], count: usize, bytes: usize) -> [Duration; 9] {
    let [codec, reused] = codecs;
    let plain = Payload {
        metadata: [("encoding".to_owned(), b"json/plain".to_vec())].into(),
        data: vec![b'x'; bytes],
        external_payloads: Vec::new(),
    };
    let plain: Batch = vec![plain; count].iter().collect();
    let encoded = runtime.block_on(codec.encode(None, &plain));
    let encoded = encoded.expect("encoded");
    let body = proto::json::write(&encoded);
    // What is decoded is a copy, which does not count.
    let decode = |codec: &Codec| {
        let given = encoded.clone();
        let begun = Instant::now();
        let decoded = runtime.block_on(codec.decode(None, given));
        let time = begun.elapsed();
        assert!(decoded.expect("decoded").payloads == plain);
        time
    };

    let json_in = median(|| proto::json::read(black_box(&body), UnknownFields::Ignore));
    let sandbox = timed(|| decode(codec));
    let again = timed(|| decode(reused));
    let mut laps: [Vec<Duration>; 4] = Default::default();
    repeat(|| {
        for (lap, part) in laps
            .iter_mut()
            .zip(native::laps(codec, &encoded).into_iter().flatten())
        {
            lap.push(part);
        }
    });
    let [store, instance, call, drop] = laps.map(middle);
    native::switch(true);
    let without = timed(|| decode(codec));
    native::switch(false);
    let json_out = median(|| proto::json::write(black_box(&plain)));
    [
        json_in, sandbox, store, instance, call, drop, again, without, json_out,
    ]
}

fn median<T>(mut part: impl FnMut() -> T) -> Duration {
    timed(|| {
        let begun = Instant::now();
        black_box(part());
        begun.elapsed()
    })
}

fn timed(mut part: impl FnMut() -> Duration) -> Duration {
    let mut times = Vec::new();
    repeat(|| times.push(part()));
    middle(times)
}

fn repeat(mut part: impl FnMut()) {
    let begun = Instant::now();
    while begun.elapsed() < TIME {
        part();
    }
}

fn middle(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
