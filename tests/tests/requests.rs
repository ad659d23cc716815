//! Which request is answered with which status.

use tests::{Answer, Request, Setup, TENANTS, body, only, plain, until};

#[test]
fn every_status_of_the_table_is_answered() {
    let server = Setup::config(TENANTS).start();
    let decode = |namespace: &str| Request::decode(namespace, &[plain("in")]);
    let check = |request: Request, status: u16, text: &str| {
        let answer = server.ask(&request);
        assert_eq!(answer.status, status, "{request:?}: {}", answer.text());
        assert!(
            answer.text().contains(text),
            "{request:?}: {}",
            answer.text()
        );
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        if status >= 400 {
            is_short_text(&answer);
        }
    };
    check(decode("plain"), 200, "payloads");
    check(Request::post("/plain/decode", "{"), 400, "invalid JSON");
    check(Request::post("/plain/decode", ""), 400, "invalid JSON");
    check(Request::post("/plain/decode", "{}{}"), 400, "invalid JSON");
    check(decode("a/b"), 400, "not a valid namespace");
    check(decode("says-invalid"), 400, "payload 0: ");
    check(Request::post("/", "{}"), 404, "not found");
    check(Request::post("/plain", "{}"), 404, "not found");
    check(decode("nobody"), 404, "no codec serves this namespace");
    check(
        Request::post("/decode", "{}"),
        404,
        "the request names no namespace",
    );
    check(
        Request::post("/plain/download", "{}"),
        404,
        "no external storage",
    );
    check(Request::new("GET", "/plain/decode"), 405, "use POST");
    check(
        decode("plain")
            .without("content-type")
            .header("Content-Type", "text/plain"),
        415,
        "application/json",
    );
    check(
        decode("plain").header("Content-Encoding", "gzip"),
        415,
        "uncompressed",
    );
    check(
        Request::post("/plain/decode", vec![b' '; 2001]),
        413,
        "larger than 2000 bytes",
    );
    check(decode("traps"), 500, "the codec crashed");
    check(decode("hog"), 500, "the codec ran out of memory");
    check(
        decode("fewer"),
        500,
        "the codec's answer breaks the contract",
    );
    check(decode("huge"), 500, "the codec's answer is too large");
    check(decode("says-later"), 503, "cannot be had now");
    check(decode("stillborn"), 503, "could not be loaded");
    check(decode("spins"), 504, "the codec took too long");
    // And none of it has cost the server anything.
    check(decode("plain"), 200, "payloads");
}

#[test]
fn who_may_come_again_is_told_when() {
    let server = Setup::config(&only(
        TENANTS,
        &["says-later", "stillborn", "says-invalid", "traps", "spins"],
    ))
    .start();
    let check = |namespace: &str, expected: bool| {
        let answer = server.decode(namespace, &[plain("in")]);
        let after = answer.header("retry-after").map(str::parse::<u32>);
        assert_eq!(after.is_some(), expected, "{namespace}: {answer:?}");
        assert!(after.is_none_or(|seconds| seconds.is_ok_and(|seconds| seconds > 0)));
    };
    check("says-later", true);
    check("stillborn", true);
    check("says-invalid", false);
    check("traps", false);
    check("spins", false);
    check("nobody", false);
}

#[test]
fn only_post_is_allowed_and_the_answer_says_so() {
    let server = Setup::config(&only(TENANTS, &["plain"])).start();
    let mut connection = server.connect();
    for method in ["GET", "HEAD", "PUT", "DELETE", "PATCH", "TRACE", "BREW"] {
        let mut check = |path: &str, status: u16, allow: Option<&str>| {
            let answer = connection.ask(&Request::new(method, path));
            assert_eq!(answer.status, status, "{method} {path}");
            assert_eq!(answer.header("allow"), allow, "{method} {path}");
            assert_eq!(answer.body.is_empty(), method == "HEAD", "{method} {path}");
        };
        check("/plain/decode", 405, Some("POST, OPTIONS"));
        check("/plain/encode", 405, Some("POST, OPTIONS"));
        check("/plain/download", 405, Some("POST, OPTIONS"));
        check("/", 404, None);
        check("/favicon.ico", 404, None);
    }
}

