//! Verdicts over interleaved pairs of runs of two versions.
//!
//! Both versions run on the same machine in alternating order, so that changes of the machine affect
//! both.

use std::fmt;

use super::numbers::not_measured;
use super::quantile::{Alpha, Quantile, smallest_count};
use super::samples::Samples;
use crate::number::{Rounding, permitted_ratio, ratio};

/// Minimum number of pairs. The probability that B is slower in five of five pairs by chance is 1/32,
/// and the ratio must exceed the limit as well.
pub const FEWEST_PAIRS: usize = 5;

/// One run of each version, close together in time.
#[derive(Clone, Copy, Debug)]
pub struct Pair<'a> {
    /// The reference version.
    pub a: &'a Samples,
    /// The version under test.
    pub b: &'a Samples,
}

/// The verdict over all pairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AbVerdict {
    /// B is slower in every pair, and the median ratio exceeds the limit.
    Regressed,
    /// The median ratio exceeds the limit, but B is not slower in every pair.
    NotProven,
    /// The median ratio is within the limit.
    Ok,
}

/// `REGRESSED`, `NOT PROVEN`, `OK`
impl fmt::Display for AbVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Regressed => "REGRESSED",
            Self::NotProven => "NOT PROVEN",
            Self::Ok => "OK",
        })
    }
}

/// A verdict with its reasons.
#[derive(Clone, Debug, PartialEq)]
pub struct Ab {
    /// The subject of the budget.
    pub subject: String,
    /// The quantile.
    pub quantile: Quantile,
    /// The verdict.
    pub verdict: AbVerdict,
    /// The ratio of B to A in each pair, in ascending order.
    pub ratios: Vec<f64>,
    /// The maximum ratio.
    pub limit: f64,
    /// Number of requests without a measurement. The verdict holds for any duration of them.
    pub not_measured: u64,
}

/// The reason why pairs cannot be judged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AbRefusal {
    /// Quantiles from p99 on vary too much between runs.
    #[error(
        "{0} cannot be compared by pairs of runs: 1 of 36 comparisons of equal versions would fail; use p95 or lower, or a baseline"
    )]
    Tail(Quantile),
    /// There are fewer than [`FEWEST_PAIRS`].
    #[error("{FEWEST_PAIRS} pairs of runs are needed, and there are {0}")]
    TooFewPairs(usize),
    /// A run is too short for the quantile.
    #[error(
        "a run of pair {pair} has {found} samples, and this quantile needs {needed}; send more requests per run, or compare a lower quantile"
    )]
    TooFewSamples {
        /// The pair, from 1.
        pair: usize,
        /// The number of samples.
        found: u64,
        /// The number from which bounds exist.
        needed: u64,
    },
    /// One of the runs has no samples.
    #[error("a run of pair {0} found nothing to measure")]
    NothingFound(usize),
}

/// Judges if B is slower than A by more than the tolerance: 0.2 for 20 %.
///
/// # Errors
/// The pairs cannot be judged.
pub fn judge_pairs(
    subject: &str,
    quantile: Quantile,
    pairs: &[Pair<'_>],
    tolerance: f64,
) -> Result<Ab, AbRefusal> {
    if quantile >= Quantile::P99 {
        return Err(AbRefusal::Tail(quantile));
    }
    if pairs.len() < FEWEST_PAIRS {
        return Err(AbRefusal::TooFewPairs(pairs.len()));
    }
    let needed = smallest_count(quantile, Alpha::FIVE_PERCENT);
    let ranges: Result<Vec<Range>, AbRefusal> = (1..)
        .zip(pairs)
        .map(|(number, pair)| {
            let range = Range::of(pair, quantile).ok_or(AbRefusal::NothingFound(number))?;
            let found = pair.a.len().min(pair.b.len());
            if found < needed {
                return Err(AbRefusal::TooFewSamples {
                    pair: number,
                    found,
                    needed,
                });
            }
            Ok(range)
        })
        .collect();
    let ranges = ranges?;
    let sorted = |ratio: fn(&Range) -> f64| {
        let mut ratios: Vec<f64> = ranges.iter().map(ratio).collect();
        ratios.sort_by(f64::total_cmp);
        ratios
    };
    let limit = 1.0 + tolerance;
    let (least, most) = (sorted(|range| range.least), sorted(|range| range.most));
    let is_worse = median(&least) > limit && least[0] > 1.0;
    let not_measured = pairs.iter().map(|pair| pair.a.unknown() + pair.b.unknown());
    Ok(Ab {
        subject: subject.to_owned(),
        quantile,
        verdict: if is_worse {
            AbVerdict::Regressed
        } else if median(&most) <= limit {
            AbVerdict::Ok
        } else {
            AbVerdict::NotProven
        },
        ratios: sorted(|range| range.seen),
        limit,
        not_measured: not_measured.sum(),
    })
}

/// The ratio of B to A in a pair. Requests without a measurement make it a range.
struct Range {
    least: f64,
    seen: f64,
    most: f64,
}

impl Range {
    /// Returns `None` if one side has no samples.
    fn of(pair: &Pair<'_>, quantile: Quantile) -> Option<Self> {
        let ([least_a, most_a], [least_b, most_b]) =
            (pair.a.range(quantile)?, pair.b.range(quantile)?);
        // Durations below one microsecond count as one.
        let quotient = |b: f64, a: f64| b.max(1.0) / a.max(1.0);
        Some(Self {
            least: quotient(least_b, most_a),
            seen: quotient(pair.b.quantile(quantile)?, pair.a.quantile(quantile)?),
            most: quotient(most_b, least_a),
        })
    }
}

impl Ab {
    /// The median ratio.
    #[must_use]
    pub fn median(&self) -> f64 {
        median(&self.ratios)
    }

    /// The median ratio: `2.90x`.
    #[must_use]
    pub fn change(&self) -> String {
        ratio(self.median(), Rounding::Nearest)
    }

    /// The maximum ratio: `1.2x`.
    #[must_use]
    pub fn most(&self) -> String {
        permitted_ratio(self.limit, Rounding::Nearest)
    }
}

/// The median of values in ascending order.
fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    if sorted.len().is_multiple_of(2) {
        f64::midpoint(sorted[middle - 1], sorted[middle])
    } else {
        sorted[middle]
    }
}

