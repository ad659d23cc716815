//! The commands that end by themselves: what they print, and with which code they end.

use std::path::Path;

use tests::{
    CORE_MODULE, DOES_NOT_COMPILE, Done, Folder, Payload, base64, body, guest, plain, read, run,
    run_with,
};

#[test]
fn check_says_what_a_component_is_and_whether_it_fits() {
    let folder = Folder::new();
    let check = |name: &str, artifact: Vec<u8>, code: i32, expected: &[&str]| {
        let file = folder.write(name, artifact);
        let Done {
            code: ended,
            out,
            err,
        } = run([Path::new("check"), &file]);
        assert_eq!(ended, Some(code), "{name}: {out}{err}");
        for text in expected {
            assert!(
                out.contains(text) || err.contains(text),
                "{name}: {text} in {out}{err}"
            );
        }
        assert!(!err.contains("panicked") && !out.contains("panicked"));
        assert_eq!(err.is_empty(), code == 0, "{name}: {err}");
    };
    let fits = [
        "fits the contract",
        "ok    a JSON payload",
        "digest",
        "sha256:",
        "temporal:codec@1.0.0",
    ];
    check("identity.wasm", guest("identity"), 0, &fits);
    check("keys.wasm", guest("keys"), 0, &fits);
    check("prints.wasm", guest("prints"), 0, &fits);
    check(
        "tag.wasm",
        guest("tag"),
        1,
        &["breaks the contract", "FAIL  a JSON payload"],
    );
    check(
        "fewer.wasm",
        guest("fewer"),
        1,
        &["it answered 0 payloads for 1"],
    );
    check("traps.wasm", guest("traps"), 1, &["it trapped"]);
    check(
        "unavailable.wasm",
        guest("unavailable"),
        1,
        &["unavailable: the keys cannot be had now"],
    );
    check(
        "missing_export.wasm",
        guest("missing_export"),
        1,
        &["missing export", "temporal:codec/payload-codec@1.0.0"],
    );
    check(
        "other_version.wasm",
        guest("other_version"),
        1,
        &["wrong WIT version", "2.0.0", "1.0.0"],
    );
    check(
        "forbidden_import.wasm",
        guest("forbidden_import"),
        1,
        &["imports acme:internal/secrets", "wasi:config/store"],
    );
    check(
        "stillborn.wasm",
        guest("stillborn"),
        1,
        &["cannot be called", "empty list"],
    );
    check(
        "core.wasm",
        CORE_MODULE.to_vec(),
        1,
        &["core module", "wasm32-wasip2"],
    );
    check(
        "broken.wasm",
        DOES_NOT_COMPILE.to_vec(),
        1,
        &["does not compile"],
    );
    check(
        "text.wasm",
        b"(component)".to_vec(),
        1,
        &["is not a WebAssembly component"],
    );
    check("empty.wasm", Vec::new(), 1, &["empty"]);
    let gone = run(["check", "nowhere.wasm"]);
    assert_eq!(gone.code, Some(1));
    assert!(
        gone.err.contains("cannot read nowhere.wasm"),
        "{}",
        gone.err
    );
}

#[test]
fn check_says_whether_a_configuration_can_be_served() {
    let folder = Folder::new();
    folder.write("good.wasm", guest("identity"));
    folder.write("bad.wasm", guest("missing_export"));
    folder.write("key", base64([7; 32]));
    folder.write("short-key", base64([7; 5]));
    let check = |config: &str, code: i32, expected: &[&str]| {
        let config = folder.write("c.toml", config);
        let done = run([Path::new("check"), Path::new("--config"), &config]);
        assert_eq!(done.code, Some(code), "{}{}", done.out, done.err);
        for text in expected {
            assert!(
                done.out.contains(text) || done.err.contains(text),
                "{text}: {}{}",
                done.out,
                done.err
            );
        }
    };
    let keyring =
        |file: &str| format!("[namespaces.b]\nkeyring.keys.secret-id.file = \"{file}\"\n");
    let good = "[namespaces.a]\ncomponent = \"good.wasm\"\n";
    check(good, 0, &["a: sha256:", "can be served"]);
    check(
        &format!("{good}{}[fallback]\n", keyring("key")),
        0,
        &["b: sha256:", "(fallback): sha256:"],
    );
    check(
        "[namespaces.e]\nsettings = { compression = \"lzma\" }\n",
        1,
        &["namespace e: ", "none, zlib, snappy, gzip"],
    );
    check(
        &format!(
            "{good}[namespaces.c]\ncomponent = \"bad.wasm\"\n[namespaces.d]\ncomponent = \"gone.wasm\"\n{}",
            keyring("short-key")
        ),
        1,
        &[
            "namespace c: ",
            "missing export",
            "namespace d: ",
            "gone.wasm cannot be read",
            "namespace b: ",
            "16, 24 or 32 bytes",
        ],
    );
    check(
        "[namespaces.b]\nkeyring.keys.k.env = \"CODEC_HOST_TEST_NOT_SET\"\n",
        1,
        &["CODEC_HOST_TEST_NOT_SET is not set"],
    );
}

