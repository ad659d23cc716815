//! One payload in protobuf's binary format: what encrypting and compressing codecs have inside.
//!
//! A [`View`] is a payload whose bytes are somewhere else, so that the largest of them are never
//! copied on the way. It is read with prost's parts, which check lengths before anything is
//! allocated, and the depth of unknown groups. Unknown fields are skipped; of a field or a key
//! given twice the last one counts, as in every protobuf reader.

use std::cmp::Ordering;
use std::fmt;

use prost::DecodeError;
use prost::bytes::BufMut;
use prost::encoding::{
    DecodeContext, WireType, check_wire_type, decode_key, decode_varint, encode_key, encode_varint,
    encoded_len_varint, skip_field,
};

use crate::{Draft, ExternalPayloadDetails, Payload, PayloadRef};

/// Metadata entries and external payloads that a payload may have, together. Real ones have a
/// handful. An entry takes two bytes here and dozens in memory, so without a limit what is read
/// could be many times what was sent.
pub const MAX_ENTRIES: usize = 10_000;

/// Fields that a payload may have, with those inside of its fields, known or not. They take two
/// bytes each, and nobody can stop a reader of millions.
const MAX_FIELDS: usize = 100_000;

/// Groups inside of groups, as prost has it.
const MAX_DEPTH: usize = 100;

/// Entries of metadata that there is room for from the start.
const USUAL_ENTRIES: usize = 4;

/// A payload whose bytes are somewhere else.
#[derive(Default)]
pub struct View<'a> {
    /// What the value is, by key, sorted.
    pub metadata: Vec<(&'a str, &'a [u8])>,
    /// The value.
    pub data: &'a [u8],
    /// The sizes of what is stored elsewhere, in bytes.
    pub external_payloads: Vec<i64>,
}

/// The bytes of a payload. Fields go by number and metadata by key, so equal payloads give equal bytes.
pub fn marshal(payload: &Payload) -> Vec<u8> {
    let view = View::of(payload);
    let mut bytes = Vec::with_capacity(view.marshalled_length());
    view.marshal_to(&mut bytes);
    bytes
}

/// The payload that the bytes are. No bytes at all are a payload without anything.
///
/// # Errors
///
/// Bytes that are not a `Payload`.
pub fn unmarshal(bytes: &[u8]) -> Result<Payload, WireError> {
    let view = View::read(bytes)?;
    let metadata = view.metadata.iter();
    Ok(Payload {
        metadata: metadata
            .map(|(key, value)| ((*key).to_owned(), value.to_vec()))
            .collect(),
        data: view.data.to_vec(),
        external_payloads: view
            .external_payloads
            .iter()
            .map(|&size_bytes| ExternalPayloadDetails { size_bytes })
            .collect(),
    })
}

const METADATA: u32 = 1;
const DATA: u32 = 2;
const EXTERNAL_PAYLOADS: u32 = 3;
/// Of a metadata entry.
const KEY: u32 = 1;
const VALUE: u32 = 2;
/// Of an external payload's details.
const SIZE_BYTES: u32 = 1;

/// How the numbers of fields that are bytes are written.
const METADATA_KEY: u8 = key_of_bytes(METADATA);
const DATA_KEY: u8 = key_of_bytes(DATA);
const KEY_KEY: u8 = key_of_bytes(KEY);
const VALUE_KEY: u8 = key_of_bytes(VALUE);

const fn key_of_bytes(tag: u32) -> u8 {
    (tag << 3) as u8 | WireType::LengthDelimited as u8
}

impl<'a> View<'a> {
    /// A view of the payload.
    pub fn of(payload: &'a Payload) -> Self {
        let metadata = payload.metadata.iter();
        let external = payload.external_payloads.iter();
        Self {
            metadata: metadata
                .map(|(key, value)| (key.as_str(), value.as_slice()))
                .collect(),
            data: &payload.data,
            external_payloads: external.map(|details| details.size_bytes).collect(),
        }
    }

    /// A view of a payload that wraps something: some texts as its metadata, sorted, and data.
    pub fn wrapper(metadata: &[(&'a str, &'a str)], data: &'a [u8]) -> Self {
        debug_assert!(metadata.is_sorted_by(|one, other| one.0 < other.0));
        Self {
            metadata: metadata
                .iter()
                .map(|(key, value)| (*key, value.as_bytes()))
                .collect(),
            data,
            external_payloads: Vec::new(),
        }
    }

