//! The sandbox: where codecs run.
//!
//! One call is one slot, one store, one instance and one deadline; nothing outlives it. This
//! is the only part of the server that knows of wasmtime. From outside it is four nouns:
//! the [`Engine`] that everything runs on, a [`Loader`] that makes artifacts into components,
//! a [`Component`] that was found fit to be called, and a [`Codec`], which is a component with
//! a namespace's keys, settings and limits.
//!
//! An artifact is hostile from its first byte, so the loader has it parsed, compiled and tried
//! in a process of its own (the [`Compiler`]), and keeps what came of it in a [`Cache`].
//!
//! It does not decide which codec serves whom ([`crate::registry`]) nor when one is loaded
//! ([`crate::reload`]).

mod artifact;
mod cache;
mod codec;
mod compiler;
mod component;
mod engine;
mod loader;
mod meter;
mod pages;
mod unfit;
mod wasi;
mod world;

pub use artifact::Digest;
pub(crate) use artifact::give_way;
pub use cache::{Cache, CachePlace};
#[cfg(feature = "native")]
pub use codec::native;
pub use codec::{BadReply, CallError, Codec, Decoded, Oversized, Reuse, Tenancy};
pub(crate) use compiler::Priority;
pub use compiler::{Compiled, Compiler, child};
pub use component::Component;
pub use engine::Engine;
pub use loader::Loader;
pub use unfit::Unfit;
