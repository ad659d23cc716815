//! Bulk memory operations in steps that a deadline can come between.
//!
//! wasmtime does each `memory.copy`, `memory.fill` and `memory.init` in one go, which nothing can
//! interrupt. Hundreds of megabytes take a tenth of a second and more where their pages are not
//! there yet. So each is replaced by a call of a function that does it in steps, and is added to
//! the module behind all others: nothing else in the module changes, nor does what the operation
//! does. One that does not fit its memory traps before it has done anything.

use std::collections::BTreeMap;
use std::ops::Range;

use wasm_encoder::{BlockType, Encode, Function, InstructionSink, Module, RawSection, SectionId};
use wasmparser::{FunctionBody, Operator, Parser, Payload, TypeRef};
use wasmtime::Engine;

use super::modules::{self, Unreadable};
use super::section::extended;

/// What distinguishes code that was made so from other code of the same artifact.
pub(in crate::sandbox) const VERSION: &str = "steps-1";

/// Bytes of a step: some two milliseconds where every page is a fault of a virtual machine.
const STEP: i32 = 1 << 20;

/// The component with its modules' bulk memory operations in steps. It is as invalid afterwards as
/// it was before: what is added could be what an index out of bounds lacked, so a module that
/// the engine would not have is an error here.
pub(super) fn component(engine: &Engine, artifact: &[u8]) -> Result<Vec<u8>, Unreadable> {
    modules::replaced(artifact, &mut |bytes| module(engine, bytes))
}

/// The same for a core module.
fn module(engine: &Engine, bytes: &[u8]) -> Result<Vec<u8>, Unreadable> {
    wasmtime::Module::validate(engine, bytes).map_err(|_| Unreadable)?;
    let read = Read::new(bytes)?;
    let steps = read.steps()?;
    if steps.is_empty() {
        return Ok(bytes.to_vec());
    }
    let added = u32::try_from(steps.len()).map_err(|_| Unreadable)?;
    let mut made = Module::new();
    for (id, range) in read.sections {
        let section = &bytes[range];
        let data = match id {
            _ if id == SectionId::Type as u8 => {
                // (i32, i32, i32) -> ()
                extended(section, 1, &[], &[0x60, 3, 0x7f, 0x7f, 0x7f, 0]).ok_or(Unreadable)?
            }
            _ if id == SectionId::Function as u8 => {
                let mut types = Vec::new();
                steps.iter().for_each(|_| read.types.encode(&mut types));
                extended(section, added, &[], &types).ok_or(Unreadable)?
            }
            _ if id == SectionId::Code as u8 => {
                let mut code = Vec::new();
                (u32::try_from(read.bodies.len()).map_err(|_| Unreadable)? + added)
                    .encode(&mut code);
                for body in &read.bodies {
                    replaced(bytes, body, &steps)?.encode(&mut code);
                }
                for bulk in steps.keys() {
                    bulk.function().encode(&mut code);
                }
                code
            }
            _ => section.to_vec(),
        };
        made.section(&RawSection { id, data: &data });
    }
    Ok(made.finish())
}

/// What has to be known of a module.
#[derive(Default)]
struct Read<'a> {
    sections: Vec<(u8, Range<usize>)>,
    types: u32,
    functions: u32,
    bodies: Vec<FunctionBody<'a>>,
    /// Bytes of the segments of data.
    segments: Vec<usize>,
}

