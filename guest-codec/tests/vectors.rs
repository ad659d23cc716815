//! What the real SDKs wrote, through the codec's logic with a real host behind it.

use std::collections::BTreeMap;
use std::ops::Range;

use aes_gcm::AesGcm;
use aes_gcm::aead::consts::U12;
use aes_gcm::aead::{Aead, KeyInit};
use aes_gcm::aes::{Aes128, Aes192, Aes256};
use guest_codec::codec::{CodecError, decode, encode};
use guest_codec::host::{Host, KeyError, NONCE, Sealed, TAG};
use guest_codec::settings::Settings;
use proto::Payload;
use proto::json::{self, UnknownFields};
use proto::wire::{View, find, marshal, unmarshal};
use serde_json::Value;

/// Keys in memory and AES-GCM: the same crate that the server has.
struct Native {
    keys: BTreeMap<String, Vec<u8>>,
    active: Option<String>,
}

impl Native {
    fn open_one(&self, key_id: &str, sealed: &[u8]) -> Result<Vec<u8>, KeyError> {
        let key = self.keys.get(key_id).ok_or(KeyError::UnknownKey)?;
        let (nonce, text) = sealed
            .split_first_chunk::<NONCE>()
            .ok_or(KeyError::NotAuthentic)?;
        let opened = match key.len() {
            16 => AesGcm::<Aes128, U12>::new_from_slice(key)
                .expect("of that length")
                .decrypt(nonce.into(), text),
            24 => AesGcm::<Aes192, U12>::new_from_slice(key)
                .expect("of that length")
                .decrypt(nonce.into(), text),
            _ => AesGcm::<Aes256, U12>::new_from_slice(key)
                .expect("of that length")
                .decrypt(nonce.into(), text),
        };
        opened.map_err(|_| KeyError::NotAuthentic)
    }
}

impl Host for Native {
    fn open(
        &self,
        payload: Vec<u8>,
        key_id: Range<usize>,
        sealed: Range<usize>,
    ) -> Result<Vec<u8>, KeyError> {
        let key_id = str::from_utf8(&payload[key_id]).expect("it was checked");
        self.open_one(key_id, &payload[sealed])
    }

    fn seal(
        &self,
        key_id: Option<&str>,
        payload: Vec<u8>,
        head: &[u8],
    ) -> Result<Sealed, KeyError> {
        let sealed = self.seal_each(key_id, &[&payload])?;
        Ok(Sealed {
            bytes: [head, &sealed.bytes].concat(),
            ..sealed
        })
    }

    fn open_each(&self, sealed: &[[&[u8]; 2]]) -> Result<Vec<u8>, (usize, KeyError)> {
        let opened = sealed.iter().enumerate().map(|(index, [key_id, sealed])| {
            let key_id = str::from_utf8(key_id).expect("it was checked");
            self.open_one(key_id, sealed)
                .map_err(|error| (index, error))
        });
        Ok(opened.collect::<Result<Vec<_>, _>>()?.concat())
    }

    fn seal_each(&self, key_id: Option<&str>, payloads: &[&[u8]]) -> Result<Sealed, KeyError> {
        let key_id = key_id
            .or(self.active.as_deref())
            .ok_or(KeyError::NoActiveKey)?;
        let key = self.keys.get(key_id).ok_or(KeyError::UnknownKey)?;
        let cipher = AesGcm::<Aes256, U12>::new_from_slice(key).expect("a key of 32 bytes");
        let sealed = payloads.iter().map(|payload| {
            // Constant, since nothing here is secret.
            let sealed = cipher.encrypt((&[7; 12]).into(), *payload).expect("seals");
            assert_eq!(sealed.len(), payload.len() + TAG);
            [&[7; 12], &*sealed].concat()
        });
        Ok(Sealed {
            key_id: key_id.to_owned(),
            bytes: sealed.collect::<Vec<_>>().concat(),
        })
    }
}

const POSITIVE: [&str; 12] = [
    "python-encryption",
    "go-encryption",
    "typescript-encryption",
    "java-crypt",
    "ruby-encryption",
    "go-zlib",
    "java-zlib",
    "go-snappy-block",
    "python-docs-snappy-framed",
    "python-gzip",
    "golden",
    "extras",
];

#[test]
fn everything_that_the_samples_wrote_is_decoded() {
    let mut cases = 0;
    for name in POSITIVE {
        for (case, host) in read(name) {
            let decoded = decode(payloads(&case["encoded"]), &Settings::default(), &host);
            let expected = payloads(&case["decoded"]);
            let decoded = decoded.map(canonical);
            assert!(decoded == Ok(expected), "{name} {}", case["name"]);
            cases += 1;
        }
    }
    assert!(cases > 450, "or this test proves nothing: {cases}");
}

