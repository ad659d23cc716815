//! What a codec says it decodes: the optional interface `encodings`, asked once.

use std::time::{Duration, Instant};

use proto::Batch;
use tokio::time::timeout;
use wasmtime::component::TypedFunc;

use super::{CallError, Codec, CodecError, Turns, readable};

/// The metadata key that says how data is to be read.
const ENCODING: &str = "encoding";

/// How long a codec may take to say what it decodes. Others' reloads wait for it, and a codec that
/// has to think about it longer than this is called for every list.
const PATIENCE: Duration = Duration::from_millis(200);

/// `decodes: func() -> result<list<list<u8>>, codec-error>`
type Decodes = TypedFunc<(), (Result<Vec<Vec<u8>>, CodecError>,)>;

/// The values of `encoding` that a codec's `decode` looks at.
#[derive(Debug)]
pub(super) struct Encodings(Vec<Vec<u8>>);

impl Encodings {
    /// Whether all of the payloads are foreign to the codec.
    pub(super) fn are_foreign_to(&self, payloads: &Batch) -> bool {
        payloads.iter().all(|payload| {
            let encoding = payload.value(ENCODING);
            encoding.is_none_or(|encoding| !self.0.iter().any(|own| own == encoding))
        })
    }
}

impl Codec {
    /// Asks the codec what it decodes, if it says so. From then on it is not called for lists
    /// that are foreign to it.
    pub async fn learn_encodings(&mut self, namespace: Option<&str>) -> Result<(), CallError> {
        let Some(index) = &self.component.decodes else {
            return Ok(());
        };
        let patience = self.tenancy.limits.deadline.min(PATIENCE);
        let deadline = Instant::now() + patience;
        let _slots = self.slots.take(&self.engine.slots, deadline).await?;
        let mut store = self.store(namespace, deadline, Turns::Many);
        let asked = async {
            let instance = self
                .component
                .linked
                .pre
                .instantiate_async(&mut store)
                .await?;
            let decodes: Decodes = instance.get_typed_func(&mut store, index)?;
            decodes.call_async(&mut store, ()).await
        };
        let asked = timeout(patience, asked).await;
        if let Some(log) = store.data().log() {
            log.flush(&self.log_rate, self.tenancy.limits.log_bytes_per_second);
        }
        match asked {
            Err(_) => Err(CallError::Deadline),
            Ok(Err(error)) => Err(CallError::stopped(&error, store.data())),
            Ok(Ok((Ok(encodings),))) => {
                self.encodings = Some(Encodings(encodings));
                Ok(())
            }
            Ok(Ok((Err(CodecError::Invalid(text) | CodecError::Unavailable(text)),))) => {
                Err(CallError::Unavailable(readable(&text)))
            }
        }
    }

    /// Whether the codec would answer these payloads as they are, by its own word.
    pub(super) fn is_foreign(&self, payloads: &Batch) -> bool {
        let encodings = self.encodings.as_ref();
        encodings.is_some_and(|encodings| encodings.are_foreign_to(payloads))
    }
}
