//! Sealed payloads, as the SDKs' encryption samples write them.

use std::mem::take;
use std::ops::Range;

use proto::wire::{self, View};

use crate::error::{CodecError, invalid, not_a_payload, unavailable};
use crate::host::{Host, KeyError, NONCE, TAG};
use crate::settings::Settings;

/// The metadata key that says how data is to be read.
pub(crate) const ENCODING: &str = "encoding";
/// The metadata key that names the key of an encrypted payload.
const KEY_ID: &str = "encryption-key-id";

/// The marker of the SDK samples' encryption, a value of `encoding`.
pub(crate) const ENCRYPTED: &str = "binary/encrypted";

/// Metadata of envelope encryption, which others write under the samples' marker: the data key
/// is in it, wrapped. Not ours, even where a key of ours would open it.
const ENVELOPES: [&str; 2] = ["encryption-dek", "encrypted-data-key"];

/// A payload of fewer bytes is sealed and opened together with others: the calls of the host that this
/// saves are dearer than copying it.
const SMALL: usize = 4 << 10;

/// How many bytes of payloads are sealed or opened together. For a while they are held twice.
const TOGETHER: usize = 64 << 10;

const KEYS_UNAVAILABLE: &str = "the keys cannot be had now";

/// What is around sealed bytes. Large ones are never moved for it.
#[derive(Default)]
struct Wrapping {
    /// What is before them. It says how many there are.
    head: Vec<u8>,
    /// What is behind them: the metadata.
    tail: Vec<u8>,
    /// The key that the metadata names.
    key_id: Option<String>,
}

/// Bytes of the tail, with any usual id of a key.
const TAIL: usize = 256;

impl Wrapping {
    fn begin(&mut self, length: usize) -> &[u8] {
        // The sealed bytes grow where they are only if nothing is placed behind them.
        self.tail.reserve(TAIL);
        self.head.clear();
        wire::begin_data(length, &mut self.head);
        &self.head
    }

    fn end(&mut self, key_id: String) -> &[u8] {
        if self.key_id.as_ref() != Some(&key_id) {
            self.tail.clear();
            let metadata = [(ENCODING, ENCRYPTED), (KEY_ID, &key_id)];
            View::wrapper(&metadata, &[]).marshal_to(&mut self.tail);
            self.key_id = Some(key_id);
        }
        &self.tail
    }

    /// The sealed bytes with all around them.
    fn around(&mut self, sealed: &[u8]) -> Vec<u8> {
        self.begin(sealed.len());
        let parts = [&*self.head, sealed, &self.tail];
        let mut bytes = Vec::with_capacity(parts.iter().map(|part| part.len()).sum());
        for part in parts {
            bytes.extend_from_slice(part);
        }
        bytes
    }
}

/// Seals every payload of a list.
pub(crate) fn seal(
    payloads: &mut [Vec<u8>],
    settings: &Settings,
    host: &impl Host,
) -> Result<(), CodecError> {
    let mut wrapping = Wrapping::default();
    let mut small = Small::default();
    let is_one = payloads.len() == 1;
    for at in 0..payloads.len() {
        let length = payloads[at].len();
        if length >= SMALL || is_one {
            let payload = take(&mut payloads[at]);
            payloads[at] = seal_one(payload, settings, &mut wrapping, host)?;
            continue;
        }
        if small.is_full(length) {
            seal_small(payloads, &mut small, settings, &mut wrapping, host)?;
        }
        small.add(at, length, ());
    }
    seal_small(payloads, &mut small, settings, &mut wrapping, host)
}

fn seal_one(
    payload: Vec<u8>,
    settings: &Settings,
    wrapping: &mut Wrapping,
    host: &impl Host,
) -> Result<Vec<u8>, CodecError> {
    let head = wrapping.begin(NONCE + payload.len() + TAG);
    let sealed = host.seal(settings.key_id.as_deref(), payload, head);
    let sealed = sealed.map_err(not_sealed)?;
    let mut wrapper = sealed.bytes;
    let tail = wrapping.end(sealed.key_id);
    // Not as much as a vector likes to grow by: this one can have megabytes.
    wrapper.reserve_exact(tail.len());
    wrapper.extend_from_slice(tail);
    Ok(wrapper)
}

fn seal_small(
    payloads: &mut [Vec<u8>],
    small: &mut Small<()>,
    settings: &Settings,
    wrapping: &mut Wrapping,
    host: &impl Host,
) -> Result<(), CodecError> {
    let small = take(small).payloads;
    if small.is_empty() {
        return Ok(());
    }
    let list: Vec<_> = small.iter().map(|(at, ())| &*payloads[*at]).collect();
    let sealed = host.seal_each(settings.key_id.as_deref(), &list);
    let sealed = sealed.map_err(not_sealed)?;
    let mut rest = &*sealed.bytes;
    wrapping.end(sealed.key_id);
    for (at, ()) in small {
        let (bytes, after) = rest.split_at(NONCE + payloads[at].len() + TAG);
        payloads[at] = wrapping.around(bytes);
        rest = after;
    }
    Ok(())
}