#[test]
fn payloads_are_coded_without_a_server() {
    let folder = Folder::new();
    let file = |name: &str, content: &[u8]| {
        folder
            .write(name, content)
            .to_str()
            .expect("UTF-8")
            .to_owned()
    };
    let tag = file("tag.wasm", &guest("tag"));
    let key = file("key", base64([7; 32]).as_bytes());
    let config = file(
        "c.toml",
        b"[namespaces.sealed.keyring]\nactive = \"k\"\nkeys.k.file = \"key\"\n\
        [namespaces.lenient]\nundecodable = \"pass-through\"\n\
        [namespaces.other]\ncomponent = \"is-not-there.wasm\"\n\
        [namespaces.other.keyring.keys]\nk = { env = \"IS_NOT_SET\" }\n",
    );
    let payloads = [plain("one"), plain("two")];
    let code = |arguments: &[&str], payloads: &[Payload]| {
        let done = run_with(arguments, &body(payloads));
        assert_eq!(
            (done.code, done.err.as_str()),
            (Some(0), ""),
            "{arguments:?}"
        );
        assert!(done.out.ends_with('\n'));
        read(&serde_json::from_str(&done.out).expect("JSON"))
    };
    let round_trip = |options: &[&str]| {
        let encoded = code(
            &[&["encode", "--log", "error"], options].concat(),
            &payloads,
        );
        assert_ne!(encoded, payloads);
        let decoded = code(&[&["decode", "--log", "error"], options].concat(), &encoded);
        assert_eq!(decoded[1].data, payloads[1].data);
        encoded
    };
    assert_eq!(round_trip(&[])[0].note("encryption-key-id"), "test-key-id");
    let keyed = format!("my-id={key}");
    assert_eq!(
        round_trip(&["--key", &keyed])[0].note("encryption-key-id"),
        "my-id"
    );
    assert_eq!(
        round_trip(&["--config", &config, "--namespace", "sealed"])[0].note("encryption-key-id"),
        "k"
    );
    let tagged = round_trip(&[
        "--codec",
        &tag,
        "--setting",
        "tag=mine=all",
        "--namespace",
        "some",
    ]);
    assert_eq!(
        (tagged[0].note("x-tag"), tagged[0].note("x-namespace")),
        ("mine=all".to_owned(), "some".to_owned())
    );
    let bad = Payload::new("binary/zlib", "bad");
    let lenient = [
        "decode",
        "--log",
        "error",
        "--config",
        &config,
        "--namespace",
        "lenient",
    ];
    assert_eq!(
        code(&lenient, &[plain("in"), bad.clone()]),
        [plain("in"), bad.clone()]
    );

    let refused = |arguments: &[&str], input: &str, expected: &str| {
        let done = run_with(arguments, input);
        assert_eq!(
            (done.code, done.out.as_str()),
            (Some(1), ""),
            "{arguments:?}"
        );
        assert!(done.err.contains(expected), "{arguments:?}: {}", done.err);
    };
    refused(&["decode"], "not JSON", "invalid JSON: line 1 column ");
    refused(&["decode"], &body(&[bad]), "payload 0: ");
    refused(&["decode", "--namespace", "a/b"], "{}", "a namespace is");
    refused(
        &["decode", "--codec", "nowhere.wasm"],
        "{}",
        "cannot read nowhere.wasm",
    );
    refused(
        &["decode", "--config", &config, "--namespace", "nobody"],
        "{}",
        "no codec serves",
    );
    refused(&["encode", "--key", "id=nowhere"], "{}", "nowhere");
}

