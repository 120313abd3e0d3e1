//! DDSketch: many durations in constant space.
//!
//! The buckets grow by a constant factor, so that each value has a relative error of at most half a
//! percent (C. Masson, J. E. Rim, H. K. Lee, *DDSketch: a fast and fully-mergeable
//! quantile sketch with relative-error guarantees*, VLDB 2019). 64-bit
//! microseconds need fewer than 4,500 buckets, so none is collapsed.
//!
//! The published crates (`sketches-ddsketch`, `ddsketchy`) give a value for a quantile only. Bounds
//! need the value of an exact rank, and the baseline file needs the buckets.

use std::collections::BTreeMap;

/// A histogram with logarithmic buckets.
///
/// ```
/// use spanspec::internal::budget::Sketch;
/// let mut sketch = Sketch::default();
/// (1..=100_000).for_each(|micros| sketch.add(micros));
/// let median = sketch.at_rank(50_000).unwrap();
/// assert!((median / 50_000.0 - 1.0).abs() <= Sketch::ACCURACY);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sketch {
    count: u64,
    min: u64,
    max: u64,
    /// The number of zeros, which have no logarithm.
    zeros: u64,
    /// The counts of non-empty buckets by index.
    buckets: BTreeMap<u16, u64>,
}

impl Sketch {
    /// The maximum relative error of a value.
    pub const ACCURACY: f64 = 0.005;

    /// The ratio of the upper end of a bucket to its lower end.
    const GROWTH: f64 = (1.0 + Self::ACCURACY) / (1.0 - Self::ACCURACY);

    /// The bucket of the longest duration.
    pub(super) const LAST_BUCKET: u16 = 4_437;

    /// Adds one duration in microseconds.
    pub fn add(&mut self, micros: u64) {
        self.min = if self.count == 0 {
            micros
        } else {
            self.min.min(micros)
        };
        self.max = self.max.max(micros);
        self.count = self.count.saturating_add(1);
        let bucket = match micros {
            0 => &mut self.zeros,
            _ => self.buckets.entry(bucket_of(micros)).or_default(),
        };
        *bucket = bucket.saturating_add(1);
    }

    /// Adds all durations of `other`. The result equals that of adding each of them.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        self.min = if self.count == 0 {
            other.min
        } else {
            self.min.min(other.min)
        };
        self.max = self.max.max(other.max);
        self.count = self.count.saturating_add(other.count);
        self.zeros = self.zeros.saturating_add(other.zeros);
        for (index, count) in &other.buckets {
            let bucket = self.buckets.entry(*index).or_default();
            *bucket = bucket.saturating_add(*count);
        }
    }

    /// The number of durations.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.count
    }

    /// Returns `true` without durations.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The exact minimum.
    #[must_use]
    pub fn min(&self) -> Option<u64> {
        (self.count > 0).then_some(self.min)
    }

    /// The exact maximum.
    #[must_use]
    pub fn max(&self) -> Option<u64> {
        (self.count > 0).then_some(self.max)
    }

    /// The duration with this rank in microseconds, within [`Self::ACCURACY`]; the first rank is 1.
    #[must_use]
    pub fn at_rank(&self, rank: u64) -> Option<f64> {
        if rank == 0 || rank > self.count {
            return None;
        }
        let mut below = self.zeros;
        if rank <= below {
            return Some(0.0);
        }
        let index = self.buckets.iter().find_map(|(index, count)| {
            below = below.saturating_add(*count);
            (rank <= below).then_some(*index)
        })?;
        Some(middle_of(index).clamp(self.min as f64, self.max as f64))
    }

    /// The number of zeros.
    pub(super) fn zeros(&self) -> u64 {
        self.zeros
    }

    /// The non-empty buckets in ascending order.
    pub(super) fn buckets(&self) -> impl Iterator<Item = (u16, u64)> {
        self.buckets.iter().map(|(index, count)| (*index, *count))
    }

    /// Restores a stored sketch. Returns `None` if the parts are inconsistent.
    pub(super) fn restore(
        (min, max): (u64, u64),
        zeros: u64,
        buckets: BTreeMap<u16, u64>,
    ) -> Option<Self> {
        let count = buckets
            .values()
            .try_fold(zeros, |sum, count| sum.checked_add(*count))?;
        let (first, last) = (buckets.keys().next(), buckets.keys().next_back());
        let fits = |micros, bucket: Option<&u16>| match micros {
            0 => zeros > 0,
            _ => bucket.is_some_and(|bucket| bucket_of(micros).abs_diff(*bucket) <= 1),
        };
        let is_sound = count > 0
            && min <= max
            && buckets.values().all(|count| *count > 0)
            && fits(min, if zeros > 0 { None } else { first })
            && (max == 0 && buckets.is_empty() || max > 0 && fits(max, last));
        is_sound.then_some(Self {
            count,
            min,
            max,
            zeros,
            buckets,
        })
    }
}