    /// A view of the payload that the bytes are.
    ///
    /// # Errors
    ///
    /// Bytes that are not a `Payload`, or one of more than [`MAX_ENTRIES`] or of 100,000 fields.
    pub fn read(bytes: &'a [u8]) -> Result<Self, WireError> {
        let mut view = Self {
            metadata: Vec::with_capacity(USUAL_ENTRIES),
            ..Self::default()
        };
        read(bytes, text, |field| match field {
            Field::Entry(key, value) => view.metadata.push((key, value)),
            Field::Data(data) => view.data = data,
            Field::ExternalPayload(size_bytes) => view.external_payloads.push(size_bytes),
        })?;
        view.sort();
        Ok(view)
    }

    /// Brings the metadata into the order of its keys, and drops all but the last of each.
    pub fn sort(&mut self) {
        if self.metadata.is_sorted_by(|one, other| one.0 < other.0) {
            return;
        }
        let entries = std::mem::take(&mut self.metadata).into_iter();
        let mut entries: Vec<_> = entries.enumerate().collect();
        // Of each run of one key the last comes first, and is what is kept.
        entries.sort_unstable_by(by_key);
        entries.dedup_by_key(|(_, (key, _))| *key);
        self.metadata = entries.into_iter().map(|(_, entry)| entry).collect();
    }

    /// How many bytes [`Self::marshal_to`] appends.
    pub fn marshalled_length(&self) -> usize {
        let metadata = self.metadata.iter().copied();
        length(metadata, self.data, &self.external_payloads)
    }

    /// Appends the payload's bytes. The metadata has to be sorted.
    pub fn marshal_to(&self, bytes: &mut impl BufMut) {
        let metadata = self.metadata.iter().copied();
        write(metadata, self.data, &self.external_payloads, bytes);
    }
}

/// One copy of it: sorting has many places to compare, and codecs are to be small.
#[inline(never)]
fn by_key(one: &(usize, (&str, &[u8])), other: &(usize, (&str, &[u8]))) -> Ordering {
    let keys = one.1.0.cmp(other.1.0);
    keys.then(other.0.cmp(&one.0))
}

/// What was looked for in a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found<'a, const N: usize> {
    /// The values of the keys of the metadata that were asked for, in that order.
    pub values: [Option<&'a [u8]>; N],
    /// The value.
    pub data: &'a [u8],
}

/// Looks for some of what a payload has, without a list of everything.
///
/// # Errors
///
/// As those of [`View::read`].
pub fn find<'a, const N: usize>(
    bytes: &'a [u8],
    keys: [&str; N],
) -> Result<Found<'a, N>, WireError> {
    let mut values = [None; N];
    let data = find_all(bytes, &keys, &mut values)?;
    Ok(Found { values, data })
}

/// One copy of it for any number of keys: codecs are to be small.
fn find_all<'a>(
    bytes: &'a [u8],
    keys: &[&str],
    values: &mut [Option<&'a [u8]>],
) -> Result<&'a [u8], WireError> {
    let mut data = &[][..];
    read(bytes, checked, |field| match field {
        Field::Entry(key, value) => {
            let wanted = keys.iter();
            let wanted = wanted
                .map(|key| key.as_bytes())
                .position(|wanted| same(wanted, key));
            if let Some(found) = wanted.and_then(|index| values.get_mut(index)) {
                *found = Some(value);
            }
        }
        Field::Data(last) => data = last,
        Field::ExternalPayload(_) => {}
    })?;
    Ok(data)
}

impl PayloadRef<'_> {
    /// How many bytes [`Self::marshal_to`] appends.
    pub fn marshalled_length(self) -> usize {
        length(self.metadata(), self.data(), self.external_payloads())
    }

    /// Appends the payload's bytes. Panics where there is not room for all of them.
    pub fn marshal_to(self, bytes: &mut impl BufMut) {
        let external = self.external_payloads();
        write(self.metadata(), self.data(), external, bytes);
    }
}

