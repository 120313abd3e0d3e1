//! An axis of values: its range, its scale, and its ticks. Durations are in microseconds.

use super::quantity;
use crate::number::Unit;

/// Ratio of the largest to the smallest value from which the axis is logarithmic.
const LOGARITHMIC_FROM: f64 = 12.0;
/// Limits beyond this multiple of the nearest sample are not shown: they would compress the rest.
const FARTHEST: f64 = 20.0;
/// Margin at each end, as a share of the range.
const MARGIN: f64 = 0.03;
/// Minimum distance of two labels on a narrow screen, as a share of the axis.
const CLOSEST_WHERE_NARROW: f64 = 0.17;
const CLOSEST_WHERE_WIDE: f64 = 0.075;

/// Maps values to places from 0, the left end, to 1, the right end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Axis {
    unit: Unit,
    scale: Scale,
    /// The minimum distance of ticks.
    step: f64,
    /// Ends of the axis, on the scale.
    from: f64,
    to: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scale {
    Linear,
    Logarithmic,
}

impl Scale {
    fn apply(self, unit: Unit, value: f64) -> f64 {
        match (self, unit) {
            (Self::Linear, _) => value,
            // Shorter durations count as a microsecond.
            (Self::Logarithmic, Unit::Micros) => value.max(1.0).log10(),
            (Self::Logarithmic, Unit::Number) => value.log10(),
        }
    }
}

/// A round value on the axis.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tick {
    pub(super) place: f64,
    pub(super) label: String,
    pub(super) seen: TickVisibility,
}

/// The screens that have room for a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TickVisibility {
    Always,
    WhereNarrow,
    WhereWide,
}

impl Axis {
    /// The axis from the smallest to the largest sample, extended to the limits that are near.
    pub(super) fn around(unit: Unit, (smallest, largest): (f64, f64), limits: &[f64]) -> Self {
        let least = unit.resolution();
        let near = limits.iter().copied().filter(|limit| {
            *limit <= largest.max(least) * FARTHEST && *limit * FARTHEST >= smallest
        });
        let (first, last) = near.fold((smallest, largest), |(first, last), limit| {
            (first.min(limit), last.max(limit))
        });
        let (first, last) = (first.max(0.0), last.max(least));
        let last = if last > 0.0 { last } else { 1.0 };
        let is_whole = smallest.fract() == 0.0 && largest.fract() == 0.0;
        let axis = Self {
            unit,
            scale: Scale::Linear,
            step: if is_whole { 1.0 } else { 0.0 },
            from: 0.0,
            to: 0.0,
        };
        let first_of_log = first.max(least);
        if first_of_log > 0.0 && last / first_of_log >= LOGARITHMIC_FROM {
            return axis.with_margins(Scale::Logarithmic, first, last);
        }
        // If the axis starts at zero, readers can compare lengths.
        let first = if first < last / 2.0 { 0.0 } else { first };
        axis.with_margins(Scale::Linear, first, last)
    }

    fn with_margins(self, scale: Scale, first: f64, last: f64) -> Self {
        let (from, to) = (scale.apply(self.unit, first), scale.apply(self.unit, last));
        // Minimum range, for samples that are all equal.
        let least = match scale {
            Scale::Linear => last * 0.05,
            Scale::Logarithmic => 0.1,
        };
        let margin = ((to - from) * MARGIN).max(least * MARGIN);
        let half = ((least - (to - from)) / 2.0).max(0.0);
        let is_at_zero = scale == Scale::Linear && first == 0.0;
        Self {
            scale,
            from: if is_at_zero {
                0.0
            } else {
                from - margin - half
            },
            to: to + margin + half,
            ..self
        }
    }

    /// The place of a value; an end of the axis if it is outside.
    pub(super) fn place(&self, value: f64) -> f64 {
        let on_scale = self.scale.apply(self.unit, value);
        let place = (on_scale - self.from) / (self.to - self.from);
        place.clamp(0.0, 1.0)
    }

    /// Returns `true` if the value is within the axis.
    pub(super) fn shows(&self, value: f64) -> bool {
        let on_scale = self.scale.apply(self.unit, value);
        self.from <= on_scale && on_scale <= self.to
    }

