//! What is to be served, as the configuration says.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use crate::keyring::{KeySource, Keyring};
use crate::limits::CallLimits;
use crate::namespace::Namespace;
use crate::registry::Undecodable;
use crate::sandbox::Reuse;

/// What is to be served, as the configuration says.
#[derive(Clone, Default)]
pub struct Plan {
    /// The directory whose `<namespace>.wasm` serve their namespaces.
    pub codecs: Option<PathBuf>,
    /// Namespaces with a table of their own.
    pub namespaces: BTreeMap<Namespace<'static>, TenantPlan>,
    /// Who serves names that are not listed.
    pub fallback: Option<TenantPlan>,
    /// What a namespace gets that has a file in the directory and no table.
    pub defaults: TenantPlan,
}

impl Plan {
    /// What that namespace is to have, if it has a table, or a file in the directory.
    pub(super) fn tenant(&self, name: &Namespace<'static>, has_file: bool) -> Option<TenantPlan> {
        let mut plan = match self.namespaces.get(name) {
            Some(plan) => plan.clone(),
            None if has_file => self.defaults.clone(),
            None => return None,
        };
        if has_file && plan.component.is_none() {
            plan.component = self.file_of(name).map(ComponentSource::File);
        }
        Some(plan)
    }

    fn file_of(&self, name: &Namespace<'static>) -> Option<PathBuf> {
        let directory = self.codecs.as_ref()?;
        Some(directory.join(format!("{name}.wasm")))
    }

    /// The same for one name alone: whoever serves it, and nobody else.
    pub fn only(mut self, name: Option<&Namespace<'static>>) -> Self {
        let tenant = name.and_then(|name| {
            let has_file = self.file_of(name).is_some_and(|file| file.exists());
            Some((name.clone(), self.tenant(name, has_file)?))
        });
        if tenant.is_some() {
            self.fallback = None;
        }
        self.codecs = None;
        self.namespaces = tenant.into_iter().collect();
        self
    }
}

/// What one namespace is to have.
#[derive(Clone, Default, PartialEq)]
pub struct TenantPlan {
    /// Its component; where none is named, the one in the directory, else the built-in one.
    pub component: Option<ComponentSource>,
    /// What the guest reads in `wasi:config/store`.
    pub settings: BTreeMap<String, String>,
    /// Its keys.
    pub keyring: KeyringPlan,
    /// What becomes of undecodable payloads.
    pub undecodable: Undecodable,
    /// What one call may use.
    pub limits: CallLimits,
    /// How long one instance serves.
    pub reuse: Reuse,
}

/// Where a component comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ComponentSource {
    /// The codec we ship.
    BuiltIn,
    /// A file.
    File(PathBuf),
}

/// The keys that a namespace is to have.
#[derive(Clone, Default, PartialEq)]
pub struct KeyringPlan {
    /// Where the bytes are, by key id.
    pub keys: BTreeMap<String, KeySource>,
    /// The id of the key that seals.
    pub active: Option<String>,
    /// Whether the codec may have the bytes of the keys.
    pub exportable: bool,
    /// Whether it is the demonstration's keyring, with the public key.
    pub demo: bool,
}

/// Whose place it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Seat {
    Namespace(Namespace<'static>),
    Fallback,
}

impl Seat {
    /// The namespace's name, where it is one's.
    pub(super) fn namespace(&self) -> Option<&str> {
        match self {
            Self::Namespace(name) => Some(name.as_str()),
            Self::Fallback => None,
        }
    }
}

impl KeyringPlan {
    /// Reads every key. The errors name key ids by their place in the configuration only.
    pub fn read(&self) -> Result<Keyring, Vec<String>> {
        if self.demo {
            return Ok(Keyring::demo());
        }
        let mut errors = Vec::new();
        let mut keys = Vec::new();
        for (id, source) in &self.keys {
            match source.read(id) {
                Ok(key) => keys.push(key),
                Err(error) => errors.push(format!("a key cannot be read: {error}")),
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        Keyring::new(keys, self.active.as_deref(), self.exportable)
            .map_err(|_| vec!["`active` is not among the keys".to_owned()])
    }
}

impl fmt::Display for ComponentSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => f.write_str("the built-in codec"),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

impl fmt::Display for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Namespace(name) => write!(f, "namespace {name}"),
            Self::Fallback => f.write_str("fallback"),
        }
    }
}
