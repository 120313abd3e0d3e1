//! The variation between runs, and the smallest change that can be detected in spite of it.

use std::fmt;

use super::contention::comparable_cores;
use super::quantile::{Alpha, Quantile};
use super::samples::Samples;
use crate::number::{Rounding, Unit, counted, permitted_ratio, ratio};

/// Minimum number of runs from which a spread is computed.
pub const FEWEST_RUNS: usize = 5;

/// The quantile whose variation is measured.
const MEDIAN: Quantile = Quantile::P50;

/// A run, and the cores that others used during it, if that is known.
pub type DisturbedRun<'a> = (&'a Samples, Option<f64>);

/// The [`spread_of`] runs whose disturbance is unknown.
#[must_use]
pub fn spread<'a>(runs: impl IntoIterator<Item = &'a Samples>) -> f64 {
    spread_of(runs.into_iter().map(|run| (run, None)), 1)
}

/// The robust standard deviation of the logarithm of p50 over runs of one version; 0.03 is a variation
/// of about 3 %. Fewer than [`FEWEST_RUNS`] runs give 0.
///
/// The estimator is Qn, which a few outliers do not change (P. J. Rousseeuw, C. Croux, *Alternatives
/// to the Median Absolute Deviation*, 1993). Only runs with the same disturbance of the machine, which
/// has this number of cores, are compared, because a verdict takes its difference into account. The
/// sampling variance is subtracted, because the bounds of a verdict include it.
#[must_use]
pub fn spread_of<'a>(runs: impl IntoIterator<Item = DisturbedRun<'a>>, cores: u32) -> f64 {
    let runs: Vec<((f64, f64), Option<f64>)> = runs
        .into_iter()
        .filter_map(|(run, used)| Some((median(run)?, used)))
        .collect();
    if runs.len() < FEWEST_RUNS {
        return 0.0;
    }
    let is_same = |one: Option<f64>, other: Option<f64>| {
        let difference = one.zip(other).map(|(one, other)| (one - other).abs());
        difference.is_none_or(|difference| difference <= comparable_cores(cores))
    };
    let pairs = runs.iter().enumerate().flat_map(|(at, ((one, _), used))| {
        let others = runs[..at]
            .iter()
            .filter(move |other| is_same(*used, other.1));
        others.map(move |((other, _), _)| (one - other).abs())
    });
    let variances = runs.iter().map(|((_, variance), _)| variance);
    let sampling = variances.sum::<f64>() / runs.len() as f64;
    let all = qn(pairs.collect(), runs.len());
    (all.powi(2) - sampling).max(0.0).sqrt()
}

/// The logarithm of the p50 of a run, and its sampling variance.
fn median(run: &Samples) -> Option<(f64, f64)> {
    let found = run.estimate(MEDIAN, Alpha::FIVE_PERCENT)?;
    let unit = run.unit();
    let width = found.upper.zip(found.lower);
    let width = width.map_or(0.0, |(upper, lower)| unit.change(upper, lower).ln());
    let value = found.value.max(unit.resolution());
    // Two one-sided bounds at 5 % are 2 × 1.645 standard errors apart.
    let variance = (width / 3.29).powi(2);
    // A count of 0 has no logarithm.
    (value > 0.0 && variance.is_finite()).then(|| (value.ln(), variance))
}

/// The estimator Qn of the distances of pairs of values, with its factors for small samples.
fn qn(mut distances: Vec<f64>, count: usize) -> f64 {
    distances.sort_by(f64::total_cmp);
    let half = count / 2 + 1;
    let factor = match count {
        ..=5 => 0.844,
        6 => 0.611,
        7 => 0.857,
        8 => 0.669,
        9 => 0.872,
        _ if count % 2 == 1 => count as f64 / (count as f64 + 1.4),
        _ => count as f64 / (count as f64 + 3.8),
    };
    let (rank, all) = (half * (half - 1) / 2, count * (count - 1) / 2);
    // Fewer than half of the pairs prove nothing; otherwise the same part of them counts.
    if 2 * distances.len() < all {
        return 0.0;
    }
    let rank = (rank * distances.len()).div_ceil(all);
    let distance = distances.get(rank.saturating_sub(1));
    2.2219 * factor * distance.copied().unwrap_or_default()
}

/// A run whose p50 is far from that of the others.
#[derive(Clone, Debug, PartialEq)]
pub struct Outlier {
    /// The number of the run; the first is 1.
    pub run: usize,
    /// Its p50 divided by the median of all.
    pub ratio: f64,
    /// The disturbance of the machine during that run: `other processes used 1 core`.
    pub during: Option<String>,
}

