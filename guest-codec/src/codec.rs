//! Encoding and decoding lists of payloads.
//!
//! Of what a list needs, the larger part is memory, and the guest's is bounded: a payload is let
//! go as soon as what was inside of it is there.

use crate::compression::{Compression, Compressor, Format, InflateError};
use crate::host::{Host, KeyError};
use crate::settings::Settings;
use crate::types::{CodecError, Payload};

/// The metadata key that says how data is to be read.
const ENCODING: &str = "encoding";
/// The metadata key that names the key of an encrypted payload.
const KEY_ID: &str = "encryption-key-id";

/// The marker of the SDK samples' encryption, a value of `encoding`.
pub(crate) const ENCRYPTED: &str = "binary/encrypted";

/// Metadata of envelope encryption, which others write under the samples' marker: the data key
/// is in it, wrapped. Not ours, even where a key of ours would open it.
const ENVELOPES: [&str; 2] = ["encryption-dek", "encrypted-data-key"];

/// How much all payloads of a list may inflate to, in times of what one may. The largest are held
/// twice for a while, as bytes and as a payload: with more, lists would run out of memory
/// instead of being refused. With once, two payloads that are fine alone would be refused together.
const LIST_SHARE: usize = 2;

/// The payloads as Temporal is to store them: compressed, if that makes them smaller, and then
/// encrypted. Like the samples, it does not look at what they are: encoded twice is encoded twice.
pub fn encode(
    payloads: Vec<Payload>,
    settings: &Settings,
    host: &impl Host,
) -> Result<Vec<Payload>, CodecError> {
    settings.check_encode().map_err(CodecError::Unavailable)?;
    let mut compressor = Compressor::default();
    each(payloads, |payload| {
        let payload = match settings.compression {
            Some(compression) => compress(payload, compression, settings, &mut compressor, host),
            None => payload,
        };
        match settings.encryption {
            true => seal(payload, settings, host),
            false => Ok(payload),
        }
    })
}

/// The payloads as they were written: opened once, and then inflated once. Foreign ones come as
/// they are.
pub fn decode(
    payloads: Vec<Payload>,
    settings: &Settings,
    host: &impl Host,
) -> Result<Vec<Payload>, CodecError> {
    let mut compressor = Compressor::default();
    let mut remaining = settings.max_inflated_bytes.saturating_mul(LIST_SHARE);
    each(payloads, |payload| {
        let payload = open(payload, settings, host)?;
        inflate(payload, settings, &mut remaining, &mut compressor, host)
    })
}

/// All or nothing, and in the same order. Indices count from 0.
fn each(
    payloads: Vec<Payload>,
    mut code: impl FnMut(Payload) -> Result<Payload, CodecError>,
) -> Result<Vec<Payload>, CodecError> {
    let coded = payloads.into_iter().enumerate().map(|(at, payload)| {
        code(payload).map_err(|error| match error {
            CodecError::Invalid(text) => CodecError::Invalid(format!("payload {at}: {text}")),
            CodecError::Unavailable(_) => error,
        })
    });
    coded.collect()
}

fn seal(payload: Payload, settings: &Settings, host: &impl Host) -> Result<Payload, CodecError> {
    let sealed = host.seal(settings.key_id.as_deref(), payload);
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
    let metadata = [
        (ENCODING, ENCRYPTED.as_bytes()),
        (KEY_ID, sealed.key_id.as_bytes()),
    ];
    Ok(Payload::wrapper(metadata, sealed.bytes))
}

fn open(payload: Payload, settings: &Settings, host: &impl Host) -> Result<Payload, CodecError> {
    let is_ours = settings.decode.encrypted
        && payload.find(ENCODING) == Some(ENCRYPTED.as_bytes())
        && ENVELOPES.iter().all(|key| payload.find(key).is_none());
    if !is_ours {
        return Ok(payload);
    }
    let key_id = payload
        .find(KEY_ID)
        .ok_or_else(|| invalid("encrypted, but names no key"))?;
    let key_id = str::from_utf8(key_id).map_err(|_| invalid("its key id is not UTF-8"))?;
    host.open(key_id, &payload.data)
        .map_err(|error| match error {
            KeyError::UnknownKey | KeyError::NoActiveKey => {
                invalid("encrypted with a key that this namespace does not have")
            }
            KeyError::NotAuthentic => {
                invalid("its key does not open it: it was changed, or encrypted with another key")
            }
            KeyError::Malformed => invalid("what was encrypted is not a Payload"),
            KeyError::Unavailable => unavailable(KEYS_UNAVAILABLE),
        })
}

fn compress(
    payload: Payload,
    compression: Compression,
    settings: &Settings,
    compressor: &mut Compressor,
    host: &impl Host,
) -> Payload {
    let marshalled = host.marshal(&payload);
    let data = compressor.compress(compression, &marshalled);
    let marker = compression.format().marker();
    // What the marker takes, in protobuf: both texts, and two bytes around each of four fields.
    let smaller = data.len() + ENCODING.len() + marker.len() + 8 < marshalled.len();
    // What looks compressed already would be inflated once too often if it were left alone.
    let ambiguous = format(&payload, settings).is_some();
    if smaller || ambiguous {
        Payload::wrapper([(ENCODING, marker.as_bytes())], data)
    } else {
        payload
    }
}

fn inflate(
    payload: Payload,
    settings: &Settings,
    remaining: &mut usize,
    compressor: &mut Compressor,
    host: &impl Host,
) -> Result<Payload, CodecError> {
    let Some(format) = format(&payload, settings) else {
        return Ok(payload);
    };
    let name = format.name();
    let most = settings.max_inflated_bytes;
    let inflated = compressor
        .inflate(format, &payload.data, most.min(*remaining))
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
    host.unmarshal(inflated).ok_or_else(|| {
        CodecError::Invalid(format!("what its {name} data inflates to is not a Payload"))
    })
}

/// How a payload is compressed, if this namespace compresses so.
fn format(payload: &Payload, settings: &Settings) -> Option<Format> {
    let encoding = payload.find(ENCODING)?;
    let formats = [Format::Zlib, Format::Gzip, Format::Snappy].into_iter();
    let mut ours = formats.filter(|format| settings.decode.has(*format));
    ours.find(|format| format.marker().as_bytes() == encoding)
}

const KEYS_UNAVAILABLE: &str = "the keys cannot be had now";

fn invalid(text: &str) -> CodecError {
    CodecError::Invalid(text.to_owned())
}

fn unavailable(text: &str) -> CodecError {
    CodecError::Unavailable(text.to_owned())
}
