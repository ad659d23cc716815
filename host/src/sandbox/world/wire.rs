//! The interface `wire`: the protobuf encoding of payloads.

use wasmtime::component::{Linker, WasmList};
use wasmtime::{Result, StoreContextMut};

use super::State;
use super::payload::{InGuest, Marshalled};

pub(super) fn link(linker: &mut Linker<State>) -> Result<()> {
    let mut instance = linker.instance("temporal:codec/wire@1.0.0")?;

    instance.func_wrap(
        "marshal",
        |mut store: StoreContextMut<'_, State>, (payload,): (InGuest,)| {
            let bytes = payload.marshal(&mut store, 0, 0)?;
            store.data().in_time(bytes.len())?;
            Ok((bytes,))
        },
    )?;

    instance.func_wrap(
        "unmarshal",
        |store: StoreContextMut<'_, State>, (bytes,): (WasmList<u8>,)| {
            store.data().admit(bytes.len())?;
            let payload = Marshalled::new(bytes.as_le_slice(&store).to_vec());
            store.data().in_time(bytes.len())?;
            Ok((payload.map_err(|error| error.to_string()),))
        },
    )
}