impl Draft<'_> {
    /// Adds everything that the bytes of a payload have, and sets the data. Gives the number of
    /// fields that were read for that.
    ///
    /// # Errors
    ///
    /// As those of [`View::read`].
    pub fn unmarshal(&mut self, bytes: &[u8]) -> Result<usize, WireError> {
        let mut data = &[][..];
        let fields = read(bytes, text, |field| match field {
            Field::Entry(key, value) => self.entry(key, value),
            Field::Data(last) => data = last,
            Field::ExternalPayload(size_bytes) => self.external_payload(size_bytes),
        })?;
        self.data(data);
        self.keep_last();
        Ok(fields)
    }
}

/// Appends what comes before so many bytes of data: with the data behind it, it is a payload that
/// has nothing else, and anything else can be appended to it.
pub fn begin_data(length: usize, bytes: &mut impl BufMut) {
    encode_key(DATA, WireType::LengthDelimited, bytes);
    encode_varint(length as u64, bytes);
}

/// A key of the metadata.
fn text(key: &[u8]) -> Option<&str> {
    str::from_utf8(key).ok()
}

/// The same as bytes. Real keys are ASCII, which is sooner seen.
fn checked(key: &[u8]) -> Option<&[u8]> {
    (key.is_ascii() || text(key).is_some()).then_some(key)
}

/// Whether a key is that one. A sandbox compares bytes one by one unless it is told otherwise.
fn same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    let (one, one_rest) = one.as_chunks::<8>();
    let (other, other_rest) = other.as_chunks::<8>();
    let mut chunks = one.iter().zip(other);
    chunks.all(|(one, other)| u64::from_le_bytes(*one) == u64::from_le_bytes(*other))
        && one_rest
            .iter()
            .zip(other_rest)
            .all(|(one, other)| one == other)
}

