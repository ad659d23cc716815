//! Where the cache is.

use std::env;
use std::path::{Path, PathBuf};

/// Where the cache is, as it was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CachePlace {
    /// Where such things are on this system.
    #[default]
    Usual,
    /// Nowhere.
    Off,
    /// In that directory.
    Directory(PathBuf),
}

impl CachePlace {
    /// `off`, or a directory that is relative to that base. Nothing where it is empty.
    pub fn parse(text: &str, base: &Path) -> Option<Self> {
        match text {
            "" => None,
            "off" => Some(Self::Off),
            path => Some(Self::Directory(base.join(path))),
        }
    }

    /// The directory, if there is one to be had: what systemd gives a service, else the
    /// user's (XDG Base Directory Specification).
    pub(super) fn directory(&self) -> Option<PathBuf> {
        let absolute = |name| {
            env::var_os(name)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
        };
        match self {
            Self::Off => None,
            Self::Directory(path) => Some(path.clone()),
            Self::Usual => absolute("CACHE_DIRECTORY").or_else(|| {
                let user = absolute("XDG_CACHE_HOME");
                let user = user.or_else(|| Some(absolute("HOME")?.join(".cache")));
                Some(user?.join("codec-host"))
            }),
        }
    }
}
