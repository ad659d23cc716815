//! Opening and sealing, from one place in a guest's memory right to another.
//!
//! What the guest asks for is not made before there is room for it, which is where the answer is
//! lowered. Nothing that is secret is copied out of the guest's memory on the way.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use wasmtime::component::__internal::{
    CanonicalAbiInfo, InstanceType, InterfaceType, LiftContext, LowerContext,
};
use wasmtime::component::{ComponentType, Lift, Lower};
use wasmtime::{Result, ValRaw, bail};

use super::KeyError;
use super::span::{Span, lift_list, lower_in_memory, type_of_list};
use crate::keyring::{Key, NONCE, TAG};

/// Where in the guest's memory a list of bytes is, as the argument of a host function.
#[derive(Clone, Copy)]
pub(super) struct Place(Span);

impl Place {
    /// No bytes.
    pub(super) const NOWHERE: Self = Self(Span::NOTHING);

    /// How many bytes.
    pub(super) fn len(self) -> usize {
        self.0.range().len()
    }

    pub(super) fn lift(cx: &mut LiftContext<'_>, span: Span) -> Result<Self> {
        let length = span.bytes(cx)?.len();
        cx.consume_fuel(length)?;
        Ok(Self(span))
    }

    /// A copy of what is there.
    fn copy<T>(self, cx: &mut LowerContext<'_, T>) -> Result<Vec<u8>> {
        let length = self.len();
        if length == 0 {
            return Ok(Vec::new());
        }
        Ok(Span::slice(cx, self.0.range().start, length)?.to_vec())
    }
}

/// Sealed bytes that are to be opened, as what becomes of them: the plaintext, or why there is none.
pub(super) struct Opening {
    pub(super) key: Result<Arc<Key>, KeyError>,
    pub(super) sealed: Place,
    pub(super) associated: Place,
}

impl Opening {
    fn open<T>(&self, cx: &mut LowerContext<'_, T>) -> Result<Result<Opened, KeyError>> {
        let key = match &self.key {
            Ok(key) => key,
            Err(error) => return Ok(Err(*error)),
        };
        let Some(length) = self.sealed.len().checked_sub(NONCE + TAG) else {
            return Ok(Err(KeyError::NotAuthentic));
        };
        let room = Span::room(cx, length, 1, 1)?;
        let opened = open_to(cx, key, self.sealed, self.associated, room.range())?;
        Ok(opened.map(|()| Opened(room)))
    }
}

/// Opens sealed bytes to a place, whose size is that of the plaintext.
pub(super) fn open_to<T>(
    cx: &mut LowerContext<'_, T>,
    key: &Key,
    sealed: Place,
    associated: Place,
    to: Range<usize>,
) -> Result<Result<(), KeyError>> {
    let sealed = sealed.0.range();
    let associated = associated.copy(cx)?;
    // A guest may want the plaintext where the ciphertext is.
    let opened = if to == (sealed.start + NONCE..sealed.end - TAG) {
        key.open_in_place(Span::slice(cx, sealed.start, sealed.len())?, &associated)
    } else {
        let places = Places::of(cx.as_slice_mut(), [sealed], to)?;
        let [sealed] = &places.from;
        key.open_to(sealed, &associated, places.to)
    };
    Ok(opened.map_err(|_| KeyError::NotAuthentic))
}

/// A plaintext that is to be sealed, as what becomes of it.
#[derive(ComponentType, Lower)]
#[component(record)]
pub(super) struct Sealed<S> {
    #[component(name = "key-id")]
    pub(super) key_id: String,
    pub(super) sealed: S,
}

/// The sealed bytes of it, behind a head.
pub(super) struct Sealing {
    pub(super) key: Arc<Key>,
    pub(super) head: Place,
    pub(super) plaintext: Place,
    pub(super) associated: Place,
}

impl Sealing {
    fn seal<T>(&self, cx: &mut LowerContext<'_, T>) -> Result<Span> {
        let length = self.head.len() + NONCE + self.plaintext.len() + TAG;
        let room = Span::room(cx, length, 1, 1)?;
        let (plaintext, associated) = (self.plaintext, self.associated);
        seal_to(
            cx,
            &self.key,
            self.head,
            plaintext,
            associated,
            room.range(),
        )?;
        Ok(room)
    }
}

/// Seals a plaintext to a place behind a head, whose size is that of both and what sealing adds.
pub(super) fn seal_to<T>(
    cx: &mut LowerContext<'_, T>,
    key: &Key,
    head: Place,
    plaintext: Place,
    associated: Place,
    to: Range<usize>,
) -> Result<()> {
    let before = head.len();
    let associated = associated.copy(cx)?;
    // A guest may want the ciphertext where the plaintext is.
    if plaintext.0.range() == (to.start + before + NONCE..to.end - TAG) {
        let head = head.copy(cx)?;
        let (to_head, sealed) = Span::slice(cx, to.start, to.len())?.split_at_mut(before);
        to_head.copy_from_slice(&head);
        key.seal_in_place(sealed, &associated);
        return Ok(());
    }
    let from = [head, plaintext].map(|place| place.0.range());
    let places = Places::of(cx.as_slice_mut(), from, to)?;
    let [head, plaintext] = &places.from;
    let (to_head, to_sealed) = places.to.split_at_mut(before);
    to_head.copy_from_slice(head);
    key.seal_to(plaintext, &associated, to_sealed);
    Ok(())
}