#[test]
fn a_body_is_json_by_its_type_or_says_nothing() {
    let server = Setup::config(&only(TENANTS, &["plain"])).start();
    let bare = Request::decode("plain", &[plain("in")]).without("content-type");
    let check = |types: &[&str], status: u16| {
        let request = types.iter().fold(bare.clone(), |request, value| {
            request.header("Content-Type", value)
        });
        assert_eq!(server.ask(&request).status, status, "{types:?}");
    };
    check(&[], 200);
    check(&["application/json"], 200);
    check(&["Application/JSON; charset=utf-8"], 200);
    check(&["application/json;charset=UTF-8"], 200);
    check(&["text/plain"], 415);
    check(&["text/json"], 415);
    check(&["application/json5"], 415);
    check(&["application/x-www-form-urlencoded"], 415);
    check(&["application/json, text/plain"], 415);
    check(&["application/json", "text/plain"], 415);
    check(&[""], 415);
}

#[test]
fn paths_end_in_the_verb_at_any_depth_and_are_never_redirected() {
    let server = Setup::config(&only(TENANTS, &["plain"])).start();
    let check = |path: &str, status: u16| {
        let request = Request::post(path, body(&[plain("in")])).header("X-Namespace", "plain");
        let answer = server.ask(&request);
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
        assert_eq!(answer.header("location"), None);
    };
    check("/decode", 200);
    check("//decode", 200);
    check("/decode/", 200);
    check("/decode?preserveStorageRefs=true", 200);
    check("//decode?preserveStorageRefs=true", 200);
    check("///mounted//deep/plain///encode?x=/download", 200);
    check("/decode?", 200);
    check("http://somewhere/decode", 200);
    check("/Decode", 404);
    check("/decode%2f", 404);
    check("/decode/x", 404);
    check("/xdecode", 404);
    check("/?/decode", 404);
    check("/decode;x", 404);
    check("/plain/../decode", 200);
    check("/download?preserveStorageRefs=true", 404);
}

#[test]
fn a_namespace_is_named_once_and_is_a_name() {
    let server = Setup::config("[namespaces.listed]\n[fallback]\n").start();
    let check = |path: &str, headers: &[&str], status: u16| {
        let request = headers
            .iter()
            .fold(Request::post(path, "{}"), |request, name| {
                request.header("X-Namespace", name)
            });
        let answer = server.ask(&request);
        assert_eq!(
            answer.status,
            status,
            "{path} {headers:?}: {}",
            answer.text()
        );
        // What may be hostile is not repeated.
        assert!(
            headers
                .iter()
                .all(|name| name.len() < 3 || !answer.text().contains(name))
        );
    };
    let long = "n".repeat(255);
    check("/decode", &[&long], 200);
    check("/decode", &[&format!("{long}n")], 400);
    check(&format!("/{long}/decode"), &[], 200);
    check(&format!("/{long}n/decode"), &[], 400);
    for name in [
        ".",
        "..",
        "a/b",
        "a b",
        "a%62",
        "größe",
        "{namespace}",
        "a\\b",
        "a:b",
        "a\tb",
    ] {
        check("/decode", &[name], 400);
    }
    check("/decode", &["..."], 200);
    check("/decode", &["myapp-dev.acctid123"], 200);
    check("/decode", &[""], 200);
    check("/{namespace}/decode", &[], 400);
    check("/a%20b/decode", &[], 400);
    check("/../decode", &[], 400);
    check("/listed/decode", &["listed"], 200);
    check("/listed/decode", &["other"], 400);
    check("/listed/decode", &["Listed"], 400);
    check("/mounted/decode", &["other"], 200);
    check("/decode", &["listed", "listed"], 400);
    check("/decode", &["listed", "other"], 400);
    check("/listed/decode", &["listed", "listed"], 400);
}

