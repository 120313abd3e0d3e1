//! How messages say a number, a duration, or a long text.

use crate::spec::Limits;
use crate::trace::{Nanos, Value};

/// Said where an order in time does not hold.
pub(super) const CLOCKS: &str =
    "spans of different hosts are compared by the clocks of those hosts";

/// Texts are shown so far.
const LONGEST: usize = 200;

/// How many there are.
pub(super) fn count(number: u64) -> String {
    if number == 0 {
        "none".to_owned()
    } else {
        number.to_string()
    }
}

/// A duration in the unit that reads best: with up to three decimals, or to the nanosecond where
/// rounding would put it on the other side of a limit.
pub(super) fn duration(nanos: Nanos, limits: &Limits<Nanos>) -> String {
    let (unit, scale) = match nanos {
        0..1_000 => ("ns", 1),
        1_000..1_000_000 => ("us", 1_000),
        1_000_000..1_000_000_000 => ("ms", 1_000_000),
        _ => ("s", 1_000_000_000_u64),
    };
    let step = (scale / 1_000).max(1);
    let rounded = nanos.saturating_add(step / 2) / step * step;
    let shown = if limits.contains(rounded) == limits.contains(nanos) {
        rounded
    } else {
        nanos
    };
    decimal(shown, scale) + unit
}

fn decimal(nanos: u64, scale: u64) -> String {
    let digits = scale.ilog10() as usize;
    if digits == 0 {
        return nanos.to_string();
    }
    let text = format!("{}.{:0digits$}", nanos / scale, nanos % scale);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A value as messages show it, cut where it is long.
pub(super) fn value(value: &Value) -> String {
    excerpt(&value.to_string())
}

/// A value that may not be there.
pub(super) fn optional(value_or_none: Option<&Value>) -> String {
    value_or_none.map_or_else(|| "nothing".to_owned(), value)
}

/// The beginning of a text.
pub(super) fn excerpt(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => {
            format!(
                "{}… ({} characters in all)",
                &text[..end],
                text.chars().count()
            )
        }
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn below(greatest: u64) -> Limits<u64> {
        Limits::range(None, Some(greatest), "")
    }

    #[test]
    fn durations_read_well_and_are_never_rounded_across_a_limit() {
        let limits = below(599_999_999);
        assert_eq!(duration(812_000_000, &limits), "812ms");
        assert_eq!(duration(1_234_567_890, &limits), "1.235s");
        assert_eq!(duration(600_000_001, &limits), "600ms");
        assert_eq!(duration(600_000_001, &below(600_000_000)), "600.000001ms");
        assert_eq!(duration(950, &limits), "950ns");
        assert_eq!(duration(1_500, &limits), "1.5us");
    }
}
