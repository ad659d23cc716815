//! `codec-host inspect`: what a component is.

use std::path::Path;
use std::sync::Arc;

use super::{Failure, local};
use crate::sandbox::{Component, Engine};

pub(super) fn run(file: &Path) -> Result<(), Failure> {
    let engine = Arc::new(Engine::new()?);
    let compiler = local::compiler();
    let component = local::runtime()?.block_on(local::load(&engine, &compiler, Some(file)))?;
    print(file, &component);
    Ok(())
}

pub(super) fn print(file: &Path, component: &Component) {
    println!("{}", file.display());
    println!("  digest          {}", component.digest);
    println!("  size            {} bytes", component.size);
    println!("  initial memory  {} KiB", component.initial_memory >> 10);
    println!(
        "  WIT             temporal:codec@{}",
        component.wit_version()
    );
    for name in &component.exports {
        println!("  exports         {name}");
    }
    for name in &component.imports {
        println!("  imports         {name}");
    }
    if let Some(advice) = component.advice() {
        println!("  advice          {advice}");
    }
}
