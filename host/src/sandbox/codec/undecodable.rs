//! Decoding where payloads that the codec calls invalid are handed back as they came.

use std::borrow::Cow;

use proto::Batch;

use super::{CallError, Codec, Verb};

/// What a decode gave.
pub struct Decoded {
    /// As many payloads as were given, in the same order.
    pub payloads: Batch,
    /// Whether the codec was called, to which they may all be foreign.
    pub called: bool,
    /// How many of them are as they came because the codec called them invalid.
    pub undecodable: usize,
}

impl Codec {
    /// Decodes all of the payloads or none.
    pub async fn decode(
        &self,
        namespace: Option<&str>,
        payloads: Batch,
    ) -> Result<Decoded, CallError> {
        let called = !self.is_foreign(&payloads);
        let payloads = match called {
            true => self.decode_all(namespace, &payloads).await?,
            false => payloads,
        };
        Ok(Decoded {
            payloads,
            called,
            undecodable: 0,
        })
    }

    async fn decode_all(
        &self,
        namespace: Option<&str>,
        payloads: &Batch,
    ) -> Result<Batch, CallError> {
        #[cfg(feature = "native")]
        if super::native::is_on() {
            return super::native::decode(&self.tenancy, payloads);
        }
        self.call(Verb::Decode, namespace, payloads, self.deadline())
            .await
    }

    /// Decodes the payloads, and hands back as it came each one that the codec alone calls
    /// invalid. Every other failure is a failure of the whole, and one deadline covers it all.
    ///
    /// A codec fails a list as a whole and only in words, so the culprits are found by halving:
    /// k of n cost about 2k log n calls.
    pub async fn decode_passing_through(
        &self,
        namespace: Option<&str>,
        payloads: Batch,
    ) -> Result<Decoded, CallError> {
        let mut decoded = Decoded {
            payloads: Batch::default(),
            called: true,
            undecodable: 0,
        };
        if self.is_foreign(&payloads) {
            decoded.payloads = payloads;
            decoded.called = false;
            return Ok(decoded);
        }
        let deadline = self.deadline();
        // The first part is the last of these.
        let mut pending = vec![Cow::Borrowed(&payloads)];
        while let Some(part) = pending.pop() {
            match self.call(Verb::Decode, namespace, &part, deadline).await {
                Ok(replied) if part.len() == payloads.len() => decoded.payloads = replied,
                Ok(replied) => replied
                    .iter()
                    .for_each(|payload| decoded.payloads.push(payload)),
                // An empty list has nothing to hand back.
                Err(CallError::Invalid(text)) if part.is_empty() => {
                    return Err(CallError::Invalid(text));
                }
                Err(CallError::Invalid(_)) if part.len() == 1 => {
                    part.iter()
                        .for_each(|payload| decoded.payloads.push(payload));
                    decoded.undecodable += 1;
                }
                Err(CallError::Invalid(_)) => {
                    let middle = part.len() / 2;
                    pending.push(Cow::Owned(part.part(middle..part.len())));
                    pending.push(Cow::Owned(part.part(0..middle)));
                }
                Err(other) => return Err(other),
            }
        }
        Ok(decoded)
    }
}
