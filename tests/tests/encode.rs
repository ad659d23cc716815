//! What the built-in codec's `encode` writes, by each of its settings.

use std::collections::BTreeSet;

use serde_json::Value;
use tests::{Payload, Request, Setup, base64, plain, read};

#[test]
fn what_encode_writes_is_documented_and_decodes_again() {
    let server = Setup::config(ENCODERS)
        .file("k1", base64([1; 32]))
        .file("k2", [2; 16])
        .start();
    let mut connection = server.connect();
    let samples = include_str!("../fixtures/vectors/go-encryption.json");
    let samples: Value = serde_json::from_str(samples).expect("JSON");
    let samples = samples["cases"].as_array().expect("cases").iter();
    let mut written: Vec<_> = samples.map(|case| read(&case["decoded"])).collect();
    assert!(written.len() > 40, "or this test proves nothing");
    written.push(vec![compressible()]);
    written.push(vec![noise()]);
    written.push(vec![
        compressible(),
        noise(),
        plain("short"),
        Payload::default(),
    ]);
    let mut check = |namespace: &str, is_documented: fn(&Payload, &Payload) -> bool| {
        for payloads in &written {
            let encoded = connection
                .ask(&Request::encode(namespace, payloads))
                .payloads();
            assert_eq!(encoded.len(), payloads.len());
            for (encoded, payload) in encoded.iter().zip(payloads) {
                assert!(
                    is_documented(encoded, payload),
                    "{namespace}: {encoded:?} of {payload:?}"
                );
            }
            let decoded = connection.ask(&Request::decode("reader", &encoded));
            assert_eq!(decoded.payloads(), *payloads, "{namespace}");
        }
    };
    check("sealed", |encoded, _| is_sealed(encoded, "k1"));
    check("sealed-k2", |encoded, _| is_sealed(encoded, "ключ/k2 🔑"));
    check("sealed-zlib", |encoded, _| is_sealed(encoded, "k1"));
    check("sealed-gzip", |encoded, _| is_sealed(encoded, "k1"));
    check("sealed-snappy", |encoded, _| is_sealed(encoded, "k1"));
    check("plain", |encoded, payload| encoded == payload);
    check("plain-zlib", |encoded, payload| {
        is_compressed(encoded, payload, "binary/zlib", |data| data[0] == 0x78)
    });
    check("plain-gzip", |encoded, payload| {
        is_compressed(encoded, payload, "binary/gzip", |data| {
            data.starts_with(&[0x1f, 0x8b, 8])
        })
    });
    check("plain-snappy", |encoded, payload| {
        is_compressed(encoded, payload, "binary/snappy", |data| {
            !data.starts_with(FRAMED)
        })
    });
    check("plain-framed", |encoded, payload| {
        is_compressed(encoded, payload, "binary/snappy", |data| {
            data.starts_with(FRAMED)
        })
    });
}

#[test]
fn compression_is_under_the_encryption_and_kept_only_if_it_shrinks() {
    let server = Setup::config(ENCODERS)
        .file("k1", base64([1; 32]))
        .file("k2", [2; 16])
        .start();
    let size = |namespace: &str, payload: Payload| {
        server.encode(namespace, &[payload]).payload().data.len()
    };
    let uncompressed = size("sealed", compressible());
    assert!(uncompressed > 60_000, "or this test proves nothing");
    for namespace in ["sealed-zlib", "sealed-gzip", "sealed-snappy"] {
        assert!(
            size(namespace, compressible()) < uncompressed / 4,
            "{namespace}"
        );
        assert_eq!(
            size(namespace, noise()),
            size("sealed", noise()),
            "{namespace}"
        );
    }
    for namespace in ["plain-zlib", "plain-gzip", "plain-snappy", "plain-framed"] {
        assert!(
            size(namespace, compressible()) < uncompressed / 4,
            "{namespace}"
        );
        assert_eq!(
            server.encode(namespace, &[noise()]).payload(),
            noise(),
            "{namespace}"
        );
    }
}

#[test]
fn a_nonce_is_drawn_for_every_payload_of_every_request() {
    let server = Setup::demo().start();
    let sealed: Vec<_> = (0..10)
        .flat_map(|_| {
            server
                .encode("any", &[plain("same"), plain("same")])
                .payloads()
        })
        .map(|payload| payload.data[..12].to_vec())
        .collect();
    let distinct: BTreeSet<_> = sealed.iter().collect();
    assert_eq!((distinct.len(), sealed.len()), (20, 20));
}

/// A payload is sealed and opened where it is in the guest's memory.
#[test]
fn a_megabyte_takes_its_size_in_the_sandbox_once() {
    let server = Setup::config(
        "[namespaces.tight]\ncomponent = \"built-in\"\n\
         keyring = { active = \"k1\", keys.k1.file = \"k1\" }\n\
         limits = { memory-bytes = 1179648 }\n",
    )
    .file("k1", base64([1; 32]))
    .start();
    let payload = Payload::new("binary/plain", vec![7; 1 << 20]);
    let encoded = server
        .encode("tight", std::slice::from_ref(&payload))
        .payload();
    assert_eq!(server.decode("tight", &[encoded]).payload(), payload);
}