impl<'a> Read<'a> {
    fn new(bytes: &'a [u8]) -> Result<Self, Unreadable> {
        let mut read = Self::default();
        for payload in Parser::new(0).parse_all(bytes) {
            let payload = payload?;
            read.sections.extend(payload.as_section());
            match payload {
                Payload::TypeSection(section) => {
                    for group in section {
                        let types = u32::try_from(group?.types().len());
                        read.types += types.map_err(|_| Unreadable)?;
                    }
                }
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        let is_function =
                            matches!(import?.ty, TypeRef::Func(_) | TypeRef::FuncExact(_));
                        read.functions += u32::from(is_function);
                    }
                }
                Payload::FunctionSection(section) => read.functions += section.count(),
                Payload::CodeSectionEntry(body) => read.bodies.push(body),
                Payload::DataSection(section) => {
                    for segment in section {
                        read.segments.push(segment?.data.len());
                    }
                }
                _ => {}
            }
        }
        Ok(read)
    }

    /// The functions to add, by what they do, with their indices.
    fn steps(&self) -> Result<BTreeMap<Bulk, u32>, Unreadable> {
        let mut found = BTreeMap::new();
        for body in &self.bodies {
            for operator in body.get_operators_reader()? {
                let Some(bulk) = Bulk::of(&operator?) else {
                    continue;
                };
                if !self.is_short(bulk) {
                    found.insert(bulk, 0);
                }
            }
        }
        for (index, function) in (self.functions..).zip(found.values_mut()) {
            *function = index;
        }
        Ok(found)
    }

    /// Whether the operation never takes more than a step.
    fn is_short(&self, bulk: Bulk) -> bool {
        let Bulk::Init { segment, .. } = bulk else {
            return false;
        };
        let length = self.segments.get(segment as usize);
        length.is_some_and(|length| *length <= STEP as usize)
    }
}

/// A function's body with calls in place of the operations.
fn replaced(
    module: &[u8],
    body: &FunctionBody<'_>,
    steps: &BTreeMap<Bulk, u32>,
) -> Result<Vec<u8>, Unreadable> {
    const CALL: u8 = 0x10;
    let range = body.range();
    let mut made = Vec::with_capacity(range.len());
    let mut from = range.start;
    let mut operators = body.get_operators_reader()?;
    while !operators.eof() {
        let at = operators.original_position();
        let function = Bulk::of(&operators.read()?).and_then(|bulk| steps.get(&bulk));
        if let Some(function) = function {
            made.extend_from_slice(&module[from..at]);
            made.push(CALL);
            function.encode(&mut made);
            from = operators.original_position();
        }
    }
    made.extend_from_slice(&module[from..range.end]);
    Ok(made)
}

/// An operation that may take long, with what it is done to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Bulk {
    Copy { to: u32, from: u32 },
    Fill { memory: u32 },
    Init { memory: u32, segment: u32 },
}

impl Bulk {
    fn of(operator: &Operator<'_>) -> Option<Self> {
        match *operator {
            Operator::MemoryCopy { dst_mem, src_mem } => Some(Self::Copy {
                to: dst_mem,
                from: src_mem,
            }),
            Operator::MemoryFill { mem } => Some(Self::Fill { memory: mem }),
            Operator::MemoryInit { data_index, mem } => Some(Self::Init {
                memory: mem,
                segment: data_index,
            }),
            _ => None,
        }
    }

    /// A function of where to, where from (or what to fill with) and how many bytes, that does it.
    fn function(self) -> Function {
        const TO: u32 = 0;
        const FROM: u32 = 1;
        const COUNT: u32 = 2;
        let mut function = Function::new([]);
        let mut code = function.instructions();
        // In one step if it is short. Also if its end is beyond all addresses, where it traps.
        code.local_get(COUNT).i32_const(STEP).i32_le_u();
        for start in self.addresses() {
            code.local_get(*start).local_get(COUNT).i32_add();
            code.local_get(*start).i32_lt_u().i32_or();
        }
        code.if_(BlockType::Empty);
        code.local_get(TO).local_get(FROM).local_get(COUNT);
        self.write(&mut code);
        code.return_().end();
        // Of no bytes at the end it traps where it would trap as a whole.
        code.local_get(TO).local_get(COUNT).i32_add();
        code.local_get(FROM);
        if self.addresses().contains(&FROM) {
            code.local_get(COUNT).i32_add();
        }
        code.i32_const(0);
        self.write(&mut code);
        if matches!(self, Self::Copy { to, from } if to == from) {
            // From the end, where the beginning would be overwritten before it is read.
            code.local_get(TO).local_get(FROM).i32_gt_u();
            code.if_(BlockType::Empty).loop_(BlockType::Empty);
            code.local_get(COUNT).i32_const(STEP).i32_sub();
            code.local_set(COUNT);
            for start in self.addresses() {
                code.local_get(*start).local_get(COUNT).i32_add();
            }
            code.i32_const(STEP);
            self.write(&mut code);
            code.local_get(COUNT).i32_const(STEP).i32_gt_u();
            code.br_if(0).end();
            code.local_get(TO).local_get(FROM).local_get(COUNT);
            self.write(&mut code);
            code.return_().end();
        }
        code.loop_(BlockType::Empty);
        code.local_get(TO).local_get(FROM).i32_const(STEP);
        self.write(&mut code);
        for start in self.addresses() {
            code.local_get(*start).i32_const(STEP).i32_add();
            code.local_set(*start);
        }
        code.local_get(COUNT).i32_const(STEP).i32_sub();
        code.local_tee(COUNT).i32_const(STEP).i32_gt_u();
        code.br_if(0).end();
        code.local_get(TO).local_get(FROM).local_get(COUNT);
        self.write(&mut code);
        code.end();
        function
    }

