//! A codec that wants something of its own from its host.

mod bindings {
    wit_bindgen::generate!({ path: "wit-acme", world: "acme:internal/import-secrets", generate_all });
}

use guests::{Answer, Codec, Payload, Verb, note};

struct ForbiddenImport;

impl Codec for ForbiddenImport {
    fn code(_: Verb, mut payloads: Vec<Payload>) -> Answer {
        let secret = bindings::acme::internal::secrets::read();
        note(&mut payloads[0], "x-secret", secret);
        Ok(payloads)
    }
}

guests::export!(ForbiddenImport);
