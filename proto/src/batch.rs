//! Payloads whose bytes are all in one buffer.

use std::convert::Infallible;
use std::fmt;
use std::ops::Range;

use crate::{ExternalPayloadDetails, Payload};

/// A list of payloads: what a request holds and what a codec answers.
///
/// It takes a handful of allocations, however many payloads there are, and its parts can be
/// borrowed. A payload's metadata is sorted by key.
#[derive(Clone, Default)]
pub struct Batch {
    keys: String,
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    external_payloads: Vec<i64>,
    payloads: Vec<Parts>,
}

/// Where one entry of a payload's metadata is.
#[derive(Clone)]
struct Entry {
    key: Range<usize>,
    value: Range<usize>,
}

/// Where a payload's parts are.
#[derive(Clone)]
struct Parts {
    entries: Range<usize>,
    data: Range<usize>,
    external_payloads: Range<usize>,
}

impl Batch {
    /// Bytes that a payload takes, besides those of its parts.
    pub const PAYLOAD_SIZE: usize = size_of::<Parts>();

    /// Bytes that an entry of metadata takes, besides its key and its value.
    pub const ENTRY_SIZE: usize = size_of::<Entry>();

    /// An empty list with room for that many bytes of values and data.
    pub fn with_capacity(bytes: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(bytes),
            ..Self::default()
        }
    }

    /// How many payloads there are.
    pub fn len(&self) -> usize {
        self.payloads.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.payloads.is_empty()
    }

    /// The bytes of all keys, values and data.
    pub fn size(&self) -> usize {
        self.keys.len() + self.bytes.len()
    }

    /// The keys of all entries, one after the other.
    pub fn keys(&self) -> &str {
        &self.keys
    }

    /// The payloads in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = PayloadRef<'_>> {
        let refer = |parts| PayloadRef { batch: self, parts };
        self.payloads.iter().map(refer)
    }

    /// The payloads of a part of the list. Panics where there is no such part.
    pub fn part(&self, range: Range<usize>) -> Self {
        let mut part = Self::default();
        for parts in &self.payloads[range] {
            part.push(PayloadRef { batch: self, parts });
        }
        part
    }

    /// Begins a payload, which is the list's next one once it is [ended](Draft::end).
    pub fn begin(&mut self) -> Draft<'_> {
        Draft {
            entries: self.entries.len(),
            data: 0..0,
            external_payloads: self.external_payloads.len(),
            batch: self,
        }
    }

    /// Appends a copy of the payload.
    pub fn push(&mut self, payload: PayloadRef<'_>) {
        let mut draft = self.begin();
        for (key, value) in payload.metadata() {
            draft.entry(key, value);
        }
        draft.data(payload.data());
        for size in payload.external_payloads() {
            draft.external_payload(*size);
        }
        draft.end();
    }
}

/// A payload of a [`Batch`].
#[derive(Clone, Copy)]
pub struct PayloadRef<'a> {
    batch: &'a Batch,
    parts: &'a Parts,
}

impl<'a> PayloadRef<'a> {
    /// What the value is, by key, sorted.
    pub fn metadata(self) -> impl ExactSizeIterator<Item = (&'a str, &'a [u8])> {
        let entries = &self.batch.entries[self.parts.entries.clone()];
        entries.iter().map(move |entry| {
            let key = &self.batch.keys[entry.key.clone()];
            (key, &self.batch.bytes[entry.value.clone()])
        })
    }

    /// The value of that key of the metadata.
    pub fn value(self, key: &str) -> Option<&'a [u8]> {
        let mut metadata = self.metadata();
        metadata.find_map(|(other, value)| (other == key).then_some(value))
    }

    /// Whether a key of the metadata is there twice. Nothing that was read as JSON has one.
    pub fn has_duplicate_key(self) -> bool {
        let mut others = self.metadata().skip(1);
        self.metadata()
            .zip(&mut others)
            .any(|(one, other)| one.0 == other.0)
    }

    /// The value.
    pub fn data(self) -> &'a [u8] {
        &self.batch.bytes[self.parts.data.clone()]
    }

    /// The sizes of what is stored elsewhere, in bytes.
    pub fn external_payloads(self) -> &'a [i64] {
        &self.batch.external_payloads[self.parts.external_payloads.clone()]
    }
}

/// A payload that is being made. Dropped before its [end](Self::end), it never was.
pub struct Draft<'a> {
    batch: &'a mut Batch,
    entries: usize,
    data: Range<usize>,
    external_payloads: usize,
}

