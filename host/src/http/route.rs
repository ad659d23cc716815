//! What a request asks for, and for which namespace.
//!
//! The rules are the protocol's: the last segment of the path is the verb, at any depth; empty
//! segments do not count, since clients concatenate; nothing is ever redirected or cleaned up.

use hyper::{HeaderMap, Method};

use super::error::Refusal;
use crate::namespace::Namespace;
use crate::protocol::{Verb, X_NAMESPACE};
use crate::registry::Tenants;

/// A path that ends in a verb, asked for with the right method.
#[derive(Debug, PartialEq)]
pub(super) struct Route<'a> {
    pub(super) verb: Verb,
    /// The segment before the verb: a namespace, or the end of a mount prefix.
    segment: Option<&'a str>,
}

impl<'a> Route<'a> {
    /// The route of that method and path.
    pub(super) fn parse(method: &Method, path: &'a str) -> Result<Self, Refusal> {
        let mut segments = path.rsplit('/').filter(|segment| !segment.is_empty());
        let verb = segments
            .next()
            .and_then(Verb::parse)
            .ok_or(Refusal::UnknownPath)?;
        if method != Method::POST {
            return Err(Refusal::Method);
        }
        Ok(Self {
            verb,
            segment: segments.next(),
        })
    }

    /// The namespace that is meant: the segment where it is listed, else the header, else the
    /// segment; none where there is neither. A listed segment and another name in the header
    /// contradict each other, and nobody may be authorised on one and served on the other.
    pub(super) fn namespace<'h>(
        &self,
        headers: &'h HeaderMap,
        tenants: &Tenants,
    ) -> Result<Option<Namespace<'h>>, Refusal>
    where
        'a: 'h,
    {
        let header = header(headers)?;
        let listed = self.segment.filter(|segment| tenants.lists(segment));
        match (listed, header) {
            (Some(segment), Some(header)) if header.as_str() != segment => {
                Err(Refusal::NamespaceConflict)
            }
            (_, Some(header)) => Ok(Some(header)),
            (_, None) => {
                let named = self.segment.map(Namespace::parse).transpose();
                named.map_err(|_| Refusal::InvalidNamespace)
            }
        }
    }
}

fn header(headers: &HeaderMap) -> Result<Option<Namespace<'_>>, Refusal> {
    // The CLI sends an empty one where it was not told a namespace.
    let mut values = headers
        .get_all(X_NAMESPACE)
        .iter()
        .filter(|value| !value.is_empty());
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(Refusal::TwoNamespaces);
    }
    let name = value.to_str().map_err(|_| Refusal::InvalidNamespace)?;
    Namespace::parse(name)
        .map(Some)
        .map_err(|_| Refusal::InvalidNamespace)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Arc;

    use super::*;
    use crate::registry::{Tenant, Undecodable};

    #[test]
    fn the_last_segment_is_the_verb_at_any_depth() {
        let check = |path: &str, expected: Option<(Verb, Option<&str>)>| {
            let route = Route::parse(&Method::POST, path).ok();
            assert_eq!(
                route.map(|route| (route.verb, route.segment)),
                expected,
                "{path}"
            );
        };
        check("/decode", Some((Verb::Decode, None)));
        check("//decode", Some((Verb::Decode, None)));
        check("/a/b//c/encode", Some((Verb::Encode, Some("c"))));
        check("/decode/", Some((Verb::Decode, None)));
        check("/decode/encode", Some((Verb::Encode, Some("decode"))));
        check("/x/download", Some((Verb::Download, Some("x"))));
        check("/", None);
        check("", None);
        check("/Decode", None);
        check("/decode%20", None);
        check("/decode/x", None);
        check("/xdecode", None);
    }

    #[test]
    fn a_known_path_is_told_apart_from_a_wrong_method() {
        let check = |method: Method, path: &str, expected: fn(&Refusal) -> bool| {
            let refusal = Route::parse(&method, path).expect_err("refused");
            assert!(expected(&refusal), "{method} {path}: {refusal:?}");
        };
        check(Method::GET, "/decode", |r| matches!(r, Refusal::Method));
        check(Method::PUT, "/x/encode", |r| matches!(r, Refusal::Method));
        check(Method::GET, "/", |r| matches!(r, Refusal::UnknownPath));
        check(Method::POST, "/decodes", |r| {
            matches!(r, Refusal::UnknownPath)
        });
    }

    #[test]
    fn the_namespace_is_resolved_in_the_protocols_order() {
        let tenant = || Arc::new(Tenant::new(None, Undecodable::Fail));
        let listed = ["default", "payments.acct"].map(|name| {
            (
                Namespace::parse(name).expect("a name").into_owned(),
                tenant(),
            )
        });
        let tenants = Tenants::new(HashMap::from(listed), None);
        let check = |path: &str, header: Option<&str>, expected: Result<Option<&str>, &str>| {
            let mut headers = HeaderMap::new();
            if let Some(header) = header {
                headers.insert(X_NAMESPACE, header.parse().expect("a header value"));
            }
            let route = Route::parse(&Method::POST, path).expect("a route");
            let found = route.namespace(&headers, &tenants);
            let found = found
                .as_ref()
                .map(|name| name.as_ref().map(Namespace::as_str));
            let found = found.map_err(|refusal| match refusal {
                Refusal::NamespaceConflict => "conflict",
                Refusal::InvalidNamespace => "invalid",
                _ => "other",
            });
            assert_eq!(found, expected, "{path} {header:?}");
        };
        check("/default/decode", None, Ok(Some("default")));
        check("/default/decode", Some("default"), Ok(Some("default")));
        check("/default/decode", Some("other"), Err("conflict"));
        check("/default/decode", Some("payments.acct"), Err("conflict"));
        check("/default/decode", Some("a/b"), Err("invalid"));
        check("/codec/decode", Some("default"), Ok(Some("default")));
        check("/codec/decode", Some("unlisted"), Ok(Some("unlisted")));
        check("/codec/decode", None, Ok(Some("codec")));
        check("/a/default/x/decode", Some("other"), Ok(Some("other")));
        check("/a%20b/decode", Some("default"), Ok(Some("default")));
        check("/a%20b/decode", None, Err("invalid"));
        check("/../decode", None, Err("invalid"));
        check("/decode", None, Ok(None));
        check("/decode", Some(""), Ok(None));
        check("/codec/decode", Some(""), Ok(Some("codec")));
        check("/decode", Some("DEFAULT"), Ok(Some("DEFAULT")));
    }

    #[test]
    fn two_namespace_headers_are_refused_even_when_they_agree() {
        let mut headers = HeaderMap::new();
        headers.append(X_NAMESPACE, "default".parse().expect("a header value"));
        headers.append(X_NAMESPACE, "default".parse().expect("a header value"));
        assert!(matches!(header(&headers), Err(Refusal::TwoNamespaces)));
    }
}
