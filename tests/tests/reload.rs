//! What changes on disk takes effect while requests go on, and none of them fails for it.

use std::fs::{self, File};
use std::io::Write;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::SystemTime;

use tests::{
    CORE_MODULE, DOES_NOT_COMPILE, PATTERNS, PRECOMPILED, Payload, Request, Server, Setup, Version,
    base64, beside, guest, plain, until,
};

/// The file whose component is replaced.
const FILE: &str = "codecs/swapped.wasm";

#[test]
fn a_component_is_replaced_in_every_way_without_a_failed_request() {
    let server = Setup::codecs()
        .file(FILE, Version::Plain.artifact(0))
        .start();
    let request = Request::encode("swapped", &vec![plain("in"); 20]);
    let asked = AtomicU32::new(0);
    let clients = [0, 1].map(|_| {
        let mut connection = server.connect();
        let (request, asked) = (&request, &asked);
        Box::new(move || {
            let answer = connection.ask(request);
            assert_eq!(answer.status, 200, "{}", answer.text());
            assert!(Version::of(&answer).is_some(), "{}", answer.text());
            asked.fetch_add(1, Ordering::Relaxed);
        }) as Box<dyn FnMut() + Send>
    });
    beside(clients, || {
        // What one leaves behind the next one finds, and so does it itself.
        let twice = PATTERNS.iter().flat_map(|pattern| [pattern; 2]);
        for (pattern, at) in twice.zip(1..) {
            let version = Version::after(at);
            pattern.swap(&server.folder, "swapped", &version.artifact(at));
            until(&format!("swap {at}, {}, serves", pattern.name), || {
                (Version::of(&server.ask(&request)) == Some(version)).then_some(())
            });
        }
    });
    assert!(asked.into_inner() > 100, "or this test proves nothing");
    assert!(!server.log().contains("status=5"), "{}", server.log());
}

#[test]
fn a_touched_file_is_not_loaded_again() {
    let server = Setup::codecs().file(FILE, guest("identity")).start();
    let loaded = || {
        server
            .log()
            .matches("serving seat=namespace swapped")
            .count()
    };
    assert_eq!(loaded(), 1);
    let file = File::options().append(true).open(server.folder.path(FILE));
    let touched = file.and_then(|file| file.set_modified(SystemTime::now()));
    touched.expect("a file");
    server.folder.replace(FILE, guest("identity"));
    // Another file's turn comes after this one's.
    server.folder.write("codecs/witness.wasm", guest("tag"));
    server.logs(&["serving", "namespace witness"]);
    assert_eq!(loaded(), 1);
    assert_eq!(
        server.decode("swapped", &[plain("in")]).payload(),
        plain("in")
    );
}

#[test]
fn a_component_comes_and_goes() {
    let server = Setup::codecs().start();
    let becomes = |status: u16| {
        until(&format!("it answers {status}"), || {
            (server.encode("swapped", &[plain("in")]).status == status).then_some(())
        });
    };
    becomes(404);
    server.folder.write(FILE, guest("tag"));
    becomes(200);
    server.folder.remove(FILE);
    becomes(404);
    server.logs(&["removed", "namespace swapped"]);
    server.folder.replace(FILE, guest("identity"));
    becomes(200);
    assert!(!is_served_tagged(&server));
}

#[test]
fn what_is_half_written_never_serves_and_never_disturbs() {
    let server = Setup::codecs().file(FILE, guest("identity")).start();
    let artifact = guest("tag");
    let (half, rest) = artifact.split_at(artifact.len() / 2);
    server.folder.write(FILE, half);
    server.logs(&[
        "swapped",
        "does not compile",
        "the last good one goes on serving",
    ]);
    assert!(!is_served_tagged(&server));
    let file = File::options().append(true).open(server.folder.path(FILE));
    file.expect("a file").write_all(rest).expect("written");
    until("the whole of it serves", || {
        is_served_tagged(&server).then_some(())
    });
}

#[test]
fn what_is_not_a_file_is_told_and_holds_up_nobody() {
    let server = Setup::codecs().start();
    let pipe = server.folder.path("codecs/pipe.wasm");
    let made = std::process::Command::new("mkfifo").arg(pipe).status();
    assert!(made.expect("mkfifo").success());
    std::fs::create_dir(server.folder.path("codecs/folder.wasm")).expect("a folder");
    server.logs(&["namespace pipe", "is not a file"]);
    server.logs(&["namespace folder", "is not a file"]);
    assert_eq!(server.decode("pipe", &[plain("in")]).status, 503);
    server.folder.write(FILE, guest("tag"));
    until("another one serves", || {
        let answer = server.decode("swapped", &[plain("in")]);
        (answer.status == 200).then_some(())
    });
}