/// None of it is the payload's fault.
fn not_sealed(error: KeyError) -> CodecError {
    unavailable(match error {
        KeyError::UnknownKey => {
            "setting `key-id` names no key of this namespace; accepted is the id of one of its keys"
        }
        KeyError::NoActiveKey => "this namespace has no active key to encrypt with",
        _ => KEYS_UNAVAILABLE,
    })
}

/// Payloads that are sealed or opened together: which they are, and what else there is to know.
struct Small<T> {
    payloads: Vec<(usize, T)>,
    bytes: usize,
}

impl<T> Default for Small<T> {
    fn default() -> Self {
        Self {
            payloads: Vec::new(),
            bytes: 0,
        }
    }
}

impl<T> Small<T> {
    /// Whether one of so many bytes more is to wait.
    fn is_full(&self, length: usize) -> bool {
        self.bytes + length > TOGETHER
    }

    fn add(&mut self, at: usize, length: usize, what: T) {
        self.payloads.push((at, what));
        self.bytes += length;
    }
}

/// Where in a payload of ours the id of its key is, and what that key sealed.
type Place = [Range<usize>; 2];

/// Opens every payload of a list that is ours, and leaves the others.
pub(crate) fn open(
    payloads: &mut [Vec<u8>],
    settings: &Settings,
    host: &impl Host,
) -> Result<(), CodecError> {
    let mut small = Small::default();
    let is_one = payloads.len() == 1;
    for at in 0..payloads.len() {
        let length = payloads[at].len();
        let found = place(&payloads[at], settings);
        let is_together = length < SMALL && !is_one;
        // Of payloads that are bad the first one is to be told.
        if found.is_err() || !is_together || small.is_full(length) {
            open_small(payloads, &mut small, host)?;
        }
        match found.map_err(|error| error.of(at))? {
            Some(place) if is_together => small.add(at, length, place),
            Some([key_id, sealed]) => {
                let opened = host.open(take(&mut payloads[at]), key_id, sealed);
                payloads[at] = opened.map_err(|error| not_opened(error).of(at))?;
            }
            None => {}
        }
    }
    open_small(payloads, &mut small, host)
}

fn open_small(
    payloads: &mut [Vec<u8>],
    small: &mut Small<Place>,
    host: &impl Host,
) -> Result<(), CodecError> {
    let small = take(small).payloads;
    if small.is_empty() {
        return Ok(());
    }
    let list = small
        .iter()
        .map(|(at, place)| place.clone().map(|range| &payloads[*at][range]));
    let opened = host.open_each(&list.collect::<Vec<_>>());
    let opened = opened.map_err(|(index, error)| not_opened(error).of(small[index].0))?;
    let mut rest = &*opened;
    for (at, [_, sealed]) in small {
        let (plaintext, after) = rest.split_at(sealed.len() - NONCE - TAG);
        // Where the payload was, which is larger.
        payloads[at].clear();
        payloads[at].extend_from_slice(plaintext);
        rest = after;
    }
    Ok(())
}

fn not_opened(error: KeyError) -> CodecError {
    match error {
        KeyError::UnknownKey | KeyError::NoActiveKey => {
            invalid("encrypted with a key that this namespace does not have")
        }
        KeyError::NotAuthentic => {
            invalid("its key does not open it: it was changed, or encrypted with another key")
        }
        KeyError::Unavailable => unavailable(KEYS_UNAVAILABLE),
    }
}

/// Where what is to be opened of a payload is, if it is one of ours.
fn place(payload: &[u8], settings: &Settings) -> Result<Option<Place>, CodecError> {
    let found = wire::find(payload, [ENCODING, KEY_ID, ENVELOPES[0], ENVELOPES[1]]);
    let found = found.map_err(not_a_payload)?;
    let [encoding, key_id, envelopes @ ..] = found.values;
    let is_ours = settings.decode.encrypted
        && encoding == Some(ENCRYPTED.as_bytes())
        && envelopes == [None; ENVELOPES.len()];
    if !is_ours {
        return Ok(None);
    }
    let key_id = key_id.ok_or_else(|| invalid("encrypted, but names no key"))?;
    str::from_utf8(key_id).map_err(|_| invalid("its key id is not UTF-8"))?;
    Ok(Some([key_id, found.data].map(|part| range(part, payload))))
}

/// Where a part of a payload is. What is empty need not be in it.
fn range(part: &[u8], payload: &[u8]) -> Range<usize> {
    let begin = match part {
        [] => 0,
        _ => part.as_ptr().addr() - payload.as_ptr().addr(),
    };
    begin..begin + part.len()
}
