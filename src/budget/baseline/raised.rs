//! Limits that are higher than the spec says, since runs differ by more than that anyway.

use std::fmt;

use super::super::calibrate::noise;
use super::super::quantile::Quantile;
use super::super::words::limit_factor;
use super::{Budget, Calibrated};

/// Runs that say how much p50 differs from run to run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Spread {
    /// Those of a calibration.
    OfCalibration(Calibrated),
    /// Those that the baseline holds.
    OfRuns(Calibrated),
}

/// What the limit of some quantiles is, and what it would be without those runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Raised {
    /// What is measured.
    pub subject: String,
    /// Each with its limit where runs do not differ.
    pub quantiles: Vec<(Quantile, f64)>,
    /// How many times as long they may be.
    pub limit: f64,
    /// Why.
    pub by: Spread,
}

impl Budget {
    /// What raises limits most, if anything is known.
    #[must_use]
    pub fn raised_by(&self) -> Option<Spread> {
        let calibration = self.calibration.map(Spread::OfCalibration);
        let seen = self.seen().map(Spread::OfRuns);
        let known = [seen, calibration].into_iter().flatten();
        known.max_by(|one, other| one.runs().spread.total_cmp(&other.runs().spread))
    }
}

impl Spread {
    /// Whether it is more than a limit allows anyway: 1.2 for 20 %.
    #[must_use]
    pub fn raises(self, limit: f64) -> bool {
        noise(self.runs().spread) > limit
    }

    /// How many there are, and how much they differ.
    #[must_use]
    pub fn runs(self) -> Calibrated {
        match self {
            Self::OfCalibration(runs) | Self::OfRuns(runs) => runs,
        }
    }
}

/// `p50 of the 6 runs of the baseline differs by 13.1 %`
impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whose = match self {
            Self::OfCalibration(_) => "of its calibration",
            Self::OfRuns(_) => "of the baseline",
        };
        let Calibrated { runs, spread } = self.runs();
        write!(
            f,
            "p50 of the {runs} runs {whose} differs by {:.1} %",
            100.0 * spread
        )
    }
}

/// One sentence.
impl fmt::Display for Raised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self
            .quantiles
            .iter()
            .map(|(one, _)| one.to_string())
            .collect();
        let mut usual: Vec<String> = Vec::new();
        for (_, limit) in &self.quantiles {
            let limit = limit_factor(*limit);
            if !usual.contains(&limit) {
                usual.push(limit);
            }
        }
        write!(
            f,
            "the limit of {} of {} is {} rather than {}, for {}",
            names.join(", "),
            self.subject,
            limit_factor(self.limit),
            usual.join(", "),
            self.by,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::run_at;
    use super::*;

    fn budget() -> Budget {
        let run = |at: i64| {
            let median = if at % 2 == 0 { 100_000 } else { 125_000 };
            run_at(at, (median..median + 100).collect())
        };
        Budget {
            calibration: None,
            runs: (1..=6).map(run).collect(),
        }
    }

    #[test]
    fn the_sentence_names_both_limits_and_the_reason() {
        let by = budget().raised_by().unwrap();
        assert!(by.raises(1.2) && !by.raises(1.5));
        let raised = Raised {
            subject: "work".to_owned(),
            quantiles: vec![(Quantile::P50, 1.2), (Quantile::P95, 1.2)],
            limit: noise(by.runs().spread),
            by,
        };
        assert_eq!(
            raised.to_string(),
            "the limit of p50, p95 of work is 1.5x rather than 1.2x, for p50 of the 6 runs of the baseline differs by 12.2 %"
        );
    }

    #[test]
    fn what_differs_most_raises_the_limit() {
        let mut budget = budget();
        let calibration = Calibrated {
            runs: 5,
            spread: 0.3,
        };
        budget.calibration = Some(calibration);
        let by = budget.raised_by();
        assert_eq!(by, Some(Spread::OfCalibration(calibration)));
        assert_eq!(
            by.unwrap().to_string(),
            "p50 of the 5 runs of its calibration differs by 30.0 %"
        );
        budget.runs.truncate(4);
        budget.calibration = None;
        assert_eq!(budget.raised_by(), None);
    }
}
