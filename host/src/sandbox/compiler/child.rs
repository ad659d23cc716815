//! The compiler's process, seen from inside.

use std::io::{Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use proto::{Batch, Payload};
use rustix::time::{ClockId, clock_gettime};
use wasmtime::Trap;

use super::confinement::confine;
use super::{Compiled, Priority, report, roomy, shim, steps};
use crate::limits::{
    ARTIFACT_BYTES, CALL_CEILING, CallLimits, CompileLimits, ROOMY_CODE_BYTES, ROOMY_DEADLINE,
};
use crate::protocol::Verb;
use crate::sandbox::artifact::{Digest, look, shape};
use crate::sandbox::codec::{CallError, Codec, Tenancy};
use crate::sandbox::component::{Component, words};
use crate::sandbox::engine::{Engine, StackClass};
use crate::sandbox::unfit::Unfit;

/// The whole life of the process: gives up what it does not need, reads the artifact from
/// standard input, and answers on standard output.
pub(crate) fn run(limits: CompileLimits, priority: Priority) -> std::io::Result<()> {
    confine(limits, priority)?;
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

fn compile(artifact: &[u8], limits: CompileLimits) -> Result<Compiled, Unfit> {
    look(artifact)?;
    shape::check(artifact)?;
    let engine = Arc::new(Engine::for_trial().map_err(Unfit::Untried)?);
    let compiler = engine.runtime(StackClass::Small).map_err(Unfit::Untried)?;
    let (in_steps, code) = translate(&compiler.engine, artifact, limits)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .map_err(|error| Unfit::Untried(error.to_string()))?;
    let link = |compiled: &Compiled| Component::link(&engine, Digest::of(artifact), compiled);
    let try_out = |compiled: &Compiled| {
        let component = link(compiled).map_err(Fault::Unfit)?;
        // Whether it stays within its namespace's own limits is seen when it is called.
        let limits = CallLimits {
            deadline: Duration::from_secs(5),
            ..CALL_CEILING
        };
        runtime.block_on(call_once(&engine, &component, limits, &Batch::default()))?;
        Ok(component.initial_memory())
    };
    let mut compiled = Compiled {
        class: StackClass::Small,
        size: artifact.len() as u64,
        code,
        roomy: None,
    };
    let memory = match try_out(&compiled) {
        Ok(memory) => memory,
        Err(Fault::Unfit(unfit)) => return Err(unfit),
        Err(Fault::Stack) => {
            // Code does not depend on how much stack there is.
            compiled.class = StackClass::Large;
            try_out(&compiled).map_err(|fault| match fault {
                Fault::Unfit(unfit) => unfit,
                Fault::Stack => Unfit::Fails("it needs more than 1 MiB of stack".into()),
            })?
        }
    };
    // It can do without, so this is not to be what its compiler fails of.
    let is_cheap = compiled.code.len() <= ROOMY_CODE_BYTES
        && cpu_time() < Duration::from_secs(limits.cpu_seconds) / 4;
    if is_cheap
        && let Some(roomy) = roomy::component(&in_steps)
        && let Ok(code) = compiler.engine.precompile_component(&roomy)
    {
        let roomy = Compiled {
            code,
            roomy: None,
            ..compiled
        };
        // Most allocators know only memory that they asked for, or that the linker told them of. Of
        // more they have nothing, so it is given a payload for which it needs that.
        let large = Payload {
            data: vec![0; memory as usize],
            ..Payload::default()
        };
        let large = [&large].into_iter().collect();
        let uses_it = link(&roomy).is_ok_and(|component| {
            let limits = CallLimits {
                deadline: ROOMY_DEADLINE,
                memory_bytes: component.initial_memory() as usize,
                ..CALL_CEILING
            };
            let called = call_once(&engine, &component, limits, &large);
            runtime.block_on(called).is_ok()
        });
        if uses_it {
            compiled.roomy = Some(roomy.code);
        }
    }
    Ok(compiled)
}

/// Machine code for the artifact, without a shim and with its bulk memory operations in steps; and
/// what it is of.
fn translate(
    engine: &wasmtime::Engine,
    artifact: &[u8],
    limits: CompileLimits,
) -> Result<(Vec<u8>, Vec<u8>), Unfit> {
    let without_shim = shim::removed(engine, artifact);
    for artifact in without_shim.as_deref().into_iter().chain([artifact]) {
        let Ok(in_steps) = steps::component(engine, artifact) else {
            continue;
        };
        match engine.precompile_component(&in_steps) {
            Ok(code) => return Ok((in_steps, code)),
            Err(error) => match refused(&error, limits) {
                Unfit::DoesNotCompile(_) => {}
                other => return Err(other),
            },
        }
    }
    // What is wrong with it is told of the bytes that its author has.
    match engine.precompile_component(artifact) {
        Err(error) => Err(refused(&error, limits)),
        Ok(_) => Err(Unfit::DoesNotCompile(
            "its bulk memory operations cannot be interrupted".into(),
        )),
    }
}

/// What the process has used of the processor.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(time).unwrap_or(Duration::MAX)
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

/// Calls the codec once, with those payloads to decode and no keys or settings: whatever it answers,
/// it can be instantiated and called.
async fn call_once(
    engine: &Arc<Engine>,
    component: &Arc<Component>,
    limits: CallLimits,
    payloads: &Batch,
) -> Result<(), Fault> {
    let deadline = Instant::now() + limits.deadline;
    let tenancy = Tenancy {
        limits,
        ..Tenancy::default()
    };
    let codec = Codec::new(Arc::clone(engine), Arc::clone(component), tenancy);
    match codec.call(Verb::Decode, None, payloads, deadline).await {
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
