//! Numbers, durations and values in messages.

use crate::number;
use crate::spec::Limits;
use crate::trace::{Nanos, Value};

/// Hint for a violated order in time.
pub(super) const CLOCKS: &str =
    "the order of spans of different hosts depends on the clocks of those hosts";

/// Length in characters from which strings are cut.
const LONGEST: usize = 200;

/// A count in words: `none` for 0.
pub(super) fn count(number: u64) -> String {
    if number == 0 {
        "none".to_owned()
    } else {
        number.to_string()
    }
}

/// A duration, never rounded across one of the limits.
pub(super) fn duration(nanos: Nanos, limits: &Limits<Nanos>) -> String {
    number::nanos_where(nanos, |shown| limits.contains(shown))
}

/// A value, cut if it is long.
pub(super) fn value(value: &Value) -> String {
    excerpt(&value.to_string())
}

/// A value, or `nothing`.
pub(super) fn optional(value_or_none: Option<&Value>) -> String {
    value_or_none.map_or_else(|| "nothing".to_owned(), value)
}

/// The beginning of a long string, with its length.
pub(super) fn excerpt(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => {
            format!(
                "{}… ({} characters in all)",
                &text[..end],
                number::count(text.chars().count() as u64)
            )
        }
        None => text.to_owned(),
    }
}
