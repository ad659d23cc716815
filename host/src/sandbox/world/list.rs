//! Lists of payloads on their way into a codec and out of it, as `encode` and `decode` take them.

use std::mem::MaybeUninit;

use proto::Batch;
use wasmtime::component::__internal::{
    CanonicalAbiInfo, ComponentTypes, InstanceType, InterfaceType, LiftContext, LowerContext,
};
use wasmtime::component::types::{ComponentFunc, Type};
use wasmtime::component::{ComponentType, Lift, Lower};
use wasmtime::{Result, ValRaw, bail};

use super::payload::write_record;
use super::span::Span;
use super::{ExternalPayload, Payload, Transcoded};
use crate::sandbox::codec::BadReply;

/// What a codec has a list of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sandbox) enum Form {
    /// Records: `payload-codec`.
    Records,
    /// Byte strings, each a payload's protobuf encoding: `wire-codec`.
    Bytes,
}

impl Form {
    /// The form of a list of that type. What is of neither fails the check of records.
    fn of(list: InterfaceType, types: &ComponentTypes) -> Self {
        match list {
            InterfaceType::List(list) => match types[list].element {
                InterfaceType::List(_) => Self::Bytes,
                _ => Self::Records,
            },
            _ => Self::Records,
        }
    }

    /// Whether a function is one of a codec that has its payloads in this form.
    pub(in crate::sandbox) fn check(
        self,
        function: &ComponentFunc,
        types: &InstanceType<'_>,
    ) -> Result<()> {
        let takes = function.params().next().map(|(_, ty)| ty);
        let answers = function.results().next().and_then(|ty| match ty {
            Type::Result(result) => result.ok(),
            _ => None,
        });
        let fits = |ty: Option<Type>| {
            let Some(Type::List(list)) = ty else {
                return false;
            };
            match self {
                Self::Records => matches!(list.ty(), Type::Record(_)),
                Self::Bytes => matches!(list.ty(), Type::List(_)),
            }
        };
        let list = match self {
            Self::Records => "list<payload>",
            Self::Bytes => "list<list<u8>>",
        };
        if !fits(takes) {
            bail!("does not take {list}");
        }
        if !fits(answers) {
            bail!("does not answer {list}");
        }
        function.typecheck::<(Argument<'static>,), (Transcoded,)>(types)
    }

    fn typecheck(ty: &InterfaceType, types: &InstanceType<'_>) -> Result<()> {
        match Self::of(*ty, types.types) {
            Self::Records => Vec::<Payload>::typecheck(ty, types),
            Self::Bytes => Vec::<Vec<u8>>::typecheck(ty, types),
        }
    }
}

/// A batch on its way into a guest, as the argument of `encode` and `decode`: its parts go from
/// here right into the guest's memory.
#[derive(Clone, Copy)]
pub(in crate::sandbox) struct Argument<'a>(pub(in crate::sandbox) &'a Batch);

impl Argument<'_> {
    fn lower<T>(self, cx: &mut LowerContext<'_, T>, ty: InterfaceType) -> Result<Span> {
        let Self(batch) = self;
        match Form::of(ty, cx.types) {
            Form::Records => {
                let records = Span::room(cx, batch.len(), Payload::SIZE32, Payload::ALIGN32)?;
                for (index, payload) in batch.iter().enumerate() {
                    let metadata = payload.metadata();
                    let external = payload.external_payloads();
                    let at = records.element(index, Payload::SIZE32);
                    write_record(cx, at, metadata, payload.data(), external)?;
                }
                Ok(records)
            }
            Form::Bytes => {
                let strings = Span::room(cx, batch.len(), Span::SIZE, Span::ALIGN)?;
                for (index, payload) in batch.iter().enumerate() {
                    let length = payload.marshalled_length();
                    let string = Span::room(cx, length, 1, 1)?;
                    let memory = cx.as_slice_mut();
                    payload.marshal_to(&mut Span::part(memory, string.element(0, 1), length)?);
                    string.write_to(memory, strings.element(index, Span::SIZE))?;
                }
                Ok(strings)
            }
        }
    }
}

// SAFETY: size, alignment and flat form are those of any list.
#[expect(unsafe_code, reason = "wasmtime's trait for types of its own ABI")]
unsafe impl ComponentType for Argument<'_> {
    type Lower = [ValRaw; 2];

    const ABI: CanonicalAbiInfo = Vec::<Payload>::ABI;

    fn typecheck(ty: &InterfaceType, types: &InstanceType<'_>) -> Result<()> {
        Form::typecheck(ty, types)
    }
}

