//! Snappy, in the two forms that share a marker and cannot read each other: raw blocks, and
//! framed streams of them (the `framing_format.txt` of google/snappy).

use crc::{CRC_32_ISCSI, Crc, Table};
use snap::raw::{Decoder, Encoder, decompress_len};

use super::InflateError;

/// How every framed stream begins. As a block it would copy from before its own beginning.
const IDENTIFIER: &[u8] = b"\xff\x06\x00\x00sNaPpY";

/// Chunk types: checksum and block, checksum and bytes, the identifier again.
const COMPRESSED: u8 = 0x00;
const UNCOMPRESSED: u8 = 0x01;
const STREAM: u8 = 0xff;

/// What a chunk holds at most, inflated.
const CHUNK_BYTES: usize = 65_536;

/// A block's longest copy makes 64 bytes of three: no block inflates more.
const GREATEST_RATIO: usize = 22;

/// One byte at a time, for the same reason as gzip's.
static CRC: Crc<u32, Table<1>> = Crc::<u32, Table<1>>::new(&CRC_32_ISCSI);

/// The bytes as a raw block.
pub(super) fn block(bytes: &[u8]) -> Vec<u8> {
    // Fails only beyond 4 GiB, which a guest does not have.
    Encoder::new().compress_vec(bytes).unwrap_or_default()
}

/// The bytes as a framed stream.
pub(super) fn framed(bytes: &[u8]) -> Vec<u8> {
    let mut stream = IDENTIFIER.to_vec();
    let mut encoder = Encoder::new();
    for chunk in bytes.chunks(CHUNK_BYTES) {
        let compressed = encoder.compress_vec(chunk).ok();
        let compressed = compressed.filter(|compressed| compressed.len() < chunk.len());
        let (kind, body) = match &compressed {
            Some(compressed) => (COMPRESSED, compressed.as_slice()),
            None => (UNCOMPRESSED, chunk),
        };
        let length = (body.len() + 4) as u32;
        stream.push(kind);
        stream.extend(&length.to_le_bytes()[..3]);
        stream.extend(masked(CRC.checksum(chunk)).to_le_bytes());
        stream.extend(body);
    }
    stream
}

/// Appends what the block or the stream inflates to. No bytes at all are what a stream's encoder
/// writes for no bytes.
pub(super) fn inflate(
    bytes: &[u8],
    inflated: &mut Vec<u8>,
    limit: usize,
) -> Result<(), InflateError> {
    if bytes.is_empty() {
        Ok(())
    } else if bytes.starts_with(IDENTIFIER) {
        inflate_stream(bytes, inflated, limit)
    } else {
        inflate_block(bytes, inflated, limit)
    }
}

fn inflate_stream(
    mut bytes: &[u8],
    inflated: &mut Vec<u8>,
    limit: usize,
) -> Result<(), InflateError> {
    while let Some((header, rest)) = bytes.split_first_chunk::<4>() {
        let [kind, length @ ..] = *header;
        let length = length
            .iter()
            .rev()
            .fold(0, |length, byte| length << 8 | usize::from(*byte));
        let body = rest.get(..length).ok_or(InflateError::Corrupt)?;
        bytes = &rest[length..];
        match kind {
            COMPRESSED | UNCOMPRESSED => {
                let (crc, body) = body.split_first_chunk().ok_or(InflateError::Corrupt)?;
                let start = inflated.len();
                let room = limit.saturating_sub(start);
                if kind == COMPRESSED {
                    inflate_block(body, inflated, room.min(CHUNK_BYTES)).map_err(|error| {
                        if room < CHUNK_BYTES {
                            error
                        } else {
                            InflateError::Corrupt
                        }
                    })?;
                } else if body.len() > CHUNK_BYTES {
                    return Err(InflateError::Corrupt);
                } else if body.len() > room {
                    return Err(InflateError::TooLarge);
                } else {
                    inflated.extend(body);
                }
                if u32::from_le_bytes(*crc) != masked(CRC.checksum(&inflated[start..])) {
                    return Err(InflateError::Corrupt);
                }
            }
            STREAM if *body == IDENTIFIER[4..] => {}
            // Padding, and what may be skipped by readers who do not know it.
            0x80..STREAM => {}
            _ => return Err(InflateError::Corrupt),
        }
    }
    if bytes.is_empty() {
        Ok(())
    } else {
        Err(InflateError::Corrupt)
    }
}