/// A field of a payload.
enum Field<'a, K> {
    Entry(K, &'a [u8]),
    Data(&'a [u8]),
    ExternalPayload(i64),
}

/// Hands on the fields of the payload that the bytes are, in their order there. What a key of the
/// metadata has to be is given. Gives the number of all fields.
fn read<'a, K>(
    bytes: &'a [u8],
    key: impl Fn(&'a [u8]) -> Option<K>,
    mut on: impl FnMut(Field<'a, K>),
) -> Result<usize, WireError> {
    let mut rest = bytes;
    let mut entries = 0;
    let mut fields = Fields::default();
    while !rest.is_empty() {
        let (field, after) = if let Some((entry, after)) = usual(METADATA_KEY, rest) {
            fields.count(1, "")?;
            (Some(read_entry(entry, &key, &mut fields)?), after)
        } else if let Some((data, after)) = usual(DATA_KEY, rest) {
            fields.count(1, "")?;
            (Some(Field::Data(data)), after)
        } else {
            read_field(rest, &key, &mut fields)?
        };
        rest = after;
        let Some(field) = field else {
            continue;
        };
        entries += usize::from(!matches!(field, Field::Data(_)));
        if entries > MAX_ENTRIES {
            return Err(WireError::new("", "too many entries"));
        }
        on(field);
    }
    Ok(fields.read)
}

/// What is in the first field, and what is behind it, if the field is that one, written as nearly
/// all are.
#[inline(always)]
fn usual(key: u8, rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, after) = match *rest {
        [first, ..] if first != key => return None,
        [_, length @ ..0x80, ref after @ ..] => (usize::from(length), after),
        [_, low, high @ ..0x80, ref after @ ..] => {
            (usize::from(low & 0x7f) | usize::from(high) << 7, after)
        }
        _ => return None,
    };
    after.split_at_checked(length)
}

/// The first field and what is behind it, however it is written. It may be one that is not known.
#[cold]
#[inline(never)]
fn read_field<'a, K>(
    mut rest: &'a [u8],
    key: &impl Fn(&'a [u8]) -> Option<K>,
    fields: &mut Fields,
) -> Result<(Option<Field<'a, K>>, &'a [u8]), WireError> {
    let (tag, wire_type) = fields.next("", &mut rest)?;
    let field = match tag {
        METADATA => {
            let entry = content("metadata", wire_type, &mut rest)?;
            Some(read_entry(entry, key, fields)?)
        }
        DATA => Some(Field::Data(content("data", wire_type, &mut rest)?)),
        EXTERNAL_PAYLOADS => {
            let details = content("external_payloads", wire_type, &mut rest)?;
            Some(Field::ExternalPayload(read_details(details, fields)?))
        }
        _ => {
            fields.skip("", tag, wire_type, &mut rest)?;
            None
        }
    };
    Ok((field, rest))
}

/// The fields of a payload, counted.
#[derive(Default)]
struct Fields {
    read: usize,
}

impl Fields {
    /// Counts so many more.
    #[inline(always)]
    fn count(&mut self, more: usize, within: &'static str) -> Result<(), WireError> {
        self.read += more;
        match self.read {
            ..=MAX_FIELDS => Ok(()),
            _ => Err(WireError::new(within, "too many fields")),
        }
    }

    /// The next field's number and what kind of content it has.
    fn next(
        &mut self,
        within: &'static str,
        rest: &mut &[u8],
    ) -> Result<(u32, WireType), WireError> {
        self.count(1, within)?;
        decode_key(rest).map_err(|error| WireError::within(within, error))
    }

    fn skip(
        &mut self,
        within: &'static str,
        tag: u32,
        wire_type: WireType,
        rest: &mut &[u8],
    ) -> Result<(), WireError> {
        if wire_type == WireType::StartGroup {
            return self.skip_group(within, tag, rest);
        }
        skip_field(wire_type, tag, rest, DecodeContext::default())
            .map_err(|error| WireError::within(within, error))
    }

    /// Skips a group, and counts what is in it, which prost does not.
    fn skip_group(
        &mut self,
        within: &'static str,
        tag: u32,
        rest: &mut &[u8],
    ) -> Result<(), WireError> {
        let mut open = vec![tag];
        while let Some(&group) = open.last() {
            let (tag, wire_type) = self.next(within, rest)?;
            match wire_type {
                WireType::StartGroup if open.len() == MAX_DEPTH => {
                    return Err(WireError::new(within, "recursion limit reached"));
                }
                WireType::StartGroup => open.push(tag),
                WireType::EndGroup if tag == group => {
                    open.pop();
                }
                _ => self.skip(within, tag, wire_type, rest)?,
            }
        }
        Ok(())
    }
}

fn length<'a>(
    metadata: impl Iterator<Item = (&'a str, &'a [u8])>,
    data: &[u8],
    external_payloads: &[i64],
) -> usize {
    let external = external_payloads.iter();
    metadata
        .map(|entry| nested(entry_length(entry)))
        .sum::<usize>()
        + bytes_length(data)
        + external
            .map(|size| nested(details_length(*size)))
            .sum::<usize>()
}

fn write<'a>(
    metadata: impl Iterator<Item = (&'a str, &'a [u8])>,
    data: &[u8],
    external_payloads: &[i64],
    bytes: &mut impl BufMut,
) {
    for (key, value) in metadata {
        encode_key(METADATA, WireType::LengthDelimited, bytes);
        encode_varint(entry_length((key, value)) as u64, bytes);
        append(KEY, key.as_bytes(), bytes);
        append(VALUE, value, bytes);
    }
    append(DATA, data, bytes);
    for size in external_payloads {
        encode_key(EXTERNAL_PAYLOADS, WireType::LengthDelimited, bytes);
        encode_varint(details_length(*size) as u64, bytes);
        if *size != 0 {
            encode_key(SIZE_BYTES, WireType::Varint, bytes);
            encode_varint(size.cast_unsigned(), bytes);
        }
    }
}

/// What is in a field that has a length before it.
fn content<'a>(
    name: &'static str,
    wire_type: WireType,
    rest: &mut &'a [u8],
) -> Result<&'a [u8], WireError> {
    let within = |error: DecodeError| WireError::within(name, error);
    check_wire_type(WireType::LengthDelimited, wire_type).map_err(within)?;
    let length = decode_varint(rest).map_err(within)?;
    let taken = usize::try_from(length)
        .ok()
        .and_then(|length| rest.split_at_checked(length));
    let (content, after) = taken.ok_or(WireError::new(name, "buffer underflow"))?;
    *rest = after;
    Ok(content)
}

