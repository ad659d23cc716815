//! A call in the sandbox asks nothing of the kernel: it gets its memory, its tables and its stack
//! without it, and gives them back without it.
#![cfg(target_os = "linux")]
#![expect(unsafe_code, reason = "the kernel's filters have no safe wrapper")]

use std::path::Path;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Waker};

use codec_host::keyring::{Key, Keyring};
use codec_host::limits::CompileLimits;
use codec_host::protocol::Verb;
use codec_host::reload::BUILT_IN;
use codec_host::sandbox::{Codec, Compiler, Component, Digest, Engine, Tenancy};
use proto::{Batch, Payload};
use tests::until;

/// The same as the server's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Payloads that are encoded and decoded without a system call.
const PAYLOADS: usize = 1_000;

/// From then on this thread is killed if it makes a system call other than `exit`.
fn forbid_system_calls() {
    const fn instruction(code: u32, if_true: u8, value: u32) -> libc::sock_filter {
        libc::sock_filter {
            code: code as u16,
            jt: if_true,
            jf: 0,
            k: value,
        }
    }
    // seccomp(2): the number of the call is the first thing that a filter can look at.
    let mut filter = [
        instruction(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0),
        instruction(
            libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K,
            1,
            libc::SYS_exit as u32,
        ),
        instruction(
            libc::BPF_RET | libc::BPF_K,
            0,
            libc::SECCOMP_RET_KILL_THREAD,
        ),
        instruction(libc::BPF_RET | libc::BPF_K, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog {
        len: filter.len() as u16,
        filter: filter.as_mut_ptr(),
    };
    // SAFETY: the kernel copies the program, which is alive.
    let forbidden = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        libc::prctl(
            libc::PR_SET_SECCOMP,
            libc::SECCOMP_MODE_FILTER,
            &raw const program,
        )
    };
    assert_eq!(forbidden, 0, "{}", std::io::Error::last_os_error());
}

#[test]
fn small_calls_make_no_system_call() {
    check(&[256], || {}, true);
}

/// Some memory is there from the start, and more for whoever needs it.
#[test]
fn calls_with_64_kib_make_no_system_call() {
    check(&[64 << 10], || {}, true);
    check(&[256; 100], || {}, true);
}

#[test]
fn a_system_call_would_be_seen() {
    check(&[256], || drop(std::fs::metadata("/")), false);
}

/// Has a thread make calls with payloads of those sizes, and something more, without system calls.
fn check(sizes: &[usize], more: impl FnOnce() + Send + 'static, expected: bool) {
    let survived = Arc::new(AtomicBool::new(false));
    let (begun, begins) = mpsc::channel();
    let payloads = sizes.iter().map(|size| Payload {
        metadata: [("encoding".to_owned(), b"json/plain".to_vec())].into(),
        data: vec![b'x'; *size],
        external_payloads: Vec::new(),
    });
    let payloads: Vec<_> = payloads.collect();
    // After some five thousand nonces the kernel is asked for another seed.
    let calls = PAYLOADS / payloads.len();
    let thread = {
        let survived = Arc::clone(&survived);
        move || {
            let codec = codec();
            let plain: Batch = payloads.iter().collect();
            let encoded = call(&codec, Verb::Encode, &plain);
            for _ in 0..calls {
                assert_eq!(call(&codec, Verb::Decode, &encoded), plain);
                call(&codec, Verb::Encode, &plain);
            }
            // SAFETY: it has no arguments and cannot fail.
            begun
                .send(unsafe { libc::gettid() })
                .expect("somebody waits");
            forbid_system_calls();
            for _ in 0..calls {
                call(&codec, Verb::Decode, &encoded);
                call(&codec, Verb::Encode, &plain);
            }
            more();
            survived.store(true, Ordering::Relaxed);
            // SAFETY: nothing is done on this thread any more, and it owns nothing that another
            // one waits for.
            unsafe { libc::syscall(libc::SYS_exit, 0) };
        }
    };
    std::thread::spawn(thread);
    let id = begins.recv().expect("the thread lives");
    let thread = format!("/proc/self/task/{id}");
    until("the thread's end", || {
        (!Path::new(&thread).exists()).then_some(())
    });
    assert_eq!(survived.load(Ordering::Relaxed), expected);
}

fn codec() -> Codec {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let engine = Arc::new(Engine::new().expect("an engine"));
    let program = env!("CARGO_BIN_EXE_codec-host-tested").into();
    let compiler = Compiler::new(program, CompileLimits::default());
    let digest = Digest::of(BUILT_IN);
    let loaded = runtime.block_on(Component::load(&engine, &compiler, digest, BUILT_IN));
    let (component, _) = loaded.expect("fit");
    let key = Key::new("key", zeroize::Zeroizing::new(vec![7; 32])).expect("32 bytes");
    let tenancy = Tenancy {
        keyring: Arc::new(Keyring::new([key], Some("key"), false).expect("it has the key")),
        ..Tenancy::default()
    };
    Codec::new(engine, component, tenancy)
}

/// Calls without a runtime: a quick call never waits.
fn call(codec: &Codec, verb: Verb, payloads: &Batch) -> Batch {
    let called = pin!(codec.call(verb, None, payloads, codec.deadline()));
    match called.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(called) => called.expect("no failure"),
        Poll::Pending => panic!("it waits"),
    }
}
