//! Claims as cells of a table with one column per fact.

use super::judged::{Compared, JudgedClaim};
use crate::number::{Rounding, permitted_ratio, ratio};

/// The cells of a claim; `-` if there is no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cells {
    /// The quantile of the baseline: `120 ms`.
    pub baseline: String,
    /// The quantile of this run: `350 ms`.
    pub now: String,
    /// The ratio: `2.9x`.
    pub change: String,
    /// The limit: `500 ms`, or `1.2x` of the baseline.
    pub limit: String,
}

impl JudgedClaim {
    /// The cells of this claim.
    #[must_use]
    pub fn cells(&self) -> Cells {
        let now = self.candidate.map(|now| now.value);
        let (before, limit) = match &self.compared {
            Compared::Limit(limit) => (None, limit.text(self.unit)),
            Compared::Baseline { before, tau, .. } => (
                before.map(|before| before.value),
                permitted_ratio(*tau, Rounding::Nearest),
            ),
        };
        let change = before.zip(now).map(|(before, now)| {
            let seen = self.unit.change(now, before);
            ratio(seen, Rounding::Nearest)
        });
        let shown = |value: Option<f64>| value.map(|of| self.unit.rounded(of, Rounding::Nearest));
        let cell = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        Cells {
            baseline: cell(shown(before)),
            now: cell(shown(now)),
            change: cell(change),
            limit,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::budget::{Against, Alpha, Claim, Quantile, Reference, Samples, judge};

    fn cells(candidate: &Samples, against: Against<'_>) -> [String; 4] {
        let claim = Claim {
            subject: "ship".to_owned(),
            quantile: Quantile::P50,
            candidate,
            late: None,
            against,
        };
        let of = judge(&[claim], Alpha::FIVE_PERCENT)[0].cells();
        [of.baseline, of.now, of.change, of.limit]
    }

    #[test]
    fn each_fact_has_its_cell() {
        let before: Samples = std::iter::repeat_n(120_000, 100).collect();
        let now: Samples = std::iter::repeat_n(350_000, 100).collect();
        let compared = cells(&now, Against::Baseline(Reference::new(&before)));
        assert_eq!(compared, ["120 ms", "350 ms", "2.92x", "1.2x"]);
        let limited = cells(
            &now,
            Against::Limit(Duration::from_micros(1_250_500).into()),
        );
        assert_eq!(limited, ["-", "350 ms", "-", "1.2505 s"]);
    }

    #[test]
    fn missing_values_and_zeros_have_no_ratio_to_divide() {
        let nothing = Samples::default();
        let zero: Samples = std::iter::repeat_n(0, 100).collect();
        let compared = cells(&nothing, Against::Baseline(Reference::new(&zero)));
        assert_eq!(compared, ["0 ms", "-", "-", "1.2x"]);
        let compared = cells(&zero, Against::Baseline(Reference::new(&zero)));
        assert_eq!(compared, ["0 ms", "0 ms", "1.00x", "1.2x"]);
    }
}
