//! The generated code that is checked in is what its generators make of the `.proto` file.

use std::collections::BTreeMap;
use std::path::Path;
use std::{env, fs};

use prost::Message as _;

const PROTO: &str = "temporal/api/common/v1/message.proto";
const PACKAGE: &str = ".temporal.api.common.v1";
const REWRITE: &str = "UPDATE=1 cargo test -p proto --test generated";

#[test]
fn checked_in_code_is_what_the_generators_write() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/generated");
    let generated = generate();
    assert_eq!(generated.len(), 2, "or this test proves nothing");

    for (name, code) in generated {
        let path = folder.join(name);
        if env::var_os("UPDATE").is_some() {
            fs::write(&path, code).expect("write the generated file");
            continue;
        }
        let checked_in = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            checked_in == code,
            "{} is out of date; this rewrites it: {REWRITE}",
            path.display()
        );
    }
}

/// File name to file, for both generators.
fn generate() -> BTreeMap<&'static str, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("proto");
    let files = protox::compile([PROTO], [root]).expect("the .proto file compiles");

    let mut messages = prost_build::Config::new();
    messages.btree_map(["."]);
    // Their `Debug` is written by hand, without payload bytes.
    messages.skip_debug([
        ".temporal.api.common.v1.Payload",
        ".temporal.api.common.v1.Payloads",
    ]);
    let module = prost_build::Module::from_protobuf_package_name(&PACKAGE[1..]);
    let requests = files.file.iter().map(|file| (module.clone(), file.clone()));
    let mut messages = messages
        .generate(requests.collect())
        .expect("prost-build generates");

    let mut impls = pbjson_build::Builder::new();
    impls
        .btree_map(["."])
        .register_descriptors(&files.encode_to_vec())
        .expect("pbjson-build reads the descriptors");
    let (_, impls) = impls
        .generate(&[PACKAGE], |_| Ok(Vec::new()))
        .expect("pbjson-build generates")
        .pop()
        .expect("one package");

    BTreeMap::from([
        (
            "temporal.api.common.v1.rs",
            messages.remove(&module).expect("one module"),
        ),
        (
            "temporal.api.common.v1.serde.rs",
            String::from_utf8(impls).expect("generated code is text"),
        ),
    ])
}
