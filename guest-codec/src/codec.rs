//! Encoding and decoding lists of payloads, each of them its protobuf encoding.
//!
//! Of what a list needs, the larger part is memory, and the guest's is bounded: a payload is let
//! go as soon as what was inside of it is there.

use std::mem::take;

use proto::wire::{self, Found, View};

use crate::compression::{Compression, Compressor, Format, InflateError};
use crate::encryption::{self, ENCODING};
use crate::error::{invalid, not_a_payload};
use crate::host::Host;
use crate::settings::Settings;

pub use crate::error::CodecError;

/// How much all payloads of a list may inflate to, in times of what one may. The largest are moved
/// while they grow, and then held twice: with more, lists would run out of memory instead of
/// being refused. With once, two payloads that are fine alone would be refused together.
const LIST_SHARE: usize = 2;

/// The payloads as Temporal is to store them: compressed, if that makes them smaller, and then
/// encrypted. Like the samples, it does not look at what they are: encoded twice is encoded twice.
pub fn encode(
    mut payloads: Vec<Vec<u8>>,
    settings: &Settings,
    host: &impl Host,
) -> Result<Vec<Vec<u8>>, CodecError> {
    settings.check_encode().map_err(CodecError::Unavailable)?;
    if let Some(compression) = settings.compression {
        let mut compressor = Compressor::default();
        each(&mut payloads, |payload| {
            compress(payload, compression, settings, &mut compressor)
        })?;
    }
    if settings.encryption {
        encryption::seal(&mut payloads, settings, host)?;
    }
    Ok(payloads)
}

/// The payloads as they were written: opened once, and then inflated once. Foreign ones come as
/// they are.
pub fn decode(
    mut payloads: Vec<Vec<u8>>,
    settings: &Settings,
    host: &impl Host,
) -> Result<Vec<Vec<u8>>, CodecError> {
    encryption::open(&mut payloads, settings, host)?;
    let mut compressor = Compressor::default();
    let mut remaining = settings.max_inflated_bytes.saturating_mul(LIST_SHARE);
    each(&mut payloads, |payload| {
        inflate(payload, settings, &mut remaining, &mut compressor)
    })?;
    Ok(payloads)
}

/// All or nothing, and in the same order.
fn each(
    payloads: &mut [Vec<u8>],
    mut code: impl FnMut(Vec<u8>) -> Result<Vec<u8>, CodecError>,
) -> Result<(), CodecError> {
    for (at, payload) in payloads.iter_mut().enumerate() {
        *payload = code(take(payload)).map_err(|error| error.of(at))?;
    }
    Ok(())
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
    let found = wire::find(&payload, [ENCODING]).map_err(not_a_payload)?;
    let ambiguous = format(&found, settings).is_some();
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
    let found = wire::find(&payload, [ENCODING]);
    let found = found.map_err(|_| invalid("what was encrypted is not a Payload"))?;
    let Some(format) = format(&found, settings) else {
        return Ok(payload);
    };
    let name = format.name();
    let most = settings.max_inflated_bytes;
    let inflated = compressor
        .inflate(format, found.data, most.min(*remaining))
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
    match wire::find(&inflated, []) {
        Ok(_) => Ok(inflated),
        Err(_) => Err(CodecError::Invalid(format!(
            "what its {name} data inflates to is not a Payload"
        ))),
    }
}

/// How a payload is compressed, if this namespace compresses so.
fn format(found: &Found<'_, 1>, settings: &Settings) -> Option<Format> {
    let [encoding] = found.values;
    let encoding = encoding?;
    let formats = [Format::Zlib, Format::Gzip, Format::Snappy].into_iter();
    let mut ours = formats.filter(|format| settings.decode.has(*format));
    ours.find(|format| format.marker().as_bytes() == encoding)
}
