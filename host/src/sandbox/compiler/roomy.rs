//! Components that begin with more memory than they ask for.
//!
//! Memory that grows in a call costs two system calls, which take the process's memory lock and are as
//! dear as opening ten small payloads. Memory to begin with costs only wiping, but in every call, and
//! most are small. So a component is compiled twice: as it is, and with three times as much memory,
//! for calls with more bytes than would fit. Only some can do anything with it: those whose allocator
//! asks how much memory there is.

use wasm_encoder::{MemorySection, MemoryType, Module, RawSection, SectionId};
use wasmparser::{Parser, Payload};

use super::modules::{self, Unreadable};

/// What distinguishes code that was made so from other code of the same artifact.
pub(in crate::sandbox) const VERSION: &str = "roomy-2";

/// Pages of memory above which what a component begins with is room enough.
const ENOUGH: u64 = 4;

/// How many times as much memory it is. With twice as much, a hundred payloads of 256 bytes that are
/// encoded still grow ours; with four times as much, one of 64 KiB costs 5 % more.
const TIMES: u64 = 3;

/// The component with more memory, if it has one that is small.
pub(super) fn component(artifact: &[u8]) -> Option<Vec<u8>> {
    let (mut memories, mut roomy) = (0, 0);
    let made = modules::replaced(artifact, &mut |bytes| {
        let (module, has) = module(bytes)?;
        memories += has.memories;
        roomy += has.roomy;
        Ok(module)
    });
    made.ok().filter(|_| (memories, roomy) == (1, 1))
}

/// How many memories a module has, and how many of them are roomy now.
#[derive(Default)]
struct Has {
    memories: usize,
    roomy: usize,
}

fn module(bytes: &[u8]) -> Result<(Vec<u8>, Has), Unreadable> {
    let (mut made, mut has) = (Module::new(), Has::default());
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload?;
        let section = payload.as_section();
        if let Payload::MemorySection(memories) = payload {
            let mut section = MemorySection::new();
            for memory in memories {
                let memory = memory?;
                let more = TIMES * memory.initial.min(ENOUGH);
                let is_small = (1..=ENOUGH).contains(&memory.initial)
                    && memory.maximum.is_none_or(|maximum| maximum >= more)
                    && memory.page_size_log2.is_none();
                has.memories += 1;
                has.roomy += usize::from(is_small);
                section.memory(MemoryType {
                    minimum: if is_small { more } else { memory.initial },
                    maximum: memory.maximum,
                    memory64: memory.memory64,
                    shared: memory.shared,
                    page_size_log2: memory.page_size_log2,
                });
            }
            made.section(&section);
        } else if let Some((id, range)) = section
            && id != SectionId::Memory as u8
        {
            let data = &bytes[range];
            made.section(&RawSection { id, data });
        }
    }
    Ok((made.finish(), has))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_small_memory_is_enlarged_and_nothing_else() {
        let check = |before: &str, after: Option<&str>| {
            let parse = |modules: &str| {
                let text = format!("(component {modules})");
                wat::parse_str(text).expect("it is valid")
            };
            assert!(component(&parse(before)) == after.map(parse), "{before}");
        };
        let around = |memory: &str| {
            format!(
                r#"(component (core module (func (export "f")))
                    (core module (table 1 funcref) {memory} (global i32 (i32.const 7))
                        (func (drop (memory.size))) (data (i32.const 0) "x")))"#
            )
        };
        let enlarged = [
            ("(memory 1)", "(memory 3)"),
            ("(memory 4)", "(memory 12)"),
            ("(memory 2 6)", "(memory 6 6)"),
        ];
        for (before, after) in enlarged {
            check(&around(before), Some(&around(after)));
        }
        for other in [
            "(memory 0)",
            "(memory 5)",
            "(memory 1 2)",
            "(memory 1) (memory 1)",
        ] {
            check(&around(other), None);
        }
        check("(core module)", None);
        check("(core module (import \"\" \"\" (memory 1)))", None);
        check("(core module (memory 1)) (core module (memory 9))", None);
    }
}
