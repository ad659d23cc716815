//! The messages that a codec server exchanges with Temporal's clients, in their two encodings.
//!
//! [`json`] is what clients send and read over HTTP; [`wire`] is what some codecs seal and compress.
//! A [`Batch`] holds a list of them. Nothing here knows what a codec does with a payload, nor of HTTP.

pub mod json;
pub mod wire;

mod batch;
mod generated;

pub use batch::{Batch, Draft, PayloadRef};
pub use generated::payload::ExternalPayloadDetails;
pub use generated::{Payload, Payloads};

use std::fmt;

/// How much there is, and none of it: payloads are other people's secrets.
impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Payload")
            .field("metadata", &self.metadata.len())
            .field("data", &self.data.len())
            .field("external_payloads", &self.external_payloads.len())
            .finish()
    }
}

/// How many there are, and none of them.
impl fmt::Debug for Payloads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Payloads")
            .field("payloads", &self.payloads.len())
            .finish()
    }
}
