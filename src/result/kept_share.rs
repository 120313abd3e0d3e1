//! The share of traces that a sampler keeps, as plain data.

use std::fmt;

use crate::budget::{SHARE_ERROR, share_bounds, trials_to_prove_within};
use crate::number::{Rounding, Unit, count};
use crate::spec::{Location, ShareRange};

/// The share of all possible traces that a sampler keeps, as far as the traces of a run prove it.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptShare {
    /// The key of the sampler in its configuration.
    pub processor: String,
    /// The place of the expectation in the spec.
    pub at: Location,
    /// The share that the spec expects.
    pub expected: ShareRange,
    /// Number of traces that it keeps.
    pub kept: u64,
    /// Number of traces for which that is not known.
    pub unknown: u64,
    /// Number of all traces.
    pub traces: u64,
}

/// The verdict about a share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShareVerdict {
    /// It is within the expected range.
    Ok,
    /// It is above the range.
    OverLimit,
    /// It is below the range.
    UnderLimit,
    /// The traces prove neither.
    NotProven,
}

impl KeptShare {
    /// Bounds of the share with a confidence of 95 %. A trace for which it is not known counts as dropped for the
    /// lower bound, and as kept for the upper bound.
    #[must_use]
    pub fn bounds(&self) -> [f64; 2] {
        if self.traces == 0 {
            return [0.0, 1.0];
        }
        let bounds = |kept| share_bounds(kept, self.traces, SHARE_ERROR);
        let [lower, _] = bounds(self.kept);
        let [_, upper] = bounds(self.kept + self.unknown);
        [lower, upper]
    }

    /// Compares the bounds with the expected range.
    #[must_use]
    pub fn verdict(&self) -> ShareVerdict {
        let [lower, upper] = self.bounds();
        if lower > self.expected.most {
            ShareVerdict::OverLimit
        } else if upper < self.expected.least {
            ShareVerdict::UnderLimit
        } else if self.expected.least <= lower && upper <= self.expected.most {
            ShareVerdict::Ok
        } else {
            ShareVerdict::NotProven
        }
    }

    /// The bounds and the counts: `9.31 % to 10.7 % (398 of 4,000 kept, 95 % confidence)`.
    pub(crate) fn found(&self) -> String {
        let [lower, upper] = self.bounds();
        let percent = |share: f64, rounding| Unit::Number.rounded(100.0 * share, rounding);
        let unknown = match self.unknown {
            0 => String::new(),
            unknown => format!(", {} not known", count(unknown)),
        };
        format!(
            "{} % to {} % ({} of {} kept{unknown}, 95 % confidence)",
            percent(lower, Rounding::Down),
            percent(upper, Rounding::Up),
            count(self.kept),
            count(self.traces),
        )
    }

    /// What would prove the expected range: `about 3,900 traces would prove it`.
    pub(crate) fn would_prove(&self) -> String {
        let seen = self.kept as f64 / self.traces.max(1) as f64;
        let range = [self.expected.least, self.expected.most];
        match trials_to_prove_within(seen, range, SHARE_ERROR) {
            Some(traces) if self.unknown == 0 => {
                format!("about {} traces would prove it", count(traces))
            }
            Some(_) => "the traces for which it is not known would decide".to_owned(),
            None => "the share that was seen lies on a limit, or beyond it".to_owned(),
        }
    }
}

impl fmt::Display for ShareVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ok => "OK",
            Self::OverLimit => "OVER LIMIT",
            Self::UnderLimit => "UNDER LIMIT",
            Self::NotProven => "NOT PROVEN",
        })
    }
}

/// Subject, verdict and reason.
impl fmt::Display for KeptShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (verdict, found, expected) = (self.verdict(), self.found(), &self.expected);
        write!(
            f,
            "share of traces that `{}` keeps: {verdict}: {found}, expected {expected}",
            self.processor
        )?;
        match verdict {
            ShareVerdict::NotProven => write!(f, ". {}.", sentence(&self.would_prove())),
            _ => Ok(()),
        }
    }
}

/// The text with a capital letter.
fn sentence(text: &str) -> String {
    let mut rest = text.chars();
    let first = rest.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(rest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Place, Source};

    fn share(kept: u64, unknown: u64, traces: u64) -> KeptShare {
        KeptShare {
            processor: "tail_sampling".to_owned(),
            at: Source::new("a.yaml", "a").at(Place::default()),
            expected: ShareRange {
                least: 0.09,
                most: 0.11,
                written: "9%..11%".to_owned(),
            },
            kept,
            unknown,
            traces,
        }
    }

    #[test]
    fn a_share_is_ok_or_wrong_only_if_both_bounds_say_so() {
        let verdict = |kept, traces| share(kept, 0, traces).verdict();
        assert_eq!(verdict(400, 4_000), ShareVerdict::Ok);
        assert_eq!(verdict(10, 100), ShareVerdict::NotProven);
        assert_eq!(verdict(25, 100), ShareVerdict::OverLimit);
        assert_eq!(verdict(1, 100), ShareVerdict::UnderLimit);
        assert_eq!(verdict(0, 0), ShareVerdict::NotProven);
    }

    #[test]
    fn traces_that_could_not_be_judged_can_be_kept_or_dropped() {
        assert_eq!(share(400, 100, 4_000).verdict(), ShareVerdict::NotProven);
        assert_eq!(share(200, 100, 4_000).verdict(), ShareVerdict::UnderLimit);
        assert_eq!(share(800, 100, 4_000).verdict(), ShareVerdict::OverLimit);
    }

    #[test]
    fn the_sentence_has_the_bounds_the_counts_and_what_would_decide() {
        assert_eq!(
            share(400, 0, 4_000).to_string(),
            "share of traces that `tail_sampling` keeps: OK: 9.08 % to 11 % (400 of 4,000 kept, 95 % confidence), \
             expected 9%..11%"
        );
        assert_eq!(
            share(10, 0, 100).to_string(),
            "share of traces that `tail_sampling` keeps: NOT PROVEN: 4.9 % to 17.7 % (10 of 100 kept, 95 % \
             confidence), expected 9%..11%. About 3,900 traces would prove it."
        );
        assert_eq!(
            share(400, 100, 4_000).would_prove(),
            "the traces for which it is not known would decide"
        );
    }
}