#[test]
fn what_others_wrote_is_left_alone() {
    for (case, host) in read("foreign") {
        let encoded = payloads(&case["encoded"]);
        assert!(
            decode(encoded.clone(), &Settings::default(), &host) == Ok(encoded),
            "{}",
            case["name"]
        );
    }
}

#[test]
fn what_is_bad_gives_no_payload() {
    let mut refused = 0;
    for (case, host) in read("negatives") {
        let Some(encoded) = case.get("encoded") else {
            continue;
        };
        let decoded = decode(payloads(encoded), &Settings::default(), &host);
        match case["verdict"].as_str().expect("a verdict") {
            "reject" => {
                assert!(
                    matches!(decoded, Err(CodecError::Invalid(_))),
                    "{}: {}",
                    case["name"],
                    case["why"]
                );
                refused += 1;
            }
            "either" => {
                let allowed = match &decoded {
                    Ok(decoded) => {
                        canonical(decoded.clone()) == payloads(&case["decoded_if_accepted"])
                    }
                    Err(error) => matches!(error, CodecError::Invalid(_)),
                };
                assert!(allowed, "{}: {}", case["name"], case["why"]);
            }
            _ => {
                let decoded = decoded.expect("within the limit");
                let data = View::read(&decoded[0]).expect("a payload").data;
                assert!(data.iter().all(|byte| *byte == 0) && data.len() == 10_000_000);
                let limits = Settings {
                    max_inflated_bytes: 9_999_999,
                    ..Settings::default()
                };
                let refused = decode(payloads(encoded), &limits, &host);
                assert!(
                    matches!(refused, Err(CodecError::Invalid(_))),
                    "{}",
                    case["name"]
                );
            }
        }
    }
    assert!(refused > 100, "or this test proves nothing: {refused}");
}

#[test]
fn what_is_encoded_by_any_settings_is_decoded_without() {
    let settings = |pairs: &[(&str, &str)]| {
        let owned: Vec<_> = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Settings::parse(&owned).expect("settings")
    };
    let host = Native {
        keys: BTreeMap::from([
            ("k1".to_owned(), vec![1; 32]),
            ("k2".to_owned(), vec![2; 32]),
        ]),
        active: Some("k1".to_owned()),
    };
    for settings in [
        settings(&[]),
        settings(&[("key-id", "k2")]),
        settings(&[("compression", "zlib")]),
        settings(&[("compression", "gzip")]),
        settings(&[("compression", "snappy")]),
        settings(&[("compression", "snappy"), ("snappy-format", "framed")]),
        settings(&[("compression", "zlib"), ("encryption", "off")]),
        settings(&[("compression", "snappy"), ("encryption", "off")]),
        settings(&[("encryption", "off")]),
    ] {
        for (case, _) in read("go-encryption") {
            let written = payloads(&case["decoded"]);
            let encoded = encode(written.clone(), &settings, &host).expect("encodes");
            let is_as_configured = encoded.iter().zip(&written).all(|(encoded, written)| {
                let found = find(encoded, ["encoding", "encryption-key-id"]);
                let [marker, key_id] = found.expect("a payload").values;
                match settings.encryption {
                    true => {
                        let expected = settings.key_id.as_deref().unwrap_or("k1");
                        marker == Some(b"binary/encrypted") && key_id == Some(expected.as_bytes())
                    }
                    false => encoded.len() < written.len() || encoded == written,
                }
            });
            assert!(is_as_configured, "{settings:?} {}", case["name"]);
            assert!(
                decode(encoded, &Settings::default(), &host) == Ok(written),
                "{settings:?} {}",
                case["name"]
            );
        }
    }
}

