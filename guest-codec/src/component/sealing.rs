//! `open-each` and `seal-each` of the interface `keyring`.
//!
//! What is generated for them takes lists whose elements own what they have, and has answers in blocks
//! of their own. A large payload is what memory has to grow for: that is dear, and all of it is wiped
//! after the call. So large ones are opened and sealed in the place where they are.
#![allow(
    unsafe_code,
    reason = "functions of the host's, as the canonical ABI has them"
)]

use std::ops::Range;

use super::keyring;
use crate::host::{KeyError, NONCE, Sealed, TAG};
use crate::memory;

/// A list or a string.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct List {
    at: usize,
    length: usize,
}

/// `to-open`
#[repr(C)]
struct ToOpen {
    key_id: List,
    sealed: List,
    associated: List,
}

/// `to-seal`
#[repr(C)]
struct ToSeal {
    plaintext: List,
    associated: List,
}

/// `result<list<u8>, unopened>`
#[repr(C)]
#[derive(Default)]
struct Opened {
    is_error: usize,
    /// Or which could not be opened, in the place of the address, and the error's number.
    plaintexts: List,
}

/// `result<sealed-payload, key-error>`
#[repr(C)]
#[derive(Default)]
struct SealedPayload {
    is_error: usize,
    /// Or the error's number, in the place of the address.
    key_id: List,
    sealed: List,
}

#[link(wasm_import_module = "temporal:codec/keyring@1.0.0")]
unsafe extern "C" {
    #[link_name = "open-each"]
    fn open_each(sealed: *const ToOpen, count: usize, answer: *mut Opened);

    #[link_name = "seal-each"]
    fn seal_each(
        has_key_id: u32,
        key_id: usize,
        key_id_length: usize,
        plaintexts: *const ToSeal,
        count: usize,
        answer: *mut SealedPayload,
    );
}

impl List {
    const NOTHING: Self = Self { at: 0, length: 0 };

    fn of(bytes: &[u8]) -> Self {
        Self {
            at: bytes.as_ptr().expose_provenance(),
            length: bytes.len(),
        }
    }
}

impl ToOpen {
    fn new(key_id: &[u8], sealed: &[u8]) -> Self {
        Self {
            key_id: List::of(key_id),
            sealed: List::of(sealed),
            associated: List::NOTHING,
        }
    }
}

impl ToSeal {
    fn new(plaintext: &[u8]) -> Self {
        Self {
            plaintext: List::of(plaintext),
            associated: List::NOTHING,
        }
    }
}

/// Opens each `nonce || ciphertext || tag` with the key of the id before it.
pub(super) fn open(sealed: &[[&[u8]; 2]]) -> Result<Vec<u8>, (usize, KeyError)> {
    let list = sealed.iter();
    let list = list.map(|[key_id, sealed]| ToOpen::new(key_id, sealed));
    let opened = call_open(&list.collect::<Vec<_>>())?;
    // SAFETY: the host has written a list of bytes to what it allocated.
    Ok(unsafe { memory::handed_in(opened.at, opened.length) })
}

/// Opens what is a part of the payload, where it is.
pub(super) fn open_in_place(
    payload: Vec<u8>,
    key_id: Range<usize>,
    sealed: Range<usize>,
) -> Result<Vec<u8>, KeyError> {
    let sealed = ToOpen::new(&payload[key_id], &payload[sealed]);
    let List { at, length } = sealed.sealed;
    memory::offer(at + NONCE, length.saturating_sub(NONCE + TAG), 0);
    let opened = call_open(&[sealed]);
    memory::withdraw();
    let opened = opened.map_err(|(_, error)| error)?;
    Ok(memory::part(payload, opened.at, opened.length))
}

fn call_open(list: &[ToOpen]) -> Result<List, (usize, KeyError)> {
    let mut answer = Opened::default();
    // SAFETY: the host reads what it is given, and writes to what it allocates. If that is room that
    // was offered, it is the caller's, who has no reference of it.
    unsafe { open_each(list.as_ptr(), list.len(), &raw mut answer) };
    let plaintexts = answer.plaintexts;
    match answer.is_error {
        0 => Ok(plaintexts),
        _ => Err((plaintexts.at, error(plaintexts.length))),
    }
}

/// Seals each, with the key of that id or else the active one.
pub(super) fn seal(key_id: Option<&str>, plaintexts: &[&[u8]]) -> Result<Sealed, KeyError> {
    let list = plaintexts.iter().map(|plaintext| ToSeal::new(plaintext));
    let (key_id, sealed) = call_seal(key_id, &list.collect::<Vec<_>>())?;
    // SAFETY: the host has written a list of bytes to what it allocated.
    let bytes = unsafe { memory::handed_in(sealed.at, sealed.length) };
    Ok(Sealed { key_id, bytes })
}

/// Puts head and nonce before the payload and a tag behind it, sealed. It is where it was, unless it
/// has to be moved for want of the room that lists have which are handed in.
pub(super) fn seal_in_place(
    key_id: Option<&str>,
    payload: Vec<u8>,
    head: &[u8],
    has_room: bool,
) -> Result<Sealed, KeyError> {
    let (begin, before, length) = (head.len(), head.len() + NONCE, payload.len());
    let mut bytes = match has_room && memory::has_room(&payload, before, TAG) {
        // SAFETY: it was handed in, and has the room.
        true => unsafe { memory::with_room(payload, before, TAG) },
        false => {
            let mut bytes = payload;
            bytes.reserve_exact(before + memory::BEHIND);
            bytes.resize(before + length + TAG, 0);
            bytes.copy_within(..length, before);
            bytes
        }
    };
    bytes[..begin].copy_from_slice(head);
    let plaintext = ToSeal::new(&bytes[before..before + length]);
    let place = bytes[begin..].as_mut_ptr().expose_provenance();
    // The id of the key is handed in before it.
    memory::offer(place, bytes.len() - begin, 1);
    let answer = call_seal(key_id, &[plaintext]);
    memory::withdraw();
    let (key_id, sealed) = answer?;
    // The host puts it nowhere else.
    assert!(sealed.at == place);
    Ok(Sealed { key_id, bytes })
}

fn call_seal(key_id: Option<&str>, list: &[ToSeal]) -> Result<(String, List), KeyError> {
    let id = List::of(key_id.unwrap_or_default().as_bytes());
    let mut answer = SealedPayload::default();
    // SAFETY: as to open them.
    unsafe {
        seal_each(
            key_id.is_some().into(),
            id.at,
            id.length,
            list.as_ptr(),
            list.len(),
            &raw mut answer,
        );
    }
    if answer.is_error != 0 {
        return Err(error(answer.key_id.at));
    }
    // SAFETY: the host has written a string to what it allocated.
    let key_id = unsafe {
        let key_id = memory::handed_in(answer.key_id.at, answer.key_id.length);
        String::from_utf8_unchecked(key_id)
    };
    Ok((key_id, answer.sealed))
}

/// The error of that number.
fn error(number: usize) -> KeyError {
    // SAFETY: the host answers one of the errors there are.
    let error = unsafe { keyring::KeyError::_lift(number as u8) };
    error.into()
}