    pub(super) fn is_logarithmic(&self) -> bool {
        self.scale == Scale::Logarithmic
    }

    pub(super) fn ticks(&self) -> Vec<Tick> {
        let narrow = self.ticks_apart(CLOSEST_WHERE_NARROW);
        let wide = self.ticks_apart(CLOSEST_WHERE_WIDE);
        let has = |ticks: &[Tick], tick: &Tick| ticks.iter().any(|one| one.label == tick.label);
        let only_narrow = narrow.iter().filter(|tick| !has(&wide, tick));
        let only_narrow = only_narrow.map(|tick| Tick {
            seen: TickVisibility::WhereNarrow,
            ..tick.clone()
        });
        let wide = wide.iter().map(|tick| Tick {
            seen: if has(&narrow, tick) {
                TickVisibility::Always
            } else {
                TickVisibility::WhereWide
            },
            ..tick.clone()
        });
        wide.chain(only_narrow).collect()
    }

    fn ticks_apart(&self, closest: f64) -> Vec<Tick> {
        match self.scale {
            Scale::Linear => self.linear_ticks(closest),
            Scale::Logarithmic => self.logarithmic_ticks(closest),
        }
    }

    fn linear_ticks(&self, closest: f64) -> Vec<Tick> {
        let step = round_step(((self.to - self.from) * closest).max(self.step));
        let first = (self.from / step).ceil() as u64;
        (first..)
            .map(|at| at as f64 * step)
            .take_while(|value| *value <= self.to)
            .map(|value| self.tick(value))
            .collect()
    }

    /// The densest ticks whose labels do not touch.
    fn logarithmic_ticks(&self, closest: f64) -> Vec<Tick> {
        let dense = [&[1.0, 2.0, 5.0][..], &[1.0, 3.0], &[1.0]]
            .into_iter()
            .map(|digits| self.in_decades(digits, 1));
        let sparse = (2..=7).map(|every| self.in_decades(&[1.0], every));
        let fits = |ticks: &Vec<Tick>| {
            let mut pairs = ticks.iter().zip(ticks.iter().skip(1));
            pairs.all(|(one, other)| other.place - one.place >= closest)
        };
        dense.chain(sparse).find(fits).unwrap_or_default()
    }

    fn in_decades(&self, digits: &[f64], every: i32) -> Vec<Tick> {
        let first = (self.from.floor() as i32).div_euclid(every) * every;
        (first..=self.to.ceil() as i32)
            .step_by(every.unsigned_abs() as usize)
            .flat_map(|power| digits.iter().map(move |digit| digit * 10_f64.powi(power)))
            .filter(|value| self.shows(*value))
            .map(|value| self.tick(value))
            .collect()
    }

    fn tick(&self, value: f64) -> Tick {
        let label = match self.unit {
            _ if value == 0.0 => "0".to_owned(),
            Unit::Micros => quantity::exact(self.unit, value),
            // Without errors of floating-point arithmetic.
            Unit::Number => quantity::rounded(self.unit, value),
        };
        Tick {
            place: self.place(value),
            label,
            seen: TickVisibility::Always,
        }
    }
}

