//! The world `temporal:codec/codec`, as the host provides it.
//!
//! Types and exports are generated from `wit/`. The imports are written out here instead, since
//! the generated ones would copy every argument: these borrow the guest's memory. wasmtime
//! checks each against the component's own idea of it when the component is linked.

use std::sync::Arc;

use proto::wire;
use wasmtime::component::{
    HasSelf, Linker, Resource, ResourceTable, ResourceType, WasmList, WasmStr,
};
use wasmtime::{Engine, ResourceLimiter, Result, StoreContextMut};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use super::wasi::{self, GuestLog};
use crate::keyring::{Key, Keyring};

/// The generated bindings.
mod bindings {
    #![allow(missing_docs, unreachable_pub)]
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "codec",
        exports: { default: async },
        with: { "temporal:codec/keyring.key": super::KeyHandle },
    });
}

pub(super) use bindings::CodecPre;
use bindings::temporal::codec::keyring::{KeyError, SealedPayload};
pub(super) use bindings::temporal::codec::types::{CodecError, ExternalPayload, Payload};
use bindings::wasi::config::store;

/// The version of the package `temporal:codec` that the host provides.
pub(super) const WIT_VERSION: &str = "1.0.0";

/// A key that a guest holds a handle of.
#[expect(unreachable_pub, reason = "the generated bindings export it again")]
pub struct KeyHandle(Arc<Key>);

/// Everything one call has: what its host functions see, and what it has used up.
pub(super) struct State {
    pub(super) memory: MemoryMeter,
    /// Epochs until the deadline.
    pub(super) ticks: u64,
    /// The namespace's name, where the request has one.
    pub(super) namespace: Option<Arc<str>>,
    pub(super) settings: Arc<[(String, String)]>,
    pub(super) keyring: Arc<Keyring>,
    pub(super) log: GuestLog,
    handles: ResourceTable,
    wasi: Option<Box<WasiCtx>>,
}

impl State {
    pub(super) fn new(
        memory_bytes: usize,
        ticks: u64,
        namespace: Option<Arc<str>>,
        settings: Arc<[(String, String)]>,
        keyring: Arc<Keyring>,
    ) -> Self {
        Self {
            memory: MemoryMeter {
                used: 0,
                limit: memory_bytes,
                refused: false,
            },
            ticks,
            namespace,
            settings,
            keyring,
            log: GuestLog::default(),
            handles: ResourceTable::new(),
            wasi: None,
        }
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: self
                .wasi
                .get_or_insert_with(|| Box::new(wasi::context(&self.log))),
            table: &mut self.handles,
        }
    }
}

/// Bounds the linear memory of an instance, summed over its memories: a bound on each of
/// them would allow sixteen times as much.
pub(super) struct MemoryMeter {
    used: usize,
    limit: usize,
    /// Whether the guest asked for more than it may have. What follows is its own doing, and
    /// mostly a trap.
    pub(super) refused: bool,
}

impl ResourceLimiter for MemoryMeter {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> Result<bool> {
        let more = desired.saturating_sub(current);
        match self.used.checked_add(more) {
            Some(used) if used <= self.limit => {
                self.used = used;
                Ok(true)
            }
            _ => {
                self.refused = true;
                Ok(false)
            }
        }
    }

    fn table_growing(&mut self, _: usize, desired: usize, maximum: Option<usize>) -> Result<bool> {
        let limit = maximum
            .unwrap_or(usize::MAX)
            .min(crate::limits::TABLE_ELEMENTS);
        Ok(desired <= limit)
    }
}

/// Everything that a component may import.
pub(super) fn linker(engine: &Engine) -> Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    store::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
    link_keyring(&mut linker)?;
    link_wire(&mut linker)?;
    Ok(linker)
}

/// Whether a component may import the interface of that name (`wasi:cli/stderr@0.2.3`).
pub(super) fn provides(import: &str) -> bool {
    let (interface, version) = import.split_once('@').unwrap_or((import, ""));
    let (package, _) = interface.split_once('/').unwrap_or((interface, ""));
    match package {
        "temporal:codec" => version.starts_with("1."),
        "wasi:config" => version == "0.2.0-rc.1",
        "wasi:cli" | "wasi:clocks" | "wasi:filesystem" | "wasi:io" | "wasi:random"
        | "wasi:sockets" => version.starts_with("0.2."),
        _ => false,
    }
}

impl store::Host for State {
    fn get(&mut self, key: String) -> Result<Option<String>, store::Error> {
        if key == "namespace" {
            return Ok(self.namespace.as_deref().map(str::to_owned));
        }
        let found = self.settings.iter().find(|(name, _)| *name == key);
        Ok(found.map(|(_, value)| value.clone()))
    }

    fn get_all(&mut self) -> Result<Vec<(String, String)>, store::Error> {
        let namespace = self
            .namespace
            .as_deref()
            .map(|name| ("namespace".to_owned(), name.to_owned()));
        let mut all: Vec<_> = self.settings.iter().cloned().chain(namespace).collect();
        all.sort();
        Ok(all)
    }
}

