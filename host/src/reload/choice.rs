//! Which component is to serve a namespace: what its source has now, or the last good one.

use std::sync::Arc;

use super::components::Loaded;
use super::plan::{ComponentSource, Seat, TenantPlan};
use super::serving::Serving;
use super::{Matter, Reload, Watched, place};
use crate::sandbox::Component;

impl Reload {
    /// The component that is to serve: the one its source has now, if it is fit; else the one
    /// that served before, in this process or the last one.
    pub(super) fn component(
        &mut self,
        seat: &Seat,
        plan: &TenantPlan,
        before: Option<&Serving>,
    ) -> Option<Arc<Component>> {
        let last_good = before.and_then(|before| before.component.clone());
        let last_good = last_good.filter(|good| good.unfit_within(&plan.limits).is_none());
        let built_in = ComponentSource::BuiltIn;
        let source = plan.component.as_ref().unwrap_or(&built_in);
        let digest = match source {
            ComponentSource::BuiltIn => Ok(self.built_in),
            ComponentSource::File(path) => self.look_at(path),
        };
        let loaded = digest.map(|digest| self.components.find(digest, source));
        let wrong = match loaded {
            Ok(Loaded::Fit(component)) => match component.unfit_within(&plan.limits) {
                Some(wrong) => wrong,
                None => {
                    let component = Arc::clone(component);
                    self.complaints.remove(&(seat.clone(), Matter::Component));
                    return Some(component);
                }
            },
            // A start waits for it.
            Ok(Loaded::Pending) if !self.following => return last_good,
            Ok(Loaded::Pending) => return last_good.or_else(|| self.recover(seat, plan)),
            Ok(Loaded::Unfit(unfit) | Loaded::Later(unfit, _)) => unfit.to_string(),
            Err(error) => error,
        };
        let last_good = last_good.or_else(|| self.recover(seat, plan));
        if self.is_settled(plan) {
            let text = format!("{source} {wrong}");
            self.complain(seat, Matter::Component, text, last_good.is_some());
        }
        last_good
    }

    /// The component that last came from the same place, if the cache still has it.
    fn recover(&mut self, seat: &Seat, plan: &TenantPlan) -> Option<Arc<Component>> {
        let place = place(seat, plan)?;
        if self.recovered.contains(&place) {
            return None;
        }
        let component = self.loader.recover(&place);
        let component = component.filter(|good| good.unfit_within(&plan.limits).is_none());
        self.recovered.insert(place);
        if let Some(component) = &component {
            tracing::warn!(%seat, codec = component.digest.short(), "serving the last good artifact of before the restart");
        }
        component
    }

    /// Whether the component's file is likely complete: one that is still being written is
    /// unfit too, and nobody wants to read that.
    fn is_settled(&self, plan: &TenantPlan) -> bool {
        match &plan.component {
            Some(ComponentSource::File(path)) if self.following => {
                self.files.get(path).is_none_or(Watched::is_settled)
            }
            _ => true,
        }
    }

    /// Whether a component is on its way that nothing is known against. At start nobody was
    /// served by anything else before.
    pub(super) fn is_underway(&self, seat: &Seat) -> bool {
        let about = (seat.clone(), Matter::Component);
        self.following && !self.complaints.contains_key(&about)
    }
}