// SAFETY: all of the flat form is written, or all of the pair.
#[expect(unsafe_code, reason = "wasmtime's trait for types of its own ABI")]
unsafe impl Lower for Argument<'_> {
    fn linear_lower_to_flat<T>(
        &self,
        cx: &mut LowerContext<'_, T>,
        ty: InterfaceType,
        dst: &mut MaybeUninit<Self::Lower>,
    ) -> Result<()> {
        dst.write(self.lower(cx, ty)?.flat());
        Ok(())
    }

    fn linear_lower_to_memory<T>(
        &self,
        cx: &mut LowerContext<'_, T>,
        ty: InterfaceType,
        offset: usize,
    ) -> Result<()> {
        self.lower(cx, ty)?.write(cx, offset)
    }
}

/// What a guest answered, copied out of its memory into one batch.
pub(in crate::sandbox) struct Replied(pub(in crate::sandbox) Batch);

// SAFETY: as for the argument.
#[expect(unsafe_code, reason = "wasmtime's trait for types of its own ABI")]
unsafe impl ComponentType for Replied {
    type Lower = [ValRaw; 2];

    const ABI: CanonicalAbiInfo = Vec::<Payload>::ABI;

    fn typecheck(ty: &InterfaceType, types: &InstanceType<'_>) -> Result<()> {
        Form::typecheck(ty, types)
    }
}

// SAFETY: nothing but the pair is looked at, or the flat form.
#[expect(unsafe_code, reason = "wasmtime's trait for types of its own ABI")]
unsafe impl Lift for Replied {
    fn linear_lift_from_flat(
        cx: &mut LiftContext<'_>,
        ty: InterfaceType,
        src: &Self::Lower,
    ) -> Result<Self> {
        Self::lift(cx, ty, Span::of_flat(*src))
    }

    fn linear_lift_from_memory(
        cx: &mut LiftContext<'_>,
        ty: InterfaceType,
        bytes: &[u8],
    ) -> Result<Self> {
        Self::lift(cx, ty, Span::read(bytes))
    }
}

/// What a list costs the host that was counted before.
const COUNTED: usize = 0;

impl Replied {
    /// Reads what the canonical ABI laid out. Everything counts against what the call may have
    /// lifted before room is made for it.
    fn lift(cx: &mut LiftContext<'_>, ty: InterfaceType, list: Span) -> Result<Self> {
        match Form::of(ty, cx.types) {
            Form::Records => Self::lift_records(cx, list),
            Form::Bytes => Self::lift_bytes(cx, list),
        }
    }

    fn lift_records(cx: &mut LiftContext<'_>, list: Span) -> Result<Self> {
        let records = list.list::<Payload>(cx, Batch::PAYLOAD_SIZE)?;
        let mut room = 0usize;
        for record in records.clone() {
            let [metadata, data, _] = Span::fields(record);
            room = room.saturating_add(data.bytes(cx)?.len());
            for entry in metadata.list::<(String, Vec<u8>)>(cx, Batch::ENTRY_SIZE)? {
                let [_, value] = Span::fields(entry);
                room = room.saturating_add(value.bytes(cx)?.len());
            }
        }
        cx.consume_fuel(room)?;
        let mut batch = Batch::with_capacity(room);
        for record in records {
            let [metadata, data, external_payloads] = Span::fields(record);
            let mut payload = batch.begin();
            for entry in metadata.list::<(String, Vec<u8>)>(cx, COUNTED)? {
                let [key, value] = Span::fields(entry);
                payload.entry(&key.text(cx)?, value.bytes(cx)?);
            }
            payload.data(data.bytes(cx)?);
            for size in external_payloads.list::<ExternalPayload>(cx, size_of::<i64>())? {
                let size = size.try_into().unwrap_or_default();
                payload.external_payload(i64::from_le_bytes(size));
            }
            payload.end();
        }
        Ok(Self(batch))
    }

    fn lift_bytes(cx: &mut LiftContext<'_>, list: Span) -> Result<Self> {
        let strings = list.list::<Vec<u8>>(cx, Batch::PAYLOAD_SIZE)?;
        let mut room = 0usize;
        for string in strings.clone() {
            room = room.saturating_add(Span::read(string).bytes(cx)?.len());
        }
        cx.consume_fuel(room)?;
        let mut batch = Batch::with_capacity(room);
        for (at, string) in strings.enumerate() {
            let mut payload = batch.begin();
            let read = payload.unmarshal(Span::read(string).bytes(cx)?);
            let fields = read.map_err(|error| BadReply::NotAPayload { at, error })?;
            // There cannot be so many in one payload that it matters when they are counted.
            cx.consume_fuel_array(fields, Batch::ENTRY_SIZE)?;
            payload.end();
        }
        Ok(Self(batch))
    }
}
