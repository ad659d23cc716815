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
use proto::wire;

use super::{CallError, Codec, Decoded, Tenancy, world};
use crate::keyring::Keyring;

static ON: AtomicBool = AtomicBool::new(false);

/// From now on every codec of this process is called natively, or in the sandbox again.
pub fn switch(on: bool) {
    ON.store(on, Ordering::Relaxed);
}

pub(super) fn is_on() -> bool {
    ON.load(Ordering::Relaxed)
}

pub(super) fn encode(
    tenancy: &Tenancy,
    payloads: Vec<proto::Payload>,
) -> Result<Vec<proto::Payload>, CallError> {
    let host = Native(&tenancy.keyring);
    let encoded = codec::encode(inward(payloads), &settings(tenancy)?, &host).map_err(failure)?;
    Ok(encoded.into_iter().map(outward).collect())
}

pub(super) fn decode(
    tenancy: &Tenancy,
    payloads: Vec<proto::Payload>,
) -> Result<Decoded, CallError> {
    let host = Native(&tenancy.keyring);
    let decoded = codec::decode(inward(payloads), &settings(tenancy)?, &host).map_err(failure)?;
    Ok(Decoded {
        payloads: decoded.into_iter().map(outward).collect(),
        undecodable: 0,
    })
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
        Ok(Sealed {
            key_id: key.id().to_owned(),
            bytes: key.seal(&wire::marshal(&outward(payload)), &[]),
        })
    }

    fn marshal(&self, payload: &Payload) -> Vec<u8> {
        wire::marshal(&outward(payload.clone()))
    }

    fn unmarshal(&self, bytes: &[u8]) -> Option<Payload> {
        wire::unmarshal(bytes).ok().map(inward_one)
    }
}

fn inward(payloads: Vec<proto::Payload>) -> Vec<Payload> {
    payloads.into_iter().map(inward_one).collect()
}

fn inward_one(payload: proto::Payload) -> Payload {
    let external = payload.external_payloads.into_iter();
    Payload {
        metadata: payload.metadata.into_iter().collect(),
        data: payload.data,
        external_payloads: external
            .map(|details| ExternalPayload {
                size_bytes: details.size_bytes,
            })
            .collect(),
    }
}

fn outward(payload: Payload) -> proto::Payload {
    let external = payload.external_payloads.into_iter();
    proto::Payload {
        metadata: payload.metadata.into_iter().collect(),
        data: payload.data,
        external_payloads: external
            .map(|external| proto::ExternalPayloadDetails {
                size_bytes: external.size_bytes,
            })
            .collect(),
    }
}

/// How long the parts of one decode in the sandbox take: the store, the instance, the call, and
/// dropping all of it. Panics where the call fails.
pub async fn laps(codec: &Codec, payloads: Vec<proto::Payload>) -> [Duration; 4] {
    let payloads: Vec<_> = payloads.into_iter().map(world::Payload::from).collect();
    let begun = Instant::now();
    let limit = codec.tenancy.limits.deadline;
    let mut store = codec.store(None, limit).expect("a store");
    let stored = Instant::now();
    let instance = codec.component.pre.instantiate_async(&mut store).await;
    let instance = instance.expect("an instance");
    let instantiated = Instant::now();
    let replied = instance
        .temporal_codec_payload_codec()
        .call_decode(&mut store, &payloads)
        .await;
    let replied = replied.expect("no trap").is_ok();
    let called = Instant::now();
    drop(store);
    let dropped = Instant::now();
    assert!(replied, "the codec decodes the payloads");
    [
        stored - begun,
        instantiated - stored,
        called - instantiated,
        dropped - called,
    ]
}
