//! Sections of the binary format.

use wasm_encoder::Encode;
use wasmparser::BinaryReader;

/// A section that is a list, with so many more elements, at its beginning and its end.
pub(super) fn extended(
    section: &[u8],
    added: u32,
    before: &[u8],
    behind: &[u8],
) -> Option<Vec<u8>> {
    let mut reader = BinaryReader::new(section, 0);
    let count = reader.read_var_u32().ok()?.checked_add(added)?;
    let mut made = Vec::with_capacity(section.len() + before.len() + behind.len() + 5);
    count.encode(&mut made);
    made.extend_from_slice(before);
    made.extend_from_slice(&section[reader.current_position()..]);
    made.extend_from_slice(behind);
    Some(made)
}
