//! The cache of decisions, from which the least recently used one is removed.

use std::collections::{BTreeMap, HashMap};

use crate::trace::TraceId;

/// Trace ids are remembered by their second half, as by the Collector.
#[derive(Debug, Default)]
pub(super) struct Cache {
    size: usize,
    by_key: HashMap<u64, u64>,
    by_use: BTreeMap<u64, u64>,
    uses: u64,
}

impl Cache {
    pub(super) fn new(size: u64) -> Self {
        Self {
            size: usize::try_from(size).unwrap_or(usize::MAX),
            ..Self::default()
        }
    }

    /// Returns `true` if the decision is known, which counts as a use.
    pub(super) fn get(&mut self, id: TraceId) -> bool {
        let key = key(id);
        let is_known = self.by_key.contains_key(&key);
        if is_known {
            self.touch(key);
        }
        is_known
    }

    /// Remembers a decision. Returns `false` if nothing is remembered.
    pub(super) fn put(&mut self, id: TraceId) -> bool {
        if self.size == 0 {
            return false;
        }
        self.touch(key(id));
        while self.by_key.len() > self.size
            && let Some((_, oldest)) = self.by_use.pop_first()
        {
            self.by_key.remove(&oldest);
        }
        true
    }

    fn touch(&mut self, key: u64) {
        self.uses += 1;
        if let Some(before) = self.by_key.insert(key, self.uses) {
            self.by_use.remove(&before);
        }
        self.by_use.insert(self.uses, key);
    }
}

fn key(id: TraceId) -> u64 {
    let half = id.as_bytes()[8..].try_into().unwrap_or([0; 8]);
    u64::from_le_bytes(half)
}
