//! What one instance has taken of its limits, counted while it takes it.

use wasmtime::{ResourceLimiter, Result};

use crate::limits::CallLimits;

/// Bounds the memories, tables and instances of one call: each in number, and their sizes
/// summed. A bound on each memory would allow as many times as much as there are memories.
pub(super) struct Meter {
    memory: Budget,
    tables: Budget,
    counts: Counts,
    /// The limit beyond which the guest asked for more, if it did. What follows is its own doing,
    /// and mostly a trap.
    pub(super) refused: Option<&'static str>,
}

struct Budget {
    used: usize,
    limit: usize,
}

struct Counts {
    instances: usize,
    memories: usize,
    tables: usize,
}

impl Meter {
    pub(super) fn new(limits: &CallLimits) -> Self {
        let budget = |limit| Budget { used: 0, limit };
        Self {
            memory: budget(limits.memory_bytes),
            tables: budget(limits.table_elements),
            counts: Counts {
                instances: limits.instances,
                memories: limits.memories,
                tables: limits.tables,
            },
            refused: None,
        }
    }

    /// Bytes of all memories.
    pub(super) fn memory_bytes(&self) -> usize {
        self.memory.used
    }
}

impl Budget {
    fn take(&mut self, current: usize, desired: usize) -> bool {
        let more = desired.saturating_sub(current);
        match self.used.checked_add(more) {
            Some(used) if used <= self.limit => {
                self.used = used;
                true
            }
            _ => false,
        }
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> Result<bool> {
        let taken = self.memory.take(current, desired);
        if !taken {
            self.refused = Some("memory-bytes");
        }
        Ok(taken)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> Result<bool> {
        let taken = self.tables.take(current, desired);
        if !taken {
            self.refused = Some("table-elements");
        }
        Ok(taken)
    }

    fn instances(&self) -> usize {
        self.counts.instances
    }

    fn memories(&self) -> usize {
        self.counts.memories
    }

    fn tables(&self) -> usize {
        self.counts.tables
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_summed_over_all_memories_and_over_all_tables() {
        let mut meter = Meter::new(&CallLimits {
            memory_bytes: 100,
            table_elements: 10,
            ..CallLimits::default()
        });
        assert!(meter.memory_growing(0, 60, None).unwrap());
        assert!(meter.memory_growing(0, 40, None).unwrap());
        assert!(meter.table_growing(0, 10, None).unwrap());
        assert_eq!(meter.refused, None);
        assert!(!meter.memory_growing(40, 41, None).unwrap());
        assert_eq!(meter.refused, Some("memory-bytes"));
        assert!(!meter.table_growing(10, 11, None).unwrap());
        assert_eq!(meter.refused, Some("table-elements"));
    }
}
