//! `open-bytes` of the interface `keyring`, with its answer in the place of its argument.
//!
//! What is generated for it has the plaintext in a block of its own, and a payload is what memory has
//! to grow for: that is dear, and all of it is wiped after the call.
#![allow(
    unsafe_code,
    reason = "a function of the host's, as the canonical ABI has it"
)]

use std::ops::Range;

use super::keyring;
use crate::host::{KeyError, NONCE, TAG};
use crate::memory;

/// `result<list<u8>, key-error>`
#[repr(C, align(4))]
#[derive(Default)]
struct Answer {
    is_error: u8,
    /// The error's number, or where the list is.
    error_or_at: usize,
    length: usize,
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
        answer: *mut Answer,
    );
}

/// Opens `nonce || ciphertext || tag` where it is.
pub(super) fn open(
    mut payload: Vec<u8>,
    key_id: Range<usize>,
    sealed: Range<usize>,
) -> Result<Vec<u8>, KeyError> {
    let key_id = payload[key_id].as_ptr_range();
    let sealed = &mut payload[sealed];
    let (at, length) = (sealed.as_mut_ptr().expose_provenance(), sealed.len());
    memory::offer(at + NONCE, length.saturating_sub(NONCE + TAG));
    let mut answer = Answer::default();
    // SAFETY: the host reads what it is given, and writes to what it allocates. That is the room that
    // was offered, which is in the payload, and nobody has a reference of it.
    unsafe {
        open_bytes(
            key_id.start.addr(),
            key_id.end.addr() - key_id.start.addr(),
            at,
            length,
            at,
            0,
            &raw mut answer,
        );
    }
    memory::offer(0, 0);
    if answer.is_error == 0 {
        return Ok(memory::part(payload, answer.error_or_at, answer.length));
    }
    // SAFETY: the host answers one of the errors there are.
    let error = unsafe { keyring::KeyError::_lift(answer.error_or_at as u8) };
    Err(error.into())
}
