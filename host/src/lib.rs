//! codec-host: one Temporal codec server for every namespace's codec.
//!
//! A codec is a WebAssembly component that a team ships as one `.wasm` file. The server holds
//! the sockets, the keys and the clock; a component holds only the logic, and nothing outlives
//! a call.
//!
//! # The way of a request
//!
//! [`server`] accepts connections and hands each request to [`http`], whose first page tells
//! the order of the checks. What they make of it are types that later steps ask for: a
//! [`namespace::Namespace`] has one fallible constructor, an [`auth::Grant`] one maker. The
//! [`registry`] knows which [`sandbox::Codec`] serves the grant's namespace, and the
//! [`sandbox`] runs it: one slot, one store, one fresh instance, one deadline. What might take
//! long is done aside ([`lanes`]), where no small request waits for it.
//!
//! # The way of a component
//!
//! [`reload`] looks at the sources a few times a second: the configuration, the key files and
//! the components. What changed is hashed; the [`sandbox::Loader`] makes a new artifact into a
//! [`sandbox::Component`], and the registry is swapped. Requests in flight finish on what they
//! began with; an artifact that is unfit leaves the last good one serving.
//!
//! An artifact is hostile from its first byte, so the server itself only measures and hashes
//! it. It is walked ([`limits::artifact`] has the caps), compiled and called for the first time
//! in a process of its own, the [`sandbox::Compiler`]: this program again, with no environment,
//! no open files, and [`limits::CompileLimits`]. The machine code that comes back goes into the
//! [`sandbox::Cache`], where a restart finds it, and the last good artifacts of the time before.
//!
//! # Layers
//!
//! Modules import downwards only.
//!
//! | layer | modules |
//! |---|---|
//! | edge | [`cli`], [`config`] |
//! | process | [`server`] |
//! | HTTP | [`http`] |
//! | policy | [`auth`], [`registry`], [`reload`] |
//! | sandbox | [`sandbox`] |
//! | keys | [`keyring`] |
//! | vocabulary | [`protocol`], [`namespace`], [`limits`], [`lanes`], [`telemetry`] |
//!
//! wasmtime is named only under [`sandbox`], hyper only in [`http`] and [`server`]. Lower modules
//! define their settings and [`config`] fills them; nothing imports it but [`cli`].

pub mod auth;
pub mod cli;
pub mod config;
pub mod http;
pub mod keyring;
pub mod lanes;
pub mod limits;
pub mod namespace;
pub mod protocol;
pub mod registry;
pub mod reload;
pub mod sandbox;
pub mod server;
pub mod telemetry;
