//! The example codecs do what they are there to show, and serve as a team would have them served.

use tests::{Payload, Server, Setup, example, from_base64, guest, plain, until};

/// Of the example `checksum`.
const CHECKSUM: &str = "checksum-crc32";

/// The key of the SDK samples, and of the golden vector.
const KEY: &str = "test-key-test-key-test-key-test!";

fn payloads() -> Vec<Payload> {
    vec![
        plain("Hello, Temporal!"),
        Payload::new("binary/null", ""),
        Payload::default(),
        Payload::new("binary/plain", [0xff; 64 << 10]).with("größe", "64 KiB"),
        Payload {
            external: vec![0, i64::MAX],
            ..plain("partly stored elsewhere")
        },
    ]
}

/// What neither example takes for its own.
fn foreign() -> Vec<Payload> {
    vec![
        plain("written before there was a codec"),
        Payload::new("binary/zlib", "x\u{1}not even zlib"),
        Payload::new("binary/x-tag", [0xff, 0]),
        Payload::default(),
    ]
}

#[test]
fn a_codec_dropped_into_the_directory_serves_while_its_neighbours_go_on() {
    let server = Setup::codecs()
        .file("codecs/orders.wasm", guest("tag"))
        .start();
    let neighbours_go_on = || {
        let encoded = server.encode("orders", &payloads()).payloads();
        assert_eq!(encoded.len(), payloads().len());
    };
    assert_eq!(server.encode("billing", &payloads()).status, 404);
    neighbours_go_on();

    server
        .folder
        .replace("codecs/billing.wasm", example("checksum"));
    let encoded = until("the new codec serves", || {
        neighbours_go_on();
        let answer = server.encode("billing", &payloads());
        match answer.status {
            404 => None,
            // Found, and still being compiled.
            503 if answer.header("retry-after").is_some() => None,
            _ => Some(answer.payloads()),
        }
    });
    for payload in &encoded {
        assert_eq!(payload.note("encoding"), "binary/x-checksum");
    }
    assert_eq!(server.decode("billing", &encoded).payloads(), payloads());
    neighbours_go_on();
}

fn checksum() -> Server {
    Setup::codecs()
        .file("codecs/billing.wasm", example("checksum"))
        .start()
}

#[test]
fn checksum_stores_the_crc_of_the_whole_marshalled_payload() {
    let server = checksum();
    let encoded = server
        .encode("billing", &[plain("Hello, Temporal!")])
        .payload();
    // CRC-32 of what the golden vector holds inside, by Python's zlib.crc32.
    assert_eq!(encoded.note(CHECKSUM), "d961555b");
}

#[test]
fn checksum_leaves_foreign_payloads_unchanged() {
    let server = checksum();
    assert_eq!(server.decode("billing", &foreign()).payloads(), foreign());
}

#[test]
fn checksum_refuses_what_was_damaged_and_says_which_payload() {
    let server = checksum();
    let sound = server.encode("billing", &payloads()).payloads();
    assert_eq!(server.decode("billing", &sound).status, 200);
    let check = |damage: &dyn Fn(&mut Payload), expected: &str| {
        let mut damaged = sound.clone();
        damage(&mut damaged[3]);
        let answer = server.decode("billing", &damaged);
        assert_eq!(answer.status, 400);
        assert!(answer.text().contains("payload 3: "), "{}", answer.text());
        assert!(answer.text().contains(expected), "{}", answer.text());
        assert!(!answer.text().contains("payloads"), "{}", answer.text());
    };
    check(
        &|payload| payload.data[60_000] ^= 1,
        "does not have the checksum",
    );
    check(
        &|payload| payload.data.truncate(100),
        "does not have the checksum",
    );
    check(
        &|payload| {
            payload.metadata.insert(CHECKSUM.into(), b"00000000".into());
        },
        "does not have the checksum",
    );
    check(
        &|payload| {
            payload.metadata.remove(CHECKSUM);
        },
        "checksum is missing",
    );
}

