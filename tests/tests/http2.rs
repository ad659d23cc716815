//! HTTP/2 with prior knowledge, many requests on one connection.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use h2::{Reason, SendStream};
use http::{HeaderMap, Method, StatusCode};
use tests::{Payload, Setup, TENANTS, body, only, plain, read};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

#[test]
fn every_request_is_answered_as_over_http1() {
    let server = Setup::config(TENANTS).start();
    run(async {
        let mut client = open(server.address).await;
        let json = body(&[plain("in")]);
        let mut check = async |method: Method, path: &str, body: &str, status: u16| {
            let sent = send(&mut client, method, path, body.as_bytes().to_vec()).await;
            let answer = sent.await.expect("received");
            assert_eq!(answer.status.as_u16(), status, "{path}");
            answer
        };
        let answer = check(Method::POST, "/plain/decode", &json, 200).await;
        assert_eq!(answer.payloads(), [plain("in")]);
        assert_eq!(answer.headers["content-type"], "application/json");
        check(
            Method::POST,
            "//plain//decode?preserveStorageRefs=true",
            &json,
            200,
        )
        .await;
        check(Method::POST, "/plain/decode", "{", 400).await;
        check(Method::POST, "/says-invalid/decode", &json, 400).await;
        check(Method::POST, "/nobody/decode", &json, 404).await;
        check(Method::POST, "/plain/download", &json, 404).await;
        let answer = check(Method::GET, "/plain/decode", "", 405).await;
        assert_eq!(answer.headers["allow"], "POST, OPTIONS");
        check(Method::POST, "/plain/decode", &" ".repeat(2000), 400).await;
        check(Method::POST, "/plain/decode", &" ".repeat(2001), 413).await;
        check(Method::POST, "/plain/decode", &" ".repeat(20_000), 413).await;
        check(Method::POST, "/traps/decode", &json, 500).await;
        let answer = check(Method::POST, "/says-later/decode", &json, 503).await;
        assert!(answer.headers.contains_key("retry-after"));
        check(Method::POST, "/spins/decode", &json, 504).await;
        check(Method::POST, "/plain/decode", &json, 200).await;
    });
}

#[test]
fn a_frame_may_have_256_kib_and_no_more() {
    const MOST: usize = 256 << 10;
    const GOAWAY: u8 = 7;
    let server = Setup::demo().start();
    // The kind of the first frame about a stream or the end of the connection, and what it holds.
    let ask = |size: usize| {
        let mut stream = std::net::TcpStream::connect(server.address).expect("accepted");
        let frame = |kind: u8, flags: u8, stream: u8, content: &[u8]| {
            let length = u32::try_from(content.len()).expect("small").to_be_bytes();
            [&length[1..], &[kind, flags, 0, 0, 0, stream], content].concat()
        };
        let heads = [
            (":method", "POST"),
            (":scheme", "http"),
            (":authority", "codec"),
            (":path", "/any/decode"),
            ("content-type", "application/json"),
        ];
        let heads = heads.map(|(name, value)| {
            let sized = |text: &str| [&[text.len() as u8], text.as_bytes()].concat();
            [vec![0], sized(name), sized(value)].concat()
        });
        let json = body(&[plain("in")]);
        let padded = format!("{json}{}", " ".repeat(size - json.len()));
        let all = [
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
            frame(4, 0, 0, &[]),
            // Only then do the server's settings hold.
            frame(4, 1, 0, &[]),
            frame(1, 4, 1, &heads.concat()),
            frame(0, 1, 1, padded.as_bytes()),
        ];
        stream.write_all(&all.concat()).expect("sent");
        loop {
            let mut head = [0; 9];
            stream.read_exact(&mut head).expect("a frame");
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let mut content = vec![0; length as usize];
            stream.read_exact(&mut content).expect("all of it");
            if head[3] == 0 || head[3] == GOAWAY {
                return (head[3], content);
            }
        }
    };
    let (kind, content) = ask(MOST);
    assert_eq!(kind, 0);
    let json = serde_json::from_slice(&content).expect("JSON");
    assert_eq!(read(&json), [plain("in")]);
    let (kind, content) = ask(MOST + 1);
    let error = u32::from(Reason::FRAME_SIZE_ERROR).to_be_bytes();
    assert_eq!((kind, &content[4..8]), (GOAWAY, &error[..]));
}

#[test]
fn a_connection_carries_hundreds_of_requests_at_once() {
    let server = Setup::demo().start();
    run(async {
        let mut client = open(server.address).await;
        // With it comes how many streams the server takes at once.
        let first = send(&mut client, Method::POST, "/any/decode", b"{}".to_vec()).await;
        assert_eq!(first.await.expect("received").payloads(), []);
        let mut sent = Vec::new();
        for n in 0..600 {
            let json = body(&[plain(&n.to_string())]);
            sent.push(send(&mut client, Method::POST, "/any/encode", json.into()).await);
        }
        let mut encoded = Vec::new();
        for request in sent {
            encoded.push(request.await.expect("received").payloads());
        }
        let mut sent = Vec::new();
        for payloads in &encoded {
            let json = body(payloads).into();
            sent.push(send(&mut client, Method::POST, "/any/decode", json).await);
        }
        for (n, request) in sent.into_iter().enumerate() {
            let answer = request.await.expect("received");
            assert_eq!(answer.payloads(), [plain(&n.to_string())]);
        }
    });
}