#[test]
fn a_bad_artifact_leaves_the_last_good_one_serving_and_is_told_with_the_reason() {
    let bad: [(Vec<u8>, &[&str]); 9] = [
        (
            guest("missing_export"),
            &["missing export", "temporal:codec/payload-codec@1.0.0"],
        ),
        (
            guest("other_version"),
            &["wrong WIT version", "@2.0.0", "1.0.0"],
        ),
        (
            guest("forbidden_import"),
            &["imports acme:internal/secrets", "may not have"],
        ),
        (guest("stillborn"), &["cannot be called", "empty list"]),
        (DOES_NOT_COMPILE.to_vec(), &["does not compile"]),
        (CORE_MODULE.to_vec(), &["core module", "wasm32-wasip2"]),
        (
            PRECOMPILED.to_vec(),
            &["precompiled native code (.cwasm)", "never accepted"],
        ),
        (Vec::new(), &["it is empty"]),
        (b"#!/bin/sh".to_vec(), &["is not a WebAssembly component"]),
    ];
    let file = |at: usize| format!("codecs/bad-{at}.wasm");
    let setup = (0..bad.len()).fold(Setup::codecs(), |setup, at| {
        setup.file(&file(at), guest("identity"))
    });
    let server = setup.file(FILE, guest("identity")).start();
    for (at, (artifact, _)) in bad.iter().enumerate() {
        server.folder.replace(&file(at), artifact);
    }
    server.folder.remove(FILE);
    fs::create_dir(server.folder.path(FILE)).expect("a folder");

    let check = |namespace: &str, reasons: &[&str]| {
        let seat = format!("namespace {namespace}");
        let told = ["ERROR", &seat, "the last good one goes on serving"];
        server.logs(&[&told[..], reasons].concat());
        let answer = server.decode(namespace, &[plain("in")]);
        assert_eq!(answer.payload(), plain("in"), "{namespace} {reasons:?}");
    };
    for (at, (_, reasons)) in bad.iter().enumerate() {
        check(&format!("bad-{at}"), reasons);
    }
    check("swapped", &["is not a file"]);

    fs::remove_dir(server.folder.path(FILE)).expect("removed");
    server.folder.replace(FILE, guest("tag"));
    until("a good one serves", || {
        is_served_tagged(&server).then_some(())
    });
}

#[test]
fn what_is_bad_at_the_start_costs_its_own_namespace_and_is_mended_without_a_restart() {
    let server = Setup::config(
        "codecs = \"codecs\"\n\
         [namespaces.configured]\ncomponent = \"missing_export.wasm\"\n\
         [namespaces.absent]\ncomponent = \"nowhere.wasm\"\n\
         [namespaces.keyless]\nkeyring.keys.k.file = \"nowhere\"\n\
         [namespaces.good]\ncomponent = \"identity.wasm\"\n",
    )
    .file(FILE, CORE_MODULE)
    .start();
    for (namespace, reason) in [
        ("swapped", "core module"),
        ("configured", "missing export"),
        ("absent", "cannot be read"),
        ("keyless", "a key cannot be read"),
    ] {
        let answer = server.decode(namespace, &[plain("in")]);
        assert_eq!(answer.status, 503, "{namespace}");
        assert!(answer.header("retry-after").is_some());
        let seat = format!("namespace {namespace}");
        server.logs(&["ERROR", &seat, reason, "answered with 503"]);
    }
    assert_eq!(server.decode("good", &[plain("in")]).status, 200);

    server.folder.replace(FILE, guest("tag"));
    server.folder.write("nowhere.wasm", guest("identity"));
    server
        .folder
        .replace("missing_export.wasm", guest("identity"));
    server.folder.write("nowhere", base64([1; 32]));
    for namespace in ["swapped", "configured", "absent", "keyless"] {
        until(&format!("{namespace} serves"), || {
            (server.decode(namespace, &[plain("in")]).status == 200).then_some(())
        });
    }
}

#[test]
fn the_configuration_takes_effect_and_a_bad_one_does_not() {
    let namespace = "[namespaces.one]\ncomponent = \"tag.wasm\"\n";
    let server = Setup::config(namespace).start();
    let encode = |namespace: &str| server.encode(namespace, &[plain("in")]);
    let from = |origin: &str| {
        let request = Request::decode("one", &[]).header("Origin", origin);
        server.ask(&request).status
    };
    assert_eq!(encode("one").payload().note("x-tag"), "");
    assert_eq!(encode("two").status, 404);
    assert_eq!(from("https://ui.example"), 403);

    server.configure(&format!(
        "cors.origins = [\"https://ui.example\"]\nlimits.body-bytes = 100\n\
         {namespace}settings = {{ tag = \"new\" }}\n[namespaces.two]\ncomponent = \"tag.wasm\"\n"
    ));
    until("the setting is new", || {
        (encode("one").payload().note("x-tag") == "new").then_some(())
    });
    assert_eq!(encode("two").status, 200);
    assert_eq!(from("https://ui.example"), 200);
    assert_eq!(from("http://localhost:8233"), 403);
    assert_eq!(
        server.encode("one", &[plain(&"in".repeat(100))]).status,
        413
    );

    server.configure(&format!(
        "{namespace}colour = 1\n[limits]\nbody-bytes = -1\n"
    ));
    server.logs(&["codec-host.toml:3: ", "colour", "accepted here"]);
    server.logs(&["codec-host.toml:5: ", "limits.body-bytes"]);
    server.logs(&["the last good one goes on"]);
    assert_eq!(encode("one").payload().note("x-tag"), "new");

    server.folder.remove("codec-host.toml");
    server.configure("[namespaces.two]\ncomponent = \"tag.wasm\"\nsettings = { tag = \"last\" }\n");
    until("the last one is in force", || {
        (encode("two").payload().note("x-tag") == "last").then_some(())
    });
    assert_eq!(encode("one").status, 404);
}

