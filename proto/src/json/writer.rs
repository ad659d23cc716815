//! The message in canonical JSON.

use std::io::Write as _;

use base64_simd::STANDARD;

use crate::{Batch, PayloadRef};

/// `Payloads` in canonical proto3 JSON: one body with nothing but `payloads` in it, and `{}` for none.
///
/// The body is measured first and then written into one buffer of just that size, base64 straight into it.
pub fn write(payloads: &Batch) -> Vec<u8> {
    let size = size_of_payloads(payloads);
    let mut body = Vec::with_capacity(size);
    write_payloads(payloads, &mut body);
    debug_assert_eq!(body.len(), size, "measured and written differently");
    body
}

// Each `write_…` has its `size_of_…`, which has to give exactly what the other writes.

fn write_payloads(payloads: &Batch, body: &mut Vec<u8>) {
    body.push(b'{');
    if !payloads.is_empty() {
        body.extend_from_slice(PAYLOADS);
        write_list(payloads.iter(), body, write_payload);
    }
    body.push(b'}');
}

fn size_of_payloads(payloads: &Batch) -> usize {
    let mut size = BRACKETS;
    if !payloads.is_empty() {
        size += PAYLOADS.len() + size_of_list(payloads.iter(), size_of_payload);
    }
    size
}

fn write_payload(payload: PayloadRef<'_>, body: &mut Vec<u8>) {
    let (metadata, data) = (payload.metadata(), payload.data());
    let external_payloads = payload.external_payloads();
    body.push(b'{');
    let mut separator = Separator::default();
    if metadata.len() > 0 {
        separator.write(body);
        body.extend_from_slice(METADATA);
        body.push(b'{');
        let mut separator = Separator::default();
        for (key, value) in metadata {
            separator.write(body);
            body.push(b'"');
            write_escaped(key, body);
            body.extend_from_slice(b"\":");
            write_bytes(value, body);
        }
        body.push(b'}');
    }
    if !data.is_empty() {
        separator.write(body);
        body.extend_from_slice(DATA);
        write_bytes(data, body);
    }
    if !external_payloads.is_empty() {
        separator.write(body);
        body.extend_from_slice(EXTERNAL_PAYLOADS);
        write_list(external_payloads.iter(), body, |size, body| {
            write_details(*size, body)
        });
    }
    body.push(b'}');
}

fn size_of_payload(payload: PayloadRef<'_>) -> usize {
    let (metadata, data) = (payload.metadata(), payload.data());
    let external_payloads = payload.external_payloads();
    let mut fields = 0;
    let mut size = BRACKETS;
    if metadata.len() > 0 {
        fields += 1;
        size += METADATA.len() + BRACKETS + separators(metadata.len());
        for (key, value) in metadata {
            size += QUOTES + size_of_escaped(key) + 1 + size_of_bytes(value);
        }
    }
    if !data.is_empty() {
        fields += 1;
        size += DATA.len() + size_of_bytes(data);
    }
    if !external_payloads.is_empty() {
        fields += 1;
        let sizes = external_payloads.iter().copied();
        size += EXTERNAL_PAYLOADS.len() + size_of_list(sizes, size_of_details);
    }
    size + separators(fields)
}

fn write_details(size_bytes: i64, body: &mut Vec<u8>) {
    body.push(b'{');
    if size_bytes != 0 {
        body.extend_from_slice(SIZE_BYTES);
        write!(body, "\"{size_bytes}\"").expect("a Vec takes all bytes");
    }
    body.push(b'}');
}

fn size_of_details(size_bytes: i64) -> usize {
    let Some(last_digit) = size_bytes.unsigned_abs().checked_ilog10() else {
        return BRACKETS;
    };
    let sign = usize::from(size_bytes < 0);
    BRACKETS + SIZE_BYTES.len() + QUOTES + sign + last_digit as usize + 1
}

fn write_list<T>(
    items: impl Iterator<Item = T>,
    body: &mut Vec<u8>,
    write_item: impl Fn(T, &mut Vec<u8>),
) {
    body.push(b'[');
    let mut separator = Separator::default();
    for item in items {
        separator.write(body);
        write_item(item, body);
    }
    body.push(b']');
}

fn size_of_list<T>(
    items: impl ExactSizeIterator<Item = T>,
    size_of_item: impl Fn(T) -> usize,
) -> usize {
    BRACKETS + separators(items.len()) + items.map(size_of_item).sum::<usize>()
}

fn write_bytes(bytes: &[u8], body: &mut Vec<u8>) {
    body.push(b'"');
    STANDARD.encode_append(bytes, body);
    body.push(b'"');
}

fn size_of_bytes(bytes: &[u8]) -> usize {
    QUOTES + STANDARD.encoded_length(bytes.len())
}

/// Only what JSON cannot hold as it is gets escaped.
fn write_escaped(key: &str, body: &mut Vec<u8>) {
    if size_of_escaped(key) == key.len() {
        return body.extend_from_slice(key.as_bytes());
    }
    for &byte in key.as_bytes() {
        match short_escape(byte) {
            Some(letter) => body.extend_from_slice(&[b'\\', letter]),
            None if byte < b' ' => {
                write!(body, "\\u{byte:04x}").expect("a Vec takes all bytes");
            }
            None => body.push(byte),
        }
    }
}

fn size_of_escaped(key: &str) -> usize {
    let sizes = key.bytes().map(|byte| match short_escape(byte) {
        Some(_) => r"\n".len(),
        None if byte < b' ' => r"\u0000".len(),
        None => 1,
    });
    sizes.sum()
}

/// The letter after the backslash, for a byte that has one.
fn short_escape(byte: u8) -> Option<u8> {
    match byte {
        b'"' | b'\\' => Some(byte),
        b'\x08' => Some(b'b'),
        b'\x0c' => Some(b'f'),
        b'\n' => Some(b'n'),
        b'\r' => Some(b'r'),
        b'\t' => Some(b't'),
        _ => None,
    }
}

const PAYLOADS: &[u8] = br#""payloads":"#;
const METADATA: &[u8] = br#""metadata":"#;
const DATA: &[u8] = br#""data":"#;
const EXTERNAL_PAYLOADS: &[u8] = br#""externalPayloads":"#;
const SIZE_BYTES: &[u8] = br#""sizeBytes":"#;

const BRACKETS: usize = "{}".len();
const QUOTES: usize = "\"\"".len();

/// Commas between `count` items.
fn separators(count: usize) -> usize {
    count.saturating_sub(1)
}

/// A comma before every item but the first.
#[derive(Default)]
struct Separator {
    is_due: bool,
}

impl Separator {
    fn write(&mut self, body: &mut Vec<u8>) {
        if std::mem::replace(&mut self.is_due, true) {
            body.push(b',');
        }
    }
}
