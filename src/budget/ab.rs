//! Verdicts over interleaved pairs of runs of two versions.
//!
//! Both versions run on the same machine in alternating order, so that changes of the machine affect
//! both. The sign test decides: it assumes nothing about durations and machine, only that each pair
//! favours either version with the same probability if they do not differ. The claims of a spec share
//! the probability of an error ([`StepDown`]).

use std::fmt;

use super::binomial::Binomial;
use super::holm::StepDown;
use super::missing::MissingSpans;
use super::numbers::not_measured;
use super::quantile::{Alpha, Quantile, smallest_count};
use super::samples::Samples;
use crate::number::{Rounding, Unit, count, counted, permitted_ratio, ratio};

/// Minimum number of pairs. The probability that B is slower in five of five pairs by chance is 1/32.
pub const FEWEST_PAIRS: usize = 5;

/// The probability of any false alarm among the claims of a spec, and of any false proof.
const ALPHA: Alpha = Alpha::FIVE_PERCENT;

/// One run of each version, close together in time.
#[derive(Clone, Copy, Debug)]
pub struct Pair<'a> {
    /// The reference version.
    pub a: PairedRun<'a>,
    /// The version under test.
    pub b: PairedRun<'a>,
}

/// A run of one version.
#[derive(Clone, Copy, Debug)]
pub struct PairedRun<'a> {
    /// The values.
    pub samples: &'a Samples,
    /// The values without delays of the load generator.
    pub punctual: &'a Samples,
    /// Number of complete traces without such a span.
    pub missing: u64,
    /// The number of them that `failures` permits.
    pub allowed: u64,
}

/// A run in which every trace has such a span.
impl<'a> From<&'a Samples> for PairedRun<'a> {
    fn from(samples: &'a Samples) -> Self {
        Self {
            samples,
            punctual: samples,
            missing: 0,
            allowed: 0,
        }
    }
}

/// The claim that a quantile of B is within a ratio of that of A.
#[derive(Clone, Debug)]
pub struct PairedClaim<'a> {
    /// The subject of the budget.
    pub subject: String,
    /// The quantile.
    pub quantile: Quantile,
    /// The permitted increase: 0.2 for 20 %.
    pub tolerance: f64,
    /// The runs.
    pub pairs: Vec<Pair<'a>>,
}

impl PairedClaim<'_> {
    fn unit(&self) -> Unit {
        let first = self.pairs.first();
        first.map_or_else(Unit::default, |pair| pair.a.samples.unit())
    }
}

/// The verdict over all pairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AbVerdict {
    /// B is provably slower or higher, and the median ratio exceeds the limit.
    Regressed,
    /// The pairs prove neither.
    NotProven,
    /// The ratio is provably within the limit.
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
    /// The unit of the values.
    pub unit: Unit,
    /// The quantile of A and of B, in the pair with the median ratio.
    pub median: [f64; 2],
    /// The ratio of B to A in each pair, in ascending order.
    pub ratios: Vec<f64>,
    /// The maximum ratio.
    pub limit: f64,
    /// Number of requests without a measurement. The verdict holds for any value of them.
    pub not_measured: u64,
    /// Number of pairs that exceed the limit only with the delay of the load generator. The shown
    /// quantiles do not include it.
    pub sent_late: usize,
    /// The run in which most traces have no such span, if these are more than permitted. The verdict
    /// is then never OK.
    pub not_found: Option<NotFound>,
}

/// One of the two versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AbSide {
    /// The reference.
    A,
    /// The version under test.
    B,
}

impl fmt::Display for AbSide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::A => "A",
            Self::B => "B",
        })
    }
}

/// A run in which more traces have no such span than `failures` permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotFound {
    /// The run, from 1.
    pub run: usize,
    /// Its version.
    pub side: AbSide,
    /// The traces without it.
    pub spans: MissingSpans,
}

/// The reason why pairs cannot be judged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AbRefusal {
    /// There are fewer than [`pairs_needed`].
    #[error(
        "{}, and {} needed for {}",
        counted(*found, "pair"),
        if *needed == 1 { "1 is".to_owned() } else { format!("{needed} are") },
        counted(*claims, "compared quantile")
    )]
    TooFewPairs {
        /// The number of pairs.
        found: usize,
        /// The number that can prove a claim.
        needed: usize,
        /// The number of claims that share the probability of an error.
        claims: usize,
    },
    /// A run is too short for the quantile.
    #[error(
        "a run of pair {pair} has {}, and this quantile needs {}; use `--requests {needed}`, or compare a lower quantile",
        counted(*found, "sample"),
        count(*needed)
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

