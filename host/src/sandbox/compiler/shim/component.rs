//! A component, as far as it matters to whoever takes its shim away.

use std::collections::BTreeMap;

use wasm_encoder::ComponentSectionId;
use wasmparser::{
    self as parser, CanonicalFunction, Chunk, ComponentAlias, ComponentExternalKind,
    ComponentOuterAliasKind, Encoding, ExternalKind, Instance, Parser, Payload,
};

/// The component.
#[derive(Default)]
pub(super) struct Read<'a> {
    pub(super) parts: Vec<Part<'a>>,
    pub(super) modules: Vec<&'a [u8]>,
    pub(super) instances: Vec<Instance<'a>>,
    /// Core functions and tables, and which instance's export each is.
    pub(super) functions: Vec<Option<Export<'a>>>,
    pub(super) tables: Vec<Option<Export<'a>>>,
}

pub(super) enum Part<'a> {
    Module,
    /// That many.
    Instances(usize),
    Aliases(Vec<(&'a [u8], ComponentAlias<'a>)>),
    Canonical(Vec<CanonicalFunction>),
    Other(u8, &'a [u8]),
}

#[derive(Clone, Copy)]
pub(super) struct Export<'a> {
    pub(super) instance: u32,
    pub(super) name: &'a str,
    /// How many instances there were before.
    pub(super) after: usize,
}

impl<'a> Read<'a> {
    pub(super) fn new(artifact: &'a [u8]) -> Option<Self> {
        let mut read = Self::default();
        let mut parser = Parser::new(0);
        let mut at = 0;
        while at < artifact.len() {
            let Chunk::Parsed { consumed, payload } = parser.parse(&artifact[at..], true).ok()?
            else {
                return None;
            };
            at += consumed;
            match payload {
                Payload::Version {
                    encoding: Encoding::Module,
                    ..
                } => return None,
                Payload::ModuleSection {
                    unchecked_range, ..
                } => {
                    let inside = artifact.get(unchecked_range)?;
                    at += inside.len();
                    read.modules.push(inside);
                    read.parts.push(Part::Module);
                }
                Payload::ComponentSection {
                    unchecked_range, ..
                } => {
                    let inside = artifact.get(unchecked_range)?;
                    at += inside.len();
                    let id = ComponentSectionId::Component as u8;
                    read.parts.push(Part::Other(id, inside));
                }
                Payload::InstanceSection(section) => {
                    let before = read.instances.len();
                    for instance in section {
                        read.instances.push(instance.ok()?);
                    }
                    let added = read.instances.len() - before;
                    read.parts.push(Part::Instances(added));
                }
                Payload::ComponentAliasSection(section) => read.aliases(artifact, section)?,
                Payload::ComponentCanonicalSection(section) => {
                    let functions: Vec<_> = section.into_iter().collect::<Result<_, _>>().ok()?;
                    let made = functions
                        .iter()
                        .filter(|function| !matches!(function, CanonicalFunction::Lift { .. }));
                    read.functions.extend(made.map(|_| None));
                    read.parts.push(Part::Canonical(functions));
                }
                // A module that is imported, exported or has another name has one more index.
                Payload::ComponentImportSection(section) => {
                    let range = section.range();
                    for import in section {
                        if import.ok()?.ty.kind() == ComponentExternalKind::Module {
                            return None;
                        }
                    }
                    let id = ComponentSectionId::Import as u8;
                    read.parts.push(Part::Other(id, &artifact[range]));
                }
                Payload::ComponentExportSection(section) => {
                    let range = section.range();
                    for export in section {
                        if export.ok()?.kind == ComponentExternalKind::Module {
                            return None;
                        }
                    }
                    let id = ComponentSectionId::Export as u8;
                    read.parts.push(Part::Other(id, &artifact[range]));
                }
                other => {
                    if let Some((id, range)) = other.as_section() {
                        read.parts.push(Part::Other(id, &artifact[range]));
                    }
                }
            }
        }
        Some(read)
    }

    fn aliases(
        &mut self,
        artifact: &'a [u8],
        section: parser::ComponentAliasSectionReader<'a>,
    ) -> Option<()> {
        let end = section.range().end;
        let aliases = section.into_iter_with_offsets();
        let aliases: Vec<_> = aliases.collect::<Result<_, _>>().ok()?;
        let ends = aliases.iter().skip(1).map(|(begin, _)| *begin);
        let ends: Vec<_> = ends.chain([end]).collect();
        let mut found = Vec::with_capacity(aliases.len());
        for ((begin, alias), end) in aliases.into_iter().zip(ends) {
            match alias {
                ComponentAlias::CoreInstanceExport {
                    kind,
                    instance_index: instance,
                    name,
                } => {
                    let after = self.instances.len();
                    let export = Some(Export {
                        instance,
                        name,
                        after,
                    });
                    match kind {
                        ExternalKind::Func => self.functions.push(export),
                        ExternalKind::Table => self.tables.push(export),
                        _ => {}
                    }
                }
                ComponentAlias::InstanceExport {
                    kind: ComponentExternalKind::Module,
                    ..
                }
                | ComponentAlias::Outer {
                    kind: ComponentOuterAliasKind::CoreModule,
                    ..
                } => return None,
                ComponentAlias::InstanceExport { .. } | ComponentAlias::Outer { .. } => {}
            }
            found.push((artifact.get(begin..end)?, alias));
        }
        self.parts.push(Part::Aliases(found));
        Some(())
    }

    /// The index of the module that an instance is of, and of the instances that it is made with.
    pub(super) fn instantiated(
        &self,
        instance: u32,
    ) -> Option<(u32, &[parser::InstantiationArg<'a>])> {
        match self.instances.get(instance as usize)? {
            Instance::Instantiate { module_index, args } => Some((*module_index, args)),
            Instance::FromExports(_) => None,
        }
    }

    /// The exports of an instance that is made of such.
    pub(super) fn bag(&self, instance: u32) -> Option<&[parser::Export<'a>]> {
        match self.instances.get(instance as usize)? {
            Instance::FromExports(exports) => Some(exports),
            Instance::Instantiate { .. } => None,
        }
    }

    pub(super) fn module(&self, index: u32) -> Option<&'a [u8]> {
        self.modules.get(index as usize).copied()
    }

    /// The instance of that kind, if there is one of its module and no other.
    pub(super) fn only<T>(
        &self,
        of: impl Fn(u32, &'a [u8], &[parser::InstantiationArg<'a>]) -> Option<T>,
    ) -> Option<(u32, u32, T)> {
        let indices = 0..u32::try_from(self.instances.len()).ok()?;
        let mut found = indices.filter_map(|instance| {
            let (module, arguments) = self.instantiated(instance)?;
            let what = of(instance, self.module(module)?, arguments)?;
            Some((instance, module, what))
        });
        let one = found.next()?;
        let of_its_module = self.instances.iter().filter(|instance| {
            matches!(instance, Instance::Instantiate { module_index, .. } if *module_index == one.1)
        });
        (found.next().is_none() && of_its_module.count() == 1).then_some(one)
    }
}

/// The name of an export, if it is one of that instance.
pub(super) fn name_of<'a>(export: &Option<Export<'a>>, instance: u32) -> Option<&'a str> {
    let export = export.as_ref()?;
    (export.instance == instance).then_some(export.name)
}

/// The exports of a bag that are functions, by name.
pub(super) fn functions<'a>(bag: &[parser::Export<'a>]) -> BTreeMap<&'a str, u32> {
    let functions = bag
        .iter()
        .filter(|export| export.kind == ExternalKind::Func);
    functions
        .map(|export| (export.name, export.index))
        .collect()
}
