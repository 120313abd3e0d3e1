//! Durations, plain numbers, factors and counts as text.
//!
//! Everything that users read formats numbers here: at most three significant digits, a blank
//! before the unit, commas between thousands. Text that must not be rounded across a limit uses
//! [`nanos_where`].

use std::time::Duration;

const SECOND: u128 = 1_000_000_000;
const MINUTE: u128 = 60 * SECOND;
const HOUR: u128 = 60 * MINUTE;

/// Number of significant digits, unless more are needed to stay on one side of a limit.
const DIGITS: u32 = 3;

/// More digits than these are not tried.
const MOST_DIGITS: u32 = 20;

/// A duration with the unit that fits it and at most three significant digits: `340 µs`, `1.24 ms`,
/// `812 ms`, `1.2 s`, `2 min 5 s`.
///
/// ```
/// use std::time::Duration;
/// assert_eq!(spanspec::internal::report::duration(Duration::from_micros(1_238)), "1.24 ms");
/// ```
#[must_use]
pub fn duration(of: Duration) -> String {
    exactly(rounded(of.as_nanos(), DIGITS, Rounding::Nearest))
}

/// The same for nanoseconds.
pub(crate) fn nanos(of: u64) -> String {
    duration(Duration::from_nanos(of))
}

/// Nanoseconds, with as many digits as it takes for the text to have the same property as the
/// exact value, for example to be above a limit.
pub(crate) fn nanos_where(of: u64, property: impl Fn(u64) -> bool) -> String {
    let expected = property(of);
    let is_true = |shown: u128| u64::try_from(shown).is_ok_and(|shown| property(shown) == expected);
    exactly(fewest_digits(of.into(), Rounding::Nearest, is_true))
}

/// A duration to the nanosecond, such as a limit: `150 ms`, `1.0004 s`.
pub(crate) fn exact(of: Duration) -> String {
    exactly(of.as_nanos())
}

/// A duration as specs and project files contain it, to the nanosecond: `600ms`, `1.5s`.
pub(crate) fn yaml(of: Duration) -> String {
    let nanos = of.as_nanos();
    let (unit, name) = match nanos {
        0 => return "0s".to_owned(),
        1..1_000 => (1, "ns"),
        1_000..1_000_000 => (1_000, "us"),
        1_000_000..SECOND => (1_000_000, "ms"),
        _ => (SECOND, "s"),
    };
    decimal(nanos, unit) + name
}

/// The direction in which a number is rounded: lower bounds down, upper bounds up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(feature = "run"),
    expect(dead_code, reason = "bounds belong to budgets")
)]
pub(crate) enum Rounding {
    Down,
    Nearest,
    Up,
}

fn exactly(nanos: u128) -> String {
    match nanos {
        0 => "0 ms".to_owned(),
        1..1_000 => format!("{nanos} ns"),
        1_000..1_000_000 => decimal(nanos, 1_000) + " µs",
        1_000_000..SECOND => decimal(nanos, 1_000_000) + " ms",
        SECOND..MINUTE => decimal(nanos, SECOND) + " s",
        MINUTE.. => minutes_and_more(nanos),
    }
}

fn minutes_and_more(nanos: u128) -> String {
    let hours = u64::try_from(nanos / HOUR).unwrap_or(u64::MAX);
    let minutes = nanos % HOUR / MINUTE;
    let rest = nanos % MINUTE;
    let parts = [
        (hours > 0).then(|| format!("{} h", count(hours))),
        (minutes > 0).then(|| format!("{minutes} min")),
        (rest > 0).then(|| decimal(rest, SECOND) + " s"),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// `1.24` for 1,240 of a unit of 1,000.
fn decimal(nanos: u128, unit: u128) -> String {
    let digits = unit.ilog10() as usize;
    if digits == 0 {
        return nanos.to_string();
    }
    let text = format!("{}.{:0digits$}", nanos / unit, nanos % unit);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Whole seconds from a minute on, whole minutes from an hour on; more `digits` make it finer.
fn rounded(nanos: u128, digits: u32, rounding: Rounding) -> u128 {
    let step = match nanos {
        0 => return 0,
        1..MINUTE => 10_u128.pow((nanos.ilog10() + 1).saturating_sub(digits)),
        MINUTE..HOUR => SECOND / 10_u128.pow(digits - DIGITS),
        HOUR.. => MINUTE / 10_u128.pow(digits - DIGITS),
    };
    let step = step.max(1);
    let steps = match rounding {
        Rounding::Down => nanos / step,
        Rounding::Nearest => (nanos + step / 2) / step,
        Rounding::Up => nanos.div_ceil(step),
    };
    steps * step
}

/// The value rounded to the fewest digits with which the condition holds; exact if there are none.
fn fewest_digits(nanos: u128, rounding: Rounding, holds: impl Fn(u128) -> bool) -> u128 {
    let mut candidates = (DIGITS..MOST_DIGITS).map(|digits| rounded(nanos, digits, rounding));
    candidates.find(|shown| holds(*shown)).unwrap_or(nanos)
}

/// Microseconds.
#[cfg(feature = "run")]
pub(crate) fn micros(of: f64, rounding: Rounding) -> String {
    exactly(rounded(in_nanos(of), DIGITS, rounding))
}

/// Microseconds to the nanosecond, such as a limit.
#[cfg(feature = "run")]
pub(crate) fn exact_micros(of: f64) -> String {
    exactly(in_nanos(of))
}

/// Microseconds, never rounded to or across a limit that they miss.
#[cfg(feature = "run")]
pub(crate) fn micros_beside(of: f64, rounding: Rounding, limit: f64) -> String {
    let (of, limit) = (in_nanos(of), in_nanos(limit));
    exactly(fewest_digits(of, rounding, |shown| {
        shown.cmp(&limit) == of.cmp(&limit)
    }))
}

/// Errors of floating-point arithmetic are far below a nanosecond, so this removes them.
#[cfg(feature = "run")]
fn in_nanos(micros: f64) -> u128 {
    in_whole((micros * 1_000.0).round()).into()
}

#[cfg(feature = "run")]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, and negative numbers do not occur"
)]
fn in_whole(number: f64) -> u64 {
    number as u64
}

/// The unit of measured values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unit {
    /// Microseconds.
    #[default]
    Micros,
    /// None: a count, or the value of an attribute. Not negative.
    Number,
}

