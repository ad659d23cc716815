//! Lists and strings in a guest's memory, as the canonical ABI has them.

use std::borrow::Cow;
use std::ops::Range;
use std::slice::ChunksExact;

use wasmtime::component::__internal::wasmtime_environ::component::StringEncoding;
use wasmtime::component::__internal::{InterfaceType, LiftContext, LowerContext};
use wasmtime::component::{ComponentType, Lift, Lower};
use wasmtime::{Result, ValRaw, bail};

/// Something in a guest's memory: where it begins, and how many elements it has.
#[derive(Clone, Copy)]
pub(super) struct Span {
    at: u32,
    count: u32,
}

impl Span {
    /// Bytes of a span in the guest's memory, and what its address is a multiple of.
    pub(super) const SIZE: usize = 8;
    pub(super) const ALIGN: u32 = 4;

    /// No elements.
    pub(super) const NOTHING: Self = Self { at: 0, count: 0 };

    /// The span that is at the beginning of the bytes.
    pub(super) fn read(bytes: &[u8]) -> Self {
        let word = |at: usize| {
            let word = bytes[at..at + 4].try_into().unwrap_or_default();
            u32::from_le_bytes(word)
        };
        Self {
            at: word(0),
            count: word(4),
        }
    }

    /// The spans that a record of nothing else consists of.
    pub(super) fn fields<const N: usize>(record: &[u8]) -> [Self; N] {
        std::array::from_fn(|field| Self::read(&record[field * Self::SIZE..]))
    }

    /// A span that was answered, or is an argument, on its own.
    pub(super) fn of_flat([at, count]: [ValRaw; 2]) -> Self {
        let [at, count] = [at, count].map(|value| value.get_u32());
        Self { at, count }
    }

    pub(super) fn flat(self) -> [ValRaw; 2] {
        [self.at, self.count].map(ValRaw::u32)
    }

    /// The addresses of so many bytes.
    pub(super) fn range(self) -> Range<usize> {
        let at = self.at as usize;
        at..at + self.count as usize
    }

    /// The elements of a list, each of which costs the host that many bytes.
    pub(super) fn list<'a, T: ComponentType>(
        self,
        cx: &mut LiftContext<'a>,
        cost: usize,
    ) -> Result<ChunksExact<'a, u8>> {
        if !self.at.is_multiple_of(T::ALIGN32) {
            bail!("list pointer is not aligned");
        }
        let bytes = self.memory(cx, T::SIZE32)?;
        cx.consume_fuel_array(self.count as usize, cost)?;
        Ok(bytes.chunks_exact(T::SIZE32))
    }

    /// The bytes of a list of bytes.
    pub(super) fn bytes<'a>(self, cx: &LiftContext<'a>) -> Result<&'a [u8]> {
        self.memory(cx, 1)
    }

    /// The text of a string.
    pub(super) fn text<'a>(self, cx: &mut LiftContext<'a>) -> Result<Cow<'a, str>> {
        if cx.options().string_encoding == StringEncoding::Utf8 {
            let bytes = self.bytes(cx)?;
            cx.consume_fuel(bytes.len())?;
            return Ok(str::from_utf8(bytes)?.into());
        }
        String::linear_lift_from_flat(cx, InterfaceType::String, &self.flat()).map(Cow::Owned)
    }

    fn memory<'a>(self, cx: &LiftContext<'a>, size: usize) -> Result<&'a [u8]> {
        let memory = cx.memory().get(self.at as usize..).unwrap_or_default();
        let length = (self.count as usize).checked_mul(size);
        match length.and_then(|length| memory.get(..length)) {
            Some(bytes) => Ok(bytes),
            None => bail!("list pointer/length out of bounds of memory"),
        }
    }

    /// Room that the guest made for so many elements of that size and alignment. It is asked also
    /// where there are none, since it may free what it has got.
    pub(super) fn room<T>(
        cx: &mut LowerContext<'_, T>,
        count: usize,
        size: usize,
        align: u32,
    ) -> Result<Self> {
        let Some(bytes) = count.checked_mul(size) else {
            bail!("a list is larger than memory can be");
        };
        Ok(Self {
            at: cx.realloc(0, 0, align, bytes)?.try_into()?,
            count: count.try_into()?,
        })
    }

    /// Where an element of that size is.
    pub(super) fn element(self, index: usize, size: usize) -> usize {
        self.at as usize + index * size
    }

    /// What there is room for, from an address on.
    pub(super) fn slice<'a, T>(
        cx: &'a mut LowerContext<'_, T>,
        at: usize,
        length: usize,
    ) -> Result<&'a mut [u8]> {
        Self::part(cx.as_slice_mut(), at, length)
    }

    /// The same of all memory, which takes a while to find.
    pub(super) fn part(memory: &mut [u8], at: usize, length: usize) -> Result<&mut [u8]> {
        let memory = memory.get_mut(at..).unwrap_or_default();
        match memory.get_mut(..length) {
            Some(slice) => Ok(slice),
            None => bail!("a place out of bounds of memory"),
        }
    }

    /// A copy of the bytes.
    pub(super) fn of_bytes<T>(cx: &mut LowerContext<'_, T>, bytes: &[u8]) -> Result<Self> {
        let span = Self::room(cx, bytes.len(), 1, 1)?;
        Self::slice(cx, span.at as usize, bytes.len())?.copy_from_slice(bytes);
        Ok(span)
    }

    /// Writes the span of a copy of the text, which is in the guest's encoding, to an address.
    pub(super) fn write_text<T>(cx: &mut LowerContext<'_, T>, at: usize, text: &str) -> Result<()> {
        if cx.options().string_encoding != StringEncoding::Utf8 {
            return text.linear_lower_to_memory(cx, InterfaceType::String, at);
        }
        Self::of_bytes(cx, text.as_bytes())?.write(cx, at)
    }

    /// Writes the span itself to an address.
    pub(super) fn write<T>(self, cx: &mut LowerContext<'_, T>, at: usize) -> Result<()> {
        self.write_to(cx.as_slice_mut(), at)
    }

    /// The same in all memory.
    pub(super) fn write_to(self, memory: &mut [u8], at: usize) -> Result<()> {
        let to = Self::part(memory, at, Self::SIZE)?;
        to[..4].copy_from_slice(&self.at.to_le_bytes());
        to[4..].copy_from_slice(&self.count.to_le_bytes());
        Ok(())
    }
}

