//! A component that was found fit: checked, compiled, linked, and instantiated once.
//!
//! Whatever is wrong with an artifact is told here in words for whoever built it.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};
use wasmtime::component::types::ComponentItem;
use wasmtime::{Precompiled, Trap};

use super::codec::{CallError, Codec, Tenancy};
use super::engine::{Engine, Runtime, StackClass};
use super::world::{self, CodecPre, State};
use crate::limits::{ARTIFACT_BYTES, CallLimits};
use crate::protocol::Verb;

/// The SHA-256 of an artifact: what it is known by.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

/// A component that can be called.
pub struct Component {
    /// What it is known by.
    pub digest: Digest,
    /// Bytes of the artifact.
    pub size: usize,
    /// What it imports, with versions.
    pub imports: Vec<String>,
    /// What it exports, with versions.
    pub exports: Vec<String>,
    /// Bytes of linear memory that every instance starts with.
    pub initial_memory: u64,
    pub(super) pre: CodecPre<State>,
}

/// Initial memory above which an author is told how to make calls cheaper: each 64 KiB more
/// costs half a microsecond of wiping per call, and a Rust guest's default is 17 pages.
const THRIFTY_MEMORY: u64 = 256 << 10;

/// Bytes of a page of linear memory.
const WASM_PAGE: u64 = 64 << 10;

impl Component {
    /// Checks, compiles, links and tries the artifact. Takes a few tenths of a second per
    /// 100 KB, so not on a thread that serves requests.
    pub async fn load(engine: &Arc<Engine>, artifact: &[u8]) -> Result<Arc<Self>, Unfit> {
        look(artifact)?;
        let component = Self::compile(engine, artifact, StackClass::Small)?;
        match try_out(engine, &component).await {
            Ok(()) => Ok(component),
            Err(Fault::Stack) => {
                let component = Self::compile(engine, artifact, StackClass::Large)?;
                try_out(engine, &component)
                    .await
                    .map_err(|fault| match fault {
                        Fault::Stack => Unfit::Fails("it needs more than 1 MiB of stack".into()),
                        Fault::Other(text) => Unfit::Fails(text),
                    })?;
                Ok(component)
            }
            Err(Fault::Other(text)) => Err(Unfit::Fails(text)),
        }
    }

    /// What about the artifact's shape costs time on every call, in words, with the remedy.
    pub fn advice(&self) -> Option<String> {
        (self.initial_memory > THRIFTY_MEMORY).then(|| {
            format!(
                "starts with {} KiB of memory, which is wiped after every call (about {} µs); \
                 for Rust, link with -C link-arg=-zstack-size=65536 -C link-arg=--initial-memory=131072",
                self.initial_memory >> 10,
                self.initial_memory * 45 / (64 << 10) / 100,
            )
        })
    }

    fn compile(engine: &Engine, artifact: &[u8], class: StackClass) -> Result<Arc<Self>, Unfit> {
        let runtime = engine.runtime(class).map_err(Unfit::Fails)?;
        let compiled = wasmtime::component::Component::from_binary(&runtime.engine, artifact)
            .map_err(|error| Unfit::DoesNotCompile(words(&error)))?;
        let (imports, exports) = interfaces(&compiled, runtime);
        check_world(&imports, &exports)?;
        let initial_memory = compiled
            .resources_required()
            .and_then(|resources| resources.max_initial_memory_size)
            .map_or(0, |pages| pages * WASM_PAGE);
        let pre = runtime
            .linker
            .instantiate_pre(&compiled)
            .and_then(CodecPre::new)
            .map_err(|error| Unfit::Mismatch(words(&error)))?;
        Ok(Arc::new(Self {
            digest: Digest::of(artifact),
            size: artifact.len(),
            imports,
            exports,
            initial_memory,
            pre,
        }))
    }
}

/// Why an artifact cannot be a codec. The texts are for whoever built it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// Larger than an artifact may be.
    TooLarge(u64),
    /// Not a component at all.
    NotAComponent(&'static str),
    /// wasmtime refuses it.
    DoesNotCompile(String),
    /// It imports what a codec cannot have.
    ForbiddenImport(String),
    /// It does not export `payload-codec`.
    MissingExport,
    /// It is built for another version of the contract.
    OtherVersion(String),
    /// Names fit, types do not.
    Mismatch(String),
    /// It could not be instantiated, or not be called.
    Fails(String),
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ours = world::WIT_VERSION;
        match self {
            Self::TooLarge(size) => {
                write!(
                    f,
                    "has {size} bytes, and an artifact may have {ARTIFACT_BYTES}"
                )
            }
            Self::NotAComponent(what) => write!(f, "is not a WebAssembly component: {what}"),
            Self::DoesNotCompile(why) => write!(f, "does not compile: {why}"),
            Self::ForbiddenImport(name) => write!(
                f,
                "imports {name}, which a codec may not have; it may import temporal:codec@{ours}, \
                 wasi:config/store@0.2.0-rc.1, and of WASI 0.2 cli, clocks, filesystem, io, random and sockets"
            ),
            Self::MissingExport => write!(
                f,
                "missing export: a codec exports the interface temporal:codec/payload-codec@{ours}"
            ),
            Self::OtherVersion(name) => write!(
                f,
                "wrong WIT version: it has {name}, and this server speaks temporal:codec@{ours}"
            ),
            Self::Mismatch(why) => write!(
                f,
                "does not fit the world temporal:codec/codec@{ours}: {why}"
            ),
            Self::Fails(why) => write!(f, "cannot be called: {why}"),
        }
    }
}