fn inflate_block(bytes: &[u8], inflated: &mut Vec<u8>, limit: usize) -> Result<(), InflateError> {
    let length = decompress_len(bytes).map_err(|_| InflateError::Corrupt)?;
    if length > limit {
        return Err(InflateError::TooLarge);
    }
    // It is the sender's word, and is not allocated beyond what the bytes could hold.
    if length > bytes.len().saturating_mul(GREATEST_RATIO) {
        return Err(InflateError::Corrupt);
    }
    let start = inflated.len();
    inflated.resize(start + length, 0);
    let mut decoder = Decoder::new();
    match decoder.decompress(bytes, &mut inflated[start..]) {
        Ok(_) => Ok(()),
        Err(_) => Err(InflateError::Corrupt),
    }
}

/// Checksums are masked, so that checksums of data that holds checksums stay good ones.
fn masked(crc: u32) -> u32 {
    crc.rotate_right(15).wrapping_add(0xa282_ead8)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    fn inflate_all(bytes: &[u8]) -> Result<Vec<u8>, InflateError> {
        let mut inflated = Vec::new();
        inflate(bytes, &mut inflated, 1 << 20).map(|()| inflated)
    }

    #[test]
    fn streams_are_those_of_other_implementations() {
        let noise = (0u32..70_000).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8);
        let bytes: Vec<u8> = noise.chain([0; 100_000]).collect();
        let mut ours = Vec::new();
        let mut decoder = snap::read::FrameDecoder::new(framed(&bytes).leak() as &[u8]);
        decoder.read_to_end(&mut ours).expect("reads ours");
        assert!(ours == bytes);
        let mut encoder = snap::write::FrameEncoder::new(Vec::new());
        encoder.write_all(&bytes).expect("a Vec takes it");
        let theirs = encoder.into_inner().expect("a Vec takes it");
        assert!(inflate_all(&theirs).as_ref() == Ok(&bytes));
    }

    #[test]
    fn chunks_are_read_skipped_or_refused_by_their_kind() {
        let with_chunk = |kind: u8, length: usize| {
            let mut stream = framed(b"text");
            stream.push(kind);
            stream.extend(&(length as u32).to_le_bytes()[..3]);
            stream.resize(stream.len() + length, 0);
            inflate_all(&stream)
        };
        let text = Ok(b"text".to_vec());
        assert_eq!(with_chunk(0xfe, 0), text);
        assert_eq!(with_chunk(0xfe, 100_000), text);
        assert_eq!(with_chunk(0x80, 5), text);
        assert_eq!(with_chunk(0xfd, (1 << 24) - 1), text);
        let corrupt = Err(InflateError::Corrupt);
        assert_eq!(with_chunk(0x02, 5), corrupt);
        assert_eq!(with_chunk(0x7f, 0), corrupt);
        assert_eq!(with_chunk(STREAM, 6), corrupt);
        assert_eq!(with_chunk(UNCOMPRESSED, 3), corrupt);
        assert_eq!(with_chunk(UNCOMPRESSED, 4), corrupt);
        let twice = [framed(b"te"), framed(b"xt")].concat();
        assert_eq!(inflate_all(&twice), text);
    }

    #[test]
    fn a_declared_length_is_not_allocated() {
        // 4 GiB less one, and no data.
        let mut inflated = Vec::new();
        let declared = inflate(b"\xff\xff\xff\xff\x0f", &mut inflated, usize::MAX);
        assert_eq!(declared, Err(InflateError::Corrupt));
        assert_eq!(inflated.capacity(), 0);
    }
}
