//! The `codec-host` program.

use std::process::ExitCode;

/// Payloads of a few hundred KiB and more are slow with the system's allocator, which returns
/// their pages to the kernel after each.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    codec_host::cli::run()
}
