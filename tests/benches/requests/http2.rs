//! HTTP/2 from the driver's side: one connection, several streams at a time.

use std::net::SocketAddr;

use bytes::Bytes;
use h2::client::SendRequest;
use http::Request;
use tokio::net::TcpStream;

use crate::cases::Case;
use crate::drive;
use crate::servers::NAMESPACE;

/// More than an answer: nobody is to wait for the driver's permission.
const WINDOW: u32 = 16 << 20;

/// A stream after another that ask the same thing.
pub(crate) struct Client {
    connection: SendRequest<Bytes>,
    head: Request<()>,
    request: Bytes,
    body: Vec<u8>,
}

pub(crate) async fn clients(address: SocketAddr, case: &Case, count: usize) -> Vec<drive::Client> {
    let stream = TcpStream::connect(address).await.expect("a connection");
    stream.set_nodelay(true).expect("a socket option");
    let (connection, rest) = h2::client::Builder::new()
        .initial_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .handshake(stream)
        .await
        .expect("HTTP/2");
    tokio::spawn(rest);
    let head = Request::post(format!("http://{address}/{}", case.verb))
        .header("content-type", "application/json")
        .header("x-namespace", NAMESPACE)
        .header("content-length", case.body.len())
        .body(())
        .expect("a head");
    let client = || Client {
        connection: connection.clone(),
        head: head.clone(),
        request: Bytes::from(case.body.clone()),
        body: Vec::new(),
    };
    (0..count)
        .map(|_| drive::Client::Http2(Box::new(client())))
        .collect()
}

impl Client {
    /// Asks, and answers the body of a 200.
    pub(crate) async fn ask(&mut self) -> &[u8] {
        self.body.clear();
        let connection = self.connection.clone().ready().await;
        let (answer, mut request) = connection
            .expect("the server reads")
            .send_request(self.head.clone(), false)
            .expect("sent");
        request.send_data(self.request.clone(), true).expect("sent");
        let (head, mut body) = answer.await.expect("an answer").into_parts();
        assert_eq!(head.status, 200);
        while let Some(data) = body.data().await {
            let data = data.expect("the whole answer");
            self.body.extend_from_slice(&data);
            let released = body.flow_control().release_capacity(data.len());
            released.expect("what was received can be released");
        }
        &self.body
    }
}