#[test]
fn as_many_come_back_as_were_sent_and_in_their_order() {
    let server = Setup::demo().start();
    let check = |count: usize| {
        let payloads: Vec<_> = (0..count).map(|n| plain(&n.to_string())).collect();
        let encoded = server.encode("any", &payloads).payloads();
        assert_eq!(encoded.len(), count);
        assert!(
            encoded
                .iter()
                .all(|one| one.note("encoding") == "binary/encrypted")
        );
        assert_eq!(server.decode("any", &encoded).payloads(), payloads);
    };
    check(0);
    check(1);
    check(2);
    check(500);
}

#[test]
fn a_body_may_be_as_large_as_the_limit_and_no_larger() {
    let server = Setup::config(&only(TENANTS, &["plain"])).start();
    let sized = |size: usize| {
        let mut json = body(&[plain("in")]).into_bytes();
        json.resize(size, b' ');
        Request::post("/plain/decode", json)
    };
    let check = |size: usize, status: u16| {
        let answer = server.ask(&sized(size));
        assert_eq!(answer.status, status, "{size} with a length");
        for chunk in [1, 7, 1999, 2000, 4000] {
            let mut connection = server.connect();
            connection.send(&sized(size).chunked(chunk)).expect("sent");
            let answer = connection.answer();
            assert_eq!(answer.status, status, "{size} in chunks of {chunk}");
        }
    };
    check(1999, 200);
    check(2000, 200);
    check(2001, 413);
    check(7000, 413);
}

#[test]
fn large_bodies_share_their_room() {
    let config = "limits.bodies-bytes = 1048576\nlimits.body-bytes = 1000000\n\
                  [namespaces.one]\ncomponent = \"identity.wasm\"\n";
    let server = Setup::config(config).start();
    let sized = |size: usize| {
        let mut json = body(&[plain("in")]).into_bytes();
        json.resize(size, b' ');
        Request::post("/one/decode", json)
    };
    let large = sized(700_000);
    let (whole, most) = (large.bytes(), large.bytes().len() - 1);
    let status = |request: &Request| server.ask(request).status;

    // Where it does not get the room, since somebody else has some of it yet, it starts over.
    until("one of them has most of the room", || {
        let mut first = server.connect();
        first.send(&whole[..most]).expect("sent");
        let refused = server.ask(&large);
        // Small ones are free, and so is what is left.
        let others = [250_000, 300_000].map(|size| status(&sized(size)));
        first.send(&whole[most..]).expect("sent");
        if first.answer().status != 200 || refused.status != 503 {
            return None;
        }
        assert_eq!(others, [200, 200]);
        is_short_text(&refused);
        assert_eq!(refused.header("retry-after"), Some("1"));
        Some(())
    });
    // Small ones have twice the room.
    let (small, most_of_it) = (sized(250_000).bytes(), sized(250_000).bytes().len() - 1);
    until("one of nine finds no room", || {
        let mut nine: Vec<_> = (0..9).map(|_| server.connect()).collect();
        for connection in &mut nine {
            connection.send(&small[..most_of_it]).expect("sent");
        }
        let statuses = nine.iter_mut().map(|connection| {
            connection.send(&small[most_of_it..]).expect("sent");
            connection.answer().status
        });
        let statuses: Vec<_> = statuses.collect();
        assert!(statuses.iter().filter(|status| **status == 200).count() >= 8);
        statuses.contains(&503).then_some(())
    });
    // Whoever goes away leaves its room behind.
    let mut refused = server.connect();
    until("it has the room and goes away", || {
        let mut gone = server.connect();
        gone.send(&whole[..most]).expect("sent");
        (refused.ask(&large).status == 503).then_some(())
    });
    // A refusal does not cost the connection.
    until("the room is free", || {
        (refused.ask(&large).status == 200).then_some(())
    });
}

/// What is answered to a refused request, whoever is to blame.
fn is_short_text(answer: &Answer) {
    assert_eq!(
        answer.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    let text = answer.text();
    assert!(!text.is_empty() && text.len() <= 500, "{text}");
    assert!(!text.contains(char::is_control), "{text:?}");
    assert!(!text.contains(".rs") && !text.contains("wasm"), "{text}");
}
