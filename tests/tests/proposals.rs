//! Proposals of WebAssembly that no toolchain for codecs emits: a component that uses one is
//! refused when it is loaded, in words.

use std::collections::BTreeSet;
use std::ffi::OsStr;

use tests::{Folder, proposal, proposals, run};

/// Components that use a proposal each, and what is said about it.
const OFF: &[(&str, &str)] = &[
    ("threads", "threads"),
    ("atomics", "threads"),
    ("memory64", "memory64"),
    ("table64", "memory64"),
    ("gc_structures", "gc"),
    ("gc_references", "gc"),
    // Theirs is the same support at run time.
    ("external_references", "gc"),
    ("function_references", "function references"),
    ("function_reference_calls", "function references"),
    ("exception_tags", "exceptions"),
    ("exception_handlers", "exceptions"),
    ("relaxed_simd", "relaxed SIMD"),
    ("stack_switching", "stack switching"),
    ("async_functions", "async"),
    ("async_streams", "async"),
];

/// Components that use what every toolchain emits.
const ON: &[&str] = &[
    "common_a_memory",
    "common_simd",
    "common_multiple_values",
    "common_bulk_memory",
    "common_reference_types",
    "common_tail_calls",
];

#[test]
fn what_uses_a_proposal_that_is_off_is_refused_in_words() {
    for (name, expected) in OFF {
        let words = refusal(name);
        assert!(words.contains("does not compile"), "{name}: {words}");
        assert!(words.contains(expected), "{name}: {words}");
    }
}

/// Or the rows above prove nothing.
#[test]
fn what_every_toolchain_emits_is_refused_for_not_being_a_codec_alone() {
    for name in ON {
        let words = refusal(name);
        assert!(words.contains("missing export"), "{name}: {words}");
    }
}

#[test]
fn every_component_has_a_row() {
    let rows = OFF.iter().map(|(name, _)| name).chain(ON);
    let rows: BTreeSet<_> = rows.map(|&name| name.to_owned()).collect();
    assert_eq!(rows, proposals().into_iter().collect());
}

/// What is said about the component.
fn refusal(name: &str) -> String {
    let folder = Folder::new();
    let file = folder.write("component.wasm", proposal(name));
    let done = run([OsStr::new("inspect"), file.as_os_str()]);
    assert_eq!(done.code, Some(1), "{name}: {done:?}");
    done.err
}
