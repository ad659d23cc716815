//! A codec without a server: for commands that call one.

use std::path::Path;
use std::sync::Arc;

use tokio::runtime::{Builder, Runtime};

use super::{Failure, TenancyArgs};
use crate::keyring::{KeyNotation, KeyPlace, KeySource, Keyring};
use crate::limits::{CallLimits, CompileLimits};
use crate::reload::BUILT_IN;
use crate::sandbox::{Codec, Compiler, Component, Digest, Engine, Reuse, Tenancy};

/// A runtime for one command.
pub(super) fn runtime() -> Result<Runtime, Failure> {
    Ok(Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?)
}

/// The component in that file, or the built-in one.
pub(super) async fn load(
    engine: &Engine,
    compiler: &Compiler,
    file: Option<&Path>,
) -> Result<Arc<Component>, Failure> {
    let Some(file) = file else {
        let loaded = Component::load(engine, compiler, Digest::of(BUILT_IN), BUILT_IN).await?;
        return Ok(loaded.0);
    };
    let artifact =
        std::fs::read(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    let loaded = Component::load(engine, compiler, Digest::of(&artifact), &artifact).await;
    match loaded {
        Ok((component, _)) => Ok(component),
        Err(unfit) => Err(Failure(format!("{} {unfit}", file.display()))),
    }
}

/// What compiles for one command.
pub(super) fn compiler() -> Compiler {
    Compiler::this_program(CompileLimits::default())
}

/// The component with the keys and settings that were typed.
pub(super) fn codec(
    engine: &Arc<Engine>,
    component: Arc<Component>,
    args: &TenancyArgs,
) -> Result<Codec, Failure> {
    let tenancy = Tenancy {
        keyring: Arc::new(keyring(args)?),
        settings: args.setting.clone().into(),
        limits: CallLimits::default(),
        reuse: Reuse::default(),
    };
    Ok(Codec::new(Arc::clone(engine), component, tenancy))
}

fn keyring(args: &TenancyArgs) -> Result<Keyring, Failure> {
    if args.key.is_empty() {
        return Ok(Keyring::demo());
    }
    let mut keys = Vec::new();
    for (id, file) in &args.key {
        let source = KeySource {
            place: KeyPlace::File(file.into()),
            notation: KeyNotation::Base64,
        };
        keys.push(source.read(id)?);
    }
    let active = args.key.first().map(|(id, _)| id.as_str());
    Keyring::new(keys, active, true).map_err(|_| Failure("no key to seal with".into()))
}