#[test]
fn a_setting_that_the_codec_refuses_leaves_the_last_good_one_serving() {
    let config = |compression: &str| {
        format!(
            "[namespaces.one.settings]\ncompression = \"{compression}\"\nencryption = \"off\"\n"
        )
    };
    let server = Setup::config(&config("zlib")).start();
    let payload = plain(&"x".repeat(1000));
    let encoding = || {
        let encoded = server.encode("one", std::slice::from_ref(&payload));
        encoded.payload().note("encoding")
    };
    assert_eq!(encoding(), "binary/zlib");
    server.configure(&config("lzma"));
    server.logs(&[
        "ERROR",
        "namespace one",
        "asked what it decodes it fails",
        "the last good one goes on serving",
    ]);
    assert_eq!(encoding(), "binary/zlib");
    server.configure(&config("snappy"));
    until("the next one takes effect", || {
        (encoding() == "binary/snappy").then_some(())
    });
    assert_eq!(server.log().matches("asked what it decodes").count(), 1);
}

#[test]
fn what_takes_a_restart_is_told() {
    let config = |rest: &str| format!("{rest}\n[namespaces.one]\ncomponent = \"tag.wasm\"\n");
    let server = Setup::config(&config("limits.drain-ms = 1000")).start();
    server.configure(&config(
        "limits = { drain-ms = 2000, connections = 9, body-bytes = 5000 }",
    ));
    server.logs(&[
        "WARN",
        "next start only: limits.connections, limits.drain-ms",
    ]);
    // The others took effect.
    let long = plain(&"x".repeat(5000));
    until("it takes effect", || {
        (server.decode("one", std::slice::from_ref(&long)).status == 413).then_some(())
    });
    server.folder.remove("codec-host.toml");
    server.logs(&["WARN", "codec-host.toml", "what it said goes on"]);
    assert_eq!(server.decode("one", &[plain("in")]).status, 200);
}

#[test]
fn keys_change_with_their_files() {
    let server =
        Setup::config("[namespaces.sealed.keyring]\nactive = \"k\"\nkeys.k.file = \"key\"\n")
            .file("key", base64([1; 32]))
            .start();
    let sealed = server.encode("sealed", &[plain("in")]).payload();
    let becomes = |status: u16| {
        until(&format!("it is answered with {status}"), || {
            let answer = server.decode("sealed", std::slice::from_ref(&sealed));
            (answer.status == status).then_some(())
        });
    };
    becomes(200);
    server.folder.replace("key", base64([2; 32]));
    becomes(400);
    server.folder.write("key", base64([1; 32]));
    becomes(200);
    server.folder.write("key", base64([1; 31]));
    server.logs(&[
        "16, 24 or 32 bytes, and this has 31",
        "the last good one goes on serving",
    ]);
    assert_eq!(
        server
            .decode("sealed", std::slice::from_ref(&sealed))
            .status,
        200
    );
    server.folder.remove("key");
    server.logs(&["a key cannot be read", "the last good one goes on serving"]);
    assert_eq!(
        server
            .decode("sealed", std::slice::from_ref(&sealed))
            .status,
        200
    );
}

#[test]
fn what_is_in_flight_finishes_on_what_it_began_with() {
    let server = Setup::config(
        "[namespaces.swapped]\ncomponent = \"swapped.wasm\"\n\
         limits = { deadline-ms = 30000, concurrency = 1, queue = 0 }\n",
    )
    .file("swapped.wasm", guest("sleeps"))
    .start();
    let naps = |millis: &str| [Payload::new("binary/plain", millis)];
    let nap = |millis: &str| server.encode("swapped", &naps(millis));
    thread::scope(|scope| {
        let sleeping = scope.spawn(|| {
            // The others' requests may take the slot first.
            until("the only slot is free", || {
                let answer = nap("1200");
                (answer.status != 503).then_some(answer)
            })
        });
        until("the only slot is taken", || {
            (nap("0").status == 503).then_some(())
        });
        server.folder.replace("swapped.wasm", guest("tag"));
        until("the new one serves", || {
            let answer = nap("0");
            (answer.status == 200 && is_tagged(&answer.payload())).then_some(())
        });
        let answer = sleeping.join().expect("an answer");
        assert_eq!(answer.payloads(), naps("1200"));
    });
}

fn is_served_tagged(server: &Server) -> bool {
    is_tagged(&server.encode("swapped", &[plain("in")]).payload())
}

fn is_tagged(payload: &Payload) -> bool {
    payload.note("encoding") == "binary/x-tag"
}
