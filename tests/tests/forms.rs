//! The two forms that a codec may have payloads in, records and bytes, and the two encodings of
//! their keys: whatever the form, the caller gets the same.

use tests::{Payload, Request, Setup, base64, plain};

#[test]
fn payloads_come_back_in_every_form() {
    let server = Setup::config(FORMS).start();
    let lists = lists();
    for namespace in ["records", "utf16", "bytes"] {
        let mut connection = server.connect();
        for list in &lists {
            for request in [
                Request::decode(namespace, list),
                Request::encode(namespace, list),
            ] {
                let answer = connection.ask(&request);
                assert_eq!(answer.status, 200, "{namespace}: {}", answer.text());
                assert!(answer.payloads() == *list, "{namespace}: {}", list.len());
            }
        }
    }
}

/// What is sealed as a record is opened as bytes, and the other way round.
#[test]
fn the_keyring_seals_the_same_in_both_forms() {
    let server = Setup::config(SEALERS)
        .file("k1", base64([1; 32]))
        .file("k2", base64([2; 16]))
        .start();
    let mut written: Vec<_> = lists().into_iter().flatten().collect();
    written.push(plain("by id").with("x-key", "k2"));
    for (by, to) in [("records", "built-in"), ("built-in", "records")] {
        for payload in &written {
            let one = std::slice::from_ref(payload);
            let sealed = server.encode(by, one).payload();
            let key_id = match (by, payload.metadata.get("x-key")) {
                ("records", Some(_)) => "k2",
                _ => "k1",
            };
            assert_eq!(sealed.note("encryption-key-id"), key_id);
            assert!(server.decode(to, &[sealed]).payload() == *payload, "{by}");
        }
    }
    let check = |payload: Payload, encode: bool, expected: &str| {
        let answer = match encode {
            true => server.encode("records", &[payload]),
            false => server.decode("records", &[payload]),
        };
        assert_eq!((answer.status, answer.text()), (400, expected));
    };
    check(plain("").with("x-key", "k3"), true, "unknown-key");
    let mut sealed = server.encode("records", &[plain("x")]).payload();
    sealed.data[20] ^= 1;
    check(sealed, false, "not-authentic");
}

/// Lists of every shape that a payload has.
fn lists() -> Vec<Vec<Payload>> {
    let external = |external: &[i64]| Payload {
        external: external.to_vec(),
        ..plain("outside")
    };
    let odd = Payload::default()
        .with("", "")
        .with("\0", [0, 255])
        .with("schlüssel 🔑", "é")
        .with(&"k".repeat(70_000), vec![7; 300]);
    let many = (0..9_999).map(|number| number.to_string());
    let many = many.fold(plain("many"), |payload, key| payload.with(&key, "v"));
    vec![
        vec![],
        vec![Payload::default()],
        vec![Payload::default(); 3],
        vec![plain("one"), odd.clone(), Payload::default(), plain("two")],
        vec![external(&[0, 1, -1, i64::MAX, i64::MIN]), odd],
        vec![Payload::new("binary/plain", vec![0xa5; 3 << 20])],
        vec![plain("short"); 5_000],
        vec![many],
    ]
}

const FORMS: &str = r#"
[namespaces.records]
component = "identity.wasm"
[namespaces.utf16]
component = "keys_are_utf16.wasm"
[namespaces.bytes]
component = "bytes_come_back.wasm"
"#;

const SEALERS: &str = r#"
[namespaces.records]
component = "seals.wasm"
keyring = { active = "k1", keys.k1.file = "k1", keys.k2.file = "k2" }
[namespaces.built-in]
component = "built-in"
keyring = { active = "k1", keys.k1.file = "k1", keys.k2.file = "k2" }
"#;
