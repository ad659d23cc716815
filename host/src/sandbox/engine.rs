//! The wasmtime engines, their instance pools and their clock.

use std::sync::{Arc, OnceLock, Weak};

use tokio::sync::Semaphore;
use wasmtime::component::Linker;
use wasmtime::{
    Config, Enabled, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig, WasmFeatures,
};

use super::pages;
use super::world::{self, State};
use crate::limits::{CALL_CEILING, CALL_FLOOR, POOL_CALLS, POOL_CODECS, POOL_KEPT, TICK};

/// Everything codecs run on; one per process.
///
/// Stack sizes belong to a wasmtime engine, and interpreters need more stack than the rest
/// should pay for, so there are two of those: one for each `StackClass`.
pub struct Engine {
    runtimes: Arc<Runtimes>,
    /// Calls at once, over all codecs.
    pub(super) slots: Semaphore,
    /// Instances that wait for another call, over all codecs.
    pub(super) kept: Arc<Semaphore>,
}

/// How much stack a codec gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StackClass {
    /// 64 KiB: enough for every compiled codec seen; wiping it costs 0.8 µs a call.
    Small,
    /// 1 MiB, for interpreters (QuickJS, CPython) and deeply recursive parsers.
    Large,
}

/// How many calls an engine has room for.
///
/// It decides nothing that compiled code depends on: what is compiled with room for one call
/// is served with room for many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Room {
    /// A server's.
    Many,
    /// The trial's: a compiler has no address space for more.
    One,
}

/// A wasmtime engine, with what its guests are linked against.
pub(super) struct Runtime {
    pub(super) engine: wasmtime::Engine,
    pub(super) linker: Linker<State>,
}

struct Runtimes {
    room: Room,
    small: Runtime,
    /// Made when the first codec asks for it: most servers never need it.
    large: OnceLock<Runtime>,
}

impl Engine {
    /// A server's engine, with its ticker running until it is dropped.
    pub fn new() -> Result<Self, String> {
        Self::with(Room::Many)
    }

    /// The engine on which a compiler tries what it made.
    pub(super) fn for_trial() -> Result<Self, String> {
        Self::with(Room::One)
    }

    fn with(room: Room) -> Result<Self, String> {
        let runtimes = Arc::new(Runtimes {
            room,
            small: Runtime::new(StackClass::Small, room)?,
            large: OnceLock::new(),
        });
        tick(Arc::downgrade(&runtimes))?;
        Ok(Self {
            runtimes,
            slots: Semaphore::new(POOL_CALLS),
            kept: Arc::new(Semaphore::new(POOL_KEPT)),
        })
    }

    pub(super) fn runtime(&self, class: StackClass) -> Result<&Runtime, String> {
        let large = &self.runtimes.large;
        match class {
            StackClass::Small => Ok(&self.runtimes.small),
            StackClass::Large => match large.get() {
                Some(runtime) => Ok(runtime),
                None => {
                    let runtime = Runtime::new(class, self.runtimes.room)?;
                    Ok(large.get_or_init(|| runtime))
                }
            },
        }
    }
}

impl Runtime {
    fn new(class: StackClass, room: Room) -> Result<Self, String> {
        let engine = wasmtime::Engine::new(&config(class, room))
            .map_err(|error| format!("the sandbox cannot start: {error:#}"))?;
        pages::enlarge();
        let linker = world::linker(&engine)
            .map_err(|error| format!("the sandbox cannot be linked: {error:#}"))?;
        Ok(Self { engine, linker })
    }
}

/// Advances the epoch of every engine, on a thread of its own: a task of the runtime would
/// wait behind the very guests it is there to interrupt.
fn tick(runtimes: Weak<Runtimes>) -> Result<(), String> {
    let run = move || {
        while let Some(runtimes) = runtimes.upgrade() {
            runtimes.small.engine.increment_epoch();
            if let Some(large) = runtimes.large.get() {
                large.engine.increment_epoch();
            }
            drop(runtimes);
            std::thread::sleep(TICK);
        }
    };
    std::thread::Builder::new()
        .name("epoch".into())
        .spawn(run)
        .map(drop)
        .map_err(|error| format!("cannot start the epoch thread: {error}"))
}

