//! Deflate (RFC 1951), and zlib streams of it (RFC 1950).

use miniz_oxide::DataFormat;
use miniz_oxide::deflate::CompressionLevel;
use miniz_oxide::deflate::core::{CompressorOxide, TDEFLFlush, TDEFLStatus, compress};
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress, inflate_flags};

use super::InflateError;

/// What an inflated stream is given to begin with, for each byte of it: ordinary JSON fits.
const USUAL_RATIO: usize = 4;

/// Go's and Java's default, and zlib's own.
const LEVEL: CompressionLevel = CompressionLevel::DefaultLevel;

/// A compressor's tables.
pub(super) type Deflater = Box<CompressorOxide>;

/// A decompressor's tables. Its output is its window, so that nothing is copied out of one.
#[derive(Default)]
pub(super) struct Inflater(Box<DecompressorOxide>);

/// Appends the bytes as one stream: with zlib's header and checksum, or raw.
pub(super) fn append(
    deflater: &mut Option<Deflater>,
    format: DataFormat,
    bytes: &[u8],
    compressed: &mut Vec<u8>,
) {
    let deflater = deflater
        .get_or_insert_with(|| Box::new(CompressorOxide::with_format_and_level(format, LEVEL)));
    deflater.reset();
    deflater.set_format_and_level(format, LEVEL as u8);
    let (mut taken, mut length) = (0, compressed.len());
    // Deflating fails on misuse only, and nothing is kept that is not smaller.
    compressed.resize(length + bytes.len() / 2 + 64, 0);
    loop {
        let room = &mut compressed[length..];
        let (status, read, written) = compress(deflater, &bytes[taken..], room, TDEFLFlush::Finish);
        taken += read;
        length += written;
        if status != TDEFLStatus::Okay {
            break compressed.truncate(length);
        }
        compressed.resize(length + length / 2 + 64, 0);
    }
}

impl Inflater {
    /// Appends what the zlib stream inflates to. What follows the stream is ignored, as Go and
    /// Java ignore it; one that needs a preset dictionary is refused.
    pub(super) fn zlib(
        &mut self,
        bytes: &[u8],
        inflated: &mut Vec<u8>,
        limit: usize,
    ) -> Result<(), InflateError> {
        let header = inflate_flags::TINFL_FLAG_PARSE_ZLIB_HEADER;
        self.inflate(bytes, header, inflated, limit).map(drop)
    }

    /// Appends what the stream without header inflates to, and says how many bytes it took.
    pub(super) fn raw(
        &mut self,
        bytes: &[u8],
        inflated: &mut Vec<u8>,
        limit: usize,
    ) -> Result<usize, InflateError> {
        self.inflate(bytes, 0, inflated, limit)
    }

    fn inflate(
        &mut self,
        bytes: &[u8],
        header: u32,
        inflated: &mut Vec<u8>,
        limit: usize,
    ) -> Result<usize, InflateError> {
        let flags = header | inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
        // A stream must not reach back to what was there before it.
        let start = inflated.len();
        // One more than allowed: a stream that fits exactly never fills its room.
        let most = limit.saturating_sub(start).saturating_add(1);
        let (mut taken, mut length) = (0, 0);
        let mut room = bytes.len().saturating_mul(USUAL_RATIO).saturating_add(64);
        self.0.init();
        loop {
            room = room.min(most);
            inflated.resize(start + room, 0);
            let window = &mut inflated[start..];
            let (status, read, written) =
                decompress(&mut self.0, &bytes[taken..], window, length, flags);
            taken += read;
            length += written;
            match status {
                _ if length == most => return Err(InflateError::TooLarge),
                TINFLStatus::Done => {
                    inflated.truncate(start + length);
                    return Ok(taken);
                }
                TINFLStatus::HasMoreOutput => room = room.saturating_mul(2),
                _ => return Err(InflateError::Corrupt),
            }
        }
    }
}
