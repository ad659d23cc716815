//! What was compiled before, on disk, so that a restart need not compile it again.
//!
//! Compiled code is trusted without being looked at, so an entry must be ours: the directory
//! and its files belong to us and nobody else may write to them, and each entry carries a tag
//! (HMAC-SHA256) over its content and all that it depends on, under a key that lies beside it.
//! Whoever can read the key can run code as us anyway. An entry that is not exactly so is not
//! there: the artifact is compiled again.
//!
//! It also knows the last good artifact of every place that components come from, for a start
//! that finds a bad one there.

mod file;
mod place;

use std::hash::{Hash, Hasher};
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{Context, SHA256};
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use rand::Rng;
use zeroize::Zeroizing;

use super::artifact::Digest;
use super::compiler::{Compiled, roomy, shim, steps};
use super::engine::{Engine, StackClass};
use crate::limits::{CACHE_BYTES, COMPILED_BYTES};
pub use place::CachePlace;

/// Raised when the layout of entries changes, or what compiling means.
const FORMAT: &[u8] = b"codec-host cache 2\0";

/// Where the last good artifacts are noted.
const LAST_GOOD: &str = "last-good";

/// The file that the key is in.
const KEY: &str = "key";

/// Bytes before what is tagged.
const TAG: usize = 32;

/// A directory of compiled artifacts.
pub struct Cache {
    directory: PathBuf,
    key: Zeroizing<[u8; 32]>,
    /// What code depends on besides the artifact.
    settings: [u8; 32],
    /// Bytes of all entries, about.
    used: AtomicU64,
    /// Whether it was said that nothing can be written.
    complained: AtomicBool,
}

impl Cache {
    /// Opens the cache at that place. Where it cannot be, that is said and there is none.
    pub(super) fn at(place: &CachePlace, engine: &Engine) -> Option<Self> {
        let Some(directory) = place.directory() else {
            if *place != CachePlace::Off {
                tracing::warn!("no cache: there is no home for it; name a directory, or \"off\"");
            }
            return None;
        };
        let opened = Self::open(&directory, engine);
        opened
            .inspect_err(|error| tracing::warn!("no cache, every start compiles anew: {error}"))
            .ok()
    }

    /// Opens the cache in that directory, which is made if it is not there.
    fn open(directory: &Path, engine: &Engine) -> Result<Self, String> {
        let open = || -> Result<Self, Error> {
            file::make_directory(directory)?;
            let key = match file::read(&directory.join(KEY), 0o077, 32) {
                Ok(key) => key,
                Err(error) if error.kind() == ErrorKind::NotFound => make_key(directory)?,
                Err(error) => return Err(error),
            };
            let key: [u8; 32] = key
                .as_slice()
                .try_into()
                .map_err(|_| Error::other("its key does not have 32 bytes"))?;
            let settings = settings(engine).map_err(Error::other)?;
            Ok(Self {
                directory: directory.to_owned(),
                key: Zeroizing::new(key),
                settings,
                used: AtomicU64::new(file::list(directory)?.iter().map(|entry| entry.size).sum()),
                complained: AtomicBool::new(false),
            })
        };
        open().map_err(|error| format!("{}: {error}", directory.display()))
    }

    /// What the artifact was compiled to, if it was.
    pub fn find(&self, artifact: &Digest) -> Option<Compiled> {
        let read = file::read(&self.path(artifact), 0o022, COMPILED_BYTES + TAG as u64);
        let ours = read.and_then(|entry| self.check(b"entry", artifact.as_bytes(), entry));
        let mut entry = match ours {
            Ok(entry) => entry,
            Err(error) if error.kind() == ErrorKind::NotFound => return None,
            Err(error) => {
                tracing::warn!(
                    codec = artifact.short(),
                    "not loaded from the cache: {error}"
                );
                return None;
            }
        };
        Compiled::from_bytes(entry.split_off(TAG))
    }

    /// Keeps what the artifact was compiled to.
    pub fn keep(&self, artifact: &Digest, compiled: &Compiled) {
        let content = compiled.to_bytes();
        let tag = self.mac(b"entry", artifact.as_bytes(), &content);
        let entry = [tag.as_ref(), &content].concat();
        let size = entry.len() as u64;
        if self.wrote(self.write(&self.path(artifact), &entry))
            && self.used.fetch_add(size, Ordering::Relaxed) + size > CACHE_BYTES
        {
            self.evict(CACHE_BYTES);
        }
    }

    /// Notes the artifact as the last good one from that place.
    pub fn remember(&self, place: &str, artifact: &Digest) {
        if self.recall(place) == Some(*artifact) {
            return;
        }
        let (path, id) = self.note(place);
        let tag = self.mac(b"last good", &id, artifact.as_bytes());
        let note = [tag.as_ref(), artifact.as_bytes()].concat();
        self.wrote(self.write(&path, &note));
    }

