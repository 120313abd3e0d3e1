//! The sentence about a judged claim that all reporters share.

use std::fmt;

use super::baseline::FactDifference;
use super::judged::{Compared, JudgedClaim, OpenReason, RunEstimate};
use super::numbers::MEASURE_THEM;
use super::quantile::{Quantile, smallest_count};
use super::sample_size::{SampleSize, two_digits_up};
use super::samples::Estimate;
use super::verdict::{ClaimVerdict, micros};
use crate::number::{
    Rounding, Unit, count, counted, micros as shown_micros, permitted_ratio, ratio,
};
use crate::spec::UpperLimit;

impl JudgedClaim {
    /// A possible slowdown in short: it is above its limit, but that is not proven. `None` if it is
    /// not, or if the environments differ.
    #[must_use]
    pub fn possible_slowdown(&self) -> Option<String> {
        let candidate = self.candidate.as_ref()?;
        let (is_above, seen, limit) = match &self.compared {
            Compared::Limit(limit) => {
                let is_above = !limit.permits(candidate.value);
                (is_above, self.values_seen(*limit), limit.text(self.unit))
            }
            Compared::Baseline {
                before,
                tau,
                differs,
                ..
            } => {
                let before = before.as_ref().filter(|_| differs.is_empty())?.value;
                (
                    self.unit.change(candidate.value, before) > *tau,
                    self.changes_seen(),
                    permitted_ratio(*tau, Rounding::Nearest),
                )
            }
        };
        let was_above = self.is_unconfirmed();
        let is_visible = self.verdict == ClaimVerdict::NotProven && (is_above || was_above);
        is_visible.then(|| {
            format!(
                "{} is {}: {seen} seen, limit {limit}",
                self.claim(),
                self.verdict
            )
        })
    }

    /// The remark in a [`Table`](super::Table): the verdict, and a reason that names the quantile.
    #[must_use]
    pub fn remark(&self) -> String {
        let quantile = format!(" at {}", self.quantile);
        format!("{}: {}", self.verdict_over_runs(), self.reason(&quantile))
    }

    /// The quantile and the subject: `p99 of inventory-check`.
    pub(crate) fn claim(&self) -> String {
        format!("{} of {}", self.quantile, self.subject)
    }

    /// The verdict and its reason.
    pub(crate) fn explained(&self) -> String {
        format!("{}: {}", self.verdict_over_runs(), self.reason(""))
    }

    /// The verdict: `OK`, `REGRESSED in 3 of 3 runs`.
    pub(crate) fn verdict_over_runs(&self) -> String {
        let runs = self.runs().count();
        match self.exceeds() && runs > 1 {
            true => format!("{} in {runs} of {runs} runs", self.verdict),
            false => self.verdict.to_string(),
        }
    }

    /// The quantile in each run, beside this limit: `350 ms, 121 ms`.
    fn values_seen(&self, limit: UpperLimit) -> String {
        let shown =
            |of: RunEstimate| (self.unit).beside(of.now.value, Rounding::Nearest, limit.value);
        self.runs().map(shown).collect::<Vec<_>>().join(", ")
    }

    /// The ratio of each run to its baseline runs: `2.75x, 1.02x`.
    fn changes_seen(&self) -> String {
        let changes = self.runs().filter_map(|of| of.change(self.unit));
        let shown = changes.map(|of| ratio(of, Rounding::Nearest));
        shown.collect::<Vec<_>>().join(", ")
    }

    /// The reason without the verdict; `at` is ` at p99` if nothing else names the quantile.
    fn reason(&self, at: &str) -> String {
        let Some(now) = &self.candidate else {
            return match self.unit {
                Unit::Micros => "the budget has no samples".to_owned(),
                Unit::Number => "no trace has such a span".to_owned(),
            };
        };
        if let Some(OpenReason::NotConfirmed { exceeded }) = self.doubt {
            return self.not_confirmed(exceeded, at);
        }
        match &self.compared {
            Compared::Limit(limit) => self.beside_limit(now, *limit, at),
            Compared::Baseline { differs, .. } if !differs.is_empty() => {
                another_environment(differs, at)
            }
            Compared::Baseline {
                before,
                tau,
                raised,
                ..
            } => match before {
                Some(before) => self.beside_baseline(now, before, [*tau, *raised], at),
                None => format!("the baseline has no samples{at}"),
            },
        }
    }