#[test]
fn inspect_shows_what_a_component_is() {
    let folder = Folder::new();
    let artifact = guest("tag");
    let file = folder.write("tag.wasm", &artifact);
    let done = run([Path::new("inspect"), &file]);
    assert_eq!((done.code, done.err.as_str()), (Some(0), ""));
    for text in [
        "sha256:",
        &format!("{} bytes", artifact.len()),
        "temporal:codec@1.0.0",
        "exports         temporal:codec/payload-codec@1.0.0",
        "imports         temporal:codec/wire@1.0.0",
        "imports         wasi:config/store@0.2.0-rc.1",
    ] {
        assert!(done.out.contains(text), "{text} in {}", done.out);
    }
    let file = folder.write("core.wasm", CORE_MODULE);
    let done = run([Path::new("inspect"), &file]);
    assert_eq!((done.code, done.out.as_str()), (Some(1), ""));
    assert!(done.err.contains("core module"), "{}", done.err);
}

#[test]
fn help_documents_every_option() {
    let check = |command: &[&str], options: &[&str]| {
        let done = run([command, &["--help"]].concat());
        assert_eq!((done.code, done.err.as_str()), (Some(0), ""), "{command:?}");
        for option in options {
            let at = done
                .out
                .find(option)
                .unwrap_or_else(|| panic!("{option} in {}", done.out));
            let rest = done.out[at + option.len()..].trim_start_matches(|c| c != '\n' && c != ' ');
            let said = rest.trim_start().split("\n\n").next().unwrap_or_default();
            assert!(
                said.split_whitespace().count() > 1,
                "{option} says nothing: {said:?}"
            );
        }
    };
    let all = ["--log <LEVEL>", "--log-format <FORMAT>"];
    check(&[], &["serve", "check", "encode", "decode", "inspect"]);
    check(
        &["serve"],
        &[
            &all[..],
            &[
                "--config <FILE>",
                "--codecs <DIR>",
                "--demo",
                "--listen <ADDR>",
                "--insecure-open",
                "Examples:",
            ],
        ]
        .concat(),
    );
    let tenancy = ["--setting <NAME=VALUE>", "--key <ID=FILE>"];
    check(
        &["check"],
        &[&all[..], &tenancy, &["[FILE.wasm]", "--config <FILE>"]].concat(),
    );
    for verb in ["encode", "decode"] {
        check(
            &[verb],
            &[
                &all[..],
                &tenancy,
                &[
                    "--codec <FILE.wasm>",
                    "--config <FILE>",
                    "--namespace <NAME>",
                ],
            ]
            .concat(),
        );
    }
    check(&["inspect"], &[&all[..], &["<FILE.wasm>"]].concat());
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let check = |arguments: &[&str], code: i32, expected: &str| {
        let done = run(arguments);
        assert_eq!(
            (done.code, done.out.as_str()),
            (Some(code), ""),
            "{arguments:?}"
        );
        assert!(done.err.contains(expected), "{arguments:?}: {}", done.err);
    };
    check(&[], 2, "Usage");
    check(&["sing"], 2, "unrecognized subcommand");
    check(&["serve"], 1, "nothing to serve");
    check(
        &["serve", "--demo", "--codecs", "."],
        2,
        "cannot be used with",
    );
    check(&["serve", "--codecs", "nowhere"], 1, "not a directory");
    check(&["serve", "--demo", "--listen", "8081"], 2, "invalid");
    check(&["check"], 2, "required");
    check(
        &["decode", "--codec", "a.wasm", "--config", "c.toml"],
        2,
        "cannot be used with",
    );
    check(&["decode", "--setting", "novalue"], 2, "NAME=VALUE");
    check(&["serve", "--demo", "--log", "loud"], 2, "possible values");
}
