//! Which codec serves which namespace, and that they share nothing.

use tests::{Payload, Request, Setup, base64, body, guest, plain};

#[test]
fn the_name_is_taken_from_path_and_header_in_the_protocols_order() {
    let server = Setup::config(
        "[namespaces.\"payments.acct\"]\ncomponent = \"tag.wasm\"\nsettings = { tag = \"payments\" }\n\
         [namespaces.orders]\ncomponent = \"tag.wasm\"\nsettings = { tag = \"orders\" }\n\
         [fallback]\ncomponent = \"tag.wasm\"\nsettings = { tag = \"fallback\" }\n",
    )
    .start();
    let check = |path: &str, header: Option<&str>, tag: &str, name: &str| {
        let mut request = Request::post(path, body(&[plain("in")]));
        if let Some(header) = header {
            request = request.header("X-Namespace", header);
        }
        let answered = server.ask(&request).payload();
        assert_eq!(answered.note("x-tag"), tag, "{path} {header:?}");
        assert_eq!(answered.note("x-namespace"), name, "{path} {header:?}");
    };
    check("/payments.acct/encode", None, "payments", "payments.acct");
    check(
        "/payments.acct/encode",
        Some("payments.acct"),
        "payments",
        "payments.acct",
    );
    check("/encode", Some("orders"), "orders", "orders");
    check("/codec/encode", Some("orders"), "orders", "orders");
    check(
        "/orders/codec/encode",
        Some("payments.acct"),
        "payments",
        "payments.acct",
    );
    check("/payments.acct/orders/encode", None, "orders", "orders");
    check("/nobody/encode", None, "fallback", "nobody");
    check("/encode", Some("nobody"), "fallback", "nobody");
    check("/encode", Some("ORDERS"), "fallback", "ORDERS");
    check("/encode", None, "fallback", "");
    check("/encode", Some(""), "fallback", "");
}

#[test]
fn the_directory_alone_serves_its_namespaces() {
    let setup = Setup::codecs()
        .file("codecs/payments-prod.wasm", guest("tag"))
        .file("codecs/orders.acct1.wasm", guest("identity"))
        .file("codecs/not a name.wasm", guest("tag"))
        .file("codecs/.wasm", guest("tag"))
        .file("codecs/.orders.wasm", guest("tag"))
        .file("codecs/.hidden.txt", "no codec")
        .file("codecs/nested/inner.wasm", guest("tag"));
    let server = setup.start();
    let check = |namespace: &str, status: u16| {
        assert_eq!(
            server.encode(namespace, &[plain("in")]).status,
            status,
            "{namespace}"
        );
    };
    check("payments-prod", 200);
    check("orders.acct1", 200);
    check("nobody", 404);
    check("inner", 404);
    check("nested", 404);
    check("codec-host", 404);
    check(".orders", 404);
    check("..", 400);
    check("../codecs/payments-prod", 400);
    check("nested/inner", 400);
    assert_eq!(
        server
            .encode("payments-prod", &[plain("in")])
            .payload()
            .note("x-namespace"),
        "payments-prod"
    );
    let nobody = Request::post("/decode", "{}");
    assert_eq!(server.ask(&nobody).status, 404, "there is no fallback");
    server.logs(&["WARN", "\"not a name.wasm\"", "serves nobody"]);
    for hidden in ["\".wasm", ".orders.wasm", ".hidden"] {
        assert!(!server.log().contains(hidden), "{hidden}");
    }
}

#[test]
fn a_table_goes_with_the_directorys_component() {
    let server = Setup::config(
        "codecs = \"codecs\"\n\
         [namespaces.both]\nsettings = { tag = \"configured\" }\n\
         [namespaces.own]\ncomponent = \"identity.wasm\"\n\
         [namespaces.table]\nsettings = { encryption = \"off\", compression = \"gzip\" }\n",
    )
    .file("codecs/both.wasm", guest("tag"))
    .file("codecs/own.wasm", guest("tag"))
    .file("codecs/file.wasm", guest("tag"))
    .start();
    let encode = |namespace: &str, text: &str| server.encode(namespace, &[plain(text)]).payload();
    assert_eq!(encode("both", "in").note("x-tag"), "configured");
    assert_eq!(encode("file", "in").note("encoding"), "binary/x-tag");
    assert_eq!(encode("own", "in"), plain("in"));
    assert_eq!(
        encode("table", &"in".repeat(500)).note("encoding"),
        "binary/gzip"
    );
}

