//! Names, keys, and what an error says.

use std::collections::BTreeMap;

use proto::json::{self, Reason, UnknownFields};
use proto::{Payload, PayloadRef};

#[test]
fn keys_are_any_text() {
    let keys = [
        "",
        "\0",
        "__proto__",
        "constructor",
        "a\"b",
        "a\\b",
        "/",
        "\u{7f}",
        "\u{85}",
        "\u{2028}",
        "é",
        "e\u{301}",
        "\u{fffd}",
        "\u{ffff}",
        "😀",
        "\u{10ffff}",
        "\u{1}\u{1f}\n\r\t\u{8}\u{c}",
        "payloads",
        "encoding",
    ];
    let metadata: BTreeMap<_, _> = keys
        .iter()
        .map(|&key| (key.to_owned(), key.into()))
        .collect();
    assert_eq!(metadata.len(), keys.len(), "or this test proves nothing");

    let payload = Payload {
        metadata,
        ..Payload::default()
    };
    let payloads = [&payload].into_iter().collect();
    let body = json::write(&payloads);
    assert_eq!(json::read(&body, UnknownFields::Reject), Ok(payloads));
}

#[test]
fn keys_are_unescaped_as_json_says() {
    let rows = [
        (r"\u0041", Ok("A")),
        (r"\uD83D\uDE00", Ok("😀")),
        (r"\uDBFF\uDFFF", Ok("\u{10ffff}")),
        (r"\u00e9\/\b\f\n\r\t\\", Ok("é/\u{8}\u{c}\n\r\t\\")),
        (r"a\u0000b", Ok("a\0b")),
        (r"\uD83D", Err(Reason::LoneSurrogate)),
        (r"\uDE00", Err(Reason::LoneSurrogate)),
        (r"\uD83D\uD83D", Err(Reason::LoneSurrogate)),
        (r"\uD83D\u0041", Err(Reason::LoneSurrogate)),
        (r"\uD83Dx\uDE00", Err(Reason::LoneSurrogate)),
        (r"\u+041", Err(Reason::InvalidEscape)),
        (r"\u004", Err(Reason::InvalidEscape)),
        (r"\u00é0", Err(Reason::InvalidEscape)),
        (r"\é", Err(Reason::InvalidEscape)),
        (r"\x41", Err(Reason::InvalidEscape)),
        ("a\tb", Err(Reason::ControlCharacter)),
    ];
    for (escaped, expected) in rows {
        let body = format!(r#"{{"payloads":[{{"metadata":{{"{escaped}":""}}}}]}}"#);
        let key = json::read(body.as_bytes(), UnknownFields::Reject)
            .map(|batch| {
                batch
                    .iter()
                    .flat_map(PayloadRef::metadata)
                    .map(|(key, _)| key.to_owned())
                    .collect::<String>()
            })
            .map_err(|error| error.reason());
        assert_eq!(key, expected.map(str::to_owned), "{escaped}");
    }
}

#[test]
fn errors_say_where_and_what() {
    let rows: [(&[u8], &str); 12] = [
        (b"", "line 1 column 1: unexpected end of the body"),
        (b" \n\n ", "line 3 column 2: unexpected end of the body"),
        (b"[]", "line 1 column 1: expected an object"),
        (
            br#"{"payloads":[],"payloads":null}"#,
            "line 1 column 16: duplicate field",
        ),
        (
            "{\"x\":\"é😀\",\n \"é\":\"é\" \"y\"".as_bytes(),
            "line 2 column 10: expected ',' or '}'",
        ),
        (
            b"{}\r\n}",
            "line 2 column 1: unexpected bytes after the object",
        ),
        (
            br#"{"payloads":[{"data":"Y"}]}"#,
            "line 1 column 22: invalid base64",
        ),
        (
            b"{\"payloads\":[{\"data\":\"Y\xff\"}]}",
            "line 1 column 24: invalid UTF-8 in a string",
        ),
        (
            br#"{"payloads":[{"metadata":{"k":null}}]}"#,
            "line 1 column 31: expected a base64 string",
        ),
        (b"{\"x\":nul", "line 1 column 6: expected a JSON value"),
        (
            b"{\"x\":\"\\",
            "line 1 column 8: unexpected end of the body",
        ),
        (b"{\"x\":-}", "line 1 column 6: invalid number"),
    ];
    for (body, expected) in rows {
        let error = json::read(body, UnknownFields::Ignore).expect_err(expected);
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn a_key_given_twice_is_told_where_it_is_unless_something_is_wrong_before_it() {
    let check = |metadata: &str, expected: &str| {
        let body = format!(r#"{{"payloads":[{{"metadata":{metadata}}}]}}"#);
        let error = json::read(body.as_bytes(), UnknownFields::Ignore).expect_err(metadata);
        assert_eq!(error.to_string(), expected, "{metadata}");
    };
    check(
        r#"{"a":"","b":"","a":""}"#,
        "line 1 column 41: duplicate metadata key",
    );
    check(
        r#"{"a":"","a":"","b":1}"#,
        "line 1 column 34: duplicate metadata key",
    );
    check(
        r#"{"a":"","b":1,"a":""}"#,
        "line 1 column 38: expected a base64 string",
    );
    check(
        r#"{"a":"","\u0061":"?"}"#,
        "line 1 column 34: duplicate metadata key",
    );
    check(r#"{"a":"?","a":""}"#, "line 1 column 31: invalid base64");
}
