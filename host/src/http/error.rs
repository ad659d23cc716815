//! Why a request is refused: the one place where causes become statuses.
//!
//! Two audiences, two texts. The caller's is fixed and short; only a codec's own words, which
//! it was told are shown, are passed on. What happened goes to the record.

use std::borrow::Cow;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};
use proto::json::JsonError;

use crate::sandbox::{BadReply, CallError, Oversized};
use crate::telemetry::Record;

/// Why there is no payload in the answer.
#[derive(Debug)]
pub(super) enum Refusal {
    /// A web page made the request that is not among the allowed origins.
    Origin,
    /// The path does not end in a verb.
    UnknownPath,
    /// The path does, and the method is not POST.
    Method,
    /// The path's namespace and the header's are two.
    NamespaceConflict,
    /// Two `X-Namespace` headers.
    TwoNamespaces,
    /// What stands for a namespace is none.
    InvalidNamespace,
    /// Nobody serves the namespace.
    UnknownNamespace,
    /// No namespace is named, and nobody serves those who name none.
    NoNamespace,
    /// `/download`, and no storage is configured.
    NoStorage,
    /// The body is not said to be JSON.
    MediaType,
    /// The body is compressed.
    ContentEncoding,
    /// The body is larger than it may be.
    TooLarge { limit: usize },
    /// Other large bodies leave no room for this one.
    NoRoom,
    /// The body did not arrive in time.
    SlowBody,
    /// The body ended before its end.
    BrokenBody,
    /// The body is not a `Payloads` in JSON.
    Json(JsonError),
    /// The namespace has no sound codec to call.
    NoCodec,
    /// The codec was called.
    Codec(CallError),
    /// The server has a bug.
    Crashed,
}

/// When a caller that was shed may come again, in seconds: slots free up in milliseconds.
const SOON: HeaderValue = HeaderValue::from_static("1");

/// When a codec that is unavailable, or not there at all, is worth another try, in seconds.
const LATER: HeaderValue = HeaderValue::from_static("5");

impl Refusal {
    /// The answer to the caller; the operator's part goes into the record.
    pub(super) fn answer(self, record: &mut Record) -> Response<Full<Bytes>> {
        record.cause = Some(self.cause());
        let status = self.status();
        let retry_after = self.retry_after();
        let closes = self.ends_connection();
        let allow = matches!(self, Self::Method);
        let text = self.text();
        record.bytes_out = text.len();
        let mut answer = Response::new(Full::new(match text {
            Cow::Borrowed(text) => Bytes::from_static(text.as_bytes()),
            Cow::Owned(text) => Bytes::from(text),
        }));
        *answer.status_mut() = status;
        let headers = answer.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("text/plain; charset=utf-8"),
        );
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if allow {
            headers.insert(ALLOW, HeaderValue::from_static("POST, OPTIONS"));
        }
        if let Some(after) = retry_after {
            headers.insert(RETRY_AFTER, after);
        }
        if closes {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        answer
    }

