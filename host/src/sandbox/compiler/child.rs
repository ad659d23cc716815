//! The compiler's process, seen from inside.

use std::io::{Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, setrlimit};
use wasmtime::Trap;

use super::report;
use crate::limits::{ARTIFACT_BYTES, CALL_CEILING, CallLimits, CompileLimits};
use crate::protocol::Verb;
use crate::sandbox::artifact::{Digest, look, shape};
use crate::sandbox::codec::{CallError, Codec, Tenancy};
use crate::sandbox::component::{Component, words};
use crate::sandbox::engine::{Engine, StackClass};
use crate::sandbox::unfit::Unfit;

/// The whole life of the process: gives up what it does not need, reads the artifact from
/// standard input, and answers on standard output.
pub fn run(limits: CompileLimits) -> std::io::Result<()> {
    confine(limits)?;
    let mut artifact = Vec::new();
    std::io::stdin()
        .lock()
        .take(ARTIFACT_BYTES + 1)
        .read_to_end(&mut artifact)?;
    let compile = || compile(&artifact, limits);
    // A bug of the compiler's is one artifact's failure.
    let result = catch_unwind(AssertUnwindSafe(compile))
        .unwrap_or_else(|_| Err(Unfit::CrashesCompiler("it panics".into())));
    let mut out = std::io::stdout().lock();
    out.write_all(&report::write(result))?;
    out.flush()
}

/// Gives up whatever a compiler does not need, before a byte of the artifact is read.
fn confine(limits: CompileLimits) -> std::io::Result<()> {
    close_inherited_files();
    let at_most = |resource, maximum: u64| {
        let limit = Rlimit {
            current: Some(maximum),
            maximum: Some(maximum),
        };
        setrlimit(resource, limit)
    };
    // The soft limit's signal says what happened; the hard one's, a second later, is SIGKILL.
    let cpu = Rlimit {
        current: Some(limits.cpu_seconds),
        maximum: Some(limits.cpu_seconds + 1),
    };
    setrlimit(Resource::Cpu, cpu)?;
    // Memory that can be written to. A limit on addresses (RLIMIT_AS) would count the gigabytes
    // that the pool reserves and never touches.
    at_most(Resource::Data, limits.memory_bytes)?;
    at_most(Resource::Core, 0)?;
    at_most(Resource::Nofile, 64)?;
    // It writes no files, but the kernel counts the images of guests' memories as such.
    at_most(Resource::Fsize, CALL_CEILING.memory_bytes as u64)?;
    // Requests are served first.
    rustix::process::nice(10)?;
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Signal, set_parent_process_death_signal};
        set_parent_process_death_signal(Some(Signal::KILL))?;
        rustix::thread::set_no_new_privs(true)?;
        // Where memory is short, the kernel is to end this process and not the server.
        let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    }
    Ok(())
}

/// Closes what the server may have been started with and does not know of.
fn close_inherited_files() {
    let open = std::fs::read_dir("/proc/self/fd").or_else(|_| std::fs::read_dir("/dev/fd"));
    let open: Vec<i32> = open
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|number| *number > 2)
        .collect();
    for number in open {
        // SAFETY: nothing in this process has opened a file yet, except the directory just
        // read, which is closed again; so nobody owns this number. (Closing one that is not
        // open does nothing.)
        #[expect(
            unsafe_code,
            reason = "the numbers are all that is known of these files"
        )]
        unsafe {
            rustix::io::close(number);
        }
    }
}

fn compile(artifact: &[u8], limits: CompileLimits) -> Result<(StackClass, Vec<u8>), Unfit> {
    look(artifact)?;
    shape::check(artifact)?;
    let engine = Arc::new(Engine::for_trial().map_err(Unfit::Untried)?);
    let compiler = engine.runtime(StackClass::Small).map_err(Unfit::Untried)?;
    let code = compiler
        .engine
        .precompile_component(artifact)
        .map_err(|error| refused(&error, limits))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .map_err(|error| Unfit::Untried(error.to_string()))?;
    let size = artifact.len() as u64;
    let mut compiled = super::Compiled {
        class: StackClass::Small,
        size,
        code,
    };
    let try_out = |compiled: &super::Compiled| {
        let component =
            Component::link(&engine, Digest::of(artifact), compiled).map_err(Fault::Unfit)?;
        runtime.block_on(try_out(&engine, &component))
    };
    match try_out(&compiled) {
        Ok(()) => return Ok((StackClass::Small, compiled.code)),
        Err(Fault::Unfit(unfit)) => return Err(unfit),
        Err(Fault::Stack) => {}
    }
    // Code does not depend on how much stack there is.
    compiled.class = StackClass::Large;
    match try_out(&compiled) {
        Ok(()) => Ok((StackClass::Large, compiled.code)),
        Err(Fault::Unfit(unfit)) => Err(unfit),
        Err(Fault::Stack) => Err(Unfit::Fails("it needs more than 1 MiB of stack".into())),
    }
}

/// Why wasmtime refuses it: memory is a limit of ours, everything else the artifact's fault.
fn refused(error: &wasmtime::Error, limits: CompileLimits) -> Unfit {
    let out_of_memory = rustix::io::Errno::NOMEM.raw_os_error();
    let is_memory = error.chain().any(|cause| {
        let io = cause.downcast_ref::<std::io::Error>();
        io.is_some_and(|io| io.raw_os_error() == Some(out_of_memory))
            || cause.downcast_ref::<rustix::io::Errno>() == Some(&rustix::io::Errno::NOMEM)
    });
    if is_memory {
        return Unfit::TooHungry(limits.memory_bytes);
    }
    Unfit::DoesNotCompile(words(error))
}

enum Fault {
    Stack,
    Unfit(Unfit),
}

/// Calls the codec once, with nothing to decode and no keys or settings: whatever it answers,
/// it can be instantiated and called.
async fn try_out(engine: &Arc<Engine>, component: &Arc<Component>) -> Result<(), Fault> {
    let limits = CallLimits {
        deadline: Duration::from_secs(5),
        ..CallLimits::default()
    };
    let deadline = Instant::now() + limits.deadline;
    let codec = Codec::new(
        Arc::clone(engine),
        Arc::clone(component),
        Tenancy {
            limits,
            ..Tenancy::default()
        },
    );
    match codec.call(Verb::Decode, None, &[], deadline).await {
        Ok(_) | Err(CallError::Invalid(_) | CallError::Unavailable(_)) => Ok(()),
        Err(CallError::Trapped {
            trap: Some(Trap::StackOverflow),
            ..
        }) => Err(Fault::Stack),
        Err(error) => Err(Fault::Unfit(Unfit::Fails(format!(
            "decoding an empty list fails: {error}"
        )))),
    }
}
