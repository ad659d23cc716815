//! The messages that a codec server exchanges with Temporal's clients, in their two encodings.
//!
//! [`json`] is what clients send and read over HTTP; [`wire`] is what some codecs seal and compress.
//! Nothing here knows what a codec does with a payload, nor of HTTP.

pub mod json;
pub mod wire;

mod generated;

pub use generated::payload::ExternalPayloadDetails;
pub use generated::{Payload, Payloads};