impl FromIterator<u64> for Sketch {
    fn from_iter<I: IntoIterator<Item = u64>>(all: I) -> Self {
        let mut sketch = Self::default();
        all.into_iter().for_each(|micros| sketch.add(micros));
        sketch
    }
}

/// The bucket `i` holds what is above `GROWTH^(i-1)`, up to `GROWTH^i`.
fn bucket_of(micros: u64) -> u16 {
    let index = ((micros as f64).ln() / Sketch::GROWTH.ln()).ceil();
    (index as u16).min(Sketch::LAST_BUCKET)
}

/// The value that is as far from both ends of the bucket, relative to them.
fn middle_of(index: u16) -> f64 {
    Sketch::GROWTH.powi(i32::from(index)) * 2.0 / (Sketch::GROWTH + 1.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_longest_duration_has_the_last_bucket() {
        assert_eq!(bucket_of(u64::MAX), Sketch::LAST_BUCKET);
        assert_eq!(bucket_of(1), 0);
    }

    #[test]
    fn an_empty_sketch_has_no_values() {
        let sketch = Sketch::default();
        assert_eq!(
            (sketch.min(), sketch.max(), sketch.at_rank(1)),
            (None, None, None)
        );
    }

    #[test]
    fn inconsistent_parts_are_not_restored() {
        let one = BTreeMap::from([(bucket_of(500), 3)]);
        assert!(Sketch::restore((500, 500), 0, one.clone()).is_some());
        assert!(Sketch::restore((500, 500), 1, one.clone()).is_none());
        assert!(Sketch::restore((0, 500), 1, one.clone()).is_some());
        assert!(Sketch::restore((400, 500), 0, one.clone()).is_none());
        assert!(Sketch::restore((500, 900), 0, one).is_none());
        assert!(Sketch::restore((0, 0), 0, BTreeMap::new()).is_none());
        assert!(Sketch::restore((0, 0), 2, BTreeMap::new()).is_some());
        assert!(Sketch::restore((1, 1), u64::MAX, BTreeMap::from([(0, 1)])).is_none());
    }

    fn durations() -> impl Strategy<Value = Vec<u64>> {
        let one = prop_oneof![4 => 0_u64..5_000_000, 1 => any::<u64>()];
        prop::collection::vec(one, 1..300)
    }

    proptest! {
        #[test]
        fn every_value_is_within_half_a_percent(mut all in durations()) {
            let sketch: Sketch = all.iter().copied().collect();
            all.sort_unstable();
            for (rank, micros) in (1..).zip(&all) {
                let (found, true_one) = (sketch.at_rank(rank).unwrap(), *micros as f64);
                let error = (found - true_one).abs();
                prop_assert!(error <= true_one * (Sketch::ACCURACY + 1e-9), "{found} {true_one}");
            }
        }

        #[test]
        fn merged_sketches_are_the_sketch_of_all(one in durations(), other in durations()) {
            let mut merged: Sketch = one.iter().copied().collect();
            merged.merge(&other.iter().copied().collect());
            let all: Sketch = one.into_iter().chain(other).collect();
            prop_assert_eq!(merged, all);
        }

        #[test]
        fn a_sketch_can_be_restored(all in durations()) {
            let sketch: Sketch = all.into_iter().collect();
            let ends = (sketch.min().unwrap(), sketch.max().unwrap());
            let again = Sketch::restore(ends, sketch.zeros(), sketch.buckets().collect());
            prop_assert_eq!(again, Some(sketch));
        }
    }
}
