//! The compressions of the SDK samples, each over a whole marshalled payload.
//!
//! Nothing is allocated on a sender's word: what data claims to inflate to counts only once it
//! has, and not beyond the limit.

use std::io::{Read, Write};

use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use flate2::{Compress, Decompress, FlushCompress, FlushDecompress, Status};

/// A compression, as `encode` does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// RFC 1950, `binary/zlib`: Go's and Java's.
    Zlib,
    /// RFC 1952, `binary/gzip`: Python's external storage sample.
    Gzip,
    /// `binary/snappy`, in one of two forms that do not read each other.
    Snappy(SnappyFormat),
}

/// What a snappy encoder writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnappyFormat {
    /// A raw block: Go's.
    Block,
    /// A framed stream: the Python documentation's.
    Framed,
}

/// How a framed stream begins. As a block it would copy from before its own beginning.
const SNAPPY_STREAM: &[u8] = b"\xff\x06\x00\x00sNaPpY";

/// A snappy block's longest copy is 64 bytes, for three: no block inflates more.
const SNAPPY_RATIO: usize = 22;

/// Compresses and inflates, one payload after the other with the same buffers: an encoder's
/// tables have a third of a megabyte.
#[derive(Default)]
pub struct Compressor {
    deflate: Option<Compress>,
    inflate: Option<Decompress>,
}

/// Why compressed data gave nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InflateError {
    /// It is not what its marker says, or was changed or cut short.
    Corrupt,
    /// It would be larger than it may become.
    TooLarge,
}

impl Compressor {
    /// The bytes, compressed.
    pub fn compress(&mut self, compression: Compression, bytes: &[u8]) -> Vec<u8> {
        match compression {
            Compression::Zlib => self.deflate(bytes),
            Compression::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
                written(encoder.write_all(bytes).and_then(|()| encoder.finish()))
            }
            Compression::Snappy(SnappyFormat::Block) => {
                let mut encoder = snap::raw::Encoder::new();
                // Fails only beyond 4 GiB, which a guest does not have.
                encoder.compress_vec(bytes).unwrap_or_default()
            }
            Compression::Snappy(SnappyFormat::Framed) => {
                let mut encoder = snap::write::FrameEncoder::new(Vec::new());
                let flushed = encoder.write_all(bytes);
                written(
                    flushed.and_then(|()| encoder.into_inner().map_err(|error| error.into_error())),
                )
            }
        }
    }

    fn deflate(&mut self, bytes: &[u8]) -> Vec<u8> {
        let deflate = self
            .deflate
            .get_or_insert_with(|| Compress::new(flate2::Compression::default(), true));
        deflate.reset();
        let mut compressed = Vec::with_capacity(bytes.len() / 2 + 64);
        loop {
            let before = deflate.total_in();
            let taken = usize::try_from(before).unwrap_or(bytes.len());
            match deflate.compress_vec(&bytes[taken..], &mut compressed, FlushCompress::Finish) {
                Ok(Status::StreamEnd) => return compressed,
                // It wants room.
                Ok(Status::Ok | Status::BufError) => {
                    compressed.reserve(compressed.capacity() / 2 + 64)
                }
                // Deflating fails on misuse only; nothing is kept that is not smaller.
                Err(_) => return bytes.to_vec(),
            }
        }
    }

    /// What was compressed as `binary/zlib`. Bytes after the stream are ignored, as Go and Java do.
    pub fn inflate_zlib(&mut self, bytes: &[u8], limit: usize) -> Result<Vec<u8>, InflateError> {
        let inflate = self.inflate.get_or_insert_with(|| Decompress::new(true));
        inflate.reset(true);
        let mut inflated = Vec::with_capacity((bytes.len() * 3).min(limit) + 64);
        loop {
            let taken = usize::try_from(inflate.total_in()).map_err(|_| InflateError::Corrupt)?;
            let length = inflated.len();
            match inflate.decompress_vec(&bytes[taken..], &mut inflated, FlushDecompress::None) {
                Ok(Status::StreamEnd) if inflated.len() <= limit => return Ok(inflated),
                _ if inflated.len() > limit => return Err(InflateError::TooLarge),
                Ok(Status::StreamEnd) | Err(_) => return Err(InflateError::Corrupt),
                Ok(Status::Ok | Status::BufError) => {}
            }
            let is_full = inflated.len() == inflated.capacity();
            let moved = inflated.len() > length || inflate.total_in() > taken as u64;
            if is_full {
                let more = inflated.capacity().min(limit + 1 - inflated.len()).max(64);
                inflated.reserve_exact(more);
            } else if !moved {
                // There is room, and nothing more to read: the stream is cut short.
                return Err(InflateError::Corrupt);
            }
        }
    }

    /// What was compressed as `binary/gzip`, of one member or several.
    pub fn inflate_gzip(&mut self, bytes: &[u8], limit: usize) -> Result<Vec<u8>, InflateError> {
        bounded(MultiGzDecoder::new(bytes), limit)
    }

    /// What was compressed as `binary/snappy`, in whichever form.
    pub fn inflate_snappy(&mut self, bytes: &[u8], limit: usize) -> Result<Vec<u8>, InflateError> {
        // The stream encoder writes nothing at all for nothing.
        if bytes.is_empty() {
            return Ok(Vec::new());
        }
        if bytes.starts_with(SNAPPY_STREAM) {
            return bounded(snap::read::FrameDecoder::new(bytes), limit);
        }
        let length = snap::raw::decompress_len(bytes).map_err(|_| InflateError::Corrupt)?;
        if length > limit {
            return Err(InflateError::TooLarge);
        }
        if length > bytes.len().saturating_mul(SNAPPY_RATIO) {
            return Err(InflateError::Corrupt);
        }
        snap::raw::Decoder::new()
            .decompress_vec(bytes)
            .map_err(|_| InflateError::Corrupt)
    }
}