/// `p50 of ship: REGRESSED: 2.91x (median of 5 pairs, 2.80x to 3.02x, slower in 5), limit 1.2x`.
impl fmt::Display for Ab {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |of| ratio(of, Rounding::Nearest);
        let [least, most] = [self.ratios.first(), self.ratios.last()]
            .map(|one| one.map_or_else(String::new, |one| shown(*one)));
        write!(
            f,
            "{} of {}: {}: {} (median of {} pairs, {least} to {most}, slower in {}), limit {}",
            self.quantile,
            self.subject,
            self.verdict,
            self.change(),
            self.ratios.len(),
            self.ratios.iter().filter(|ratio| **ratio > 1.0).count(),
            self.most(),
        )?;
        match self.verdict {
            AbVerdict::NotProven if self.not_measured > 0 => {
                write!(f, ". {}", not_measured(self.not_measured))
            }
            AbVerdict::NotProven => f.write_str(". More requests per run may decide."),
            AbVerdict::Regressed | AbVerdict::Ok => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(micros: u64) -> Samples {
        (0..200).map(|_| micros).collect()
    }

    fn judged(runs: &[(u64, u64)]) -> Result<Ab, AbRefusal> {
        let runs: Vec<_> = runs.iter().map(|(a, b)| (run(*a), run(*b))).collect();
        let pairs: Vec<_> = runs.iter().map(|(a, b)| Pair { a, b }).collect();
        judge_pairs("ship", Quantile::P50, &pairs, 0.2)
    }

    #[test]
    fn a_version_that_is_slower_in_every_pair_has_regressed() {
        let found = judged(&[(100, 290), (110, 308), (90, 270), (100, 291), (100, 280)]).unwrap();
        assert_eq!(
            found.to_string(),
            "p50 of ship: REGRESSED: 2.90x (median of 5 pairs, 2.80x to 3.00x, slower in 5), limit 1.2x"
        );
    }

    #[test]
    fn a_single_pair_that_is_not_slower_leaves_the_claim_open() {
        let found = judged(&[(100, 290), (110, 308), (90, 270), (100, 291), (100, 100)]).unwrap();
        assert_eq!(
            found.to_string(),
            "p50 of ship: NOT PROVEN: 2.90x (median of 5 pairs, 1.00x to 3.00x, slower in 4), limit 1.2x. More requests per run may decide."
        );
    }

    #[test]
    fn requests_without_a_measurement_may_have_any_duration() {
        let some = |micros: u64, unknown| run(micros).with_unknown(unknown);
        let judged = |a: &Samples, b: &Samples| {
            let found = judge_pairs("ship", Quantile::P95, &[Pair { a, b }; 5], 0.2).unwrap();
            (found.verdict, found.to_string())
        };
        // Five of 205 do not change p95.
        assert_eq!(judged(&some(100, 5), &some(290, 5)).0, AbVerdict::Regressed);
        assert_eq!(judged(&some(100, 5), &some(100, 5)).0, AbVerdict::Ok);
        assert_eq!(
            judged(&some(100, 20), &some(290, 0)).0,
            AbVerdict::NotProven
        );
        assert_eq!(
            judged(&some(100, 0), &some(100, 20)),
            (
                AbVerdict::NotProven,
                "p95 of ship: NOT PROVEN: 1.00x (median of 5 pairs, 1.00x to 1.00x, slower in 0), limit 1.2x. 100 requests have no measurement: raise `request.timeout`, or find out why they fail.".to_owned()
            )
        );
    }

    #[test]
    fn a_little_slower_in_every_pair_is_allowed() {
        let found = judged(&[(100, 110); 6]).unwrap();
        assert_eq!((found.verdict, found.median()), (AbVerdict::Ok, 1.1));
    }

    #[test]
    fn pairs_that_cannot_be_judged_are_refused() {
        assert_eq!(judged(&[(1, 1); 4]), Err(AbRefusal::TooFewPairs(4)));
        let (some, none) = (run(1), Samples::default());
        let mut pairs = [Pair { a: &some, b: &some }; 5];
        pairs[2].b = &none;
        let judge = |quantile| judge_pairs("ship", quantile, &pairs, 0.2);
        assert_eq!(judge(Quantile::P50), Err(AbRefusal::NothingFound(3)));
        assert_eq!(judge(Quantile::P99), Err(AbRefusal::Tail(Quantile::P99)));
        let few: Samples = (0..58).collect();
        let pairs = [Pair { a: &some, b: &few }; 5];
        let refusal = judge_pairs("ship", Quantile::P95, &pairs, 0.2).unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "a run of pair 1 has 58 samples, and this quantile needs 59; send more requests per run, or compare a lower quantile"
        );
    }
}
