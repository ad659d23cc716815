//! `open-each` and `seal-each` of the interface `keyring`.
//!
//! What is generated for them takes lists whose elements own what they have.
#![allow(
    unsafe_code,
    reason = "functions of the host's, as the canonical ABI has them"
)]

use super::in_place::{List, SealedPayload, error};
use crate::host::{KeyError, Sealed};
use crate::memory;

/// `result<list<u8>, unopened>`
#[repr(C)]
#[derive(Default)]
struct Opened {
    is_error: usize,
    /// Or which could not be opened, in the place of the address, and the error's number.
    plaintexts: List,
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

/// Opens each `nonce || ciphertext || tag` with the key of the id before it.
pub(super) fn open(sealed: &[(&str, &[u8])]) -> Result<Vec<u8>, (usize, KeyError)> {
    let list = sealed.iter().map(|(key_id, sealed)| ToOpen {
        key_id: List::of(key_id.as_bytes()),
        sealed: List::of(sealed),
        associated: List::of(&[]),
    });
    let list: Vec<_> = list.collect();
    let mut answer = Opened::default();
    // SAFETY: the host reads what it is given, and writes to what it allocates.
    unsafe { open_each(list.as_ptr(), list.len(), &raw mut answer) };
    let plaintexts = answer.plaintexts;
    match answer.is_error {
        // SAFETY: the host has written a list of bytes to what it allocated.
        0 => Ok(unsafe { memory::handed_in(plaintexts.at, plaintexts.length) }),
        _ => Err((plaintexts.at, error(plaintexts.length))),
    }
}

/// Seals each, with the key of that id or else the active one.
pub(super) fn seal(key_id: Option<&str>, plaintexts: &[&[u8]]) -> Result<Sealed, KeyError> {
    let list = plaintexts.iter().map(|plaintext| ToSeal {
        plaintext: List::of(plaintext),
        associated: List::of(&[]),
    });
    let list: Vec<_> = list.collect();
    let id = List::of(key_id.unwrap_or_default().as_bytes());
    let mut answer = SealedPayload::default();
    // SAFETY: the host reads what it is given, and writes to what it allocates.
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
        return Err(answer.key_id.error());
    }
    // SAFETY: the host has written a string and a list of bytes to what it allocated.
    unsafe {
        let key_id = memory::handed_in(answer.key_id.at, answer.key_id.length);
        Ok(Sealed {
            key_id: String::from_utf8_unchecked(key_id),
            bytes: memory::handed_in(answer.sealed.at, answer.sealed.length),
        })
    }
}