    fn not_confirmed(&self, exceeded: usize, at: &str) -> String {
        let (limit, seen) = match &self.compared {
            Compared::Limit(limit) => (limit.text(self.unit), self.values_seen(*limit)),
            Compared::Baseline { raised, .. } => (
                permitted_ratio(*raised, Rounding::Nearest),
                self.changes_seen(),
            ),
        };
        let advice = match self.can_be_paired() {
            true => "`spanspec ab`, or a less busy machine,",
            false => "A less busy machine",
        };
        let runs = self.runs().count();
        format!(
            "{exceeded} of {runs} runs exceeded the limit {limit}{at} ({seen} seen). {advice} would decide."
        )
    }

    /// Returns `true` if `spanspec ab` compares such a claim with its usual number of requests.
    fn can_be_paired(&self) -> bool {
        matches!(self.compared, Compared::Baseline { .. }) && self.quantile < Quantile::P99
    }

    fn beside_limit(&self, now: &Estimate, limit: UpperLimit, at: &str) -> String {
        let shown = |of, rounding| self.unit.beside(of, rounding, limit.value);
        let seen = shown(now.value, Rounding::Nearest);
        let allowed = limit.text(self.unit);
        match (self.verdict, self.least(), now.upper) {
            (ClaimVerdict::OverLimit, Some(lower), _) => {
                let seen = self.values_seen(limit);
                if let Some(proven) = self.share_of_proofs() {
                    return format!("{seen}{at}, limit {allowed}, {proven}");
                }
                let least = shown(lower, Rounding::Down);
                format!("at least {least}{at} ({seen} seen), limit {allowed}")
            }
            (ClaimVerdict::Ok, _, Some(upper)) => {
                let most = shown(upper, Rounding::Up);
                format!("at most {most}{at} ({seen} seen), limit {allowed}")
            }
            (_, Some(lower), Some(upper)) => {
                let (lower, upper) = (shown(lower, Rounding::Down), shown(upper, Rounding::Up));
                let bounds = format!("{} % bounds {lower} to {upper}", self.alpha);
                format!(
                    "{seen}{at} ({bounds}), limit {allowed}.{}",
                    self.would_decide("")
                )
            }
            _ if self.doubt.is_some() => {
                let bound = one_bound([now.lower, now.upper], shown);
                let why = self.would_decide("");
                format!("{seen}{at} ({bound}), limit {allowed}.{why}")
            }
            _ => {
                let few = self.too_few(now.count, "");
                format!("{few}, so {seen}{at} does not prove the limit {allowed}")
            }
        }
    }

    fn beside_baseline(
        &self,
        now: &Estimate,
        before: &Estimate,
        [tau, raised]: [f64; 2],
        at: &str,
    ) -> String {
        let seen = self.unit.change(now.value, before.value);
        let larger = self.unit.larger();
        let [least, most] = self.ratios();
        let allowed = permitted_ratio(tau, Rounding::Nearest);
        match (self.verdict, least, most) {
            (ClaimVerdict::Regressed, Some(least), _) if least.is_infinite() => {
                let seen = self.unit.rounded(now.value, Rounding::Nearest);
                format!("{seen} instead of 0{at}, limit {allowed}")
            }
            (ClaimVerdict::Regressed, Some(least), _) => {
                let (seen, limit) = (
                    self.changes_seen(),
                    permitted_ratio(raised, Rounding::Nearest),
                );
                match self.share_of_proofs() {
                    None => format!(
                        "at least {} {larger}{at} ({seen} seen, limit {limit})",
                        ratio(least, Rounding::Down)
                    ),
                    Some(proven) => format!("{seen} {larger}{at}, limit {limit}, {proven}"),
                }
            }
            (ClaimVerdict::Ok, _, Some(most)) => format!(
                "at most {}{at} ({} seen, limit {allowed})",
                self.larger(most, Rounding::Up),
                ratio(seen, Rounding::Nearest),
            ),
            (_, Some(least), Some(most)) => format!(
                "{}{at} ({} % bounds {} to {}), limit {}.{}",
                self.larger(seen, Rounding::Nearest),
                self.alpha,
                ratio(least, Rounding::Down),
                ratio(most, Rounding::Up),
                ratio(tau, Rounding::Nearest),
                self.would_decide(" per side"),
            ),
            _ if self.doubt.is_some() => format!(
                "{}{at} ({}), limit {}.{}",
                self.larger(seen, Rounding::Nearest),
                one_bound([least, most], ratio),
                ratio(tau, Rounding::Nearest),
                self.would_decide(""),
            ),
            _ => self.too_few_to_compare(now, before, at),
        }
    }

