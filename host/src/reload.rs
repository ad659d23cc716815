//! Keeps the registry true to its sources: configuration, keys and components on disk.
//!
//! What counts is a file's content, by its digest. Files are looked at on a short interval and
//! read when their metadata changed; there are no file events, because the interval is needed
//! anyway (network file systems, container mounts) and quick enough alone. A component that is
//! unfit leaves the last good one serving, also over a restart. Nothing here runs on a thread
//! that serves requests.

mod choice;
mod components;
mod directory;
mod plan;
mod serving;
mod source;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Builder;

use crate::keyring::KeyPlace;
use crate::limits::{POLL, POLL_SHARE};
use crate::registry::{Registry, Tenant, Tenants};
use crate::sandbox::{CallError, Codec, Component, Digest, Loader, Tenancy};
use components::Components;
use directory::Directory;
use plan::Seat;
pub use plan::{ComponentSource, KeyringPlan, Plan, TenantPlan};
use serving::Serving;
pub use source::Watched;

/// The codec we ship, which serves where no other component is named.
pub static BUILT_IN: &[u8] = include_bytes!(env!("BUILT_IN_CODEC"));

/// Where the next configuration comes from: asked on every look, answers when there is one.
pub type NextPlan = Box<dyn FnMut() -> Option<Plan> + Send>;

/// Keeps a registry true to a plan.
pub struct Reload {
    loader: Arc<Loader>,
    registry: Arc<Registry>,
    plan: Plan,
    next_plan: NextPlan,
    /// What is served now, and what it was made from.
    serving: BTreeMap<Seat, Serving>,
    files: HashMap<PathBuf, Watched>,
    directory: Directory,
    components: Components,
    /// The digest of [`BUILT_IN`].
    built_in: Digest,
    /// What was complained about, so that it is said once.
    complaints: BTreeMap<(Seat, Matter), String>,
    /// Places whose last good component was asked for, which is worth doing once.
    recovered: HashSet<String>,
    /// Whether sources may change under our eyes, so that what is wrong for a moment is not
    /// worth a word.
    following: bool,
}

/// What a complaint is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Matter {
    Component,
    Keys,
    Encodings,
}

impl Reload {
    /// Begins with that plan; nothing is read before [`Self::settle`] or [`Self::run`].
    pub fn new(
        loader: Arc<Loader>,
        registry: Arc<Registry>,
        plan: Plan,
        next_plan: NextPlan,
    ) -> Self {
        Self {
            loader: Arc::clone(&loader),
            registry,
            plan,
            next_plan,
            serving: BTreeMap::new(),
            files: HashMap::new(),
            directory: Directory::default(),
            components: Components::new(loader),
            built_in: Digest::of(BUILT_IN),
            complaints: BTreeMap::new(),
            recovered: HashSet::new(),
            following: false,
        }
    }

    /// Reads everything and waits until every component is either loaded or refused, or has
    /// been loading alone for longer than that. Answers what was refused, by whom it was for.
    pub fn settle(&mut self, patience: Duration) -> Vec<String> {
        self.look();
        while self.components.finish_all(patience) {
            self.look();
        }
        let complaints = self
            .complaints
            .iter()
            .map(|((seat, _), text)| format!("{seat}: {text}"));
        complaints
            .chain(self.directory.complaint().cloned())
            .collect()
    }

    /// Follows the sources, on a thread of its own, for as long as the process lives.
    pub fn run(mut self) -> std::io::Result<()> {
        self.following = true;
        let follow = move || {
            let mut rest = POLL;
            loop {
                self.components.finish_within(rest);
                self.registry.tenants().drop_aged();
                let begun = Instant::now();
                if let Some(plan) = (self.next_plan)() {
                    self.plan = plan;
                    tracing::info!("configuration reloaded");
                }
                self.look();
                rest = POLL.max(begun.elapsed() * POLL_SHARE);
            }
        };
        std::thread::Builder::new()
            .name("reload".into())
            .spawn(follow)
            .map(drop)
    }

    /// One look at everything; swaps the registry if anything has changed.
    fn look(&mut self) {
        self.directory.list(self.plan.codecs.as_deref());
        let wanted = self.wanted();
        let mut changed = false;
        let mut next = BTreeMap::new();
        for (seat, plan) in wanted {
            let before = self.serving.remove(&seat);
            let keys = self.key_digests(&plan.keyring);
            let component = self.component(&seat, &plan, before.as_ref());
            match before {
                // Until its first component is there, the fallback goes on serving the namespace.
                None if component.is_none() && self.is_underway(&seat) => {}
                Some(before) if before.is_from(&plan, &keys, component.as_ref()) => {
                    next.insert(seat, before);
                }
                before => {
                    changed = true;
                    let seated = self.seat(&seat, plan, keys, component, before);
                    next.insert(seat, seated);
                }
            }
        }
        for (seat, serving) in &self.serving {
            changed = true;
            tracing::info!(%seat, "removed");
            if let Some(place) = place(seat, &serving.plan) {
                self.loader.forget(&place);
                self.recovered.remove(&place);
            }
        }
        self.complaints
            .retain(|(seat, _), _| next.contains_key(seat));
        self.serving = next;
        self.forget();
        if changed {
            self.publish();
        }
    }

