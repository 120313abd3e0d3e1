//! Durations as people say them.

use std::time::Duration;

const SECOND: u128 = 1_000_000_000;
const MINUTE: u128 = 60 * SECOND;
const HOUR: u128 = 60 * MINUTE;

/// A duration in the unit that fits it, with two or three digits: `340 µs`, `812 ms`, `1.2 s`,
/// `2 min 5 s`.
///
/// It is rounded, so a text that tells whether a limit holds must not be made of it.
///
/// ```
/// use std::time::Duration;
/// assert_eq!(spanspec::internal::report::duration(Duration::from_micros(1_240)), "1.2 ms");
/// ```
#[must_use]
pub fn duration(of: Duration) -> String {
    let nanos = of.as_nanos();
    match nanos {
        0 => "0 ms".to_owned(),
        1..1_000 => format!("{nanos} ns"),
        _ => [(1_000, "µs"), (1_000_000, "ms")]
            .into_iter()
            .find_map(|(unit, name)| below_a_thousand(nanos, unit, name))
            .unwrap_or_else(|| seconds_and_more(nanos)),
    }
}

/// As [`duration()`], of nanoseconds.
#[must_use]
pub fn nanos(of: u64) -> String {
    duration(Duration::from_nanos(of))
}

/// With one decimal below ten; nothing if it rounds to a thousand or more.
fn below_a_thousand(nanos: u128, unit: u128, name: &str) -> Option<String> {
    let tenths = rounded(nanos, unit / 10);
    if tenths < 100 {
        return Some(format!("{}.{} {name}", tenths / 10, tenths % 10));
    }
    let whole = rounded(nanos, unit);
    (whole < 1_000).then(|| format!("{whole} {name}"))
}

fn seconds_and_more(nanos: u128) -> String {
    let tenths = rounded(nanos, SECOND / 10);
    if tenths < 600 {
        return format!("{}.{} s", tenths / 10, tenths % 10);
    }
    let seconds = rounded(nanos, SECOND);
    if seconds < HOUR / SECOND {
        return two_units(seconds, 60, "min", "s");
    }
    two_units(rounded(nanos, MINUTE), 60, "h", "min")
}

fn two_units(small: u128, per_big: u128, big_name: &str, small_name: &str) -> String {
    match small % per_big {
        0 => format!("{} {big_name}", small / per_big),
        rest => format!("{} {big_name} {rest} {small_name}", small / per_big),
    }
}

fn rounded(nanos: u128, unit: u128) -> u128 {
    (nanos + unit / 2) / unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_the_unit_that_fits_it() {
        let texts = [
            (0, "0 ms"),
            (340, "340 ns"),
            (1_000, "1.0 µs"),
            (340_000, "340 µs"),
            (1_240_000, "1.2 ms"),
            (812_000_000, "812 ms"),
            (1_249_999_999, "1.2 s"),
            (59_940_000_000, "59.9 s"),
            (125_000_000_000, "2 min 5 s"),
            (7_200_000_000_000, "2 h"),
            (u64::MAX, "5124095 h 35 min"),
        ];
        for (of, text) in texts {
            assert_eq!(nanos(of), text);
        }
    }

    #[test]
    fn what_rounds_up_to_the_next_unit_is_said_in_it() {
        assert_eq!(nanos(9_960), "10 µs");
        assert_eq!(nanos(999_600), "1.0 ms");
        assert_eq!(nanos(999_600_000), "1.0 s");
        assert_eq!(nanos(59_960_000_000), "1 min");
        assert_eq!(nanos(3_599_700_000_000), "1 h");
    }
}
