//! A Temporal namespace's name, checked.
//!
//! The one constructor decides what a name is; nothing else in the server accepts text in
//! place of a [`Namespace`]. Names are compared byte by byte and never cleaned up.

use std::borrow::{Borrow, Cow};
use std::fmt;

/// The longest name, in bytes: what Temporal allows.
const MAX_BYTES: usize = 255;

/// A name of 1 to 255 bytes of letters, digits, `.`, `_` and `-`, other than `.` and `..`:
/// neither a path separator nor anything that a file system or a URL reads as something else.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Namespace<'a>(Cow<'a, str>);

/// Not a namespace's name. Its text says what a name is, and does not repeat the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidNamespace;

impl<'a> Namespace<'a> {
    /// The namespace of that name.
    pub fn parse(name: &'a str) -> Result<Self, InvalidNamespace> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if name.is_empty()
            || name.len() > MAX_BYTES
            || name == "."
            || name == ".."
            || !name.bytes().all(allowed)
        {
            return Err(InvalidNamespace);
        }
        Ok(Self(Cow::Borrowed(name)))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same name, independent of the request it came from.
    pub fn into_owned(self) -> Namespace<'static> {
        Namespace(Cow::Owned(self.0.into_owned()))
    }
}

impl Borrow<str> for Namespace<'_> {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Namespace<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for InvalidNamespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a namespace is 1 to 255 letters, digits, '.', '_' or '-', and not '.' or '..'")
    }
}

impl std::error::Error for InvalidNamespace {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_what_temporal_calls_one_and_nothing_a_path_could_be() {
        let check = |name: &str, expected: bool| {
            assert_eq!(Namespace::parse(name).is_ok(), expected, "{name:?}");
        };
        check("default", true);
        check("payments-prod", true);
        check("myapp-dev.acctid123", true);
        check("_", true);
        check("...", true);
        check(&"n".repeat(255), true);
        check(&"n".repeat(256), false);
        check("", false);
        check(".", false);
        check("..", false);
        check("a/b", false);
        check("a\\b", false);
        check("a b", false);
        check("a%2fb", false);
        check("a\0", false);
        check("größe", false);
        check("{namespace}", false);
    }
}