#[cfg(feature = "run")]
impl Unit {
    /// A value with at most three significant digits; of a plain number, all digits of its whole part.
    pub(crate) fn rounded(self, of: f64, rounding: Rounding) -> String {
        match self {
            Self::Micros => micros(of, rounding),
            Self::Number => number(of, DIGITS, rounding),
        }
    }

    /// A value with all digits, such as a limit.
    pub(crate) fn exact(self, of: f64) -> String {
        match self {
            Self::Micros => exact_micros(of),
            Self::Number => exact_number(of),
        }
    }

    /// A value that is never rounded to or across a limit that it misses.
    pub(crate) fn beside(self, of: f64, rounding: Rounding, limit: f64) -> String {
        let is_on_its_side = |text: &String| {
            let shown: f64 = text.replace(',', "").parse().unwrap_or(f64::NAN);
            shown.partial_cmp(&limit) == of.partial_cmp(&limit)
        };
        match self {
            Self::Micros => micros_beside(of, rounding, limit),
            Self::Number => (DIGITS..MOST_DIGITS)
                .map(|digits| number(of, digits, rounding))
                .find(is_on_its_side)
                .unwrap_or_else(|| exact_number(of)),
        }
    }

    /// Smaller values count as this one in ratios: durations are truncated to whole microseconds.
    pub(crate) fn resolution(self) -> f64 {
        match self {
            Self::Micros => 1.0,
            Self::Number => 0.0,
        }
    }

    /// The ratio of two values. Infinite if a plain number was 0 and is not any more.
    pub(crate) fn change(self, now: f64, before: f64) -> f64 {
        let least = self.resolution();
        let (now, before) = (now.max(least), before.max(least));
        if now == before { 1.0 } else { now / before }
    }

    /// The word for the largest value.
    pub(crate) fn largest(self) -> &'static str {
        match self {
            Self::Micros => "slowest",
            Self::Number => "largest",
        }
    }

    /// The word for a larger value: `2.9x slower`.
    pub(crate) fn larger(self) -> &'static str {
        match self {
            Self::Micros => "slower",
            Self::Number => "higher",
        }
    }
}

/// A plain number with this number of significant digits, or all digits of its whole part: `4`, `1,234`, `0.0215`.
#[cfg(feature = "run")]
fn number(of: f64, digits: u32, rounding: Rounding) -> String {
    if of.fract() == 0.0 || !of.is_finite() {
        return exact_number(of);
    }
    let whole = of.log10().floor() as i32 + 1;
    let decimals = usize::try_from(digits as i32 - whole).unwrap_or(0);
    let scale = 10_f64.powi(decimals as i32);
    let scaled = of * scale;
    let rounded = match rounding {
        Rounding::Down => (scaled * (1.0 + SLACK)).floor(),
        Rounding::Nearest => scaled.round(),
        Rounding::Up => (scaled * (1.0 - SLACK)).ceil(),
    };
    let text = format!("{:.decimals$}", rounded / scale);
    with_commas(match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => &text,
    })
}

#[cfg(feature = "run")]
fn exact_number(of: f64) -> String {
    with_commas(&of.to_string())
}