/// Small payloads are sealed and opened together, as many as there is to be room for, and large ones
/// alone.
#[test]
fn lists_of_any_sizes_come_back_in_their_order() {
    let key = |id: &str, byte: u8| (id.to_owned(), vec![byte; 32]);
    let host = |active: &str| Native {
        keys: BTreeMap::from([key("k1", 1), key("k2", 2)]),
        active: Some(active.to_owned()),
    };
    let settings = Settings::default();
    let sizes = [0, 1, 200, 4000, 4095, 4096, 4097, 70_000, 3, 4090, 2500];
    let payload = |at: usize| {
        let data = vec![at as u8; sizes[at % sizes.len()]];
        marshal(&Payload {
            data,
            ..Payload::default()
        })
    };
    for count in [0, 1, 2, 11, 100] {
        let written: Vec<_> = (0..count).map(payload).collect();
        let mut encoded = encode(written.clone(), &settings, &host("k1")).expect("seals");
        // Some with another key, some not sealed at all.
        let others = encode(written.clone(), &settings, &host("k2")).expect("seals");
        for (at, other) in others.into_iter().enumerate() {
            match at % 7 {
                2 | 3 => encoded[at] = other,
                5 => encoded[at] = written[at].clone(),
                _ => {}
            }
        }
        assert!(decode(encoded.clone(), &settings, &host("k1")) == Ok(written));
        for at in (0..count).filter(|at| at % 7 != 5) {
            let mut changed = encoded.clone();
            let sealed = find(&changed[at], []).expect("a payload").data;
            let last = sealed.as_ptr_range().end.addr() - 1 - changed[at].as_ptr().addr();
            changed[at][last] ^= 1;
            // The first one is told, whatever comes after it.
            for (later, payload) in changed.iter_mut().enumerate().skip(at + 1) {
                match later % 3 {
                    0 => payload.clear(),
                    1 => payload.truncate(payload.len() / 2),
                    _ => {}
                }
            }
            match decode(changed, &settings, &host("k1")) {
                Err(CodecError::Invalid(text)) => {
                    let expected = format!("payload {at}: its key does not open it");
                    assert!(text.starts_with(&expected), "{text}");
                }
                _ => panic!("{at} of {count} was changed, and is decoded"),
            }
        }
    }
}

#[test]
fn what_the_operator_has_to_mend_is_not_the_payloads_fault() {
    let host = Native {
        keys: BTreeMap::new(),
        active: None,
    };
    let payload = || vec![Vec::new()];
    assert!(matches!(
        encode(payload(), &Settings::default(), &host),
        Err(CodecError::Unavailable(_))
    ));
    let settings = Settings {
        key_id: Some("gone".to_owned()),
        ..Settings::default()
    };
    assert!(matches!(
        encode(payload(), &settings, &host),
        Err(CodecError::Unavailable(_))
    ));
}

#[test]
fn a_failure_names_the_payload_and_no_secret() {
    let secret = "test-key-test-key-test-key-test!";
    let host = Native {
        keys: BTreeMap::new(),
        active: None,
    };
    let metadata = [
        ("encoding", "binary/encrypted"),
        ("encryption-key-id", secret),
    ];
    let metadata = metadata.map(|(key, value)| (key.to_owned(), value.as_bytes().to_vec()));
    let bad = Payload {
        metadata: metadata.into(),
        data: b"plaintext".to_vec(),
        ..Payload::default()
    };
    match decode(vec![Vec::new(), marshal(&bad)], &Settings::default(), &host) {
        Err(CodecError::Invalid(text)) => {
            assert!(text.starts_with("payload 1: "), "{text}");
            assert!(
                !text.contains(secret) && !text.contains("plaintext"),
                "{text}"
            );
        }
        _ => panic!("decoded with a key that is not there"),
    }
}

/// Every case of a file, with a host that has its keys.
fn read(name: &str) -> Vec<(Value, Native)> {
    let path = format!(
        "{}/../tests/fixtures/vectors/{name}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let file: Value = serde_json::from_slice(&text).expect("JSON");
    let cases = file["cases"].as_array().expect("cases").clone();
    assert!(!cases.is_empty(), "or this test proves nothing");
    let with_host = |case: Value| {
        let keys = case.get("keys").unwrap_or(&file["keys"]);
        let keys = keys.as_object().into_iter().flatten().map(|(id, key)| {
            let key = key.as_str().expect("a key");
            (
                id.clone(),
                base64_simd::STANDARD.decode_to_vec(key).expect("base64"),
            )
        });
        let host = Native {
            keys: keys.collect(),
            active: None,
        };
        (case, host)
    };
    cases.into_iter().map(with_host).collect()
}

fn payloads(value: &Value) -> Vec<Vec<u8>> {
    let body = serde_json::to_vec(value).expect("JSON");
    let payloads = json::read(&body, UnknownFields::Reject).expect("payloads");
    let payloads = payloads.iter().map(Payload::from);
    payloads.map(|payload| marshal(&payload)).collect()
}

/// The same payloads in the bytes that we would have written.
fn canonical(payloads: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let canonical = |payload: Vec<u8>| marshal(&unmarshal(&payload).expect("a payload"));
    payloads.into_iter().map(canonical).collect()
}