/// Whether there is room for all that comes around a payload where it is, for a part of it, or for
/// none; and if the key's id takes as many bytes as what is sealed.
#[test]
fn what_is_sealed_and_its_key_id_have_any_length() {
    const SIZE: usize = 5000;
    // Metadata, and what begins the data, are 29 bytes of a payload; what is sealed has 31 more.
    let id_lengths = [1, 100, 200, 240, 256, 300, SIZE + 59, SIZE + 60, SIZE + 61];
    let config: String = id_lengths
        .iter()
        .map(|&length| {
            let id = "k".repeat(length);
            format!(
                "[namespaces.id-{length}]\n\
                 keyring = {{ active = \"{id}\", keys.{id}.file = \"k1\" }}\n"
            )
        })
        .collect();
    let server = Setup::config(&config).file("k1", base64([1; 32])).start();
    let sizes = (4060..4075).chain([0, 1, 300, SIZE, 16_300, 16_384, 70_000, 200_000]);
    let payloads: Vec<_> = sizes
        .map(|size| {
            let data: Vec<u8> = (0..size).map(|at| (at ^ at >> 8) as u8).collect();
            Payload::new("binary/plain", data)
        })
        .collect();
    let alone = payloads.chunks(1);
    let lists: Vec<_> = alone.chain([&payloads[..], &payloads[10..]]).collect();
    for length in id_lengths {
        let namespace = format!("id-{length}");
        for payloads in &lists {
            let encoded = server.encode(&namespace, payloads).payloads();
            let id = "k".repeat(length);
            for (encoded, payload) in encoded.iter().zip(*payloads) {
                assert!(
                    is_sealed(encoded, &id),
                    "{namespace}: {}",
                    payload.data.len()
                );
            }
            let decoded = server.decode(&namespace, &encoded);
            assert!(
                decoded.payloads() == **payloads,
                "{namespace}: {}",
                payloads.len()
            );
        }
    }
}

/// One namespace for each way to write.
const ENCODERS: &str = r#"
[namespaces.sealed.keyring]
active = "k1"
keys.k1 = { file = "k1" }
[namespaces.sealed-k2]
settings = { key-id = "ключ/k2 🔑" }
[namespaces.sealed-k2.keyring]
active = "k1"
keys.k1 = { file = "k1" }
keys."ключ/k2 🔑" = { file = "k2", encoding = "raw" }
[namespaces.sealed-zlib]
settings = { compression = "zlib" }
keyring = { active = "k1", keys.k1.file = "k1" }
[namespaces.sealed-gzip]
settings = { compression = "gzip" }
keyring = { active = "k1", keys.k1.file = "k1" }
[namespaces.sealed-snappy]
settings = { compression = "snappy", snappy-format = "framed" }
keyring = { active = "k1", keys.k1.file = "k1" }
[namespaces.plain]
settings = { encryption = "off", compression = "none" }
[namespaces.plain-zlib]
settings = { encryption = "off", compression = "zlib" }
[namespaces.plain-gzip]
settings = { encryption = "off", compression = "gzip" }
[namespaces.plain-snappy]
settings = { encryption = "off", compression = "snappy" }
[namespaces.plain-framed]
settings = { encryption = "off", compression = "snappy", snappy-format = "framed" }
[namespaces.reader.keyring.keys]
k1 = { file = "k1" }
"ключ/k2 🔑" = { file = "k2", encoding = "raw" }
"#;

/// How a framed snappy stream begins.
const FRAMED: &[u8] = b"\xff\x06\0\0sNaPpY";

fn is_sealed(encoded: &Payload, key_id: &str) -> bool {
    let expected = Payload::new("binary/encrypted", encoded.data.clone());
    // Nonce and tag are there even where nothing is inside.
    *encoded == expected.with("encryption-key-id", key_id) && encoded.data.len() >= 28
}

fn is_compressed(
    encoded: &Payload,
    payload: &Payload,
    marker: &str,
    is_of_format: fn(&[u8]) -> bool,
) -> bool {
    let compressed = Payload::new(marker, encoded.data.clone());
    encoded == payload || (*encoded == compressed && is_of_format(&encoded.data))
}

fn compressible() -> Payload {
    Payload::new("json/plain", r#"{"id":12345,"name":"abc"},"#.repeat(2_600))
}

/// 64 KiB that no compressor makes smaller.
fn noise() -> Payload {
    let mut state = 1u64;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        state.to_be_bytes()[0]
    };
    Payload::new(
        "binary/plain",
        (0..64 << 10).map(|_| next()).collect::<Vec<_>>(),
    )
}