/// Commas between the thousands of the whole part.
#[cfg(feature = "run")]
fn with_commas(text: &str) -> String {
    let (whole, fraction) = text.split_at(text.find('.').unwrap_or(text.len()));
    match whole.parse::<u64>() {
        Ok(whole) => count(whole) + fraction,
        Err(_) => text.to_owned(),
    }
}

/// A measured ratio with three significant digits: `0.97x`, `1.20x`, `12.3x`.
#[cfg(feature = "run")]
pub(crate) fn ratio(of: f64, rounding: Rounding) -> String {
    if of.is_infinite() {
        return "∞x".to_owned();
    }
    let (digits, decimals) = significant(of, rounding);
    format!("{digits:.decimals$}x")
}

/// A permitted ratio, without zeros at its end: `1.2x`, `1.25x`.
#[cfg(feature = "run")]
pub(crate) fn permitted_ratio(of: f64, rounding: Rounding) -> String {
    let (digits, _) = significant(of, rounding);
    format!("{digits}x")
}

/// A rate or a share with at most three significant digits, or all digits of its whole part:
/// `0.25`, `41.2`, `1,234`.
#[cfg(feature = "run")]
pub(crate) fn figure(of: f64) -> String {
    match significant(of, Rounding::Nearest) {
        (whole, 0) => count(in_whole(whole)),
        (digits, _) => digits.to_string(),
    }
}

/// The same for an upper bound.
#[cfg(feature = "run")]
pub(crate) fn figure_up(of: f64) -> String {
    number(of, DIGITS, Rounding::Up)
}

/// Errors of floating-point arithmetic are smaller.
#[cfg(feature = "run")]
const SLACK: f64 = 1e-9;

/// The number rounded to three significant digits, and how many of these are decimals.
#[cfg(feature = "run")]
fn significant(of: f64, rounding: Rounding) -> (f64, usize) {
    let (scale, decimals) = match of {
        99.95.. => (1.0, 0),
        9.995.. => (10.0, 1),
        _ => (100.0, 2),
    };
    let scaled = of * scale;
    let rounded = match rounding {
        Rounding::Down => (scaled * (1.0 + SLACK)).floor(),
        Rounding::Nearest => scaled.round(),
        Rounding::Up => (scaled * (1.0 - SLACK)).ceil(),
    };
    (rounded / scale, decimals)
}

/// A part of the machine: `46 % of a core`, `1.3 cores`.
pub(crate) fn cores(of: f64) -> String {
    if of < 0.995 {
        format!("{:.0} % of a core", 100.0 * of.max(0.0))
    } else if of < 1.05 {
        "1 core".to_owned()
    } else {
        format!("{of:.1} cores")
    }
}

