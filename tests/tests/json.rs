//! Bodies with the verdict of Go's protojson, through the running server.

use serde_json::Value;
use tests::{Request, Setup, from_base64};

#[test]
fn bodies_are_judged_as_protojson_judges_them() {
    let fixtures = include_str!("../../proto/tests/fixtures/json-cases.json");
    let fixtures: Value = serde_json::from_str(fixtures).expect("JSON");
    let fixtures = fixtures["cases"].as_array().expect("cases");
    assert_eq!(fixtures.len(), 442, "or this test proves nothing");
    let check = |verdict: &str, config: &str| {
        let server = Setup::config(config).start();
        let mut connection = server.connect();
        for case in fixtures {
            let body = from_base64(case["body_base64"].as_str().expect("base64"));
            let answer = connection.ask(&Request::post("/plain/encode", body));
            let name = &case["name"];
            match answer.status {
                200 => {
                    let canonical = &case[verdict]["canonical"];
                    let json: Value = serde_json::from_slice(&answer.body).expect("JSON");
                    assert_eq!(json, *canonical, "{name} {verdict}");
                }
                400 => {
                    let may = case[verdict]["ok"] == false || case.get("may_differ").is_some();
                    assert!(may, "{name} {verdict}: {}", answer.text());
                    let text = answer.text();
                    assert!(
                        text.starts_with("invalid JSON: ") && text.len() <= 200,
                        "{text}"
                    );
                }
                status => panic!("{name} {verdict}: {status} {}", answer.text()),
            }
        }
    };
    check(
        "lenient",
        "[namespaces.plain]\ncomponent = \"identity.wasm\"\n",
    );
    check(
        "strict",
        "unknown-fields = \"reject\"\n[namespaces.plain]\nsettings = { encryption = \"off\" }\n",
    );
}
