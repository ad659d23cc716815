//! Why an artifact cannot be a codec, in words for whoever built it.

use std::fmt;

use super::world;
use crate::limits::ARTIFACT_BYTES;

/// Why an artifact cannot be a codec. The texts are for whoever built it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// Larger than an artifact may be.
    TooLarge(u64),
    /// Not a component at all.
    NotAComponent(String),
    /// Its structure is beyond what is worth compiling.
    TooComplex(String),
    /// wasmtime refuses it.
    DoesNotCompile(String),
    /// It takes more than that many seconds of CPU.
    TooSlow(u64),
    /// It takes more than that many bytes of memory.
    TooHungry(u64),
    /// The compiler ended in a way that it must not.
    CrashesCompiler(String),
    /// It imports what a codec cannot have.
    ForbiddenImport(String),
    /// It exports neither `payload-codec` nor `wire-codec`.
    MissingExport,
    /// It is built for another version of the contract.
    OtherVersion(String),
    /// Names fit, types do not.
    Mismatch(String),
    /// It could not be instantiated, or not be called.
    Fails(String),
    /// It was replaced before it was read whole.
    Gone,
    /// Nothing is known about it: this machine could not compile it now.
    Untried(String),
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
            Self::TooComplex(what) => write!(f, "is too complex: {what}"),
            Self::DoesNotCompile(why) => write!(f, "does not compile: {why}"),
            Self::TooSlow(seconds) => write!(
                f,
                "takes more than {seconds} s of CPU to compile and try (limits.compile-cpu-seconds)"
            ),
            Self::TooHungry(bytes) => write!(
                f,
                "needs more than {} MiB to compile and try (limits.compile-memory-bytes)",
                bytes >> 20
            ),
            Self::CrashesCompiler(how) => write!(f, "crashes the compiler: {how}"),
            Self::ForbiddenImport(name) => write!(
                f,
                "imports {name}, which a codec may not have; it may import temporal:codec@{ours}, \
                 wasi:config/store@0.2.0-rc.1, and of WASI 0.2 cli, clocks, filesystem, io, random and sockets"
            ),
            Self::MissingExport => write!(
                f,
                "missing export: a codec exports the interface temporal:codec/payload-codec@{ours}, or \
                 temporal:codec/wire-codec@{ours}"
            ),
            Self::OtherVersion(name) => write!(
                f,
                "wrong WIT version: it has {name}, and this server speaks temporal:codec@{ours}"
            ),
            Self::Mismatch(why) => write!(f, "does not fit temporal:codec@{ours}: {why}"),
            Self::Fails(why) => write!(f, "cannot be called: {why}"),
            Self::Gone => f.write_str("changed while it was read"),
            Self::Untried(why) => write!(f, "could not be compiled now: {why}"),
        }
    }
}

impl std::error::Error for Unfit {}