/// A whole number with commas between thousands: `2,995`.
pub(crate) fn count(number: impl TryInto<u64>) -> String {
    let digits = number.try_into().unwrap_or(u64::MAX).to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 span`, `4,932 spans`.
pub(crate) fn counted(number: impl TryInto<u64>, noun: &str) -> String {
    let number = number.try_into().unwrap_or(u64::MAX);
    let s = if number == 1 { "" } else { "s" };
    format!("{} {noun}{s}", count(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_the_unit_that_fits_and_at_most_three_digits() {
        let texts = [
            (0, "0 ms"),
            (340, "340 ns"),
            (1_000, "1 µs"),
            (85_000, "85 µs"),
            (340_400, "340 µs"),
            (1_238_000, "1.24 ms"),
            (12_340_000, "12.3 ms"),
            (812_400_000, "812 ms"),
            (2_052_000_000, "2.05 s"),
            (59_940_000_000, "59.9 s"),
            (125_400_000_000, "2 min 5 s"),
            (7_200_000_000_000, "2 h"),
            (u64::MAX, "5,124,095 h 35 min"),
        ];
        for (of, text) in texts {
            assert_eq!(nanos(of), text);
        }
    }

    #[test]
    fn a_duration_that_rounds_up_to_the_next_unit_has_that_unit() {
        assert_eq!(nanos(999_600), "1 ms");
        assert_eq!(nanos(999_600_000), "1 s");
        assert_eq!(nanos(59_960_000_000), "1 min");
        assert_eq!(nanos(3_599_700_000_000), "1 h");
    }

    #[cfg(feature = "run")]
    #[test]
    fn a_limit_is_exact() {
        let texts = [150_000.0, 1_000_400.0, 90_000_000.0, 3_600_000_001.0].map(exact_micros);
        assert_eq!(
            texts,
            ["150 ms", "1.0004 s", "1 min 30 s", "1 h 0.000001 s"]
        );
    }

    #[test]
    fn yaml_is_written_as_specs_have_it() {
        let texts = [0, 950, 1_500, 600_000_000, 1_500_000_000, 120_000_000_000];
        let texts = texts.map(|nanos| yaml(Duration::from_nanos(nanos)));
        assert_eq!(texts, ["0s", "950ns", "1.5us", "600ms", "1.5s", "120s"]);
    }

    #[test]
    fn a_duration_is_not_rounded_across_a_limit() {
        let below_600_ms = |nanos| nanos < 600_000_000;
        assert_eq!(nanos_where(600_000_001, below_600_ms), "600 ms");
        assert_eq!(nanos_where(599_960_000, below_600_ms), "599.96 ms");
        let at_most_600_ms = |nanos| nanos <= 600_000_000;
        assert_eq!(nanos_where(600_000_001, at_most_600_ms), "600.000001 ms");
        let at_most_a_minute = |nanos| nanos <= 60_000_000_000;
        assert_eq!(nanos_where(60_250_000_000, at_most_a_minute), "1 min 0.3 s");
    }

    #[cfg(feature = "run")]
    #[test]
    fn bounds_are_rounded_away_from_the_estimate() {
        assert_eq!(micros(412_900.0, Rounding::Down), "412 ms");
        assert_eq!(micros(412_100.0, Rounding::Up), "413 ms");
        assert_eq!(micros(412_000.000_000_1, Rounding::Up), "412 ms");
        assert_eq!(micros(2_400_000.0, Rounding::Nearest), "2.4 s");
    }

    #[cfg(feature = "run")]
    #[test]
    fn a_bound_does_not_read_like_the_limit_that_it_misses() {
        let beside = |micros| micros_beside(micros, Rounding::Down, 1_000_000.0);
        assert_eq!(beside(1_000_400.0), "1.0004 s");
        assert_eq!(beside(1_000_000.0), "1 s");
    }

    #[cfg(feature = "run")]
    #[test]
    fn ratios_have_three_digits_and_are_rounded_to_the_safe_side() {
        assert_eq!(ratio(1.239, Rounding::Down), "1.23x");
        assert_eq!(ratio(1.321, Rounding::Up), "1.33x");
        assert_eq!(ratio(1.2, Rounding::Up), "1.20x");
        assert_eq!(ratio(12.345, Rounding::Nearest), "12.3x");
        let permitted = [1.2, 1.25, 2.0].map(|of| permitted_ratio(of, Rounding::Nearest));
        assert_eq!(permitted, ["1.2x", "1.25x", "2x"]);
    }

    #[cfg(feature = "run")]
    #[test]
    fn figures_have_three_digits_at_most() {
        let texts = [0.25, 3.5, 41.23, 213.6, 1_234.5].map(figure);
        assert_eq!(texts, ["0.25", "3.5", "41.2", "214", "1,235"]);
    }

    #[cfg(feature = "run")]
    #[test]
    fn plain_numbers_have_all_digits_of_their_whole_part_and_are_rounded_to_the_safe_side() {
        let number = |of| Unit::Number.rounded(of, Rounding::Nearest);
        let texts = [0.0, 4.0, 1_234_567.0, 1_234.56, 12.34, 0.1, 0.021_549].map(number);
        let expected = ["0", "4", "1,234,567", "1,235", "12.3", "0.1", "0.0215"];
        assert_eq!(texts, expected);
        assert_eq!(Unit::Number.rounded(0.021_51, Rounding::Down), "0.0215");
        assert_eq!(Unit::Number.rounded(0.021_51, Rounding::Up), "0.0216");
        assert_eq!(Unit::Number.rounded(0.3, Rounding::Up), "0.3");
        assert_eq!(Unit::Number.exact(1_999.5), "1,999.5");
    }

    #[cfg(feature = "run")]
    #[test]
    fn a_plain_number_does_not_read_like_the_limit_that_it_misses() {
        let beside = |of| Unit::Number.beside(of, Rounding::Nearest, 2_000.0);
        assert_eq!(beside(1_999.999_6), "1,999.9996");
        assert_eq!(beside(1_999.4), "1,999");
        assert_eq!(beside(2_000.0), "2,000");
    }

    #[cfg(feature = "run")]
    #[test]
    fn of_two_plain_numbers_zero_has_no_finite_ratio() {
        let change = |now, before| Unit::Number.change(now, before);
        assert_eq!([change(0.0, 0.0), change(12.0, 4.0)], [1.0, 3.0]);
        assert_eq!(ratio(change(1.0, 0.0), Rounding::Down), "∞x");
        assert_eq!(Unit::Micros.change(0.4, 0.0), 1.0);
    }

    #[test]
    fn thousands_are_separated() {
        let texts = [0_u64, 999, 2_995, 100_000, 1_234_567].map(count);
        assert_eq!(texts, ["0", "999", "2,995", "100,000", "1,234,567"]);
        assert_eq!(counted(1, "span"), "1 span");
        assert_eq!(counted(4_932, "span"), "4,932 spans");
    }
}
