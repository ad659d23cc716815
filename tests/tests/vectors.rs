//! What the real SDKs wrote, through the running server and the built-in codec.

use std::collections::BTreeMap;
use std::path::Path;

use miniz_oxide::deflate::core::{CompressorOxide, TDEFLFlush, compress_to_output};
use serde_json::Value;
use tests::{Payload, Request, Server, Setup, base64, from_base64, plain, read};

/// Every file of payloads that decode.
const POSITIVE: [&str; 12] = [
    "python-encryption",
    "go-encryption",
    "typescript-encryption",
    "java-crypt",
    "ruby-encryption",
    "go-zlib",
    "java-zlib",
    "go-snappy-block",
    "python-docs-snappy-framed",
    "python-gzip",
    "golden",
    "extras",
];

#[test]
fn everything_that_the_sdks_wrote_is_decoded() {
    let cases = POSITIVE.iter().flat_map(|name| cases(name)).collect();
    let vectors = Vectors::serve(cases, "");
    assert!(vectors.cases.len() > 450, "or this test proves nothing");
    let mut connection = vectors.server.connect();
    for case in &vectors.cases {
        let answer = connection.ask(&case.decode(&case.namespace));
        assert_eq!(answer.status, 200, "{}: {}", case.name, answer.text());
        assert_eq!(
            answer.payloads(),
            read(&case.json["decoded"]),
            "{}",
            case.name
        );
    }
}

#[test]
fn what_others_wrote_passes_untouched() {
    let vectors = Vectors::serve(cases("foreign"), "");
    let mut connection = vectors.server.connect();
    for case in &vectors.cases {
        let answer = connection.ask(&case.decode(&case.namespace));
        assert_eq!(answer.status, 200, "{}: {}", case.name, answer.text());
        assert_eq!(
            answer.payloads(),
            read(&case.json["encoded"]),
            "{}",
            case.name
        );
    }
}

#[test]
fn what_is_bad_gives_400_and_no_payload_of_its_batch() {
    let bad = cases("negatives").into_iter();
    let bad = bad.filter(|case| case.verdict() == "reject" && case.is_stored());
    let vectors = Vectors::serve(bad.collect(), "");
    assert!(vectors.cases.len() > 100, "or this test proves nothing");
    let mut connection = vectors.server.connect();
    for case in &vectors.cases {
        let mut batch = read(&case.json["encoded"]);
        batch.insert(0, plain("the canary before"));
        batch.push(plain("the canary behind"));
        let answer = connection.ask(&Request::decode(&case.namespace, &batch));
        let why = &case.json["why"];
        assert_eq!(answer.status, 400, "{}: {why}", case.name);
        assert!(
            answer.text().starts_with("payload ") && answer.text().len() <= 500,
            "{}: {}",
            case.name,
            answer.text()
        );
        assert_eq!(
            answer.header("content-type"),
            Some("text/plain; charset=utf-8")
        );
        for id in case.keys.keys() {
            assert!(!answer.text().contains(id.as_str()), "{}", case.name);
        }
    }
}

#[test]
fn where_implementations_differ_it_refuses_or_gives_what_they_give() {
    let either = cases("negatives").into_iter();
    let either = either.filter(|case| case.verdict() == "either");
    let vectors = Vectors::serve(either.collect(), "");
    assert!(vectors.cases.len() > 10, "or this test proves nothing");
    for case in &vectors.cases {
        let answer = vectors.server.ask(&case.decode(&case.namespace));
        match answer.status {
            400 => {}
            _ => assert_eq!(
                answer.payloads(),
                read(&case.json["decoded_if_accepted"]),
                "{}",
                case.name
            ),
        }
    }
}

#[test]
fn compressed_data_is_inflated_up_to_the_limit_and_no_further() {
    let limited = || {
        let cases = cases("negatives").into_iter();
        cases.filter(|case| case.verdict() == "limit").collect()
    };
    let check = |most: &str, expected: u16| {
        let settings = format!("settings = {{ max-inflated-bytes = \"{most}\" }}");
        let vectors = Vectors::serve(limited(), &settings);
        assert_eq!(vectors.cases.len(), 3, "or this test proves nothing");
        for case in &vectors.cases {
            let answer = vectors.server.ask(&case.decode(&case.namespace));
            assert_eq!(answer.status, expected, "{} within {most}", case.name);
            if expected == 200 {
                let payload = answer.payload();
                assert_eq!(payload.note("encoding"), "binary/plain");
                assert_eq!(payload.data.len(), 10_000_000);
                assert!(payload.data.iter().all(|byte| *byte == 0));
            }
        }
    };
    // 26 bytes of metadata and 5 of the data's own field are around the ten million.
    check("10000031", 200);
    check("10000030", 400);
    check("9999999", 400);
}

/// As large as two payloads may be together, they fit the memory that a call has.
#[test]
fn a_list_is_inflated_up_to_twice_the_limit() {
    let server = Setup::config("[namespaces.large]\n").start();
    let length = (16 << 20) - 100;
    // Data of that length, as protobuf.
    let bytes = [&[0x12, 0x9c, 0xff, 0xff, 0x07][..], &vec![b'a'; length]].concat();
    let compressed = miniz_oxide::deflate::compress_to_vec_zlib(&bytes, 1);
    let payload = Payload::new("binary/zlib", compressed);
    let answer = server.decode("large", &[payload.clone(), payload.clone()]);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let all = answer.payloads();
    let is_whole = |payload: &Payload| payload.data == bytes[5..];
    assert!(all.len() == 2 && all.iter().all(is_whole));
    let answer = server.decode("large", &[payload.clone(), payload.clone(), payload]);
    assert_eq!(answer.status, 400, "{}", answer.text());
}

