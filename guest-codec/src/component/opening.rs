//! `open-bytes` of the interface `keyring`, with its answer in the place of its argument.
//!
//! What is generated for it has the plaintext in a block of its own, and a payload is what memory has
//! to grow for: that is dear, and all of it is wiped after the call.
#![allow(
    unsafe_code,
    reason = "a function of the host's, as the canonical ABI has it"
)]

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
        key_id: *const u8,
        key_id_length: usize,
        sealed: *const u8,
        sealed_length: usize,
        associated: *const u8,
        associated_length: usize,
        answer: *mut Answer,
    );
}

/// Opens `nonce || ciphertext || tag`: the plaintext is then where the ciphertext was.
pub(super) fn open(key_id: &str, sealed: &mut [u8]) -> Result<(), KeyError> {
    let length = sealed.len();
    let text = sealed.get_mut(NONCE..length.saturating_sub(TAG));
    let text = text.unwrap_or_default();
    let room = (&raw mut *text).cast::<u8>().expose_provenance();
    let mut answer = Answer::default();
    memory::offer(room, text.len());
    // SAFETY: the host reads what it is given and writes to what it allocates, which is the room
    // that was offered: of that nobody else has a reference now.
    unsafe {
        open_bytes(
            key_id.as_ptr(),
            key_id.len(),
            sealed.as_ptr(),
            length,
            std::ptr::dangling(),
            0,
            &raw mut answer,
        );
    }
    memory::offer(0, 0);
    // As they are numbered in `wit/`.
    match (answer.is_error, answer.error_or_at) {
        (0, at) if at == room || answer.length == 0 => Ok(()),
        (0, _) => unreachable!("the host asked for another size than that of the text"),
        (_, 0) => Err(KeyError::UnknownKey),
        (_, 1) => Err(KeyError::NoActiveKey),
        (_, 2) => Err(KeyError::NotAuthentic),
        // Nothing here exports a key, or has one opened as a record.
        _ => Err(KeyError::Unavailable),
    }
}