/// A write to a `Vec` does not fail.
fn written(outcome: std::io::Result<Vec<u8>>) -> Vec<u8> {
    outcome.unwrap_or_default()
}

fn bounded(reader: impl Read, limit: usize) -> Result<Vec<u8>, InflateError> {
    let mut inflated = Vec::new();
    let read = reader.take(limit as u64 + 1).read_to_end(&mut inflated);
    if inflated.len() > limit {
        return Err(InflateError::TooLarge);
    }
    read.map_err(|_| InflateError::Corrupt)?;
    Ok(inflated)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Compression; 4] = [
        Compression::Zlib,
        Compression::Gzip,
        Compression::Snappy(SnappyFormat::Block),
        Compression::Snappy(SnappyFormat::Framed),
    ];

    fn inflate(
        compressor: &mut Compressor,
        compression: Compression,
        bytes: &[u8],
        limit: usize,
    ) -> Result<Vec<u8>, InflateError> {
        match compression {
            Compression::Zlib => compressor.inflate_zlib(bytes, limit),
            Compression::Gzip => compressor.inflate_gzip(bytes, limit),
            Compression::Snappy(_) => compressor.inflate_snappy(bytes, limit),
        }
    }

    #[test]
    fn what_was_compressed_inflates_up_to_the_limit_and_not_beyond() {
        let mut compressor = Compressor::default();
        let noise: Vec<u8> = (0u32..70_000)
            .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect();
        for compression in ALL {
            for bytes in [&b""[..], b"a", b"abcabcabcabc", &[0; 100_000], &noise] {
                let compressed = compressor.compress(compression, bytes);
                let inflated = inflate(&mut compressor, compression, &compressed, bytes.len());
                assert_eq!(
                    inflated.as_deref(),
                    Ok(bytes),
                    "{compression:?} {}",
                    bytes.len()
                );
                if let Some(less) = bytes.len().checked_sub(1) {
                    let refused = inflate(&mut compressor, compression, &compressed, less);
                    assert_eq!(
                        refused,
                        Err(InflateError::TooLarge),
                        "{compression:?} {}",
                        bytes.len()
                    );
                }
            }
        }
    }

    #[test]
    fn what_is_cut_short_gives_nothing() {
        let mut compressor = Compressor::default();
        for compression in ALL {
            let compressed =
                compressor.compress(compression, &b"some text, and some text again".repeat(20));
            // A stream of whole frames is a stream too.
            let whole = if compression == Compression::Snappy(SnappyFormat::Framed) {
                SNAPPY_STREAM.len()
            } else {
                0
            };
            for length in 1..compressed.len() {
                if length != whole {
                    let cut = inflate(&mut compressor, compression, &compressed[..length], 1 << 20);
                    assert_eq!(cut, Err(InflateError::Corrupt), "{compression:?} {length}");
                }
            }
        }
    }

    #[test]
    fn a_declared_length_is_not_allocated() {
        let mut compressor = Compressor::default();
        // 4 GiB less one, and no data.
        let declared = compressor.inflate_snappy(b"\xff\xff\xff\xff\x0f", usize::MAX >> 1);
        assert_eq!(declared, Err(InflateError::Corrupt));
    }
}
