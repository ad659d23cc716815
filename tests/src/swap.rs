//! The ways in which deployments put another file in a component's place.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use crate::folder::Folder;

/// Between two pieces of a file that is written slowly: together they take longer than the
/// server leaves a file alone, so that it sees halves.
const PAUSE: Duration = Duration::from_millis(60);

/// How many of them.
const PIECES: usize = 8;

/// A way to replace a component in the directory `codecs` of a server's folder. Each works
/// whatever way the component was replaced before.
pub struct Pattern {
    /// What it is called.
    pub name: &'static str,
    swap: fn(&Place, &[u8]),
}

/// All of them.
pub const PATTERNS: [Pattern; 9] = [
    Pattern::new("pieces", write_in_pieces),
    Pattern::new("rename", rename),
    Pattern::new("symlink", rename_over_a_symlink),
    Pattern::new("kubernetes", swap_the_data_of_a_volume),
    Pattern::new("recreate", delete_and_recreate),
    Pattern::new("hard-link", link_in_place),
    Pattern::new("touch", write_under_the_date_of_before),
    Pattern::new("directory", replace_the_directory),
    Pattern::new("no-inotify", write_elsewhere),
];

impl Pattern {
    const fn new(name: &'static str, swap: fn(&Place, &[u8])) -> Self {
        Self { name, swap }
    }

    /// Puts that artifact in the place of the namespace's component.
    pub fn swap(&self, folder: &Folder, namespace: &str, artifact: &[u8]) {
        let place = Place {
            folder,
            file: format!("{namespace}.wasm"),
        };
        (self.swap)(&place, artifact);
    }
}

/// Where a namespace's component is.
struct Place<'a> {
    folder: &'a Folder,
    /// Its name in the directory `codecs`.
    file: String,
}

impl Place<'_> {
    fn path(&self) -> PathBuf {
        self.folder.path("codecs").join(&self.file)
    }

    /// A file with that content, in a new folder of its own beside `codecs`.
    fn store(&self, artifact: &[u8]) -> PathBuf {
        let name = format!("store/{}/{}", another(), self.file);
        self.folder.write(&name, artifact)
    }

    /// Puts in its place whole what is made under the name of a draft.
    fn replace(&self, make: impl FnOnce(&Path) -> std::io::Result<()>) {
        let draft = self.folder.path("codecs/draft");
        make(&draft).expect("a draft");
        fs::rename(draft, self.path()).expect("renamed");
    }
}

/// As slow copies do: cut short first, then a piece after the other.
fn write_in_pieces(place: &Place, artifact: &[u8]) {
    let mut file = File::create(place.path()).expect("a file");
    for piece in artifact.chunks(artifact.len().div_ceil(PIECES)) {
        file.write_all(piece).expect("written");
        thread::sleep(PAUSE);
    }
}

fn rename(place: &Place, artifact: &[u8]) {
    place.replace(|draft| fs::write(draft, artifact));
}

/// As `ln -sfn` after it has put the new version next to the old one.
fn rename_over_a_symlink(place: &Place, artifact: &[u8]) {
    let target = place.store(artifact);
    let before = fs::read_link(place.path());
    place.replace(|draft| symlink(target, draft));
    clear(before.ok());
}

/// As Kubernetes updates a volume: the files are links through `..data`, which is a link to the
/// folder of one version, and replaced by renaming; then the folder of the last one goes.
fn swap_the_data_of_a_volume(place: &Place, artifact: &[u8]) {
    let codecs = place.folder.path("codecs");
    let version = format!("..{}", another());
    place
        .folder
        .write(&format!("codecs/{version}/{}", place.file), artifact);
    let data = codecs.join("..data");
    let before = fs::read_link(&data).ok();
    let draft = codecs.join("..data_tmp");
    symlink(version, &draft).expect("a link");
    fs::rename(draft, &data).expect("renamed");
    let through = Path::new("..data").join(&place.file);
    if fs::read_link(place.path()).ok().as_ref() != Some(&through) {
        place.replace(|draft| symlink(through, draft));
    }
    if let Some(before) = before {
        fs::remove_dir_all(codecs.join(before)).expect("removed");
    }
}

fn delete_and_recreate(place: &Place, artifact: &[u8]) {
    fs::remove_file(place.path()).expect("removed");
    fs::write(place.path(), artifact).expect("a file");
}

/// As `ln -f` does: one more name for a file that is somewhere else, and is as old as every other.
fn link_in_place(place: &Place, artifact: &[u8]) {
    let target = place.store(artifact);
    date(&target, SystemTime::UNIX_EPOCH);
    place.replace(|draft| fs::hard_link(&target, draft));
    clear(Some(target));
}

/// Touches what is there, which must change nothing, then writes over it and leaves the date as
/// it was, as `cp -p` and `rsync` do of files that were built with dates of their own.
fn write_under_the_date_of_before(place: &Place, artifact: &[u8]) {
    let file = place.path();
    let modified = fs::metadata(&file).and_then(|metadata| metadata.modified());
    date(&file, SystemTime::now());
    fs::write(&file, artifact).expect("a file");
    date(&file, modified.expect("a date"));
}

/// Puts another directory in the place of `codecs`, with everything that was in it. For a moment
/// there is none.
fn replace_the_directory(place: &Place, artifact: &[u8]) {
    let [codecs, draft, old] =
        ["codecs", "codecs.new", "codecs.old"].map(|name| place.folder.path(name));
    fs::create_dir(&draft).expect("a folder");
    for entry in fs::read_dir(&codecs).expect("a folder") {
        let entry = entry.expect("a file");
        // Through links.
        if entry.path().is_file() {
            fs::copy(entry.path(), draft.join(entry.file_name())).expect("copied");
        }
    }
    fs::write(draft.join(&place.file), artifact).expect("a file");
    fs::rename(&codecs, &old).expect("renamed");
    fs::rename(&draft, &codecs).expect("renamed");
    fs::remove_dir_all(old).expect("removed");
}

/// Writes over a file in another directory, to which there is only a link in `codecs`: nothing
/// that watches `codecs` is told.
fn write_elsewhere(place: &Place, artifact: &[u8]) {
    let target = place.folder.path("elsewhere").join(&place.file);
    if fs::read_link(place.path()).ok().as_ref() == Some(&target) {
        fs::write(target, artifact).expect("a file");
    } else {
        place
            .folder
            .write(&format!("elsewhere/{}", place.file), artifact);
        place.replace(|draft| symlink(target, draft));
    }
}

fn date(file: &Path, date: SystemTime) {
    let file = File::options().append(true).open(file);
    let set = file.and_then(|file| file.set_modified(date));
    set.expect("a file that is ours");
}

/// Takes a file of [`Place::store`] away.
fn clear(file: Option<PathBuf>) {
    let folder = file.as_deref().and_then(Path::parent);
    if let Some(folder) = folder.filter(|folder| {
        folder
            .parent()
            .is_some_and(|store| store.ends_with("store"))
    }) {
        fs::remove_dir_all(folder).expect("removed");
    }
}

/// A number that no other of this process is.
fn another() -> u32 {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    COUNT.fetch_add(1, Ordering::Relaxed)
}
