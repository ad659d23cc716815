//! Two versions of a codec that are told apart by their answers.

use crate::bomb::padding;
use crate::client::Answer;
use crate::guests::guest;
use crate::payload::Payload;

/// A version of a codec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// It leaves payloads as they are.
    Plain,
    /// It encodes them.
    Tagged,
}

impl Version {
    /// The version that is there after so many changes.
    pub fn after(changes: u64) -> Self {
        if changes.is_multiple_of(2) {
            Self::Plain
        } else {
            Self::Tagged
        }
    }

    /// An artifact of it that no other number gives. All of them have the same length, so that
    /// nobody can tell them apart by that.
    pub fn artifact(self, number: u64) -> Vec<u8> {
        let [plain, tagged] = [guest("identity"), guest("tag")];
        let length = plain.len().max(tagged.len()) + 32;
        let mut artifact = match self {
            Self::Plain => plain,
            Self::Tagged => tagged,
        };
        artifact.extend(padding(length - artifact.len()));
        artifact[length - 8..].copy_from_slice(&number.to_le_bytes());
        artifact
    }

    /// The one version that answered all of the list, or none where several did.
    pub fn of(encoded: &Answer) -> Option<Self> {
        let payloads = encoded.payloads();
        if payloads.iter().all(is_tagged) {
            Some(Self::Tagged)
        } else if payloads.iter().any(is_tagged) {
            None
        } else {
            Some(Self::Plain)
        }
    }
}

fn is_tagged(payload: &Payload) -> bool {
    payload.note("encoding") == "binary/x-tag"
}
