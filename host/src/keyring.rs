//! The keys of a namespace, and the one algorithm they are used with: AES-GCM.
//!
//! Sealed bytes are `nonce (12) || ciphertext || tag (16)`, the layout of the SDKs' encryption
//! samples. Key material has no `Debug`, `Display` or `Clone`, and is wiped when the last user of
//! the key is done with it.
//!
//! Where keys come from is [`KeySource`]; when they are read again is [`crate::reload`]'s to say.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use aws_lc_rs::aead::{AES_128_GCM, AES_192_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use rand::Rng;
use zeroize::Zeroizing;

/// Bytes of a nonce: what the SDK samples use, and GCM is made for.
pub const NONCE: usize = 12;

/// Bytes of an authentication tag.
pub const TAG: usize = 16;

/// The SDK samples' public key, for demonstrations.
pub const DEMO_KEY: &[u8; 32] = b"test-key-test-key-test-key-test!";

/// The keys that one namespace has, by id.
#[derive(Default)]
pub struct Keyring {
    keys: BTreeMap<Box<str>, Arc<Key>>,
    active: Option<Arc<Key>>,
    /// Opens what no listed key is named for: the demonstration's.
    any: Option<Arc<Key>>,
    exportable: bool,
}

impl Keyring {
    /// A keyring of these keys. `active` is the id of the one that seals.
    pub fn new(
        keys: impl IntoIterator<Item = Key>,
        active: Option<&str>,
        exportable: bool,
    ) -> Result<Self, UnknownKey> {
        let keys: BTreeMap<_, _> = keys
            .into_iter()
            .map(|key| (key.id.clone(), Arc::new(key)))
            .collect();
        let active = match active {
            Some(id) => Some(Arc::clone(keys.get(id).ok_or(UnknownKey)?)),
            None => None,
        };
        Ok(Self {
            keys,
            active,
            any: None,
            exportable,
        })
    }

    /// The demonstration's: one public key, whatever id a payload names.
    pub fn demo() -> Self {
        let key = Key::new("test-key-id", Zeroizing::new(DEMO_KEY.to_vec()));
        let key = Arc::new(key.expect("32 bytes are an AES key"));
        Self {
            keys: BTreeMap::new(),
            active: Some(Arc::clone(&key)),
            any: Some(key),
            exportable: true,
        }
    }

    /// The key of that id.
    pub fn find(&self, id: &str) -> Result<&Arc<Key>, UnknownKey> {
        self.keys.get(id).or(self.any.as_ref()).ok_or(UnknownKey)
    }

    /// The key that seals, where there is one.
    pub fn active(&self) -> Option<&Arc<Key>> {
        self.active.as_ref()
    }

    /// Whether the operator let the namespace's codec have the bytes of its keys.
    pub fn exportable(&self) -> bool {
        self.exportable
    }
}

/// One key.
pub struct Key {
    id: Box<str>,
    /// The expanded key, which the library wipes.
    cipher: LessSafeKey,
    material: Zeroizing<Vec<u8>>,
}

impl Key {
    /// The AES key of 16, 24 or 32 bytes, under that id.
    pub fn new(id: &str, material: Zeroizing<Vec<u8>>) -> Result<Self, KeyLength> {
        let algorithm = match material.len() {
            16 => &AES_128_GCM,
            24 => &AES_192_GCM,
            _ => &AES_256_GCM,
        };
        let cipher = UnboundKey::new(algorithm, &material)
            .map(LessSafeKey::new)
            .map_err(|_| KeyLength(material.len()))?;
        Ok(Self {
            id: id.into(),
            cipher,
            material,
        })
    }

    /// The id it is configured under. It may be a secret itself (the Java sample's is the
    /// key), so it goes into payloads and nowhere else.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The 16, 24 or 32 bytes.
    pub fn material(&self) -> &[u8] {
        &self.material
    }

    /// `nonce || ciphertext || tag`, with a nonce drawn at random: sound for 2^32 calls per
    /// key (NIST SP 800-38D, 8.3).
    pub fn seal(&self, plaintext: &[u8], associated_data: &[u8]) -> Vec<u8> {
        self.seal_behind(&[], plaintext, associated_data)
    }

    /// The same with a head before it, which is neither sealed nor authenticated.
    pub fn seal_behind(&self, head: &[u8], plaintext: &[u8], associated_data: &[u8]) -> Vec<u8> {
        let begin = head.len() + NONCE;
        let mut sealed = Vec::with_capacity(begin + plaintext.len() + TAG);
        sealed.extend_from_slice(head);
        sealed.resize(begin, 0);
        sealed.extend_from_slice(plaintext);
        sealed.resize(sealed.len() + TAG, 0);
        self.seal_in_place(&mut sealed[head.len()..], associated_data);
        sealed
    }

