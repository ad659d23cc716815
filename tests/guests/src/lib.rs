//! What the guests share: the bindings, and the rule that misbehaviour begins with the first
//! payload.
//!
//! A server tries a component with an empty list when it loads it. A guest that implements
//! [`Codec`] passes that trial and shows what it does on the first real call; one that is to
//! fail the trial implements the generated [`Guest`] itself.

mod bindings {
    #![allow(missing_docs)]
    wit_bindgen::generate!({
        path: "../../wit",
        world: "temporal:codec/codec",
        pub_export_macro: true,
        default_bindings_module: "guests",
        generate_all,
    });
}

pub use bindings::exports::temporal::codec::payload_codec::{CodecError, Guest, Payload};
pub use bindings::temporal::codec::types::ExternalPayload;
pub use bindings::temporal::codec::{keyring, wire};
pub use bindings::wasi::config::store;
pub use bindings::*;

/// What a call answers.
pub type Answer = Result<Vec<Payload>, CodecError>;

/// Which of the two functions was called.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// `encode`
    Encode,
    /// `decode`
    Decode,
}

/// A guest that passes the trial and then does what it is there for, whichever is called.
pub trait Codec {
    /// Codes at least one payload.
    fn code(verb: Verb, payloads: Vec<Payload>) -> Answer;
}

impl<C: Codec> Guest for C {
    fn encode(payloads: Vec<Payload>) -> Answer {
        code::<C>(Verb::Encode, payloads)
    }

    fn decode(payloads: Vec<Payload>) -> Answer {
        code::<C>(Verb::Decode, payloads)
    }
}

fn code<C: Codec>(verb: Verb, payloads: Vec<Payload>) -> Answer {
    if payloads.is_empty() {
        Ok(payloads)
    } else {
        C::code(verb, payloads)
    }
}

/// Notes something in the metadata of the payload, for the test to read.
pub fn note(payload: &mut Payload, key: &str, value: impl Into<Vec<u8>>) {
    payload.metadata.push((key.to_owned(), value.into()));
}

/// The setting of that name.
pub fn setting(name: &str) -> Option<String> {
    store::get(name).ok().flatten()
}
