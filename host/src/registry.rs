//! Which codec serves which namespace, at this moment.
//!
//! A request takes one [`Tenants`] and keeps it to its end; a reload swaps in the next one.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;

use crate::auth::Grant;
use crate::namespace::Namespace;
use crate::sandbox::{CallError, Codec, Decoded};

/// The current [`Tenants`].
#[derive(Default)]
pub struct Registry(ArcSwap<Tenants>);

impl Registry {
    /// What is served now.
    pub fn tenants(&self) -> Arc<Tenants> {
        self.0.load_full()
    }

    /// What is served from now on; requests in flight finish on what they began with.
    pub fn swap(&self, tenants: Tenants) {
        self.0.store(Arc::new(tenants));
    }
}

/// Every namespace that is listed, and who serves the others.
#[derive(Default)]
pub struct Tenants {
    listed: HashMap<Namespace<'static>, Arc<Tenant>>,
    fallback: Option<Arc<Tenant>>,
}

impl Tenants {
    /// These namespaces, and this fallback for names that are not among them.
    pub fn new(
        listed: HashMap<Namespace<'static>, Arc<Tenant>>,
        fallback: Option<Arc<Tenant>>,
    ) -> Self {
        Self { listed, fallback }
    }

    /// Whether a namespace of that name is configured or has a component of its own.
    pub fn lists(&self, name: &str) -> bool {
        self.listed.contains_key(name)
    }

    /// Who serves the namespace of the grant.
    pub fn tenant(&self, grant: &Grant<'_>) -> Option<&Arc<Tenant>> {
        grant
            .namespace()
            .and_then(|namespace| self.listed.get(namespace.as_str()))
            .or(self.fallback.as_ref())
    }

    /// Every listed namespace, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&Namespace<'static>, &Arc<Tenant>)> {
        self.listed.iter()
    }

    /// Drops the instances of all codecs that have waited for another call for too long.
    pub fn drop_aged(&self) {
        let tenants = self.listed.values().chain(&self.fallback);
        tenants
            .filter_map(|tenant| tenant.codec())
            .for_each(Codec::drop_aged);
    }

    /// Who serves the names that are not listed.
    pub fn fallback(&self) -> Option<&Arc<Tenant>> {
        self.fallback.as_ref()
    }
}

/// What becomes of a payload that the codec calls invalid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Undecodable {
    /// The request fails.
    #[default]
    Fail,
    /// It comes back as it was, its neighbours decoded.
    PassThrough,
}

/// A namespace that is served, or the fallback.
pub struct Tenant {
    codec: Option<Codec>,
    undecodable: Undecodable,
    passed_through: AtomicU64,
}

impl Tenant {
    /// A tenant. Without a codec, for which there never was a sound artifact, its requests
    /// are answered with 503.
    pub fn new(codec: Option<Codec>, undecodable: Undecodable) -> Self {
        Self {
            codec,
            undecodable,
            passed_through: AtomicU64::new(0),
        }
    }

    /// Its codec, where it has one.
    pub fn codec(&self) -> Option<&Codec> {
        self.codec.as_ref()
    }

    /// Decodes, and does with undecodable payloads what the tenant's owner chose.
    pub async fn decode(
        &self,
        codec: &Codec,
        namespace: Option<&str>,
        payloads: proto::Batch,
    ) -> Result<Decoded, CallError> {
        let decoded = match self.undecodable {
            Undecodable::Fail => codec.decode(namespace, payloads).await?,
            Undecodable::PassThrough => codec.decode_passing_through(namespace, payloads).await?,
        };
        self.passed_through
            .fetch_add(decoded.undecodable as u64, Ordering::Relaxed);
        Ok(decoded)
    }

    /// How many undecodable payloads it has handed back as they came.
    pub fn passed_through(&self) -> u64 {
        self.passed_through.load(Ordering::Relaxed)
    }
}
