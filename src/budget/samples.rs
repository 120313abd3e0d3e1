//! The values of one budget: a sorted list, a tally or a sketch if there are many, or the values at some ranks
//! of a list that another engine has.

use std::collections::{BTreeMap, BTreeSet};

use super::quantile::{Alpha, Quantile, lower_rank, upper_rank};
use super::sketch::Sketch;
use crate::number::Unit;

/// Maximum length of the list.
pub const MOST_RAW: usize = 2_000;

/// Maximum number of different values that are counted exactly in a longer list: a count such as that of
/// queries has few, and the error of a sketch would be more than the distance of its limit.
pub const MOST_DISTINCT: usize = 500;

/// Independent values, one per trace: durations in whole microseconds, or plain numbers.
///
/// Some may be unknown, for example those of spans of a request that timed out. An upper bound counts
/// them as the largest values, a lower bound as the smallest.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Samples {
    unit: Unit,
    storage: Storage,
    unknown: u64,
}

#[derive(Clone, Debug, PartialEq)]
enum Storage {
    /// In ascending order.
    Raw(Vec<f64>),
    Tally(Tally),
    Sketch(Sketch),
    Ranked(Ranked),
}

/// Values in ascending order, each with its number.
#[derive(Clone, Debug, Default, PartialEq)]
struct Tally {
    count: u64,
    values: Vec<(f64, u64)>,
}

/// The values at some ranks of a sorted list.
#[derive(Clone, Debug, PartialEq)]
struct Ranked {
    /// The length of the list.
    count: u64,
    /// The values by rank; the first rank is 1.
    values: BTreeMap<u64, f64>,
}

/// A quantile of samples, with bounds of the true quantile. All in the unit of the samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The number of samples.
    pub count: u64,
    /// The number of unknown values, which the bounds include.
    pub unknown: u64,
    /// The quantile of the samples.
    pub value: f64,
    /// The lower bound; `None` if there are too few samples.
    pub lower: Option<f64>,
    /// The upper bound; `None` if there are too few samples.
    pub upper: Option<f64>,
}

impl Estimate {
    /// Returns `true` if there are enough samples for both bounds.
    pub(super) fn has_bounds(&self) -> bool {
        self.lower.is_some() && self.upper.is_some()
    }
}

impl Default for Storage {
    fn default() -> Self {
        Self::Raw(Vec::new())
    }
}

impl Tally {
    fn of(sorted: impl IntoIterator<Item = f64>) -> Self {
        let mut tally = Self::default();
        sorted.into_iter().for_each(|value| tally.add(value, 1));
        tally
    }

    fn add(&mut self, value: f64, number: u64) {
        self.count = self.count.saturating_add(number);
        match self.values.binary_search_by(|(of, _)| of.total_cmp(&value)) {
            Ok(at) => self.values[at].1 = self.values[at].1.saturating_add(number),
            Err(at) => self.values.insert(at, (value, number)),
        }
    }

    fn each(&self) -> impl Iterator<Item = f64> {
        let values = self.values.iter();
        values.flat_map(|(value, number)| std::iter::repeat_n(*value, *number as usize))
    }

    fn at_rank(&self, rank: u64) -> Option<f64> {
        let mut below = 0_u64;
        let mut values = self.values.iter().filter(|_| rank > 0);
        let found = values.find(|(_, number)| {
            below = below.saturating_add(*number);
            rank <= below
        });
        found.map(|(value, _)| *value)
    }
}

impl Samples {
    /// No values yet.
    #[must_use]
    pub fn of(unit: Unit) -> Self {
        Self {
            unit,
            ..Self::default()
        }
    }

    /// The values of a sketch.
    pub(super) fn of_sketch(unit: Unit, sketch: Sketch) -> Self {
        Self {
            unit,
            storage: Storage::Sketch(sketch),
            unknown: 0,
        }
    }

    /// The unit of the values.
    #[must_use]
    pub fn unit(&self) -> Unit {
        self.unit
    }

    /// The durations at these ranks of a list with `count` durations; the first rank is 1.
    /// [`ranks`](Self::ranks) are the ranks that claims need. Nothing can be added.
    #[must_use]
    pub fn ranked(count: u64, micros: impl IntoIterator<Item = (u64, u64)>) -> Self {
        let micros = micros.into_iter().map(|(rank, of)| (rank, of as f64));
        Self {
            storage: Storage::Ranked(Ranked {
                count,
                values: micros.collect(),
            }),
            ..Self::default()
        }
    }

