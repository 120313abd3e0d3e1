//! How the page says the numbers of a budget: durations with three digits, and never rounded to
//! more than is known.

/// As close as three digits are: `1.24 ms`, `412 ms`, `2.4 s`.
pub(super) fn said(micros: f64) -> String {
    in_digits(micros, f64::round)
}

/// Not below this; rounded down.
pub(super) fn at_least(micros: f64) -> String {
    in_digits(micros, f64::floor)
}

/// Not above this; rounded up.
pub(super) fn at_most(micros: f64) -> String {
    in_digits(micros, f64::ceil)
}

/// To the nanosecond, as an author wrote it: `150 ms`, `1.5 s`.
pub(super) fn exactly(micros: f64) -> String {
    Unit::of(micros).exactly(micros)
}

/// How many times as long: `2.92x`.
pub(super) fn times(factor: f64) -> String {
    if factor >= 10.0 {
        format!("{factor:.1}x")
    } else {
        format!("{factor:.2}x")
    }
}

/// How many times as long is allowed, without zeros at its end: `1.2x`.
pub(super) fn limit_times(factor: f64) -> String {
    format!("{}x", (factor * 100.0).round() / 100.0)
}

fn in_digits(micros: f64, round: fn(f64) -> f64) -> String {
    let Unit {
        name,
        micros: length,
    } = Unit::of(micros);
    let number = micros / length;
    let scale = match number {
        100.0.. => 1.0,
        10.0.. => 10.0,
        _ => 100.0,
    };
    // Differences this small come from the arithmetic.
    let scaled = number * scale;
    let nearest = scaled.round();
    let is_whole = (scaled - nearest).abs() <= nearest.abs() * 1e-9;
    let rounded = if is_whole { nearest } else { round(scaled) };
    format!("{}\u{a0}{name}", rounded / scale)
}

/// In what durations are said.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Unit {
    name: &'static str,
    micros: f64,
}

impl Unit {
    /// The largest that is not longer.
    pub(super) fn of(micros: f64) -> Self {
        let (name, micros) = match micros {
            1e6.. => ("s", 1e6),
            1e3.. => ("ms", 1e3),
            _ => ("µs", 1.0),
        };
        Self { name, micros }
    }

    /// To the nanosecond.
    pub(super) fn exactly(self, micros: f64) -> String {
        let number = (micros * 1e3).round() / (self.micros * 1e3);
        format!("{number}\u{a0}{}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> String {
        text.replace('\u{a0}', " ")
    }

    #[test]
    fn a_duration_has_three_digits_and_the_unit_that_fits_it() {
        let texts = [0.0, 340.0, 1_240.0, 12_340.0, 412_300.0, 2_400_000.0];
        let texts = texts.map(|micros| plain(&said(micros)));
        assert_eq!(
            texts,
            ["0 µs", "340 µs", "1.24 ms", "12.3 ms", "412 ms", "2.4 s"]
        );
    }

    #[test]
    fn a_bound_is_rounded_away_from_the_estimate() {
        assert_eq!(plain(&at_least(412_900.0)), "412 ms");
        assert_eq!(plain(&at_most(412_100.0)), "413 ms");
        assert_eq!(plain(&at_most(412_000.0)), "412 ms");
    }

    #[test]
    fn a_limit_is_said_in_full() {
        assert_eq!(plain(&exactly(150_000.0)), "150 ms");
        assert_eq!(plain(&exactly(1_000_400.0)), "1.0004 s");
    }
}
