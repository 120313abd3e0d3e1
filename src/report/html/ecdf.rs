//! The curve of an empirical cumulative distribution function (ECDF), reduced to few steps.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::axis::Axis;
use crate::budget::{Quantile, Samples};

/// Maximum number of steps of a curve, each less than a pixel high.
pub(super) const MOST_STEPS: usize = 400;
/// Number of steps that are reserved for quantiles.
const MOST_KEPT: usize = 40;

/// The size of the drawing of a curve, in units of its view box.
pub(super) const WIDTH: f64 = 4_000.0;
pub(super) const HEIGHT: f64 = 1_000.0;

/// A step of the curve: the share of values that are at most this large.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct EcdfStep {
    pub(super) value: f64,
    /// 1 in the last step.
    pub(super) share: f64,
}

/// The curve. If there are more samples than steps, these quantiles have steps, so that the curve
/// goes through them.
pub(super) fn curve(samples: &Samples, keep: &[Quantile]) -> Vec<EcdfStep> {
    let count = samples.len();
    let mut steps: Vec<EcdfStep> = Vec::new();
    for rank in ranks(count, keep) {
        let Some(value) = samples.at_rank(rank) else {
            continue;
        };
        let share = rank as f64 / count as f64;
        match steps.last_mut() {
            Some(last) if last.value >= value => last.share = share,
            _ => steps.push(EcdfStep { value, share }),
        }
    }
    steps
}

fn ranks(count: u64, keep: &[Quantile]) -> BTreeSet<u64> {
    let most = MOST_STEPS as u64;
    if count <= most {
        return (1..=count).collect();
    }
    // One step is for the first sample.
    let even = most - MOST_KEPT as u64 - 1;
    let evenly = (1..=even)
        .map(|at| u128::from(count) * u128::from(at) / u128::from(even))
        .filter_map(|rank| u64::try_from(rank).ok());
    let kept = keep.iter().take(MOST_KEPT);
    let kept = kept.map(|quantile| quantile.rank(count));
    evenly.chain(kept).chain([1]).collect()
}

/// The curve as an SVG path of [`WIDTH`] and [`HEIGHT`], from the bottom to the top.
pub(super) fn path(steps: &[EcdfStep], axis: &Axis) -> String {
    let mut path = String::new();
    let (mut x, mut y) = (0, HEIGHT as i64);
    for step in steps {
        let right = (axis.place(step.value) * WIDTH).round() as i64;
        let up = ((1.0 - step.share) * HEIGHT).round() as i64;
        // Writing to a string cannot fail.
        let _ = match path.is_empty() {
            true => write!(path, "M{right} {y}"),
            false if right != x => write!(path, "h{}", right - x),
            false => Ok(()),
        };
        if up != y {
            let _ = write!(path, "v{}", up - y);
        }
        (x, y) = (right, up);
    }
    path
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::number::Unit;

    const QUANTILES: [Quantile; 4] = [Quantile::P50, Quantile::P95, Quantile::P99, Quantile::P999];

    /// The share of durations that are at most this long, according to the curve.
    fn share_at(curve: &[EcdfStep], value: f64) -> f64 {
        let below = curve.iter().take_while(|step| step.value <= value);
        below.last().map_or(0.0, |step| step.share)
    }

    #[test]
    fn few_samples_have_a_step_each_and_equal_ones_one() {
        let samples: Samples = [3, 1, 3, 7].into_iter().collect();
        let told: Vec<_> = curve(&samples, &[])
            .iter()
            .map(|step| (step.value, step.share))
            .collect();
        assert_eq!(told, [(1.0, 0.25), (3.0, 0.75), (7.0, 1.0)]);
        assert_eq!(curve(&Samples::default(), &QUANTILES), []);
    }

    #[test]
    fn a_path_goes_from_the_bottom_to_the_top() {
        let samples: Samples = [100, 200, 300].into_iter().collect();
        let axis = Axis::around(Unit::Micros, (100.0, 400.0), &[]);
        let path = path(&curve(&samples, &[]), &axis);
        assert_eq!(path, "M971 1000v-333h971v-334h971v-333");
    }

    fn durations() -> impl Strategy<Value = Vec<u64>> {
        let one = prop_oneof![9 => 1_000_u64..900_000, 1 => 0_u64..60_000_000];
        prop::collection::vec(one, 1..3_000)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_curve_rises_to_one_in_few_steps_and_goes_through_the_quantiles(all in durations()) {
            let samples: Samples = all.iter().copied().collect();
            let curve = curve(&samples, &QUANTILES);
            prop_assert!(curve.len() <= MOST_STEPS);
            for (one, other) in curve.iter().zip(curve.iter().skip(1)) {
                prop_assert!(one.value < other.value && one.share < other.share);
            }
            prop_assert!((curve.last().unwrap().share - 1.0).abs() < f64::EPSILON);
            for quantile in QUANTILES {
                let value = samples.quantile(quantile).unwrap();
                let just_below = value - value.abs() * 1e-9 - 1e-9;
                prop_assert!(share_at(&curve, value) >= quantile.share() - 1e-9);
                prop_assert!(share_at(&curve, just_below) < quantile.share() + 1e-9);
            }
        }

        #[test]
        fn a_curve_is_never_a_pixel_from_the_true_one(all in durations()) {
            let samples: Samples = all.iter().copied().take(2_000).collect();
            let curve = curve(&samples, &QUANTILES);
            let raw = samples.raw().unwrap();
            for micros in raw {
                let at_or_below = raw.partition_point(|other| other <= micros);
                let exact = at_or_below as f64 / raw.len() as f64;
                prop_assert!((share_at(&curve, *micros) - exact).abs() <= 1.0 / 300.0);
            }
        }
    }
}
