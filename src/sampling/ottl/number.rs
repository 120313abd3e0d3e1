//! Numbers and durations as Go writes and reads them.

/// A double as Go's JSON writes it: the shortest digits, with an exponent for small and large ones. `None` for NaN
/// and the infinities, which it refuses.
pub(super) fn double(double: f64) -> Option<String> {
    if !double.is_finite() {
        return None;
    }
    let size = double.abs();
    if size == 0.0 || (1e-6..1e21).contains(&size) {
        return Some(format!("{double}"));
    }
    let text = format!("{double:e}");
    Some(match text.split_once("e-") {
        Some(_) => text,
        None => text.replacen('e', "e+", 1),
    })
}

/// The nanoseconds of a duration such as `1h2m3.5s`.
pub(super) fn duration(text: &str) -> Option<i64> {
    let (sign, mut rest) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    if rest == "0" {
        return Some(0);
    }
    let mut nanos = 0_i64;
    while !rest.is_empty() || nanos == 0 {
        let length = rest.find(|char: char| !(char.is_ascii_digit() || char == '.'))?;
        let (number, after) = rest.split_at(length);
        let end = after
            .find(|char: char| char.is_ascii_digit() || char == '.')
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        nanos = nanos.checked_add(part(number, unit)?)?;
        rest = after;
        if rest.is_empty() {
            break;
        }
    }
    nanos.checked_mul(sign)
}

fn part(number: &str, unit: &str) -> Option<i64> {
    let unit: i64 = match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(whole) || !is_digits(fraction) || number.is_empty() || number == "." {
        return None;
    }
    let whole: i64 = match whole {
        "" => 0,
        whole => whole.parse().ok()?,
    };
    let fraction: f64 = match fraction {
        "" => 0.0,
        digits => format!("0.{digits}").parse().ok()?,
    };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a fraction of a unit is less than the unit"
    )]
    let fraction = (fraction * unit as f64) as i64;
    whole.checked_mul(unit)?.checked_add(fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_are_written_as_by_go() {
        for (value, text) in [
            (1.0, "1"),
            (0.1, "0.1"),
            (-2.5, "-2.5"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1.5e-7, "1.5e-7"),
            (0.000_001, "0.000001"),
        ] {
            assert_eq!(double(value).as_deref(), Some(text));
        }
        assert_eq!(double(f64::NAN), None);
    }

    #[test]
    fn durations_have_units() {
        assert_eq!(duration("1h2m3.5s"), Some(3_723_500_000_000));
        assert_eq!(duration("-10ms"), Some(-10_000_000));
        assert_eq!(duration("0"), Some(0));
        for text in ["", "5", "s", "1x", ".s", "1.2.3s"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }
}
