//! HTTP/2 with prior knowledge, many requests on one connection.

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
