//! Components that nobody wrote: random code in the frame of a codec, random components, and
//! good ones with bytes that are not what they were.
//!
//! Each is made from a seed and a number, and is always the same.

use std::ops::Range;

use arbitrary::{Arbitrary, Unstructured};
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use wasm_encoder::Encode;
use wasm_smith::{Component, Config, Module};
use wasmparser::{Parser, Payload, Validator, WasmFeatures};

use crate::body::{Body, wrap};

/// Bytes of random that a module is made of: more give larger ones.
const ENTROPY: Range<usize> = 1 << 10..64 << 10;

/// What strangers are made of.
pub(crate) struct Bases {
    /// A codec whose code is replaced.
    pub(crate) frame: Vec<u8>,
    /// Codecs that are changed.
    pub(crate) good: Vec<Vec<u8>>,
}

/// A component that nobody wrote.
pub(crate) struct Stranger {
    /// What it was made as, in a word.
    pub(crate) made: &'static str,
    pub(crate) artifact: Vec<u8>,
    /// Whether it is a component at all, without the proposals that are off. One that is not must
    /// be refused.
    pub(crate) is_valid: bool,
}

/// The component with that number.
pub(crate) fn stranger(seed: u64, number: u64, bases: &Bases) -> Stranger {
    let mut random = StdRng::seed_from_u64(seed);
    // Seeds next to each other must not give the same components.
    let mut random = StdRng::seed_from_u64(random.next_u64().wrapping_add(number));
    let (made, artifact) = match random.random_range(0..100) {
        0..60 => ("code", codec(&mut random, &bases.frame, &Proposals::On)),
        60..75 => (
            "code-of-proposals",
            codec(&mut random, &bases.frame, &Proposals::Off),
        ),
        75..83 => ("component", component(&mut random)),
        _ => ("changed", changed(&mut random, &bases.good)),
    };
    let is_valid = Validator::new_with_features(on())
        .validate_all(&artifact)
        .is_ok();
    Stranger {
        made,
        artifact,
        is_valid,
    }
}

/// Which proposals random code is made with.
enum Proposals {
    /// Those that are on in the server.
    On,
    /// Those that are off as well.
    Off,
}

/// Random code where a codec's code is.
fn codec(random: &mut StdRng, frame: &[u8], proposals: &Proposals) -> Vec<u8> {
    let (section, module) = main_module(frame);
    let shape = &frame[module];
    let entropy = entropy(random);
    let mut entropy = Unstructured::new(&entropy);
    let config = Config {
        exports: Some(shape.to_vec()),
        // One in twenty imports what is not there.
        available_imports: (!random.random_ratio(1, 20)).then(|| shape.to_vec()),
        max_imports: 20,
        max_memories: random.random_range(1..=3),
        max_memory32_bytes: 1 << 22,
        max_tables: random.random_range(1..=4),
        max_table_elements: 2000,
        allow_start_export: random.random_ratio(1, 5),
        // A module without functions has none to run.
        max_instructions: random.random_range(20..1000),
        ..config(&mut entropy, proposals)
    };
    let Ok(module) = Module::new(config, &mut entropy) else {
        return frame.to_vec();
    };
    let bodies = [
        ("cabi_realloc", random.random_ratio(17, 20), Body::Allocates),
        (
            "temporal:codec/payload-codec@1.0.0#encode",
            random.random_ratio(9, 10),
            kind(random),
        ),
        (
            "temporal:codec/payload-codec@1.0.0#decode",
            random.random_ratio(9, 10),
            kind(random),
        ),
    ];
    let bodies = bodies.into_iter().filter(|(_, takes_part, _)| *takes_part);
    let module = wrap(
        &module.to_bytes(),
        &bodies
            .map(|(name, _, body)| (name, body))
            .collect::<Vec<_>>(),
    );
    let mut component = frame[..section.start].to_vec();
    component.push(1);
    module.encode(&mut component);
    component.extend_from_slice(&frame[section.end..]);
    component
}

fn kind(random: &mut StdRng) -> Body {
    if random.random() {
        Body::AnswersAfter
    } else {
        Body::AnswersNothing
    }
}

/// A random choice of what modules have, within the proposals that are on or beyond them.
fn config(entropy: &mut Unstructured, proposals: &Proposals) -> Config {
    let off = matches!(proposals, Proposals::Off);
    Config {
        threads_enabled: off,
        memory64_enabled: off,
        gc_enabled: off,
        exceptions_enabled: off,
        relaxed_simd_enabled: off,
        wide_arithmetic_enabled: off,
        compact_imports_enabled: false,
        // With them come values of the embedder's, which are off, in almost every module.
        reference_types_enabled: off || entropy.ratio(1, 20).unwrap_or_default(),
        ..Config::arbitrary(entropy).unwrap_or_default()
    }
}

fn component(random: &mut StdRng) -> Vec<u8> {
    let entropy = entropy(random);
    let mut entropy = Unstructured::new(&entropy);
    let config = config(&mut entropy, &Proposals::On);
    let config = Config {
        max_components: 10,
        max_instances: 10,
        max_modules: 10,
        max_values: 10,
        ..config
    };
    match Component::new(config, &mut entropy) {
        Ok(component) => component.to_bytes(),
        Err(_) => Vec::new(),
    }
}

/// A good component of which bits are turned, or parts are gone, there twice, or another's.
fn changed(random: &mut StdRng, bases: &[Vec<u8>]) -> Vec<u8> {
    let mut artifact = bases[random.random_range(0..bases.len())].clone();
    for _ in 0..random.random_range(1..=4) {
        let at = random.random_range(0..artifact.len().max(1));
        let end = (at + random.random_range(1..64)).min(artifact.len());
        match random.random_range(0..20) {
            0 => artifact.truncate(at.max(8)),
            1 => drop(artifact.drain(at..end)),
            2 => {
                let twice = artifact[at..end].to_vec();
                artifact.splice(at..at, twice);
            }
            3 => {
                let other = &bases[random.random_range(0..bases.len())];
                let from = random.random_range(0..other.len() - 64);
                artifact.splice(at..end, other[from..from + 64].iter().copied());
            }
            _ => artifact[at..end][0] ^= 1 << random.random_range(0..8),
        }
    }
    artifact
}

fn entropy(random: &mut StdRng) -> Vec<u8> {
    let mut bytes = vec![0; random.random_range(ENTROPY)];
    random.fill_bytes(&mut bytes);
    bytes
}

/// Where the section of the component's first core module is, and the module in it.
fn main_module(component: &[u8]) -> (Range<usize>, Range<usize>) {
    let mut start = 8;
    for payload in Parser::new(0).parse_all(component) {
        let payload = payload.expect("a frame of ours");
        let index = |at: u64| usize::try_from(at).expect("an index");
        if let Payload::ModuleSection {
            unchecked_range: module,
            ..
        } = &payload
        {
            let module = index(module.start)..index(module.end);
            return (start..module.end, module);
        }
        if let Some((_, section)) = payload.as_section() {
            start = index(section.end);
        }
    }
    panic!("a frame has a module");
}

/// What is on in the server.
fn on() -> WasmFeatures {
    WasmFeatures::WASM2.difference(WasmFeatures::GC_TYPES)
        | WasmFeatures::TAIL_CALL
        | WasmFeatures::EXTENDED_CONST
        | WasmFeatures::MULTI_MEMORY
        | WasmFeatures::COMPONENT_MODEL
}