    fn too_few_to_compare(&self, now: &Estimate, before: &Estimate, at: &str) -> String {
        let few = if before.count < now.count {
            self.too_few(before.count, " in the baseline")
        } else {
            self.too_few(now.count, "")
        };
        let needed = smallest_count(self.quantile, self.alpha);
        let sides = match now.count.max(before.count) < needed {
            true => " on each side",
            false => "",
        };
        let [now, before] =
            [now, before].map(|one| self.unit.rounded(one.value, Rounding::Nearest));
        format!("{few}{sides}, so {now} against {before}{at} proves no change")
    }

    fn too_few(&self, samples: u64, place: &str) -> String {
        let bound = if self.quantile >= Quantile::P50 {
            "an upper"
        } else {
            "a lower"
        };
        let needed = smallest_count(self.quantile, self.alpha);
        format!(
            "{}{place}; {bound} bound needs {}{}",
            counted(samples, "sample"),
            count(needed),
            self.requests_for(needed),
        )
    }

    /// ` (about 1,000 requests)`, if not every trace has a sample.
    fn requests_for(&self, samples: u64) -> String {
        let Some(now) = self.candidate.filter(|_| self.missing > 0) else {
            return String::new();
        };
        let share = now.count as f64 / now.count.saturating_add(self.missing) as f64;
        let requests = two_digits_up(samples as f64 / share);
        format!(" (about {} requests)", count(requests))
    }

    /// The sentence about another reason than the number of samples, after a space.
    fn doubtful(&self, doubt: OpenReason) -> String {
        let [now, before] =
            [self.candidate, self.compared.before()].map(|of| of.as_ref().and_then(share_unknown));
        match (doubt, now, before) {
            (OpenReason::NotFound(missing), ..) => format!(" {missing}."),
            (OpenReason::SentLate(by), ..) => format!(
                " {} of it are delay of the load generator, perhaps the only cause: reduce the load, or use a less busy machine.",
                shown_micros(micros(by), Rounding::Up),
            ),
            (OpenReason::Variation, ..) => {
                let raised = match &self.compared {
                    Compared::Baseline { raised, .. } => *raised,
                    Compared::Limit(_) => 1.0,
                };
                let raised = permitted_ratio(raised, Rounding::Nearest);
                match self.unit {
                    Unit::Micros => format!(
                        " The variation between runs of one version only permits proof of a slowdown above {raised}: use `spanspec ab`, or calibrate on a quiet machine."
                    ),
                    Unit::Number => format!(
                        " The variation between runs of one version only permits proof of an increase above {raised}: use `spanspec ab`, or find out why they vary."
                    ),
                }
            }
            (OpenReason::Contention { by, .. }, ..) => format!(" {by}."),
            // `reason` has another sentence.
            (OpenReason::NotConfirmed { .. }, ..) => String::new(),
            (OpenReason::NotMeasured, Some(now), None) => {
                format!(" {now} have no measurement: {MEASURE_THEM}.")
            }
            (OpenReason::NotMeasured, Some(now), Some(before)) => {
                format!(" {now} have no measurement, and {before} of the baseline: {MEASURE_THEM}.")
            }
            (OpenReason::NotMeasured, None, before) => format!(
                " {} of the baseline have no measurement: record it again.",
                before.unwrap_or_default()
            ),
        }
    }

