//! The built-in codec linked as Rust, in place of the sandbox: what the benches compare with.
//!
//! Keys, protobuf encoding and the codec's logic are the same code as in the sandbox; a slot, a
//! store, an instance and a deadline there are not. It is on only in a program that says so, and
//! compiled only with the feature `native`; so are the steps of a call in the sandbox ([`Stored`] is the
//! first), which say where its time goes.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use guest_codec::codec::{self, CodecError};
use guest_codec::host::{Host, KeyError, Sealed};
use guest_codec::settings::Settings;
use proto::{Batch, PayloadRef};
use wasmtime::Store;

use super::{Argument, BadReply, CallError, Codec, Life, Replied, State, Tenancy, Turns, Verb};
use crate::keyring::{Key, Keyring, NONCE, TAG};

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
    outward(&encoded)
}

pub(super) fn decode(tenancy: &Tenancy, payloads: &Batch) -> Result<Batch, CallError> {
    let host = Native(&tenancy.keyring);
    let decoded = codec::decode(inward(payloads), &settings(tenancy)?, &host).map_err(failure)?;
    outward(&decoded)
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
    fn open(
        &self,
        mut payload: Vec<u8>,
        key_id: Range<usize>,
        sealed: Range<usize>,
    ) -> Result<Vec<u8>, KeyError> {
        let key_id = str::from_utf8(&payload[key_id]).map_err(|_| KeyError::UnknownKey)?;
        let key = self.0.find(key_id).map_err(|_| KeyError::UnknownKey)?;
        key.open_in_place(&mut payload[sealed.clone()], &[])
            .map_err(|_| KeyError::NotAuthentic)?;
        payload.truncate(sealed.end - TAG);
        payload.drain(..sealed.start + NONCE);
        Ok(payload)
    }

    fn seal(
        &self,
        key_id: Option<&str>,
        payload: Vec<u8>,
        head: &[u8],
    ) -> Result<Sealed, KeyError> {
        let key = self.sealing(key_id)?;
        Ok(Sealed {
            key_id: key.id().to_owned(),
            bytes: key.seal_behind(head, &payload, &[]),
        })
    }

    fn open_each(&self, sealed: &[[&[u8]; 2]]) -> Result<Vec<u8>, (usize, KeyError)> {
        let lengths = sealed.iter().map(|[_, sealed]| sealed.len());
        let mut plaintexts = Vec::with_capacity(lengths.sum());
        for (index, [key_id, sealed]) in sealed.iter().enumerate() {
            let begin = plaintexts.len();
            let length = sealed.len().checked_sub(NONCE + TAG);
            let length = length.ok_or((index, KeyError::NotAuthentic))?;
            plaintexts.resize(begin + length, 0);
            let key = str::from_utf8(key_id).ok();
            let key = key.and_then(|id| self.0.find(id).ok());
            key.ok_or((index, KeyError::UnknownKey))?
                .open_to(sealed, &[], &mut plaintexts[begin..])
                .map_err(|_| (index, KeyError::NotAuthentic))?;
        }
        Ok(plaintexts)
    }

    fn seal_each(&self, key_id: Option<&str>, payloads: &[&[u8]]) -> Result<Sealed, KeyError> {
        let key = self.sealing(key_id)?;
        let lengths = payloads.iter().map(|payload| NONCE + payload.len() + TAG);
        let mut bytes = vec![0; lengths.sum()];
        let mut rest = &mut bytes[..];
        for payload in payloads {
            let (place, after) = rest.split_at_mut(NONCE + payload.len() + TAG);
            key.seal_to(payload, &[], place);
            rest = after;
        }
        Ok(Sealed {
            key_id: key.id().to_owned(),
            bytes,
        })
    }
}

impl Native<'_> {
    fn sealing(&self, key_id: Option<&str>) -> Result<&Key, KeyError> {
        let key = match key_id {
            Some(id) => self.0.find(id).map_err(|_| KeyError::UnknownKey)?,
            None => self.0.active().ok_or(KeyError::NoActiveKey)?,
        };
        Ok(key)
    }
}

fn inward(payloads: &Batch) -> Vec<Vec<u8>> {
    let inward = |payload: PayloadRef<'_>| {
        let mut bytes = Vec::with_capacity(payload.marshalled_length());
        payload.marshal_to(&mut bytes);
        bytes
    };
    payloads.iter().map(inward).collect()
}

fn outward(payloads: &[Vec<u8>]) -> Result<Batch, CallError> {
    let mut batch = Batch::with_capacity(payloads.iter().map(Vec::len).sum());
    for (at, payload) in payloads.iter().enumerate() {
        let mut draft = batch.begin();
        let read = draft.unmarshal(payload);
        read.map_err(|error| CallError::BadReply(BadReply::NotAPayload { at, error }))?;
        draft.end();
    }
    Ok(batch)
}

/// A call in the sandbox, step by step: a store, an instance in it, the call. Dropping what is left is
/// the last step.
pub struct Stored<'a> {
    codec: &'a Codec,
    store: Store<State>,
}

/// The step after the store. Steps panic where they fail.
pub struct Instantiated<'a> {
    codec: &'a Codec,
    store: Store<State>,
    life: Life,
}

/// The step after the instance.
pub struct Called {
    _store: Store<State>,
    replied: Option<Batch>,
}

impl<'a> Stored<'a> {
    /// A store for a call of the codec.
    pub fn new(codec: &'a Codec) -> Self {
        let store = codec.store(None, codec.deadline(), Turns::One);
        Self { codec, store }
    }

    /// An instance in it, suited to the payloads.
    pub fn instantiate(mut self, payloads: &Batch) -> Instantiated<'a> {
        let life = self.codec.instantiate_at_once(&mut self.store, payloads);
        Instantiated {
            codec: self.codec,
            store: self.store,
            life: life.expect("an instance"),
        }
    }
}

impl Instantiated<'_> {
    /// The call.
    pub fn call(mut self, verb: Verb, payloads: &Batch) -> Called {
        let argument = Argument(payloads);
        let called = (self.codec).enter_at_once(&mut self.store, Some(self.life), verb, argument);
        let replied = match called {
            Err(_) if self.store.data().is_slow => None,
            called => {
                let Replied(replied) = called.expect("no trap").1.expect("the codec can");
                Some(replied)
            }
        };
        Called {
            _store: self.store,
            replied,
        }
    }
}

impl Called {
    /// What the codec replied, unless others had the processor for longer than a call may take.
    pub fn replied(&self) -> Option<&Batch> {
        self.replied.as_ref()
    }
}
