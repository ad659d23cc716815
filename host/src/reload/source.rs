//! A file that is looked at again and again.

use std::fs::{File, Metadata};
use std::io::Read;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use rustix::fs::OFlags;

use crate::limits::{ARTIFACT_BYTES, HERE_BYTES};
use crate::sandbox::{Digest, give_way};

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
        match digest(path) {
            Ok(digest) => {
                if self.digest != Some(Ok(digest)) {
                    self.changed_at = Some(Instant::now());
                    self.digest = Some(Ok(digest));
                }
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

    /// Has it read again on the next look, whatever its metadata says.
    pub fn distrust(&mut self) {
        self.stamp = None;
    }

    /// Whether it has been the same for long enough to be complete.
    pub fn is_settled(&self) -> bool {
        self.changed_at.is_none_or(|at| at.elapsed() >= SETTLED)
    }

    /// A stamp tells nothing when the file was written at about the time it was read, also where
    /// whoever wrote it gave it an older date.
    fn is_trusted(&self, stamp: &Stamp) -> bool {
        let is_old = |time: SystemTime| {
            let age = self.read_at.and_then(|read| read.duration_since(time).ok());
            age.is_some_and(|age| age >= STAMP_STEP)
        };
        is_old(stamp.modified) && is_old(stamp.changed_at())
    }

    fn fail(&mut self, error: String) {
        let digest = Some(Err(error));
        if self.digest != digest {
            self.changed_at = Some(Instant::now());
            self.digest = digest;
        }
        self.stamp = None;
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

impl Stamp {
    /// When anything about the file was changed, its dates included.
    fn changed_at(&self) -> SystemTime {
        let (seconds, nanoseconds) = self.changed;
        let since = Duration::new(
            u64::try_from(seconds).unwrap_or(0),
            u32::try_from(nanoseconds).unwrap_or(0),
        );
        SystemTime::UNIX_EPOCH + since
    }
}

/// Opens the file, if it is one and not too large. A pipe would be read for ever, and one that
/// nobody writes to would not even be opened before somebody does.
fn open(path: &Path) -> Result<File, String> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = File::options();
    options
        .read(true)
        .custom_flags(OFlags::NONBLOCK.bits().cast_signed());
    let open = options.open(path);
    let open = open.and_then(|file| file.metadata().map(|metadata| (file, metadata)));
    let (file, metadata) = open.map_err(|error| format!("cannot be read: {error}"))?;
    if !metadata.is_file() {
        return Err("is not a file".into());
    }
    if metadata.len() > ARTIFACT_BYTES {
        return Err(format!(
            "has {} bytes, and may have {ARTIFACT_BYTES}",
            metadata.len()
        ));
    }
    Ok(file)
}

/// The digest of the whole file.
fn digest(path: &Path) -> Result<Digest, String> {
    let file = open(path)?;
    match Digest::of_reader(file.take(ARTIFACT_BYTES + 1)) {
        Ok(digest) => Ok(digest),
        Err(error) => Err(format!("cannot be read: {error}")),
    }
}

/// The whole file.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, String> {
    let mut content = Vec::new();
    let mut file = open(path)?.take(ARTIFACT_BYTES + 1);
    loop {
        let mut block = file.by_ref().take(HERE_BYTES as u64);
        match block.read_to_end(&mut content) {
            Ok(0) => return Ok(content),
            Ok(read) => give_way(read),
            Err(error) => return Err(format!("cannot be read: {error}")),
        }
    }
}
