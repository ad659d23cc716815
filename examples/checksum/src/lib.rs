//! A payload codec that notices damage: `encode` wraps every payload together with a checksum,
//! `decode` verifies it.
//!
//! The contract, told for authors of codecs, is `codec.wit` in the folder that `path` names.

use crc::{CRC_32_ISO_HDLC, Crc};
use exports::temporal::codec::payload_codec::{CodecError, Guest, Payload};
use temporal::codec::wire;

wit_bindgen::generate!({ path: "../../wit", world: "codec", generate_all });

/// The value of `encoding` by which this codec knows its own payloads.
const MARKER: &[u8] = b"binary/x-checksum";
/// The metadata key of the checksum: CRC-32 in hexadecimal.
const CHECKSUM: &str = "checksum-crc32";

struct Checksum;

// The functions that the server calls; only a component has them, not a native test.
#[cfg(target_family = "wasm")]
export!(Checksum);

impl Guest for Checksum {
    fn encode(payloads: Vec<Payload>) -> Result<Vec<Payload>, CodecError> {
        Ok(payloads.iter().map(wire::marshal).map(wrap).collect())
    }

    fn decode(payloads: Vec<Payload>) -> Result<Vec<Payload>, CodecError> {
        let decoded = payloads.into_iter().enumerate().map(|(at, payload)| {
            decode(payload).map_err(|why| CodecError::Invalid(format!("payload {at}: {why}")))
        });
        decoded.collect()
    }
}

fn decode(payload: Payload) -> Result<Payload, String> {
    // Foreign payloads come untouched: most histories have some.
    if metadata(&payload, "encoding") != Some(MARKER) {
        return Ok(payload);
    }
    wire::unmarshal(unwrap(&payload)?)
}

/// Wraps a whole marshalled payload, its metadata included.
fn wrap(marshalled: Vec<u8>) -> Payload {
    Payload {
        metadata: vec![
            ("encoding".to_owned(), MARKER.to_vec()),
            (CHECKSUM.to_owned(), checksum(&marshalled).into_bytes()),
        ],
        data: marshalled,
        external_payloads: Vec::new(),
    }
}

/// What was wrapped, if it is what it was.
fn unwrap(payload: &Payload) -> Result<&[u8], &'static str> {
    let expected = metadata(payload, CHECKSUM).ok_or("its checksum is missing")?;
    if checksum(&payload.data).as_bytes() != expected {
        return Err("its data does not have the checksum that it was stored with");
    }
    Ok(&payload.data)
}

fn checksum(bytes: &[u8]) -> String {
    format!("{:08x}", Crc::<u32>::new(&CRC_32_ISO_HDLC).checksum(bytes))
}

fn metadata<'a>(payload: &'a Payload, key: &str) -> Option<&'a [u8]> {
    let entry = payload.metadata.iter().find(|(name, _)| name == key);
    entry.map(|(_, value)| value.as_slice())
}

// `cargo test --target host-tuple` runs these natively, without a server or a sandbox.
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_wrapped_is_unwrapped() {
        let wrapped = wrap(b"123456789".to_vec());
        // The check value that catalogues of CRCs give for this algorithm.
        assert_eq!(metadata(&wrapped, CHECKSUM), Some(&b"cbf43926"[..]));
        assert_eq!(unwrap(&wrapped), Ok(&b"123456789"[..]));
    }

    #[test]
    fn damage_is_noticed() {
        let mut damaged = wrap(b"123456789".to_vec());
        damaged.data[4] ^= 1;
        assert!(unwrap(&damaged).is_err_and(|why| why.contains("checksum")));
    }
}
