//! Builds the guest programs, and the example codecs, that the tests load into the server.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

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