    /// Which parameters are addresses.
    fn addresses(self) -> &'static [u32] {
        match self {
            Self::Fill { .. } => &[0],
            Self::Copy { .. } | Self::Init { .. } => &[0, 1],
        }
    }

    fn write(self, code: &mut InstructionSink<'_>) {
        match self {
            Self::Copy { to, from } => code.memory_copy(to, from),
            Self::Fill { memory } => code.memory_fill(memory),
            Self::Init { memory, segment } => code.memory_init(memory, segment),
        };
    }
}

#[cfg(test)]
mod tests {
    use wasmtime::{Config, Instance, Module, Store};

    use super::*;

    /// Memories of 4 MiB, filled with what has no period, and every operation.
    const OPERATIONS: &str = r#"
        (module
          (memory (export "one") 64) (memory (export "two") 64)
          (data $long "PATTERN")
          (data $short "short")
          (func (export "begin") (local $at i32)
            (loop $next
              (i32.store (local.get $at) (i32.mul (local.get $at) (i32.const -1640531535)))
              (i32.store 1 (local.get $at) (i32.mul (local.get $at) (i32.const 974711)))
              (local.set $at (i32.add (local.get $at) (i32.const 4)))
              (br_if $next (i32.lt_u (local.get $at) (i32.const 4194304)))))
          (func (export "copy") (param i32 i32 i32)
            (memory.copy (local.get 0) (local.get 1) (local.get 2)))
          (func (export "across") (param i32 i32 i32)
            (memory.copy 1 0 (local.get 0) (local.get 1) (local.get 2)))
          (func (export "fill") (param i32 i32 i32)
            (memory.fill 1 (local.get 0) (local.get 1) (local.get 2)))
          (func (export "init") (param i32 i32 i32)
            (block (memory.init $long (local.get 0) (local.get 1) (local.get 2)) (br 0)))
          (func (export "init-short") (param i32 i32 i32)
            (memory.init $short (local.get 0) (local.get 1) (local.get 2)))
          (func (export "drop") (data.drop $long)))
    "#;

    fn engine() -> Engine {
        Engine::new(Config::new().gc_support(false)).expect("an engine")
    }

    struct Program {
        store: Store<()>,
        instance: Instance,
    }

    impl Program {
        fn new(module: &[u8]) -> Self {
            let mut store = Store::new(&engine(), ());
            let module = Module::new(store.engine(), module).expect("it is valid");
            let instance = Instance::new(&mut store, &module, &[]).expect("an instance");
            Self { store, instance }
        }

        /// Whether it returned, and what is in both memories.
        fn run(&mut self, name: &str, [to, from, count]: [u32; 3]) -> (bool, Vec<u8>) {
            let Self { store, instance } = self;
            let mut call = |name: &str| {
                let function = instance.get_typed_func::<(), ()>(&mut *store, name);
                function.and_then(|function| function.call(&mut *store, ()))
            };
            call("begin").expect("it begins");
            let arguments = [to, from, count].map(u32::cast_signed).into();
            let function = instance.get_typed_func::<(i32, i32, i32), ()>(&mut *store, name);
            let function = function.expect("it is there");
            let called = function.call(&mut *store, arguments);
            let memory = |name: &str, store: &mut Store<()>| {
                let memory = instance.get_memory(&mut *store, name).expect("it is there");
                memory.data(&*store).to_vec()
            };
            let memories = [memory("one", store), memory("two", store)].concat();
            (called.is_ok(), memories)
        }
    }

