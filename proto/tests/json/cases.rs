//! Request bodies with the verdict of Go's protojson.

use std::collections::BTreeSet;

use proto::json::{self, Reason, UnknownFields};
use serde_json::Value;

/// Bodies that protojson accepts and we refuse. Each is one where a server may.
const REFUSED: [&str; 9] = [
    "depth-001",
    "depth-002",
    "depth-003",
    "depth-005",
    "depth-006",
    "depth-007",
    "depth-009",
    "depth-011",
    "depth-012",
];

pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) body: Vec<u8>,
    may_differ: bool,
    strict: Verdict,
    lenient: Verdict,
}

enum Verdict {
    Canonical(Value),
    Error(String),
}

pub(crate) fn cases() -> Vec<Case> {
    let file: Value = serde_json::from_str(include_str!("../fixtures/json-cases.json"))
        .expect("the fixture is JSON");
    let cases = file["cases"].as_array().expect("cases");
    cases.iter().map(Case::new).collect()
}

impl Case {
    fn new(case: &Value) -> Self {
        let text = |name: &str| case[name].as_str().expect("a string");
        Self {
            name: text("name").to_owned(),
            body: base64_simd::STANDARD
                .decode_to_vec(text("body_base64"))
                .expect("base64"),
            may_differ: case.get("may_differ").is_some(),
            strict: Verdict::new(&case["strict"]),
            lenient: Verdict::new(&case["lenient"]),
        }
    }

    fn verdict(&self, unknown: UnknownFields) -> &Verdict {
        match unknown {
            UnknownFields::Ignore => &self.lenient,
            UnknownFields::Reject => &self.strict,
        }
    }
}

impl Verdict {
    fn new(verdict: &Value) -> Self {
        match verdict["ok"].as_bool().expect("a verdict") {
            true => Self::Canonical(verdict["canonical"].clone()),
            false => Self::Error(verdict["error"].as_str().expect("an error").to_owned()),
        }
    }
}

#[test]
fn every_verdict_is_that_of_protojson() {
    let cases = cases();
    assert_eq!(cases.len(), 442, "or this test proves nothing");

    let mut refused = BTreeSet::new();
    for case in &cases {
        for unknown in [UnknownFields::Ignore, UnknownFields::Reject] {
            let name = &case.name;
            match (case.verdict(unknown), json::read(&case.body, unknown)) {
                (Verdict::Canonical(canonical), Ok(payloads)) => {
                    let written = json::write(&payloads);
                    let value: Value = serde_json::from_slice(&written).expect("we write JSON");
                    assert_eq!(&value, canonical, "{name} {unknown:?}");
                    assert_eq!(
                        json::read(&written, UnknownFields::Reject).as_ref(),
                        Ok(&payloads),
                        "{name} {unknown:?}"
                    );
                }
                (Verdict::Canonical(_), Err(error)) => {
                    assert!(case.may_differ, "{name} {unknown:?}: {error}");
                    refused.insert(name.as_str());
                }
                (Verdict::Error(_), Err(_)) => {}
                (Verdict::Error(error), Ok(_)) => panic!("{name} {unknown:?}: accepted; {error}"),
            }
        }
    }
    assert_eq!(refused, BTreeSet::from(REFUSED));
}

/// Where protojson names a place for what is wrong with the message, and not with JSON, it is our place too.
#[test]
fn positions_are_those_of_protojson() {
    let mut compared = 0;
    for case in cases() {
        let Verdict::Error(theirs) = &case.strict else {
            continue;
        };
        let error = json::read(&case.body, UnknownFields::Reject).expect_err(&case.name);
        let is_about_the_message = matches!(
            error.reason(),
            Reason::UnknownField
                | Reason::DuplicateField
                | Reason::DuplicateKey
                | Reason::InvalidBase64
                | Reason::InvalidInteger
                | Reason::ExpectedObject
                | Reason::ExpectedArray
        );
        if is_about_the_message && !theirs.contains("EOF") {
            let ours = format!("(line {}:{})", error.line(), error.column());
            assert!(theirs.contains(&ours), "{}: {error} / {theirs}", case.name);
            compared += 1;
        }
    }
    assert!(compared > 100, "or this test proves nothing: {compared}");
}