    /// The last good artifact from that place.
    pub fn recall(&self, place: &str) -> Option<Digest> {
        let (path, id) = self.note(place);
        let read = file::read(&path, 0o022, TAG as u64 + 32);
        match read.and_then(|note| self.check(b"last good", &id, note)) {
            Ok(note) => Some(Digest::from_bytes(note[TAG..].try_into().ok()?)),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => {
                let place = place.replace('\0', ", ");
                tracing::warn!("the last good component of {place} is not known: {error}");
                None
            }
        }
    }

    /// Drops the note about that place.
    pub fn forget(&self, place: &str) {
        // It may never have been there.
        let _ = std::fs::remove_file(self.note(place).0);
    }

    fn path(&self, artifact: &Digest) -> PathBuf {
        let settings = &self.settings[..8];
        let name = format!("{}-{}", hex(artifact.as_bytes()), hex(settings));
        self.directory.join(name)
    }

    /// Where the note about the place is, and the place in 32 bytes.
    fn note(&self, place: &str) -> (PathBuf, [u8; 32]) {
        let id = *Digest::of(place.as_bytes()).as_bytes();
        (self.directory.join(LAST_GOOD).join(hex(&id)), id)
    }

    /// What the key has tagged, tag and all.
    fn check(&self, what: &[u8], about: &[u8; 32], tagged: Vec<u8>) -> Result<Vec<u8>, Error> {
        let is_ours = tagged.split_at_checked(TAG).is_some_and(|(tag, content)| {
            let mac = self.mac(what, about, content);
            verify_slices_are_equal(mac.as_ref(), tag).is_ok()
        });
        match is_ours {
            true => Ok(tagged),
            false => Err(Error::other("it is damaged, or not ours")),
        }
    }

    fn mac(&self, what: &[u8], about: &[u8; 32], content: &[u8]) -> hmac::Tag {
        let key = hmac::Key::new(HMAC_SHA256, self.key.as_slice());
        let mut mac = hmac::Context::with_key(&key);
        mac.update(FORMAT);
        mac.update(what);
        mac.update(b"\0");
        mac.update(&self.settings);
        mac.update(about);
        mac.update(content);
        mac.sign()
    }

    /// Drops what was used longest ago, until three quarters of the limit are left: not one
    /// entry at a time.
    fn evict(&self, limit: u64) {
        let Ok(mut entries) = file::list(&self.directory) else {
            return;
        };
        entries.sort_by_key(|entry| entry.used);
        let mut left: u64 = entries.iter().map(|entry| entry.size).sum();
        for entry in entries {
            if left <= limit / 4 * 3 {
                break;
            }
            if std::fs::remove_file(&entry.path).is_ok() {
                left -= entry.size;
            }
        }
        self.used.store(left, Ordering::Relaxed);
    }

    /// Writes what the key has tagged. Where somebody has emptied the directory the key is put back:
    /// under another one, what is written now would be nobody's after a restart.
    fn write(&self, path: &Path, content: &[u8]) -> Result<(), Error> {
        let key = self.directory.join(KEY);
        if !key.exists() {
            file::write_first(&key, self.key.as_slice())?;
        }
        file::write(path, content)
    }

    /// Whether it was written; if not, that is said once.
    fn wrote(&self, written: Result<(), Error>) -> bool {
        let Err(error) = written else {
            return true;
        };
        if !self.complained.swap(true, Ordering::Relaxed) {
            let directory = self.directory.display();
            tracing::warn!("the cache {directory} cannot be written: {error}");
        }
        false
    }
}

/// Everything besides the artifact that code depends on, and who may load it.
fn settings(engine: &Engine) -> Result<[u8; 32], String> {
    let mut hash = Context::new(&SHA256);
    hash.update(env!("CARGO_PKG_VERSION").as_bytes());
    hash.update(b"\0");
    hash.update(env!("WASMTIME_VERSION").as_bytes());
    hash.update(b"\0");
    for version in [shim::VERSION, steps::VERSION, roomy::VERSION] {
        hash.update(version.as_bytes());
        hash.update(b"\0");
    }
    // The target, the CPU's features, the compiler's settings, the proposals. Neither the size
    // of the pool nor of stacks is part of it, since code does not depend on them.
    let runtime = engine.runtime(StackClass::Small)?;
    let mut hasher = Feed(hash);
    runtime
        .engine
        .precompile_compatibility_hash()
        .hash(&mut hasher);
    Ok(*Digest::end(hasher.0).as_bytes())
}

/// Feeds what is hashable to a hash that is worth its name.
struct Feed(Context);

impl Hasher for Feed {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let hash = Digest::end(self.0.clone());
        hash.as_bytes()[..8]
            .iter()
            .fold(0, |all, byte| all << 8 | u64::from(*byte))
    }
}

/// Draws the key, unless another process has just done so.
fn make_key(directory: &Path) -> Result<Vec<u8>, Error> {
    let mut key = Zeroizing::new([0; 32]);
    rand::rng().fill_bytes(key.as_mut());
    let path = directory.join(KEY);
    file::write_first(&path, key.as_slice())?;
    file::read(&path, 0o077, 32)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
