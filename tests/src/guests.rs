//! The artifacts that tests load into the server.

use std::path::Path;

/// Every guest program in Rust, by the name of its file.
pub const GUESTS: [&str; 24] = [
    "duplicate_key",
    "exits",
    "fewer",
    "forbidden_import",
    "hog",
    "huge_reply",
    "identity",
    "invalid",
    "invalid_one",
    "keys",
    "looks",
    "missing_export",
    "more",
    "other_version",
    "prints",
    "recurses",
    "remembers",
    "seals",
    "sleeps",
    "spins",
    "stillborn",
    "tag",
    "traps",
    "unavailable",
];

/// A WebAssembly module that is not a component: the empty one.
pub const CORE_MODULE: &[u8] = b"\0asm\x01\0\0\0";

/// What begins like a component and is none.
pub const DOES_NOT_COMPILE: &[u8] = b"\0asm\x0d\0\x01\0\xff\xff\xff";

/// The head of what wasmtime makes of a component: an ELF file with wasmtime's own marks, the
/// system at byte 7 and the kind at byte 48. It is native code, and would be run as it is.
pub const PRECOMPILED: [u8; 64] = {
    let mut head = [0; 64];
    let parts: [(usize, &[u8]); 5] = [
        (0, b"\x7fELF\x02\x01\x01\xc8"),
        (16, &[1, 0, 62, 0, 1]),
        (48, &[2]),
        (52, &[64]),
        (58, &[64]),
    ];
    let mut part = 0;
    while part < parts.len() {
        let (at, bytes) = parts[part];
        let mut byte = 0;
        while byte < bytes.len() {
            head[at + byte] = bytes[byte];
            byte += 1;
        }
        part += 1;
    }
    head
};

/// A guest program.
pub fn guest(name: &str) -> Vec<u8> {
    let folder = if GUESTS.contains(&name) {
        env!("GUESTS")
    } else {
        env!("WAT_GUESTS")
    };
    artifact(folder, name)
}

/// A codec of the examples.
pub fn example(name: &str) -> Vec<u8> {
    artifact(env!("EXAMPLES"), name)
}

pub(crate) fn artifact(folder: &str, name: &str) -> Vec<u8> {
    let path = Path::new(folder).join(format!("{name}.wasm"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::*;

    #[test]
    fn every_guest_is_built_and_has_a_test() {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let files = |folder: &str| {
            let entries = fs::read_dir(package.join(folder)).expect("a folder");
            entries.map(|entry| entry.expect("a file").path())
        };
        let programs: BTreeSet<_> = files("guests/examples")
            .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
            .collect();
        assert_eq!(programs, GUESTS.map(str::to_owned).into());

        let tests: String = files("tests")
            .map(|path| fs::read_to_string(path).expect("text"))
            .collect();
        for name in GUESTS {
            let uses = [format!("\"{name}.wasm\""), format!("guest(\"{name}\")")];
            let is_used = uses.iter().any(|text| {
                // Configurations stand in literals, raw or not.
                tests.contains(text) || tests.contains(&text.replace('"', "\\\""))
            });
            assert!(is_used, "no test loads the guest {name}");
        }
    }
}
