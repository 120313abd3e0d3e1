//! The variation between runs, and the smallest change that can be detected in spite of it.

use std::fmt;

use super::quantile::{Alpha, Quantile};
use super::samples::Samples;
use crate::number::{Rounding, counted, permitted_ratio};

/// Minimum number of runs from which a spread is computed.
pub const FEWEST_RUNS: usize = 5;

/// The quantile whose variation is measured.
const MEDIAN: Quantile = Quantile::P50;

/// The standard deviation of the logarithm of p50 over runs of one version; 0.03 is a variation of
/// about 3 %. Fewer than two runs give 0.
#[must_use]
pub fn spread<'a>(runs: impl IntoIterator<Item = &'a Samples>) -> f64 {
    let logarithms: Vec<f64> = runs
        .into_iter()
        .filter_map(|run| run.quantile(MEDIAN))
        // Durations below one microsecond count as one.
        .map(|micros| micros.max(1.0).ln())
        .collect();
    if logarithms.len() < 2 {
        return 0.0;
    }
    let count = logarithms.len() as f64;
    let mean = logarithms.iter().sum::<f64>() / count;
    let squares: f64 = logarithms.iter().map(|one| (one - mean).powi(2)).sum();
    (squares / (count - 1.0)).sqrt()
}

/// The factor by which two runs of one version differ at most in 99 of 100 comparisons. 2.33 is the
/// 99th percentile of the normal distribution, and the difference of two runs has √2 times the
/// spread of one.
#[must_use]
pub fn noise(spread: f64) -> f64 {
    (2.33 * std::f64::consts::SQRT_2 * spread).exp()
}

/// The result of a calibration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Calibration {
    /// The number of runs.
    pub runs: usize,
    /// The number of samples of the smallest run.
    pub samples: u64,
    /// See [`spread`].
    pub spread: f64,
    /// The ratio of the bounds of p50, as the median over all runs; `None` without bounds.
    pub width: Option<f64>,
}

/// Too few runs have samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a calibration needs at least {FEWEST_RUNS} runs of one version, and there are {found}")]
pub struct TooFewRuns {
    /// The number of runs with samples.
    pub found: usize,
}

/// Computes the spread of runs of one version.
///
/// # Errors
/// There are fewer than [`FEWEST_RUNS`] with samples.
pub fn calibrate(runs: &[&Samples]) -> Result<Calibration, TooFewRuns> {
    let runs: Vec<&Samples> = runs.iter().copied().filter(|run| !run.is_empty()).collect();
    if runs.len() < FEWEST_RUNS {
        return Err(TooFewRuns { found: runs.len() });
    }
    let width = |run: &&Samples| {
        let found = run.estimate(MEDIAN, Alpha::FIVE_PERCENT)?;
        Some(found.upper? / found.lower?.max(1.0))
    };
    let widths: Option<Vec<f64>> = runs.iter().map(width).collect();
    let middle = |mut widths: Vec<f64>| {
        widths.sort_by(f64::total_cmp);
        widths[widths.len() / 2]
    };
    Ok(Calibration {
        runs: runs.len(),
        samples: runs.iter().map(|run| run.len()).min().unwrap_or_default(),
        spread: spread(runs.iter().copied()),
        width: widths.map(middle),
    })
}

impl Calibration {
    /// The smallest factor of p50 that gives a REGRESSED verdict with this tolerance: the bounds of both
    /// sides must be beyond the limit. Returns `None` if the runs are too small for bounds.
    #[must_use]
    pub fn smallest_change(&self, tolerance: f64) -> Option<f64> {
        let limit = (1.0 + tolerance).max(noise(self.spread));
        Some(limit * self.width?)
    }
}

/// The output of `baseline calibrate`, for a tolerance of 0.
impl fmt::Display for Calibration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "p50 of {} runs of one version varies by {:.1} % (standard deviation); a limit below {} would cause false alarms.",
            self.runs,
            100.0 * self.spread,
            permitted_ratio(noise(self.spread), Rounding::Up),
        )?;
        let samples = counted(self.samples, "sample");
        match self.smallest_change(0.0) {
            Some(change) => write!(
                f,
                " The smallest change that this machine can detect with {samples} is {}.",
                permitted_ratio(change, Rounding::Up),
            ),
            None => write!(f, " With {samples} it can detect no change."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(median: u64) -> Samples {
        (0..101).map(|at| median * (950 + at) / 1_000).collect()
    }

    #[test]
    fn equal_runs_have_no_spread() {
        assert_eq!(spread([&run(100_000), &run(100_000)]), 0.0);
        assert_eq!(noise(0.0), 1.0);
    }

    #[test]
    fn fewer_than_two_runs_have_no_spread() {
        assert_eq!(spread([&run(100_000)]), 0.0);
        assert_eq!(spread([&Samples::default(), &run(100_000)]), 0.0);
    }

    #[test]
    fn the_spread_is_the_standard_deviation_of_the_logarithms() {
        let one = |micros| [micros].into_iter().collect::<Samples>();
        let found = spread([&one(100_000), &one(110_517), &one(122_140)]);
        assert!((found - 0.1).abs() < 1e-5, "{found}");
        assert!((noise(0.1) - 1.3903).abs() < 1e-4, "{}", noise(0.1));
    }

    #[test]
    fn four_runs_are_too_few() {
        let run = run(100_000);
        assert_eq!(calibrate(&[&run; 4]), Err(TooFewRuns { found: 4 }));
        let with_an_empty_one = [&run, &run, &run, &run, &Samples::default()];
        let error = calibrate(&with_an_empty_one).unwrap_err();
        assert_eq!(
            error.to_string(),
            "a calibration needs at least 5 runs of one version, and there are 4"
        );
    }

    #[test]
    fn a_calibration_gives_the_smallest_detectable_change() {
        let runs = [97_000, 99_000, 100_000, 102_000, 104_000].map(run);
        let found = calibrate(&runs.each_ref()).unwrap();
        assert_eq!(
            found.to_string(),
            "p50 of 5 runs of one version varies by 2.7 % (standard deviation); a limit below 1.1x would cause false alarms. The smallest change that this machine can detect with 101 samples is 1.12x."
        );
        let allowed = found.smallest_change(0.2).unwrap();
        assert!(allowed > 1.2 && allowed < 1.25, "{allowed}");
    }

    #[test]
    fn runs_of_four_samples_detect_no_change() {
        let few: Samples = (1..=4).collect();
        let said = calibrate(&[&few; 5]).unwrap().to_string();
        assert!(
            said.ends_with("With 4 samples it can detect no change."),
            "{said}"
        );
    }
}
