//! Linker flags that make a fresh instance cheap.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_FAMILY").as_deref() != Ok("wasm") {
        return;
    }
    // All of an instance's memory is wiped after every call, at half a microsecond per 64 KiB. A
    // stack of 1 MiB, the default, would be most of it. This codec uses 9 KiB at most.
    println!("cargo::rustc-link-arg-cdylib=-zstack-size=16384");
    // Room for payloads of some 30 KiB that are opened, and half of that if they are sealed. Growing
    // takes microseconds, which larger ones hardly feel; twice as much memory is felt by all.
    println!("cargo::rustc-link-arg-cdylib=--initial-memory=65536");
}
