//! Durations, factors and counts in sentences.
//!
//! Bounds are rounded to the safe side: lower bounds down, upper bounds up.

/// Relative rounding error of the arithmetic.
const SLACK: f64 = 1e-9;

/// The direction of rounding.
#[derive(Clone, Copy)]
pub(super) enum Round {
    Down,
    Nearest,
    Up,
}

impl Round {
    fn apply(self, number: f64) -> f64 {
        match self {
            Self::Down => (number + number.abs() * SLACK).floor(),
            Self::Nearest => number.round(),
            Self::Up => (number - number.abs() * SLACK).ceil(),
        }
    }

    fn to(self, number: f64, decimals: usize) -> String {
        let scale = 10_f64.powi(i32::try_from(decimals).unwrap_or_default());
        format!("{:.decimals$}", self.apply(number * scale) / scale)
    }
}

/// A factor with two decimals: `1.14x`.
pub(super) fn factor(number: f64, round: Round) -> String {
    round.to(number, 2) + "x"
}

/// A factor with one decimal from 2 on, and two below.
pub(super) fn short_factor(number: f64, round: Round) -> String {
    let decimals = if number >= 2.0 { 1 } else { 2 };
    round.to(number, decimals) + "x"
}

/// A limit without trailing zeros: `1.2x`, `1.25x`.
pub(crate) fn limit_factor(number: f64) -> String {
    trimmed(&Round::Nearest.to(number, 2)) + "x"
}

/// As [`limit_factor`], rounded up.
pub(super) fn factor_above(number: f64) -> String {
    trimmed(&Round::Up.to(number, 2)) + "x"
}

/// Microseconds as milliseconds with three digits or more: `0.34`, `1.24`, `412`, `2400`.
pub(super) fn millis(micros: f64, round: Round) -> String {
    let millis = micros / 1_000.0;
    let decimals = match millis {
        100.0.. => 0,
        10.0.. => 1,
        1.0.. => 2,
        _ => 3,
    };
    trimmed(&round.to(millis, decimals))
}

/// As [`millis`], but with microseconds if the value would otherwise be printed as the limit that it
/// misses.
pub(super) fn millis_beside(micros: f64, round: Round, limit: f64) -> String {
    let text = millis(micros, round);
    if text == exact_millis(limit) && (micros - limit).abs() > SLACK {
        return trimmed(&round.to(micros / 1_000.0, 3));
    }
    text
}

/// A limit as it was written, with up to six decimals.
pub(super) fn exact_millis(micros: f64) -> String {
    trimmed(&Round::Nearest.to(micros / 1_000.0, 6))
}

/// An integer with thousands separators: `2,995`.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The sentence about requests without a measurement.
pub(super) fn not_measured(requests: u64) -> String {
    let have = if requests == 1 {
        "request has"
    } else {
        "requests have"
    };
    format!("{} {have} no measurement: {MEASURE_THEM}.", count(requests))
}

/// The advice about requests without a measurement.
pub(super) const MEASURE_THEM: &str = "raise `request.timeout`, or find out why they fail";

/// A version with a `v` before a number: `v2.3.0` for `2.3.0`. Several versions are separated by
/// commas.
pub(crate) fn version(text: &str) -> String {
    let each: Vec<String> = text.split(", ").map(one_version).collect();
    each.join(", ")
}

fn one_version(text: &str) -> String {
    let is_number = text.starts_with(|first: char| first.is_ascii_digit());
    if is_number {
        format!("v{text}")
    } else {
        text.to_owned()
    }
}

fn trimmed(decimal: &str) -> String {
    if !decimal.contains('.') {
        return decimal.to_owned();
    }
    decimal
        .trim_end_matches('0')
        .trim_end_matches('.')
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_start_with_a_letter() {
        assert_eq!(version("2.3.0"), "v2.3.0");
        assert_eq!(version("2.3.0, v2.4.0, main"), "v2.3.0, v2.4.0, main");
    }

    #[test]
    fn thousands_are_separated() {
        let shown = [0, 999, 2_995, 100_000, 1_234_567].map(count);
        assert_eq!(shown, ["0", "999", "2,995", "100,000", "1,234,567"]);
    }

    #[test]
    fn milliseconds_have_at_least_three_digits() {
        let micros = [0.0, 340.0, 1_240.0, 12_340.0, 412_300.0, 2_400_000.0];
        let shown = micros.map(|micros| millis(micros, Round::Nearest));
        assert_eq!(shown, ["0", "0.34", "1.24", "12.3", "412", "2400"]);
    }

    #[test]
    fn a_value_is_not_rounded_to_the_limit_that_it_misses() {
        assert_eq!(
            millis_beside(1_000_400.0, Round::Down, 1_000_000.0),
            "1000.4"
        );
        assert_eq!(millis_beside(1_000_000.0, Round::Down, 1_000_000.0), "1000");
        assert_eq!(exact_millis(1.5), "0.0015");
    }

    #[test]
    fn factors_are_rounded_to_the_safe_side() {
        assert_eq!(short_factor(2.69, Round::Down), "2.6x");
        assert_eq!(short_factor(1.239, Round::Down), "1.23x");
        assert_eq!(factor(1.321, Round::Up), "1.33x");
        assert_eq!(factor(1.2, Round::Up), "1.20x");
        assert_eq!(factor(0.97, Round::Down), "0.97x");
        assert_eq!(
            [limit_factor(1.2), limit_factor(1.25), limit_factor(2.0)],
            ["1.2x", "1.25x", "2x"]
        );
    }
}
