//! The codec that codec-host ships: what the Temporal SDKs' samples write, in one component.
//!
//! It reads `binary/encrypted` (AES-GCM, with a compressed payload inside or not), `binary/zlib`,
//! `binary/gzip` and `binary/snappy`, and passes everything else through. What it writes is
//! said by its [`settings`]. Keys never come in here: sealing and opening is the [`host`]'s.
//!
//! The logic is plain Rust with native tests; only `component` knows that it is a component.

#[cfg(target_family = "wasm")]
mod component;
#[cfg(target_family = "wasm")]
mod libc;
#[cfg(target_family = "wasm")]
mod memory;

pub mod arena;
pub mod codec;
pub mod compression;
mod encryption;
mod error;
pub mod host;
pub mod settings;
