//! Where components come from: the cache if it has them, else the compiler.

use std::sync::Arc;

use super::artifact::Digest;
use super::cache::{Cache, CachePlace};
use super::compiler::Compiler;
use super::component::Component;
use super::engine::Engine;
use super::unfit::Unfit;

/// Makes components of artifacts.
pub struct Loader {
    engine: Arc<Engine>,
    compiler: Compiler,
    /// None where there is no directory for it.
    cache: Option<Cache>,
}

impl Loader {
    /// A loader that compiles what the cache at that place does not have.
    pub fn new(engine: Arc<Engine>, compiler: Compiler, cache: &CachePlace) -> Self {
        let cache = Cache::at(cache, &engine);
        Self {
            engine,
            compiler,
            cache,
        }
    }

    /// What its components run on.
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// The component of that digest. `read` is asked for the artifact where the cache has none.
    pub async fn load(
        &self,
        digest: Digest,
        read: impl FnOnce() -> Result<Vec<u8>, Unfit>,
    ) -> Result<Arc<Component>, Unfit> {
        if let Some(component) = self.find(digest) {
            return Ok(component);
        }
        let artifact = read()?;
        let (component, compiled) =
            Component::load(&self.engine, &self.compiler, digest, &artifact).await?;
        if let Some(cache) = &self.cache {
            cache.keep(&digest, &compiled);
        }
        Ok(component)
    }

    /// The component that the cache has of the last good artifact from that place.
    pub fn recover(&self, place: &str) -> Option<Arc<Component>> {
        self.find(self.cache.as_ref()?.recall(place)?)
    }

    /// Notes the component as the last good one from that place.
    pub fn remember(&self, place: &str, component: &Component) {
        if let Some(cache) = &self.cache {
            cache.remember(place, &component.digest);
        }
    }

    /// Drops the note about that place.
    pub fn forget(&self, place: &str) {
        if let Some(cache) = &self.cache {
            cache.forget(place);
        }
    }

    fn find(&self, digest: Digest) -> Option<Arc<Component>> {
        let compiled = self.cache.as_ref()?.find(&digest)?;
        match Component::link(&self.engine, digest, &compiled) {
            Ok(component) => {
                tracing::debug!(codec = digest.short(), "loaded from the cache");
                Some(component)
            }
            Err(unfit) => {
                tracing::warn!(
                    codec = digest.short(),
                    "not loaded from the cache: it {unfit}"
                );
                None
            }
        }
    }
}
