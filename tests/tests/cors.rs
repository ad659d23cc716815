//! Which web pages may call, and what their browsers are told.

use tests::{Answer, Request, Setup, TENANTS, body, plain};

/// The Web UIs that are allowed where nothing is configured.
const WEB_UIS: [&str; 4] = [
    "https://cloud.temporal.io",
    "http://localhost:8233",
    "http://127.0.0.1:8233",
    "http://localhost:8080",
];

#[test]
fn a_preflight_is_answered_to_the_letter() {
    let server = Setup::demo().start();
    for path in [
        "/decode",
        "/encode",
        "//decode?preserveStorageRefs=true",
        "/default/decode",
    ] {
        for origin in WEB_UIS {
            let answer = server.ask(&preflight(path).header("Origin", origin));
            assert_eq!(answer.status, 204, "{path} {origin}");
            check(&answer, "access-control-allow-origin", Some(origin));
            check(&answer, "vary", Some("Origin"));
            check(
                &answer,
                "access-control-allow-methods",
                Some("POST, GET, OPTIONS"),
            );
            check(
                &answer,
                "access-control-allow-headers",
                Some("Content-Type, X-Namespace, Authorization, Authorization-Extras"),
            );
            check(&answer, "access-control-max-age", Some("7200"));
            check(&answer, "access-control-allow-credentials", None);
            check(&answer, "access-control-allow-private-network", None);
            check(&answer, "location", None);
        }
    }
}

#[test]
fn a_page_of_an_allowed_origin_may_read_what_it_asked_for() {
    let server = Setup::demo().start();
    for origin in WEB_UIS {
        let answer = server.ask(&decode("any").header("Origin", origin));
        assert_eq!(answer.payload(), plain("in"));
        check(&answer, "access-control-allow-origin", Some(origin));
        check(&answer, "vary", Some("Origin"));
    }
}

#[test]
fn who_is_no_page_is_served_and_told_nothing_of_origins() {
    let server = Setup::demo().start();
    let answer = server.ask(&decode("any"));
    assert_eq!(answer.payload(), plain("in"));
    check(&answer, "access-control-allow-origin", None);
    // A cache between must not give this to a page.
    check(&answer, "vary", Some("Origin"));
}

#[test]
fn a_page_of_another_origin_is_refused_and_allowed_nothing() {
    let server = Setup::demo().start();
    let origins = [
        "https://evil.example",
        "https://cloud.temporal.io.evil.example",
        "https://cloud.temporal.io:443",
        "http://cloud.temporal.io",
        "https://CLOUD.temporal.io",
        "http://localhost",
        "http://localhost:8234",
        "http://localhost:8233/",
        "http://localhost:8233 http://localhost:8080",
        "null",
        "*",
        "",
    ];
    let is_refused = |request: &Request, origin: &str| {
        let answer = server.ask(&request.clone().header("Origin", origin));
        assert_eq!(answer.status, 403, "{origin}");
        for (name, _) in &answer.headers {
            assert!(
                !name.to_lowercase().starts_with("access-control-"),
                "{origin}: {name}"
            );
        }
        check(&answer, "vary", Some("Origin"));
        assert!(!answer.text().contains("payloads"));
    };
    for origin in origins {
        is_refused(&decode("any"), origin);
        is_refused(&preflight("/decode"), origin);
        is_refused(&Request::new("GET", "/elsewhere"), origin);
    }
    let twice = decode("any").header("Origin", WEB_UIS[0]);
    is_refused(&twice, WEB_UIS[0]);
}

#[test]
fn credentials_are_allowed_only_where_they_are_configured() {
    let server = Setup::config(
        "[cors]\norigins = [\"https://ui.example\"]\ncredentials = true\n[fallback]\n",
    )
    .start();
    for request in [preflight("/decode"), decode("any")] {
        let answer = server.ask(&request.clone().header("Origin", "https://ui.example"));
        check(&answer, "access-control-allow-credentials", Some("true"));
        check(
            &answer,
            "access-control-allow-origin",
            Some("https://ui.example"),
        );

        // What is configured replaces the default.
        let answer = server.ask(&request.clone().header("Origin", WEB_UIS[0]));
        assert_eq!(answer.status, 403);
        check(&answer, "access-control-allow-credentials", None);
        check(
            &server.ask(&request),
            "access-control-allow-credentials",
            None,
        );
    }
}

#[test]
fn a_private_network_is_allowed_to_who_asks_for_it() {
    let server = Setup::demo().start();
    let asking = |value: &str| {
        let request = preflight("/decode").header("Origin", WEB_UIS[0]);
        server.ask(&request.header("Access-Control-Request-Private-Network", value))
    };
    check(
        &asking("true"),
        "access-control-allow-private-network",
        Some("true"),
    );
    check(
        &asking("false"),
        "access-control-allow-private-network",
        None,
    );
}

#[test]
fn every_error_can_be_read_by_the_page_that_made_it() {
    let server = Setup::config(TENANTS).start();
    let mut connection = server.connect();
    let mut check_error = |request: Request, status: u16| {
        let answer = connection.ask(&request.header("Origin", WEB_UIS[1]));
        assert_eq!(answer.status, status);
        check(&answer, "access-control-allow-origin", Some(WEB_UIS[1]));
        check(&answer, "vary", Some("Origin"));
    };
    check_error(Request::post("/plain/decode", "{"), 400);
    check_error(decode("a/b"), 400);
    check_error(decode("says-invalid"), 400);
    check_error(Request::post("/elsewhere", "{}"), 404);
    check_error(decode("nobody"), 404);
    check_error(Request::post("/plain/download", "{}"), 404);
    check_error(Request::new("GET", "/plain/decode"), 405);
    check_error(decode("plain").header("Content-Type", "text/plain"), 415);
    check_error(decode("traps"), 500);
    check_error(decode("fewer"), 500);
    check_error(decode("says-later"), 503);
    check_error(decode("stillborn"), 503);
    check_error(decode("spins"), 504);
    check_error(Request::post("/plain/decode", " ".repeat(2001)), 413);
}

/// What a browser sends before the Web UI's request.
fn preflight(path: &str) -> Request {
    Request::new("OPTIONS", path)
        .header("Access-Control-Request-Method", "POST")
        .header("Access-Control-Request-Headers", "content-type,x-namespace")
}

fn decode(namespace: &str) -> Request {
    Request::post("/decode", body(&[plain("in")])).header("X-Namespace", namespace)
}

fn check(answer: &Answer, header: &str, expected: Option<&str>) {
    assert_eq!(answer.header(header), expected, "{header}: {answer:?}");
}
