//! The modules around a shim: to tell them, and to make others of them.

use std::collections::BTreeMap;

use wasm_encoder::{
    ConstExpr, ElementSection, Elements, Encode, EntityType, ExportKind, Function, ImportSection,
    Module, RawSection, RefType, SectionId, TableSection, TableType, TypeSection, ValType,
};
use wasmparser::{ElementItems, ElementKind, ExternalKind, FuncType, Operator, TypeRef};
use wasmtime::Engine;

use super::module::Read;
use crate::limits::CALL_CEILING;
use crate::sandbox::compiler::section::extended;

/// The importer's table, as it is exported. No toolchain calls anything so.
pub(super) const TABLE: &str = "codec-host:shim";

/// A module whose functions call what is in its table, and that has nothing else.
pub(super) struct Shim<'a> {
    pub(super) table: &'a str,
    /// The slots of the table that they call, by their names.
    pub(super) functions: BTreeMap<&'a str, usize>,
}

impl<'a> Shim<'a> {
    pub(super) fn read(engine: &Engine, bytes: &'a [u8]) -> Option<Self> {
        let module = Read::small(engine, bytes)?;
        let is_nothing_else = module.imports.is_empty()
            && module.elements.is_empty()
            && module.tables.len() == 1
            && !module.has_more;
        if !is_nothing_else {
            return None;
        }
        let mut table = None;
        let mut functions = BTreeMap::new();
        for (name, kind, index) in &module.exports {
            match kind {
                ExternalKind::Func => {
                    functions.insert(*name, module.slot(*index)?);
                }
                ExternalKind::Table => table = Some(*name),
                _ => return None,
            }
        }
        let table = table?;
        Some(Self { table, functions })
    }
}

/// A module that puts functions into a table of the shim's, all of which it imports, and that has
/// nothing else.
pub(super) struct Filler<'a> {
    /// What all of it is imported from.
    pub(super) module: &'a str,
    /// The names of the functions, by their slots.
    pub(super) slots: Vec<&'a str>,
}

impl<'a> Filler<'a> {
    /// If it imports everything from that module, and the table under that name.
    pub(super) fn read(engine: &Engine, bytes: &'a [u8], from: &str, table: &str) -> Option<Self> {
        let read = Read::small(engine, bytes)?;
        let is_nothing_else = read.functions.is_empty()
            && read.tables.is_empty()
            && read.exports.is_empty()
            && !read.has_more;
        let mut module = None;
        let mut functions = Vec::new();
        let mut tables = 0;
        for (from, name, ty) in &read.imports {
            module = Some(*from);
            match ty {
                TypeRef::Func(_) => functions.push(*name),
                TypeRef::Table(_) if *name == table => tables += 1,
                _ => return None,
            }
        }
        let (module, [elements]) = (module?, &read.elements[..]) else {
            return None;
        };
        let is_from_there = read.imports.iter().all(|(module, ..)| *module == from);
        let ElementKind::Active {
            table_index: None | Some(0),
            offset_expr,
        } = &elements.kind
        else {
            return None;
        };
        let mut offset = offset_expr.get_operators_reader();
        let begins = matches!(offset.read().ok()?, Operator::I32Const { value: 0 })
            && matches!(offset.read().ok()?, Operator::End);
        let ElementItems::Functions(items) = &elements.items else {
            return None;
        };
        let slots = items.clone().into_iter().map(|index| {
            let index = index.ok()? as usize;
            functions.get(index).copied()
        });
        let slots = slots.collect::<Option<Vec<_>>>()?;
        (is_nothing_else && is_from_there && begins && tables == 1)
            .then_some(Self { module, slots })
    }
}

/// A module that imports functions and nothing else, and has one table, which cannot grow.
pub(super) struct Importer<'a> {
    bytes: &'a [u8],
    read: Read<'a>,
    /// Modules and names.
    pub(super) imports: Vec<(&'a str, &'a str)>,
    /// The index of each import's type.
    types: Vec<u32>,
    /// The slots that its table has.
    slots: u64,
}

