//! The directory of components, a `<namespace>.wasm` each, as it was when last listed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Instant;

use crate::limits::REMOVAL_GRACE;
use crate::namespace::Namespace;

/// The namespaces that have a component in it.
#[derive(Default)]
pub(super) struct Directory {
    /// When each was last seen: one that vanishes counts for a moment longer.
    seen: BTreeMap<Namespace<'static>, Instant>,
    /// Files that were said to serve nobody.
    misnamed: BTreeSet<String>,
    complaint: Option<String>,
}

impl Directory {
    /// Lists it anew, if there is one. One that cannot be read takes nobody's codec away.
    pub(super) fn list(&mut self, path: Option<&Path>) {
        let Some(path) = path else {
            return *self = Self::default();
        };
        match list(path) {
            Ok((names, misnamed)) => {
                self.complaint = None;
                self.warn_of(misnamed, path);
                self.see(names);
            }
            Err(error) => {
                let text = format!("cannot read the directory {}: {error}", path.display());
                if self.complaint.as_ref() != Some(&text) {
                    tracing::error!("{text}; what is loaded goes on serving");
                    self.complaint = Some(text);
                }
            }
        }
    }

    /// Whose components are there, or were a moment ago.
    pub(super) fn names(&self) -> impl Iterator<Item = &Namespace<'static>> {
        self.seen.keys()
    }

    pub(super) fn contains(&self, name: &Namespace<'static>) -> bool {
        self.seen.contains_key(name)
    }

    /// Why it could not be listed.
    pub(super) fn complaint(&self) -> Option<&String> {
        self.complaint.as_ref()
    }

    fn see(&mut self, names: Vec<Namespace<'static>>) {
        let now = Instant::now();
        self.seen.extend(names.into_iter().map(|name| (name, now)));
        self.seen
            .retain(|_, seen| now.duration_since(*seen) <= REMOVAL_GRACE);
    }

    /// Says of each once that it serves nobody.
    fn warn_of(&mut self, misnamed: BTreeSet<String>, path: &Path) {
        for name in misnamed.difference(&self.misnamed) {
            tracing::warn!(
                "{name:?} in {} serves nobody: a component there is called <namespace>.wasm, of \
                 letters, digits, '.', '_' and '-'",
                path.display()
            );
        }
        self.misnamed = misnamed;
    }
}

/// The namespaces that have a file there; and the names of files that are components by their
/// ending, and whose names serve no namespace.
fn list(path: &Path) -> std::io::Result<(Vec<Namespace<'static>>, BTreeSet<String>)> {
    let mut names = Vec::new();
    let mut misnamed = BTreeSet::new();
    for entry in std::fs::read_dir(path)? {
        let name = entry?.file_name();
        let name = name.to_string_lossy();
        // Hidden is what deployment tools write before they rename it.
        if name.starts_with('.') {
            continue;
        }
        let stem = name.strip_suffix(".wasm").map(Namespace::parse);
        if let Some(Ok(namespace)) = stem {
            names.push(namespace.into_owned());
        } else if name.to_ascii_lowercase().ends_with(".wasm") {
            misnamed.insert(name.into_owned());
        }
    }
    Ok((names, misnamed))
}
