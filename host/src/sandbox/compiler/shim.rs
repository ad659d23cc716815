//! Components without the shim that their toolchain puts in.
//!
//! A function of the host's can be lowered only once there is an instance with the memory that it
//! needs, and that instance is the one which imports it. Toolchains break the circle with two modules
//! more. One is the shim, whose functions are imported in place of the host's, and call what is in a
//! table of its own. The other fills the table when all else is there. That is two instances and a
//! table more to make and to wipe in every call.
//!
//! Here the table is the importing module's own, and so are the functions that call what is in it. The
//! shim is not instantiated any more, and everything else is what it was. A component that is not
//! built exactly so is left alone.

mod component;
mod module;
mod modules;

use std::collections::BTreeMap;

use wasm_encoder::{
    Alias, CanonicalFunctionSection, CanonicalOption, Component, ComponentAliasSection,
    ComponentSectionId, ExportKind, InstanceSection, ModuleArg, RawSection,
};
use wasmparser::{self as parser, CanonicalFunction, ComponentAlias, ExternalKind, Instance};
use wasmtime::Engine;

use component::{Part, Read, functions, name_of};
use modules::{Filler, Importer, Shim};

/// What distinguishes code that was made so from other code of the same artifact.
pub(in crate::sandbox) const VERSION: &str = "shim-1";

/// The component without its shim, if it has one as toolchains make it.
pub(super) fn removed(engine: &Engine, artifact: &[u8]) -> Option<Vec<u8>> {
    let read = Read::new(artifact)?;
    let plan = Plan::new(engine, &read)?;
    plan.carry_out(&read)
}

/// What is to become of which instances and modules.
struct Plan {
    shim: u32,
    importer: u32,
    /// What the filler is made with.
    bag: u32,
    /// Modules in place of others.
    modules: BTreeMap<u32, Vec<u8>>,
    /// The table, in the component and in the bag.
    table: (u32, String),
    /// The functions that the importer calls, in the order of its imports.
    called: Vec<u32>,
    /// Every function's new index, unless it was the shim's.
    functions: Vec<Option<u32>>,
}

impl Plan {
    fn new(engine: &Engine, read: &Read<'_>) -> Option<Self> {
        let (shim, shim_module, slots) = read.only(|_, module, arguments| {
            arguments
                .is_empty()
                .then(|| Shim::read(engine, module))
                .flatten()
        })?;
        let is_shims = |export| name_of(export, shim);
        // Its table, which only the filler has.
        let mut tables = read.tables.iter().enumerate();
        let (table, alias) = tables.find(|(_, table)| is_shims(table).is_some())?;
        let table = u32::try_from(table).ok()?;
        let of_shim = read.tables.iter().filter(|table| is_shims(table).is_some());
        if of_shim.count() != 1 || is_shims(alias) != Some(slots.table) {
            return None;
        }
        let has_table = |bag: u32| {
            let exports = read.bag(bag)?.iter();
            let mut tables = exports.filter(|export| export.kind == ExternalKind::Table);
            tables
                .find(|export| export.index == table)
                .map(|table| table.name)
        };
        let (filler, filler_module, (bag, table_name, filling)) =
            read.only(|_, module, arguments| {
                let [argument] = arguments else { return None };
                let name = has_table(argument.index)?;
                let filler = Filler::read(engine, module, argument.name, name)?;
                Some((argument.index, name, filler))
            })?;
        // What the shim's functions call in the end.
        let filled = functions(read.bag(bag)?);
        let behind = |name: &str| {
            let slot = slots.functions.get(name)?;
            filled.get(filling.slots.get(*slot)?).copied()
        };
        // The one that imports them.
        let has_functions = |bag: u32| {
            let exports = functions(read.bag(bag)?);
            let mut exports = exports.values();
            exports
                .any(|index| {
                    read.functions
                        .get(*index as usize)
                        .and_then(is_shims)
                        .is_some()
                })
                .then_some(())
        };
        let (importer, importer_module, ()) = read.only(|instance, _, arguments| {
            let mut arguments = arguments.iter();
            let imports = arguments.any(|argument| has_functions(argument.index).is_some());
            (imports && instance != filler).then_some(())
        })?;
        let (_, arguments) = read.instantiated(importer)?;
        // Nobody calls what the importer imports before the filler is there.
        let between = (importer + 1)..filler;
        let is_next = between.into_iter().all(|other| read.bag(other).is_some());
        if alias.as_ref()?.after <= importer as usize || filler <= importer || !is_next {
            return None;
        }
        let given = arguments.iter().map(|argument| {
            let functions = functions(read.bag(argument.index)?);
            Some((argument.name, functions))
        });
        let given = given.collect::<Option<BTreeMap<_, _>>>()?;
        let module = Importer::read(engine, read.module(importer_module)?)?;
        let mut called = Vec::new();
        for (from, name) in &module.imports {
            let function = *given.get(from)?.get(name)?;
            called.push(match is_shims(read.functions.get(function as usize)?) {
                Some(name) => behind(name)?,
                None => function,
            });
        }
        let mut left = 0..;
        let functions = read.functions.iter();
        let functions = functions.map(|function| match is_shims(function) {
            Some(_) => None,
            None => left.next(),
        });
        let functions = functions.collect();
        let modules = BTreeMap::from([
            (shim_module, wasm_encoder::Module::new().finish()),
            (importer_module, module.without_imports()?),
            (
                filler_module,
                modules::filler(&module, filling.module, table_name)?,
            ),
        ]);
        Some(Self {
            shim,
            importer,
            bag,
            modules,
            table: (table, table_name.to_owned()),
            called,
            functions,
        })
    }

