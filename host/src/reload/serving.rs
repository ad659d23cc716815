//! Who serves a namespace, and what that was made from.

use std::sync::Arc;

use super::plan::TenantPlan;
use crate::registry::Tenant;
use crate::sandbox::{Component, Digest};

/// Who serves a namespace, and what that was made from.
pub(super) struct Serving {
    pub(super) tenant: Arc<Tenant>,
    pub(super) component: Option<Arc<Component>>,
    /// What was to serve: another component than the one that does, where that is the last good.
    pub(super) wanted: Option<Digest>,
    pub(super) plan: TenantPlan,
    /// Digests of the key files the keyring was made from.
    pub(super) keys: Vec<Option<Digest>>,
}

impl Serving {
    /// Nobody serves.
    pub(super) fn nothing(plan: &TenantPlan) -> Self {
        Self {
            tenant: Arc::new(Tenant::new(None, plan.undecodable)),
            component: None,
            wanted: None,
            plan: plan.clone(),
            keys: Vec::new(),
        }
    }

    /// Whether making it anew would make the same.
    pub(super) fn is_from(
        &self,
        plan: &TenantPlan,
        keys: &[Option<Digest>],
        component: Option<&Arc<Component>>,
    ) -> bool {
        let wanted = component.map(|component| component.digest);
        self.wanted == wanted && self.plan == *plan && self.keys == keys
    }
}
