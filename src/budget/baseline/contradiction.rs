//! Runs that are clearly faster or slower than others, and so make no baseline with them: of both
//! together the spread would be so great that no regression could be told any more.

use std::fmt;

use super::super::samples::Samples;
use super::super::words::{Round, millis, short_factor};
use super::super::{Against, Alpha, Claim, Quantile, Reference, Verdict, judge};
use super::{Budget, Run};

/// How the median is proven not to be what it was.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contradiction {
    /// Which way.
    pub now: Trend,
    /// The median that was, in microseconds.
    before: f64,
    /// That of the new runs.
    after: f64,
}

/// What new runs are, compared with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trend {
    /// They took less time.
    Faster,
    /// They took more.
    Slower,
}

impl Budget {
    /// How these runs contradict those that are here, if that is proven. `spread` is how much they
    /// differ from run to run, where more is known of it than the baseline knows.
    #[must_use]
    pub fn contradicted_by(&self, runs: &[Run], spread: f64) -> Option<Contradiction> {
        let then = self.samples();
        let mut here = Samples::default();
        runs.iter().for_each(|run| here.merge(run.samples()));
        let spread = spread.max(self.spread());
        let slower = |candidate, samples| Claim {
            subject: String::new(),
            quantile: Quantile::P50,
            candidate,
            late: None,
            against: Against::Baseline(Reference {
                spread,
                ..Reference::new(samples)
            }),
        };
        let judged = judge(
            &[slower(&here, &then), slower(&then, &here)],
            Alpha::FIVE_PERCENT,
        );
        let ways = [Trend::Slower, Trend::Faster].into_iter().zip(judged);
        let mut proven = ways.filter(|(_, judged)| judged.verdict == Verdict::Regressed);
        let (now, _) = proven.next()?;
        Some(Contradiction {
            now,
            before: then.quantile(Quantile::P50)?,
            after: here.quantile(Quantile::P50)?,
        })
    }
}

impl Contradiction {
    /// What the old runs are, compared with the new ones: `3.0x slower`.
    #[must_use]
    pub fn of_the_old(&self) -> String {
        // Less than a microsecond counts as one.
        let [before, after] = [self.before, self.after].map(|micros| micros.max(1.0));
        let (factor, how) = match self.now {
            Trend::Faster => (before / after, "slower"),
            Trend::Slower => (after / before, "faster"),
        };
        format!("{} {how}", short_factor(factor, Round::Nearest))
    }
}

/// `p50 was 120 ms, is 350 ms`
impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = |micros| millis(micros, Round::Nearest) + " ms";
        write!(f, "p50 was {}, is {}", said(self.before), said(self.after))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::run_at;
    use super::*;

    fn run(at: i64, micros: u64) -> Run {
        run_at(at, (micros..micros + 100).collect())
    }

    fn against_15_ms(micros: u64) -> Option<(Trend, String)> {
        let budget = Budget {
            calibration: None,
            runs: vec![run(1, 15_000)],
        };
        let found = budget.contradicted_by(&[run(2, micros)], 0.0)?;
        Some((found.now, found.of_the_old()))
    }

    #[test]
    fn runs_contradict_one_another_whichever_is_faster() {
        let faster = (Trend::Faster, "3.0x slower".to_owned());
        assert_eq!(against_15_ms(5_000), Some(faster));
        let slower = (Trend::Slower, "3.0x faster".to_owned());
        assert_eq!(against_15_ms(45_000), Some(slower));
        assert_eq!(against_15_ms(16_000), None);
    }
}
