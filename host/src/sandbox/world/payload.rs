//! Payloads on their way into a guest and out of it.

use std::borrow::Cow;
use std::mem::MaybeUninit;

use proto::wire::{self, View, WireError};
use wasmtime::component::__internal::{
    CanonicalAbiInfo, InstanceType, InterfaceType, LowerContext,
};
use wasmtime::component::{ComponentType, Lift, Lower, WasmList, WasmStr};
use wasmtime::{Result, StoreContextMut, bail};

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
pub(super) struct Parts<'a> {
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

impl From<proto::Payload> for Payload {
    fn from(payload: proto::Payload) -> Self {
        let external = payload.external_payloads.into_iter();
        Self {
            metadata: payload.metadata.into_iter().collect(),
            data: payload.data,
            external_payloads: external
                .map(|details| ExternalPayload {
                    size_bytes: details.size_bytes,
                })
                .collect(),
        }
    }
}

/// The last of two metadata entries with the same key wins, as everywhere in protobuf. Where
/// that matters, in a reply, it was refused before.
impl From<Payload> for proto::Payload {
    fn from(payload: Payload) -> Self {
        let external = payload.external_payloads.into_iter();
        Self {
            metadata: payload.metadata.into_iter().collect(),
            data: payload.data,
            external_payloads: external
                .map(|external| proto::ExternalPayloadDetails {
                    size_bytes: external.size_bytes,
                })
                .collect(),
        }
    }
}
