//! What is kept of components for the next start, and when it is not trusted.

use std::fs::{self, OpenOptions, Permissions};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tests::{CORE_MODULE, Folder, Server, Setup, guest, plain, until};

/// The words of a start that compiled nothing.
const LOADED: &str = "DEBUG loaded from the cache";

/// A server of one namespace, `good`, which says what it does.
fn setup() -> Setup {
    Setup::codecs()
        .file("codecs/good.wasm", guest("identity"))
        .log("debug")
}

/// Its cache, once it was started.
fn cache(setup: &Setup) -> PathBuf {
    setup.path("cache/codec-host")
}

fn serves(server: &Server) {
    assert_eq!(server.decode("good", &[plain("1")]).status, 200);
}

/// The entries of a cache.
fn entries(cache: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(cache).expect("there is a cache");
    let paths = files.map(|file| file.expect("a file").path());
    let is_entry =
        |path: &PathBuf| path.is_file() && path.file_name().is_some_and(|name| name != "key");
    paths.filter(is_entry).collect()
}

fn entry(cache: &Path) -> PathBuf {
    match entries(cache).as_slice() {
        [entry] => entry.clone(),
        entries => panic!("{entries:?}"),
    }
}

fn allow(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("ours");
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("there").permissions().mode() & 0o777
}

#[test]
fn a_restart_compiles_nothing() {
    let server = setup().start();
    serves(&server);
    assert!(!server.log().contains(LOADED), "{}", server.log());
    let setup = server.stop();
    let cache = cache(&setup);
    assert_eq!(mode(&cache), 0o700);
    for file in [entry(&cache), cache.join("key")] {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
    let server = setup.start();
    server.logs(&[LOADED]);
    serves(&server);
    // The same content under another name is known, too.
    server
        .folder
        .replace("codecs/other.wasm", guest("identity"));
    until("it serves", || {
        (server.decode("other", &[plain("1")]).status == 200).then_some(())
    });
    assert_eq!(entries(&server.folder.path("cache/codec-host")).len(), 1);
}

/// Does something to a cache, after which the server must serve without loading from it.
fn check_not_loaded(what: &str, damage: impl FnOnce(&Path)) {
    let server = setup().start();
    let setup = server.stop();
    damage(&cache(&setup));
    let server = setup.start();
    serves(&server);
    assert!(!server.log().contains(LOADED), "{what}: {}", server.log());
    server.logs(&["not loaded from the cache"]);
}

/// Changes one byte.
fn flip(path: &Path, at: u64) {
    let file = OpenOptions::new().read(true).write(true).open(path);
    let file = file.expect("an entry");
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).expect("so long");
    file.write_all_at(&[byte[0] ^ 1], at).expect("written");
}

#[test]
fn an_entry_that_is_not_as_it_was_written_is_compiled_again() {
    let end = |path: &Path| fs::metadata(path).expect("there").len();
    check_not_loaded("the tag", |cache| flip(&entry(cache), 0));
    check_not_loaded("the stack class", |cache| flip(&entry(cache), 32));
    check_not_loaded("the size", |cache| flip(&entry(cache), 33));
    check_not_loaded("the code", |cache| {
        flip(&entry(cache), end(&entry(cache)) / 2)
    });
    check_not_loaded("the last byte", |cache| {
        flip(&entry(cache), end(&entry(cache)) - 1)
    });
    check_not_loaded("nothing left", |cache| {
        fs::write(entry(cache), "").expect("written")
    });
    check_not_loaded("cut off", |cache| {
        let file = OpenOptions::new().write(true).open(entry(cache));
        file.expect("ours")
            .set_len(end(&entry(cache)) - 1)
            .expect("cut");
    });
    check_not_loaded("one byte more", |cache| {
        let content = fs::read(entry(cache)).expect("ours");
        fs::write(entry(cache), [content, vec![0]].concat()).expect("written");
    });
    check_not_loaded("a directory", |cache| {
        let entry = entry(cache);
        fs::remove_file(&entry).expect("removed");
        fs::create_dir(&entry).expect("made");
    });
}

#[test]
fn an_entry_of_another_key_or_artifact_is_compiled_again() {
    check_not_loaded("another key", |cache| flip(&cache.join("key"), 0));
    check_not_loaded("another artifact's", |cache| {
        // A server that has another codec, with the same key.
        let other = Setup::codecs().file("codecs/good.wasm", guest("tag")).file(
            "cache/codec-host/key",
            fs::read(cache.join("key")).expect("ours"),
        );
        let directory = self::cache(&other);
        allow(&directory, 0o700);
        allow(&directory.join("key"), 0o600);
        let other = other.start().stop();
        let foreign = entry(&self::cache(&other));
        fs::copy(foreign, entry(cache)).expect("copied");
    });
}

