//! Components that are written as WebAssembly text.

use std::fs;
use std::path::Path;

/// Every guest program in text, by the name of its file.
pub fn wat_guests() -> Vec<String> {
    names(env!("WAT_GUESTS"))
}

/// Every component that uses a proposal of WebAssembly, by the name of its file.
pub fn proposals() -> Vec<String> {
    names(env!("PROPOSALS"))
}

/// One of those components.
pub fn proposal(name: &str) -> Vec<u8> {
    crate::guests::artifact(env!("PROPOSALS"), name)
}

/// A component that random modules are put into, in the place of its own.
pub fn frame() -> Vec<u8> {
    crate::guests::artifact(env!("RANDOM_GUESTS"), "frame")
}

fn names(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("the build made it");
    let stems = entries.map(|entry| {
        let path = entry.expect("a file").path();
        Path::file_stem(&path)
            .and_then(|stem| stem.to_str())
            .map(str::to_owned)
    });
    stems.map(|stem| stem.expect("a name in UTF-8")).collect()
}
