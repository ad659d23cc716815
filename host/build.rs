//! Builds the codec we ship, so that it can be embedded.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    let workspace = PathBuf::from(variable("CARGO_MANIFEST_DIR")).join("..");
    for source in [
        "guest-codec/src",
        "guest-codec/Cargo.toml",
        "guest-codec/build.rs",
        "proto/src",
        "proto/Cargo.toml",
        "wit",
        "Cargo.lock",
    ] {
        println!(
            "cargo::rerun-if-changed={}",
            workspace.join(source).display()
        );
    }
    // <target>/<profile>/build/<package>/out; a directory of its own, since cargo holds the lock
    // of this one while it waits for us.
    let out = PathBuf::from(variable("OUT_DIR"));
    let target = out
        .ancestors()
        .nth(4)
        .expect("OUT_DIR is four levels deep")
        .join("guests");
    let status = cargo(&workspace, &target)
        .status()
        .expect("cargo can be run");
    assert!(
        status.success(),
        "the built-in codec does not build; is the target there? rustup target add wasm32-wasip2"
    );
    let component = target.join("wasm32-wasip2/guest/guest_codec.wasm");
    println!("cargo::rustc-env=BUILT_IN_CODEC={}", component.display());
    println!("cargo::rustc-env=WASMTIME_VERSION={}", wasmtime(&workspace));
}

/// The exact version of wasmtime that this is built with, which it does not tell itself.
fn wasmtime(workspace: &Path) -> String {
    let lock = std::fs::read_to_string(workspace.join("Cargo.lock")).expect("there is a lock file");
    let mut lines = lock
        .lines()
        .skip_while(|line| *line != "name = \"wasmtime\"");
    let version = lines
        .nth(1)
        .and_then(|line| line.strip_prefix("version = "));
    version
        .expect("the lock file has wasmtime's version")
        .trim_matches('"')
        .to_owned()
}

fn cargo(workspace: &Path, target: &Path) -> Command {
    let mut cargo = Command::new(variable("CARGO"));
    cargo
        .args(["build", "--locked", "--package", "guest-codec", "--lib"])
        .args([
            "--target",
            "wasm32-wasip2",
            "--profile",
            "guest",
            "--target-dir",
        ])
        .arg(target)
        .current_dir(workspace);
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
    cargo
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("cargo sets {name}"))
}
