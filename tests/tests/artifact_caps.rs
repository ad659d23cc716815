//! The structure an artifact may have: each cap, just inside and just outside.

use tests::bomb::{
    BLOCK, LOOP, blocks, body, component, component_of, components, core_module, entries, fan_out,
    fault, functions, instances, nested_components, padding,
};
use tests::{Folder, run};

/// The caps, as the documentation has them.
const ARTIFACT_BYTES: usize = 64 << 20;
const COMPONENT_DEPTH: usize = 8;
const COMPONENTS: usize = 256;
const MODULES: usize = 64;
const INSTANCES: usize = 256;
const FUNCTIONS: usize = 100_000;
const FUNCTION_BYTES: usize = 1 << 20;
const LOCALS: usize = 10_000;
const BLOCK_DEPTH: usize = 2_000;
const LOOP_DEPTH: usize = 100;
const PARAMETERS: usize = 64;
const ITEMS: usize = 200_000;
const DATA_SEGMENTS: usize = 20_000;
const ELEMENTS: usize = 100_000;
const MEMORIES: usize = 16;
const TABLES: usize = 32;

/// What the program says about the artifact, which is never good.
fn verdict(artifact: &[u8]) -> String {
    let folder = Folder::new();
    let done = run([
        "inspect".into(),
        folder.write("bomb.wasm", artifact).into_os_string(),
    ]);
    assert_eq!(done.code, Some(1), "{done:?}");
    done.err
}

/// Makes an artifact of each count, the last of which is one too many of what is named.
fn check(what: &str, limit: usize, make: impl Fn(usize) -> Vec<u8>) {
    let inside = verdict(&make(limit));
    assert!(
        inside.contains("does not compile"),
        "{limit} {what}: {inside}"
    );
    let outside = verdict(&make(limit + 1));
    let expected =
        format!("is too complex: it has more than the {limit} {what} that an artifact may have");
    assert!(
        outside.contains(&expected),
        "{} {what}: {outside}",
        limit + 1
    );
}

fn faulty(module: &[Vec<u8>]) -> Vec<u8> {
    component(&[core_module(module), fault()])
}

#[test]
fn an_artifact_has_a_bounded_size() {
    let of = |size: usize| {
        [
            component(&[fault()]),
            padding(size - component(&[fault()]).len()),
        ]
        .concat()
    };
    let inside = verdict(&of(ARTIFACT_BYTES));
    assert!(inside.contains("does not compile"), "{inside}");
    let outside = verdict(&of(ARTIFACT_BYTES + 1));
    assert!(
        outside.contains("has 67108865 bytes, and an artifact may have 67108864"),
        "{outside}"
    );
}

#[test]
fn components_have_a_bounded_depth_and_number() {
    let nested = |levels| [nested_components(levels), fault()].concat();
    check("components nested", COMPONENT_DEPTH, nested);
    check("components", COMPONENTS, components);
    check("core modules", MODULES, |count| {
        component(&[core_module(&[]).repeat(count), fault()])
    });
}

#[test]
fn instances_are_counted_with_all_that_are_inside() {
    check("instances", INSTANCES, instances);
    // 2 + 4 + … + 128, and one for the outermost.
    let inside = verdict(&fan_out(7));
    assert!(inside.contains("missing export"), "{inside}");
    let outside = verdict(&fan_out(8));
    assert!(outside.contains("256 instances"), "{outside}");
}

#[test]
fn functions_have_a_bounded_number_size_and_depth() {
    check("functions", FUNCTIONS, |count| {
        faulty(&functions(count, 0, &body(0, &[])))
    });
    check("bytes of one function", FUNCTION_BYTES, |count| {
        let nop = b"\x01";
        let around = body(0, &[]).len();
        faulty(&functions(1, 0, &body(0, &nop.repeat(count - around))))
    });
    check("locals of one function", LOCALS, |count| {
        faulty(&functions(1, 0, &body(count, &[])))
    });
    check("blocks nested", BLOCK_DEPTH, |depth| {
        faulty(&functions(1, 0, &body(0, &blocks(BLOCK, depth, &[]))))
    });
    check("loops nested", LOOP_DEPTH, |depth| {
        let inner = blocks(LOOP, depth, &[]);
        faulty(&functions(1, 0, &body(0, &blocks(BLOCK, 10, &inner))))
    });
    check(
        "parameters and results of a function",
        PARAMETERS,
        |count| faulty(&functions(1, count, &body(0, &[]))),
    );
}

#[test]
fn everything_else_has_a_bounded_number() {
    let constant = b"\x7f\0\x41\0\x0b";
    check("types, imports, exports and aliases", ITEMS, |count| {
        // The fault is one more.
        faulty(&[entries(6, count - 1, constant)])
    });
    check("memories", MEMORIES, |count| {
        faulty(&[entries(5, count, b"\0\x01")])
    });
    check("tables", TABLES, |count| {
        faulty(&[entries(4, count, b"\x70\0\x01")])
    });
    check("data segments", DATA_SEGMENTS, |count| {
        faulty(&[entries(11, count, b"\x01\0")])
    });
    check("table elements", ELEMENTS, |count| {
        let segment = [b"\x01\0".to_vec(), tests::bomb::repeat(count, b"\0")].concat();
        faulty(&[entries(9, 1, &segment)])
    });
}

#[test]
fn what_is_within_the_caps_compiles() {
    let deep = body(0, &blocks(BLOCK, 1900, &blocks(LOOP, LOOP_DEPTH, &[])));
    let compiled = verdict(&component_of(&functions(3, PARAMETERS, &deep)));
    assert!(compiled.contains("missing export"), "{compiled}");
}