    /// The ranks of `count` values that determine an estimate, the minimum and the maximum.
    #[must_use]
    pub fn ranks(count: u64, quantile: Quantile, alpha: Alpha) -> BTreeSet<u64> {
        let bounds = [
            lower_rank(count, quantile, alpha),
            upper_rank(count, quantile, alpha),
        ];
        let bounds = bounds.into_iter().flatten();
        let ranks = bounds.chain([quantile.rank(count), 1, count]);
        ranks.filter(|rank| (1..=count).contains(rank)).collect()
    }

    /// Adds one value.
    pub fn add(&mut self, value: f64) {
        match &mut self.storage {
            Storage::Raw(all) => {
                let at = all.partition_point(|other| *other <= value);
                all.insert(at, value);
            }
            Storage::Tally(tally) => tally.add(value, 1),
            Storage::Sketch(sketch) => sketch.add(value),
            Storage::Ranked(_) => debug_assert!(false, "the other values are not known"),
        }
        self.condense();
    }

    /// Adds values.
    #[must_use]
    pub fn with(mut self, values: impl IntoIterator<Item = f64>) -> Self {
        values.into_iter().for_each(|value| self.add(value));
        self
    }

    /// Adds a value of this number of traces.
    pub(super) fn add_many(&mut self, value: f64, number: u64) {
        let mut tally = Tally::default();
        tally.add(value, number);
        self.merge(&Self {
            unit: self.unit,
            storage: Storage::Tally(tally),
            unknown: 0,
        });
    }

    /// Stores more values than a list may have in another form, which depends on the values alone.
    fn condense(&mut self) {
        let tally = match &mut self.storage {
            Storage::Raw(all) if all.len() > MOST_RAW => Tally::of(std::mem::take(all)),
            Storage::Tally(tally) if tally.values.len() > MOST_DISTINCT => std::mem::take(tally),
            _ => return,
        };
        self.storage = match tally.values.len() {
            ..=MOST_DISTINCT => Storage::Tally(tally),
            _ => Storage::Sketch(sketch_of(&tally.values)),
        };
    }

    /// Adds an unknown value.
    pub fn add_unknown(&mut self) {
        self.unknown = self.unknown.saturating_add(1);
    }

    /// Replaces the number of unknown values.
    #[must_use]
    pub fn with_unknown(self, unknown: u64) -> Self {
        Self { unknown, ..self }
    }

    /// The number of unknown values.
    #[must_use]
    pub fn unknown(&self) -> u64 {
        self.unknown
    }

    /// Adds all values of `other`, which has the same unit.
    pub fn merge(&mut self, other: &Self) {
        debug_assert!(self.unit == other.unit, "values of two units");
        self.unknown = self.unknown.saturating_add(other.unknown);
        self.storage = match (self.tally(), other.tally()) {
            (Some(mut all), Some(more)) => {
                more.values
                    .iter()
                    .for_each(|(value, number)| all.add(*value, *number));
                match all.count <= MOST_RAW as u64 {
                    true => Storage::Raw(all.each().collect()),
                    false => Storage::Tally(all),
                }
            }
            _ => {
                let mut sketch = self.to_sketch();
                sketch.merge(&other.to_sketch());
                Storage::Sketch(sketch)
            }
        };
        self.condense();
    }

    /// The number of each value, if all are known.
    fn tally(&self) -> Option<Tally> {
        match &self.storage {
            Storage::Raw(all) => Some(Tally::of(all.iter().copied())),
            Storage::Tally(tally) => Some(tally.clone()),
            Storage::Sketch(_) | Storage::Ranked(_) => None,
        }
    }

    fn to_sketch(&self) -> Sketch {
        match &self.storage {
            Storage::Raw(all) => all.iter().copied().collect(),
            Storage::Tally(tally) => sketch_of(&tally.values),
            Storage::Sketch(sketch) => sketch.clone(),
            Storage::Ranked(ranked) => ranked.values.values().copied().collect(),
        }
    }

    /// The number of known values.
    #[must_use]
    pub fn len(&self) -> u64 {
        match &self.storage {
            Storage::Raw(all) => all.len() as u64,
            Storage::Tally(tally) => tally.count,
            Storage::Sketch(sketch) => sketch.len(),
            Storage::Ranked(ranked) => ranked.count,
        }
    }