/// The run that differs most, if its distance from the median exceeds three standard deviations and
/// 10 %.
fn outlier(runs: &[&Samples], spread: f64) -> Option<Outlier> {
    let logarithms: Vec<f64> = runs.iter().filter_map(|run| Some(median(run)?.0)).collect();
    let mut sorted = logarithms.clone();
    sorted.sort_by(f64::total_cmp);
    let middle = *sorted.get(sorted.len() / 2)?;
    let distances = logarithms.iter().map(|one| one - middle).enumerate();
    let (at, distance) = distances.max_by(|one, other| one.1.abs().total_cmp(&other.1.abs()))?;
    (distance.abs() > (3.0 * spread).max(0.1)).then_some(Outlier {
        run: at + 1,
        ratio: distance.exp(),
        during: None,
    })
}

/// The factor by which two runs of one version differ at most in 99 of 100 comparisons. 2.33 is the
/// 99th percentile of the normal distribution, and the difference of two runs has √2 times the
/// spread of one.
#[must_use]
pub fn noise(spread: f64) -> f64 {
    (2.33 * std::f64::consts::SQRT_2 * spread).exp()
}

/// The result of a calibration.
#[derive(Clone, Debug, PartialEq)]
pub struct Calibration {
    /// The number of runs.
    pub runs: usize,
    /// The number of samples of the smallest run.
    pub samples: u64,
    /// See [`spread`].
    pub spread: f64,
    /// The ratio of the bounds of p50, as the median over all runs; `None` without bounds.
    pub width: Option<f64>,
    /// A run that differs much from the others.
    pub outlier: Option<Outlier>,
    /// The unit of the values.
    pub unit: Unit,
}

/// Too few runs have samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a calibration needs at least {FEWEST_RUNS} runs of one version, and there are {found}")]
pub struct TooFewRuns {
    /// The number of runs with samples.
    pub found: usize,
}