    /// Who is to be served: the tables of the plan, and the files of the directory.
    fn wanted(&self) -> BTreeMap<Seat, TenantPlan> {
        let names = self.directory.names().chain(self.plan.namespaces.keys());
        let listed = names.filter_map(|name| {
            let plan = self.plan.tenant(name, self.directory.contains(name))?;
            Some((Seat::Namespace(name.clone()), plan))
        });
        let fallback = self.plan.fallback.clone();
        let mut wanted: BTreeMap<_, _> = listed
            .chain(fallback.map(|plan| (Seat::Fallback, plan)))
            .collect();
        for plan in wanted.values_mut() {
            plan.component.get_or_insert(ComponentSource::BuiltIn);
        }
        wanted
    }

    fn look_at(&mut self, path: &Path) -> Result<Digest, String> {
        let file = self.files.entry(path.to_owned()).or_default();
        file.look(path);
        file.digest()
    }

    /// Drops components that nothing asks for any more.
    fn forget(&mut self) {
        let mut wanted: HashSet<Digest> = HashSet::from([self.built_in]);
        wanted.extend(self.files.values().filter_map(|file| file.digest().ok()));
        self.components.retain(&wanted);
    }

    fn key_digests(&mut self, plan: &KeyringPlan) -> Vec<Option<Digest>> {
        let sources = plan.keys.values();
        sources
            .map(|source| match &source.place {
                KeyPlace::File(path) => self.look_at(path).ok(),
                KeyPlace::Environment(_) => None,
            })
            .collect()
    }

    /// Makes the tenant anew. A keyring that cannot be read, or a codec that fails when it is asked
    /// what it decodes with its new settings, keeps the tenant as it was.
    fn seat(
        &mut self,
        seat: &Seat,
        plan: TenantPlan,
        keys: Vec<Option<Digest>>,
        component: Option<Arc<Component>>,
        before: Option<Serving>,
    ) -> Serving {
        let keyring = match plan.keyring.read() {
            Ok(keyring) => {
                self.complaints.remove(&(seat.clone(), Matter::Keys));
                Arc::new(keyring)
            }
            Err(errors) => {
                let text = errors.join("; ");
                self.complain(seat, Matter::Keys, text, before.is_some());
                // What is served stays what it was, so that the next look tries again.
                let before = before.unwrap_or_else(|| Serving::nothing(&plan));
                return Serving {
                    plan,
                    keys,
                    ..before
                };
            }
        };
        let wanted = component.as_ref().map(|component| component.digest);
        let mut codec = component.as_ref().map(|component| {
            let tenancy = Tenancy {
                keyring,
                settings: plan.settings.clone().into_iter().collect(),
                limits: plan.limits.clone(),
                reuse: plan.reuse,
            };
            let engine = Arc::clone(self.loader.engine());
            Codec::new(engine, Arc::clone(component), tenancy)
        });
        let about = (seat.clone(), Matter::Encodings);
        match codec.as_mut().map(|codec| self.learn(seat, codec)) {
            None | Some(Ok(())) => drop(self.complaints.remove(&about)),
            Some(Err(error)) => {
                let text = format!("asked what it decodes it fails: {error}");
                // That it did not get to it in time says nothing of what it makes of payloads.
                let is_late = matches!(error, CallError::Deadline | CallError::Busy);
                match before.filter(|before| before.component.is_some() && !is_late) {
                    Some(before) => {
                        self.complain(seat, Matter::Encodings, text, true);
                        return Serving {
                            wanted,
                            plan,
                            keys,
                            ..before
                        };
                    }
                    None => tracing::error!(%seat, "{text}; it may fail so at every request"),
                }
            }
        }
        if let Some(component) = &component {
            tracing::info!(%seat, codec = component.digest.short(), size = component.size, "serving");
            if let Some(place) = place(seat, &plan) {
                self.loader.remember(&place, component);
            }
            if let Some(advice) = component.advice() {
                tracing::info!(%seat, codec = component.digest.short(), "{advice}");
            }
            if plan.keyring.exportable {
                tracing::warn!(%seat, "its codec may export the bytes of its keys (export-keys = true)");
            }
        }
        let tenant = Arc::new(Tenant::new(codec, plan.undecodable));
        Serving {
            tenant,
            component,
            wanted,
            plan,
            keys,
        }
    }

    /// Asks the codec what it decodes.
    fn learn(&self, seat: &Seat, codec: &mut Codec) -> Result<(), CallError> {
        let runtime = Builder::new_current_thread().enable_all().build();
        // Without one nobody can be asked, and it serves all the same.
        let runtime = runtime.map_err(|_| CallError::Busy)?;
        runtime.block_on(codec.learn_encodings(seat.namespace()))
    }

    fn complain(&mut self, seat: &Seat, matter: Matter, text: String, has_last_good: bool) {
        let about = (seat.clone(), matter);
        if self.complaints.get(&about) == Some(&text) {
            return;
        }
        if has_last_good {
            tracing::error!(%seat, "{text}; the last good one goes on serving");
        } else {
            tracing::error!(%seat, "{text}; its requests are answered with 503");
        }
        self.complaints.insert(about, text);
    }

    fn publish(&self) {
        let mut listed = HashMap::with_capacity(self.serving.len());
        let mut fallback = None;
        for (seat, serving) in &self.serving {
            let tenant = Arc::clone(&serving.tenant);
            match seat {
                Seat::Namespace(name) => drop(listed.insert(name.clone(), tenant)),
                Seat::Fallback => fallback = Some(tenant),
            }
        }
        self.registry.swap(Tenants::new(listed, fallback));
    }
}

/// Where the component of that seat comes from, if it is a file: the same file for another seat
/// is another place.
fn place(seat: &Seat, plan: &TenantPlan) -> Option<String> {
    let Some(ComponentSource::File(path)) = &plan.component else {
        return None;
    };
    let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
    Some(format!("{seat}\0{}", path.display()))
}
