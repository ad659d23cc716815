//! Encoding and decoding lists of payloads, each of them its protobuf encoding.
//!
//! Of what a list needs, the larger part is memory, and the guest's is bounded: a payload is let
//! go as soon as what was inside of it is there.

use std::ops::Range;

use proto::wire::{self, View};

use crate::compression::{Compression, Compressor, Format, InflateError};
use crate::host::{Host, KeyError, NONCE, TAG};
use crate::settings::Settings;

/// Why a list could not be coded. The texts are shown to whoever asked: they hold no payload
/// bytes, no metadata and no key ids, which for some samples are the keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CodecError {
    /// A payload is bad, and always will be.
    Invalid(String),
    /// It might work later, or once the operator has mended something.
    Unavailable(String),
}

/// The metadata key that says how data is to be read.
const ENCODING: &str = "encoding";
/// The metadata key that names the key of an encrypted payload.
const KEY_ID: &str = "encryption-key-id";

/// The marker of the SDK samples' encryption, a value of `encoding`.
pub(crate) const ENCRYPTED: &str = "binary/encrypted";

/// Metadata of envelope encryption, which others write under the samples' marker: the data key
/// is in it, wrapped. Not ours, even where a key of ours would open it.
const ENVELOPES: [&str; 2] = ["encryption-dek", "encrypted-data-key"];

/// How much all payloads of a list may inflate to, in times of what one may. The largest are moved
/// while they grow, and then held twice: with more, lists would run out of memory instead of
/// being refused. With once, two payloads that are fine alone would be refused together.
const LIST_SHARE: usize = 2;

/// The payloads as Temporal is to store them: compressed, if that makes them smaller, and then
/// encrypted. Like the samples, it does not look at what they are: encoded twice is encoded twice.
pub fn encode(
    payloads: Vec<Vec<u8>>,
    settings: &Settings,
    host: &impl Host,
) -> Result<Vec<Vec<u8>>, CodecError> {
    settings.check_encode().map_err(CodecError::Unavailable)?;
    let mut compressor = Compressor::default();
    let mut wrapping = Wrapping::default();
    each(payloads, |payload| {
        let payload = match settings.compression {
            Some(compression) => compress(payload, compression, settings, &mut compressor)?,
            None => payload,
        };
        match settings.encryption {
            true => seal(payload, settings, &mut wrapping, host),
            false => Ok(payload),
        }
    })
}

/// The payloads as they were written: opened once, and then inflated once. Foreign ones come as
/// they are.
pub fn decode(
    payloads: Vec<Vec<u8>>,
    settings: &Settings,
    host: &impl Host,
) -> Result<Vec<Vec<u8>>, CodecError> {
    let mut compressor = Compressor::default();
    let mut remaining = settings.max_inflated_bytes.saturating_mul(LIST_SHARE);
    each(payloads, |payload| {
        let payload = open(payload, settings, host)?;
        inflate(payload, settings, &mut remaining, &mut compressor)
    })
}

/// All or nothing, and in the same order. Indices count from 0.
fn each(
    payloads: Vec<Vec<u8>>,
    mut code: impl FnMut(Vec<u8>) -> Result<Vec<u8>, CodecError>,
) -> Result<Vec<Vec<u8>>, CodecError> {
    let coded = payloads.into_iter().enumerate().map(|(at, payload)| {
        code(payload).map_err(|error| match error {
            CodecError::Invalid(text) => CodecError::Invalid(format!("payload {at}: {text}")),
            CodecError::Unavailable(_) => error,
        })
    });
    coded.collect()
}

/// What is around sealed bytes, which are never moved.
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
}

fn seal(
    payload: Vec<u8>,
    settings: &Settings,
    wrapping: &mut Wrapping,
    host: &impl Host,
) -> Result<Vec<u8>, CodecError> {
    let head = wrapping.begin(NONCE + payload.len() + TAG);
    let sealed = host.seal(settings.key_id.as_deref(), payload, head);
    let sealed = sealed.map_err(|error| {
        // None of it is the payload's fault.
        unavailable(match error {
            KeyError::UnknownKey => {
                "setting `key-id` names no key of this namespace; accepted is the id of one of its keys"
            }
            KeyError::NoActiveKey => "this namespace has no active key to encrypt with",
            _ => KEYS_UNAVAILABLE,
        })
    })?;
    let mut wrapper = sealed.bytes;
    let tail = wrapping.end(sealed.key_id);
    // Not as much as a vector likes to grow by: this one can have megabytes.
    wrapper.reserve_exact(tail.len());
    wrapper.extend_from_slice(tail);
    Ok(wrapper)
}

