//! Which web pages may call: cross-origin resource sharing, as the Web UI needs it.
//!
//! Origins are compared whole and byte by byte. It says nothing about callers that send no
//! `Origin`: those are not pages.

use std::fmt;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE, ALLOW, HeaderName, HeaderValue, ORIGIN,
    VARY,
};
use hyper::{HeaderMap, Response, StatusCode};

use crate::protocol::{ALLOWED_HEADERS, ALLOWED_METHODS};

/// How long a browser may remember a preflight, in seconds. The Web UI makes a request per
/// payload, each to a URL of few; two hours is the most that Chrome honours.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");

/// Asked by browsers before a public page may reach a private address.
const REQUEST_PRIVATE_NETWORK: HeaderName =
    HeaderName::from_static("access-control-request-private-network");
const ALLOW_PRIVATE_NETWORK: HeaderName =
    HeaderName::from_static("access-control-allow-private-network");

/// Where Web UIs are: Temporal Cloud's, the CLI's development server, and a local one.
const WEB_UIS: [&str; 4] = [
    "https://cloud.temporal.io",
    "http://localhost:8233",
    "http://127.0.0.1:8233",
    "http://localhost:8080",
];

/// Which pages may call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cors {
    /// Their origins.
    pub origins: Vec<Origin>,
    /// Whether pages may send cookies along.
    pub credentials: bool,
}

impl Default for Cors {
    fn default() -> Self {
        let origins = WEB_UIS
            .iter()
            .map(|origin| Origin(HeaderValue::from_static(origin)));
        Self {
            origins: origins.collect(),
            credentials: false,
        }
    }
}

/// The origin of a web page: `https://host` or `http://host:port`, exactly as browsers send it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(HeaderValue);

/// Not an origin; the text says what one looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidOrigin;

impl Origin {
    /// The origin, if it is written as browsers write it: lower case, without a path, and
    /// without the scheme's own port.
    pub fn parse(text: &str) -> Result<Self, InvalidOrigin> {
        let (host, default_port) =
            match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
                (Some(host), _) => (host, ":443"),
                (_, Some(host)) => (host, ":80"),
                _ => return Err(InvalidOrigin),
            };
        let uri: hyper::Uri = text.parse().map_err(|_| InvalidOrigin)?;
        let authority = uri.authority().ok_or(InvalidOrigin)?;
        if authority.as_str() != host
            || host.contains(['@', '*'])
            || host.ends_with(default_port)
            || host.ends_with(':')
            || host != host.to_ascii_lowercase()
        {
            return Err(InvalidOrigin);
        }
        HeaderValue::from_str(text)
            .map(Self)
            .map_err(|_| InvalidOrigin)
    }
}

impl fmt::Display for InvalidOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "an origin is what browsers send: https://host or http://host:port, in lower case, \
             without a path and without the scheme's own port",
        )
    }
}

impl Cors {
    /// What is to become of a request with those headers.
    pub(super) fn judge(&self, headers: &HeaderMap) -> Verdict {
        let mut origins = headers.get_all(ORIGIN).iter();
        let Some(origin) = origins.next() else {
            return Verdict::NoPage;
        };
        if origins.next().is_some() || !self.origins.iter().any(|allowed| allowed.0 == *origin) {
            return Verdict::Disallowed;
        }
        Verdict::Allowed {
            origin: origin.clone(),
            credentials: self.credentials,
            private_network: headers
                .get(REQUEST_PRIVATE_NETWORK)
                .is_some_and(|value| value == "true"),
        }
    }
}

/// What is to become of a request, by its `Origin`.
pub(super) enum Verdict {
    /// No page made it.
    NoPage,
    /// A page made it that may.
    Allowed {
        origin: HeaderValue,
        credentials: bool,
        private_network: bool,
    },
    /// A page made it that may not.
    Disallowed,
}

impl Verdict {
    pub(super) fn is_allowed(&self) -> bool {
        !matches!(self, Self::Disallowed)
    }

    /// Puts on the answer what lets the page read it.
    pub(super) fn stamp(self, headers: &mut HeaderMap) {
        headers.insert(VARY, HeaderValue::from_static("Origin"));
        if let Self::Allowed {
            origin,
            credentials,
            private_network,
        } = self
        {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            if credentials {
                headers.insert(
                    ACCESS_CONTROL_ALLOW_CREDENTIALS,
                    HeaderValue::from_static("true"),
                );
            }
            if private_network {
                headers.insert(ALLOW_PRIVATE_NETWORK, HeaderValue::from_static("true"));
            }
        }
    }
}

/// The answer to a preflight, before the verdict's headers are on it.
pub(super) fn preflight() -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = StatusCode::NO_CONTENT;
    let headers = answer.headers_mut();
    headers.insert(
        ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static(ALLOWED_METHODS),
    );
    headers.insert(
        ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static(ALLOWED_HEADERS),
    );
    headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    headers.insert(ALLOW, HeaderValue::from_static("POST, OPTIONS"));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_what_browsers_send_and_nothing_like_it() {
        let check = |text: &str, expected: bool| {
            assert_eq!(Origin::parse(text).is_ok(), expected, "{text}");
        };
        check("https://cloud.temporal.io", true);
        check("http://localhost:8233", true);
        check("http://[::1]:8080", true);
        check("https://cloud.temporal.io/", false);
        check("https://cloud.temporal.io/path", false);
        check("https://Cloud.temporal.io", false);
        check("https://cloud.temporal.io:443", false);
        check("http://localhost:80", false);
        check("http://localhost:", false);
        check("https://user@host", false);
        check("https://*.temporal.io", false);
        check("*", false);
        check("null", false);
        check("cloud.temporal.io", false);
        check("ftp://host", false);
    }

    #[test]
    fn origins_are_compared_whole() {
        let cors = Cors::default();
        let check = |origins: &[&str], expected: bool| {
            let mut headers = HeaderMap::new();
            for origin in origins {
                headers.append(ORIGIN, origin.parse().expect("a header value"));
            }
            assert_eq!(cors.judge(&headers).is_allowed(), expected, "{origins:?}");
        };
        check(&[], true);
        check(&["https://cloud.temporal.io"], true);
        check(&["http://cloud.temporal.io"], false);
        check(&["https://cloud.temporal.io.evil.example"], false);
        check(&["https://evil.example/https://cloud.temporal.io"], false);
        check(&["https://CLOUD.temporal.io"], false);
        check(&["http://localhost:8234"], false);
        check(&["http://localhost"], false);
        check(&["null"], false);
        check(&[""], false);
        check(
            &["https://cloud.temporal.io", "https://cloud.temporal.io"],
            false,
        );
    }
}
