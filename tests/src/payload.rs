//! Payloads as a client has them, and their canonical JSON.

use std::collections::BTreeMap;

use base64_simd::{STANDARD, forgiving_decode_to_vec};
use serde_json::{Map, Value, json};

/// A payload, to be compared as a client compares it: metadata has no order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Payload {
    /// Metadata.
    pub metadata: BTreeMap<String, Vec<u8>>,
    /// Data.
    pub data: Vec<u8>,
    /// The sizes of what is stored outside of Temporal.
    pub external: Vec<i64>,
}

impl Payload {
    /// A payload with that `encoding` and data.
    pub fn new(encoding: &str, data: impl Into<Vec<u8>>) -> Self {
        Self {
            data: data.into(),
            ..Self::default()
        }
        .with("encoding", encoding)
    }

    /// The same with one more metadata entry.
    pub fn with(mut self, key: &str, value: impl Into<Vec<u8>>) -> Self {
        self.metadata.insert(key.to_owned(), value.into());
        self
    }

    /// The text of a metadata entry, empty where there is none.
    pub fn note(&self, key: &str) -> String {
        let value = self.metadata.get(key).map(Vec::as_slice);
        String::from_utf8_lossy(value.unwrap_or_default()).into_owned()
    }

    fn to_json(&self) -> Value {
        let mut payload = Map::new();
        if !self.metadata.is_empty() {
            let entries = self.metadata.iter();
            let entries = entries.map(|(key, value)| (key.clone(), Value::from(base64(value))));
            payload.insert("metadata".into(), Value::Object(entries.collect()));
        }
        if !self.data.is_empty() {
            payload.insert("data".into(), base64(&self.data).into());
        }
        if !self.external.is_empty() {
            let sizes = self.external.iter().map(|size| match size {
                0 => json!({}),
                size => json!({ "sizeBytes": size.to_string() }),
            });
            payload.insert("externalPayloads".into(), sizes.collect());
        }
        Value::Object(payload)
    }
}

/// `"…"` as json/plain: what most payloads are.
pub fn plain(text: &str) -> Payload {
    Payload::new("json/plain", format!("{text:?}"))
}

/// What the guest `tag` makes of a payload that it did not encode is the payload; this is one
/// that it takes for its own, with nothing inside.
pub fn tagged() -> Payload {
    Payload::new("binary/x-tag", "")
}

/// The JSON of a list of payloads.
pub fn body(payloads: &[Payload]) -> String {
    if payloads.is_empty() {
        return "{}".to_owned();
    }
    json!({ "payloads": payloads.iter().map(Payload::to_json).collect::<Vec<_>>() }).to_string()
}

/// The payloads of canonical JSON, and of nothing else: a field that no client knows, base64 of
/// another kind, or a missing default panics.
pub fn read(json: &Value) -> Vec<Payload> {
    let payloads = match json.as_object().expect("an object") {
        fields if fields.is_empty() => return Vec::new(),
        fields => {
            assert_eq!(fields.len(), 1, "only payloads at the top");
            fields["payloads"].as_array().expect("an array")
        }
    };
    payloads.iter().map(read_one).collect()
}

fn read_one(json: &Value) -> Payload {
    let mut payload = Payload::default();
    for (name, value) in json.as_object().expect("an object") {
        match name.as_str() {
            "metadata" => {
                let entries = value.as_object().expect("an object").iter();
                let entries = entries.map(|(key, value)| (key.clone(), bytes(value)));
                payload.metadata = entries.collect();
            }
            "data" => payload.data = bytes(value),
            "externalPayloads" => {
                let sizes = value.as_array().expect("an array").iter();
                payload.external = sizes.map(read_size).collect();
            }
            other => panic!("a field that no client knows: {other}"),
        }
    }
    payload
}

fn read_size(json: &Value) -> i64 {
    match json.get("sizeBytes") {
        None => 0,
        Some(size) => size.as_str().expect("a string").parse().expect("a number"),
    }
}

fn bytes(value: &Value) -> Vec<u8> {
    let text = value.as_str().expect("a string");
    STANDARD
        .decode_to_vec(text)
        .expect("padded standard base64")
}

/// Standard base64, padded.
pub fn base64(bytes: impl AsRef<[u8]>) -> String {
    STANDARD.encode_to_string(bytes)
}

/// The bytes of base64.
pub fn from_base64(text: &str) -> Vec<u8> {
    forgiving_decode_to_vec(text.as_bytes()).expect("base64")
}
