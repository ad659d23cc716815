//! The artifacts that tests load into the server.

use std::path::Path;

/// Every guest program, by the name of its file.
pub const GUESTS: [&str; 23] = [
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

/// A guest program.
pub fn guest(name: &str) -> Vec<u8> {
    artifact(env!("GUESTS"), name)
}

/// A codec of the examples.
pub fn example(name: &str) -> Vec<u8> {
    artifact(env!("EXAMPLES"), name)
}

fn artifact(folder: &str, name: &str) -> Vec<u8> {
    let path = Path::new(folder).join(format!("{name}.wasm"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
