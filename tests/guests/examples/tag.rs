//! Wraps on encode and unwraps on decode, and notes on both who it is: its settings `tag` and `namespace`.

use guests::{Answer, Codec, CodecError, Payload, Verb, note, setting, wire};

const ENCODING: &[u8] = b"binary/x-tag";

struct Tag;

impl Codec for Tag {
    fn code(verb: Verb, payloads: Vec<Payload>) -> Answer {
        payloads
            .into_iter()
            .map(|payload| match verb {
                Verb::Encode => Ok(encode(&payload)),
                Verb::Decode => decode(payload),
            })
            .collect()
    }
}

fn encode(payload: &Payload) -> Payload {
    let mut encoded = Payload {
        metadata: vec![("encoding".to_owned(), ENCODING.to_vec())],
        data: wire::marshal(payload),
        external_payloads: Vec::new(),
    };
    sign(&mut encoded);
    encoded
}

fn decode(payload: Payload) -> Result<Payload, CodecError> {
    if !payload
        .metadata
        .iter()
        .any(|(key, value)| key == "encoding" && value == ENCODING)
    {
        return Ok(payload);
    }
    let mut decoded = wire::unmarshal(&payload.data).map_err(CodecError::Invalid)?;
    sign(&mut decoded);
    Ok(decoded)
}

fn sign(payload: &mut Payload) {
    note(payload, "x-tag", setting("tag").unwrap_or_default());
    note(
        payload,
        "x-namespace",
        setting("namespace").unwrap_or_default(),
    );
}

guests::export!(Tag);
