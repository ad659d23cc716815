//! The way of a request, from its head to its answer.
//!
//! The order of the checks is the security posture; each says what it answers when it fails.
//!
//! 1. **cors**: a preflight is answered with 204, a disallowed `Origin` stops here with 403.
//!    Whatever happens next, the verdict's headers go on the answer, or a browser hides it.
//! 2. **route**: method and path give the verb, or 404 and 405.
//! 3. **namespace**: the path's segment or `X-Namespace` gives the name, or 400.
//! 4. **auth**: gives the [`Grant`] that everything after asks for. (No rules yet.)
//! 5. **registry**: the namespace's tenant, or 404; after auth, so that names can't be probed.
//! 6. **payloads**: type and size of the body, or 415, 413 and 408; room for it, or 503.
//! 7. **codec**: its JSON, or 400; a call in the sandbox, unless all of it is foreign to the codec
//!    by its own word, or 400, 500, 503 and 504; and the reply as JSON, with 200. Large bodies
//!    and slow codecs have this done aside.
//!
//! How connections come and go is [`crate::server`]'s business.

mod cors;
mod error;
mod payloads;
mod room;
mod route;

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};
use tokio::task::yield_now;

use crate::auth::Grant;
use crate::lanes::Lanes;
use crate::limits::{HERE_BYTES, RequestLimits};
use crate::namespace::Namespace;
use crate::protocol::Verb;
use crate::registry::{Registry, Tenant};
use crate::sandbox::Codec;
use crate::telemetry::{Outcome, Record};
pub use cors::{Cors, InvalidOrigin, Origin};
use error::Refusal;
pub use proto::json::UnknownFields;
use room::Room;
use route::Route;

/// What the configuration says about requests.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Which pages may call.
    pub cors: Cors,
    /// What becomes of fields that this version of the protocol does not know.
    pub unknown_fields: UnknownFields,
    /// How much, and how slowly.
    pub limits: RequestLimits,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            cors: Cors::default(),
            // Newer Temporal versions add fields.
            unknown_fields: UnknownFields::Ignore,
            limits: RequestLimits::default(),
        }
    }
}

/// Answers requests.
pub struct Http {
    registry: Arc<Registry>,
    policy: ArcSwap<Policy>,
    lanes: Lanes,
    room: Room,
    is_ending: AtomicBool,
}

type Answer = Response<Full<Bytes>>;

impl Http {
    /// Answers from that registry, by that policy.
    pub fn new(registry: Arc<Registry>, policy: Policy, lanes: Lanes) -> Self {
        Self {
            registry,
            policy: ArcSwap::from_pointee(policy),
            lanes,
            room: Room::default(),
            is_ending: AtomicBool::new(false),
        }
    }

    /// Changes the policy; requests in flight finish by the one they began with.
    pub fn set_policy(&self, policy: Policy) {
        self.policy.store(Arc::new(policy));
    }

    /// The policy now.
    pub fn policy(&self) -> Arc<Policy> {
        self.policy.load_full()
    }

    /// From now on an answer is the last one of its connection, and says so.
    pub fn end(&self) {
        self.is_ending.store(true, Ordering::Relaxed);
    }

    /// Answers one request. Failure is an answer too.
    pub async fn answer(&self, request: Request<Incoming>) -> Result<Answer, Infallible> {
        let mut record = Record::start();
        let policy = self.policy();
        let verdict = policy.cors.judge(request.headers());
        let mut answer = if !verdict.is_allowed() {
            let (head, body) = request.into_parts();
            payloads::discard(&head.headers, body, &policy.limits);
            Refusal::Origin.answer(&mut record)
        } else if request.method() == Method::OPTIONS {
            record.verb = "preflight";
            cors::preflight()
        } else {
            let (head, mut body) = request.into_parts();
            match self.serve(&head, &mut body, &policy, &mut record).await {
                Ok(body) => {
                    record.bytes_out = body.len();
                    ok(body)
                }
                Err(refusal) => {
                    if !refusal.ends_connection() {
                        payloads::discard(&head.headers, body, &policy.limits);
                    }
                    refusal.answer(&mut record)
                }
            }
        };
        verdict.stamp(answer.headers_mut());
        if self.is_ending.load(Ordering::Relaxed) {
            let last = HeaderValue::from_static("close");
            answer.headers_mut().insert(CONNECTION, last);
        }
        record.finish(answer.status().as_u16());
        Ok(answer)
    }