#[test]
fn two_namespaces_with_one_file_share_neither_settings_nor_keys() {
    let keyring =
        |name: &str| format!("keyring = {{ active = \"k\", keys.k.file = \"{name}\" }}\n");
    let mut config = String::new();
    for name in ["one", "two"] {
        config.push_str(&format!("[namespaces.{name}]\n{}", keyring(name)));
        config.push_str(&format!(
            "[namespaces.{name}-keys]\ncomponent = \"keys.wasm\"\n{}",
            keyring(name)
        ));
        config.push_str(&format!("[namespaces.{name}-tag]\ncomponent = \"tag.wasm\"\nsettings = {{ tag = \"of {name}\" }}\n"));
    }
    let server = Setup::config(&config)
        .file("one", base64([1; 32]))
        .file("two", base64([2; 32]))
        .start();
    for suffix in ["", "-keys"] {
        let [one, two] = ["one", "two"].map(|name| format!("{name}{suffix}"));
        let encoded = server.encode(&one, &[plain("in")]).payload();
        assert_eq!(
            server
                .decode(&one, std::slice::from_ref(&encoded))
                .payload(),
            plain("in")
        );
        let refused = server.decode(&two, &[encoded]);
        assert_eq!(refused.status, 400, "{}", refused.text());
    }
    for name in ["one", "two"] {
        let namespace = format!("{name}-tag");
        let encoded = server.encode(&namespace, &[plain("in")]).payload();
        assert_eq!(encoded.note("x-tag"), format!("of {name}"));
        assert_eq!(encoded.note("x-namespace"), namespace);
    }
    let log = server.log();
    let digest = |seat: &str| {
        let line = log
            .lines()
            .find(|line| line.contains("serving") && line.contains(seat));
        let digest = line
            .and_then(|line| line.split("codec=").nth(1))
            .expect("served");
        digest.split(' ').next().map(str::to_owned)
    };
    assert_eq!(digest("namespace one-tag "), digest("namespace two-tag "));
}

#[test]
fn what_is_undecodable_comes_back_and_its_neighbours_are_decoded() {
    let server = Setup::config(
        "[namespaces.lenient]\ncomponent = \"invalid_one.wasm\"\nundecodable = \"pass-through\"\n\
         [namespaces.strict]\ncomponent = \"invalid_one.wasm\"\n\
         [namespaces.spins]\ncomponent = \"spins.wasm\"\nundecodable = \"pass-through\"\n\
         limits = { deadline-ms = 50 }\n",
    )
    .start();
    let payloads = |words: &[&str]| -> Vec<Payload> {
        let words = words.iter();
        words
            .map(|word| Payload::new("binary/plain", *word))
            .collect()
    };
    let check = |words: &[&str], expected: &[&str]| {
        let answer = server.decode("lenient", &payloads(words));
        assert_eq!(answer.payloads(), payloads(expected), "{words:?}");
    };
    check(&["a", "b"], &["a!", "b!"]);
    check(&["bad"], &["bad"]);
    check(&["bad", "b"], &["bad", "b!"]);
    check(&["a", "bad"], &["a!", "bad"]);
    check(
        &["a", "bad", "c", "bad", "e"],
        &["a!", "bad", "c!", "bad", "e!"],
    );
    check(&["bad", "bad", "bad"], &["bad", "bad", "bad"]);
    check(&[], &[]);
    server.logs(&["status=200", "undecodable=3", "undecodable_total=8"]);

    let refused = |namespace: &str, words: &[&str], status: u16| {
        let answer = server.decode(namespace, &payloads(words));
        assert_eq!(
            answer.status,
            status,
            "{namespace} {words:?}: {}",
            answer.text()
        );
    };
    refused("strict", &["a", "bad"], 400);
    refused("lenient", &["a", "trap"], 500);
    refused("lenient", &["bad", "trap"], 500);
    refused("lenient", &["a", "later"], 503);
    refused("lenient", &["bad", "later"], 503);
    refused("spins", &["a"], 504);
    let encoded = server.encode("lenient", &payloads(&["a", "bad"]));
    assert_eq!(encoded.status, 400, "it is for decode only");
}

#[test]
fn many_undecodable_payloads_are_within_one_deadline() {
    let server = Setup::config("[namespaces.lenient]\nundecodable = \"pass-through\"\n").start();
    let bad = Payload::new("binary/zlib", "not zlib");
    let payloads: Vec<_> = (0..300)
        .map(|n| match n % 3 {
            0 => plain(&n.to_string()),
            _ => bad.clone(),
        })
        .collect();
    assert_eq!(server.decode("lenient", &payloads).payloads(), payloads);
    server.logs(&["undecodable=200"]);
}