/// The namespaces `sandbox` and `refused`, served by the example with and without its grant, and
/// `built-in`, all with the same key.
fn aes() -> Server {
    let keyring =
        r#"active = "test-key-id", keys = { "test-key-id" = { file = "key", encoding = "raw" } }"#;
    Setup::config(&format!(
        r#"
        [namespaces.sandbox]
        component = "aes.wasm"
        keyring = {{ {keyring}, export-keys = true }}
        [namespaces.refused]
        component = "aes.wasm"
        keyring = {{ {keyring} }}
        [namespaces.built-in]
        component = "built-in"
        keyring = {{ {keyring} }}
        "#
    ))
    .file("aes.wasm", example("aes_in_sandbox"))
    .file("key", KEY)
    .start()
}

#[test]
fn aes_in_sandbox_decodes_the_golden_vector() {
    let server = aes();
    let golden = Payload::new(
        "binary/encrypted",
        from_base64(
            "AAECAwQFBgcICQoL+SuJ2idoYdJlc5Wio/f30eikViKThZLQZ/ajKHLhSIIjv0FKM8kUTrOGE6WzdDjsFiSbHStxs5olNOdW",
        ),
    )
    .with("encryption-key-id", "test-key-id");
    assert_eq!(
        server.decode("sandbox", &[golden]).payload(),
        plain("Hello, Temporal!")
    );
}

#[test]
fn aes_in_sandbox_and_the_built_in_codec_read_each_other() {
    let server = aes();
    let check = |writer: &str, reader: &str| {
        let encoded = server.encode(writer, &payloads()).payloads();
        for payload in &encoded {
            assert_eq!(payload.note("encoding"), "binary/encrypted");
            assert_eq!(payload.note("encryption-key-id"), "test-key-id");
        }
        let decoded = server.decode(reader, &encoded).payloads();
        assert_eq!(decoded, payloads(), "{writer} to {reader}");
    };
    check("sandbox", "sandbox");
    check("sandbox", "built-in");
    check("built-in", "sandbox");
}

#[test]
fn aes_in_sandbox_never_uses_a_nonce_twice() {
    let server = aes();
    let same = vec![plain("the same"); 20];
    let mut nonces: Vec<_> = (0..5)
        .flat_map(|_| server.encode("sandbox", &same).payloads())
        .map(|payload| payload.data[..12].to_vec())
        .collect();
    nonces.sort();
    nonces.dedup();
    assert_eq!(nonces.len(), 100);
}

#[test]
fn aes_in_sandbox_leaves_foreign_payloads_unchanged() {
    let server = aes();
    assert_eq!(server.decode("sandbox", &foreign()).payloads(), foreign());
}

#[test]
fn aes_in_sandbox_refuses_what_it_cannot_decrypt_and_says_which_payload() {
    let server = aes();
    let sound = server.encode("sandbox", &payloads()).payloads();
    assert_eq!(server.decode("sandbox", &sound).status, 200);
    let check = |damage: &dyn Fn(&mut Payload), expected: &str| {
        let mut damaged = sound.clone();
        damage(&mut damaged[1]);
        let answer = server.decode("sandbox", &damaged);
        assert_eq!(answer.status, 400);
        assert!(answer.text().contains("payload 1: "), "{}", answer.text());
        assert!(answer.text().contains(expected), "{}", answer.text());
    };
    check(&|payload| payload.data[12] ^= 1, "changed");
    check(&|payload| payload.data.truncate(12), "changed");
    check(&|payload| payload.data.truncate(11), "cut short");
    check(
        &|payload| {
            payload.metadata.remove("encryption-key-id");
        },
        "names no key",
    );
    check(
        &|payload| {
            let id = b"another".to_vec();
            payload.metadata.insert("encryption-key-id".into(), id);
        },
        "does not have its key",
    );
}

#[test]
fn aes_in_sandbox_is_unavailable_where_keys_are_not_exported() {
    let server = aes();
    let encoded = server.encode("sandbox", &payloads()).payloads();
    for answer in [
        server.encode("refused", &payloads()),
        server.decode("refused", &encoded),
    ] {
        assert_eq!(answer.status, 503);
        assert!(answer.text().contains("export-keys"), "{}", answer.text());
    }
}
