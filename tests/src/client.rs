//! An HTTP/1.1 client that shows every byte, and can send what no decent client would.

use std::io::ErrorKind::{TimedOut, WouldBlock};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use crate::payload::{self, Payload};

/// Far longer than any answer takes: it bounds a failing test.
const PATIENCE: Duration = Duration::from_secs(30);

/// A request.
#[derive(Clone, Debug)]
pub struct Request {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    /// A request as the Web UI makes one: a POST of JSON.
    pub fn post(target: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::new("POST", target)
            .header("Content-Type", "application/json")
            .body(body)
    }

    /// Encodes the payloads for the namespace.
    pub fn encode(namespace: &str, payloads: &[Payload]) -> Self {
        Self::post("/encode", payload::body(payloads)).header("X-Namespace", namespace)
    }

    /// Decodes the payloads for the namespace.
    pub fn decode(namespace: &str, payloads: &[Payload]) -> Self {
        Self::post("/decode", payload::body(payloads)).header("X-Namespace", namespace)
    }

    /// A request with nothing but a head.
    pub fn new(method: &str, target: &str) -> Self {
        Self {
            method: method.to_owned(),
            target: target.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// The same with one more header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same without that header.
    pub fn without(mut self, name: &str) -> Self {
        self.headers
            .retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        self
    }

    /// The same with that body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// The bytes of its head. `framing` says how long the body is.
    pub fn head(&self, framing: &str) -> Vec<u8> {
        let mut head = format!(
            "{} {} HTTP/1.1\r\nHost: codec\r\n",
            self.method, self.target
        );
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(framing);
        head.push_str("\r\n");
        head.into_bytes()
    }

    /// Its bytes, with the body in chunks of that size.
    pub fn chunked(&self, size: usize) -> Vec<u8> {
        let mut bytes = self.head("Transfer-Encoding: chunked\r\n");
        for chunk in self.body.chunks(size) {
            bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            bytes.extend_from_slice(chunk);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"0\r\n\r\n");
        bytes
    }

    /// Its bytes.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.head(&format!("Content-Length: {}\r\n", self.body.len()));
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers, in their order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The value of a header; there must not be two.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self
            .headers
            .iter()
            .filter(|(other, _)| other.eq_ignore_ascii_case(name));
        let value = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "two {name} in {self:?}");
        value
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("UTF-8")
    }

    /// The payloads of a 200.
    pub fn payloads(&self) -> Vec<Payload> {
        assert_eq!(self.status, 200, "{}", String::from_utf8_lossy(&self.body));
        assert_eq!(self.header("content-type"), Some("application/json"));
        payload::read(&serde_json::from_slice(&self.body).expect("JSON"))
    }

    /// The only payload of a 200.
    pub fn payload(&self) -> Payload {
        let mut payloads = self.payloads();
        assert_eq!(payloads.len(), 1, "{payloads:?}");
        payloads.remove(0)
    }
}

/// A connection, kept alive.
pub struct Connection(BufReader<TcpStream>);

impl Connection {
    /// A new one.
    pub fn open(address: SocketAddr) -> Self {
        Self::try_open(address).expect("the server accepts")
    }

    /// A new one, if the server accepts it.
    pub fn try_open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Asks, and waits for the answer.
    pub fn ask(&mut self, request: &Request) -> Answer {
        self.send(&request.bytes()).expect("sent");
        self.answer_to(&request.method)
    }

    /// Sends bytes, whatever they are.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.get_mut().write_all(bytes)
    }

    /// Sends no more, and still listens.
    pub fn finish(&mut self) {
        let done = self.0.get_ref().shutdown(Shutdown::Write);
        done.expect("a connection that is open");
    }

    /// The next answer, to anything but HEAD.
    pub fn answer(&mut self) -> Answer {
        self.answer_to("POST")
    }

    fn answer_to(&mut self, method: &str) -> Answer {
        self.try_answer(method)
            .expect("an answer")
            .expect("an answer before the connection ends")
    }

    /// The next answer, or none where the server ended the connection instead.
    pub fn try_answer(&mut self, method: &str) -> io::Result<Option<Answer>> {
        let Some(first) = self.line()? else {
            return Ok(None);
        };
        let status = first
            .strip_prefix("HTTP/1.1 ")
            .and_then(|rest| rest.get(..3)?.parse().ok())
            .ok_or_else(|| io::Error::other(format!("not a status line: {first:?}")))?;
        let mut headers = Vec::new();
        loop {
            match self.line()?.as_deref() {
                None => return Err(io::ErrorKind::UnexpectedEof.into()),
                Some("") => break,
                Some(line) => {
                    let (name, value) = line.split_once(':').expect("a header");
                    headers.push((name.to_owned(), value.trim().to_owned()));
                }
            }
        }
        let mut answer = Answer {
            status,
            headers,
            body: Vec::new(),
        };
        let has_body = method != "HEAD" && status != 204 && status >= 200;
        if has_body {
            let length = answer.header("content-length").expect("a length");
            answer.body = vec![0; length.parse().expect("a number")];
            self.0.read_exact(&mut answer.body)?;
        }
        Ok(Some(answer))
    }

    /// Whether the server ends the connection, and sends nothing more before it does.
    pub fn is_ended(&mut self) -> bool {
        match self.0.fill_buf() {
            Ok(more) => more.is_empty(),
            // Reset: there was something that the server did not read.
            Err(error) => !matches!(error.kind(), WouldBlock | TimedOut),
        }
    }

    fn line(&mut self) -> io::Result<Option<String>> {
        let mut line = String::new();
        if self.0.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        Ok(Some(line.trim_end_matches(['\r', '\n']).to_owned()))
    }
}