#[test]
fn an_entry_that_others_may_write_to_is_compiled_again() {
    check_not_loaded("by its group", |cache| allow(&entry(cache), 0o620));
    check_not_loaded("by everybody", |cache| allow(&entry(cache), 0o602));
    check_not_loaded("by way of a link", |cache| {
        let entry = entry(cache);
        let elsewhere = cache.join("last-good/elsewhere");
        fs::rename(&entry, &elsewhere).expect("moved");
        std::os::unix::fs::symlink(elsewhere, entry).expect("linked");
    });
}

#[test]
fn a_cache_that_lets_others_in_is_not_used() {
    for (what, damage) in [
        (
            "key",
            (|cache| allow(&cache.join("key"), 0o640)) as fn(&Path),
        ),
        ("short key", |cache| {
            fs::write(cache.join("key"), "short").expect("written")
        }),
        ("directory", |cache| allow(cache, 0o777)),
        ("group", |cache| allow(cache, 0o770)),
    ] {
        let setup = setup().start().stop();
        damage(&cache(&setup));
        let server = setup.start();
        server.logs(&["no cache, every start compiles anew"]);
        assert!(!server.log().contains(LOADED), "{what}: {}", server.log());
        serves(&server);
    }
}

#[test]
fn a_server_without_a_place_for_its_cache_says_so_and_serves() {
    let server = setup().file("cache", "a file is in the way").start();
    server.logs(&["WARN", "no cache, every start compiles anew"]);
    serves(&server);
}

#[test]
fn a_cache_can_be_named_or_turned_off() {
    let folder = Folder::new();
    let named = folder.path("named");
    let server = setup()
        .argument(&format!("--cache={}", named.display()))
        .start();
    assert_eq!(entries(&named).len(), 1);
    assert!(!server.folder.path("cache").exists());

    let server = setup().argument("--cache=off").start();
    serves(&server);
    assert!(!server.folder.path("cache").exists());
    assert!(!server.log().contains("WARN no cache"), "{}", server.log());
}

#[test]
fn the_last_good_artifact_survives_a_restart_with_a_bad_one_in_place() {
    let setup = setup().start().stop().file("codecs/good.wasm", CORE_MODULE);
    let server = setup.start();
    server.logs(&["WARN", "namespace good", "last good artifact"]);
    server.logs(&["ERROR", "core module", "the last good one goes on serving"]);
    serves(&server);

    // Once more, and then a good one again.
    let server = server.stop().start();
    serves(&server);
    server
        .folder
        .replace("codecs/good.wasm", guest("unavailable"));
    until("the new one serves", || {
        (server.decode("good", &[plain("1")]).status == 503).then_some(())
    });
}

#[test]
fn what_is_kept_after_the_cache_was_deleted_is_there_after_a_restart() {
    let server = setup().start();
    let cache = server.folder.path("cache/codec-host");
    fs::remove_dir_all(&cache).expect("a directory");
    server
        .folder
        .replace("codecs/good.wasm", guest("unavailable"));
    until("the new one serves", || {
        (server.decode("good", &[plain("1")]).status == 503).then_some(())
    });
    server.folder.replace("codecs/good.wasm", guest("identity"));
    until("the old one serves", || {
        (server.decode("good", &[plain("1")]).status == 200).then_some(())
    });
    assert_eq!(mode(&cache.join("key")), 0o600);
    let setup = server.stop().file("codecs/good.wasm", CORE_MODULE);
    serves(&setup.start());
}

#[test]
fn a_namespace_that_was_removed_is_not_brought_back() {
    let server = setup().start();
    server.folder.remove("codecs/good.wasm");
    server.logs(&["namespace good", "removed"]);
    let setup = server.stop().file("codecs/good.wasm", CORE_MODULE);
    let server = setup.start();
    assert_eq!(server.decode("good", &[plain("1")]).status, 503);
}

#[test]
fn a_last_good_artifact_is_that_of_its_namespace_and_file_only() {
    let setup = setup()
        .start()
        .stop()
        .file("codecs/other.wasm", CORE_MODULE);
    let server = setup.start();
    assert_eq!(server.decode("other", &[plain("1")]).status, 503);
    let notes = server.folder.path("cache/codec-host/last-good");
    let setup = server.stop().file("codecs/good.wasm", CORE_MODULE);
    for note in fs::read_dir(notes).expect("notes") {
        flip(&note.expect("a note").path(), 40);
    }
    let server = setup.start();
    server.logs(&["WARN", "last good component of namespace good", "damaged"]);
    assert_eq!(server.decode("good", &[plain("1")]).status, 503);
}
