//! What is put around random code so that more of it runs: left alone it is refused when it is
//! loaded, since it traps on an empty list, or has no memory for a request.

use std::collections::HashMap;

use wasm_encoder::{
    BlockType, CodeSection, Encode, Instruction, MemArg, MemArgTarget, Section, ValType,
};
use wasmparser::{ExternalKind, FunctionBody, Parser, Payload, TypeRef};

/// What a function does beside its random code.
#[derive(Clone, Copy)]
pub(crate) enum Body {
    /// Hands out memory, in place of the random code.
    Allocates,
    /// Answers an empty list, and leaves others to the random code.
    AnswersNothing,
    /// The same, but answers what it was given, when the random code has run.
    AnswersAfter,
}

/// The module with something around the code of the functions that are exported under those names.
pub(crate) fn wrap(module: &[u8], bodies: &[(&str, Body)]) -> Vec<u8> {
    let index = |at: u64| usize::try_from(at).expect("an index");
    let (mut imported, mut memory, mut wrapped) = (0, 0, HashMap::new());
    let (mut before, mut code, mut entries) = (8, None, CodeSection::new());
    for payload in Parser::new(0).parse_all(module) {
        let payload = payload.expect("a module of wasm-smith's");
        match &payload {
            Payload::ImportSection(imports) => {
                let imports = imports.clone().into_imports().flatten();
                imported = imports
                    .filter(|import| matches!(import.ty, TypeRef::Func(_)))
                    .count() as u32;
            }
            Payload::ExportSection(exports) => {
                for export in exports.clone().into_iter().flatten() {
                    match export.kind {
                        ExternalKind::Memory if export.name == "memory" => memory = export.index,
                        ExternalKind::Func => {
                            let body = bodies.iter().find(|(name, _)| *name == export.name);
                            body.into_iter()
                                .for_each(|(_, body)| _ = wrapped.insert(export.index, *body));
                        }
                        _ => {}
                    }
                }
            }
            Payload::CodeSectionStart {
                unchecked_range: range,
                ..
            } => code = Some(before..index(range.end)),
            Payload::CodeSectionEntry(body) => {
                match wrapped.get(&(imported + entries.len())) {
                    Some(around) => entries.raw(&around.around(module, body, memory)),
                    None => entries.raw(body.as_bytes()),
                };
            }
            _ => {}
        }
        if let Some((_, section)) = payload.as_section() {
            before = index(section.end);
        }
    }
    let code = code.expect("a module with exports has code");
    let mut wrapped = module[..code.start].to_vec();
    entries.append_to(&mut wrapped);
    wrapped.extend_from_slice(&module[code.end..]);
    wrapped
}

impl Body {
    fn around(self, module: &[u8], body: &FunctionBody, memory: u32) -> Vec<u8> {
        let index = |at: u64| usize::try_from(at).expect("an index");
        let locals = body.get_locals_reader().expect("locals");
        let groups = locals.get_count();
        let declared: u32 = body
            .get_locals_reader()
            .expect("locals")
            .into_iter()
            .flatten()
            .map(|(count, _)| count)
            .sum();
        let code = body
            .get_operators_reader()
            .expect("code")
            .original_position();
        let declarations = &module[index(locals.original_position())..index(code)];
        let random = &module[index(code)..index(body.range().end)];
        let parameters = match self {
            Self::Allocates => 4,
            Self::AnswersNothing | Self::AnswersAfter => 2,
        };
        // Two more locals, which random code does not know.
        let own = parameters + declared;
        let mut bytes = Vec::new();
        (groups + 1).encode(&mut bytes);
        bytes.extend_from_slice(declarations);
        bytes.extend([2, 0x7f]);
        let mut add = |instructions: &[Instruction]| {
            let each = instructions.iter();
            each.for_each(|instruction| instruction.encode(&mut bytes));
        };
        match self {
            Self::Allocates => add(&allocate(own, memory)),
            Self::AnswersNothing | Self::AnswersAfter => {
                add(&[
                    Instruction::LocalGet(1),
                    Instruction::I32Eqz,
                    Instruction::If(BlockType::Empty),
                ]);
                add(&answer(0, memory));
                add(&[Instruction::Return, Instruction::End]);
            }
        }
        if let Self::AnswersAfter = self {
            add(&[
                Instruction::LocalGet(0),
                Instruction::LocalSet(own),
                Instruction::LocalGet(1),
                Instruction::LocalSet(own + 1),
                Instruction::Block(BlockType::Result(ValType::I32)),
            ]);
            // Its end is the block's.
            bytes.extend_from_slice(random);
            let mut add = |instructions: &[Instruction]| {
                let each = instructions.iter();
                each.for_each(|instruction| instruction.encode(&mut bytes));
            };
            add(&[Instruction::Drop]);
            add(&answer(own, memory));
            add(&[Instruction::End]);
        } else {
            bytes.extend_from_slice(random);
        }
        bytes
    }
}

/// Leaves the address of an answer: the list whose address is in that local, and its length in
/// the next.
fn answer(list: u32, memory: u32) -> [Instruction<'static>; 10] {
    const ANSWER: i32 = 8;
    [
        Instruction::I32Const(ANSWER),
        Instruction::I32Const(0),
        Instruction::I32Store8(at(0, 0, memory)),
        Instruction::I32Const(ANSWER),
        Instruction::LocalGet(list),
        Instruction::I32Store(at(4, 2, memory)),
        Instruction::I32Const(ANSWER),
        Instruction::LocalGet(list + 1),
        Instruction::I32Store(at(8, 2, memory)),
        Instruction::I32Const(ANSWER),
    ]
}

/// Hands out memory from 1 KiB upwards. How much it has handed out is at address 0, where random
/// code may change it.
fn allocate(block: u32, memory: u32) -> [Instruction<'static>; 16] {
    const FIRST: i32 = 1024;
    const SIZE: u32 = 3;
    [
        Instruction::I32Const(0),
        Instruction::I32Load(at(0, 2, memory)),
        Instruction::I32Const(FIRST + 7),
        Instruction::I32Add,
        Instruction::I32Const(-8),
        Instruction::I32And,
        Instruction::LocalSet(block),
        Instruction::I32Const(0),
        Instruction::LocalGet(block),
        Instruction::LocalGet(SIZE),
        Instruction::I32Add,
        Instruction::I32Const(FIRST),
        Instruction::I32Sub,
        Instruction::I32Store(at(0, 2, memory)),
        Instruction::LocalGet(block),
        Instruction::Return,
    ]
}

fn at(offset: u64, align: u32, memory: u32) -> MemArg {
    MemArg {
        offset,
        align,
        target: MemArgTarget::Memory(memory),
        ordering: None,
    }
}