fn open(payload: Vec<u8>, settings: &Settings, host: &impl Host) -> Result<Vec<u8>, CodecError> {
    let view = read(&payload)?;
    let is_ours = settings.decode.encrypted
        && view.value(ENCODING) == Some(ENCRYPTED.as_bytes())
        && ENVELOPES.iter().all(|key| view.value(key).is_none());
    if !is_ours {
        return Ok(payload);
    }
    let key_id = view
        .value(KEY_ID)
        .ok_or_else(|| invalid("encrypted, but names no key"))?;
    str::from_utf8(key_id).map_err(|_| invalid("its key id is not UTF-8"))?;
    let [key_id, sealed] = [key_id, view.data].map(|part| place(part, &payload));
    host.open(payload, key_id, sealed)
        .map_err(|error| match error {
            KeyError::UnknownKey | KeyError::NoActiveKey => {
                invalid("encrypted with a key that this namespace does not have")
            }
            KeyError::NotAuthentic => {
                invalid("its key does not open it: it was changed, or encrypted with another key")
            }
            KeyError::Unavailable => unavailable(KEYS_UNAVAILABLE),
        })
}

/// Where a part of a payload is. What is empty need not be in it.
fn place(part: &[u8], payload: &[u8]) -> Range<usize> {
    let begin = match part {
        [] => 0,
        _ => part.as_ptr().addr() - payload.as_ptr().addr(),
    };
    begin..begin + part.len()
}

fn compress(
    payload: Vec<u8>,
    compression: Compression,
    settings: &Settings,
    compressor: &mut Compressor,
) -> Result<Vec<u8>, CodecError> {
    let data = compressor.compress(compression, &payload);
    let marker = compression.format().marker();
    let metadata = [(ENCODING, marker)];
    let wrapper = View::wrapper(&metadata, &data);
    let smaller = wrapper.marshalled_length() < payload.len();
    // What looks compressed already would be inflated once too often if it were left alone.
    let ambiguous = format(&read(&payload)?, settings).is_some();
    if !(smaller || ambiguous) {
        return Ok(payload);
    }
    let mut bytes = Vec::with_capacity(wrapper.marshalled_length());
    wrapper.marshal_to(&mut bytes);
    Ok(bytes)
}

fn inflate(
    payload: Vec<u8>,
    settings: &Settings,
    remaining: &mut usize,
    compressor: &mut Compressor,
) -> Result<Vec<u8>, CodecError> {
    let view = View::read(&payload).map_err(|_| invalid("what was encrypted is not a Payload"))?;
    let Some(format) = format(&view, settings) else {
        return Ok(payload);
    };
    let name = format.name();
    let most = settings.max_inflated_bytes;
    let inflated = compressor
        .inflate(format, view.data, most.min(*remaining))
        .map_err(|error| {
            let all = most.saturating_mul(LIST_SHARE);
            CodecError::Invalid(match error {
                InflateError::Corrupt => format!("its {name} data is corrupt or cut short"),
                InflateError::TooLarge if *remaining < most => {
                    format!(
                        "with those before it, its {name} data inflates to more than {all} bytes"
                    )
                }
                InflateError::TooLarge => {
                    format!("its {name} data inflates to more than {most} bytes")
                }
            })
        })?;
    drop(payload);
    *remaining -= inflated.len();
    match View::read(&inflated) {
        Ok(_) => Ok(inflated),
        Err(_) => Err(CodecError::Invalid(format!(
            "what its {name} data inflates to is not a Payload"
        ))),
    }
}

/// How a payload is compressed, if this namespace compresses so.
fn format(payload: &View<'_>, settings: &Settings) -> Option<Format> {
    let encoding = payload.value(ENCODING)?;
    let formats = [Format::Zlib, Format::Gzip, Format::Snappy].into_iter();
    let mut ours = formats.filter(|format| settings.decode.has(*format));
    ours.find(|format| format.marker().as_bytes() == encoding)
}

/// A payload as the host gave it.
fn read(payload: &[u8]) -> Result<View<'_>, CodecError> {
    View::read(payload).map_err(|_| invalid("not a Payload"))
}

const KEYS_UNAVAILABLE: &str = "the keys cannot be had now";

fn invalid(text: &str) -> CodecError {
    CodecError::Invalid(text.to_owned())
}

fn unavailable(text: &str) -> CodecError {
    CodecError::Unavailable(text.to_owned())
}
