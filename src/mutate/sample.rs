//! A sample of faults, if there are too many to judge all.

use std::hash::{Hash, Hasher};

use fnv::FnvHasher;

use super::mutant::Mutant;
use crate::spec::Counted;

/// Faults, of which at most a number are kept: those that count before others, and of these a part that
/// depends on their places only, so that it is the same in each run.
pub(super) struct Sample {
    most: usize,
    kept: Vec<(Rank, Mutant)>,
    seen: usize,
}

/// The order in which faults are chosen: counted ones, then by hash, then by number.
type Rank = (Counted, u64, usize);

impl Sample {
    /// A sample of at most this number.
    pub(super) fn of(most: usize) -> Self {
        Self {
            most,
            kept: Vec::new(),
            seen: 0,
        }
    }

    /// Adds faults of a place.
    pub(super) fn add(&mut self, place: &impl Hash, faults: impl IntoIterator<Item = Mutant>) {
        for fault in faults {
            let mut hasher = FnvHasher::default();
            place.hash(&mut hasher);
            fault.kind.name().hash(&mut hasher);
            fault.detail.hash(&mut hasher);
            let rank = (fault.counted, mixed(hasher.finish()), self.seen);
            self.kept.push((rank, fault));
            self.seen += 1;
            if self.kept.len() >= 2 * self.most.max(1) {
                self.shrink();
            }
        }
    }

    fn shrink(&mut self) {
        if self.kept.len() > self.most {
            self.kept
                .select_nth_unstable_by_key(self.most, |(rank, _)| *rank);
            self.kept.truncate(self.most);
        }
    }

    /// The faults in the order in which they were added, and the number of those that were left out.
    pub(super) fn taken(mut self) -> (Vec<Mutant>, usize) {
        self.shrink();
        self.kept
            .sort_unstable_by_key(|((_, _, number), _)| *number);
        let left_out = self.seen - self.kept.len();
        let faults = self.kept.into_iter().map(|(_, fault)| fault);
        (faults.collect(), left_out)
    }
}

/// Distributes the bits of a hash: the finalizer of MurmurHash3, by Austin Appleby.
fn mixed(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}
