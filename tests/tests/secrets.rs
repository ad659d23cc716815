//! Nothing secret is in the log, on any way a request can take.

use tests::{Payload, Request, Setup, base64, body, plain, tagged};

const KEY: &[u8; 32] = b"canary-key-canary-key-canary-key";

#[test]
fn neither_payloads_nor_keys_nor_tokens_are_in_the_log() {
    let mut server = Setup::config(CONFIG)
        .log("trace")
        .file("raw", KEY)
        .file("encoded", base64(KEY))
        .env("CODEC_HOST_TEST_KEY", &base64(KEY))
        .start();
    let secret = plain("canary-data").with("canary-name", "canary-value");
    let ask = |namespace: &str, verb: &str, json: String, status: u16| {
        let request = Request::post(&format!("/{verb}?canary-query"), json)
            .header("X-Namespace", namespace)
            .header("Authorization", "Bearer canary-token")
            .header("Authorization-Extras", "canary-token")
            .header("Cookie", "canary-cookie");
        let answer = server.ask(&request);
        assert_eq!(
            answer.status,
            status,
            "{namespace} {verb}: {}",
            answer.text()
        );
        answer
    };
    let json = body(std::slice::from_ref(&secret));
    for namespace in ["sealed", "handles"] {
        let sealed = ask(namespace, "encode", json.clone(), 200).payloads();
        let decoded = ask(namespace, "decode", body(&sealed), 200).payloads();
        assert_eq!(decoded[0].data, secret.data, "or this test proves nothing");

        let mut changed = sealed;
        changed[0].data[20] ^= 1;
        ask(namespace, "decode", body(&changed), 400);
    }
    let unknown = Payload::new("binary/encrypted", "canary-data canary-data canary-data");
    let unknown = unknown.with("encryption-key-id", "canary-id-that-nobody-has");
    ask(
        "sealed",
        "decode",
        body(std::slice::from_ref(&unknown)),
        400,
    );
    ask("lenient", "decode", body(&[unknown]), 200);
    ask("tagged", "encode", json.clone(), 200);
    ask(
        "tagged",
        "decode",
        body(&[tagged().with("canary-name", "canary-value")]),
        200,
    );
    for namespace in ["traps", "recurses"] {
        ask(namespace, "decode", json.clone(), 500);
    }
    ask("canary/namespace", "decode", json.clone(), 400);
    ask("sealed", "canary-verb", json.clone(), 404);
    ask(
        "sealed",
        "decode",
        "{\"canary-field\": canary}".to_owned(),
        400,
    );
    ask(
        "sealed",
        "decode",
        json.replace("Y2FuYXJ5", "!canary!"),
        400,
    );

    server.configure("[namespaces.sealed]\nkeyring.active = \"canary-id\"\ncanary");
    server.logs(&["the last good one goes on"]);
    server.terminate();
    assert!(server.wait().success());
    let log = server.log();
    for known in [
        "status=200",
        "status=400",
        "status=404",
        "status=500",
        "undecodable=1",
    ] {
        assert!(log.contains(known), "or this test proves nothing: {known}");
    }
    let hidden = |secret: &[u8], rest: &str| {
        let numbers = format!("{:?}", &secret[..6]);
        let hex: String = secret[..6]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        for form in [&base64(&secret[..6]), &hex, &numbers[1..numbers.len() - 1]] {
            assert!(!rest.contains(form), "{form} is in the log:\n{rest}");
        }
    };
    hidden(b"canary", &log);
    hidden(b"\"canary", &log);
    let found = log.lines().find(|line| line.contains("canary"));
    assert_eq!(found, None);
    assert!(!server.out().contains("canary"));
}

const CONFIG: &str = r#"
[namespaces.sealed.keyring]
active = "canary-id"
keys = { canary-id = { file = "raw", encoding = "raw" }, canary-2 = { file = "encoded" }, canary-3 = { env = "CODEC_HOST_TEST_KEY" } }
[namespaces.handles]
component = "keys.wasm"
[namespaces.handles.keyring]
active = "canary-id"
export-keys = true
keys = { canary-id = { file = "encoded" } }
[namespaces.lenient]
undecodable = "pass-through"
[namespaces.tagged]
component = "tag.wasm"
settings = { tag = "canary-setting" }
[namespaces.traps]
component = "traps.wasm"
[namespaces.recurses]
component = "recurses.wasm"
"#;
