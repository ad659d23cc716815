//! Builds the guest programs, and the example codecs, that the tests load into the server.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{Resolve, WorldId};

fn main() {
    let package = PathBuf::from(variable("CARGO_MANIFEST_DIR"));
    // <target>/<profile>/build/<package>/out; a directory of its own, since cargo holds the lock
    // of this one while it waits for us.
    let out = PathBuf::from(variable("OUT_DIR"));
    let target = out
        .ancestors()
        .nth(4)
        .expect("OUT_DIR is four levels deep")
        .join("guests");

    build(&package.join("guests"), &["--examples"], &target);
    watch(&package.join("../wit"));
    let guests = target.join("wasm32-wasip2/release/examples");
    println!("cargo::rustc-env=GUESTS={}", guests.display());

    let frame = Frame::load(&package);
    for (folder, name) in [
        ("wat", "WAT_GUESTS"),
        ("proposals", "PROPOSALS"),
        ("random", "RANDOM_GUESTS"),
    ] {
        let assembled = out.join(folder);
        assemble_all(&package.join("guests").join(folder), &assembled, &frame);
        println!("cargo::rustc-env={name}={}", assembled.display());
    }

    for example in ["checksum", "aes-in-sandbox"] {
        build(&package.join("../examples").join(example), &[], &target);
    }
    let examples = target.join("wasm32-wasip2/release");
    println!("cargo::rustc-env=EXAMPLES={}", examples.display());
}

/// Builds a package that is a workspace of its own.
fn build(package: &Path, what: &[&str], target: &Path) {
    watch(package);
    let mut cargo = Command::new(variable("CARGO"));
    cargo
        .args([
            "build",
            "--locked",
            "--release",
            "--target",
            "wasm32-wasip2",
        ])
        .args(what)
        .arg("--target-dir")
        .arg(target)
        .current_dir(package);
    // Meant for the host's code, not for this.
    for name in [
        "CARGO_BUILD_TARGET",
        "CARGO_ENCODED_RUSTFLAGS",
        "RUSTFLAGS",
        "RUSTC_WORKSPACE_WRAPPER",
        "CLIPPY_ARGS",
    ] {
        cargo.env_remove(name);
    }
    let status = cargo.status().expect("cargo can be run");
    assert!(
        status.success(),
        "{} does not build; is the target there? rustup target add wasm32-wasip2",
        package.display()
    );
}

/// Assembles every component that is written as WebAssembly text in that folder.
fn assemble_all(folder: &Path, out: &Path, frame: &Frame) {
    watch(folder);
    // What has no source any more is gone.
    if out.exists() {
        fs::remove_dir_all(out).expect("the build's own folder");
    }
    fs::create_dir_all(out).expect("the build's own folder");
    let mut errors = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the folder can be read").path();
        if path.extension().is_some_and(|extension| extension == "wat") {
            let text = fs::read_to_string(&path).expect("the file can be read");
            let name = path.file_stem().expect("a file has a name");
            match frame.assemble(&text) {
                Ok(artifact) => {
                    fs::write(out.join(name).with_extension("wasm"), artifact).expect("written");
                }
                Err(error) => errors.push(format!("{}: {error}", path.display())),
            }
        }
    }
    assert!(errors.is_empty(), "{}", errors.join("\n"));
}

/// What makes a component of the fields of a core module.
struct Frame {
    common: PathBuf,
    resolve: Resolve,
    /// With payloads as records, and as bytes.
    worlds: [WorldId; 2],
}

/// A line of a guest that has payloads as bytes.
const OF_BYTES: &str = ";; world: guest-of-bytes";
/// A line of a guest whose strings are UTF-16.
const UTF16: &str = ";; strings: utf16";

impl Frame {
    fn load(package: &Path) -> Self {
        let source = package.join("guests/wat");
        let mut resolve = Resolve::default();
        let mut push = |folder: &Path| resolve.push_dir(folder).expect("the WIT can be read").0;
        push(&package.join("../wit"));
        let guests = push(&source.join("wit"));
        let worlds = ["guest", "guest-of-bytes"].map(|world| {
            let world = resolve.select_world(&[guests], Some(world));
            world.expect("the world is there")
        });
        watch(&source.join("common"));
        watch(&source.join("wit"));
        Self {
            common: source.join("common"),
            resolve,
            worlds,
        }
    }

    /// Assembles a component. Where the text is not a whole one, it is the fields of a core
    /// module, which is completed with what most have in common, and wrapped for the world.
    fn assemble(&self, text: &str) -> Result<Vec<u8>, String> {
        if text.lines().any(|line| line.starts_with("(component")) {
            return wat::parse_str(text).map_err(|error| error.to_string());
        }
        let mut module = format!("(module\n{text}\n");
        let [of_records, of_bytes] = self.worlds;
        let (world, decode, code) = match text.lines().any(|line| line == OF_BYTES) {
            true => (
                of_bytes,
                "(export \"temporal:codec/wire-codec@1.0.0#decode\"",
                "code-of-bytes.wat",
            ),
            false => (
                of_records,
                "(export \"temporal:codec/payload-codec@1.0.0#decode\"",
                "code.wat",
            ),
        };
        // What a guest exports itself is its misbehaviour.
        for (export, field) in [
            ("(export \"memory\")", "memory.wat"),
            ("(export \"cabi_realloc\")", "realloc.wat"),
            (decode, code),
        ] {
            if !text.contains(export) {
                let field = self.common.join(field);
                module.push_str(&fs::read_to_string(field).expect("the file can be read"));
            }
        }
        module.push(')');
        let mut module = wat::parse_str(&module).map_err(|error| error.to_string())?;
        let strings = match text.lines().any(|line| line == UTF16) {
            true => StringEncoding::UTF16,
            false => StringEncoding::UTF8,
        };
        embed_component_metadata(&mut module, &self.resolve, world, strings)
            .and_then(|()| ComponentEncoder::default().module(&module)?.encode())
            .map_err(|error| format!("{error:#}"))
    }
}

/// Has cargo run this again when the package's sources change.
fn watch(package: &Path) {
    for entry in std::fs::read_dir(package).expect("the folder can be read") {
        let path = entry.expect("the folder can be read").path();
        if path.file_name().is_some_and(|name| name != "target") {
            println!("cargo::rerun-if-changed={}", path.display());
        }
    }
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("cargo sets {name}"))
}