    /// The sentence about the samples that would decide, after a space.
    fn would_decide(&self, side: &str) -> String {
        if let Some(doubt) = self.doubt {
            return self.doubtful(doubt);
        }
        let Some(needed) = self.needed() else {
            return String::new();
        };
        let pairs = match self.can_be_paired() {
            true => ", or `spanspec ab`,",
            false => "",
        };
        match self.lacking_side(needed) {
            Some((whose, samples, about)) => {
                let samples = counted(samples, "sample");
                format!(
                    " {whose} has {samples}; about {}{pairs} would decide.",
                    count(about)
                )
            }
            None => {
                let about = match needed {
                    SampleSize::About(samples) => samples,
                    SampleSize::TooMany => return " The estimate lies on the limit.".to_owned(),
                };
                let requests = self.requests_for(about);
                format!(" {needed} samples{side}{requests}{pairs} would decide.")
            }
        }
    }

    /// `1.14x slower`, or `0.97x of the baseline`.
    fn larger(&self, of: f64, rounding: Rounding) -> String {
        let of_what = match of >= 1.0 {
            true => self.unit.larger(),
            false => "of the baseline",
        };
        format!("{} {of_what}", ratio(of, rounding))
    }

    /// If only one side has too few samples: its name, its number, and the number that it needs.
    fn lacking_side(&self, needed: SampleSize) -> Option<(&'static str, u64, u64)> {
        let (now, before) = (self.candidate?.count, self.compared.before()?.count);
        match needed {
            SampleSize::About(about) if before < about && about <= now => {
                Some(("The baseline", before, about))
            }
            SampleSize::About(about) if now < about && about <= before => {
                Some(("This run", now, about))
            }
            SampleSize::About(_) | SampleSize::TooMany => None,
        }
    }
}

/// The bounds, of which at least one is missing.
fn one_bound(bounds: [Option<f64>; 2], shown: impl Fn(f64, Rounding) -> String) -> String {
    match bounds {
        [Some(least), _] => format!("at least {}", shown(least, Rounding::Down)),
        [None, Some(most)] => format!("at most {}", shown(most, Rounding::Up)),
        [None, None] => "without bounds".to_owned(),
    }
}

/// `56 of 1,500 requests` without a measurement; `None` if there are none.
fn share_unknown(of: &Estimate) -> Option<String> {
    let all = of.count.saturating_add(of.unknown);
    (of.unknown > 0).then(|| format!("{} of {} requests", count(of.unknown), count(all)))
}

impl UpperLimit {
    /// `150 ms`, or `< 2,000` if the limit itself is not permitted.
    pub(crate) fn text(self, unit: Unit) -> String {
        match self.is_exclusive {
            true => format!("< {}", unit.exact(self.value)),
            false => unit.exact(self.value),
        }
    }

    /// `at most 150 ms`, or `below 2,000`.
    pub(super) fn in_words(self, unit: Unit) -> String {
        match self.is_exclusive {
            true => format!("below {}", unit.exact(self.value)),
            false => format!("at most {}", unit.exact(self.value)),
        }
    }
}

fn another_environment(differs: &[FactDifference], at: &str) -> String {
    let facts: Vec<String> = differs.iter().map(ToString::to_string).collect();
    format!(
        "ANOTHER ENVIRONMENT{at} than the baseline's: {}. Record a baseline here, use `spanspec ab`, or compare nevertheless with `--allow-env-mismatch`.",
        facts.join("; ")
    )
}

impl fmt::Display for ClaimVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Regressed => "REGRESSED",
            Self::OverLimit => "OVER LIMIT",
            Self::NothingFound => "NOTHING FOUND",
            Self::Ok => "OK",
            Self::NotProven => "NOT PROVEN",
            Self::TooFew => "TOO FEW",
        })
    }
}

/// Quantile, subject, verdict and reason.
impl fmt::Display for JudgedClaim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.claim(), self.explained())
    }
}
