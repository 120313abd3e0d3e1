//! DDSketch: many values in constant space.
//!
//! The buckets grow by a constant factor, so that each value has a relative error of at most half a
//! percent (C. Masson, J. E. Rim, H. K. Lee, *DDSketch: a fast and fully-mergeable
//! quantile sketch with relative-error guarantees*, VLDB 2019). 64-bit
//! microseconds need fewer than 4,500 buckets, and all doubles 150,000, so none is collapsed.
//!
//! The published crates (`sketches-ddsketch`, `ddsketchy`) give a value for a quantile only. Bounds
//! need the value of an exact rank, and the baseline file needs the buckets.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// A histogram with logarithmic buckets.
///
/// ```
/// use spanspec::internal::budget::Sketch;
/// let mut sketch = Sketch::default();
/// (1..=100_000).for_each(|micros| sketch.add(f64::from(micros)));
/// let median = sketch.at_rank(50_000).unwrap();
/// assert!((median / 50_000.0 - 1.0).abs() <= Sketch::ACCURACY);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sketch {
    count: u64,
    min: f64,
    max: f64,
    /// The number of zeros, which have no logarithm.
    zeros: u64,
    /// The counts of non-empty buckets by index.
    buckets: BTreeMap<i32, u64>,
}

impl Sketch {
    /// The maximum relative error of a value.
    pub const ACCURACY: f64 = 0.005;

    /// The ratio of the upper end of a bucket to its lower end.
    const GROWTH: f64 = (1.0 + Self::ACCURACY) / (1.0 - Self::ACCURACY);

    /// The buckets of all positive doubles.
    pub(super) const BUCKETS: RangeInclusive<i32> = -75_000..=75_000;

    /// Adds one value, which is not negative.
    pub fn add(&mut self, value: f64) {
        self.add_many(value, 1);
    }

    /// Adds a value this number of times.
    pub(super) fn add_many(&mut self, value: f64, number: u64) {
        self.min = if self.count == 0 {
            value
        } else {
            self.min.min(value)
        };
        self.max = self.max.max(value);
        self.count = self.count.saturating_add(number);
        let bucket = match value > 0.0 {
            false => &mut self.zeros,
            true => self.buckets.entry(bucket_of(value)).or_default(),
        };
        *bucket = bucket.saturating_add(number);
    }

    /// Adds all values of `other`. The result equals that of adding each of them.
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

    /// The number of values.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.count
    }

    /// Returns `true` without values.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The exact minimum.
    #[must_use]
    pub fn min(&self) -> Option<f64> {
        (self.count > 0).then_some(self.min)
    }

    /// The exact maximum.
    #[must_use]
    pub fn max(&self) -> Option<f64> {
        (self.count > 0).then_some(self.max)
    }

    /// The value with this rank, within [`Self::ACCURACY`]; the first rank is 1.
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
        Some(middle_of(index).clamp(self.min, self.max))
    }

    /// The number of zeros.
    pub(super) fn zeros(&self) -> u64 {
        self.zeros
    }

    /// The non-empty buckets in ascending order.
    pub(super) fn buckets(&self) -> impl Iterator<Item = (i32, u64)> {
        self.buckets.iter().map(|(index, count)| (*index, *count))
    }

    /// Restores a stored sketch. Returns `None` if the parts are inconsistent.
    pub(super) fn restore(
        (min, max): (f64, f64),
        zeros: u64,
        buckets: BTreeMap<i32, u64>,
    ) -> Option<Self> {
        let count = buckets
            .values()
            .try_fold(zeros, |sum, count| sum.checked_add(*count))?;
        let (first, last) = (buckets.keys().next(), buckets.keys().next_back());
        let fits = |value, bucket: Option<&i32>| match value > 0.0 {
            false => zeros > 0,
            true => bucket.is_some_and(|bucket| bucket_of(value).abs_diff(*bucket) <= 1),
        };
        let is_sound = count > 0
            && min <= max
            && buckets.values().all(|count| *count > 0)
            && fits(min, if zeros > 0 { None } else { first })
            && (max == 0.0 && buckets.is_empty() || max > 0.0 && fits(max, last));
        is_sound.then_some(Self {
            count,
            min,
            max,
            zeros,
            buckets,
        })
    }
}

impl FromIterator<f64> for Sketch {
    fn from_iter<I: IntoIterator<Item = f64>>(all: I) -> Self {
        let mut sketch = Self::default();
        all.into_iter().for_each(|value| sketch.add(value));
        sketch
    }
}

/// The bucket `i` holds what is above `GROWTH^(i-1)`, up to `GROWTH^i`.
fn bucket_of(value: f64) -> i32 {
    (value.ln() / Sketch::GROWTH.ln()).ceil() as i32
}

/// The value that is as far from both ends of the bucket, relative to them.
fn middle_of(index: i32) -> f64 {
    Sketch::GROWTH.powi(index) * 2.0 / (Sketch::GROWTH + 1.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn all_durations_and_numbers_have_a_bucket() {
        assert_eq!(bucket_of(u64::MAX as f64), 4_437);
        assert_eq!(bucket_of(1.0), 0);
        for value in [f64::MAX, f64::MIN_POSITIVE] {
            assert!(Sketch::BUCKETS.contains(&bucket_of(value)));
        }
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
        let one = BTreeMap::from([(bucket_of(500.0), 3)]);
        assert!(Sketch::restore((500.0, 500.0), 0, one.clone()).is_some());
        assert!(Sketch::restore((500.0, 500.0), 1, one.clone()).is_none());
        assert!(Sketch::restore((0.0, 500.0), 1, one.clone()).is_some());
        assert!(Sketch::restore((400.0, 500.0), 0, one.clone()).is_none());
        assert!(Sketch::restore((500.0, 900.0), 0, one).is_none());
        assert!(Sketch::restore((0.0, 0.0), 0, BTreeMap::new()).is_none());
        assert!(Sketch::restore((0.0, 0.0), 2, BTreeMap::new()).is_some());
        assert!(Sketch::restore((1.0, 1.0), u64::MAX, BTreeMap::from([(0, 1)])).is_none());
    }

    fn values() -> impl Strategy<Value = Vec<f64>> {
        let micros = prop_oneof![4 => 0_u64..5_000_000, 1 => any::<u64>()];
        let one = prop_oneof![9 => micros.prop_map(|of| of as f64), 1 => 1e-9..1.0];
        prop::collection::vec(one, 1..300)
    }

    proptest! {
        #[test]
        fn every_value_is_within_half_a_percent(mut all in values()) {
            let sketch: Sketch = all.iter().copied().collect();
            all.sort_by(f64::total_cmp);
            for (rank, value) in (1..).zip(&all) {
                let (found, true_one) = (sketch.at_rank(rank).unwrap(), *value);
                let error = (found - true_one).abs();
                prop_assert!(error <= true_one * (Sketch::ACCURACY + 1e-9), "{found} {true_one}");
            }
        }

        #[test]
        fn merged_sketches_are_the_sketch_of_all(one in values(), other in values()) {
            let mut merged: Sketch = one.iter().copied().collect();
            merged.merge(&other.iter().copied().collect());
            let all: Sketch = one.into_iter().chain(other).collect();
            prop_assert_eq!(merged, all);
        }

        #[test]
        fn a_sketch_can_be_restored(all in values()) {
            let sketch: Sketch = all.into_iter().collect();
            let ends = (sketch.min().unwrap(), sketch.max().unwrap());
            let again = Sketch::restore(ends, sketch.zeros(), sketch.buckets().collect());
            prop_assert_eq!(again, Some(sketch));
        }
    }
}
