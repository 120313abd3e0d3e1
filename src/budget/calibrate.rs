//! How much a machine changes from run to run, and what it can show in spite of that.

use std::fmt;

use super::quantile::{Alpha, Quantile};
use super::samples::Samples;
use super::words::{count, factor_above};

/// The fewest runs whose spread says something of the machine.
pub const FEWEST_RUNS: usize = 5;

/// The median is what the spread is measured at.
const MEDIAN: Quantile = Quantile::P50;

/// The standard deviation of the logarithm of p50 over runs of the same version: 0.03 says that
/// they differ by about 3 %. 0 for fewer than two runs, which say nothing of it.
#[must_use]
pub fn spread<'a>(runs: impl IntoIterator<Item = &'a Samples>) -> f64 {
    let logarithms: Vec<f64> = runs
        .into_iter()
        .filter_map(|run| run.quantile(MEDIAN))
        // Less than a microsecond counts as one.
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

/// By which factor two runs of the same version may differ: more than that happens in one of a
/// hundred comparisons. 2.33 is the 99th percentile of the normal distribution, and the difference
/// of two runs has √2 times the spread of one.
#[must_use]
pub fn noise(spread: f64) -> f64 {
    (2.33 * std::f64::consts::SQRT_2 * spread).exp()
}

/// What five or more runs of the same version tell of a machine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Calibration {
    /// How many runs there were.
    pub runs: usize,
    /// The fewest samples of a run.
    pub samples: u64,
    /// See [`spread`].
    pub spread: f64,
    /// How far apart the bounds of the median are in a run of the middle, as a factor; None where
    /// there are too few samples for bounds.
    pub width: Option<f64>,
}

/// There were too few runs to calibrate with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a calibration needs {FEWEST_RUNS} runs of the same version or more, and there are {found}"
)]
pub struct TooFewRuns {
    /// How many there were.
    pub found: usize,
}

/// Measures the spread of runs of the same version.
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
    /// The smallest factor by which p50 must rise to be told from noise, where it may rise by
    /// `tolerance`: the bounds of both sides have to leave the limit behind. None where runs as
    /// short as these show nothing.
    #[must_use]
    pub fn smallest_change(&self, tolerance: f64) -> Option<f64> {
        let limit = (1.0 + tolerance).max(noise(self.spread));
        Some(limit * self.width?)
    }
}

/// What `baseline calibrate` says, with no tolerance but that for noise.
impl fmt::Display for Calibration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "p50 of {} runs of the same version differs by {:.1} % (standard deviation), so that a limit below {} would raise false alarms.",
            self.runs,
            100.0 * self.spread,
            factor_above(noise(self.spread)),
        )?;
        let samples = count(self.samples);
        match self.smallest_change(0.0) {
            Some(change) => write!(
                f,
                " The smallest change that this machine can show with {samples} samples is {}.",
                factor_above(change),
            ),
            None => write!(f, " With {samples} samples it can show no change at all."),
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
    fn runs_that_are_alike_have_no_spread() {
        assert_eq!(spread([&run(100_000), &run(100_000)]), 0.0);
        assert_eq!(noise(0.0), 1.0);
    }

    #[test]
    fn one_run_or_none_says_nothing_of_the_spread() {
        assert_eq!(spread([&run(100_000)]), 0.0);
        assert_eq!(spread([&Samples::default(), &run(100_000)]), 0.0);
    }

    #[test]
    fn the_spread_is_the_deviation_of_the_logarithms() {
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
            "a calibration needs 5 runs of the same version or more, and there are 4"
        );
    }

    #[test]
    fn a_calibration_tells_what_the_machine_can_show() {
        let runs = [97_000, 99_000, 100_000, 102_000, 104_000].map(run);
        let found = calibrate(&runs.each_ref()).unwrap();
        assert_eq!(
            found.to_string(),
            "p50 of 5 runs of the same version differs by 2.7 % (standard deviation), so that a limit below 1.1x would raise false alarms. The smallest change that this machine can show with 101 samples is 1.12x."
        );
        let allowed = found.smallest_change(0.2).unwrap();
        assert!(allowed > 1.2 && allowed < 1.25, "{allowed}");
    }

    #[test]
    fn runs_of_four_samples_show_nothing() {
        let few: Samples = (1..=4).collect();
        let said = calibrate(&[&few; 5]).unwrap().to_string();
        assert!(
            said.ends_with("With 4 samples it can show no change at all."),
            "{said}"
        );
    }
}