impl Draft<'_> {
    /// Adds an entry to the metadata.
    pub fn entry(&mut self, key: &str, value: &[u8]) {
        let Ok(()) = self.entry_with(key, |bytes| copied(value, bytes));
    }

    /// Sets the data.
    pub fn data(&mut self, data: &[u8]) {
        let Ok(()) = self.data_with(|bytes| copied(data, bytes));
    }

    /// How many entries of metadata and external payloads it has so far.
    pub(crate) fn parts(&self) -> usize {
        let entries = self.batch.entries.len() - self.entries;
        entries + self.batch.external_payloads.len() - self.external_payloads
    }

    /// Adds the size of something that is stored elsewhere.
    pub fn external_payload(&mut self, size_bytes: i64) {
        self.batch.external_payloads.push(size_bytes);
    }

    /// Adds an entry whose value is what is appended, unless that fails.
    pub(crate) fn entry_with<E>(
        &mut self,
        key: &str,
        append: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        let value = appended(&mut self.batch.bytes, append)?;
        let from = self.batch.keys.len();
        self.batch.keys.push_str(key);
        let key = from..self.batch.keys.len();
        self.batch.entries.push(Entry { key, value });
        Ok(())
    }

    /// Sets the data to what is appended, unless that fails.
    pub(crate) fn data_with<E>(
        &mut self,
        append: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.data = appended(&mut self.batch.bytes, append)?;
        Ok(())
    }

    /// Whether a key of its metadata is there twice.
    pub(crate) fn has_duplicate_key(&mut self) -> bool {
        self.sort();
        let Batch { keys, entries, .. } = &*self.batch;
        let mut pairs = entries[self.entries..].windows(2);
        pairs.any(|pair| keys[pair[0].key.clone()] == keys[pair[1].key.clone()])
    }

    /// Of each key that is there more than once, drops all entries but the last.
    pub(crate) fn keep_last(&mut self) {
        if !self.has_duplicate_key() {
            return;
        }
        let Batch { keys, entries, .. } = &mut *self.batch;
        let mut kept = self.entries;
        for at in self.entries..entries.len() {
            let key = |entry: &Entry| &keys[entry.key.clone()];
            let next = entries.get(at + 1);
            if next.is_none_or(|next| key(next) != key(&entries[at])) {
                entries.swap(kept, at);
                kept += 1;
            }
        }
        entries.truncate(kept);
    }

    /// Makes it the list's next payload.
    pub fn end(mut self) {
        self.sort();
        self.batch.payloads.push(Parts {
            entries: self.entries..self.batch.entries.len(),
            data: self.data,
            external_payloads: self.external_payloads..self.batch.external_payloads.len(),
        });
    }

    fn sort(&mut self) {
        let Batch { keys, entries, .. } = &mut *self.batch;
        let key = |entry: &Entry| &keys[entry.key.clone()];
        let own = &mut entries[self.entries..];
        if !own.is_sorted_by(|one, other| key(one) <= key(other)) {
            own.sort_by(|one, other| key(one).cmp(key(other)));
        }
    }
}

fn copied(from: &[u8], bytes: &mut Vec<u8>) -> Result<(), Infallible> {
    bytes.extend_from_slice(from);
    Ok(())
}

fn appended<E>(
    bytes: &mut Vec<u8>,
    append: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
) -> Result<Range<usize>, E> {
    let from = bytes.len();
    append(bytes)?;
    Ok(from..bytes.len())
}

impl PartialEq for Batch {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len()
            && self
                .iter()
                .zip(other.iter())
                .all(|(one, other)| one == other)
    }
}

impl PartialEq for PayloadRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.metadata().eq(other.metadata())
            && self.data() == other.data()
            && self.external_payloads() == other.external_payloads()
    }
}

/// How many there are, and none of them: payloads are other people's secrets.
impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("payloads", &self.len())
            .finish_non_exhaustive()
    }
}

impl<'a> FromIterator<&'a Payload> for Batch {
    fn from_iter<I: IntoIterator<Item = &'a Payload>>(payloads: I) -> Self {
        let mut batch = Self::default();
        for payload in payloads {
            let mut draft = batch.begin();
            for (key, value) in &payload.metadata {
                draft.entry(key, value);
            }
            draft.data(&payload.data);
            for details in &payload.external_payloads {
                draft.external_payload(details.size_bytes);
            }
            draft.end();
        }
        batch
    }
}

/// Of a key that is there twice, the last value counts.
impl From<PayloadRef<'_>> for Payload {
    fn from(payload: PayloadRef<'_>) -> Self {
        let metadata = payload.metadata();
        let external = payload.external_payloads().iter();
        Self {
            metadata: metadata
                .map(|(key, value)| (key.to_owned(), value.to_vec()))
                .collect(),
            data: payload.data().to_vec(),
            external_payloads: external
                .map(|&size_bytes| ExternalPayloadDetails { size_bytes })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_come_back_sorted_by_key() {
        let mut batch = Batch::default();
        let mut draft = batch.begin();
        draft.entry("b", b"2");
        draft.data(b"data");
        draft.entry("a", b"1");
        draft.external_payload(7);
        draft.end();
        batch.begin().end();

        let payloads: Vec<Payload> = batch.iter().map(Payload::from).collect();
        let metadata = [("a".into(), b"1".into()), ("b".into(), b"2".into())];
        let first = Payload {
            metadata: metadata.into(),
            data: b"data".into(),
            external_payloads: vec![ExternalPayloadDetails { size_bytes: 7 }],
        };
        assert_eq!(payloads, [first, Payload::default()]);
        assert_eq!(payloads.iter().collect::<Batch>(), batch);
        assert_eq!(batch.part(1..2), [&payloads[1]].into_iter().collect());
    }

    #[test]
    fn a_draft_that_is_not_ended_never_was() {
        let mut batch = Batch::default();
        batch.begin().entry("key", b"value");
        assert!(batch.is_empty());
        batch.begin().end();
        assert_eq!(
            batch
                .iter()
                .map(|payload| payload.metadata().len())
                .sum::<usize>(),
            0
        );
    }

    #[test]
    fn duplicate_keys_are_seen() {
        let check = |keys: &[&str], expected: bool| {
            let mut batch = Batch::default();
            let mut draft = batch.begin();
            keys.iter().for_each(|key| draft.entry(key, b""));
            draft.end();
            let found = batch.iter().any(PayloadRef::has_duplicate_key);
            assert_eq!(found, expected, "{keys:?}");
        };
        check(&[], false);
        check(&["a"], false);
        check(&["a", "b", "a"], true);
        check(&["", ""], true);
        check(&["b", "a", "c"], false);
    }
}
