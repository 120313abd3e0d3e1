//! The two parts of a failed check, expected and found, for a judged claim.

use super::baseline::FactDifference;
use super::judged::{Compared, JudgedClaim, OpenReason, RunEstimate};
use super::numbers::version;
use super::samples::Estimate;
use super::verdict::ClaimVerdict;
use crate::number::{Rounding, count, permitted_ratio, ratio};
use crate::spec::UpperLimit;

impl JudgedClaim {
    /// The expected value: `at most 150 ms`, or `at most 1.2x of the 120 ms of v2.3.0 (n=500)`, where
    /// `before` is `service.version` of the baseline.
    #[must_use]
    pub fn expected(&self, before: Option<&str>) -> String {
        match &self.compared {
            Compared::Limit(limit) => limit.in_words(self.unit),
            Compared::Baseline {
                before: Some(then),
                tau,
                ..
            } => format!(
                "at most {} of the {} of {} (n={})",
                permitted_ratio(*tau, Rounding::Nearest),
                self.unit.rounded(then.value, Rounding::Nearest),
                before.map_or_else(|| "the baseline".to_owned(), version),
                count(then.count),
            ),
            Compared::Baseline { before: None, .. } => "at most the value of a baseline".to_owned(),
        }
    }

    /// The found value: `350 ms (at least 320 ms)`, or `350 ms in v2.4.0 (n=500), at least 2.6x`, where
    /// `now` is `service.version` of this run.
    #[must_use]
    pub fn found(&self, now: Option<&str>) -> String {
        let Some(seen) = &self.candidate else {
            return "nothing".to_owned();
        };
        match &self.compared {
            Compared::Limit(limit) => self.seen_beside_limit(seen, *limit),
            Compared::Baseline {
                before, differs, ..
            } => {
                let place = now.map_or_else(String::new, |now| format!(" in {}", version(now)));
                let value = self.unit.rounded(seen.value, Rounding::Nearest);
                let certain = match before {
                    _ if !differs.is_empty() => elsewhere(differs),
                    Some(before) => self.certainty(seen, before),
                    None => "and no baseline".to_owned(),
                };
                format!("{value}{place} (n={}), {certain}", count(seen.count))
            }
        }
    }

    /// The lower bound; of a claim that exceeds its limit, the lowest of all runs.
    pub(super) fn least(&self) -> Option<f64> {
        self.lowest(|of| of.now.lower)
    }

    /// Minimum and maximum of the ratio to the baseline; `None` if a bound is missing. The minimum of a
    /// claim that exceeds its limit is the lowest of all runs.
    pub(super) fn ratios(&self) -> [Option<f64>; 2] {
        let most = |of: RunEstimate| Some(self.unit.change(of.now.upper?, of.before?.lower?));
        [
            self.lowest(|of| of.least(self.unit)),
            self.run().and_then(most),
        ]
    }

    fn lowest(&self, bound: impl Fn(RunEstimate) -> Option<f64>) -> Option<f64> {
        match self.exceeds() {
            true => self.runs().filter_map(bound).reduce(f64::min),
            false => self.run().and_then(bound),
        }
    }

    /// `above the limit in 1 of 2 runs`, if only some runs exceeded it; `above the limit in each of 3 runs,
    /// proven in 2 of them`, if only some of them prove it.
    fn share_of_runs(&self) -> Option<String> {
        if let Some(proven) = self.share_of_proofs() {
            return Some(format!("above the limit{}, {proven}", self.in_each_run()));
        }
        let OpenReason::NotConfirmed { exceeded } = self.doubt? else {
            return None;
        };
        let runs = self.runs().count();
        Some(format!("above the limit in {exceeded} of {runs} runs"))
    }

    /// ` in each of 3 runs`; empty if there is one.
    fn in_each_run(&self) -> String {
        match self.runs().count() {
            0 | 1 => String::new(),
            runs => format!(" in each of {runs} runs"),
        }
    }

    fn seen_beside_limit(&self, seen: &Estimate, limit: UpperLimit) -> String {
        let shown = |of, rounding| self.unit.beside(of, rounding, limit.value);
        let value = shown(seen.value, Rounding::Nearest);
        if let Some(text) = self.share_of_runs() {
            return format!("{value}, {text}");
        }
        match (self.verdict, self.least(), seen.upper) {
            (ClaimVerdict::OverLimit, Some(lower), _) => {
                let least = shown(lower, Rounding::Down);
                format!("{value} (at least {least}{})", self.in_each_run())
            }
            (_, Some(lower), Some(upper)) => {
                let (lower, upper) = (shown(lower, Rounding::Down), shown(upper, Rounding::Up));
                format!("{value} (between {lower} and {upper})")
            }
            _ => format!(
                "{value} (n={}, {})",
                count(seen.count),
                unbounded(seen, None)
            ),
        }
    }

