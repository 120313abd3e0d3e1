//! CPU time that other processes took during a run and during its baseline.

use std::fmt;

use crate::number::cores;

/// A smaller part of the machine is not material: it lengthens CPU-bound work by 5 % at most.
const MATERIAL: f64 = 1.05;

/// Maximum share of the machine that is attributed to other processes. A service that is five times
/// slower is not explained by them.
const MOST_BUSY: f64 = 0.8;

/// Cores that were used by processes outside the system under test, on average over a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contention {
    /// In the runs of the baseline.
    pub before: f64,
    /// In this run.
    pub now: f64,
    /// The number of cores.
    pub cores: u32,
}

/// Maximum difference of the shares of the machine that others used in two comparable runs.
const COMPARABLE: f64 = 0.075;

/// Maximum difference of the cores that others used in two comparable runs.
pub(super) fn comparable_cores(cores: u32) -> f64 {
    COMPARABLE * f64::from(cores)
}

/// The items that others disturbed as much as a run, at which they used `now` cores, or about as
/// little as any. All items if a disturbance is unknown.
pub fn comparable<T>(
    items: &[T],
    used: impl Fn(&T) -> Option<f64>,
    now: Option<f64>,
    cores: u32,
) -> Vec<&T> {
    let distance = |item: &T| Some((used(item)? - now?).abs());
    let distances: Option<Vec<f64>> = items.iter().map(distance).collect();
    let Some(distances) = distances else {
        return items.iter().collect();
    };
    let least = distances.iter().copied().fold(f64::INFINITY, f64::min);
    let most = least.max(comparable_cores(cores));
    let both = items.iter().zip(&distances);
    both.filter(|(_, distance)| **distance <= most + 1e-9)
        .map(|(item, _)| item)
        .collect()
}

impl Contention {
    /// The factor by which other processes can have slowed this run more than the baseline; 1 if the
    /// difference is not material.
    ///
    /// Work that uses all cores takes 1 / (1 - b) times as long if others use a share b of them.
    pub(super) fn of_run(self) -> f64 {
        self.factor(self.before, self.now)
    }

    /// The factor by which other processes can have slowed the baseline more than this run.
    pub(super) fn of_baseline(self) -> f64 {
        self.factor(self.now, self.before)
    }

    fn factor(self, less: f64, more: f64) -> f64 {
        let free = |used: f64| 1.0 - (used / f64::from(self.cores.max(1))).clamp(0.0, MOST_BUSY);
        let factor = free(less) / free(more);
        if factor > MATERIAL { factor } else { 1.0 }
    }
}

/// The consequence for a verdict, with advice.
impl fmt::Display for Contention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [before, now] = [self.before, self.now].map(cores);
        write!(f, "Others used {now}, and {before} in the baseline, ")?;
        f.write_str(if self.now > self.before {
            "which can be the only cause: use `spanspec ab`, or a quiet machine"
        } else {
            "which can be too slow for that reason: record it again, or use `spanspec ab`"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn factors(before: f64, now: f64) -> [f64; 2] {
        let both = Contention {
            before,
            now,
            cores: 2,
        };
        [both.of_run(), both.of_baseline()]
    }

    #[test]
    fn runs_with_the_same_disturbance_are_comparable() {
        let runs = [Some(0.0), Some(0.1), Some(0.9), Some(0.5)];
        let found = |now| -> Vec<f64> {
            let of = comparable(&runs, |used| *used, now, 2);
            of.into_iter().copied().flatten().collect()
        };
        assert_eq!(found(Some(0.05)), [0.0, 0.1]);
        assert_eq!(found(Some(0.7)), [0.9, 0.5]);
        assert_eq!(found(Some(2.0)), [0.9]);
        assert_eq!(found(None).len(), 4);
        let unknown = [Some(0.0), None];
        assert_eq!(comparable(&unknown, |used| *used, Some(0.0), 2).len(), 2);
    }

    #[test]
    fn another_process_explains_what_it_takes_from_the_machine() {
        assert_eq!(factors(0.0, 1.0), [2.0, 1.0]);
        assert_eq!(factors(1.0, 0.0), [1.0, 2.0]);
        assert_eq!(factors(0.4, 0.4), [1.0, 1.0]);
        assert_eq!(factors(0.02, 0.09), [1.0, 1.0]);
        assert!((factors(0.0, 2.0)[0] - 5.0).abs() < 1e-9);
    }
}