/// The smallest number of the form 1, 2 or 5 times a power of ten that is at least this.
fn round_step(least: f64) -> f64 {
    let power = 10_f64.powi(least.log10().floor() as i32);
    [1.0, 2.0, 5.0, 10.0]
        .map(|digit| digit * power)
        .into_iter()
        .find(|step| *step >= least)
        .unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn labels(axis: Axis) -> Vec<String> {
        let ticks = axis.ticks_apart(CLOSEST_WHERE_NARROW).into_iter();
        ticks
            .map(|tick| tick.label.replace('\u{a0}', " "))
            .collect()
    }

    #[test]
    fn durations_of_one_magnitude_have_a_linear_axis() {
        let axis = Axis::around(Unit::Micros, (100_000.0, 480_000.0), &[]);
        assert_eq!(labels(axis), ["0", "100 ms", "200 ms", "300 ms", "400 ms"]);
        let narrow = Axis::around(Unit::Micros, (100_000.0, 112_000.0), &[]);
        assert_eq!(
            labels(narrow),
            ["100 ms", "105 ms", "110 ms"],
            "zero is far away"
        );
        let seconds = Axis::around(Unit::Micros, (400_000.0, 1_900_000.0), &[]);
        assert_eq!(labels(seconds), ["0", "500 ms", "1 s", "1.5 s"]);
    }

    #[test]
    fn durations_of_several_magnitudes_have_a_logarithmic_axis() {
        let axis = Axis::around(Unit::Micros, (90_000.0, 2_400_000.0), &[]);
        assert_eq!(labels(axis), ["100 ms", "200 ms", "500 ms", "1 s", "2 s"]);
        let wide = Axis::around(Unit::Micros, (90.0, 2_400_000.0), &[]);
        assert_eq!(labels(wide), ["100 µs", "1 ms", "10 ms", "100 ms", "1 s"]);
    }

    #[test]
    fn a_wide_screen_has_more_ticks() {
        let seen = |seen| {
            let ticks = Axis::around(Unit::Micros, (20_000.0, 3_000_000.0), &[]).ticks();
            let ticks = ticks.into_iter().filter(|tick| tick.seen == seen);
            let labels: Vec<String> = ticks
                .map(|tick| tick.label.replace('\u{a0}', " "))
                .collect();
            labels
        };
        assert_eq!(seen(TickVisibility::Always), ["100 ms", "1 s"]);
        assert_eq!(
            seen(TickVisibility::WhereNarrow),
            ["30 ms", "300 ms", "3 s"]
        );
        let wide = ["20 ms", "50 ms", "200 ms", "500 ms", "2 s"];
        assert_eq!(seen(TickVisibility::WhereWide), wide);
    }

    #[test]
    fn near_limits_are_shown_and_far_ones_are_not() {
        let near = Axis::around(Unit::Micros, (100_000.0, 120_000.0), &[150_000.0]);
        assert!(near.shows(150_000.0) && !near.is_logarithmic());
        let far = Axis::around(Unit::Micros, (100_000.0, 120_000.0), &[60_000_000.0]);
        assert!(!far.shows(60_000_000.0));
        assert!(far.place(120_000.0) > 0.6, "{far:?}");
    }

    #[test]
    fn a_single_duration_is_in_the_middle() {
        let axis = Axis::around(Unit::Micros, (250_000.0, 250_000.0), &[]);
        assert!((axis.place(250_000.0) - 0.5).abs() < 0.01, "{axis:?}");
        assert!(!labels(axis).is_empty());
    }

    #[test]
    fn counts_have_whole_ticks_and_other_numbers_decimals() {
        let around = |ends| labels(Axis::around(Unit::Number, ends, &[]));
        assert_eq!(around((4.0, 12.0)), ["0", "5", "10"]);
        assert_eq!(around((4.0, 4.0)), ["4"]);
        assert_eq!(around((0.0, 0.0)), ["0", "1"]);
        assert_eq!(
            around((0.02, 0.05)),
            ["0", "0.01", "0.02", "0.03", "0.04", "0.05"]
        );
        assert_eq!(around((0.001, 5.0)), ["0.001", "0.01", "0.1", "1"]);
        assert_eq!(
            around((100.0, 90_000.0)),
            ["100", "1,000", "10,000", "100,000"]
        );
    }

    proptest! {
        #[test]
        fn every_sample_is_shown_and_labels_do_not_touch(
            (one, other) in (0_u64.., 0_u64..),
            shift in 0_u32..60,
            limit in 0_u64..10_000_000,
        ) {
            let [first, last] = [one.min(other) >> shift, one.max(other) >> shift].map(|n| n as f64);
            let axis = Axis::around(Unit::Micros, (first, last), &[limit as f64]);
            prop_assert!(axis.shows(first) && axis.shows(last), "{axis:?}");
            prop_assert!(axis.place(first) <= axis.place(last));
            for closest in [CLOSEST_WHERE_NARROW, CLOSEST_WHERE_WIDE] {
                let ticks = axis.ticks_apart(closest);
                for (one, other) in ticks.iter().zip(ticks.iter().skip(1)) {
                    prop_assert!(other.place - one.place >= closest * 0.999, "{ticks:?}");
                }
            }
        }
    }
}
