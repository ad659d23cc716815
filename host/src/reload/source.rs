//! A file that is looked at again and again.

use std::fs::Metadata;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use crate::limits::ARTIFACT_BYTES;
use crate::namespace::Namespace;
use crate::sandbox::Digest;

/// How old a modification must be before its time stamp is trusted to tell it from the next
/// one: file systems count in steps of up to two seconds.
const STAMP_STEP: Duration = Duration::from_secs(2);

/// How long a file must have been the same to count as completely written.
const SETTLED: Duration = Duration::from_millis(500);

/// A file, as it was when last looked at.
#[derive(Default)]
pub struct Watched {
    stamp: Option<Stamp>,
    read_at: Option<SystemTime>,
    changed_at: Option<Instant>,
    content: Option<Vec<u8>>,
    digest: Option<Result<Digest, String>>,
}

/// What changes when a file does.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: SystemTime,
    length: u64,
    inode: (u64, u64),
    changed: (i64, i64),
}

impl Watched {
    /// Looks at the file, and reads it if it may have changed.
    pub fn look(&mut self, path: &Path) {
        let stamp = match std::fs::metadata(path) {
            Ok(metadata) => Stamp::of(&metadata),
            Err(error) => return self.fail(format!("cannot be read: {error}")),
        };
        if self.stamp == Some(stamp) && self.is_trusted(&stamp) && self.digest.is_some() {
            return;
        }
        self.stamp = Some(stamp);
        self.read_at = Some(SystemTime::now());
        match read(path) {
            Ok(content) => {
                let digest = Ok(Digest::of(&content));
                if self.digest.as_ref() != Some(&digest) {
                    self.changed_at = Some(Instant::now());
                    self.digest = Some(digest);
                }
                self.content = Some(content);
            }
            Err(error) => self.fail(error),
        }
    }

    /// The digest of what it held when last looked at.
    pub fn digest(&self) -> Result<Digest, String> {
        self.digest
            .clone()
            .unwrap_or_else(|| Err("was not read yet".into()))
    }

    /// What it held, once.
    pub fn take(&mut self) -> Option<Vec<u8>> {
        self.content.take()
    }

    /// Drops what it held, for files whose digest is all that is wanted of them.
    pub fn forget_content(&mut self) {
        if let Some(content) = self.content.take() {
            drop(zeroize::Zeroizing::new(content));
        }
    }

    /// Has it read again on the next look, whatever its metadata says.
    pub fn distrust(&mut self) {
        self.stamp = None;
    }

    /// Whether it has been the same for long enough to be complete.
    pub fn is_settled(&self) -> bool {
        self.changed_at.is_none_or(|at| at.elapsed() >= SETTLED)
    }

    /// A stamp tells nothing when the file was written at about the time it was read.
    fn is_trusted(&self, stamp: &Stamp) -> bool {
        self.read_at
            .and_then(|read| read.duration_since(stamp.modified).ok())
            .is_some_and(|age| age >= STAMP_STEP)
    }

    fn fail(&mut self, error: String) {
        let digest = Some(Err(error));
        if self.digest != digest {
            self.changed_at = Some(Instant::now());
            self.digest = digest;
        }
        self.stamp = None;
        self.content = None;
    }
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self {
            modified: metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH),
            length: metadata.len(),
            inode: (metadata.dev(), metadata.ino()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// The whole file, if it is one and not too large. A pipe would be read for ever.
fn read(path: &Path) -> Result<Vec<u8>, String> {
    let metadata = std::fs::metadata(path).map_err(|error| format!("cannot be read: {error}"))?;
    if !metadata.is_file() {
        return Err("is not a file".into());
    }
    if metadata.len() > ARTIFACT_BYTES {
        return Err(format!(
            "has {} bytes, and may have {ARTIFACT_BYTES}",
            metadata.len()
        ));
    }
    std::fs::read(path).map_err(|error| format!("cannot be read: {error}"))
}

/// The namespaces that have a `<namespace>.wasm` in the directory.
pub(super) fn list(directory: &Path) -> std::io::Result<Vec<Namespace<'static>>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let name = entry?.file_name();
        let Some(stem) = name.to_str().and_then(|name| name.strip_suffix(".wasm")) else {
            continue;
        };
        if let Ok(namespace) = Namespace::parse(stem) {
            names.push(namespace.into_owned());
        }
    }
    Ok(names)
}
