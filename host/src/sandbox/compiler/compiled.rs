//! What an artifact was compiled to, and its bytes.

use wasmtime::component::Component;

use crate::sandbox::component::words;
use crate::sandbox::engine::{Runtime, StackClass};
use crate::sandbox::unfit::Unfit;

/// What an artifact was compiled to.
pub struct Compiled {
    pub(in crate::sandbox) class: StackClass,
    /// Bytes of the artifact.
    pub(in crate::sandbox) size: u64,
    /// What wasmtime serialized.
    pub(in crate::sandbox) code: Vec<u8>,
    /// The same with more memory, where that is of use.
    pub(in crate::sandbox) roomy: Option<Vec<u8>>,
}

/// Bytes before the code: stack class, size of the artifact, length of the code. Behind it is the roomy
/// one's.
const HEAD: usize = 1 + 8 + 8;

impl Compiled {
    /// Writes it down.
    pub(in crate::sandbox) fn to_bytes(&self) -> Vec<u8> {
        let roomy = self.roomy.as_deref().unwrap_or_default();
        let class = match self.class {
            StackClass::Small => 0,
            StackClass::Large => 1,
        };
        let length = self.code.len() as u64;
        let head = [
            &[class][..],
            &self.size.to_le_bytes(),
            &length.to_le_bytes(),
        ]
        .concat();
        [&head[..], &self.code, roomy].concat()
    }

    /// Reads what was written down.
    pub(in crate::sandbox) fn from_bytes(mut bytes: Vec<u8>) -> Option<Self> {
        let number = |at: usize| {
            let number = bytes.get(at..at + 8)?.try_into().ok()?;
            Some(u64::from_le_bytes(number))
        };
        let (size, length) = (number(1)?, usize::try_from(number(9)?).ok()?);
        let class = match bytes[0] {
            0 => StackClass::Small,
            _ => StackClass::Large,
        };
        let end = HEAD.checked_add(length).filter(|end| *end <= bytes.len())?;
        let roomy = Some(bytes.split_off(end)).filter(|roomy| !roomy.is_empty());
        bytes.drain(..HEAD);
        Some(Self {
            class,
            size,
            code: bytes,
            roomy,
        })
    }

    /// The component again, and the roomy one.
    pub(in crate::sandbox) fn revive(
        &self,
        runtime: &Runtime,
    ) -> Result<(Component, Option<Component>), Unfit> {
        let revive = |code: &[u8]| {
            // SAFETY: the code must be what `Engine::precompile_component` made, unmodified. It came
            // from our own process through a pipe that nobody else has, or from a cache entry that
            // carries our tag, or was made by the caller. (A process that an artifact had taken over
            // could break this: see the documentation of the module above.)
            #[expect(unsafe_code, reason = "there is no other way to get compiled code")]
            let revived = unsafe { Component::deserialize(&runtime.engine, code) };
            revived.map_err(|error| Unfit::DoesNotCompile(words(&error)))
        };
        let roomy = self.roomy.as_deref().map(revive).transpose()?;
        Ok((revive(&self.code)?, roomy))
    }
}
