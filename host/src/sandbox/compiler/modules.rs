//! The core modules of a component, where something else is made of them.

use wasm_encoder::{Component, ComponentSectionId, RawSection};
use wasmparser::{BinaryReaderError, Chunk, Encoding, Parser, Payload};

/// Why an artifact could not be read.
#[derive(Debug)]
pub(super) struct Unreadable;

impl From<BinaryReaderError> for Unreadable {
    fn from(_: BinaryReaderError) -> Self {
        Self
    }
}

/// The component with what is made of each module in its place, however deep it lies.
pub(super) fn replaced(
    artifact: &[u8],
    make: &mut impl FnMut(&[u8]) -> Result<Vec<u8>, Unreadable>,
) -> Result<Vec<u8>, Unreadable> {
    let mut made = Component::new();
    let mut parser = Parser::new(0);
    let mut at = 0;
    while at < artifact.len() {
        let Chunk::Parsed { consumed, payload } = parser.parse(&artifact[at..], true)? else {
            return Err(Unreadable);
        };
        at += consumed;
        let (id, data) = match payload {
            Payload::Version {
                encoding: Encoding::Module,
                ..
            } => return Err(Unreadable),
            Payload::ModuleSection {
                unchecked_range, ..
            } => {
                let inside = artifact.get(unchecked_range).ok_or(Unreadable)?;
                at += inside.len();
                (ComponentSectionId::CoreModule as u8, make(inside)?)
            }
            Payload::ComponentSection {
                unchecked_range, ..
            } => {
                let inside = artifact.get(unchecked_range).ok_or(Unreadable)?;
                at += inside.len();
                (ComponentSectionId::Component as u8, replaced(inside, make)?)
            }
            other => match other.as_section() {
                Some((id, range)) => (id, artifact[range].to_vec()),
                None => continue,
            },
        };
        made.section(&RawSection { id, data: &data });
    }
    Ok(made.finish())
}
