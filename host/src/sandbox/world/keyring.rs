//! The interface `keyring`: what a guest can do with its namespace's keys.

use std::sync::Arc;

use wasmtime::component::{Linker, Resource, ResourceType, WasmList, WasmStr};
use wasmtime::{Result, StoreContextMut};

use super::each::{EachOpened, EachSealed, ToOpen, ToSeal};
use super::payload::{InGuest, Marshalled};
use super::sealed::{Opening, Place, Sealed, Sealing};
use super::{KeyError, KeyHandle, SealedPayload, State};
use crate::keyring::{Key, Keyring, NONCE, TAG};

type Bytes = WasmList<u8>;

pub(super) fn link(linker: &mut Linker<State>) -> Result<()> {
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
            let size = sealed.len() + associated.len();
            store.data().admit(size)?;
            let id = id.to_str(&store)?;
            let payload = open(&store, &id, &sealed, &associated)
                .and_then(|bytes| Marshalled::new(bytes).map_err(|_| KeyError::Malformed));
            store.data().in_time(size)?;
            Ok((payload,))
        },
    )?;

    keyring.func_wrap(
        "seal-payload",
        |mut store: StoreContextMut<'_, State>,
         (id, payload, associated): (Option<WasmStr>, InGuest, Bytes)| {
            let mut bytes = payload.marshal(&mut store, NONCE, TAG)?;
            let size = bytes.len() + associated.len();
            store.data().admit(size)?;
            let sealed = sealing(&store, id)?.map(|key| {
                bytes.resize(bytes.len() + TAG, 0);
                key.seal_in_place(&mut bytes, associated.as_le_slice(&store));
                SealedPayload {
                    key_id: key.id().to_owned(),
                    sealed: bytes,
                }
            });
            store.data().in_time(size)?;
            Ok((sealed,))
        },
    )?;

    keyring.func_wrap(
        "open-bytes",
        |store: StoreContextMut<'_, State>, (id, sealed, associated): (WasmStr, Place, Place)| {
            store.data().admit(sealed.len() + associated.len())?;
            let key = find(&store, &id.to_str(&store)?).cloned();
            Ok((Opening {
                key,
                sealed,
                associated,
            },))
        },
    )?;

    keyring.func_wrap(
        "seal-bytes",
        |store: StoreContextMut<'_, State>,
         (id, plaintext, associated, head): (Option<WasmStr>, Place, Place, Place)| {
            let size = plaintext.len() + associated.len() + head.len();
            store.data().admit(size)?;
            let sealed = sealing(&store, id)?.map(|key| Sealed {
                key_id: key.id().to_owned(),
                sealed: Sealing {
                    key: Arc::clone(key),
                    head,
                    plaintext,
                    associated,
                },
            });
            Ok((sealed,))
        },
    )?;

    keyring.func_wrap(
        "open-each",
        |store: StoreContextMut<'_, State>, (list,): (ToOpen,)| {
            store.data().admit(list.size())?;
            let keys = list.key_ids.iter().map(|id| find(&store, id).cloned());
            let keys = keys.collect();
            Ok((EachOpened { keys, list },))
        },
    )?;

    keyring.func_wrap(
        "seal-each",
        |store: StoreContextMut<'_, State>, (id, list): (Option<WasmStr>, ToSeal)| {
            store.data().admit(list.size())?;
            let sealed = sealing(&store, id)?.map(|key| Sealed {
                key_id: key.id().to_owned(),
                sealed: EachSealed {
                    key: Arc::clone(key),
                    list,
                },
            });
            Ok((sealed,))
        },
    )?;

    keyring.func_wrap("active", |mut store: StoreContextMut<'_, State>, (): ()| {
        let key = active(&store).cloned();
        Ok((hand_out(&mut store, key)?,))
    })?;

    keyring.func_wrap(
        "find",
        |mut store: StoreContextMut<'_, State>, (id,): (WasmStr,)| {
            let key = find(&store, &id.to_str(&store)?).cloned();
            Ok((hand_out(&mut store, key)?,))
        },
    )?;

    keyring.func_wrap(
        "export-key",
        |store: StoreContextMut<'_, State>, (id,): (WasmStr,)| {
            if !keyring_of(&store).exportable() {
                return Ok((Err(KeyError::NotGranted),));
            }
            let key = find(&store, &id.to_str(&store)?);
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
            let size = plaintext.len() + associated.len();
            store.data().admit(size)?;
            let key = &store.data().handles.get(&key)?.0;
            let sealed = key.seal(
                plaintext.as_le_slice(&store),
                associated.as_le_slice(&store),
            );
            store.data().in_time(size)?;
            Ok((sealed,))
        },
    )?;

    keyring.func_wrap(
        "[method]key.open",
        |store: StoreContextMut<'_, State>,
         (key, sealed, associated): (Resource<KeyHandle>, Bytes, Bytes)| {
            let size = sealed.len() + associated.len();
            store.data().admit(size)?;
            let key = &store.data().handles.get(&key)?.0;
            let opened = key.open(sealed.as_le_slice(&store), associated.as_le_slice(&store));
            store.data().in_time(size)?;
            Ok((opened.map_err(|_| KeyError::NotAuthentic),))
        },
    )
}

fn keyring_of<'a>(store: &'a StoreContextMut<'_, State>) -> &'a Keyring {
    &store.data().tenancy.keyring
}

fn find<'a>(store: &'a StoreContextMut<'_, State>, id: &str) -> Result<&'a Arc<Key>, KeyError> {
    keyring_of(store).find(id).map_err(|_| KeyError::UnknownKey)
}

fn active<'a>(store: &'a StoreContextMut<'_, State>) -> Result<&'a Arc<Key>, KeyError> {
    keyring_of(store).active().ok_or(KeyError::NoActiveKey)
}

fn open(
    store: &StoreContextMut<'_, State>,
    id: &str,
    sealed: &Bytes,
    associated: &Bytes,
) -> Result<Vec<u8>, KeyError> {
    let opened = find(store, id)?.open(sealed.as_le_slice(store), associated.as_le_slice(store));
    opened.map_err(|_| KeyError::NotAuthentic)
}

/// The key of that id or the active one.
fn sealing<'a>(
    store: &'a StoreContextMut<'_, State>,
    id: Option<WasmStr>,
) -> Result<Result<&'a Arc<Key>, KeyError>> {
    Ok(match id {
        Some(id) => find(store, &id.to_str(store)?),
        None => active(store),
    })
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
