//! `open-bytes` and `seal-bytes` of the interface `keyring`, with their answers in the place of their
//! arguments.
//!
//! What is generated for them has answers in blocks of their own, and a payload is what memory has to
//! grow for: that is dear, and all of it is wiped after the call.
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
pub(super) struct List {
    pub(super) at: usize,
    pub(super) length: usize,
}

/// `result<list<u8>, key-error>`
#[repr(C)]
#[derive(Default)]
struct Opened {
    is_error: usize,
    /// Or the error's number, in the place of the address.
    plaintext: List,
}

/// `result<sealed-payload, key-error>`
#[repr(C)]
#[derive(Default)]
pub(super) struct SealedPayload {
    pub(super) is_error: usize,
    /// Or the error's number, in the place of the address.
    pub(super) key_id: List,
    pub(super) sealed: List,
}

#[link(wasm_import_module = "temporal:codec/keyring@1.0.0")]
unsafe extern "C" {
    #[link_name = "open-bytes"]
    fn open_bytes(
        key_id: usize,
        key_id_length: usize,
        sealed: usize,
        sealed_length: usize,
        associated: usize,
        associated_length: usize,
        answer: *mut Opened,
    );

    #[link_name = "seal-bytes"]
    fn seal_bytes(
        has_key_id: u32,
        key_id: usize,
        key_id_length: usize,
        plaintext: usize,
        plaintext_length: usize,
        associated: usize,
        associated_length: usize,
        head: usize,
        head_length: usize,
        answer: *mut SealedPayload,
    );
}

impl List {
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self {
            at: bytes.as_ptr().expose_provenance(),
            length: bytes.len(),
        }
    }

    /// The error whose number is where an address would be.
    pub(super) fn error(self) -> KeyError {
        error(self.at)
    }
}

/// The error of that number.
pub(super) fn error(number: usize) -> KeyError {
    // SAFETY: the host answers one of the errors there are.
    let error = unsafe { keyring::KeyError::_lift(number as u8) };
    error.into()
}

/// Opens `nonce || ciphertext || tag` where it is.
pub(super) fn open(
    mut payload: Vec<u8>,
    key_id: Range<usize>,
    sealed: Range<usize>,
) -> Result<Vec<u8>, KeyError> {
    let key_id = List::of(&payload[key_id]);
    let sealed = &mut payload[sealed];
    let (at, length) = (sealed.as_mut_ptr().expose_provenance(), sealed.len());
    memory::offer(at + NONCE, length.saturating_sub(NONCE + TAG), 0);
    let mut answer = Opened::default();
    // SAFETY: the host reads what it is given, and writes to what it allocates. That is the room that
    // was offered, which is in the payload, and nobody has a reference of it.
    unsafe {
        open_bytes(key_id.at, key_id.length, at, length, at, 0, &raw mut answer);
    }
    memory::withdraw();
    match answer.is_error {
        0 => Ok(memory::part(
            payload,
            answer.plaintext.at,
            answer.plaintext.length,
        )),
        _ => Err(answer.plaintext.error()),
    }
}

/// Puts head and nonce before the payload and a tag behind it, sealed: where it is, if it has the
/// room that lists have which are handed in.
pub(super) fn seal(
    key_id: Option<&str>,
    mut payload: Vec<u8>,
    head: &[u8],
    has_room: bool,
) -> Result<Sealed, KeyError> {
    let plaintext = List {
        at: payload.as_mut_ptr().expose_provenance(),
        length: payload.len(),
    };
    let before = head.len() + NONCE;
    // A payload of no bytes is at no address.
    let at = plaintext.at.wrapping_sub(before);
    let length = before + plaintext.length + TAG;
    let is_in_place = has_room && memory::has_room(&payload, before, TAG);
    if is_in_place {
        // The id of the key is handed in before it.
        memory::offer(at, length, 1);
    }
    let (id, head) = (
        List::of(key_id.unwrap_or_default().as_bytes()),
        List::of(head),
    );
    let mut answer = SealedPayload::default();
    // SAFETY: the host reads what it is given, and writes to what it allocates. That is the room that
    // was offered, which is the payload's, and nobody has a reference of it.
    unsafe {
        seal_bytes(
            key_id.is_some().into(),
            id.at,
            id.length,
            plaintext.at,
            plaintext.length,
            plaintext.at,
            0,
            head.at,
            head.length,
            &raw mut answer,
        );
    }
    memory::withdraw();
    if answer.is_error != 0 {
        return Err(answer.key_id.error());
    }
    // SAFETY: the host has written a string and a list of bytes to what it allocated.
    let (key_id, bytes) = unsafe {
        let key_id = memory::handed_in(answer.key_id.at, answer.key_id.length);
        let bytes = match is_in_place && answer.sealed.at == at {
            true => memory::with_room(payload, before, TAG),
            false => memory::handed_in(answer.sealed.at, answer.sealed.length),
        };
        (String::from_utf8_unchecked(key_id), bytes)
    };
    Ok(Sealed { key_id, bytes })
}
