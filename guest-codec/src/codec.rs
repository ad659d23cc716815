//! Encoding and decoding lists of payloads.

use crate::compression::{Compression, Compressor, InflateError};
use crate::host::{Host, KeyError, Payload};
use crate::settings::Settings;

/// The metadata key that says how data is to be read.
const ENCODING: &str = "encoding";
/// The metadata key that names the key of an encrypted payload.
const KEY_ID: &str = "encryption-key-id";

/// The markers of the SDK samples, the values of `encoding`.
const ENCRYPTED: &str = "binary/encrypted";
const ZLIB: &str = "binary/zlib";
const GZIP: &str = "binary/gzip";
const SNAPPY: &str = "binary/snappy";

/// Metadata of envelope encryption, which others write under the samples' marker: the data key
/// is in it, wrapped. Not ours, even where a key of ours would open it.
const ENVELOPES: [&str; 2] = ["encryption-dek", "encrypted-data-key"];

/// Why a list could not be coded. The texts are shown to whoever asked: they hold no payload
/// bytes, no metadata and no key ids, which for some samples are the keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// A payload is bad, and always will be.
    Invalid(String),
    /// It might work later, or once the operator has mended something.
    Unavailable(String),
}

/// The payloads as Temporal is to store them: compressed, if that makes them smaller, and then
/// encrypted. Like the samples, it does not look at what they are: encoded twice is encoded twice.
pub fn encode(
    payloads: Vec<Payload>,
    settings: &Settings,
    host: &impl Host,
) -> Result<Vec<Payload>, Failure> {
    let mut compressor = Compressor::default();
    each(payloads, |payload| {
        let payload = match settings.compression {
            Some(compression) => compress(payload, compression, &mut compressor, host),
            None => payload,
        };
        if settings.encryption {
            seal(payload, settings, host)
        } else {
            Ok(payload)
        }
    })
}

/// The payloads as they were written. Foreign ones come as they are.
pub fn decode(
    payloads: Vec<Payload>,
    settings: &Settings,
    host: &impl Host,
) -> Result<Vec<Payload>, Failure> {
    let mut compressor = Compressor::default();
    each(payloads, |payload| {
        let payload = open(payload, settings, host)?;
        inflate(payload, settings, &mut compressor, host)
    })
}

fn each(
    payloads: Vec<Payload>,
    mut code: impl FnMut(Payload) -> Result<Payload, Failure>,
) -> Result<Vec<Payload>, Failure> {
    let coded = payloads.into_iter().enumerate().map(|(at, payload)| {
        code(payload).map_err(|failure| match failure {
            Failure::Invalid(text) => Failure::Invalid(format!("payload {at}: {text}")),
            unavailable => unavailable,
        })
    });
    coded.collect()
}

fn seal(payload: Payload, settings: &Settings, host: &impl Host) -> Result<Payload, Failure> {
    let sealed = host
        .seal(settings.key_id.as_deref(), payload)
        .map_err(|error| {
            // None of it is the payload's fault.
            Failure::Unavailable(String::from(match error {
                KeyError::UnknownKey => "the keyring has no key of the setting `key-id`",
                KeyError::NoActiveKey => "the keyring has no active key to encrypt with",
                _ => "the keys cannot be had now",
            }))
        })?;
    let marker = (ENCODING.to_owned(), ENCRYPTED.as_bytes().to_vec());
    let key_id = (KEY_ID.to_owned(), sealed.key_id.into_bytes());
    Ok(Payload {
        metadata: vec![marker, key_id],
        data: sealed.bytes,
        external_payloads: Vec::new(),
    })
}

fn open(payload: Payload, settings: &Settings, host: &impl Host) -> Result<Payload, Failure> {
    let is_ours = settings.decode.encrypted
        && payload.find(ENCODING) == Some(ENCRYPTED.as_bytes())
        && ENVELOPES.iter().all(|key| payload.find(key).is_none());
    if !is_ours {
        return Ok(payload);
    }
    let invalid = |text: &str| Failure::Invalid(text.to_owned());
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
            KeyError::Unavailable => Failure::Unavailable("the keys cannot be had now".to_owned()),
        })
}

fn compress(
    payload: Payload,
    compression: Compression,
    compressor: &mut Compressor,
    host: &impl Host,
) -> Payload {
    let marker = match compression {
        Compression::Zlib => ZLIB,
        Compression::Gzip => GZIP,
        Compression::Snappy(_) => SNAPPY,
    };
    let marshalled = host.marshal(&payload);
    let data = compressor.compress(compression, &marshalled);
    // What the marker takes, in protobuf: both texts, and two bytes around each of four fields.
    let smaller = data.len() + ENCODING.len() + marker.len() + 8 < marshalled.len();
    if !smaller {
        return payload;
    }
    let marker = (ENCODING.to_owned(), marker.as_bytes().to_vec());
    Payload {
        metadata: vec![marker],
        data,
        external_payloads: Vec::new(),
    }
}

fn inflate(
    payload: Payload,
    settings: &Settings,
    compressor: &mut Compressor,
    host: &impl Host,
) -> Result<Payload, Failure> {
    let limit = settings.max_inflated_bytes;
    let encoding = payload.find(ENCODING);
    let is = |marker: &str| encoding == Some(marker.as_bytes());
    let (name, inflated) = if settings.decode.zlib && is(ZLIB) {
        ("zlib", compressor.inflate_zlib(&payload.data, limit))
    } else if settings.decode.gzip && is(GZIP) {
        ("gzip", compressor.inflate_gzip(&payload.data, limit))
    } else if settings.decode.snappy && is(SNAPPY) {
        ("snappy", compressor.inflate_snappy(&payload.data, limit))
    } else {
        return Ok(payload);
    };
    let inflated = inflated.map_err(|error| {
        Failure::Invalid(match error {
            InflateError::Corrupt => format!("its {name} data is corrupt or cut short"),
            InflateError::TooLarge => {
                format!("its {name} data inflates to more than {limit} bytes")
            }
        })
    })?;
    // Its bytes are not needed any more, and memory is short where payloads are large.
    drop(payload);
    let unmarshalled = host.unmarshal(&inflated);
    unmarshalled.ok_or_else(|| {
        Failure::Invalid(format!("what its {name} data inflates to is not a Payload"))
    })
}