    fn carry_out(&self, read: &Read<'_>) -> Option<Vec<u8>> {
        let mut made = Component::new();
        let mut modules = (0..).zip(&read.modules);
        let mut instances = (0..).zip(&read.instances);
        for part in &read.parts {
            match part {
                Part::Module => {
                    let (index, module) = modules.next()?;
                    let data = self.modules.get(&index).map_or(*module, Vec::as_slice);
                    let id = ComponentSectionId::CoreModule as u8;
                    made.section(&RawSection { id, data });
                }
                Part::Instances(count) => {
                    let mut section = InstanceSection::new();
                    for (index, instance) in instances.by_ref().take(*count) {
                        self.instance(index, instance, &mut section)?;
                    }
                    made.section(&section);
                }
                Part::Aliases(aliases) => self.aliases(aliases, &mut made),
                Part::Canonical(functions) => {
                    let mut section = CanonicalFunctionSection::new();
                    for function in functions {
                        self.canonical(function, &mut section)?;
                    }
                    made.section(&section);
                }
                Part::Other(id, data) => {
                    made.section(&RawSection { id: *id, data });
                }
            }
        }
        Some(made.finish())
    }

    fn function(&self, index: u32) -> Option<u32> {
        *self.functions.get(index as usize)?
    }

    fn instance(
        &self,
        index: u32,
        instance: &Instance<'_>,
        section: &mut InstanceSection,
    ) -> Option<()> {
        const NOTHING: [(&str, ExportKind, u32); 0] = [];
        match instance {
            _ if index == self.shim => section.export_items(NOTHING),
            _ if index == self.bag => {
                let (table, name) = &self.table;
                let mut exports = vec![(name.clone(), ExportKind::Table, *table)];
                for (slot, function) in self.called.iter().enumerate() {
                    exports.push((
                        slot.to_string(),
                        ExportKind::Func,
                        self.function(*function)?,
                    ));
                }
                section.export_items(exports)
            }
            Instance::FromExports(exports) => {
                let mut left = Vec::with_capacity(exports.len());
                for export in exports {
                    let (kind, index) = match export.kind {
                        ExternalKind::Func => match self.function(export.index) {
                            Some(index) => (ExportKind::Func, index),
                            // The importer imports it no more.
                            None => continue,
                        },
                        ExternalKind::Memory => (ExportKind::Memory, export.index),
                        ExternalKind::Global => (ExportKind::Global, export.index),
                        ExternalKind::Table if export.index != self.table.0 => {
                            (ExportKind::Table, export.index)
                        }
                        _ => return None,
                    };
                    left.push((export.name, kind, index));
                }
                section.export_items(left)
            }
            Instance::Instantiate { module_index, args } => {
                let mut arguments = Vec::with_capacity(args.len());
                for argument in args {
                    if argument.index == self.shim {
                        return None;
                    }
                    arguments.push((argument.name, ModuleArg::Instance(argument.index)));
                }
                section.instantiate(*module_index, arguments)
            }
        };
        Some(())
    }