    async fn serve(
        &self,
        head: &Parts,
        body: &mut Incoming,
        policy: &Policy,
        record: &mut Record,
    ) -> Result<Vec<u8>, Refusal> {
        let route = Route::parse(&head.method, head.uri.path())?;
        record.verb = route.verb.as_str();
        let tenants = self.registry.tenants();
        let namespace = route.namespace(&head.headers, &tenants)?;
        if let Some(namespace) = &namespace {
            record.name(namespace.as_str());
        }
        let grant = Grant::open(route.verb, namespace);
        let tenant = tenants.tenant(&grant).ok_or(match grant.namespace() {
            Some(_) => Refusal::UnknownNamespace,
            None => Refusal::NoNamespace,
        })?;
        let verb = match grant.verb() {
            Verb::Download => return Err(Refusal::NoStorage),
            verb @ (Verb::Encode | Verb::Decode) => verb,
        };

        payloads::check_type(&head.headers)?;
        // Until the answer is made.
        let mut share = self.room.share();
        let body = payloads::read(&head.headers, body, &policy.limits, &mut share).await?;
        record.bytes_in = body.len();
        let codec = tenant.codec().ok_or(Refusal::NoCodec)?;
        let is_long = body.len() > HERE_BYTES || codec.is_slow();
        let work = Work {
            tenant: Arc::clone(tenant),
            verb,
            namespace: grant.into_namespace().map(Namespace::into_owned),
            unknown_fields: policy.unknown_fields,
        };
        let done = if is_long {
            self.lanes.aside(work.run(body)).await
        } else {
            let done = self.lanes.begin_here(work.run(body)).await;
            // All that are ready are worked on before one is answered: what a sandbox needs of a
            // core's caches would else be fetched anew for each.
            if done.as_ref().is_ok_and(|(outcome, _)| outcome.called) {
                yield_now().await;
            }
            done
        };
        let (outcome, coded) = done.map_err(|_| Refusal::Crashed)?;
        record.outcome = outcome;
        coded
    }
}

/// What a request asks of a codec.
struct Work {
    tenant: Arc<Tenant>,
    verb: Verb,
    namespace: Option<Namespace<'static>>,
    unknown_fields: UnknownFields,
}

impl Work {
    /// JSON in, JSON out, and what there is to be recorded of it.
    async fn run(self, body: Bytes) -> (Outcome, Result<Vec<u8>, Refusal>) {
        let mut outcome = Outcome::default();
        let coded = self.code(body, &mut outcome).await;
        (outcome, coded)
    }

    async fn code(&self, body: Bytes, outcome: &mut Outcome) -> Result<Vec<u8>, Refusal> {
        let payloads = proto::json::read(&body, self.unknown_fields).map_err(Refusal::Json)?;
        drop(body);
        outcome.payloads = payloads.len();
        let codec = self.tenant.codec().ok_or(Refusal::NoCodec)?;
        if Record::wanted() {
            outcome.codec = Some(name(codec));
        }
        let namespace = self.namespace.as_ref().map(Namespace::as_str);
        let called = match self.verb {
            Verb::Encode => {
                outcome.called = true;
                codec.encode(namespace, &payloads).await
            }
            Verb::Decode | Verb::Download => {
                let decoded = self.tenant.decode(codec, namespace, payloads).await;
                decoded.map(|decoded| {
                    outcome.called = decoded.called;
                    outcome.undecodable = decoded.undecodable;
                    outcome.undecodable_total = self.tenant.passed_through();
                    decoded.payloads
                })
            }
        };
        let payloads = called.map_err(|error| {
            outcome.codec = Some(name(codec));
            Refusal::Codec(error)
        })?;
        Ok(proto::json::write(&payloads))
    }
}

fn name(codec: &Codec) -> String {
    codec.component().digest.short()
}

fn ok(body: Vec<u8>) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() = StatusCode::OK;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}