    /// Whether the rest of the body is not worth waiting for, so that nothing can follow it.
    pub(super) fn ends_connection(&self) -> bool {
        matches!(
            self,
            Self::SlowBody | Self::BrokenBody | Self::TooLarge { .. }
        )
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Origin => StatusCode::FORBIDDEN,
            Self::UnknownPath | Self::UnknownNamespace | Self::NoNamespace | Self::NoStorage => {
                StatusCode::NOT_FOUND
            }
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::NamespaceConflict
            | Self::TwoNamespaces
            | Self::InvalidNamespace
            | Self::BrokenBody
            | Self::Json(_)
            | Self::Codec(CallError::Invalid(_)) => StatusCode::BAD_REQUEST,
            Self::MediaType | Self::ContentEncoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::SlowBody => StatusCode::REQUEST_TIMEOUT,
            Self::NoRoom
            | Self::NoCodec
            | Self::Codec(CallError::Busy | CallError::Unavailable(_)) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Codec(CallError::Deadline) => StatusCode::GATEWAY_TIMEOUT,
            Self::Crashed
            | Self::Codec(
                CallError::OutOfMemory { .. }
                | CallError::Oversized(_)
                | CallError::Trapped { .. }
                | CallError::BadReply(_),
            ) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn retry_after(&self) -> Option<HeaderValue> {
        match self {
            Self::NoRoom | Self::Codec(CallError::Busy) => Some(SOON),
            Self::NoCodec | Self::Codec(CallError::Unavailable(_)) => Some(LATER),
            _ => None,
        }
    }

    /// What the caller reads.
    fn text(self) -> Cow<'static, str> {
        let text = match self {
            Self::Origin => "this origin is not allowed",
            Self::UnknownPath => "not found: the path ends in /encode or /decode",
            Self::Method => "use POST",
            Self::NamespaceConflict => "the path and X-Namespace name different namespaces",
            Self::TwoNamespaces => "X-Namespace was sent twice",
            Self::InvalidNamespace => "this is not a valid namespace name",
            Self::UnknownNamespace => "no codec serves this namespace",
            Self::NoNamespace => "the request names no namespace, and there is no fallback",
            Self::NoStorage => "no external storage is configured",
            Self::MediaType => "send application/json",
            Self::ContentEncoding => "send the body uncompressed",
            Self::TooLarge { limit } => {
                return Cow::Owned(format!("the body is larger than {limit} bytes"));
            }
            Self::NoRoom => "there are too many large requests at once",
            Self::SlowBody => "the body did not arrive in time",
            Self::BrokenBody => "the body is incomplete",
            Self::Json(error) => return Cow::Owned(format!("invalid JSON: {error}")),
            Self::NoCodec => "this namespace's codec could not be loaded",
            Self::Codec(CallError::Invalid(text) | CallError::Unavailable(text)) => {
                return Cow::Owned(text);
            }
            Self::Codec(CallError::Busy) => "this namespace's codec is busy",
            Self::Codec(CallError::Deadline) => "the codec took too long",
            Self::Codec(CallError::OutOfMemory { .. }) => "the codec ran out of memory",
            Self::Codec(CallError::Oversized(Oversized::Lifted)) => {
                "the codec's answer, or what it asks of the host, is too large"
            }
            Self::Codec(CallError::Oversized(Oversized::HostCall)) => {
                "what the codec asks of the host is too large"
            }
            Self::Codec(CallError::Trapped { .. }) => "the codec crashed",
            Self::Codec(CallError::BadReply(BadReply::TooLarge { .. } | BadReply::Entries)) => {
                "the codec's answer is too large"
            }
            Self::Codec(CallError::BadReply(_)) => "the codec's answer breaks the contract",
            Self::Crashed => "internal error",
        };
        Cow::Borrowed(text)
    }

    /// What the operator reads.
    fn cause(&self) -> String {
        match self {
            Self::Json(error) => format!("invalid JSON: {error}"),
            // A codec's own words are guest output; they are in the log at debug level.
            Self::Codec(CallError::Invalid(_)) => "codec: says that a payload is invalid".into(),
            Self::Codec(CallError::Unavailable(_)) => "codec: says that it is unavailable".into(),
            Self::Codec(error) => format!("codec: {error}"),
            Self::TooLarge { limit } => format!("body larger than {limit} bytes"),
            Self::Origin => "disallowed origin".into(),
            Self::UnknownPath => "unknown path".into(),
            Self::Method => "wrong method".into(),
            Self::NamespaceConflict => "path and header name different namespaces".into(),
            Self::TwoNamespaces => "two X-Namespace headers".into(),
            Self::InvalidNamespace => "invalid namespace name".into(),
            Self::UnknownNamespace => "unknown namespace".into(),
            Self::NoNamespace => "no namespace named, and no fallback".into(),
            Self::NoStorage => "no external storage".into(),
            Self::MediaType => "not JSON by its type".into(),
            Self::ContentEncoding => "compressed body".into(),
            Self::NoRoom => "large bodies take all of limits.bodies-bytes".into(),
            Self::SlowBody => "body deadline".into(),
            Self::BrokenBody => "incomplete body".into(),
            Self::NoCodec => "no codec loaded".into(),
            Self::Crashed => "a panic, which is a bug of the server's".into(),
        }
    }
}
