//! The floor: the server's HTTP stack, answering with the request's own body.

use std::convert::Infallible;

use bytes::Bytes;
use codec_host::limits::RequestLimits;
use codec_host::server::http_stack;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// Serves a connection until its other end hangs up.
pub(crate) async fn serve(stream: TcpStream) {
    stream.set_nodelay(true).expect("a socket option");
    let stack = http_stack(RequestLimits::default().header_deadline);
    // Whoever measures hangs up when it has.
    let _ = stack
        .serve_connection(TokioIo::new(stream), service_fn(echo))
        .await;
}

async fn echo(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = request.into_body().collect().await;
    let body = body.map(|body| body.to_bytes()).unwrap_or_default();
    Ok(Response::new(Full::new(body)))
}
