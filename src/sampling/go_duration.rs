//! Durations as Go writes them.

/// The nanoseconds of a duration such as `1h2m3.5s`.
pub(super) fn go_duration(text: &str) -> Option<i64> {
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
    let (fraction, scale) = leading(fraction);
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a fraction of a unit is less than the unit"
    )]
    let fraction = (fraction as f64 * (unit as f64 / scale)) as i64;
    whole.checked_mul(unit)?.checked_add(fraction)
}

/// The digits of a fraction as a number, and the power of ten that divides it. As in Go, digits that no longer fit into
/// 63 bits do not count.
fn leading(digits: &str) -> (i64, f64) {
    let (mut number, mut scale) = (0_i64, 1.0);
    for digit in digits.bytes().map(|byte| i64::from(byte - b'0')) {
        let next = number
            .checked_mul(10)
            .and_then(|ten| ten.checked_add(digit));
        let Some(next) = next else { break };
        (number, scale) = (next, scale * 10.0);
    }
    (number, scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_those_of_go() {
        for (text, expected) in [
            ("10s", Some(10_000_000_000)),
            ("1m30s", Some(90_000_000_000)),
            ("1.5s", Some(1_500_000_000)),
            ("-2ms", Some(-2_000_000)),
            ("0", Some(0)),
            ("0s", Some(0)),
            ("10", None),
            ("", None),
            ("s", None),
            ("1 s", None),
            ("1d", None),
            ("1h2m3.5s", Some(3_723_500_000_000)),
            ("0.57us", Some(570)),
            (".s", None),
            ("1.2.3s", None),
        ] {
            assert_eq!(go_duration(text), expected, "{text}");
        }
    }
}
