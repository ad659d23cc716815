//! Gzip files (RFC 1952) around deflate streams.

use crc::{CRC_32_ISO_HDLC, Crc, Table};
use miniz_oxide::DataFormat;

use super::InflateError;
use super::deflate::{self, Deflater, Inflater};

/// How a file begins: magic number, and deflate, the only method there is.
const MAGIC: [u8; 3] = [0x1f, 0x8b, 8];
/// A header that says nothing: no flags, no time, no level, unknown system.
const PLAIN_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

/// A checksum of the header.
const HEADER_CRC: u8 = 2;
/// Extra fields, with a length before them.
const EXTRA: u8 = 4;
/// A file name, up to a zero.
const NAME: u8 = 8;
/// A comment, up to a zero.
const COMMENT: u8 = 16;
/// Flags that nobody knows the meaning of; a reader must refuse them.
const RESERVED: u8 = 0xe0;

/// One byte at a time: the table is part of every instance's memory, and a faster one of 16 KiB
/// would cost each call more than it saves the few that need it.
static CRC: Crc<u32, Table<1>> = Crc::<u32, Table<1>>::new(&CRC_32_ISO_HDLC);

/// The bytes as a file of one member.
pub(super) fn compress(deflater: &mut Option<Deflater>, bytes: &[u8]) -> Vec<u8> {
    let mut file = PLAIN_HEADER.to_vec();
    deflate::append(deflater, DataFormat::Raw, bytes, &mut file);
    file.extend(CRC.checksum(bytes).to_le_bytes());
    file.extend(size(bytes).to_le_bytes());
    file
}

/// Appends what the file inflates to: all of its members, one after the other, and nothing after
/// the last one.
pub(super) fn inflate(
    inflater: &mut Inflater,
    mut bytes: &[u8],
    inflated: &mut Vec<u8>,
    limit: usize,
) -> Result<(), InflateError> {
    loop {
        let start = inflated.len();
        let body = skip_header(bytes).ok_or(InflateError::Corrupt)?;
        let taken = inflater.raw(body, inflated, limit)?;
        let (crc, rest) = number(&body[taken..]).ok_or(InflateError::Corrupt)?;
        let (length, rest) = number(rest).ok_or(InflateError::Corrupt)?;
        let member = &inflated[start..];
        if crc != CRC.checksum(member) || length != size(member) {
            return Err(InflateError::Corrupt);
        }
        if rest.is_empty() {
            return Ok(());
        }
        bytes = rest;
    }
}

/// The size modulo 2^32, as the trailer has it.
fn size(bytes: &[u8]) -> u32 {
    bytes.len() as u32
}

fn number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((u32::from_le_bytes(*number), rest))
}

/// What follows a member's header.
fn skip_header(bytes: &[u8]) -> Option<&[u8]> {
    let (header, mut rest) = bytes.split_first_chunk::<{ PLAIN_HEADER.len() }>()?;
    let flags = header[MAGIC.len()];
    if header[..MAGIC.len()] != MAGIC || flags & RESERVED != 0 {
        return None;
    }
    if flags & EXTRA != 0 {
        let (length, extra) = rest.split_first_chunk()?;
        rest = extra.get(usize::from(u16::from_le_bytes(*length))..)?;
    }
    for text in [NAME, COMMENT] {
        if flags & text != 0 {
            let end = rest.iter().position(|byte| *byte == 0)?;
            rest = &rest[end + 1..];
        }
    }
    if flags & HEADER_CRC != 0 {
        let checked = &bytes[..bytes.len() - rest.len()];
        let (crc, body) = rest.split_first_chunk()?;
        if u16::from_le_bytes(*crc) != CRC.checksum(checked) as u16 {
            return None;
        }
        rest = body;
    }
    Some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inflate_all(file: &[u8]) -> Result<Vec<u8>, InflateError> {
        let mut inflated = Vec::new();
        inflate(&mut Inflater::default(), file, &mut inflated, 100).map(|()| inflated)
    }

    #[test]
    fn headers_may_say_more_and_are_checked_if_they_can_be() {
        let file = compress(&mut None, b"text");
        let with_header = |flags: u8, fields: &[u8], checksum: bool| {
            let mut header = PLAIN_HEADER;
            header[3] = flags;
            let mut longer = [&header[..], fields].concat();
            if checksum {
                let crc = CRC.checksum(&longer) as u16;
                longer.extend(crc.to_le_bytes());
            }
            longer.extend(&file[PLAIN_HEADER.len()..]);
            inflate_all(&longer)
        };
        let text = Ok(b"text".to_vec());
        assert_eq!(with_header(0, b"", false), text);
        assert_eq!(with_header(EXTRA, b"\x03\0abc", false), text);
        assert_eq!(with_header(NAME | COMMENT, b"name\0\0", false), text);
        let all = HEADER_CRC | EXTRA | NAME | COMMENT;
        assert_eq!(with_header(all, b"\0\0n\0c\0", true), text);
        let corrupt = Err(InflateError::Corrupt);
        assert_eq!(with_header(HEADER_CRC, b"\x12\x34", false), corrupt);
        assert_eq!(with_header(EXTRA, b"\xff\xff", false), corrupt);
        assert_eq!(with_header(0x20, b"", false), corrupt);
    }

    #[test]
    fn members_are_joined_up_to_the_limit() {
        let file = |bytes: &[u8]| compress(&mut None, bytes);
        let two = |first: usize, second: usize| {
            inflate_all(&[file(&vec![1; first]), file(&vec![2; second])].concat())
        };
        assert_eq!(two(1, 2), Ok(vec![1, 2, 2]));
        assert_eq!(two(60, 40).map(|bytes| bytes.len()), Ok(100));
        assert_eq!(two(60, 41), Err(InflateError::TooLarge));
    }
}