    /// The same for a plaintext that is in its place, with [`NONCE`] bytes of room before it and
    /// [`TAG`] behind it.
    pub fn seal_in_place(&self, sealed: &mut [u8], associated_data: &[u8]) {
        let (nonce, rest) = sealed.split_first_chunk_mut::<NONCE>().expect(ROOM);
        let (text, tag) = rest.split_last_chunk_mut::<TAG>().expect(ROOM);
        self.cipher
            .seal_in_place_scatter(draw(nonce), Aad::from(associated_data), text, &[], tag)
            .expect(SEALS);
    }

    /// The same from one place to another, which has room for [`NONCE`] and [`TAG`] as well, and for
    /// nothing else.
    pub fn seal_to(&self, plaintext: &[u8], associated_data: &[u8], sealed: &mut [u8]) {
        let (nonce, rest) = sealed.split_first_chunk_mut::<NONCE>().expect(ROOM);
        let (text, tag) = rest.split_last_chunk_mut::<TAG>().expect(ROOM);
        assert_eq!(plaintext.len(), text.len(), "{ROOM}");
        let associated_data = Aad::from(associated_data);
        self.cipher
            .seal_out_of_place_scatter(draw(nonce), associated_data, plaintext, text, &[], tag)
            .expect(SEALS);
    }

    /// What was sealed, if it was sealed with this key and this associated data.
    pub fn open(&self, sealed: &[u8], associated_data: &[u8]) -> Result<Vec<u8>, NotAuthentic> {
        let length = sealed.len().checked_sub(NONCE + TAG).ok_or(NotAuthentic)?;
        let mut text = vec![0; length];
        self.open_to(sealed, associated_data, &mut text)?;
        Ok(text)
    }

    /// The same from one place to another, which has room for the plaintext and nothing else. For
    /// what is not authentic, it holds zeros.
    pub fn open_to(
        &self,
        sealed: &[u8],
        associated_data: &[u8],
        plaintext: &mut [u8],
    ) -> Result<(), NotAuthentic> {
        let (nonce, rest) = sealed.split_first_chunk::<NONCE>().ok_or(NotAuthentic)?;
        let (text, tag) = rest.split_last_chunk::<TAG>().ok_or(NotAuthentic)?;
        let (nonce, associated_data) = (Nonce::from(nonce), Aad::from(associated_data));
        assert_eq!(text.len(), plaintext.len(), "{ROOM}");
        self.cipher
            .open_separate_gather(nonce, associated_data, text, tag, plaintext)
            .map_err(|_| {
                plaintext.fill(0);
                NotAuthentic
            })
    }

    /// The same where it is: the plaintext takes the place of what is between nonce and tag, or
    /// zeros do.
    pub fn open_in_place(
        &self,
        sealed: &mut [u8],
        associated_data: &[u8],
    ) -> Result<(), NotAuthentic> {
        let (nonce, rest) = sealed
            .split_first_chunk_mut::<NONCE>()
            .ok_or(NotAuthentic)?;
        let (text, tag) = rest.split_last_chunk_mut::<TAG>().ok_or(NotAuthentic)?;
        let (nonce, associated_data) = (Nonce::from(&*nonce), Aad::from(associated_data));
        match self
            .cipher
            .open_in_place_separate_tag(nonce, associated_data, tag, text)
        {
            Ok(_) => Ok(()),
            Err(_) => {
                text.fill(0);
                Err(NotAuthentic)
            }
        }
    }
}

/// Who is to blame where there is none.
const ROOM: &str = "room for the nonce, the text and the tag is the caller's promise";

/// Why sealing does not fail.
const SEALS: &str = "GCM seals up to 64 GiB, and a guest's memory is smaller";

/// Writes the nonce that is sealed with next.
fn draw(nonce: &mut [u8; NONCE]) -> Nonce {
    rand::rng().fill_bytes(nonce);
    Nonce::from(&*nonce)
}

/// No key of that id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownKey;

/// Sealed bytes that this key did not seal, or that were changed since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAuthentic;

/// A key of a length that AES does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyLength(usize);

impl fmt::Display for KeyLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "an AES key has 16, 24 or 32 bytes, and this has {}",
            self.0
        )
    }
}

/// Where the bytes of a key are, and how they are written there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySource {
    /// The place.
    pub place: KeyPlace,
    /// The notation.
    pub notation: KeyNotation,
}

/// Where the bytes of a key are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyPlace {
    /// A file, read again when it changes.
    File(PathBuf),
    /// An environment variable, read at start.
    Environment(String),
}

/// How the bytes of a key are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyNotation {
    /// Base64, standard or URL-safe, padded or not; white space around it is left out.
    Base64,
    /// The bytes themselves.
    Raw,
}