/// Computes the spread of runs of one version, on a machine with this number of cores.
///
/// # Errors
/// There are fewer than [`FEWEST_RUNS`] with samples.
pub fn calibrate(disturbed: &[DisturbedRun<'_>], cores: u32) -> Result<Calibration, TooFewRuns> {
    let runs = disturbed.iter().map(|(run, _)| *run);
    let runs: Vec<&Samples> = runs.filter(|run| !run.is_empty()).collect();
    if runs.len() < FEWEST_RUNS {
        return Err(TooFewRuns { found: runs.len() });
    }
    let width = |run: &&Samples| {
        let found = run.estimate(MEDIAN, Alpha::FIVE_PERCENT)?;
        Some(run.unit().change(found.upper?, found.lower?))
    };
    let widths: Option<Vec<f64>> = runs.iter().map(width).collect();
    let middle = |mut widths: Vec<f64>| {
        widths.sort_by(f64::total_cmp);
        widths[widths.len() / 2]
    };
    let spread = spread_of(disturbed.iter().copied(), cores);
    Ok(Calibration {
        outlier: outlier(&runs, spread),
        runs: runs.len(),
        samples: runs.iter().map(|run| run.len()).min().unwrap_or_default(),
        spread,
        width: widths.map(middle).filter(|width| width.is_finite()),
        unit: runs[0].unit(),
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
            "p50 of {} runs of one version varies by {:.1} % (robust standard deviation); a limit below {} would cause false alarms.",
            self.runs,
            100.0 * self.spread,
            permitted_ratio(noise(self.spread), Rounding::Up),
        )?;
        let samples = counted(self.samples, "sample");
        match (self.smallest_change(0.0), self.unit) {
            (Some(change), Unit::Micros) => write!(
                f,
                " The smallest change that this machine can detect with {samples} is {}.",
                permitted_ratio(change, Rounding::Up),
            ),
            (Some(change), Unit::Number) => write!(
                f,
                " An increase to more than {} is detected with {samples}.",
                permitted_ratio(change, Rounding::Up),
            ),
            (None, Unit::Micros) => write!(f, " With {samples} it can detect no change."),
            (None, Unit::Number) => write!(f, " With {samples} no change is detected."),
        }?;
        let Some(outlier) = &self.outlier else {
            return Ok(());
        };
        let during = outlier.during.as_ref();
        write!(
            f,
            " Run {} differs from the others: its p50 is {} of their median{}.",
            outlier.run,
            ratio(outlier.ratio, Rounding::Nearest),
            during.map_or_else(String::new, |during| format!(", and {during}")),
        )
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
    fn fewer_than_five_runs_have_no_spread() {
        let runs = [100_000, 200_000, 400_000, 800_000].map(run);
        assert_eq!(spread(&runs), 0.0);
        assert_eq!(spread(runs.iter().chain([&Samples::default()])), 0.0);
    }

    /// Calibrates with runs whose disturbance is unknown.
    fn calibrated_of(runs: &[&Samples]) -> Result<Calibration, TooFewRuns> {
        let runs: Vec<DisturbedRun<'_>> = runs.iter().map(|run| (*run, None)).collect();
        calibrate(&runs, 2)
    }

    fn one(micros: u64) -> Samples {
        [micros].into_iter().collect()
    }

    #[test]
    fn the_spread_is_that_of_the_logarithms() {
        // The third smallest of ten distances is 0.1.
        let found = spread(&[100_000, 110_517, 122_140, 134_986, 149_182].map(one));
        assert!((found - 2.2219 * 0.844 * 0.1).abs() < 1e-5, "{found}");
        assert!((noise(0.1) - 1.3903).abs() < 1e-4, "{}", noise(0.1));
    }

    #[test]
    fn outliers_do_not_widen_the_limit_and_the_largest_is_named() {
        let quiet = [99_000, 100_000, 101_000, 99_500, 100_500].map(one);
        let mut disturbed = quiet.clone();
        disturbed[3] = one(180_000);
        assert!(noise(spread(&disturbed)) < 1.1, "{}", spread(&disturbed));
        let calibrated = |of: &[Samples; 5]| calibrated_of(&of.each_ref()).unwrap();
        assert_eq!(calibrated(&quiet).outlier, None);
        let text = calibrated(&disturbed).to_string();
        let named = "Run 4 differs from the others: its p50 is 1.79x of their median.";
        assert!(text.ends_with(named), "{text}");
    }

    #[test]
    fn the_effect_of_other_processes_is_no_spread() {
        let medians = [100_000, 150_000, 101_000, 152_000, 100_500];
        let used = [0.0, 1.0, 0.1, 0.9, 0.02];
        let runs = medians.map(one);
        let spread = spread_of(runs.iter().zip(used.map(Some)), 2);
        assert!(noise(spread) < 1.1, "{spread}");
    }

    #[test]
    fn the_variation_that_bounds_include_is_no_spread() {
        // The p50 of 20 samples varies by much more than 5 %.
        let wide = |shift: u64| (0..20).map(|at| 60_000 + 4_000 * at + shift).collect();
        let runs: [Samples; 5] = [0, 5_000, 2_000, 4_000, 1_000].map(wide);
        assert_eq!(spread(&runs), 0.0);
    }

    #[test]
    fn four_runs_are_too_few() {
        let run = run(100_000);
        assert_eq!(calibrated_of(&[&run; 4]), Err(TooFewRuns { found: 4 }));
        let with_an_empty_one = [&run, &run, &run, &run, &Samples::default()];
        let error = calibrated_of(&with_an_empty_one).unwrap_err();
        assert_eq!(
            error.to_string(),
            "a calibration needs at least 5 runs of one version, and there are 4"
        );
    }

    #[test]
    fn a_calibration_gives_the_smallest_detectable_change() {
        let runs = [97_000, 99_000, 100_000, 102_000, 104_000].map(run);
        let found = calibrated_of(&runs.each_ref()).unwrap();
        assert_eq!(
            found.to_string(),
            "p50 of 5 runs of one version varies by 3.7 % (robust standard deviation); a limit below 1.13x would cause false alarms. The smallest change that this machine can detect with 101 samples is 1.15x."
        );
        let allowed = found.smallest_change(0.2).unwrap();
        assert!(allowed > 1.2 && allowed < 1.25, "{allowed}");
    }

    #[test]
    fn counts_that_do_not_vary_have_no_spread_and_0_is_no_variation() {
        let counts = |number: f64| Samples::of(Unit::Number).with([number; 50]);
        let runs = [4.0; 5].map(counts);
        assert_eq!(spread(&runs), 0.0);
        let found = calibrated_of(&runs.each_ref()).unwrap().to_string();
        assert_eq!(
            found,
            "p50 of 5 runs of one version varies by 0.0 % (robust standard deviation); a limit below 1x would cause false alarms. An increase to more than 1x is detected with 50 samples."
        );
        assert_eq!(spread(&[0.0; 5].map(counts)), 0.0);
        let fractions = [0.01, 0.02, 0.04, 0.08, 0.16].map(counts);
        assert!(spread(&fractions) > 0.5, "{}", spread(&fractions));
    }

    #[test]
    fn runs_of_four_samples_detect_no_change() {
        let few: Samples = (1..=4).collect();
        let said = calibrated_of(&[&few; 5]).unwrap().to_string();
        assert!(
            said.ends_with("With 4 samples it can detect no change."),
            "{said}"
        );
    }
}