/// What a list of such elements is to wasmtime.
macro_rules! type_of_list {
    ($type:ty, $element:ty) => {
        // SAFETY: size, alignment, type and flat form are those of any list of them.
        #[expect(unsafe_code, reason = "wasmtime's trait for types of its own ABI")]
        unsafe impl ComponentType for $type {
            type Lower = [ValRaw; 2];

            const ABI: CanonicalAbiInfo = Vec::<$element>::ABI;

            fn typecheck(ty: &InterfaceType, types: &InstanceType<'_>) -> Result<()> {
                Vec::<$element>::typecheck(ty, types)
            }
        }
    };
}
pub(super) use type_of_list;

/// Lifting what is a list, as an argument.
macro_rules! lift_list {
    ($type:ty) => {
        // SAFETY: nothing but the pair is looked at, or the flat form.
        #[expect(unsafe_code, reason = "wasmtime's trait for types of its own ABI")]
        unsafe impl Lift for $type {
            fn linear_lift_from_flat(
                cx: &mut LiftContext<'_>,
                _: InterfaceType,
                src: &Self::Lower,
            ) -> Result<Self> {
                Self::lift(cx, Span::of_flat(*src))
            }

            fn linear_lift_from_memory(
                cx: &mut LiftContext<'_>,
                _: InterfaceType,
                bytes: &[u8],
            ) -> Result<Self> {
                Self::lift(cx, Span::read(bytes))
            }
        }
    };
}
pub(super) use lift_list;

/// Lowering what is answered in memory and never outside of it.
macro_rules! lower_in_memory {
    ($type:ty, |$self:ident, $cx:ident, $ty:ident, $offset:ident| $lower:expr) => {
        // SAFETY: all that the type has in memory is written.
        #[expect(unsafe_code, reason = "wasmtime's trait for types of its own ABI")]
        unsafe impl Lower for $type {
            fn linear_lower_to_flat<T>(
                &self,
                _: &mut LowerContext<'_, T>,
                _: InterfaceType,
                _: &mut std::mem::MaybeUninit<Self::Lower>,
            ) -> Result<()> {
                bail!("this is never answered outside of memory")
            }

            fn linear_lower_to_memory<T>(
                &self,
                $cx: &mut LowerContext<'_, T>,
                $ty: InterfaceType,
                $offset: usize,
            ) -> Result<()> {
                let $self = self;
                $lower
            }
        }
    };
}
pub(super) use lower_in_memory;
