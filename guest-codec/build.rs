//! Linker flags that make a fresh instance cheap.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_FAMILY").as_deref() != Ok("wasm") {
        return;
    }
    // All of an instance's memory is wiped after every call, at half a microsecond per 64 KiB. A
    // stack of 1 MiB, the default, would be most of it.
    println!("cargo::rustc-link-arg-cdylib=-zstack-size=65536");
    // Growing costs more than it saves (8 µs): room for a 64 KiB payload and its copies.
    println!("cargo::rustc-link-arg-cdylib=--initial-memory=262144");
}