    fn aliases(&self, aliases: &[(&[u8], ComponentAlias<'_>)], made: &mut Component) {
        for (bytes, alias) in aliases {
            let export = match alias {
                ComponentAlias::CoreInstanceExport {
                    kind,
                    instance_index,
                    ..
                } if *instance_index == self.shim => Some(kind),
                _ => None,
            };
            match export {
                None => {
                    let id = ComponentSectionId::Alias as u8;
                    let data = &[&[1], *bytes].concat();
                    made.section(&RawSection { id, data });
                }
                Some(ExternalKind::Table) => {
                    let mut section = ComponentAliasSection::new();
                    section.alias(Alias::CoreInstanceExport {
                        instance: self.importer,
                        kind: ExportKind::Table,
                        name: modules::TABLE,
                    });
                    made.section(&section);
                }
                Some(_) => {}
            }
        }
    }

    fn canonical(
        &self,
        function: &CanonicalFunction,
        section: &mut CanonicalFunctionSection,
    ) -> Option<()> {
        let options = |options: &[parser::CanonicalOption]| {
            let options = options.iter().map(|option| {
                Some(match *option {
                    parser::CanonicalOption::UTF8 => CanonicalOption::UTF8,
                    parser::CanonicalOption::UTF16 => CanonicalOption::UTF16,
                    parser::CanonicalOption::CompactUTF16 => CanonicalOption::CompactUTF16,
                    parser::CanonicalOption::Memory(memory) => CanonicalOption::Memory(memory),
                    parser::CanonicalOption::Realloc(function) => {
                        CanonicalOption::Realloc(self.function(function)?)
                    }
                    parser::CanonicalOption::PostReturn(function) => {
                        CanonicalOption::PostReturn(self.function(function)?)
                    }
                    _ => return None,
                })
            });
            options.collect::<Option<Vec<_>>>()
        };
        match function {
            CanonicalFunction::Lift {
                core_func_index,
                type_index,
                options: given,
            } => section.lift(
                self.function(*core_func_index)?,
                *type_index,
                options(given)?,
            ),
            CanonicalFunction::Lower {
                func_index,
                options: given,
            } => section.lower(*func_index, options(given)?),
            CanonicalFunction::ResourceNew { resource } => section.resource_new(*resource),
            CanonicalFunction::ResourceDrop { resource } => section.resource_drop(*resource),
            CanonicalFunction::ResourceRep { resource } => section.resource_rep(*resource),
            _ => return None,
        };
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use wasmtime::component::{self, Linker};
    use wasmtime::{Config, Store};

    use super::*;

    /// As toolchains make it: `text` and `list` are lowered by way of the shim, and `flat` is not.
    const COMPONENT: &str = r#"
        (component
          (import "host" (instance $host
            (export "flat" (func (param "a" f32) (param "b" f64) (result u32)))
            (export "text" (func (param "text" string) (param "times" u32) (result u64)))
            (export "list" (func (param "length" u32) (result (list u8))))))
          (core module $main
            (import "host" "text" (func $text (param i32 i32 i32) (result i64)))
            (import "host" "flat" (func $flat (param f32 f64) (result i32)))
            (import "host" "list" (func $list (param i32 i32)))
            (type $one (func (result i64)))
            (memory (export "memory") 1)
            (table 3 3 funcref)
            (elem (i32.const 1) func $own $flat)
            (data (i32.const 16) "hello")
            (global $heap (mut i32) (i32.const 1024))
            (func $own (result i64) (i64.const 1000000))
            (func (export "realloc") (param i32 i32 i32 i32) (result i32)
              (global.set $heap (i32.add (global.get $heap) (local.get 3)))
              (i32.sub (global.get $heap) (local.get 3)))
            (func (export "run") (param $n i32) (result i64)
              (call $list (local.get $n) (i32.const 64))
              (call $text (i32.const 16) (i32.const 5) (local.get $n))
              (i64.extend_i32_u (call $flat (f32.const 1.5) (f64.const 2.25)))
              (i64.load32_u (i32.const 68))
              (i64.load8_u (i32.load (i32.const 64)))
              (call_indirect (type $one) (i32.const 1))
              i64.add i64.add i64.add i64.add))
          (core module $shim
            (type $text (func (param i32 i32 i32) (result i64)))
            (type $list (func (param i32 i32)))
            (table (export "$imports") 2 2 funcref)
            (func (export "0") (type $text)
              (call_indirect (type $text)
                (local.get 0) (local.get 1) (local.get 2) (i32.const 0)))
            (func (export "1") (type $list)
              (call_indirect (type $list) (local.get 0) (local.get 1) (i32.const 1))))
          (core module $filler
            (import "" "0" (func $text (param i32 i32 i32) (result i64)))
            (import "" "1" (func $list (param i32 i32)))
            (import "" "$imports" (table 2 2 funcref))
            (elem (i32.const 0) func $text $list))
          (core instance $shim (instantiate $shim))
          (alias core export $shim "1" (core func $list-by-shim))
          (core func $flat (canon lower (func $host "flat")))
          (alias core export $shim "0" (core func $text-by-shim))
          (core instance $given
            (export "list" (func $list-by-shim))
            (export "flat" (func $flat))
            (export "text" (func $text-by-shim)))
          (core instance $main (instantiate $main (with "host" (instance $given))))
          (alias core export $main "memory" (core memory $memory))
          (alias core export $main "realloc" (core func $realloc))
          (alias core export $shim "$imports" (core table $imports))
          (core func $text (canon lower (func $host "text") (memory $memory)))
          (core func $list (canon lower (func $host "list") (memory $memory) (realloc $realloc)))
          (core instance $filling
            (export "$imports" (table $imports))
            (export "0" (func $text))
            (export "1" (func $list)))
          (core instance (instantiate $filler (with "" (instance $filling))))
          (func (export "run") (param "n" u32) (result u64) (canon lift (core func $main "run"))))
    "#;

    fn engine() -> Engine {
        Engine::new(Config::new().gc_support(false)).expect("an engine")
    }

    fn read(text: &str) -> Vec<u8> {
        wat::parse_str(text).expect("it is well-formed")
    }

    fn run(artifact: &[u8], n: u32) -> u64 {
        let engine = engine();
        let component = component::Component::new(&engine, artifact).expect("it is valid");
        let mut linker = Linker::new(&engine);
        let mut host = linker.instance("host").expect("a name");
        host.func_wrap("flat", |_, (a, b): (f32, f64)| {
            Ok(((f64::from(a) * b * 8.0) as u32,))
        })
        .expect("it is new");
        host.func_wrap("text", |_, (text, times): (String, u32)| {
            assert_eq!(text, "hello");
            Ok((u64::from(times) * 1000,))
        })
        .expect("it is new");
        host.func_wrap("list", |_, (length,): (u32,)| {
            Ok((vec![200u8; length as usize],))
        })
        .expect("it is new");
        let mut store = Store::new(&engine, ());
        let instance = linker.instantiate(&mut store, &component);
        let instance = instance.expect("an instance");
        let run = instance.get_typed_func::<(u32,), (u64,)>(&mut store, "run");
        let run = run.expect("its type");
        run.call(&mut store, (n,)).expect("no trap").0
    }

    fn instantiated(artifact: &[u8]) -> usize {
        let read = Read::new(artifact).expect("it can be read");
        let instances = read.instances.iter();
        instances
            .filter(|instance| matches!(instance, Instance::Instantiate { .. }))
            .count()
    }

    #[test]
    fn without_its_shim_a_component_does_what_it_did() {
        let artifact = read(COMPONENT);
        let made = removed(&engine(), &artifact).expect("it has one");
        assert_eq!((instantiated(&artifact), instantiated(&made)), (3, 2));
        for n in [1, 2, 700] {
            let expected = 1_000_000 + 200 + u64::from(n) + 27 + u64::from(n) * 1000;
            assert_eq!(run(&artifact, n), expected);
            assert_eq!(run(&made, n), expected);
        }
        // There is nothing more to take away.
        assert!(removed(&engine(), &made).is_none());
        let made = removed(&engine(), crate::reload::BUILT_IN).expect("it has one");
        assert_eq!(instantiated(&made), 2);
    }

    #[test]
    fn what_is_built_otherwise_is_left_alone() {
        let changes = [
            // The shim does something else, or has more.
            (
                "(local.get 2) (i32.const 0))",
                "(i32.const 0) (i32.const 0))",
            ),
            (
                "(func (export \"1\") (type $list)",
                "(func (export \"1\") (type $list) (local i64) (drop (local.get 2))",
            ),
            (
                "(table (export \"$imports\") 2",
                "(memory 1) (table (export \"$imports\") 2",
            ),
            // The table is filled otherwise, or not with what is imported.
            (
                "(elem (i32.const 0) func $text $list)",
                "(elem (i32.const 0) func $text)",
            ),
            (
                "(elem (i32.const 0) func $text $list)",
                "(elem (i32.const 0) func $text $list) (memory 1)",
            ),
            (
                "(elem (i32.const 0) func $text $list)",
                "(elem (i32.const 0) func $text $list) (elem (i32.const 0) func $text)",
            ),
            // The table cannot be larger, or what is imported may be called too early.
            ("(table 3 3 funcref)", "(table 3 funcref)"),
            ("(table 3 3 funcref)", "(table 3 4 funcref)"),
            (
                "(table 3 3 funcref)",
                "(table 3 3 funcref) (table 1 1 funcref)",
            ),
            ("(table 3 3 funcref)", "(table 99999 99999 funcref)"),
            (
                "(func $own (result i64)",
                "(start $begin) (func $begin) (func $own (result i64)",
            ),
            // Others have to do with the shim.
            (
                "(core instance $filling",
                "(core module $other (import \"a\" \"0\" (func (param i32 i32 i32) (result i64))))
                 (core instance (instantiate $other (with \"a\" (instance $shim))))
                 (core instance $filling",
            ),
            (
                "(core instance $filling",
                "(alias outer 0 $main (core module $again)) (core instance $filling",
            ),
            (
                "(import \"host\"",
                "(import \"a\" (core module)) (import \"host\"",
            ),
            (
                "(core instance $filling",
                "(export \"a\" (core module $main)) (core instance $filling",
            ),
            (
                "(core instance $filling",
                "(core instance (instantiate $main (with \"host\" (instance $given))))
                 (core instance $filling",
            ),
            (
                "(core instance $filling",
                "(core module $other)
                 (core instance (instantiate $other))
                 (core instance $filling",
            ),
            (
                "(alias core export $shim \"1\" (core func $list-by-shim))",
                "(alias core export $shim \"1\" (core func $list-by-shim))
                 (core instance (instantiate $shim))",
            ),
        ];
        for (from, to) in changes {
            assert!(COMPONENT.contains(from), "{from}");
            let artifact = read(&COMPONENT.replacen(from, to, 1));
            let made = removed(&engine(), &artifact);
            assert!(made.is_none(), "{to}");
        }
        let nothing = read("(component (core module))");
        assert!(removed(&engine(), &nothing).is_none());
    }

    #[test]
    fn what_is_cut_off_or_damaged_is_no_panic() {
        let artifact = read(COMPONENT);
        let engine = engine();
        for at in 0..artifact.len() {
            removed(&engine, &artifact[..at]);
            for value in [0, 1, 0x7f, 0xff] {
                let mut damaged = artifact.clone();
                damaged[at] = value;
                removed(&engine, &damaged);
            }
        }
    }
}
