//! A component that was found fit: compiled and tried elsewhere, linked here.

use std::sync::Arc;

use proto::Batch;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{ComponentExportIndex, InstancePre};

use super::artifact::{Digest, look};
use super::compiler::{Compiled, Compiler};
use super::engine::{Engine, Runtime, StackClass};
use super::unfit::Unfit;
use super::world::{self, State};
use crate::limits::CallLimits;

/// A component that can be called.
pub struct Component {
    /// What it is known by.
    pub digest: Digest,
    /// Bytes of the artifact.
    pub size: u64,
    /// What it imports, with versions.
    pub imports: Vec<String>,
    /// What it exports, with versions.
    pub exports: Vec<String>,
    stack: StackClass,
    /// Whether it imports anything that a call may have to wait for.
    pub(super) may_wait: bool,
    pub(super) linked: Linked,
    /// The same with more memory to begin with, where that is of use.
    pub(super) roomy: Option<Linked>,
    /// The function `decodes`, where it exports that.
    pub(super) decodes: Option<ComponentExportIndex>,
}

/// What instances are made of.
pub(super) struct Linked {
    pub(super) pre: InstancePre<State>,
    /// The same for calls that are made at once, where what may have to wait is a trap.
    pub(super) pre_at_once: InstancePre<State>,
    pub(super) functions: Functions,
    /// Bytes of linear memory that every instance starts with.
    initial_memory: u64,
}

/// The functions of a codec.
#[derive(Clone, Copy)]
pub(super) struct Functions {
    pub(super) encode: ComponentExportIndex,
    pub(super) decode: ComponentExportIndex,
}

/// Initial memory above which an author is told how to make calls cheaper: each 64 KiB more
/// costs half a microsecond of wiping per call, and a Rust guest's default is 17 pages.
const THRIFTY_MEMORY: u64 = 256 << 10;

/// Bytes of memory that a payload takes besides its own: its place in lists, and those of its metadata.
const PAYLOAD: usize = 128;

/// Bytes of a page of linear memory.
const WASM_PAGE: u64 = 64 << 10;

impl Component {
    /// Has the artifact of that digest checked, compiled and tried in a process of its own, and
    /// links what comes back.
    pub async fn load(
        engine: &Engine,
        compiler: &Compiler,
        digest: Digest,
        artifact: &[u8],
    ) -> Result<(Arc<Self>, Compiled), Unfit> {
        look(artifact)?;
        let compiled = compiler.compile(artifact).await?;
        let component = Self::link(engine, digest, &compiled)?;
        Ok((component, compiled))
    }

    /// Links what was compiled from the artifact of that digest. Takes a millisecond or, for an
    /// interpreter, a few dozen.
    pub fn link(engine: &Engine, digest: Digest, compiled: &Compiled) -> Result<Arc<Self>, Unfit> {
        let runtime = engine.runtime(compiled.class).map_err(Unfit::Untried)?;
        let (component, roomy) = compiled.revive(runtime)?;
        let (imports, exports) = interfaces(&component, runtime);
        check_world(&imports, &exports)?;
        let may_wait = !imports.iter().all(|name| world::never_waits(name));
        let link = |component| Linked::new(runtime, component, &imports, may_wait);
        let decodes = component
            .get_export_index(None, world::ENCODINGS)
            .and_then(|encodings| component.get_export_index(Some(&encodings), "decodes"));
        Ok(Arc::new(Self {
            digest,
            size: compiled.size,
            stack: compiled.class,
            may_wait,
            linked: link(&component)?,
            roomy: roomy.as_ref().map(link).transpose()?,
            decodes,
            imports,
            exports,
        }))
    }

    /// Bytes of linear memory that an instance starts with.
    pub fn initial_memory(&self) -> u64 {
        self.linked.initial_memory
    }

    /// What a call with those payloads has an instance of, within those limits.
    pub(super) fn suited(&self, payloads: &Batch, limits: &CallLimits) -> &Linked {
        let needed = payloads.size() + PAYLOAD * payloads.len();
        match &self.roomy {
            // Half of the memory is for what else is in it.
            Some(roomy)
                if needed as u64 >= self.linked.initial_memory / 2
                    && roomy.initial_memory <= limits.memory_bytes as u64 =>
            {
                roomy
            }
            _ => &self.linked,
        }
    }

    /// The version of the contract that it is built for.
    pub fn wit_version(&self) -> &str {
        wit_version(&self.exports).unwrap_or_default()
    }

    /// Why it can serve nobody with those limits, if that is so whatever it is asked.
    pub fn unfit_within(&self, limits: &CallLimits) -> Option<String> {
        if self.stack.bytes() > limits.stack_bytes {
            let (needs, may) = (StackClass::Small.bytes() >> 10, limits.stack_bytes >> 10);
            return Some(format!(
                "needs more than {needs} KiB of stack, and has {may} KiB here (limits.stack-bytes), which are as good as {needs}"
            ));
        }
        let (needs, may) = (self.initial_memory(), limits.memory_bytes as u64);
        (needs > may).then(|| {
            format!(
                "starts with {needs} bytes of memory, and may have {may} here (limits.memory-bytes)"
            )
        })
    }

    /// What about the artifact's shape costs time on every call, in words, with the remedy.
    pub fn advice(&self) -> Option<String> {
        let initial_memory = self.initial_memory();
        (initial_memory > THRIFTY_MEMORY).then(|| {
            format!(
                "starts with {} KiB of memory, which is wiped after every call (about {} µs); \
                 for Rust, link with -C link-arg=-zstack-size=65536 -C link-arg=--initial-memory=131072",
                initial_memory >> 10,
                initial_memory * 45 / (64 << 10) / 100,
            )
        })
    }
}

