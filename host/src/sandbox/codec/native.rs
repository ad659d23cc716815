//! The built-in codec linked as Rust, in place of the sandbox: what the benches compare with.
//!
//! Keys, protobuf encoding and the codec's logic are the same code as in the sandbox; a slot, a
//! store, an instance and a deadline there are not. It is on only in a program that says so, and
//! compiled only with the feature `native`; so are [`laps`], which say where a call's time goes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use guest_codec::codec;
use guest_codec::host::{Host, KeyError, Sealed};
use guest_codec::settings::Settings;
use guest_codec::types::{CodecError, ExternalPayload, Payload};
use proto::wire::View;
use proto::{Batch, PayloadRef};

use super::{Argument, CallError, Codec, Tenancy, Transcode, Turns};
use crate::keyring::{Keyring, NONCE, TAG};

static ON: AtomicBool = AtomicBool::new(false);

/// From now on every codec of this process is called natively, or in the sandbox again.
pub fn switch(on: bool) {
    ON.store(on, Ordering::Relaxed);
}

pub(super) fn is_on() -> bool {
    ON.load(Ordering::Relaxed)
}

pub(super) fn encode(tenancy: &Tenancy, payloads: &Batch) -> Result<Batch, CallError> {
    let host = Native(&tenancy.keyring);
    let encoded = codec::encode(inward(payloads), &settings(tenancy)?, &host).map_err(failure)?;
    Ok(outward(&encoded))
}

pub(super) fn decode(tenancy: &Tenancy, payloads: &Batch) -> Result<Batch, CallError> {
    let host = Native(&tenancy.keyring);
    let decoded = codec::decode(inward(payloads), &settings(tenancy)?, &host).map_err(failure)?;
    Ok(outward(&decoded))
}

/// Parsed for every call, as in the sandbox.
fn settings(tenancy: &Tenancy) -> Result<Settings, CallError> {
    Settings::parse(&tenancy.settings).map_err(CallError::Unavailable)
}

fn failure(error: CodecError) -> CallError {
    match error {
        CodecError::Invalid(text) => CallError::Invalid(text),
        CodecError::Unavailable(text) => CallError::Unavailable(text),
    }
}

struct Native<'a>(&'a Keyring);

impl Host for Native<'_> {
    fn open(&self, key_id: &str, sealed: &[u8]) -> Result<Payload, KeyError> {
        let key = self.0.find(key_id).map_err(|_| KeyError::UnknownKey)?;
        let opened = key.open(sealed, &[]).map_err(|_| KeyError::NotAuthentic)?;
        self.unmarshal(&opened).ok_or(KeyError::Malformed)
    }

    fn seal(&self, key_id: Option<&str>, payload: Payload) -> Result<Sealed, KeyError> {
        let key = match key_id {
            Some(id) => self.0.find(id).map_err(|_| KeyError::UnknownKey)?,
            None => self.0.active().ok_or(KeyError::NoActiveKey)?,
        };
        let view = view(&payload);
        let mut bytes = Vec::with_capacity(NONCE + view.marshalled_length() + TAG);
        bytes.resize(NONCE, 0);
        view.marshal_to(&mut bytes);
        key.seal_in_place(&mut bytes, &[]);
        Ok(Sealed {
            key_id: key.id().to_owned(),
            bytes,
        })
    }

    fn marshal(&self, payload: &Payload) -> Vec<u8> {
        let view = view(payload);
        let mut bytes = Vec::with_capacity(view.marshalled_length());
        view.marshal_to(&mut bytes);
        bytes
    }

    fn unmarshal(&self, bytes: &[u8]) -> Option<Payload> {
        let view = View::read(bytes).ok()?;
        let metadata = view.metadata.iter();
        let external = view.external_payloads.iter();
        Some(Payload {
            metadata: metadata
                .map(|&(key, value)| (key.to_owned(), value.to_vec()))
                .collect(),
            data: view.data.to_vec(),
            external_payloads: external
                .map(|&size_bytes| ExternalPayload { size_bytes })
                .collect(),
        })
    }
}

fn view(payload: &Payload) -> View<'_> {
    let metadata = payload.metadata.iter();
    let external = payload.external_payloads.iter();
    let mut view = View {
        metadata: metadata
            .map(|(key, value)| (key.as_str(), value.as_slice()))
            .collect(),
        data: &payload.data,
        external_payloads: external.map(|external| external.size_bytes).collect(),
    };
    view.sort();
    view
}

fn inward(payloads: &Batch) -> Vec<Payload> {
    let inward = |payload: PayloadRef<'_>| {
        let external = payload.external_payloads().iter();
        Payload {
            metadata: payload
                .metadata()
                .map(|(key, value)| (key.to_owned(), value.to_vec()))
                .collect(),
            data: payload.data().to_vec(),
            external_payloads: external
                .map(|&size_bytes| ExternalPayload { size_bytes })
                .collect(),
        }
    };
    payloads.iter().map(inward).collect()
}

fn outward(payloads: &[Payload]) -> Batch {
    let mut batch = Batch::default();
    for payload in payloads {
        let mut draft = batch.begin();
        for (key, value) in &payload.metadata {
            draft.entry(key, value);
        }
        draft.data(&payload.data);
        for external in &payload.external_payloads {
            draft.external_payload(external.size_bytes);
        }
        draft.end();
    }
    batch
}

/// How long the parts of one decode in the sandbox take: the store, the instance, the call, and
/// dropping all of it. None where others had the processor for longer than a call may take.
/// Panics where the call fails, or has to wait.
pub fn laps(codec: &Codec, payloads: &Batch) -> Option<[Duration; 4]> {
    let argument = Argument::new(payloads);
    let begun = Instant::now();
    let mut store = codec.store(None, codec.deadline(), Turns::One);
    let stored = Instant::now();
    let instance = codec.component.pre_at_once.instantiate(&mut store);
    let instance = instance.expect("an instance");
    let instantiated = Instant::now();
    let decode: Transcode = instance
        .get_typed_func(&mut store, &codec.component.decode)
        .expect("its type was checked");
    let called = decode.call(&mut store, (&argument.payloads(),));
    if store.data().is_slow {
        return None;
    }
    let (replied,) = called.expect("no trap");
    let called = Instant::now();
    drop(store);
    let dropped = Instant::now();
    assert!(replied.is_ok(), "the codec decodes the payloads");
    Some([
        stored - begun,
        instantiated - stored,
        called - instantiated,
        dropped - called,
    ])
}
