//! An artifact: bytes of unknown worth, known by their digest.
//!
//! The server only measures, hashes and looks at the first bytes. Everything that parses is
//! for the compiler's process: [`shape`] first, which is a plain walk.

pub(super) mod shape;

use std::fmt;

use aws_lc_rs::digest::{Context, SHA256};

use super::unfit::Unfit;
use crate::limits::{ARTIFACT_BYTES, HERE_BYTES};

/// The SHA-256 of an artifact: what it is known by.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

/// Refuses what need not be parsed to be refused.
pub(super) fn look(artifact: &[u8]) -> Result<(), Unfit> {
    if artifact.len() as u64 > ARTIFACT_BYTES {
        return Err(Unfit::TooLarge(artifact.len() as u64));
    }
    let what = match artifact {
        [] => "it is empty",
        [0, b'a', b's', b'm', 0x0d, 0, 1, 0, ..] => return Ok(()),
        [0, b'a', b's', b'm', 1, 0, 0, 0, ..] => {
            "it is a core module; build it with --target wasm32-wasip2, or wrap it with `wasm-tools component new`"
        }
        [0, b'a', b's', b'm', ..] => "its version of the binary format is unknown",
        [0x7f, b'E', b'L', b'F', ..] => {
            "it is precompiled native code (.cwasm), which is never accepted; ship the .wasm it was made from"
        }
        _ => "it does not begin with \\0asm",
    };
    Err(Unfit::NotAComponent(what.to_owned()))
}

/// Lets requests go first after a block of that size: the kernel lets a thread that has work for
/// longer go on for milliseconds while they wait.
pub(crate) fn give_way(block: usize) {
    if block == HERE_BYTES {
        std::thread::yield_now();
    }
}

impl Digest {
    /// The digest of those bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let mut hash = Context::new(&SHA256);
        for block in bytes.chunks(HERE_BYTES) {
            hash.update(block);
            give_way(block.len());
        }
        Self::end(hash)
    }

    /// The digest of what the reader has.
    pub fn of_reader(mut reader: impl std::io::Read) -> std::io::Result<Self> {
        let mut hash = Context::new(&SHA256);
        // Key files come through here too.
        let mut block = zeroize::Zeroizing::new(vec![0; HERE_BYTES]);
        loop {
            match reader.read(block.as_mut()) {
                Ok(0) => return Ok(Self::end(hash)),
                Ok(read) => {
                    hash.update(&block[..read]);
                    give_way(read);
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The digest of what the hash was fed with.
    pub(super) fn end(hash: Context) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(hash.finish().as_ref());
        Self(bytes)
    }

    /// The digest with those bytes.
    pub(super) fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub(super) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first 12 hexadecimal digits: enough for people to tell artifacts apart.
    pub fn short(&self) -> String {
        let mut text = self.to_string();
        text.truncate("sha256:".len() + 12);
        text
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.short())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_of_all_bytes_however_many_and_wherever_they_are() {
        let of = |bytes: &[u8]| Digest::of(bytes).to_string();
        let known = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(of(b"abc"), known);
        for size in [
            0,
            1,
            HERE_BYTES - 1,
            HERE_BYTES,
            HERE_BYTES + 1,
            3 * HERE_BYTES,
        ] {
            let mut bytes = vec![7; size];
            let whole = aws_lc_rs::digest::digest(&SHA256, &bytes);
            assert_eq!(Digest::of(&bytes).as_bytes(), whole.as_ref());
            let read = Digest::of_reader(bytes.as_slice()).expect("a slice can be read");
            assert_eq!(read, Digest::of(&bytes));
            if let Some(last) = bytes.last_mut() {
                *last = 8;
                assert_ne!(Digest::of(&bytes), read);
            }
        }
    }

    #[test]
    fn what_is_no_component_is_refused_in_words_before_it_is_parsed() {
        let check = |artifact: &[u8], expected: &str| {
            let error = look(artifact).expect_err("not a component").to_string();
            assert!(error.contains(expected), "{error}");
        };
        check(b"", "empty");
        check(b"#!/bin/sh", "does not begin with");
        check(b"\0asm\x01\0\0\0", "core module");
        check(b"\0asm\x02\0\0\0", "version");
        check(b"\x7fELF", "precompiled");
        assert_eq!(look(b"\0asm\x0d\0\x01\0"), Ok(()));
    }
}