    fn certainty(&self, seen: &Estimate, before: &Estimate) -> String {
        if let Some(text) = self.share_of_runs() {
            return text;
        }
        match (self.verdict, self.ratios()) {
            (ClaimVerdict::Regressed, [Some(least), _]) if least.is_infinite() => {
                "more than 0".to_owned()
            }
            (ClaimVerdict::Regressed, [Some(least), _]) => {
                let least = ratio(least, Rounding::Down);
                format!("at least {least}{}", self.in_each_run())
            }
            (_, [Some(least), Some(most)]) => format!(
                "between {} and {}",
                ratio(least, Rounding::Down),
                ratio(most, Rounding::Up)
            ),
            _ => unbounded(seen, Some(before)),
        }
    }
}

/// The reason why there are no bounds.
fn unbounded(seen: &Estimate, before: Option<&Estimate>) -> String {
    match (seen.unknown, before.map_or(0, |before| before.unknown)) {
        (0, 0) => "too few samples for bounds".to_owned(),
        (0, before) => format!("{} of the baseline without measurement", count(before)),
        (seen, 0) => format!("{} without measurement", count(seen)),
        (seen, before) => format!(
            "{} without measurement, and {} of the baseline",
            count(seen),
            count(before)
        ),
    }
}

fn elsewhere(differs: &[FactDifference]) -> String {
    let facts: Vec<String> = differs.iter().map(ToString::to_string).collect();
    format!("in another environment: {}", facts.join("; "))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::budget::{
        Against, Alpha, Claim, ClaimVerdict, JudgedClaim, Quantile, Reference, Samples, judge,
    };

    fn around(millis: u64, samples: u64) -> Samples {
        (0..samples).map(|at| millis * 1_000 + 40 * at).collect()
    }

    fn decided(quantile: Quantile, candidate: &Samples, against: Against<'_>) -> JudgedClaim {
        let subject = "inventory-check".to_owned();
        let claim = Claim {
            subject,
            quantile,
            candidate,
            late: None,
            against,
        };
        judge(&[claim], Alpha::FIVE_PERCENT).remove(0)
    }

    #[test]
    fn a_regression_names_both_versions() {
        let (before, now) = (around(110, 500), around(340, 500));
        let judged = decided(
            Quantile::P50,
            &now,
            Against::Baseline(Reference::new(&before)),
        );
        assert_eq!(
            judged.expected(Some("2.3.0")),
            "at most 1.2x of the 120 ms of v2.3.0 (n=500)"
        );
        assert_eq!(
            judged.found(Some("2.4.0")),
            "350 ms in v2.4.0 (n=500), at least 2.89x"
        );
        assert_eq!(
            [judged.expected(None), judged.found(None)],
            [
                "at most 1.2x of the 120 ms of the baseline (n=500)",
                "350 ms (n=500), at least 2.89x"
            ]
        );
    }

    #[test]
    fn a_claim_that_is_not_proven_has_bounds() {
        let (before, now) = (around(110, 500), around(130, 50));
        let judged = decided(
            Quantile::P50,
            &now,
            Against::Baseline(Reference::new(&before)),
        );
        assert_eq!(judged.verdict, ClaimVerdict::Ok, "{judged}");
        let now: Samples = (0..50).map(|at| 100_000 + 2_000 * at).collect();
        let judged = decided(
            Quantile::P50,
            &now,
            Against::Baseline(Reference::new(&before)),
        );
        assert_eq!(judged.verdict, ClaimVerdict::NotProven, "{judged}");
        assert_eq!(judged.found(None), "148 ms (n=50), between 1.12x and 1.36x");
        let few: Samples = (0..4).map(|at| 100_000 + 2_000 * at).collect();
        let judged = decided(
            Quantile::P50,
            &few,
            Against::Baseline(Reference::new(&before)),
        );
        assert_eq!(
            judged.found(None),
            "102 ms (n=4), too few samples for bounds"
        );
    }

    #[test]
    fn requests_without_measurement_are_counted_per_side() {
        let found = |of_baseline, now| {
            let before = around(110, 300).with_unknown(of_baseline);
            let now = around(110, 300).with_unknown(now);
            let reference = Reference::new(&before);
            let judged = decided(Quantile::P50, &now, Against::Baseline(reference));
            assert_eq!(judged.verdict, ClaimVerdict::NotProven, "{judged}");
            judged.found(None)
        };
        assert_eq!(found(0, 400), "116 ms (n=300), 400 without measurement");
        assert_eq!(
            found(500, 0),
            "116 ms (n=300), 500 of the baseline without measurement"
        );
        assert_eq!(
            found(500, 400),
            "116 ms (n=300), 400 without measurement, and 500 of the baseline"
        );
    }

    #[test]
    fn a_limit_is_shown_as_it_was_written() {
        let now = around(340, 500);
        let limited = |quantile, millis| {
            let judged = decided(
                quantile,
                &now,
                Against::Limit(Duration::from_millis(millis).into()),
            );
            [judged.expected(None), judged.found(None)]
        };
        assert_eq!(
            limited(Quantile::P50, 150),
            ["at most 150 ms", "350 ms (at least 349 ms)"]
        );
        assert_eq!(
            limited(Quantile::P50, 350),
            ["at most 350 ms", "349.96 ms (between 349 ms and 351 ms)"]
        );
        assert_eq!(
            limited(Quantile::P999, 400),
            [
                "at most 400 ms",
                "360 ms (n=500, too few samples for bounds)"
            ]
        );
    }
}
