//! HTTP/1.1 from the driver's side: as little work as possible.

use std::net::SocketAddr;

use tests::Request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::cases::Case;
use crate::drive;
use crate::servers::NAMESPACE;

/// A connection that asks the same thing again and again.
pub(crate) struct Client {
    stream: TcpStream,
    request: Vec<u8>,
    received: Vec<u8>,
    body: Vec<u8>,
}

pub(crate) async fn clients(address: SocketAddr, case: &Case, count: usize) -> Vec<drive::Client> {
    let mut clients = Vec::new();
    for _ in 0..count {
        let client = Client::open(address, NAMESPACE, case.verb, &case.body).await;
        clients.push(drive::Client::Http1(client));
    }
    clients
}

impl Client {
    pub(crate) async fn open(
        address: SocketAddr,
        namespace: &str,
        verb: &str,
        body: &[u8],
    ) -> Self {
        let request = Request::post(&format!("/{verb}"), body).header("X-Namespace", namespace);
        let stream = TcpStream::connect(address).await.expect("a connection");
        stream.set_nodelay(true).expect("a socket option");
        Self {
            stream,
            request: request.bytes(),
            received: Vec::with_capacity(body.len() + 4096),
            body: Vec::new(),
        }
    }

    /// Asks, and answers the body of a 200.
    pub(crate) async fn ask(&mut self) -> &[u8] {
        self.received.clear();
        self.stream
            .write_all(&self.request)
            .await
            .expect("the server reads");
        let head = loop {
            self.receive().await;
            if let Some(at) = find(&self.received, b"\r\n\r\n") {
                break at + 4;
            }
        };
        let text = std::str::from_utf8(&self.received[..head]).expect("a head is text");
        assert!(text.starts_with("HTTP/1.1 200"), "{text}");
        let text = text.to_ascii_lowercase();
        if let Some((_, rest)) = text.split_once("content-length: ") {
            let length = rest.split("\r\n").next().expect("a line");
            let end = head + length.parse::<usize>().expect("a number");
            while self.received.len() < end {
                self.receive().await;
            }
            return &self.received[head..end];
        }
        assert!(text.contains("transfer-encoding: chunked"), "{text}");
        self.chunks(head).await;
        &self.body
    }

    async fn chunks(&mut self, mut at: usize) {
        self.body.clear();
        loop {
            let line = loop {
                match find(&self.received[at..], b"\r\n") {
                    Some(line) => break at + line,
                    None => self.receive().await,
                }
            };
            let size = std::str::from_utf8(&self.received[at..line]).expect("a size is text");
            let size = usize::from_str_radix(size, 16).expect("a size");
            let (start, end) = (line + 2, line + 2 + size);
            while self.received.len() < end + 2 {
                self.receive().await;
            }
            self.body.extend_from_slice(&self.received[start..end]);
            if size == 0 {
                return;
            }
            at = end + 2;
        }
    }

    async fn receive(&mut self) {
        let read = self.stream.read_buf(&mut self.received).await;
        assert!(read.expect("the server answers") > 0, "the server hung up");
    }
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}
