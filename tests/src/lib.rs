//! The harness of the integration tests: the real server in a process of its own, on a port of
//! its own, with a folder of its own; and a client that can also misbehave.
//!
//! What is tested is in `tests/*.rs`, one subject a file. The guest programs that the tests load
//! into the server are in `guests/`, one misbehaviour a file. Nothing here knows how the server
//! does what it does: the harness shares no code with it.

mod beside;
pub mod bomb;
mod canary;
mod client;
mod command;
mod folder;
mod guests;
mod payload;
mod server;
mod swap;
mod tenants;
mod texts;
mod version;
mod wait;

pub use beside::beside;
pub use canary::Canary;
pub use client::{Answer, Connection, Request};
pub use command::{Done, run, run_with};
pub use folder::Folder;
pub use guests::{CORE_MODULE, DOES_NOT_COMPILE, GUESTS, PRECOMPILED, example, guest};
pub use payload::{Payload, base64, body, from_base64, plain, read, tagged};
pub use server::{Server, Setup};
pub use swap::{PATTERNS, Pattern};
pub use tenants::{TENANTS, only};
pub use texts::{frame, proposal, proposals, wat_guests};
pub use version::Version;
pub use wait::until;
