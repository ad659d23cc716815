//! codec-host: one Temporal codec server for every namespace's codec.
//!
//! A codec is a WebAssembly component that a team ships as one `.wasm` file. The server holds
//! the sockets, the keys and the clock; a component holds only the logic, and nothing outlives
//! a call unless its operator wants it to.
//!
//! # The way of a request
//!
//! [`server`] accepts connections, gives each to one of as many threads as there are processors,
//! and hands each request to [`http`], whose first page tells the order of the checks. What they
//! make of it are types that later steps ask for: a [`namespace::Namespace`] has one fallible
//! constructor, an [`auth::Grant`] one maker. The [`registry`] knows which [`sandbox::Codec`]
//! serves the grant's namespace, and the [`sandbox`] runs it: one slot, one store, one fresh
//! instance (unless the namespace opted out of that), one deadline. A list that is foreign to the
//! codec, by its own word, is passed through without a call. The payloads are one `proto::Batch`
//! all the way, from JSON to the guest's memory and back.
//!
//! What might take long is done aside ([`lanes`]), by threads of lower priority, where no small
//! request waits for it: large bodies and slow codecs from the start, the rest from the moment
//! that it waits or has to give others a turn. A call is first made on the thread's own stack, with
//! an instance to which whatever has to be waited for is a trap, and anew on a stack of its own if
//! it meets that or is not done within two ticks.
//!
//! # The way of a component
//!
//! [`reload`] looks at the sources ten times a second: the configuration, the key files and
//! the components. What changed is hashed; the [`sandbox::Loader`] makes a new artifact into a
//! [`sandbox::Component`], from the [`sandbox::Cache`] if it has been there before; the codec
//! made of it is asked what it decodes, if it says so, and the registry is swapped. Requests in
//! flight finish on what they began with; an artifact that is unfit, or fails when it is asked,
//! leaves the last good one serving.
//!
//! An artifact is hostile from its first byte, so the server itself only measures and hashes it. It
//! is walked ([`limits::artifact`] has the caps), the shim of its toolchain is taken away, which
//! every call would pay for, its bulk memory operations are split into steps that a deadline can
//! come between, and it is compiled and called for the first time, all in a process of its own,
//! which the [`sandbox::Compiler`] starts: this program again, with nothing of the environment, no
//! open files but its pipes, and [`limits::CompileLimits`]. A small one that can use it is compiled
//! once more, with more memory to begin with, for calls that would have to let it grow. The machine
//! code that comes back is linked, and goes into the cache, where a restart finds it, and the last
//! good artifacts of the time before.
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
//! wasmtime is used only under [`sandbox`], hyper only in [`http`] and [`server`]. Lower modules
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