/// What is in some places of a guest's memory, and another place to write to.
struct Places<'a, const N: usize> {
    /// Copies where they are not apart from that place: a guest's allocator may say what it likes.
    from: [Cow<'a, [u8]>; N],
    to: &'a mut [u8],
}

impl<'a, const N: usize> Places<'a, N> {
    fn of(memory: &'a mut [u8], from: [Range<usize>; N], to: Range<usize>) -> Result<Self> {
        let end = memory.len();
        if to.end > end || from.iter().any(|from| from.end > end) {
            bail!("a place out of bounds of memory");
        }
        let copies = from.each_ref().map(|from| {
            let overlaps = from.start < to.end && to.start < from.end;
            overlaps.then(|| memory[from.clone()].to_vec())
        });
        let (before, rest) = memory.split_at_mut(to.start);
        let (place, after) = rest.split_at_mut(to.len());
        let (before, after) = (&*before, &*after);
        let mut parts = copies.map(|copy| Cow::Owned(copy.unwrap_or_default()));
        for (part, from) in parts.iter_mut().zip(from) {
            if from.end <= to.start {
                *part = before[from].into();
            } else if from.start >= to.end {
                *part = after[from.start - to.end..from.end - to.end].into();
            }
        }
        Ok(Self {
            from: parts,
            to: place,
        })
    }
}

/// What was opened, where the guest has it.
#[derive(Clone, Copy)]
pub(super) struct Opened(pub(super) Span);

type_of_list!(Place, u8);
lift_list!(Place);
type_of_list!(Opened, u8);
type_of_list!(Sealing, u8);

lower_in_memory!(Opened, |opened, cx, _ty, offset| opened.0.write(cx, offset));
lower_in_memory!(Sealing, |sealing, cx, _ty, offset| {
    sealing.seal(cx)?.write(cx, offset)
});

// SAFETY: size, alignment, type and flat form are those of what it is lowered as.
#[expect(unsafe_code, reason = "wasmtime's trait for types of its own ABI")]
unsafe impl ComponentType for Opening {
    type Lower = <Result<Opened, KeyError> as ComponentType>::Lower;

    const ABI: CanonicalAbiInfo = Result::<Opened, KeyError>::ABI;

    fn typecheck(ty: &InterfaceType, types: &InstanceType<'_>) -> Result<()> {
        Result::<Opened, KeyError>::typecheck(ty, types)
    }
}

lower_in_memory!(Opening, |opening, cx, ty, offset| {
    opening.open(cx)?.linear_lower_to_memory(cx, ty, offset)
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_apart_from_the_place_to_write_to_is_a_copy() {
        let check = |from: [Range<usize>; 2], to: Range<usize>, copied: Option<[bool; 2]>| {
            let mut memory: Vec<u8> = (0..20).collect();
            let before = memory.clone();
            let found = Places::of(&mut memory, from.clone(), to.clone()).ok();
            let found = found.map(|found| {
                assert_eq!(*found.to, before[to.clone()]);
                found.to.fill(99);
                let expected = from.clone().map(|from| &before[from]);
                assert_eq!(found.from.each_ref().map(|part| &**part), expected);
                let is_copy = |part: &Cow<'_, [u8]>| matches!(part, Cow::Owned(_));
                found.from.each_ref().map(is_copy)
            });
            assert_eq!(found, copied, "{from:?} {to:?}");
        };
        let apart = Some([false, false]);
        check([0..5, 5..10], 10..20, apart);
        check([10..15, 0..3], 3..10, apart);
        check([0..5, 2..4], 5..6, apart);
        check([0..5, 6..20], 5..6, apart);
        check([0..5, 6..20], 4..6, Some([true, false]));
        check([0..5, 6..20], 5..7, Some([false, true]));
        check([8..9, 0..20], 5..7, Some([false, true]));
        check([5..7, 0..1], 5..7, Some([true, false]));
        check([0..20, 0..20], 20..20, apart);
        check([0..20, 0..20], 7..8, Some([true, true]));
        check([0..5, 6..21], 5..6, None);
        check([0..5, 6..20], 19..21, None);
        check([0..5, 21..21], 5..6, None);
        // Nothing has no place of its own.
        for to in [5..10, 7..7, 0..20] {
            let mut memory = [0; 20];
            let found = Places::of(&mut memory, [7..7, 20..20], to).expect("in bounds");
            assert!(found.from.iter().all(|part| part.is_empty()));
        }
    }
}
