//! One payload as a record, on its way into a guest or out of it.

use std::borrow::Cow;

use proto::wire::{self, View, WireError};
use wasmtime::component::__internal::{
    CanonicalAbiInfo, InstanceType, InterfaceType, LowerContext,
};
use wasmtime::component::{ComponentType, Lift, Lower, WasmList, WasmStr};
use wasmtime::{Result, StoreContextMut, ValRaw, bail};

use super::span::{Span, lower_in_memory};
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
}

/// Writes a payload's record to an address, and its parts to where the guest wants them.
pub(super) fn write_record<'a, T>(
    cx: &mut LowerContext<'_, T>,
    at: usize,
    metadata: impl ExactSizeIterator<Item = (&'a str, &'a [u8])>,
    data: &[u8],
    external_payloads: &[i64],
) -> Result<()> {
    const ENTRY: usize = 2 * Span::SIZE;
    let entries = Span::room(cx, metadata.len(), ENTRY, Span::ALIGN)?;
    for (index, (key, value)) in metadata.enumerate() {
        let entry = entries.element(index, ENTRY);
        Span::write_text(cx, entry, key)?;
        Span::of_bytes(cx, value)?.write(cx, entry + Span::SIZE)?;
    }
    entries.write(cx, at)?;
    Span::of_bytes(cx, data)?.write(cx, at + Span::SIZE)?;
    const SIZE: usize = size_of::<i64>();
    let external = Span::room(cx, external_payloads.len(), SIZE, ExternalPayload::ALIGN32)?;
    for (index, size_bytes) in external_payloads.iter().enumerate() {
        let to = Span::slice(cx, external.element(index, SIZE), SIZE)?;
        to.copy_from_slice(&size_bytes.to_le_bytes());
    }
    external.write(cx, at + 2 * Span::SIZE)
}

// SAFETY: size, alignment and type are those of the record that is generated from the contract;
// the flat form is that of its three lists.
#[expect(unsafe_code, reason = "wasmtime's trait for types of its own ABI")]
unsafe impl ComponentType for Marshalled {
    type Lower = [ValRaw; 6];

    const ABI: CanonicalAbiInfo = Payload::ABI;

    fn typecheck(ty: &InterfaceType, types: &InstanceType<'_>) -> Result<()> {
        Payload::typecheck(ty, types)
    }
}

lower_in_memory!(Marshalled, |marshalled, cx, _ty, offset| {
    // Read for the second time, which is quicker than to remember where everything is.
    let Ok(view) = View::read(&marshalled.0) else {
        bail!("bytes that were a payload are none");
    };
    let metadata = view.metadata.iter().copied();
    write_record(cx, offset, metadata, view.data, &view.external_payloads)
});