impl std::error::Error for Unfit {}

/// Refuses what need not be parsed to be refused.
fn look(artifact: &[u8]) -> Result<(), Unfit> {
    if artifact.len() as u64 > ARTIFACT_BYTES {
        return Err(Unfit::TooLarge(artifact.len() as u64));
    }
    if wasmtime::Engine::detect_precompiled(artifact).is_some_and(|kind: Precompiled| {
        matches!(kind, Precompiled::Module | Precompiled::Component)
    }) {
        return Err(Unfit::NotAComponent(
            "it is precompiled native code (.cwasm), which is never accepted; ship the .wasm it was made from",
        ));
    }
    match artifact {
        [] => Err(Unfit::NotAComponent("it is empty")),
        [0, b'a', b's', b'm', 1, 0, 0, 0, ..] => Err(Unfit::NotAComponent(
            "it is a core module; build it with --target wasm32-wasip2, or wrap it with `wasm-tools component new`",
        )),
        [0, b'a', b's', b'm', 0x0d, 0, 1, 0, ..] => Ok(()),
        [0, b'a', b's', b'm', ..] => Err(Unfit::NotAComponent(
            "its version of the binary format is unknown",
        )),
        _ => Err(Unfit::NotAComponent("it does not begin with \\0asm")),
    }
}

fn interfaces(
    compiled: &wasmtime::component::Component,
    runtime: &Runtime,
) -> (Vec<String>, Vec<String>) {
    let ty = compiled.component_type();
    // A type without functions behind it (`types`) is no power, but its version still counts.
    let imports = ty.imports(&runtime.engine).map(|(name, _)| name.to_owned());
    let exports = ty
        .exports(&runtime.engine)
        .map(|(name, item)| match item.ty {
            ComponentItem::ComponentInstance(_) => name.to_owned(),
            _ => format!("{name} (not an interface)"),
        });
    (imports.collect(), exports.collect())
}

fn check_world(imports: &[String], exports: &[String]) -> Result<(), Unfit> {
    let other_version =
        |name: &&String| name.starts_with("temporal:codec/") && !world::provides(name);
    if let Some(name) = exports.iter().chain(imports).find(other_version) {
        return Err(Unfit::OtherVersion(name.clone()));
    }
    if let Some(name) = imports.iter().find(|name| !world::provides(name)) {
        return Err(Unfit::ForbiddenImport(name.clone()));
    }
    // A newer minor version has everything that this one has.
    if !exports
        .iter()
        .any(|name| name.starts_with("temporal:codec/payload-codec@1."))
    {
        return Err(Unfit::MissingExport);
    }
    Ok(())
}

enum Fault {
    Stack,
    Other(String),
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
        Err(error) => Err(Fault::Other(format!(
            "decoding an empty list fails: {error}"
        ))),
    }
}

/// wasmtime's words for an error, on one line and of bounded length: they quote the artifact.
pub(super) fn words(error: &wasmtime::Error) -> String {
    let mut text = String::new();
    for cause in error.chain() {
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.extend(
            cause
                .to_string()
                .chars()
                .take(400)
                .map(|c| if c.is_control() { ' ' } else { c }),
        );
    }
    text.truncate(text.floor_char_boundary(1500));
    text
}

impl Digest {
    /// The digest of those bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The first 12 hexadecimal digits: enough for people to tell artifacts apart.
    pub fn short(&self) -> String {
        let mut text = self.to_string();
        text.truncate("sha256:".len() + 12);
        text
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.short())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_component_is_refused_in_words_before_it_is_parsed() {
        let check = |artifact: &[u8], expected: &str| {
            let error = look(artifact).expect_err("not a component").to_string();
            assert!(error.contains(expected), "{error}");
        };
        check(b"", "empty");
        check(b"#!/bin/sh", "does not begin with");
        check(b"\0asm\x01\0\0\0", "core module");
        check(b"\0asm\x02\0\0\0", "version");
        assert_eq!(look(b"\0asm\x0d\0\x01\0"), Ok(()));
    }

    #[test]
    fn the_world_is_checked_by_name_and_version() {
        let check = |imports: &[&str], exports: &[&str], expected: Result<(), Unfit>| {
            let own = |names: &[&str]| {
                names
                    .iter()
                    .map(|name| (*name).to_owned())
                    .collect::<Vec<_>>()
            };
            assert_eq!(check_world(&own(imports), &own(exports)), expected);
        };
        let codec = "temporal:codec/payload-codec@1.0.0";
        check(&[], &[codec], Ok(()));
        check(&[], &["temporal:codec/payload-codec@1.3.0"], Ok(()));
        check(
            &["wasi:cli/stderr@0.2.6"],
            &[codec, "wasi:cli/run@0.2.6"],
            Ok(()),
        );
        check(&[], &[], Err(Unfit::MissingExport));
        check(
            &[],
            &["temporal:codec/payload-codec@2.0.0"],
            Err(Unfit::OtherVersion(
                "temporal:codec/payload-codec@2.0.0".into(),
            )),
        );
        check(
            &["wasi:http/types@0.2.0"],
            &[codec],
            Err(Unfit::ForbiddenImport("wasi:http/types@0.2.0".into())),
        );
    }
}
