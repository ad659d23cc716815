//! The compressions of the SDK samples, each over a whole marshalled payload.
//!
//! Nothing is allocated on a sender's word: what data claims to inflate to counts only once it
//! has. What is cut short, or fails its checksum, gives an error and nothing else.

mod deflate;
mod gzip;
mod snappy;

use deflate::{Deflater, Inflater};
use miniz_oxide::DataFormat;

/// What a marker of compressed data says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `binary/zlib`: RFC 1950. Go's and Java's.
    Zlib,
    /// `binary/gzip`: RFC 1952. Python's external storage sample.
    Gzip,
    /// `binary/snappy`: a block or a framed stream, told apart by looking.
    Snappy,
}

/// A compression, as `encode` does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// A zlib stream.
    Zlib,
    /// A gzip file of one member.
    Gzip,
    /// A snappy block, Go's.
    SnappyBlock,
    /// A framed snappy stream, the Python documentation's.
    SnappyFramed,
}

/// Why compressed data gave nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InflateError {
    /// It is not what its marker says, or was changed or cut short.
    Corrupt,
    /// It would become larger than it may.
    TooLarge,
}

/// Bytes from which on what was inflated is given away with its buffer.
const LARGE: usize = 64 << 10;

/// Compresses and inflates one payload after the other, with the same tables and buffers. Those
/// that are not needed are never made: a compressor's have a quarter of a megabyte.
#[derive(Default)]
pub struct Compressor {
    deflater: Option<Deflater>,
    inflater: Option<Inflater>,
    inflated: Vec<u8>,
}

impl Format {
    /// What people call it, and the setting `decode`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Zlib => "zlib",
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
        }
    }

    /// The value of `encoding`.
    pub const fn marker(self) -> &'static str {
        match self {
            Self::Zlib => "binary/zlib",
            Self::Gzip => "binary/gzip",
            Self::Snappy => "binary/snappy",
        }
    }
}

impl Compression {
    /// What it compresses to.
    pub const fn format(self) -> Format {
        match self {
            Self::Zlib => Format::Zlib,
            Self::Gzip => Format::Gzip,
            Self::SnappyBlock | Self::SnappyFramed => Format::Snappy,
        }
    }
}

impl Compressor {
    /// The bytes, compressed.
    pub fn compress(&mut self, compression: Compression, bytes: &[u8]) -> Vec<u8> {
        let deflater = &mut self.deflater;
        match compression {
            Compression::Zlib => {
                let mut stream = Vec::new();
                deflate::append(deflater, DataFormat::Zlib, bytes, &mut stream);
                stream
            }
            Compression::Gzip => gzip::compress(deflater, bytes),
            Compression::SnappyBlock => snappy::block(bytes),
            Compression::SnappyFramed => snappy::framed(bytes),
        }
    }

    /// What the bytes were before they were compressed, if that is not more than `limit` bytes.
    pub fn inflate(
        &mut self,
        format: Format,
        bytes: &[u8],
        limit: usize,
    ) -> Result<Vec<u8>, InflateError> {
        self.inflated.clear();
        let inflater = self.inflater.get_or_insert_default();
        let inflated = &mut self.inflated;
        match format {
            Format::Zlib => inflater.zlib(bytes, inflated, limit)?,
            Format::Gzip => gzip::inflate(inflater, bytes, inflated, limit)?,
            Format::Snappy => snappy::inflate(bytes, inflated, limit)?,
        }
        if inflated.len() < LARGE {
            return Ok(inflated.clone());
        }
        // It would be in memory twice.
        inflated.shrink_to_fit();
        Ok(std::mem::take(inflated))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Compression; 4] = [
        Compression::Zlib,
        Compression::Gzip,
        Compression::SnappyBlock,
        Compression::SnappyFramed,
    ];

    #[test]
    fn what_was_compressed_inflates_up_to_the_limit_and_not_beyond() {
        let mut compressor = Compressor::default();
        let noise: Vec<u8> = (0u32..200_000)
            .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8)
            .collect();
        let samples = [
            &b""[..],
            b"a",
            b"abcabcabcabc",
            &[0; 65_536],
            &[0; 65_537],
            &[7; 3_000_000],
            &noise,
        ];
        for compression in ALL {
            for bytes in samples {
                let format = compression.format();
                let compressed = compressor.compress(compression, bytes);
                let mut inflate = |limit| compressor.inflate(format, &compressed, limit);
                let at = (compression, bytes.len());
                assert!(inflate(bytes.len()).as_deref() == Ok(bytes), "{at:?}");
                if let Some(less) = bytes.len().checked_sub(1) {
                    assert!(inflate(less) == Err(InflateError::TooLarge), "{at:?}");
                }
            }
        }
    }

    #[test]
    fn what_is_cut_short_or_changed_gives_nothing() {
        let mut compressor = Compressor::default();
        let bytes = b"some text, and some text again".repeat(20);
        for compression in ALL {
            let format = compression.format();
            let compressed = compressor.compress(compression, &bytes);
            for length in 1..compressed.len() {
                // A framed stream of whole chunks is a stream, and one of none is empty.
                let expected = match (compression, length) {
                    (Compression::SnappyFramed, 10) => Ok(Vec::new()),
                    _ => Err(InflateError::Corrupt),
                };
                let cut = compressor.inflate(format, &compressed[..length], 1 << 20);
                assert_eq!(cut, expected, "{compression:?} {length}");
            }
            let checked = match compression {
                // There is no checksum.
                Compression::SnappyBlock => continue,
                // Time, level and system are anyone's.
                Compression::Gzip => 10..compressed.len(),
                Compression::Zlib | Compression::SnappyFramed => 0..compressed.len(),
            };
            for at in checked {
                let mut changed = compressed.clone();
                changed[at] ^= 1;
                let inflated = compressor.inflate(format, &changed, 1 << 20);
                assert!(inflated.is_err(), "{compression:?} {at}");
            }
        }
    }
}
