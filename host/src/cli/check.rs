//! `codec-host check`: does a component fit the contract, and can a configuration be served.

mod trial;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::{CheckArgs, Failure, TenancyArgs, inspect, local, say};
use crate::config::Config;
use crate::registry::Registry;
use crate::reload::Reload;
use crate::sandbox::{CachePlace, Compiler, Engine, Loader};

pub(super) fn run(args: CheckArgs) -> Result<(), Failure> {
    match (&args.file, &args.config) {
        (Some(file), _) => component(file, &args.tenancy),
        (None, Some(config)) => configuration(config),
        // clap asks for one of them.
        (None, None) => Err("give a component or --config".into()),
    }
}

fn component(file: &Path, args: &TenancyArgs) -> Result<(), Failure> {
    let engine = Arc::new(Engine::new()?);
    local::runtime()?.block_on(async {
        let component = local::load(&engine, &local::compiler(), Some(file)).await?;
        inspect::print(file, &component);
        let codec = local::codec(&engine, component, args)?;
        let tell = |finding: &trial::Finding| say(format_args!("  {finding}"));
        let findings = trial::run(&codec, Some("check"), tell).await;
        match findings
            .iter()
            .filter(|finding| finding.is_failure())
            .count()
        {
            0 => {
                say(format_args!("{} fits the contract", file.display()));
                Ok(())
            }
            failures => Err(Failure(format!(
                "{} breaks the contract: {failures} of {} checks failed",
                file.display(),
                findings.len()
            ))),
        }
    })
}

fn configuration(path: &Path) -> Result<(), Failure> {
    let config = Config::load(path)?;
    let registry = Arc::new(Registry::default());
    let engine = Arc::new(Engine::new()?);
    let compiler = Compiler::this_program(config.compile);
    // What it would find there was found fit once; here it is to be found so again.
    let loader = Arc::new(Loader::new(engine, compiler, &CachePlace::Off));
    let mut complaints = Reload::new(
        loader,
        Arc::clone(&registry),
        config.plan,
        Box::new(|| None),
    )
    .settle(Duration::MAX);
    let tenants = registry.tenants();
    let mut listed: Vec<_> = tenants.iter().collect();
    listed.sort_by_key(|(name, _)| *name);
    let listed = listed
        .into_iter()
        .map(|(name, tenant)| (name.as_str(), tenant));
    let runtime = local::runtime()?;
    for (name, tenant) in listed.chain(tenants.fallback().map(|tenant| ("(fallback)", tenant))) {
        let Some(codec) = tenant.codec() else {
            say(format_args!("{name}: no codec"));
            continue;
        };
        say(format_args!("{name}: {}", codec.component().digest.short()));
        // With nothing to encode, what is wrong is the namespace's: a setting, as a rule.
        if let Err(error) = runtime.block_on(codec.encode(Some(name), &proto::Batch::default())) {
            complaints.push(format!("namespace {name}: {error}"));
        }
    }
    match complaints.as_slice() {
        [] => {
            say(format_args!("{} can be served", path.display()));
            Ok(())
        }
        complaints => Err(Failure(complaints.join("\ncodec-host: "))),
    }
}
