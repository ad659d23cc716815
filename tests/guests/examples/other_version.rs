//! A codec for a version of the contract that this server does not speak.

mod bindings {
    wit_bindgen::generate!({ path: "wit-v2", world: "temporal:codec/codec", generate_all });
}

use bindings::exports::temporal::codec::payload_codec::{Guest, Payload};

struct OtherVersion;

impl Guest for OtherVersion {
    fn encode(payloads: Vec<Payload>) -> Result<Vec<Payload>, String> {
        Ok(payloads)
    }

    fn decode(payloads: Vec<Payload>) -> Result<Vec<Payload>, String> {
        Ok(payloads)
    }
}

bindings::export!(OtherVersion with_types_in bindings);
