//! Just inside and just outside of what is accepted.

use proto::PayloadRef;
use proto::json::{self, MAX_DEPTH, MAX_PAYLOADS, Reason, UnknownFields};
use proto::wire::MAX_ENTRIES;

/// What a refusal says; nothing for a body that is accepted.
fn refusal(body: &[u8]) -> Option<Reason> {
    json::read(body, UnknownFields::Ignore)
        .err()
        .map(|error| error.reason())
}

#[test]
fn nesting_ends_at_the_limit() {
    let arrays: fn(usize) -> String = |levels| {
        let (open, close) = ("[".repeat(levels), "]".repeat(levels));
        format!(r#"{{"x":{open}{close}}}"#)
    };
    let objects: fn(usize) -> String = |levels| {
        let (open, close) = (r#"{"a":"#.repeat(levels), "}".repeat(levels));
        format!(r#"{{"x":{open}1{close}}}"#)
    };
    let within: fn(usize) -> String = |levels| {
        let (open, close) = ("[".repeat(levels), "]".repeat(levels));
        format!(r#"{{"payloads":[{{"metadata":{{}},"x":{open}{close}}}]}}"#)
    };

    for body in [arrays, objects, within] {
        let [inside, outside] = [body(MAX_DEPTH), body(MAX_DEPTH + 1)];
        assert_eq!(refusal(inside.as_bytes()), None, "{inside}");
        assert_eq!(
            refusal(outside.as_bytes()),
            Some(Reason::TooDeep),
            "{outside}"
        );
    }
}

#[test]
fn depth_is_left_again() {
    let body = format!(r#"{{"x":[{}0]}}"#, "[[{\"a\":[]}]],".repeat(1_000));
    assert_eq!(refusal(body.as_bytes()), None);
}

#[test]
fn a_megabyte_of_brackets_is_refused() {
    for open in ["[", r#"{"a":"#, r#"[{"a":"#] {
        for prefix in [
            "",
            r#"{"x":"#,
            r#"{"payloads":"#,
            r#"{"payloads":[{"data":"#,
        ] {
            let body = format!("{prefix}{}", open.repeat(1 << 20));
            assert!(refusal(body.as_bytes()).is_some(), "{prefix}{open}…");
        }
    }
}

#[test]
fn payloads_of_any_size_are_written_and_read() {
    // Around what SIMD takes at once, and where base64 wants padding.
    for size in (0..300).chain([4_095, 4_096, 4_097, 1 << 20]) {
        let data: Vec<u8> = (0..size)
            .map(|at: u32| at.to_le_bytes()[0] ^ 0xa5)
            .collect();
        let payload = proto::Payload {
            metadata: [("encoding".to_owned(), data.clone())].into(),
            data,
            external_payloads: Vec::new(),
        };
        let batch = [&payload].into_iter().collect();
        let body = json::write(&batch);
        assert_eq!(body.capacity(), body.len(), "one buffer of the right size");
        assert_eq!(json::read(&body, UnknownFields::Reject), Ok(batch));
    }
}

#[test]
fn a_body_has_a_limited_number_of_payloads() {
    let body = |count: usize| format!("{{\"payloads\":[{}]}}", vec!["{}"; count].join(","));
    let [inside, outside] = [body(MAX_PAYLOADS), body(MAX_PAYLOADS + 1)];
    assert_eq!(refusal(inside.as_bytes()), None);
    assert_eq!(refusal(outside.as_bytes()), Some(Reason::TooManyPayloads));
}

#[test]
fn a_payload_has_a_limited_number_of_entries() {
    let body = |keys: usize, externals: usize| {
        let keys: Vec<_> = (0..keys).map(|key| format!("\"{key}\":\"\"")).collect();
        format!(
            r#"{{"payloads":[{{"metadata":{{{}}},"externalPayloads":[{}]}},{{}}]}}"#,
            keys.join(","),
            vec!["{}"; externals].join(",")
        )
    };
    for externals in [0, 1, MAX_ENTRIES] {
        let keys = MAX_ENTRIES - externals;
        assert_eq!(refusal(body(keys, externals).as_bytes()), None);
        for outside in [body(keys + 1, externals), body(keys, externals + 1)] {
            let refused = refusal(outside.as_bytes());
            assert_eq!(refused, Some(Reason::TooManyEntries), "{externals}");
        }
    }
}

#[test]
fn an_exponent_needs_no_digits_but_something_after_it() {
    let body = |number: &str| {
        format!(r#"{{"payloads":[{{"externalPayloads":[{{"sizeBytes":{number}}}]}}]}}"#)
    };
    assert_eq!(refusal(body("1e0").as_bytes()), None);
    assert_eq!(refusal(body("1e").as_bytes()), None);
    assert_eq!(refusal(body("0e-").as_bytes()), None);
    assert!(refusal(body("1e+").as_bytes()).is_some());
    assert!(refusal(body("\"1e\"").as_bytes()).is_some());
    assert_eq!(refusal(br#"{"x":1e}"#), None);
    assert_eq!(refusal(br#"{"x":[1E+,2]}"#), None);
    assert_eq!(refusal(br#"{"x":1e"#), Some(Reason::InvalidNumber));
}

#[test]
fn sizes_are_exact_at_both_ends() {
    let read = |number: &str| -> Result<i64, Reason> {
        let body = format!(r#"{{"payloads":[{{"externalPayloads":[{{"sizeBytes":{number}}}]}}]}}"#);
        json::read(body.as_bytes(), UnknownFields::Reject)
            .map(|batch| batch.iter().flat_map(PayloadRef::external_payloads).sum())
            .map_err(|error| error.reason())
    };
    for quote in ["", "\""] {
        let quoted = |number: &str| read(&format!("{quote}{number}{quote}"));
        assert_eq!(quoted("9223372036854775807"), Ok(i64::MAX));
        assert_eq!(quoted("-9223372036854775808"), Ok(i64::MIN));
        assert_eq!(quoted("9223372036854775808"), Err(Reason::InvalidInteger));
        assert_eq!(quoted("-9223372036854775809"), Err(Reason::InvalidInteger));
    }
    assert_eq!(read("null"), Ok(0));
    assert_eq!(read("\"\""), Err(Reason::InvalidInteger));
    assert_eq!(read("\" 1\""), Err(Reason::InvalidInteger));
    assert_eq!(read("\"1 \""), Err(Reason::InvalidInteger));
    assert_eq!(read("true"), Err(Reason::ExpectedInteger));
}