/// The smallest number of pairs that can prove one of several claims: 5 for one claim, 6 for two or
/// three, 7 for four to six, 8 for up to twelve.
///
/// ```
/// use spanspec::internal::budget::pairs_needed;
/// assert_eq!([1, 2, 3, 4, 6, 7, 12, 13].map(pairs_needed), [5, 6, 6, 7, 7, 8, 8, 9]);
/// ```
#[must_use]
pub fn pairs_needed(claims: usize) -> usize {
    let level = ALPHA.shared_by(claims).chance();
    let is_enough = |pairs: &usize| by_chance(*pairs, *pairs) <= level;
    (FEWEST_PAIRS..)
        .find(is_enough)
        .expect("the probability halves with each pair")
}

/// The probability that at least `count` of `pairs` favour one version by chance.
fn by_chance(count: usize, pairs: usize) -> f64 {
    let fair = Binomial {
        trials: pairs as u64,
        chance: 0.5,
        rest: 0.5,
    };
    fair.at_least(count as u64)
}

/// Returns `true` for claims with enough samples in a run to compare their quantile.
#[must_use]
pub fn is_measurable(quantile: Quantile, requests: u64) -> bool {
    requests >= smallest_count(quantile, ALPHA)
}

/// Judges all claims of a spec.
#[must_use]
pub fn judge_pairs(claims: &[PairedClaim<'_>]) -> Vec<Result<Ab, AbRefusal>> {
    let ratios: Vec<_> = claims.iter().map(ratios).collect();
    let all = ratios.iter().flatten().count();
    let shares = |count: fn(&Range, f64) -> bool| {
        let claims = claims.iter().zip(&ratios);
        let chances = claims.filter_map(|(claim, ranges)| {
            let ranges = ranges.as_ref().ok()?;
            let limit = 1.0 + claim.tolerance;
            let found = ranges.iter().filter(|range| count(range, limit)).count();
            Some(by_chance(found, ranges.len()))
        });
        let chances: Vec<f64> = chances.collect();
        StepDown::of(&chances, ALPHA, |chance, level| *chance <= level.chance()).decided
    };
    let mut slower = shares(|range, _| range.least > 1.0).into_iter();
    let mut within = shares(|range, limit| range.most <= limit).into_iter();
    let judge = |(claim, ranges): (&PairedClaim<'_>, Result<Vec<Range>, AbRefusal>)| {
        let ranges = ranges?;
        let [is_slower, is_within] =
            [slower.next(), within.next()].map(|level| level.flatten().is_some());
        let (found, needed) = (ranges.len(), pairs_needed(all));
        if found < needed {
            return Err(AbRefusal::TooFewPairs {
                found,
                needed,
                claims: all,
            });
        }
        Ok(judged_claim(claim, ranges, (is_slower, is_within)))
    };
    claims.iter().zip(ratios).map(judge).collect()
}

fn judged_claim(
    claim: &PairedClaim<'_>,
    mut ranges: Vec<Range>,
    (is_slower, is_within): (bool, bool),
) -> Ab {
    let limit = 1.0 + claim.tolerance;
    let middle = middle(ranges.len());
    ranges.sort_by(|one, other| one.least.total_cmp(&other.least));
    let exceeds = ranges[middle].least > limit;
    ranges.sort_by(|one, other| one.seen.total_cmp(&other.seen));
    let unknown = claim
        .pairs
        .iter()
        .map(|pair| pair.a.samples.unknown() + pair.b.samples.unknown());
    let not_found = not_found(&claim.pairs);
    let is_late = |range: &&Range| range.most > limit && range.most_punctual <= limit;
    let sent_late = ranges.iter().filter(is_late).count();
    Ab {
        subject: claim.subject.clone(),
        quantile: claim.quantile,
        unit: claim.unit(),
        verdict: if is_slower && exceeds {
            AbVerdict::Regressed
        } else if is_within && not_found.is_none() {
            AbVerdict::Ok
        } else {
            AbVerdict::NotProven
        },
        median: ranges[middle].values,
        ratios: ranges.iter().map(|range| range.seen).collect(),
        limit,
        not_measured: unknown.sum(),
        sent_late,
        not_found,
    }
}

/// The run that lacks the largest share of spans, among those that lack more than permitted.
fn not_found(pairs: &[Pair<'_>]) -> Option<NotFound> {
    let runs = (1..).zip(pairs);
    let runs = runs.flat_map(|(run, pair)| [(run, AbSide::A, pair.a), (run, AbSide::B, pair.b)]);
    let lacking = runs.filter(|(_, _, of)| of.missing > of.allowed);
    let share = |of: &NotFound| of.spans.missing as f64 / of.spans.traces as f64;
    lacking
        .map(|(run, side, of)| NotFound {
            run,
            side,
            spans: MissingSpans {
                missing: of.missing,
                traces: of.samples.len().saturating_add(of.missing),
                allowed: of.allowed,
            },
        })
        .max_by(|one, other| share(one).total_cmp(&share(other)))
}

/// The index of the median; of an even number the lower of both, so that it is one of the pairs.
fn middle(number: usize) -> usize {
    number.saturating_sub(1) / 2
}

fn ratios(claim: &PairedClaim<'_>) -> Result<Vec<Range>, AbRefusal> {
    let needed = smallest_count(claim.quantile, ALPHA);
    let pairs = (1..).zip(&claim.pairs);
    let ranges = pairs.map(|(number, pair)| {
        let range = Range::of(pair, claim.quantile).ok_or(AbRefusal::NothingFound(number))?;
        let found = pair.a.samples.len().min(pair.b.samples.len());
        if found < needed {
            return Err(AbRefusal::TooFewSamples {
                pair: number,
                found,
                needed,
            });
        }
        Ok(range)
    });
    ranges.collect()
}

/// The ratio of B to A in a pair. Requests without a measurement, and delays of the load generator,
/// make it a range: a ratio within the limit is one with and without these delays.
#[derive(Clone, Debug)]
struct Range {
    least: f64,
    seen: f64,
    most: f64,
    /// The maximum without delays.
    most_punctual: f64,
    /// The quantile of A and of B.
    values: [f64; 2],
}

impl Range {
    /// Returns `None` if one side has no samples.
    fn of(pair: &Pair<'_>, quantile: Quantile) -> Option<Self> {
        let quotient = |b, a| pair.a.samples.unit().change(b, a);
        let ratios = |a: &Samples, b: &Samples| {
            let ([least_a, most_a], [least_b, most_b]) = (a.range(quantile)?, b.range(quantile)?);
            Some((quotient(least_b, most_a), quotient(most_b, least_a)))
        };
        let (_, most_late) = ratios(pair.a.samples, pair.b.samples)?;
        let (a, b) = (pair.a.punctual, pair.b.punctual);
        let (least, most_punctual) = ratios(a, b)?;
        let values = [a.quantile(quantile)?, b.quantile(quantile)?];
        Some(Self {
            least,
            seen: quotient(values[1], values[0]),
            most: most_late.max(most_punctual),
            most_punctual,
            values,
        })
    }
}

impl Ab {
    /// The median ratio.
    #[must_use]
    pub fn median(&self) -> f64 {
        self.ratios[middle(self.ratios.len())]
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

/// `p50 of ship: REGRESSED: 2.91x (291 ms against 100 ms in the median of 5 pairs, which are 2.80x to
/// 3.02x; slower in 5), limit 1.2x`.
impl fmt::Display for Ab {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |of| ratio(of, Rounding::Nearest);
        let [a, b] = self
            .median
            .map(|of| self.unit.rounded(of, Rounding::Nearest));
        let larger = self.unit.larger();
        let [least, most] = [self.ratios.first(), self.ratios.last()]
            .map(|one| one.map_or_else(String::new, |one| shown(*one)));
        let number = |is: &dyn Fn(f64) -> bool| self.ratios.iter().filter(|one| is(**one)).count();
        let is_open = self.verdict == AbVerdict::NotProven;
        let found = match is_open && self.median() <= self.limit {
            true => format!("not found {larger}: "),
            false => String::new(),
        };
        write!(
            f,
            "{} of {}: {}: {found}{} ({b} against {a} in the median of {} pairs, which are {least} to {most}; {larger} in {}, within the limit in {}), limit {}",
            self.quantile,
            self.subject,
            self.verdict,
            self.change(),
            self.ratios.len(),
            number(&|one| one > 1.0),
            number(&|one| one <= self.limit),
            self.most(),
        )?;
        match (self.verdict, self.not_found) {
            (AbVerdict::Regressed | AbVerdict::Ok, _) => Ok(()),
            (AbVerdict::NotProven, Some(lacking)) => write!(f, ". {lacking}"),
            (AbVerdict::NotProven, None) if self.not_measured > 0 => {
                write!(f, ". {}", not_measured(self.not_measured))
            }
            (AbVerdict::NotProven, None) if self.sent_late > 0 => write!(
                f,
                ". {} above the limit only with the delay of the load generator: reduce the load, or use a less busy machine.",
                match self.sent_late {
                    1 => "1 pair is".to_owned(),
                    several => format!("{several} pairs are"),
                }
            ),
            (AbVerdict::NotProven, None) => {
                f.write_str(". More requests (`--requests`) or pairs (`--pairs`) may decide.")
            }
        }
    }
}

/// `In run 3 of B, 950 of 1,000 traces have no such span (0 allowed): find out why, or raise `failures`.`
impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "In run {} of {}, {}.", self.run, self.side, self.spans)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(micros: u64) -> Samples {
        (0..200).map(|_| micros).collect()
    }

    fn claim<'a>(quantile: Quantile, runs: &'a [(Samples, Samples)]) -> PairedClaim<'a> {
        PairedClaim {
            subject: "ship".to_owned(),
            quantile,
            tolerance: 0.2,
            pairs: runs
                .iter()
                .map(|(a, b)| Pair {
                    a: a.into(),
                    b: b.into(),
                })
                .collect(),
        }
    }

    fn judged_at(quantile: Quantile, runs: &[(Samples, Samples)]) -> Result<Ab, AbRefusal> {
        judge_pairs(&[claim(quantile, runs)]).remove(0)
    }

    fn runs(of: &[(u64, u64)]) -> Vec<(Samples, Samples)> {
        of.iter().map(|(a, b)| (run(*a), run(*b))).collect()
    }

    fn judged(of: &[(u64, u64)]) -> Result<Ab, AbRefusal> {
        judged_at(Quantile::P50, &runs(of))
    }

    #[test]
    fn a_version_that_is_slower_in_every_pair_has_regressed() {
        let found = judged(&[(100, 290), (110, 308), (90, 270), (100, 291), (100, 280)]).unwrap();
        assert_eq!(
            found.to_string(),
            "p50 of ship: REGRESSED: 2.90x (290 µs against 100 µs in the median of 5 pairs, which are 2.80x to 3.00x; slower in 5, within the limit in 0), limit 1.2x"
        );
    }

    #[test]
    fn a_single_pair_that_is_not_slower_leaves_the_claim_open() {
        let found = judged(&[(100, 290), (110, 308), (90, 270), (100, 291), (100, 100)]).unwrap();
        assert_eq!(
            found.to_string(),
            "p50 of ship: NOT PROVEN: 2.90x (290 µs against 100 µs in the median of 5 pairs, which are 1.00x to 3.00x; slower in 4, within the limit in 1), limit 1.2x. More requests (`--requests`) or pairs (`--pairs`) may decide."
        );
    }

    #[test]
    fn a_single_pair_above_the_limit_leaves_the_claim_open() {
        let found = judged(&[(100, 101), (100, 99), (100, 130), (100, 100), (100, 98)]).unwrap();
        assert_eq!(
            found.to_string(),
            "p50 of ship: NOT PROVEN: not found slower: 1.00x (100 µs against 100 µs in the median of 5 pairs, which are 0.98x to 1.30x; slower in 2, within the limit in 4), limit 1.2x. More requests (`--requests`) or pairs (`--pairs`) may decide."
        );
    }

    #[test]
    fn more_pairs_bear_one_that_differs() {
        let mut pairs = vec![(100, 290); 7];
        pairs.push((100, 99));
        assert_eq!(judged(&pairs).unwrap().verdict, AbVerdict::Regressed);
        let mut pairs = vec![(100, 101); 7];
        pairs.push((100, 130));
        assert_eq!(judged(&pairs).unwrap().verdict, AbVerdict::Ok);
    }

    #[test]
    fn several_claims_need_more_pairs() {
        let verdicts = |pairs: &[(u64, u64)], claims: usize| {
            let runs = runs(pairs);
            judge_pairs(&vec![claim(Quantile::P50, &runs); claims])
        };
        let five = verdicts(&[(100, 290); 5], 2);
        assert_eq!(
            five[0].as_ref().unwrap_err().to_string(),
            "5 pairs, and 6 are needed for 2 compared quantiles"
        );
        for (claims, pairs) in [(1, 5), (3, 6), (6, 7)] {
            for one in verdicts(&vec![(100, 290); pairs], claims) {
                assert_eq!(one.unwrap().verdict, AbVerdict::Regressed);
            }
            for one in verdicts(&vec![(100, 100); pairs], claims) {
                assert_eq!(one.unwrap().verdict, AbVerdict::Ok);
            }
        }
        // Seven of eight prove a single claim, and none of two.
        let mut pairs = vec![(100, 290); 7];
        pairs.push((100, 99));
        for one in verdicts(&pairs, 2) {
            assert_eq!(one.unwrap().verdict, AbVerdict::NotProven);
        }
    }

    #[test]
    fn requests_without_a_measurement_may_have_any_duration() {
        let some = |micros: u64, unknown| run(micros).with_unknown(unknown);
        let judged = |a: &Samples, b: &Samples| {
            let runs = vec![(a.clone(), b.clone()); 5];
            let found = judged_at(Quantile::P95, &runs).unwrap();
            (found.verdict, found.to_string())
        };
        // Five of 205 do not change p95.
        assert_eq!(judged(&some(100, 5), &some(290, 5)).0, AbVerdict::Regressed);
        assert_eq!(judged(&some(100, 5), &some(100, 5)).0, AbVerdict::Ok);
        assert_eq!(
            judged(&some(100, 20), &some(290, 0)).0,
            AbVerdict::NotProven
        );
        let (verdict, said) = judged(&some(100, 0), &some(100, 20));
        assert_eq!(verdict, AbVerdict::NotProven);
        assert!(
            said.ends_with(". 100 requests have no measurement: find out why they fail, or why their traces are incomplete."),
            "{said}"
        );
    }

    #[test]
    fn a_little_slower_in_every_pair_is_allowed() {
        let found = judged(&[(100, 110); 6]).unwrap();
        assert_eq!((found.verdict, found.median()), (AbVerdict::Ok, 1.1));
    }

    #[test]
    fn p99_is_compared_if_each_run_has_enough_samples() {
        let long = |micros: u64| (0..299).map(|_| micros).collect::<Samples>();
        let enough = vec![(long(100), long(290)); 5];
        let found = judged_at(Quantile::P99, &enough).unwrap();
        assert_eq!(found.verdict, AbVerdict::Regressed);
        let refusal = judged_at(Quantile::P99, &runs(&[(100, 290); 5])).unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "a run of pair 1 has 200 samples, and this quantile needs 299; use `--requests 299`, or compare a lower quantile"
        );
    }

    #[test]
    fn pairs_that_cannot_be_judged_are_refused() {
        assert!(matches!(
            judged(&[(1, 1); 4]),
            Err(AbRefusal::TooFewPairs {
                found: 4,
                needed: 5,
                ..
            })
        ));
        let mut pairs = runs(&[(1, 1); 5]);
        pairs[2].1 = Samples::default();
        let refused = judged_at(Quantile::P50, &pairs);
        assert_eq!(refused, Err(AbRefusal::NothingFound(3)));
    }

    #[test]
    fn a_refused_claim_costs_the_others_no_pairs() {
        let (short, long) = (runs(&[(100, 290); 5]), runs(&[(100, 290); 5]));
        let both = [claim(Quantile::P99, &short), claim(Quantile::P50, &long)];
        let judged = judge_pairs(&both);
        assert!(judged[0].is_err());
        assert_eq!(judged[1].as_ref().unwrap().verdict, AbVerdict::Regressed);
    }
}
