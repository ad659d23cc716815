//! A core module, as far as it matters to whoever takes a shim away.

use std::ops::Range;

use wasmparser::{
    CompositeInnerType, Element, ExternalKind, FuncType, FunctionBody, Operator, Parser, Payload,
    TypeRef,
};
use wasmtime::Engine;

/// Bytes of a shim, or of what fills its table: some dozens for each function.
const MOST_BYTES: usize = 64 << 10;

/// What has to be known of a module.
#[derive(Default)]
pub(super) struct Read<'a> {
    pub(super) sections: Vec<(u8, Range<usize>)>,
    /// None where it is not a function's.
    pub(super) types: Vec<Option<FuncType>>,
    pub(super) imports: Vec<(&'a str, &'a str, TypeRef)>,
    /// The types of the functions that are its own.
    pub(super) functions: Vec<u32>,
    pub(super) tables: Vec<wasmparser::TableType>,
    pub(super) table_is_initialised: bool,
    pub(super) exports: Vec<(&'a str, ExternalKind, u32)>,
    pub(super) elements: Vec<Element<'a>>,
    pub(super) bodies: Vec<FunctionBody<'a>>,
    pub(super) starts: bool,
    /// Whether there are memories, globals, data, or the like.
    pub(super) has_more: bool,
}

impl<'a> Read<'a> {
    /// The same for a module that may be one among many: none if it has more bytes than any shim.
    pub(super) fn small(engine: &Engine, bytes: &'a [u8]) -> Option<Self> {
        (bytes.len() <= MOST_BYTES)
            .then(|| Self::new(engine, bytes))
            .flatten()
    }

    /// None for a module that is not valid: what is made of it might be.
    pub(super) fn new(engine: &Engine, bytes: &'a [u8]) -> Option<Self> {
        wasmtime::Module::validate(engine, bytes).ok()?;
        let mut read = Self::default();
        for payload in Parser::new(0).parse_all(bytes) {
            let payload = payload.ok()?;
            read.sections.extend(payload.as_section());
            match payload {
                Payload::TypeSection(section) => {
                    for group in section {
                        read.types.extend(group.ok()?.types().map(|ty| {
                            match &ty.composite_type.inner {
                                CompositeInnerType::Func(ty) => Some(ty.clone()),
                                _ => None,
                            }
                        }));
                    }
                }
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        let import = import.ok()?;
                        read.imports.push((import.module, import.name, import.ty));
                    }
                }
                Payload::FunctionSection(section) => {
                    for ty in section {
                        read.functions.push(ty.ok()?);
                    }
                }
                Payload::TableSection(section) => {
                    for table in section {
                        let table = table.ok()?;
                        read.tables.push(table.ty);
                        read.table_is_initialised |=
                            !matches!(table.init, wasmparser::TableInit::RefNull);
                    }
                }
                Payload::ExportSection(section) => {
                    for export in section {
                        let export = export.ok()?;
                        read.exports.push((export.name, export.kind, export.index));
                    }
                }
                Payload::ElementSection(section) => {
                    for element in section {
                        read.elements.push(element.ok()?);
                    }
                }
                Payload::CodeSectionEntry(body) => read.bodies.push(body),
                Payload::StartSection { .. } => {
                    read.starts = true;
                    read.has_more = true;
                }
                Payload::Version { .. }
                | Payload::CodeSectionStart { .. }
                | Payload::CustomSection(_)
                | Payload::End(_) => {}
                _ => read.has_more = true,
            }
        }
        Some(read)
    }

    /// The slot of the table whose function this one calls, with its own parameters, if that is all
    /// it does.
    pub(super) fn slot(&self, function: u32) -> Option<usize> {
        let function = function as usize;
        let ty = *self.functions.get(function)?;
        let parameters = self.types.get(ty as usize)?.as_ref()?.params().len();
        let body = self.bodies.get(function)?;
        let mut operators = body.get_operators_reader().ok()?;
        for parameter in 0..u32::try_from(parameters).ok()? {
            match operators.read().ok()? {
                Operator::LocalGet { local_index } if local_index == parameter => {}
                _ => return None,
            }
        }
        let Operator::I32Const { value } = operators.read().ok()? else {
            return None;
        };
        let calls = matches!(operators.read().ok()?, Operator::CallIndirect { type_index, table_index: 0 } if type_index == ty)
            && matches!(operators.read().ok()?, Operator::End);
        (calls && operators.eof()).then_some(usize::try_from(value).ok()?)
    }
}