#[test]
fn a_bomb_is_refused_and_costs_its_neighbours_nothing() {
    let server = Setup::config("[namespaces.bombs]\n[namespaces.other]\n").start();
    let check = |head: &str| {
        let bomb = Payload::new("binary/zlib", bomb(&from_hex(head)));
        assert!(bomb.data.len() < 2 << 20, "or it is no bomb");
        let answer = server.decode("bombs", &[bomb]);
        assert_eq!(answer.status, 400, "{}", answer.text());
        let fine = [plain("fine")];
        assert_eq!(server.decode("bombs", &fine).payloads(), fine);
        assert_eq!(server.decode("other", &fine).payloads(), fine);
    };
    check("");
    check("0a180a08656e636f64696e67120c62696e6172792f706c61696e128080808004");
}

/// A sound zlib stream of the head and 1 GiB of zeros behind it.
fn bomb(head: &[u8]) -> Vec<u8> {
    let mut stream = vec![0x78, 0x9c];
    stream.extend(deflated(head));
    let zeros = deflated(&[0; 1 << 20]);
    for _ in 0..1024 {
        stream.extend_from_slice(&zeros);
    }
    // An empty last block, and Adler-32: zeros leave the first sum and add it to the second.
    stream.extend([0x03, 0x00]);
    let (one, two) = head.iter().fold((1u64, 0u64), |(one, two), byte| {
        let one = (one + u64::from(*byte)) % 65_521;
        (one, (two + one) % 65_521)
    });
    let two = (two + (1 << 30) % 65_521 * one) % 65_521;
    stream.extend((two << 16 | one).to_be_bytes()[4..].iter());
    stream
}

/// Blocks that end at a byte and of which none is the last, so that they can stand in a row.
fn deflated(data: &[u8]) -> Vec<u8> {
    let mut compressor = CompressorOxide::default();
    compressor.set_format_and_level(miniz_oxide::DataFormat::Raw, 9);
    let mut blocks = Vec::new();
    compress_to_output(&mut compressor, data, TDEFLFlush::Full, |more| {
        blocks.extend_from_slice(more);
        true
    });
    blocks
}

fn from_hex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2);
    let byte = |pair: &[u8]| {
        let pair = std::str::from_utf8(pair).expect("ASCII");
        u8::from_str_radix(pair, 16).expect("hexadecimal")
    };
    digits.map(byte).collect()
}

/// A case of a file, and the namespace that has its keys.
struct Case {
    name: String,
    json: Value,
    keys: BTreeMap<String, Vec<u8>>,
    namespace: String,
}

impl Case {
    fn verdict(&self) -> &str {
        self.json["verdict"].as_str().expect("a verdict")
    }

    /// Two of the bombs are too large to be stored; they are made here.
    fn is_stored(&self) -> bool {
        self.json.get("encoded").is_some()
    }

    fn decode(&self, namespace: &str) -> Request {
        Request::post("/decode", self.json["encoded"].to_string()).header("X-Namespace", namespace)
    }
}

/// Every case of the file of that name.
fn cases(name: &str) -> Vec<Case> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/vectors");
    let path = path.join(format!("{name}.json"));
    let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let file: Value = serde_json::from_slice(&text).expect("JSON");
    let cases = file["cases"].as_array().expect("cases").iter();
    let cases = cases.map(|case| {
        let keys = case.get("keys").unwrap_or(&file["keys"]);
        let keys = keys.as_object().into_iter().flatten();
        let keys = keys.map(|(id, key)| (id.clone(), from_base64(key.as_str().expect("base64"))));
        Case {
            name: format!("{name} {}", case["name"]),
            json: case.clone(),
            keys: keys.collect(),
            namespace: String::new(),
        }
    });
    cases.collect()
}

/// A server with a namespace for each set of keys, and the cases for it.
struct Vectors {
    server: Server,
    cases: Vec<Case>,
}

impl Vectors {
    /// `table` goes into the table of every namespace.
    fn serve(mut cases: Vec<Case>, table: &str) -> Self {
        let mut namespaces = BTreeMap::new();
        for case in &mut cases {
            let count = namespaces.len();
            let namespace = namespaces
                .entry(case.keys.clone())
                .or_insert_with(|| format!("vectors-{count}"));
            case.namespace = namespace.clone();
        }
        let mut config = String::new();
        let mut files = Vec::new();
        for (keys, namespace) in &namespaces {
            config.push_str(&format!("[namespaces.{namespace}]\n{table}\n"));
            for (at, (id, key)) in keys.iter().enumerate() {
                // Both notations have their turn.
                let (notation, content) = match at % 2 {
                    0 => ("raw", key.clone()),
                    _ => ("base64", format!("{}\n", base64(key)).into_bytes()),
                };
                let file = format!("keys/{namespace}-{at}");
                config.push_str(&format!(
                    "keyring.keys.{} = {{ file = {file:?}, encoding = {notation:?} }}\n",
                    Value::from(id.as_str())
                ));
                files.push((file, content));
            }
        }
        let setup = Setup::config(&config);
        let setup = files
            .into_iter()
            .fold(setup, |setup, (file, content)| setup.file(&file, content));
        Self {
            server: setup.start(),
            cases,
        }
    }
}