impl Linked {
    /// Checks the types of what the component exports, and links it.
    fn new(
        runtime: &Runtime,
        component: &wasmtime::component::Component,
        imports: &[String],
        may_wait: bool,
    ) -> Result<Self, Unfit> {
        let initial_memory = component
            .resources_required()
            .and_then(|resources| resources.max_initial_memory_size)
            .map_or(0, |pages| pages * WASM_PAGE);
        let interface = |name: &str| component.get_export_index(None, name);
        let codec = world::CODECS
            .iter()
            .find_map(|(name, form)| Some((name, form, interface(name)?)));
        let (codec, form, exported) = codec.ok_or(Unfit::MissingExport)?;
        let ty = component.component_type();
        let function = |name: &str| match component.get_export(Some(&exported), name) {
            Some((ComponentItem::ComponentFunc(function), index)) => {
                let checked = form.check(&function, &ty.instance_type());
                checked.map_err(|error| {
                    Unfit::Mismatch(format!("`{name}` of {codec}: {}", words(&error)))
                })?;
                Ok(index)
            }
            _ => Err(Unfit::Mismatch(format!("{codec} has no function `{name}`"))),
        };
        let functions = Functions {
            encode: function("encode")?,
            decode: function("decode")?,
        };
        let link = || {
            let pre = runtime.linker.instantiate_pre(component)?;
            let pre_at_once = match may_wait {
                true => world::linker_at_once(component, imports)?.instantiate_pre(component)?,
                false => pre.clone(),
            };
            wasmtime::Result::Ok((pre, pre_at_once))
        };
        let (pre, pre_at_once) = link().map_err(|error| Unfit::Mismatch(words(&error)))?;
        Ok(Self {
            pre,
            pre_at_once,
            functions,
            initial_memory,
        })
    }
}

fn interfaces(
    compiled: &wasmtime::component::Component,
    runtime: &Runtime,
) -> (Vec<String>, Vec<String>) {
    let ty = compiled.component_type();
    // A type without functions behind it (`types`) is no power, but its version still counts.
    let imports = ty.imports(&runtime.engine).map(|(name, _)| name.to_owned());
    let exports = ty
        .exports(&runtime.engine)
        .map(|(name, item)| match item.ty {
            ComponentItem::ComponentInstance(_) => name.to_owned(),
            _ => format!("{name} (not an interface)"),
        });
    (imports.collect(), exports.collect())
}

fn check_world(imports: &[String], exports: &[String]) -> Result<(), Unfit> {
    let other_version =
        |name: &&String| name.starts_with("temporal:codec/") && !world::provides(name);
    if let Some(name) = exports.iter().chain(imports).find(other_version) {
        return Err(Unfit::OtherVersion(name.clone()));
    }
    if let Some(name) = imports.iter().find(|name| !world::provides(name)) {
        return Err(Unfit::ForbiddenImport(name.clone()));
    }
    // A newer minor version has everything that this one has.
    if wit_version(exports).is_none_or(|version| !version.starts_with("1.")) {
        return Err(Unfit::MissingExport);
    }
    Ok(())
}

/// The version of the contract in which those exports have a codec.
fn wit_version(exports: &[String]) -> Option<&str> {
    let version = |(name, _): &(&str, world::Form)| {
        let (interface, _) = name.split_once('@')?;
        exports.iter().find_map(|export| {
            let (exported, version) = export.split_once('@')?;
            (exported == interface).then_some(version)
        })
    };
    world::CODECS.iter().find_map(version)
}

/// wasmtime's words for an error, on one line and of bounded length: they quote the artifact.
pub(super) fn words(error: &wasmtime::Error) -> String {
    let mut text = String::new();
    for cause in error.chain() {
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.extend(
            cause
                .to_string()
                .chars()
                .take(400)
                .map(|c| if c.is_control() { ' ' } else { c }),
        );
    }
    text.truncate(text.floor_char_boundary(1500));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_world_is_checked_by_name_and_version() {
        let check = |imports: &[&str], exports: &[&str], expected: Result<(), Unfit>| {
            let own = |names: &[&str]| {
                names
                    .iter()
                    .map(|name| (*name).to_owned())
                    .collect::<Vec<_>>()
            };
            assert_eq!(check_world(&own(imports), &own(exports)), expected);
        };
        let codec = "temporal:codec/payload-codec@1.0.0";
        check(&[], &[codec], Ok(()));
        check(&[], &["temporal:codec/payload-codec@1.3.0"], Ok(()));
        check(&[], &["temporal:codec/wire-codec@1.0.0"], Ok(()));
        check(
            &[],
            &["temporal:codec/encodings@1.0.0"],
            Err(Unfit::MissingExport),
        );
        check(
            &["wasi:cli/stderr@0.2.6"],
            &[codec, "wasi:cli/run@0.2.6"],
            Ok(()),
        );
        check(&[], &[], Err(Unfit::MissingExport));
        check(
            &[],
            &["temporal:codec/payload-codec@2.0.0"],
            Err(Unfit::OtherVersion(
                "temporal:codec/payload-codec@2.0.0".into(),
            )),
        );
        check(
            &["wasi:http/types@0.2.0"],
            &[codec],
            Err(Unfit::ForbiddenImport("wasi:http/types@0.2.0".into())),
        );
    }
}
