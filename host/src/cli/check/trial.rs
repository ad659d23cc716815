//! Round trips that every codec must survive.

use std::fmt;

use proto::{Batch, ExternalPayloadDetails, Payload};

use crate::sandbox::Codec;

/// What one check found.
pub(super) struct Finding {
    name: &'static str,
    /// What is wrong, if anything is.
    failure: Option<String>,
}

impl Finding {
    pub(super) fn is_failure(&self) -> bool {
        self.failure.is_some()
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.failure {
            None => write!(f, "ok    {}", self.name),
            Some(why) => write!(f, "FAIL  {}: {why}", self.name),
        }
    }
}

/// Everything that is tried; each is told as soon as it was.
pub(super) async fn run(
    codec: &Codec,
    namespace: Option<&str>,
    tell: impl Fn(&Finding),
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut found = |name, result: Result<(), String>| {
        let failure = result.err();
        let finding = Finding { name, failure };
        tell(&finding);
        findings.push(finding);
    };
    for (name, payloads) in round_trips() {
        let payloads = payloads.iter().collect();
        found(name, round_trip(codec, namespace, payloads).await);
    }
    for (name, payload) in foreign() {
        let payloads = [&payload].into_iter().collect();
        found(name, untouched(codec, namespace, payloads).await);
    }
    findings
}

async fn round_trip(codec: &Codec, namespace: Option<&str>, payloads: Batch) -> Result<(), String> {
    let encoded = codec.encode(namespace, &payloads).await;
    let encoded = encoded.map_err(|error| format!("encode: {error}"))?;
    let decoded = codec.decode(namespace, encoded).await;
    let decoded = decoded
        .map_err(|error| format!("decode of what it encoded: {error}"))?
        .payloads;
    match payloads
        .iter()
        .zip(decoded.iter())
        .position(|(before, after)| before != after)
    {
        None => Ok(()),
        Some(at) => Err(format!(
            "payload {at} is not the same after encode and decode"
        )),
    }
}

async fn untouched(codec: &Codec, namespace: Option<&str>, payloads: Batch) -> Result<(), String> {
    let decoded = codec.decode(namespace, payloads.clone()).await;
    let decoded = decoded
        .map_err(|error| format!("decode: {error}"))?
        .payloads;
    if decoded == payloads {
        Ok(())
    } else {
        Err("decode changed a payload that this codec did not encode".to_owned())
    }
}

fn round_trips() -> Vec<(&'static str, Vec<Payload>)> {
    let json = payload(&[("encoding", b"json/plain")], b"\"Hello, Temporal!\"");
    let null = payload(&[("encoding", b"binary/null")], b"");
    let large = payload(
        &[("encoding", b"json/plain")],
        &b"{\"id\":12345,\"name\":\"abc\"},".repeat(2600),
    );
    let noise = payload(&[("encoding", b"binary/plain")], &noise(64 << 10));
    let odd = payload(
        &[
            ("encoding", b"\xff\xfe"),
            ("", b""),
            ("\0\u{1f980}", &[0; 300]),
        ],
        b"\0",
    );
    let mut stored = json.clone();
    stored.external_payloads = [0, i64::MAX]
        .map(|size_bytes| ExternalPayloadDetails { size_bytes })
        .into();
    let mut batch: Vec<_> = (0..10)
        .map(|n| payload(&[("encoding", b"json/plain")], &[b'0' + n]))
        .collect();
    batch.push(null.clone());
    vec![
        ("an empty list", vec![]),
        ("a JSON payload", vec![json]),
        ("a payload without data", vec![null]),
        ("a payload with nothing in it", vec![Payload::default()]),
        ("a list, in its order", batch),
        ("odd metadata", vec![odd]),
        ("external payloads", vec![stored]),
        ("64 KiB that compress", vec![large]),
        ("64 KiB that do not compress", vec![noise]),
    ]
}

fn foreign() -> Vec<(&'static str, Payload)> {
    vec![
        (
            "a plain payload is left alone",
            payload(&[("encoding", b"json/plain")], b"42"),
        ),
        (
            "an unknown encoding is left alone",
            payload(&[("encoding", b"binary/x-nobody")], b"\x01\x02"),
        ),
        (
            "an encoding that is not UTF-8 is left alone",
            payload(&[("encoding", b"\xff")], b"\x01"),
        ),
        (
            "a payload without encoding is left alone",
            payload(&[], b"\x01"),
        ),
        ("an empty payload is left alone", Payload::default()),
    ]
}

fn payload(metadata: &[(&str, &[u8])], data: &[u8]) -> Payload {
    let metadata = metadata
        .iter()
        .map(|(key, value)| ((*key).to_owned(), value.to_vec()));
    Payload {
        metadata: metadata.collect(),
        data: data.to_vec(),
        external_payloads: Vec::new(),
    }
}

/// Bytes that no compressor makes smaller: a linear congruential generator's upper bits.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1u64;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..length).map(|_| next()).collect()
}
