//! `codec-host inspect`: what a component is.

use std::path::Path;
use std::sync::Arc;

use super::{Failure, local, say};
use crate::sandbox::{Component, Engine};

pub(super) fn run(file: &Path) -> Result<(), Failure> {
    let engine = Arc::new(Engine::new()?);
    let compiler = local::compiler();
    let component = local::runtime()?.block_on(local::load(&engine, &compiler, Some(file)))?;
    print(file, &component);
    Ok(())
}

pub(super) fn print(file: &Path, component: &Component) {
    say(format_args!("{}", file.display()));
    say(format_args!("  digest          {}", component.digest));
    say(format_args!("  size            {} bytes", component.size));
    say(format_args!(
        "  initial memory  {} KiB",
        component.initial_memory() >> 10
    ));
    say(format_args!(
        "  WIT             temporal:codec@{}",
        component.wit_version()
    ));
    for name in &component.exports {
        say(format_args!("  exports         {name}"));
    }
    for name in &component.imports {
        say(format_args!("  imports         {name}"));
    }
    if let Some(advice) = component.advice() {
        say(format_args!("  advice          {advice}"));
    }
}
