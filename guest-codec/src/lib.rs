//! The codec that codec-host ships.

#[cfg(target_family = "wasm")]
mod component;
