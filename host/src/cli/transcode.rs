//! `codec-host encode` and `codec-host decode`: a codec without a server.

use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use proto::Batch;
use proto::json::{self, UnknownFields};

use super::{Failure, TranscodeArgs, local};
use crate::auth::Grant;
use crate::config::Config;
use crate::namespace::Namespace;
use crate::protocol::Verb;
use crate::registry::Registry;
use crate::reload::Reload;
use crate::sandbox::{Compiler, Engine, Loader};

pub(super) fn run(verb: Verb, args: TranscodeArgs) -> Result<(), Failure> {
    let namespace = args.namespace.as_deref().map(Namespace::parse);
    let namespace = namespace.transpose()?.map(Namespace::into_owned);
    let mut body = Vec::new();
    std::io::stdin().lock().read_to_end(&mut body)?;
    let payloads = json::read(&body, UnknownFields::Ignore)
        .map_err(|error| format!("invalid JSON: {error}"))?;
    let replied = match &args.config {
        Some(config) => configured(verb, config, namespace, payloads)?,
        None => alone(verb, &args, namespace, payloads)?,
    };
    let mut reply = json::write(&replied);
    reply.push(b'\n');
    Ok(std::io::stdout().lock().write_all(&reply)?)
}

/// By the codec that the configuration has for the namespace.
fn configured(
    verb: Verb,
    config: &Path,
    namespace: Option<Namespace<'static>>,
    payloads: Batch,
) -> Result<Batch, Failure> {
    let Config {
        plan,
        compile,
        cache,
        ..
    } = Config::load(config)?;
    let runtime = local::runtime()?;
    let registry = Arc::new(Registry::default());
    let engine = Arc::new(Engine::new()?);
    let loader = Loader::new(engine, Compiler::this_program(compile), &cache);
    Reload::new(
        Arc::new(loader),
        Arc::clone(&registry),
        plan.only(namespace.as_ref()),
        Box::new(|| None),
    )
    .settle(Duration::MAX);
    let tenants = registry.tenants();
    let grant = Grant::open(verb, namespace);
    let tenant = tenants
        .tenant(&grant)
        .ok_or("no codec serves this namespace; say which with --namespace")?;
    let codec = tenant
        .codec()
        .ok_or("this namespace's codec could not be loaded")?;
    let name = grant.namespace().map(Namespace::as_str);
    runtime.block_on(async {
        Ok(match verb {
            Verb::Encode => codec.encode(name, &payloads).await?,
            Verb::Decode | Verb::Download => tenant.decode(codec, name, payloads).await?.payloads,
        })
    })
}

/// By a component that is tried alone.
fn alone(
    verb: Verb,
    args: &TranscodeArgs,
    namespace: Option<Namespace<'_>>,
    payloads: Batch,
) -> Result<Batch, Failure> {
    let engine = Arc::new(Engine::new()?);
    local::runtime()?.block_on(async {
        let component = local::load(&engine, &local::compiler(), args.codec.as_deref()).await?;
        let codec = local::codec(&engine, component, &args.tenancy)?;
        let name = namespace.as_ref().map(Namespace::as_str);
        Ok(match verb {
            Verb::Encode => codec.encode(name, &payloads).await?,
            Verb::Decode | Verb::Download => codec.decode(name, payloads).await?.payloads,
        })
    })
}
