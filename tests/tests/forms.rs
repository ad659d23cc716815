//! The two forms that a codec may have payloads in, records and bytes, and the two encodings of
//! their keys: whatever the form, the caller gets the same.

use tests::{Folder, Payload, Request, Setup, base64, plain, run};

#[test]
fn payloads_come_back_in_every_form() {
    let server = Setup::config(FORMS).start();
    let lists = lists();
    for namespace in ["records", "utf16", "bytes", "looks-at-empty-lists"] {
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

/// Wherever a guest wants to have what is sealed or opened for it, also over what that is made of.
#[test]
fn things_are_sealed_and_opened_wherever_the_guest_says() {
    let server = Setup::config(
        "[namespaces.overlaps]\ncomponent = \"seals_over_itself.wasm\"\n\
         keyring = { active = \"k1\", keys.k1.file = \"k1\" }\n\
         [namespaces.together]\ncomponent = \"seals_together.wasm\"\n\
         keyring = { active = \"k1\", keys.k1.file = \"k1\" }\n",
    )
    .file("k1", base64([1; 32]))
    .start();
    let mut connection = server.connect();
    let mut payloads = vec![Payload::default(), plain("")];
    payloads.extend([1, 15, 16, 17, 40, 150, 3000].map(|length| {
        let data: Vec<u8> = (0..length).map(|at| at as u8).collect();
        Payload::new("binary/plain", data)
    }));
    for payload in payloads {
        for namespace in ["overlaps", "together"] {
            let request = Request::encode(namespace, std::slice::from_ref(&payload));
            let answer = connection.ask(&request);
            let length = payload.data.len();
            let text = answer.text();
            assert_eq!(answer.status, 200, "{namespace} {length}: {text}");
            assert!(answer.payload() == payload, "{namespace} {length}");
        }
    }
}

/// A function of another type is told at load, whatever it is called.
#[test]
fn a_codec_has_the_form_that_its_interface_says() {
    let folder = Folder::new();
    let records = ["$payload", "$payload"];
    let bytes = ["(list u8)", "(list u8)"];
    let check = |interface: &str, encode, decode, expected: Result<(), [&str; 2]>| {
        let file = folder.write("codec.wasm", codec(interface, encode, decode));
        let told = run(["inspect".as_ref(), file.as_os_str()]);
        match expected {
            Ok(()) => assert_eq!(told.code, Some(0), "{}", told.err),
            Err(words) => {
                assert_eq!(told.code, Some(1), "{}", told.out);
                let all = [&words[..], &[interface]].concat();
                let is_told = all.iter().all(|word| told.err.contains(word));
                assert!(is_told, "{}: {all:?}", told.err);
            }
        }
    };
    check("payload-codec", records, records, Ok(()));
    check("wire-codec", bytes, bytes, Ok(()));
    let (no_records, no_bytes) = ("list<payload>", "list<list<u8>>");
    check("payload-codec", bytes, bytes, Err(["`encode`", no_records]));
    check("wire-codec", records, records, Err(["`encode`", no_bytes]));
    check("wire-codec", bytes, records, Err(["`decode`", no_bytes]));
    check(
        "payload-codec",
        records,
        bytes,
        Err(["`decode`", no_records]),
    );
    let mixed = ["(list u8)", "$payload"];
    check(
        "wire-codec",
        bytes,
        mixed,
        Err(["`decode`", "does not answer"]),
    );
    let flat = ["u8", "u8"];
    check("wire-codec", flat, flat, Err(["`encode`", no_bytes]));
    let texts = ["string", "string"];
    check(
        "payload-codec",
        records,
        texts,
        Err(["`decode`", no_records]),
    );
    let words = ["(list string)", "(list string)"];
    check("wire-codec", words, bytes, Err(["`encode`", "expected"]));
}

/// A codec whose functions take a list of the first of their two types, and answer one of the
/// second.
fn codec(interface: &str, encode: [&str; 2], decode: [&str; 2]) -> Vec<u8> {
    let function = |name: &str, [takes, answers]: [&str; 2]| {
        format!(
            r#"(func ${name} (param "payloads" (list {takes}))
              (result (result (list {answers}) (error $codec-error)))
              (canon lift (core func $main "code")
                (memory (core memory $main "memory")) (realloc (core func $main "realloc"))))"#
        )
    };
    let [encode, decode] = [function("encode", encode), function("decode", decode)];
    let text = include_str!("../guests/wat/newer_minor_version.wat");
    let (types, _) = text.split_once("  (core module").expect("it has types");
    let types = types.replace("@1.1.0", "@1.0.0");
    let text = format!(
        r#"{types}
          (core module $main
            (memory (export "memory") 1)
            (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
            (func (export "code") (param $list i32) (param $count i32) (result i32)
              (i32.store (i32.const 20) (local.get $list))
              (i32.store (i32.const 24) (local.get $count))
              (i32.const 16)))
          (core instance $main (instantiate $main))
          (alias export $types "payload" (type $payload))
          (alias export $types "codec-error" (type $codec-error))
          {encode}
          {decode}
          (instance $codec (export "encode" (func $encode)) (export "decode" (func $decode)))
          (export "temporal:codec/{interface}@1.0.0" (instance $codec)))"#
    );
    wat::parse_str(text).expect("it is valid")
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
[namespaces.looks-at-empty-lists]
component = "looks_at_empty_lists.wasm"
"#;

const SEALERS: &str = r#"
[namespaces.records]
component = "seals.wasm"
keyring = { active = "k1", keys.k1.file = "k1", keys.k2.file = "k2" }
[namespaces.built-in]
component = "built-in"
keyring = { active = "k1", keys.k1.file = "k1", keys.k2.file = "k2" }
"#;