    /// Returns `true` if no value is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The minimum.
    #[must_use]
    pub fn min(&self) -> Option<f64> {
        match &self.storage {
            Storage::Raw(all) => all.first().copied(),
            Storage::Tally(tally) => Some(tally.values.first()?.0),
            Storage::Sketch(sketch) => sketch.min(),
            Storage::Ranked(ranked) => ranked.values.get(&1).copied(),
        }
    }

    /// The maximum.
    #[must_use]
    pub fn max(&self) -> Option<f64> {
        match &self.storage {
            Storage::Raw(all) => all.last().copied(),
            Storage::Tally(tally) => Some(tally.values.last()?.0),
            Storage::Sketch(sketch) => sketch.max(),
            Storage::Ranked(ranked) => ranked.values.get(&ranked.count).copied(),
        }
    }

    /// The maximum relative error of a value; 0 unless there is a sketch.
    #[must_use]
    pub fn accuracy(&self) -> f64 {
        match &self.storage {
            Storage::Raw(_) | Storage::Tally(_) | Storage::Ranked(_) => 0.0,
            Storage::Sketch(_) => Sketch::ACCURACY,
        }
    }

    /// A quantile of the known values. Returns `None` without samples.
    #[must_use]
    pub fn quantile(&self, quantile: Quantile) -> Option<f64> {
        self.at_rank(quantile.rank(self.len()))
    }

    /// A quantile with its bounds, each of which is wrong with a probability of at most `alpha`.
    /// Returns `None` without samples.
    #[must_use]
    pub fn estimate(&self, quantile: Quantile, alpha: Alpha) -> Option<Estimate> {
        let count = self.len();
        let all = count.saturating_add(self.unknown);
        // Unknown values are the largest: a rank beyond the known ones has no value.
        let upper = upper_rank(all, quantile, alpha);
        let lower = lower_rank(all, quantile, alpha);
        // Unknown values are the smallest.
        let lower = lower.and_then(|rank| rank.checked_sub(self.unknown));
        let at = |rank: Option<u64>| rank.and_then(|rank| self.at_rank(rank));
        Some(Estimate {
            count,
            unknown: self.unknown,
            value: self.quantile(quantile)?,
            lower: at(lower),
            upper: at(upper),
        })
    }

    /// Minimum and maximum of a quantile over all possible values of the unknown ones; the
    /// maximum may be infinite. Returns `None` without samples.
    pub(super) fn range(&self, quantile: Quantile) -> Option<[f64; 2]> {
        if self.is_empty() {
            return None;
        }
        let rank = quantile.rank(self.len().saturating_add(self.unknown));
        let least = rank
            .checked_sub(self.unknown)
            .and_then(|rank| self.at_rank(rank));
        let most = self.at_rank(rank);
        Some([least.unwrap_or(0.0), most.unwrap_or(f64::INFINITY)])
    }

    /// The value with this rank; the first rank is 1.
    pub(crate) fn at_rank(&self, rank: u64) -> Option<f64> {
        match &self.storage {
            Storage::Raw(all) => {
                let at = usize::try_from(rank.checked_sub(1)?).ok()?;
                all.get(at).copied()
            }
            Storage::Tally(tally) => tally.at_rank(rank),
            Storage::Sketch(sketch) => sketch.at_rank(rank),
            Storage::Ranked(ranked) => ranked.values.get(&rank).copied(),
        }
    }

    /// Returns `true` if only the values at some ranks are known.
    #[must_use]
    pub fn is_ranked(&self) -> bool {
        matches!(self.storage, Storage::Ranked(_))
    }

    /// The sorted list, if it is known.
    #[must_use]
    pub fn raw(&self) -> Option<&[f64]> {
        match &self.storage {
            Storage::Raw(all) => Some(all),
            Storage::Tally(_) | Storage::Sketch(_) | Storage::Ranked(_) => None,
        }
    }

    /// The values in ascending order, each with its number, if they are known and too many for a list.
    #[must_use]
    pub fn counts(&self) -> Option<&[(f64, u64)]> {
        match &self.storage {
            Storage::Tally(tally) => Some(&tally.values),
            Storage::Raw(_) | Storage::Sketch(_) | Storage::Ranked(_) => None,
        }
    }

    /// The sketch, if there is one.
    #[must_use]
    pub fn sketch(&self) -> Option<&Sketch> {
        match &self.storage {
            Storage::Raw(_) | Storage::Tally(_) | Storage::Ranked(_) => None,
            Storage::Sketch(sketch) => Some(sketch),
        }
    }
}

fn sketch_of(values: &[(f64, u64)]) -> Sketch {
    let mut sketch = Sketch::default();
    values
        .iter()
        .for_each(|(value, number)| sketch.add_many(*value, *number));
    sketch
}

