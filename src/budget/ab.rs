//! A against B: the verdict over interleaved pairs of runs.
//!
//! Both versions run on the same machine, one after the other, pair for pair in alternating order,
//! so that what the machine changes in the meantime meets both.

use std::fmt;

use super::quantile::{Alpha, Quantile, smallest_count};
use super::samples::Samples;
use super::words::{Round, factor, limit_factor, not_measured};

/// The fewest pairs that say something: that five of five are slower by chance happens once in 32
/// times, and the ratio has to be beyond the limit, too.
pub const FEWEST_PAIRS: usize = 5;

/// One run of each version, close together in time.
#[derive(Clone, Copy, Debug)]
pub struct Pair<'a> {
    /// Of the version that is known.
    pub a: &'a Samples,
    /// Of the version in question.
    pub b: &'a Samples,
}

/// What the pairs say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AbVerdict {
    /// B is slower in every pair, and by more than is allowed.
    Regressed,
    /// It is slower by more than is allowed, but not in every pair: that may be chance.
    NotProven,
    /// It is not slower by more than is allowed.
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

/// What the pairs say, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Ab {
    /// What was measured.
    pub subject: String,
    /// The quantile.
    pub quantile: Quantile,
    /// What the pairs say.
    pub verdict: AbVerdict,
    /// How many times as long B takes as A, in each pair, in ascending order.
    pub ratios: Vec<f64>,
    /// How many times as long it may take.
    pub limit: f64,
    /// Of how many requests it is not known how long they took; the verdict holds whatever that was.
    pub not_measured: u64,
}

/// Why pairs cannot be judged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AbRefusal {
    /// The longest few differ too much from run to run.
    #[error(
        "{0} cannot be compared by pairs of runs: one in 36 comparisons of the same version would be called slower; use p95 or below, or a baseline"
    )]
    Tail(Quantile),
    /// There are fewer than [`FEWEST_PAIRS`].
    #[error("{FEWEST_PAIRS} pairs of runs are needed, and there are {0}")]
    TooFewPairs(usize),
    /// A run is too short for the quantile.
    #[error(
        "{found} samples in a run of pair {pair}; {needed} say something of this quantile: send more requests a run, or compare a lower one"
    )]
    TooFewSamples {
        /// The pair, from 1.
        pair: usize,
        /// How many there are.
        found: u64,
        /// How many it takes: those of which bounds exist.
        needed: u64,
    },
    /// One of the runs measured nothing.
    #[error("pair {0} has a run in which nothing was found to measure")]
    NothingFound(usize),
}

/// Judges whether B is slower than A by more than the tolerance: 0.2 for 20 %.
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

/// How many times as long B takes as A in a pair, as far as that is known.
struct Range {
    least: f64,
    seen: f64,
    most: f64,
}

impl Range {
    /// None where one side has no samples.
    fn of(pair: &Pair<'_>, quantile: Quantile) -> Option<Self> {
        let ([least_a, most_a], [least_b, most_b]) =
            (pair.a.range(quantile)?, pair.b.range(quantile)?);
        // Less than a microsecond counts as one.
        let ratio = |b: f64, a: f64| b.max(1.0) / a.max(1.0);
        Some(Self {
            least: ratio(least_b, most_a),
            seen: ratio(pair.b.quantile(quantile)?, pair.a.quantile(quantile)?),
            most: ratio(most_b, least_a),
        })
    }
}

impl Ab {
    /// The ratio in the middle.
    #[must_use]
    pub fn median(&self) -> f64 {
        median(&self.ratios)
    }

    /// How many times as long B takes: `2.90x`.
    #[must_use]
    pub fn change(&self) -> String {
        factor(self.median(), Round::Nearest)
    }

    /// How many times as long it may take: `1.2x`.
    #[must_use]
    pub fn most(&self) -> String {
        limit_factor(self.limit)
    }
}

/// Of values in ascending order; of two in the middle, what lies between them.
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
        let said = |ratio| factor(ratio, Round::Nearest);
        let [least, most] = [self.ratios.first(), self.ratios.last()]
            .map(|one| one.map_or_else(String::new, |ratio| said(*ratio)));
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
            AbVerdict::NotProven => f.write_str(". More requests a run may decide."),
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
    fn a_single_pair_that_is_not_slower_leaves_it_open() {
        let found = judged(&[(100, 290), (110, 308), (90, 270), (100, 291), (100, 100)]).unwrap();
        assert_eq!(
            found.to_string(),
            "p50 of ship: NOT PROVEN: 2.90x (median of 5 pairs, 1.00x to 3.00x, slower in 4), limit 1.2x. More requests a run may decide."
        );
    }

    #[test]
    fn requests_of_which_nothing_is_known_may_have_been_slow_or_quick() {
        let some = |micros: u64, unknown| run(micros).with_unknown(unknown);
        let judged = |a: &Samples, b: &Samples| {
            let found = judge_pairs("ship", Quantile::P95, &[Pair { a, b }; 5], 0.2).unwrap();
            (found.verdict, found.to_string())
        };
        // A few of 205 change nothing at p95.
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
                "p95 of ship: NOT PROVEN: 1.00x (median of 5 pairs, 1.00x to 1.00x, slower in 0), limit 1.2x. 100 requests were not measured: raise `request.timeout`, or look why they fail.".to_owned()
            )
        );
    }

    #[test]
    fn a_little_slower_in_every_pair_is_allowed() {
        let found = judged(&[(100, 110); 6]).unwrap();
        assert_eq!((found.verdict, found.median()), (AbVerdict::Ok, 1.1));
    }

    #[test]
    fn what_cannot_be_judged_is_refused() {
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
            "58 samples in a run of pair 1; 59 say something of this quantile: send more requests a run, or compare a lower one"
        );
    }
}