#[test]
fn a_bad_stream_does_not_hurt_its_neighbours() {
    let server = Setup::config(&only(TENANTS, &["plain", "traps", "says-invalid"])).start();
    run(async {
        let mut client = open(server.address).await;
        let mut fine = Vec::new();
        let mut failing = Vec::new();
        let mut unfinished = Vec::new();
        for n in 0..20 {
            let json = body(&[plain(&n.to_string())]);
            for path in ["/traps/decode", "/says-invalid/decode", "/elsewhere"] {
                let json = json.clone().into();
                failing.push(send(&mut client, Method::POST, path, json).await);
            }
            let (answer, mut body) = begin(&mut client, Method::POST, "/plain/decode").await;
            body.send_data("{\"payloads\":".into(), false)
                .expect("sent");
            unfinished.push((answer, body));
            let (_, mut body) = begin(&mut client, Method::POST, "/plain/decode").await;
            body.send_data("{".into(), false).expect("sent");
            body.send_reset(Reason::CANCEL);
            fine.push(send(&mut client, Method::POST, "/plain/decode", json.into()).await);
        }
        for (n, request) in fine.into_iter().enumerate() {
            let answer = request.await.expect("received");
            assert_eq!(answer.payloads(), [plain(&n.to_string())]);
        }
        for request in failing {
            assert!(request.await.expect("received").status.as_u16() >= 400);
        }
        for (answer, mut body) in unfinished {
            body.send_data("[]}".into(), true).expect("sent");
            assert_eq!(receive(answer).await.payloads(), []);
        }
    });
}

#[test]
fn large_bodies_go_both_ways() {
    let server = Setup::demo().start();
    let large = Payload::new("binary/plain", vec![b'x'; 5 << 20]);
    run(async {
        let mut client = open(server.address).await;
        let mut sent = Vec::new();
        for _ in 0..3 {
            let json = body(std::slice::from_ref(&large)).into();
            sent.push(send(&mut client, Method::POST, "/any/decode", json).await);
        }
        for request in sent {
            let answer = request.await.expect("received");
            assert_eq!(answer.payloads(), std::slice::from_ref(&large));
        }
    });
}

#[test]
fn nothing_of_a_request_is_in_the_log() {
    let server = Setup::demo().log("trace").start();
    run(async {
        let mut client = open(server.address).await;
        let secret = plain("canary-in-data").with("canary-in-key", "canary-in-value");
        for body in [body(&[secret]), "{\"canary-in-json\"".to_owned()] {
            let sent = send(
                &mut client,
                Method::POST,
                "/any/encode?canary-in-query",
                body.into(),
            );
            let answer = sent.await.await.expect("received");
            assert_ne!(answer.status, 404);
        }
    });
    server.logs(&["status=400"]);
    assert!(!server.log().contains("canary"), "{}", server.log());
}

/// Far longer than any test takes: it bounds a failing one.
const PATIENCE: Duration = Duration::from_secs(60);

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn payloads(&self) -> Vec<Payload> {
        let text = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status, StatusCode::OK, "{text}");
        read(&serde_json::from_slice(&self.body).expect("JSON"))
    }
}

fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let test = async { timeout(PATIENCE, test).await };
    let ended = runtime.expect("a runtime").block_on(test);
    ended.expect("it takes seconds at most");
}

async fn open(address: SocketAddr) -> SendRequest<Bytes> {
    let stream = TcpStream::connect(address).await.expect("accepted");
    let (client, connection) = h2::client::handshake(stream).await.expect("HTTP/2");
    tokio::spawn(connection);
    client
}

/// A request whose body is still to be sent.
async fn begin(
    client: &mut SendRequest<Bytes>,
    method: Method,
    path: &str,
) -> (ResponseFuture, SendStream<Bytes>) {
    let request = http::Request::builder()
        .method(method)
        .uri(format!("http://codec{path}"))
        .header("content-type", "application/json")
        .header("authorization", "Bearer canary-in-token")
        .body(())
        .expect("a request");
    let mut ready = client.clone().ready().await.expect("room for a stream");
    ready.send_request(request, false).expect("sent")
}

/// A request that is sent, and whose answer is received meanwhile: what nobody receives stands in
/// the way of the connection's other answers.
async fn send(
    client: &mut SendRequest<Bytes>,
    method: Method,
    path: &str,
    body: Vec<u8>,
) -> JoinHandle<Answer> {
    let (answer, mut stream) = begin(client, method, path).await;
    stream.send_data(body.into(), true).expect("sent");
    tokio::spawn(receive(answer))
}

async fn receive(answer: ResponseFuture) -> Answer {
    let (head, mut stream) = answer.await.expect("an answer").into_parts();
    let mut body = Vec::new();
    while let Some(data) = stream.data().await {
        let data = data.expect("a body");
        let released = stream.flow_control().release_capacity(data.len());
        released.expect("what was received");
        body.extend_from_slice(&data);
    }
    Answer {
        status: head.status,
        headers: head.headers,
        body,
    }
}
