//! Who may do what in which namespace.
//!
//! Nobody is told apart yet: whoever reaches the server may encode and decode, which is why it
//! listens on loopback only unless told otherwise ([`crate::server::Listen`]). The shape is
//! what is needed once there are rules: a [`Grant`] is the only way to a codec, and this
//! module the only maker of one.

use crate::namespace::Namespace;
use crate::protocol::Verb;

/// Leave to do one thing in one namespace.
#[derive(Debug)]
pub struct Grant<'a> {
    verb: Verb,
    namespace: Option<Namespace<'a>>,
}

impl<'a> Grant<'a> {
    /// What everybody may do where there are no rules: anything.
    pub fn open(verb: Verb, namespace: Option<Namespace<'a>>) -> Self {
        Self { verb, namespace }
    }

    /// What may be done.
    pub fn verb(&self) -> Verb {
        self.verb
    }

    /// Where, unless the request named no namespace.
    pub fn namespace(&self) -> Option<&Namespace<'a>> {
        self.namespace.as_ref()
    }
    /// The same, kept.
    pub fn into_namespace(self) -> Option<Namespace<'a>> {
        self.namespace
    }
}