fn config(class: StackClass, room: Room) -> Config {
    let mut config = Config::new();
    config
        .cranelift_opt_level(OptLevel::Speed)
        .epoch_interruption(true)
        // No guest runs two things at once, so calls need none of the bookkeeping for it.
        .concurrency_support(false)
        .gc_support(false)
        .wasm_backtrace_max_frames(None)
        .native_unwind_info(false)
        .generate_address_map(false)
        .memory_init_cow(true);
    stacks(&mut config, class);
    // What no toolchain for codecs emits is not worth its risk.
    for proposal in [
        WasmFeatures::THREADS,
        WasmFeatures::MEMORY64,
        WasmFeatures::GC,
        WasmFeatures::FUNCTION_REFERENCES,
        WasmFeatures::EXCEPTIONS,
        WasmFeatures::RELAXED_SIMD,
        WasmFeatures::STACK_SWITCHING,
    ] {
        config.wasm_features(proposal, false);
    }
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(class, room)));
    config
}

impl StackClass {
    /// Bytes of stack that guest code has.
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::Small => CALL_FLOOR.stack_bytes,
            Self::Large => CALL_CEILING.stack_bytes,
        }
    }
}

fn stacks(config: &mut Config, class: StackClass) {
    // Unoptimised host functions need several times the stack; only tests are built so.
    let scale = if cfg!(debug_assertions) { 8 } else { 1 };
    let host = match class {
        StackClass::Small => 64 << 10,
        StackClass::Large => 256 << 10,
    };
    config.max_wasm_stack(class.bytes());
    config.async_stack_size(class.bytes() + host * scale);
    // Otherwise plaintext that host functions had on the stack stays there until overwritten.
    config.async_stack_zeroing(true);
}

fn pool(class: StackClass, room: Room) -> PoolingAllocationConfig {
    let calls = match room {
        Room::Many => u32::try_from(POOL_CALLS + POOL_KEPT).expect("a small constant"),
        Room::One => 1,
    };
    // A slot stays mapped to the image of the component that used it last. Two for each codec
    // (the one that serves, and the one it replaces) keep calls from remapping.
    let codecs = match (room, class) {
        (Room::Many, StackClass::Small) => u32::try_from(POOL_CODECS).expect("a small constant"),
        (Room::Many, StackClass::Large) => 32,
        (Room::One, _) => 0,
    };
    let ceiling = |limit: usize| u32::try_from(limit).expect("a small constant");
    let [instances, memories, tables] = [
        CALL_CEILING.instances,
        CALL_CEILING.memories,
        CALL_CEILING.tables,
    ]
    .map(ceiling);
    let mut pool = PoolingAllocationConfig::new();
    // Whoever has a slot finds room for whatever its limits can be: these are addresses, not
    // memory, and with fewer one namespace could take them all.
    pool.total_component_instances(calls)
        .total_core_instances(calls * instances)
        .max_core_instances_per_component(instances)
        .total_stacks(calls)
        .total_memories(calls * memories + 2 * codecs)
        .max_memories_per_component(memories)
        .max_memories_per_module(memories)
        .max_memory_size(CALL_CEILING.memory_bytes)
        // Slots that stay mapped and resident. With fewer, whoever is not called again before as
        // many others are pays for two mappings and the page faults that come with them.
        .max_unused_warm_slots(calls + codecs)
        .total_tables(calls * tables)
        .max_tables_per_component(tables)
        .max_tables_per_module(tables)
        .table_elements(CALL_CEILING.table_elements)
        // Pages stay, and are reset by memset: no system call and no page fault per request.
        // 4 MiB is above an ordinary guest's memory and above what 1 MiB payloads make it
        // grow to; less than the whole memory is the worst of both.
        .linear_memory_keep_resident(4 << 20)
        .table_keep_resident(64 << 10)
        .async_stack_keep_resident(128 << 10)
        // Unsound: a dirty page that the kernel is migrating is reported as not present, and
        // would be neither reset nor dropped.
        .pagemap_scan(Enabled::No);
    pool
}