#[inline(always)]
fn read_entry<'a, K>(
    entry: &'a [u8],
    as_key: &impl Fn(&'a [u8]) -> Option<K>,
    fields: &mut Fields,
) -> Result<Field<'a, K>, WireError> {
    let (key, value) = if let Some((key, after)) = usual(KEY_KEY, entry)
        && let Some((value, [])) = usual(VALUE_KEY, after)
    {
        fields.count(2, "metadata")?;
        (key, value)
    } else {
        read_unusual_entry(entry, fields)?
    };
    let key = as_key(key).ok_or(WireError::new("metadata", "a key is not UTF-8"))?;
    Ok(Field::Entry(key, value))
}

#[cold]
#[inline(never)]
fn read_unusual_entry<'a>(
    mut rest: &'a [u8],
    fields: &mut Fields,
) -> Result<(&'a [u8], &'a [u8]), WireError> {
    let (mut key, mut value) = (&[][..], &[][..]);
    while !rest.is_empty() {
        let (tag, wire_type) = fields.next("metadata", &mut rest)?;
        match tag {
            KEY => key = content("metadata", wire_type, &mut rest)?,
            VALUE => value = content("metadata", wire_type, &mut rest)?,
            _ => fields.skip("metadata", tag, wire_type, &mut rest)?,
        }
    }
    Ok((key, value))
}

fn read_details(mut rest: &[u8], fields: &mut Fields) -> Result<i64, WireError> {
    let mut size = 0;
    let within = |error: DecodeError| WireError::within("external_payloads", error);
    while !rest.is_empty() {
        let (tag, wire_type) = fields.next("external_payloads", &mut rest)?;
        if tag == SIZE_BYTES {
            check_wire_type(WireType::Varint, wire_type).map_err(within)?;
            size = decode_varint(&mut rest).map_err(within)?.cast_signed();
        } else {
            fields.skip("external_payloads", tag, wire_type, &mut rest)?;
        }
    }
    Ok(size)
}

/// Appends a field that has a length before it, unless it is empty.
fn append(tag: u32, content: &[u8], bytes: &mut impl BufMut) {
    if !content.is_empty() {
        encode_key(tag, WireType::LengthDelimited, bytes);
        encode_varint(content.len() as u64, bytes);
        bytes.put_slice(content);
    }
}

fn bytes_length(content: &[u8]) -> usize {
    match content.len() {
        0 => 0,
        length => nested(length),
    }
}

fn entry_length((key, value): (&str, &[u8])) -> usize {
    bytes_length(key.as_bytes()) + bytes_length(value)
}

fn details_length(size: i64) -> usize {
    match size {
        0 => 0,
        size => 1 + encoded_len_varint(size.cast_unsigned()),
    }
}

/// With its key, which is one byte, and its length before it.
fn nested(length: usize) -> usize {
    1 + encoded_len_varint(length as u64) + length
}

/// Bytes that are not a payload in protobuf's binary format.
///
/// `Display` says what is wrong and in which field, and gives nothing of the bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct WireError {
    field: &'static str,
    reason: Reason,
}

#[derive(Clone, PartialEq, Eq)]
enum Reason {
    Ours(&'static str),
    Prosts(DecodeError),
}

impl WireError {
    fn new(field: &'static str, reason: &'static str) -> Self {
        let reason = Reason::Ours(reason);
        Self { field, reason }
    }

    fn within(field: &'static str, error: DecodeError) -> Self {
        let reason = Reason::Prosts(error);
        Self { field, reason }
    }
}

/// As what is displayed: prost's own would show input.
impl fmt::Debug for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WireError({self})")
    }
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a Payload: ")?;
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        let error = match &self.reason {
            Reason::Ours(reason) => return f.write_str(reason),
            Reason::Prosts(error) => error.to_string(),
        };
        let reason = error
            .strip_prefix("failed to decode Protobuf message: ")
            .unwrap_or(&error);
        // prost ends in the number where a key or a wire type does not exist, and that is input: a key is as
        // many as ten bytes of it.
        let reason = reason.trim_end_matches(|last: char| last.is_ascii_digit());
        f.write_str(reason.trim_end_matches(": "))
    }
}

impl std::error::Error for WireError {}