impl<'a> Importer<'a> {
    pub(super) fn read(engine: &Engine, bytes: &'a [u8]) -> Option<Self> {
        let read = Read::new(engine, bytes)?;
        let [table] = read.tables[..] else {
            return None;
        };
        let is_plain = table.element_type == wasmparser::RefType::FUNCREF
            && table.maximum == Some(table.initial)
            && !(table.table64 || table.shared || read.table_is_initialised);
        let imports = read.imports.len() as u64;
        let has_room = table.initial.saturating_add(imports) <= CALL_CEILING.table_elements as u64;
        let is_fit = is_plain
            && has_room
            && !read.starts
            && !read.functions.is_empty()
            && read.exports.iter().all(|(name, ..)| *name != TABLE);
        let types = read.imports.iter().map(|(_, _, ty)| match ty {
            TypeRef::Func(ty) => Some(*ty),
            _ => None,
        });
        let types = types.collect::<Option<Vec<_>>>()?;
        let imports = read.imports.iter();
        let imports = imports.map(|(module, name, _)| (*module, *name)).collect();
        is_fit.then_some(Self {
            bytes,
            imports,
            types,
            slots: table.initial,
            read,
        })
    }

    /// The type of the import of that index.
    fn ty(&self, import: usize) -> Option<&FuncType> {
        self.read
            .types
            .get(*self.types.get(import)? as usize)?
            .as_ref()
    }

    fn table(&self) -> Option<TableType> {
        let slots = self.slots.checked_add(self.types.len() as u64)?;
        Some(TableType {
            element_type: RefType::FUNCREF,
            table64: false,
            minimum: slots,
            maximum: Some(slots),
            shared: false,
        })
    }

    /// The same with functions of its own in place of those that it imports, which call what is in so
    /// many more slots of its table. No index of anything is another one.
    pub(super) fn without_imports(&self) -> Option<Vec<u8>> {
        let added = u32::try_from(self.types.len()).ok()?;
        let mut made = Module::new();
        for (id, range) in &self.read.sections {
            let section = self.bytes.get(range.clone())?;
            let data = match *id {
                id if id == SectionId::Import as u8 => continue,
                id if id == SectionId::Function as u8 => {
                    let mut types = Vec::new();
                    for ty in &self.types {
                        ty.encode(&mut types);
                    }
                    extended(section, added, &types, &[])?
                }
                id if id == SectionId::Table as u8 => {
                    made.section(TableSection::new().table(self.table()?));
                    continue;
                }
                id if id == SectionId::Export as u8 => {
                    let mut export = Vec::new();
                    TABLE.encode(&mut export);
                    ExportKind::Table.encode(&mut export);
                    0u32.encode(&mut export);
                    extended(section, 1, &[], &export)?
                }
                id if id == SectionId::Code as u8 => {
                    let mut bodies = Vec::new();
                    for import in 0..self.types.len() {
                        self.call(import)?.encode(&mut bodies);
                    }
                    extended(section, added, &bodies, &[])?
                }
                _ => section.to_vec(),
            };
            made.section(&RawSection {
                id: *id,
                data: &data,
            });
        }
        Some(made.finish())
    }

    fn call(&self, import: usize) -> Option<Function> {
        let parameters = u32::try_from(self.ty(import)?.params().len()).ok()?;
        let slot = self.slots.checked_add(import as u64)?;
        let mut function = Function::new([]);
        let mut code = function.instructions();
        for parameter in 0..parameters {
            code.local_get(parameter);
        }
        code.i32_const(i32::try_from(slot).ok()?);
        code.call_indirect(0, *self.types.get(import)?);
        code.end();
        Some(function)
    }
}

/// A module that puts the functions that it imports, by their numbers, into the slots where the
/// importer calls them.
pub(super) fn filler(importer: &Importer<'_>, module: &str, table: &str) -> Option<Vec<u8>> {
    let mut types = TypeSection::new();
    let mut imports = ImportSection::new();
    let count = u32::try_from(importer.types.len()).ok()?;
    for (index, import) in (0..count).zip(0..) {
        let ty = importer.ty(import)?;
        let [params, results] = [ty.params(), ty.results()].map(values);
        types.ty().function(params?, results?);
        imports.import(module, &index.to_string(), EntityType::Function(index));
    }
    imports.import(module, table, importer.table()?);
    let mut elements = ElementSection::new();
    let begin = ConstExpr::i32_const(i32::try_from(importer.slots).ok()?);
    let functions: Vec<_> = (0..count).collect();
    elements.active(None, &begin, Elements::Functions(functions.into()));
    let mut made = Module::new();
    made.section(&types).section(&imports).section(&elements);
    Some(made.finish())
}

fn values(types: &[wasmparser::ValType]) -> Option<Vec<ValType>> {
    let types = types.iter().map(|ty| {
        Some(match ty {
            wasmparser::ValType::I32 => ValType::I32,
            wasmparser::ValType::I64 => ValType::I64,
            wasmparser::ValType::F32 => ValType::F32,
            wasmparser::ValType::F64 => ValType::F64,
            _ => return None,
        })
    });
    types.collect()
}