fn link_keyring(linker: &mut Linker<State>) -> Result<()> {
    type Bytes = WasmList<u8>;
    let mut keyring = linker.instance("temporal:codec/keyring@1.0.0")?;

    keyring.resource(
        "key",
        ResourceType::host::<KeyHandle>(),
        |mut store, handle| {
            store
                .data_mut()
                .handles
                .delete(Resource::<KeyHandle>::new_own(handle))?;
            Ok(())
        },
    )?;

    keyring.func_wrap(
        "open-payload",
        |store: StoreContextMut<'_, State>, (id, sealed, associated): (WasmStr, Bytes, Bytes)| {
            let id = id.to_str(&store)?;
            let opened = find(&store.data().keyring, &id).and_then(|key| {
                key.open(sealed.as_le_slice(&store), associated.as_le_slice(&store))
                    .map_err(|_| KeyError::NotAuthentic)
            });
            let payload = opened
                .and_then(|bytes| wire::unmarshal(&bytes).map_err(|_| KeyError::Malformed))
                .map(Payload::from);
            Ok((payload,))
        },
    )?;

    keyring.func_wrap(
        "seal-payload",
        |store: StoreContextMut<'_, State>,
         (id, payload, associated): (Option<WasmStr>, Payload, Bytes)| {
            let keyring = &store.data().keyring;
            let key = match id {
                Some(id) => find(keyring, &id.to_str(&store)?),
                None => active(keyring),
            };
            let sealed = key.map(|key| SealedPayload {
                key_id: key.id().to_owned(),
                sealed: key.seal(
                    &wire::marshal(&payload.into()),
                    associated.as_le_slice(&store),
                ),
            });
            Ok((sealed,))
        },
    )?;

    keyring.func_wrap("active", |mut store: StoreContextMut<'_, State>, (): ()| {
        let key = active(&store.data().keyring).cloned();
        Ok((hand_out(&mut store, key)?,))
    })?;

    keyring.func_wrap(
        "find",
        |mut store: StoreContextMut<'_, State>, (id,): (WasmStr,)| {
            let key = find(&store.data().keyring, &id.to_str(&store)?).cloned();
            Ok((hand_out(&mut store, key)?,))
        },
    )?;

    keyring.func_wrap(
        "export-key",
        |store: StoreContextMut<'_, State>, (id,): (WasmStr,)| {
            let keyring = &store.data().keyring;
            if !keyring.exportable() {
                return Ok((Err(KeyError::NotGranted),));
            }
            let key = find(keyring, &id.to_str(&store)?);
            Ok((key.map(|key| key.material().to_vec()),))
        },
    )?;

    keyring.func_wrap(
        "[method]key.id",
        |store: StoreContextMut<'_, State>, (key,): (Resource<KeyHandle>,)| {
            Ok((store.data().handles.get(&key)?.0.id().to_owned(),))
        },
    )?;

    keyring.func_wrap(
        "[method]key.seal",
        |store: StoreContextMut<'_, State>,
         (key, plaintext, associated): (Resource<KeyHandle>, Bytes, Bytes)| {
            let key = &store.data().handles.get(&key)?.0;
            Ok((key.seal(
                plaintext.as_le_slice(&store),
                associated.as_le_slice(&store),
            ),))
        },
    )?;

    keyring.func_wrap(
        "[method]key.open",
        |store: StoreContextMut<'_, State>,
         (key, sealed, associated): (Resource<KeyHandle>, Bytes, Bytes)| {
            let key = &store.data().handles.get(&key)?.0;
            let opened = key.open(sealed.as_le_slice(&store), associated.as_le_slice(&store));
            Ok((opened.map_err(|_| KeyError::NotAuthentic),))
        },
    )
}

fn link_wire(linker: &mut Linker<State>) -> Result<()> {
    let mut instance = linker.instance("temporal:codec/wire@1.0.0")?;

    instance.func_wrap(
        "marshal",
        |_: StoreContextMut<'_, State>, (payload,): (Payload,)| {
            Ok((wire::marshal(&payload.into()),))
        },
    )?;

    instance.func_wrap(
        "unmarshal",
        |store: StoreContextMut<'_, State>, (bytes,): (WasmList<u8>,)| {
            let payload = wire::unmarshal(bytes.as_le_slice(&store));
            Ok((payload
                .map(Payload::from)
                .map_err(|error| error.to_string()),))
        },
    )
}

fn find<'a>(keyring: &'a Keyring, id: &str) -> Result<&'a Arc<Key>, KeyError> {
    keyring.find(id).map_err(|_| KeyError::UnknownKey)
}

fn active(keyring: &Keyring) -> Result<&Arc<Key>, KeyError> {
    keyring.active().ok_or(KeyError::NoActiveKey)
}

fn hand_out(
    store: &mut StoreContextMut<'_, State>,
    key: Result<Arc<Key>, KeyError>,
) -> Result<Result<Resource<KeyHandle>, KeyError>> {
    key.map_or_else(
        |error| Ok(Err(error)),
        |key| Ok(Ok(store.data_mut().handles.push(KeyHandle(key))?)),
    )
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_provided_by_package_and_version() {
        let check =
            |import: &str, expected: bool| assert_eq!(provides(import), expected, "{import}");
        check("temporal:codec/keyring@1.0.0", true);
        check("temporal:codec/types@1.2.0", true);
        check("temporal:codec/keyring@2.0.0", false);
        check("wasi:config/store@0.2.0-rc.1", true);
        check("wasi:config/store@0.2.0", false);
        check("wasi:cli/stderr@0.2.6", true);
        check("wasi:cli/stderr@0.3.0", false);
        check("wasi:http/outgoing-handler@0.2.0", false);
        check("acme:internal/secrets", false);
    }

    #[test]
    fn the_meter_counts_all_memories_together() {
        let mut meter = MemoryMeter {
            used: 0,
            limit: 100,
            refused: false,
        };
        assert!(meter.memory_growing(0, 60, None).unwrap());
        assert!(meter.memory_growing(0, 40, None).unwrap());
        assert!(!meter.refused);
        assert!(!meter.memory_growing(40, 41, None).unwrap());
        assert!(meter.refused);
    }
}
