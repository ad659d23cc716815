//! The body of a request, received within bounds.

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::HeaderMap;
use hyper::body::{Body, Incoming};
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, EXPECT};
use tokio::time::timeout;

use super::error::Refusal;
use super::room::Share;
use crate::limits::{HERE_BYTES, RequestLimits};

/// The most that is reserved on a sender's word, which is what Temporal's largest blob (2 MiB) is in
/// base64; more is reserved as it arrives.
const TRUSTED_LENGTH: usize = 3 << 20;

/// How many times the limit is read and dropped of a body that is too large, so that a client
/// which sends all before it reads gets to see why it was refused.
const DRAIN_FACTOR: usize = 4;

/// Refuses a body that is not said to be JSON, or is compressed. Nothing said is accepted.
pub(super) fn check_type(headers: &HeaderMap) -> Result<(), Refusal> {
    let is_json = |value: &str| {
        let essence = value.split_once(';').map_or(value, |(essence, _)| essence);
        essence.trim().eq_ignore_ascii_case("application/json")
    };
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    if !types.all(|value| value.to_str().is_ok_and(is_json)) {
        return Err(Refusal::MediaType);
    }
    let encoded = headers
        .get(CONTENT_ENCODING)
        .is_some_and(|value| value != "identity");
    if encoded {
        Err(Refusal::ContentEncoding)
    } else {
        Ok(())
    }
}

/// The whole body, in its share of the room.
pub(super) async fn read(
    headers: &HeaderMap,
    body: &mut Incoming,
    limits: &RequestLimits,
    share: &mut Share<'_>,
) -> Result<Bytes, Refusal> {
    let received = timeout(limits.body_deadline, receive(headers, body, limits, share)).await;
    received.unwrap_or(Err(Refusal::SlowBody))
}

async fn receive(
    headers: &HeaderMap,
    body: &mut Incoming,
    limits: &RequestLimits,
    share: &mut Share<'_>,
) -> Result<Bytes, Refusal> {
    let limit = limits.body_bytes;
    // A body that is allowed has room where it is alone.
    let room = limits.bodies_bytes.max(limit);
    let declared = body.size_hint().exact().unwrap_or(0);
    if declared > limit as u64 {
        // Whoever asked before sending has nothing to be drained.
        if !headers.contains_key(EXPECT) {
            drain(body, limit.saturating_mul(DRAIN_FACTOR)).await;
        }
        return Err(Refusal::TooLarge { limit });
    }
    let Some(first) = next(body).await? else {
        return Ok(Bytes::new());
    };
    // Most bodies are one frame, and need no second buffer; small ones are dealt with right away.
    let is_whole = body.is_end_stream() && first.len() <= limit;
    if is_whole && first.len() <= HERE_BYTES {
        return Ok(first);
    }
    if let Err(refusal) = share.grow(first.len(), room) {
        drop(first);
        return refuse(body, limit, refusal).await;
    }
    if is_whole {
        return Ok(first);
    }
    let declared = usize::try_from(declared).unwrap_or(0);
    let mut whole = BytesMut::with_capacity(declared.min(TRUSTED_LENGTH).max(first.len()));
    whole.extend_from_slice(&first);
    drop(first);
    while let Some(more) = next(body).await? {
        if whole.len() + more.len() > limit {
            return refuse(body, limit, Refusal::TooLarge { limit }).await;
        }
        if let Err(refusal) = share.grow(whole.len() + more.len(), room) {
            drop(whole);
            return refuse(body, limit, refusal).await;
        }
        whole.extend_from_slice(&more);
    }
    if whole.len() > limit {
        return Err(Refusal::TooLarge { limit });
    }
    Ok(whole.freeze())
}

/// Reads and drops a body that nobody wants, beside its answer, within the same bounds. A
/// connection that is closed with bytes unread is reset, and a reset can take the answer with it.
pub(super) fn discard(headers: &HeaderMap, mut body: Incoming, limits: &RequestLimits) {
    // Whoever asked before sending sends nothing.
    if body.is_end_stream() || headers.contains_key(EXPECT) {
        return;
    }
    let allowance = limits.body_bytes.saturating_mul(DRAIN_FACTOR);
    let deadline = limits.body_deadline;
    tokio::spawn(async move {
        // Where time runs out, the connection ends as it would have without this.
        let _ = timeout(deadline, drain(&mut body, allowance)).await;
    });
}

/// Refuses a body that is under way, after the rest of it.
async fn refuse(body: &mut Incoming, limit: usize, refusal: Refusal) -> Result<Bytes, Refusal> {
    drain(body, limit.saturating_mul(DRAIN_FACTOR)).await;
    Err(refusal)
}

async fn next(body: &mut Incoming) -> Result<Option<Bytes>, Refusal> {
    loop {
        match body.frame().await {
            None => return Ok(None),
            Some(Err(_)) => return Err(Refusal::BrokenBody),
            // Trailers say nothing that is asked here.
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => return Ok(Some(data)),
                Err(_) => continue,
            },
        }
    }
}

async fn drain(body: &mut Incoming, mut allowance: usize) {
    while let Ok(Some(data)) = next(body).await {
        match allowance.checked_sub(data.len()) {
            Some(rest) => allowance = rest,
            None => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_json_or_nothing_is_a_type() {
        let check = |types: &[&str], expected: bool| {
            let mut headers = HeaderMap::new();
            for value in types {
                headers.append(CONTENT_TYPE, value.parse().expect("a header value"));
            }
            assert_eq!(check_type(&headers).is_ok(), expected, "{types:?}");
        };
        check(&[], true);
        check(&["application/json"], true);
        check(&["Application/JSON; charset=utf-8"], true);
        check(&["application/json ;charset=utf-8"], true);
        check(&["text/plain"], false);
        check(&["application/jsonp"], false);
        check(&["application/json, text/plain"], false);
        check(&["application/json", "text/plain"], false);
        check(&[""], false);
    }
}
