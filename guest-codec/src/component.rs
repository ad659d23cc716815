//! The component around the codec's logic.
#![allow(missing_docs, unreachable_pub, unsafe_code)]
wit_bindgen::generate!({ path: "../wit", world: "codec", generate_all });
use exports::temporal::codec::payload_codec::{CodecError, Guest, Payload};
use temporal::codec::keyring;
struct C;
fn get<'a>(p: &'a Payload, k: &str) -> Option<&'a [u8]> {
    p.metadata.iter().find(|(n, _)| n == k).map(|(_, v)| &v[..])
}
impl Guest for C {
    fn encode(ps: Vec<Payload>) -> Result<Vec<Payload>, CodecError> {
        ps.into_iter()
            .map(|p| {
                let s = keyring::seal_payload(None, &p, &[])
                    .map_err(|_| CodecError::Unavailable("k".into()))?;
                Ok(Payload {
                    metadata: vec![
                        ("encoding".into(), b"binary/encrypted".to_vec()),
                        ("encryption-key-id".into(), s.key_id.into_bytes()),
                    ],
                    data: s.sealed,
                    external_payloads: vec![],
                })
            })
            .collect()
    }
    fn decode(ps: Vec<Payload>) -> Result<Vec<Payload>, CodecError> {
        ps.into_iter()
            .map(|p| {
                if get(&p, "encoding") == Some(b"binary/encrypted") {
                    let id = String::from_utf8_lossy(get(&p, "encryption-key-id").unwrap_or(b""))
                        .into_owned();
                    keyring::open_payload(&id, &p.data, &[])
                        .map_err(|_| CodecError::Invalid("bad".into()))
                } else {
                    Ok(p)
                }
            })
            .collect()
    }
}
export!(C);