    #[test]
    fn in_steps_everything_is_as_it_was() {
        const MIB: u32 = 1 << 20;
        let pattern: String = (0..3 * MIB + 5)
            .map(|at| char::from(b'a' + (at / 7 % 23) as u8))
            .collect();
        let text = OPERATIONS.replace("PATTERN", &pattern);
        let original = wat::parse_str(text).expect("it is valid");
        let in_steps = module(&engine(), &original).expect("it can be read");
        let added = Read::new(&in_steps).expect("it can be read").bodies.len();
        // Two copies, a fill, and an initialisation, but not from the short segment.
        assert_eq!(
            added,
            Read::new(&original).expect("it can be read").bodies.len() + 4
        );
        let mut programs = [&original, &in_steps].map(|module| Program::new(module));
        let edges = [
            0,
            1,
            5,
            MIB - 1,
            MIB,
            MIB + 1,
            2 * MIB,
            3 * MIB + 5,
            4 * MIB - 1,
            4 * MIB,
            4 * MIB + 1,
            u32::MAX - MIB,
            u32::MAX,
        ];
        let mut trapped = 0;
        let mut returned = 0;
        let mut random = 1u32;
        let mut draw = || {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            match random >> 24 {
                at @ ..160 => edges[at as usize % edges.len()],
                _ => (random >> 4) % (4 * MIB),
            }
        };
        for round in 0..150 {
            let names = ["copy", "across", "fill", "init", "init-short"];
            let name = names[round % names.len()];
            let arguments = [draw(), draw(), draw()];
            let [original, in_steps] = programs
                .each_mut()
                .map(|program| program.run(name, arguments));
            assert!(original == in_steps, "{name} {arguments:?}");
            match original.0 {
                true => returned += 1,
                false => trapped += 1,
            }
        }
        assert!(trapped > 20 && returned > 20, "{trapped} {returned}");
        // A segment that was dropped has no bytes.
        for program in &mut programs {
            let drop = program
                .instance
                .get_typed_func::<(), ()>(&mut program.store, "drop");
            let drop = drop.expect("it is there");
            drop.call(&mut program.store, ()).expect("it drops");
        }
        for arguments in [[0, 0, 0], [0, 1, 0], [0, 0, 2 * MIB]] {
            let [original, in_steps] = programs
                .each_mut()
                .map(|program| program.run("init", arguments));
            assert!(original == in_steps, "{arguments:?}");
        }
    }

    #[test]
    fn what_has_nothing_to_replace_stays_as_it_is() {
        let text = r#"(component
            (core module (memory 1) (func (param i32) (i32.store (local.get 0) (i32.const 7))))
            (component (core module $m (func (export "f"))) (core instance (instantiate $m))))"#;
        let artifact = wat::parse_str(text).expect("it is valid");
        assert!(component(&engine(), &artifact).expect("it can be read") == artifact);
        // Wherever it is cut off, that is no panic.
        let whole =
            (0..artifact.len()).filter(|cut| component(&engine(), &artifact[..*cut]).is_ok());
        assert!(whole.count() < artifact.len() / 2);
    }

    /// What is added must not be what it lacks.
    #[test]
    fn what_is_invalid_stays_so() {
        let check = |module: &str, valid: bool| {
            let text = format!("(component (core module {module} (memory 1)))");
            let artifact = wat::parse_str(text).expect("it is well-formed");
            let made = component(&engine(), &artifact);
            assert_eq!(made.is_ok(), valid, "{module}");
        };
        let fill = "(memory.fill (i32.const 0) (i32.const 0) (i32.const 0))";
        check(&format!("(func {fill})"), true);
        check(&format!("(func {fill} (call 0))"), true);
        let arguments = "(i32.const 0) (i32.const 0) (i32.const 0)";
        check(&format!("(func {fill} (call 1 {arguments}))"), false);
        check(&format!("(func {fill}) (export \"f\" (func 1))"), false);
        let import = "(import \"a\" \"b\" (func (type 1)))";
        check(&format!("{import} (func {fill})"), false);
    }
}
