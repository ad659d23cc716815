//! Opening and sealing lists of small things, with one call of the host.

use std::sync::Arc;

use wasmtime::component::__internal::{
    CanonicalAbiInfo, InstanceType, InterfaceType, LiftContext, LowerContext,
};
use wasmtime::component::{ComponentType, Lift, Lower};
use wasmtime::{Result, ValRaw, bail};

use super::KeyError;
use super::bindings::temporal::codec::keyring as contract;
use super::sealed::{Opened, Place, open_to, seal_to};
use super::span::{Span, lift_list, lower_in_memory, type_of_list};
use crate::keyring::{Key, NONCE, TAG};

/// What an element costs the host besides its bytes, counted as bytes: it takes as long to seal none
/// of them as to copy some hundred, and there is to be an end of a list of nothing.
const ELEMENT: usize = 128;

/// What sealing adds.
const ADDED: usize = NONCE + TAG;

/// The sealed bytes that are to be opened.
pub(super) struct ToOpen {
    /// Without repetitions of the one before.
    pub(super) key_ids: Vec<String>,
    list: Vec<Sealed>,
}

struct Sealed {
    /// An index of the ids.
    key: usize,
    bytes: Place,
    associated: Place,
}

impl ToOpen {
    /// How many bytes there are.
    pub(super) fn size(&self) -> usize {
        let sizes = self.list.iter();
        sizes
            .map(|sealed| sealed.bytes.len() + sealed.associated.len())
            .sum()
    }

    fn lift(cx: &mut LiftContext<'_>, list: Span) -> Result<Self> {
        let records = list.list::<contract::ToOpen>(cx, ELEMENT)?;
        let mut lifted = Self {
            key_ids: Vec::new(),
            list: Vec::with_capacity(records.len()),
        };
        for record in records {
            let [key_id, bytes, associated] = Span::fields(record);
            let key_id = key_id.text(cx)?;
            if lifted.key_ids.last().is_none_or(|last| **last != *key_id) {
                lifted.key_ids.push(key_id.into_owned());
            }
            lifted.list.push(Sealed {
                key: lifted.key_ids.len() - 1,
                bytes: Place::lift(cx, bytes)?,
                associated: Place::lift(cx, associated)?,
            });
        }
        Ok(lifted)
    }
}

/// What becomes of them: the plaintexts, or which is the first that there is none of, and why.
pub(super) struct EachOpened {
    /// In the order of the ids.
    pub(super) keys: Vec<Result<Arc<Key>, KeyError>>,
    pub(super) list: ToOpen,
}

impl EachOpened {
    fn open<T>(&self, cx: &mut LowerContext<'_, T>) -> Result<Result<Opened, contract::Unopened>> {
        let unopened = |index: usize, error: KeyError| {
            let index = u32::try_from(index)?;
            Ok(Err(contract::Unopened { index, error }))
        };
        let list = &self.list.list;
        let lengths = list.iter();
        let lengths = lengths.map(|sealed| sealed.bytes.len().saturating_sub(ADDED));
        let room = Span::room(cx, lengths.sum(), 1, 1)?;
        let mut at = room.range().start;
        // In their order, so that the first that cannot be opened is the one that is told.
        for (index, sealed) in list.iter().enumerate() {
            let key = match &self.keys[sealed.key] {
                Ok(key) => key,
                Err(error) => return unopened(index, *error),
            };
            let Some(length) = sealed.bytes.len().checked_sub(ADDED) else {
                return unopened(index, KeyError::NotAuthentic);
            };
            let place = at..at + length;
            if let Err(error) = open_to(cx, key, sealed.bytes, sealed.associated, place)? {
                return unopened(index, error);
            }
            at += length;
        }
        Ok(Ok(Opened(room)))
    }
}

/// The plaintexts that are to be sealed.
pub(super) struct ToSeal(Vec<Plaintext>);

struct Plaintext {
    bytes: Place,
    associated: Place,
}

impl ToSeal {
    /// How many bytes there are.
    pub(super) fn size(&self) -> usize {
        let sizes = self.0.iter();
        sizes
            .map(|plaintext| plaintext.bytes.len() + plaintext.associated.len())
            .sum()
    }

    fn lift(cx: &mut LiftContext<'_>, list: Span) -> Result<Self> {
        let records = list.list::<contract::ToSeal>(cx, ELEMENT)?;
        let lifted = records.map(|record| {
            let [bytes, associated] = Span::fields(record);
            Ok(Plaintext {
                bytes: Place::lift(cx, bytes)?,
                associated: Place::lift(cx, associated)?,
            })
        });
        lifted.collect::<Result<_>>().map(Self)
    }
}

/// What they are sealed to.
pub(super) struct EachSealed {
    pub(super) key: Arc<Key>,
    pub(super) list: ToSeal,
}

impl EachSealed {
    fn seal<T>(&self, cx: &mut LowerContext<'_, T>) -> Result<Span> {
        let Self { key, list } = self;
        let lengths = list.0.iter().map(|plaintext| plaintext.bytes.len() + ADDED);
        let room = Span::room(cx, lengths.sum(), 1, 1)?;
        let mut at = room.range().start;
        for plaintext in &list.0 {
            let end = at + plaintext.bytes.len() + ADDED;
            let (bytes, associated) = (plaintext.bytes, plaintext.associated);
            seal_to(cx, key, Place::NOWHERE, bytes, associated, at..end)?;
            at = end;
        }
        Ok(room)
    }
}

type_of_list!(ToOpen, contract::ToOpen);
lift_list!(ToOpen);
type_of_list!(ToSeal, contract::ToSeal);
lift_list!(ToSeal);

type_of_list!(EachSealed, u8);
lower_in_memory!(EachSealed, |sealed, cx, _ty, offset| {
    sealed.seal(cx)?.write(cx, offset)
});

// SAFETY: size, alignment, type and flat form are those of what it is lowered as.
#[expect(unsafe_code, reason = "wasmtime's trait for types of its own ABI")]
unsafe impl ComponentType for EachOpened {
    type Lower = <Result<Opened, contract::Unopened> as ComponentType>::Lower;

    const ABI: CanonicalAbiInfo = Result::<Opened, contract::Unopened>::ABI;

    fn typecheck(ty: &InterfaceType, types: &InstanceType<'_>) -> Result<()> {
        Result::<Opened, contract::Unopened>::typecheck(ty, types)
    }
}

lower_in_memory!(EachOpened, |opened, cx, ty, offset| {
    opened.open(cx)?.linear_lower_to_memory(cx, ty, offset)
});