/// Durations in microseconds.
impl FromIterator<u64> for Samples {
    fn from_iter<I: IntoIterator<Item = u64>>(all: I) -> Self {
        let mut all = all.into_iter().map(|micros| micros as f64);
        let mut raw: Vec<f64> = all.by_ref().take(MOST_RAW).collect();
        raw.sort_unstable_by(f64::total_cmp);
        let samples = Self {
            storage: Storage::Raw(raw),
            ..Self::default()
        };
        samples.with(all)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALPHA: Alpha = Alpha::FIVE_PERCENT;

    #[test]
    fn more_than_two_thousand_samples_become_a_sketch() {
        let mut samples: Samples = (0..2_000).collect();
        assert_eq!(samples.raw().map(<[f64]>::len), Some(2_000));
        samples.add(5.0);
        assert_eq!((samples.raw(), samples.len()), (None, 2_001));
        assert_eq!(samples, (0..2_000).chain([5]).collect());
    }

    #[test]
    fn the_order_of_samples_does_not_matter() {
        let mut samples = Samples::default();
        [3.0, 1.0, 2.0]
            .into_iter()
            .for_each(|micros| samples.add(micros));
        assert_eq!(samples, [1, 2, 3].into_iter().collect());
        assert_eq!(samples.quantile(Quantile::P50), Some(2.0));
    }

    #[test]
    fn four_samples_have_no_bounds() {
        let estimate = |count: u64| {
            (1..=count)
                .collect::<Samples>()
                .estimate(Quantile::P50, ALPHA)
        };
        assert_eq!(estimate(0), None);
        let four = estimate(4).unwrap();
        assert_eq!((four.value, four.lower, four.upper), (2.0, None, None));
        let five = estimate(5).unwrap();
        assert_eq!((five.lower, five.upper), (Some(1.0), Some(5.0)));
    }

    #[test]
    fn some_ranks_of_many_durations_give_the_same_estimate_as_all() {
        let all: Vec<u64> = (1..=1_999).map(|at| at * at).collect();
        let quantiles = [Quantile::P50, Quantile::P99];
        let alphas = [ALPHA, ALPHA.shared_by(2)];
        let pairs = quantiles
            .iter()
            .flat_map(|of| alphas.map(|alpha| (*of, alpha)));
        let ranks = pairs
            .clone()
            .flat_map(|(of, alpha)| Samples::ranks(1_999, of, alpha));
        let known = ranks.map(|rank| (rank, all[rank as usize - 1]));
        let ranked = Samples::ranked(1_999, known);
        let whole: Samples = all.iter().copied().collect();
        for (quantile, alpha) in pairs {
            assert_eq!(
                ranked.estimate(quantile, alpha),
                whole.estimate(quantile, alpha)
            );
        }
        assert_eq!(
            (ranked.len(), ranked.min(), ranked.max()),
            (1_999, whole.min(), whole.max())
        );
    }

    #[test]
    fn unknown_durations_count_as_longest_or_shortest() {
        let known: Samples = (1..=1_440).collect();
        let found = |unknown| {
            let samples = known.clone().with_unknown(unknown);
            samples.estimate(Quantile::P99, ALPHA).unwrap()
        };
        let whole = found(0);
        assert_eq!((whole.lower, whole.upper), (Some(1_419.0), Some(1_433.0)));
        // p99 of 1,500 samples is between ranks 1,478 and 1,492.
        let some = found(60);
        assert_eq!((some.count, some.unknown, some.value), (1_440, 60, 1_426.0));
        assert_eq!((some.lower, some.upper), (Some(1_418.0), None));
        let p50 = known.clone().with_unknown(60);
        let p50 = p50.estimate(Quantile::P50, ALPHA).unwrap();
        assert_eq!((p50.lower, p50.upper), (Some(658.0), Some(783.0)));
        let most = known.clone().with_unknown(3_000);
        let most = most.estimate(Quantile::P50, ALPHA).unwrap();
        assert_eq!((most.lower, most.upper), (None, None));
    }

    #[test]
    fn unknown_durations_make_a_quantile_a_range() {
        let range = |unknown| {
            let samples: Samples = (1..=100).collect();
            samples.with_unknown(unknown).range(Quantile::P50)
        };
        assert_eq!(range(0), Some([50.0, 50.0]));
        assert_eq!(range(10), Some([45.0, 55.0]));
        assert_eq!(range(100), Some([0.0, 100.0]));
        assert_eq!(range(102), Some([0.0, f64::INFINITY]));
        assert_eq!(
            Samples::default().with_unknown(9).range(Quantile::P50),
            None
        );
    }

    #[test]
    fn unknown_durations_are_merged() {
        let samples = |unknown| Samples::default().with_unknown(unknown);
        let mut all = samples(3);
        all.merge(&samples(4));
        all.add_unknown();
        assert_eq!((all.unknown(), all.len(), all.is_empty()), (8, 0, true));
    }

    #[test]
    fn many_samples_with_few_values_are_counted_exactly() {
        let counts =
            |number: usize| Samples::of(Unit::Number).with((0..number).map(|at| (at % 9) as f64));
        let samples = counts(9_000);
        assert_eq!(
            (samples.raw(), samples.sketch(), samples.accuracy()),
            (None, None, 0.0)
        );
        assert_eq!(samples.counts().unwrap()[4], (4.0, 1_000));
        assert_eq!(samples.quantile(Quantile::P50), Some(4.0));
        assert_eq!([samples.at_rank(0), samples.at_rank(9_001)], [None, None]);
        let mut merged = counts(1_800);
        merged.merge(&counts(7_200));
        assert_eq!(merged, samples);
    }

    fn durations() -> impl Strategy<Value = Vec<u64>> {
        prop::collection::vec(1_u64..5_000_000, 1..3_000)
    }

    fn quantiles() -> impl Strategy<Value = Quantile> {
        (1_u32..100_000).prop_map(|parts| {
            format!("p{}.{:03}", parts / 1_000, parts % 1_000)
                .parse()
                .unwrap()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn bounds_bracket_the_quantile(all in durations(), quantile in quantiles()) {
            let samples: Samples = all.into_iter().collect();
            let found = samples.estimate(quantile, ALPHA).unwrap();
            prop_assert!(found.lower.is_none_or(|lower| lower <= found.value));
            prop_assert!(found.upper.is_none_or(|upper| upper >= found.value));
        }

        #[test]
        fn bounds_hold_for_all_values_of_unknown_durations(
            all in durations(),
            unknown in prop::collection::vec(1_u64..5_000_000, 0..200),
            quantile in quantiles(),
        ) {
            let known: Samples = all.iter().copied().collect();
            let count = u64::try_from(unknown.len()).unwrap();
            let found = known.with_unknown(count).estimate(quantile, ALPHA).unwrap();
            let whole: Samples = all.into_iter().chain(unknown).collect();
            let truth = whole.estimate(quantile, ALPHA).unwrap();
            let slack = 1.0 + 2.1 * whole.accuracy();
            prop_assert!(found.lower.is_none_or(|lower| lower <= truth.lower.unwrap() * slack));
            prop_assert!(found.upper.is_none_or(|upper| upper * slack >= truth.upper.unwrap()));
            prop_assert!(found.lower.is_none_or(|lower| lower <= found.value));
            prop_assert!(found.upper.is_none_or(|upper| upper >= found.value));
        }

        #[test]
        fn a_larger_alpha_gives_closer_bounds(
            count in 1_u64..20_000,
            quantile in quantiles(),
            (one, other) in (0.0001..0.49, 0.0001..0.49),
        ) {
            let [strict, loose] = [f64::min(one, other), f64::max(one, other)]
                .map(|chance| Alpha::new(chance).unwrap());
            if let Some(rank) = upper_rank(count, quantile, strict) {
                prop_assert!(upper_rank(count, quantile, loose).unwrap() <= rank);
            }
            if let Some(rank) = lower_rank(count, quantile, strict) {
                prop_assert!(lower_rank(count, quantile, loose).unwrap() >= rank);
            }
        }

        #[test]
        fn one_more_sample_moves_each_rank_by_one_at_most(
            count in 1_u64..20_000,
            quantile in quantiles(),
        ) {
            for rank in [upper_rank, lower_rank] {
                if let Some(before) = rank(count, quantile, ALPHA) {
                    let after = rank(count + 1, quantile, ALPHA).unwrap();
                    prop_assert!(before <= after && after <= before + 1, "{before} {after}");
                }
            }
        }

        #[test]
        fn merging_is_adding_each(one in durations(), other in durations()) {
            let mut merged: Samples = one.iter().copied().collect();
            merged.merge(&other.iter().copied().collect());
            prop_assert_eq!(merged, one.into_iter().chain(other).collect());
        }
    }
}
