//! Files that nobody else may write to, written whole or not at all.

use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io::{Error, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

/// How old a draft must be to be nobody's any more.
const ABANDONED: Duration = Duration::from_secs(3600);

/// How the names of drafts end.
const DRAFT: &str = ".draft";

/// A file of a directory.
pub(super) struct Entry {
    pub(super) path: PathBuf,
    pub(super) size: u64,
    /// When it was last used.
    pub(super) used: SystemTime,
}

/// Makes the directory, or makes sure that it is ours alone to write to.
pub(super) fn make_directory(path: &Path) -> Result<(), Error> {
    let mut builder = DirBuilder::new();
    let made = builder.recursive(true).mode(0o700).create(path);
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) => return made.and(Err(error)),
    };
    if !metadata.is_dir() {
        return Err(Error::other("is not a directory"));
    }
    check(&metadata, 0o022)
}

/// Reads the file, if it is ours, none of those permissions are given to others, and it has no
/// more than so many bytes. Notes that it was used.
pub(super) fn read(path: &Path, forbidden: u32, limit: u64) -> Result<Vec<u8>, Error> {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let mut file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(Error::other("it is not a file"));
    }
    check(&metadata, forbidden)?;
    if metadata.len() > limit {
        return Err(Error::other("it is too large"));
    }
    let mut content = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0));
    (&mut file).take(limit + 1).read_to_end(&mut content)?;
    // Where the file system is read-only nothing will be evicted either.
    let _ = file.set_modified(SystemTime::now());
    Ok(content)
}

/// Puts the file there, in the place of what was.
pub(super) fn write(path: &Path, content: &[u8]) -> Result<(), Error> {
    let draft = draft(path, content)?;
    std::fs::rename(&draft, path).inspect_err(|_| discard(&draft))
}

/// Puts the file there, unless there is one.
pub(super) fn write_first(path: &Path, content: &[u8]) -> Result<(), Error> {
    let draft = draft(path, content)?;
    let linked = std::fs::hard_link(&draft, path);
    discard(&draft);
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// The files of the directory that are named by their content. Drafts that were abandoned are
/// gone after.
pub(super) fn list(directory: &Path) -> Result<Vec<Entry>, Error> {
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let path = entry.path();
        let Ok(metadata) = entry.metadata() else {
            continue;
        };
        let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        if path.extension().is_some_and(|end| end == &DRAFT[1..]) {
            if used.elapsed().is_ok_and(|age| age > ABANDONED) {
                discard(&path);
            }
            continue;
        }
        if !metadata.is_file() || path.file_name().is_some_and(|name| name == "key") {
            continue;
        }
        entries.push(Entry {
            path,
            size: metadata.len(),
            used,
        });
    }
    Ok(entries)
}

fn draft(path: &Path, content: &[u8]) -> Result<PathBuf, Error> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let directory = path.parent().unwrap_or(Path::new(""));
    if !directory.exists() {
        make_directory(directory)?;
    }
    let path = directory.join(format!("{}-{count}{DRAFT}", std::process::id()));
    // Another process of the same number, in another container, may have left it here.
    discard(&path);
    let mut options = OpenOptions::new();
    let mut file: File = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)?;
    match file.write_all(content) {
        Ok(()) => Ok(path),
        Err(error) => {
            discard(&path);
            Err(error)
        }
    }
}

fn discard(path: &Path) {
    // Nothing is lost if it stays.
    let _ = std::fs::remove_file(path);
}

fn check(metadata: &Metadata, forbidden: u32) -> Result<(), Error> {
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(Error::other("it belongs to somebody else"));
    }
    if metadata.mode() & forbidden != 0 {
        return Err(Error::other("its permissions let others in"));
    }
    Ok(())
}