impl KeySource {
    /// Reads the key. The error says what is wrong, and holds no byte of what was read.
    pub fn read(&self, id: &str) -> Result<Key, String> {
        let text = match &self.place {
            KeyPlace::File(path) => std::fs::read(path)
                .map(Zeroizing::new)
                .map_err(|error| format!("cannot read {}: {error}", path.display()))?,
            KeyPlace::Environment(name) => std::env::var_os(name)
                .map(|value| Zeroizing::new(value.into_encoded_bytes()))
                .ok_or_else(|| format!("the environment variable {name} is not set"))?,
        };
        let material = match self.notation {
            KeyNotation::Raw => text,
            KeyNotation::Base64 => decode_base64(&text).ok_or_else(|| {
                format!(
                    "{} holds {} bytes that are not base64; where they are the key itself, set encoding = \"raw\"",
                    self.place,
                    text.len()
                )
            })?,
        };
        Key::new(id, material).map_err(|error| format!("{}: {error}", self.place))
    }
}

impl fmt::Display for KeyPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Environment(name) => write!(f, "the environment variable {name}"),
        }
    }
}

fn decode_base64(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let text = text.trim_ascii();
    let text = text
        .strip_suffix(b"==")
        .or(text.strip_suffix(b"="))
        .unwrap_or(text);
    base64_simd::STANDARD_NO_PAD
        .decode_to_vec(text)
        .or_else(|_| base64_simd::URL_SAFE_NO_PAD.decode_to_vec(text))
        .ok()
        .map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(length: usize) -> Key {
        let material = (0..length).map(|n| n as u8).collect();
        Key::new("k", Zeroizing::new(material)).expect("a length AES has")
    }

    #[test]
    fn opens_what_the_sdk_samples_sealed() {
        let sealed = base64_simd::STANDARD
            .decode_to_vec("AAECAwQFBgcICQoL+SuJ2idoYdJlc5Wio/f30eikViKThZLQZ/ajKHLhSIIjv0FKM8kUTrOGE6WzdDjsFiSbHStxs5olNOdW")
            .expect("base64");
        let opened = Keyring::demo()
            .find("any id")
            .unwrap()
            .open(&sealed, b"")
            .unwrap();
        assert!(opened.ends_with(b"\"Hello, Temporal!\""));
    }

    #[test]
    fn every_key_length_opens_what_it_sealed_and_nothing_else() {
        for length in [16, 24, 32] {
            let (key, other) = (
                key(length),
                Key::new("o", Zeroizing::new(vec![7; length])).unwrap(),
            );
            let mut place = [0; 12 + 5 + 16];
            key.seal_to(b"plain", b"context", &mut place);
            assert_eq!(key.open(&place, b"context").as_deref(), Ok(&b"plain"[..]));
            let sealed = key.seal(b"plain", b"context");
            assert_eq!(sealed.len(), 12 + 5 + 16);
            assert_eq!(key.open(&sealed, b"context").as_deref(), Ok(&b"plain"[..]));
            let mut opened = *b"....!";
            assert_eq!(key.open_to(&sealed, b"", &mut opened), Err(NotAuthentic));
            assert_eq!(opened, [0; 5]);
            assert_eq!(key.open_to(&sealed, b"context", &mut opened), Ok(()));
            assert_eq!(&opened, b"plain");
            let mut place = sealed.clone();
            assert_eq!(key.open_in_place(&mut place, b""), Err(NotAuthentic));
            assert_eq!((&place[..12], &place[17..]), (&sealed[..12], &sealed[17..]));
            assert_eq!(place[12..17], [0; 5]);
            place.clone_from(&sealed);
            assert_eq!(key.open_in_place(&mut place, b"context"), Ok(()));
            assert_eq!(&place[12..17], b"plain");
            assert_eq!((&place[..12], &place[17..]), (&sealed[..12], &sealed[17..]));
            assert_eq!(key.open(&sealed, b""), Err(NotAuthentic));
            assert_eq!(other.open(&sealed, b"context"), Err(NotAuthentic));
            for at in 0..sealed.len() {
                let mut changed = sealed.clone();
                changed[at] ^= 1;
                assert_eq!(key.open(&changed, b"context"), Err(NotAuthentic));
                assert_eq!(key.open(&sealed[..at], b"context"), Err(NotAuthentic));
                let opened = key.open_in_place(&mut sealed.clone()[..at], b"context");
                assert_eq!(opened, Err(NotAuthentic));
            }
        }
    }

    #[test]
    fn a_nonce_is_never_used_twice() {
        let key = key(32);
        assert_ne!(key.seal(b"same", b"")[..12], key.seal(b"same", b"")[..12]);
    }

    #[test]
    fn a_key_of_another_length_is_refused() {
        for length in [0, 15, 17, 31, 33, 64] {
            assert!(Key::new("k", Zeroizing::new(vec![0; length])).is_err());
        }
    }

    #[test]
    fn keys_are_read_in_every_notation_of_base64() {
        let material = vec![0xfb; 16];
        for text in [
            "+/v7+/v7+/v7+/v7+/v7+w==",
            "+/v7+/v7+/v7+/v7+/v7+w",
            "-_v7-_v7-_v7-_v7-_v7-w==\n",
        ] {
            assert_eq!(
                decode_base64(text.as_bytes()).unwrap().to_vec(),
                material,
                "{text}"
            );
        }
        assert!(decode_base64(b"not base64!").is_none());
    }
}
