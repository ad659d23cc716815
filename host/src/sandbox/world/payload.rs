//! Payloads on their way into a guest and out of it.

use std::borrow::Cow;
use std::mem::MaybeUninit;
use std::slice::ChunksExact;

use proto::wire::{self, View, WireError};
use proto::{Batch, PayloadRef};
use wasmtime::component::__internal::wasmtime_environ::component::StringEncoding;
use wasmtime::component::__internal::{
    CanonicalAbiInfo, InstanceType, InterfaceType, LiftContext, LowerContext,
};
use wasmtime::component::{ComponentType, Lift, Lower, WasmList, WasmStr};
use wasmtime::{Result, StoreContextMut, ValRaw, bail};

use super::{ExternalPayload, Payload, State};

/// A payload in the guest's memory, as the argument of a host function.
#[derive(ComponentType, Lift)]
#[component(record)]
pub(super) struct InGuest {
    metadata: WasmList<(WasmStr, WasmList<u8>)>,
    data: WasmList<u8>,
    #[component(name = "external-payloads")]
    external_payloads: WasmList<ExternalPayload>,
}

impl InGuest {
    /// Its protobuf encoding, after that many bytes of room and with that many more reserved.
    pub(super) fn marshal(
        &self,
        store: &mut StoreContextMut<'_, State>,
        before: usize,
        after: usize,
    ) -> Result<Vec<u8>> {
        if self.metadata.len() + self.external_payloads.len() > wire::MAX_ENTRIES {
            bail!("a payload has more than {} entries", wire::MAX_ENTRIES);
        }
        let entries: Vec<_> = self.metadata.iter(&mut *store)?.collect::<Result<_>>()?;
        let external = self.external_payloads.iter(&mut *store)?;
        let external_payloads = external.map(|external| Ok(external?.size_bytes));
        let external_payloads = external_payloads.collect::<Result<_>>()?;
        let store = &*store;
        let keys = entries.iter().map(|(key, _)| key.to_str(store));
        let keys: Vec<Cow<'_, str>> = keys.collect::<Result<_>>()?;
        let values = entries.iter().map(|(_, value)| value.as_le_slice(store));
        let mut view = View {
            metadata: keys.iter().map(|key| &**key).zip(values).collect(),
            data: self.data.as_le_slice(store),
            external_payloads,
        };
        view.sort();
        store.data().admit(view.marshalled_length())?;
        let mut bytes = Vec::with_capacity(before + view.marshalled_length() + after);
        bytes.resize(before, 0);
        view.marshal_to(&mut bytes);
        Ok(bytes)
    }
}

/// The protobuf encoding of a payload, to be handed to the guest as the payload: its parts go
/// from here right into the guest's memory.
pub(super) struct Marshalled(Vec<u8>);

impl Marshalled {
    /// The bytes, if they are a payload's.
    pub(super) fn new(bytes: Vec<u8>) -> Result<Self, WireError> {
        View::read(&bytes)?;
        Ok(Self(bytes))
    }

    fn lower_with(&self, lower: impl FnOnce(&Parts<'_>) -> Result<()>) -> Result<()> {
        // Read for the second time, which is quicker than to remember where everything is.
        let Ok(view) = View::read(&self.0) else {
            bail!("bytes that were a payload are none");
        };
        let external = view.external_payloads.iter();
        let external: Vec<_> = external
            .map(|&size_bytes| ExternalPayload { size_bytes })
            .collect();
        lower(&Parts {
            metadata: &view.metadata,
            data: view.data,
            external_payloads: &external,
        })
    }
}

/// A payload's parts, wherever they are.
#[derive(ComponentType, Lower)]
#[component(record)]
pub(in crate::sandbox) struct Parts<'a> {
    metadata: &'a [(&'a str, &'a [u8])],
    data: &'a [u8],
    #[component(name = "external-payloads")]
    external_payloads: &'a [ExternalPayload],
}

// SAFETY: everything that the trait promises is a `Parts`'s own.
#[expect(unsafe_code, reason = "wasmtime's trait for types of its own ABI")]
unsafe impl ComponentType for Marshalled {
    type Lower = <Parts<'static> as ComponentType>::Lower;

    const ABI: CanonicalAbiInfo = <Parts<'static> as ComponentType>::ABI;

    fn typecheck(ty: &InterfaceType, types: &InstanceType<'_>) -> Result<()> {
        <Parts<'static> as ComponentType>::typecheck(ty, types)
    }
}

// SAFETY: as above.
#[expect(unsafe_code, reason = "wasmtime's trait for types of its own ABI")]
unsafe impl Lower for Marshalled {
    fn linear_lower_to_flat<T>(
        &self,
        cx: &mut LowerContext<'_, T>,
        ty: InterfaceType,
        dst: &mut MaybeUninit<Self::Lower>,
    ) -> Result<()> {
        self.lower_with(|parts| parts.linear_lower_to_flat(cx, ty, dst))
    }

