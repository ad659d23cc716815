//! Decoding where payloads that the codec calls invalid are handed back as they came.

use proto::Payload;

use super::{CallError, Codec, Verb, world};

/// What a decode gave.
pub struct Decoded {
    /// As many payloads as were given, in the same order.
    pub payloads: Vec<Payload>,
    /// How many of them are as they came because the codec called them invalid.
    pub undecodable: usize,
}

impl Codec {
    /// Decodes all of the payloads or none.
    pub async fn decode(
        &self,
        namespace: Option<&str>,
        payloads: Vec<Payload>,
    ) -> Result<Decoded, CallError> {
        if self.is_foreign(&payloads) {
            return Ok(Decoded {
                payloads,
                undecodable: 0,
            });
        }
        #[cfg(feature = "native")]
        if super::native::is_on() {
            return super::native::decode(&self.tenancy, payloads);
        }
        let payloads: Vec<_> = payloads.into_iter().map(world::Payload::from).collect();
        let replied = self
            .call(Verb::Decode, namespace, &payloads, self.deadline())
            .await?;
        Ok(Decoded {
            payloads: replied.into_iter().map(Payload::from).collect(),
            undecodable: 0,
        })
    }

    /// Decodes the payloads, and hands back as it came each one that the codec alone calls
    /// invalid. Every other failure is a failure of the whole, and one deadline covers it all.
    ///
    /// A codec fails a list as a whole and only in words, so the culprits are found by halving:
    /// k of n cost about 2k log n calls.
    pub async fn decode_passing_through(
        &self,
        namespace: Option<&str>,
        payloads: Vec<Payload>,
    ) -> Result<Decoded, CallError> {
        if self.is_foreign(&payloads) {
            return Ok(Decoded {
                payloads,
                undecodable: 0,
            });
        }
        let mut payloads: Vec<_> = payloads.into_iter().map(world::Payload::from).collect();
        let deadline = self.deadline();
        let mut undecodable = 0;
        let whole = 0..payloads.len();
        let mut pending = vec![whole];
        while let Some(range) = pending.pop() {
            match self
                .call(Verb::Decode, namespace, &payloads[range.clone()], deadline)
                .await
            {
                Ok(replied) => {
                    for (payload, decoded) in payloads[range].iter_mut().zip(replied) {
                        *payload = decoded;
                    }
                }
                // An empty list has nothing to hand back.
                Err(CallError::Invalid(text)) if range.is_empty() => {
                    return Err(CallError::Invalid(text));
                }
                Err(CallError::Invalid(_)) if range.len() == 1 => undecodable += 1,
                Err(CallError::Invalid(_)) => {
                    let middle = range.start + range.len() / 2;
                    pending.push(middle..range.end);
                    pending.push(range.start..middle);
                }
                Err(other) => return Err(other),
            }
        }
        Ok(Decoded {
            payloads: payloads.into_iter().map(Payload::from).collect(),
            undecodable,
        })
    }
}
