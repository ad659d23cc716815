//! The sandbox: where codecs run.
//!
//! One call is one slot, one store, one instance and one deadline; nothing outlives it. This
//! is the only part of the server that knows of wasmtime. From outside it is three nouns:
//! the [`Engine`] that everything runs on, a [`Component`] that was found fit to be called,
//! and a [`Codec`], which is a component with a namespace's keys, settings and limits.
//!
//! It does not decide which codec serves whom ([`crate::registry`]) nor when one is loaded
//! ([`crate::reload`]).

mod codec;
mod component;
mod engine;
mod meter;
mod wasi;
mod world;

#[cfg(feature = "native")]
pub use codec::native;
pub use codec::{BadReply, CallError, Codec, Decoded, Tenancy};
pub use component::{Component, Digest, Unfit};
pub use engine::Engine;