    fn linear_lower_to_memory<T>(
        &self,
        cx: &mut LowerContext<'_, T>,
        ty: InterfaceType,
        offset: usize,
    ) -> Result<()> {
        self.lower_with(|parts| parts.linear_lower_to_memory(cx, ty, offset))
    }
}

/// A batch on its way into a guest, as the argument of `encode` and `decode`.
pub(in crate::sandbox) struct Argument<'a> {
    batch: &'a Batch,
    metadata: Vec<(&'a str, &'a [u8])>,
    external_payloads: Vec<ExternalPayload>,
}

impl<'a> Argument<'a> {
    pub(in crate::sandbox) fn new(batch: &'a Batch) -> Self {
        let external = batch.iter().flat_map(PayloadRef::external_payloads);
        Self {
            batch,
            metadata: batch.iter().flat_map(PayloadRef::metadata).collect(),
            external_payloads: external
                .map(|&size_bytes| ExternalPayload { size_bytes })
                .collect(),
        }
    }

    /// The payloads, in slices of the batch.
    pub(in crate::sandbox) fn payloads(&self) -> Vec<Parts<'_>> {
        let (mut metadata, mut external) = (&*self.metadata, &*self.external_payloads);
        let parts = self.batch.iter().map(|payload| Parts {
            metadata: taken(&mut metadata, payload.metadata().len()),
            data: payload.data(),
            external_payloads: taken(&mut external, payload.external_payloads().len()),
        });
        parts.collect()
    }
}

fn taken<'a, T>(rest: &mut &'a [T], count: usize) -> &'a [T] {
    let (taken, after) = rest.split_at(count);
    *rest = after;
    taken
}

/// What a guest answered, copied out of its memory into one batch.
pub(in crate::sandbox) struct Replied(pub(in crate::sandbox) Batch);

// SAFETY: everything that the trait promises is a list of payloads' own.
#[expect(unsafe_code, reason = "wasmtime's trait for types of its own ABI")]
unsafe impl ComponentType for Replied {
    type Lower = <Vec<Payload> as ComponentType>::Lower;

    const ABI: CanonicalAbiInfo = <Vec<Payload> as ComponentType>::ABI;

    fn typecheck(ty: &InterfaceType, types: &InstanceType<'_>) -> Result<()> {
        <Vec<Payload> as ComponentType>::typecheck(ty, types)
    }
}

// SAFETY: as above.
#[expect(unsafe_code, reason = "wasmtime's trait for types of its own ABI")]
unsafe impl Lift for Replied {
    fn linear_lift_from_flat(
        cx: &mut LiftContext<'_>,
        _: InterfaceType,
        src: &Self::Lower,
    ) -> Result<Self> {
        let [at, count] = src.map(|value| value.get_u32());
        Self::lift(cx, Span { at, count })
    }

    fn linear_lift_from_memory(
        cx: &mut LiftContext<'_>,
        _: InterfaceType,
        bytes: &[u8],
    ) -> Result<Self> {
        Self::lift(cx, Span::read(bytes))
    }
}

/// What a list costs the host that was counted before.
const COUNTED: usize = 0;

impl Replied {
    /// Reads the records as the canonical ABI lays them out. Everything counts against what the
    /// call may have lifted before room is made for it.
    fn lift(cx: &mut LiftContext<'_>, payloads: Span) -> Result<Self> {
        let records = payloads.list::<Payload>(cx, Batch::PAYLOAD_SIZE)?;
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
}

/// Something in a guest's memory: where it begins, and how many elements it has.
#[derive(Clone, Copy)]
struct Span {
    at: u32,
    count: u32,
}

impl Span {
    /// Bytes of a span in the guest's memory.
    const SIZE: usize = 8;

    fn read(bytes: &[u8]) -> Self {
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
    fn fields<const N: usize>(record: &[u8]) -> [Self; N] {
        std::array::from_fn(|field| Self::read(&record[field * Self::SIZE..]))
    }

    /// The elements of a list, each of which costs the host that many bytes.
    fn list<'a, T: ComponentType>(
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

    fn bytes<'a>(self, cx: &LiftContext<'a>) -> Result<&'a [u8]> {
        self.memory(cx, 1)
    }

    fn text<'a>(self, cx: &mut LiftContext<'a>) -> Result<Cow<'a, str>> {
        if cx.options().string_encoding == StringEncoding::Utf8 {
            let bytes = self.bytes(cx)?;
            cx.consume_fuel(bytes.len())?;
            return Ok(str::from_utf8(bytes)?.into());
        }
        let [at, count] = [self.at, self.count].map(ValRaw::u32);
        String::linear_lift_from_flat(cx, InterfaceType::String, &[at, count]).map(Cow::Owned)
    }

    fn memory<'a>(self, cx: &LiftContext<'a>, size: usize) -> Result<&'a [u8]> {
        let memory = cx.memory().get(self.at as usize..).unwrap_or_default();
        let length = (self.count as usize).checked_mul(size);
        match length.and_then(|length| memory.get(..length)) {
            Some(bytes) => Ok(bytes),
            None => bail!("list pointer/length out of bounds of memory"),
        }
    }
}
