//! Compares the time of a log record with a span.

use super::{Nanos, SECOND, Span, unit_of};

/// The answer if a log record was written inside a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Inside {
    No,
    /// Its time is missing or too coarse, or the span did not end.
    Perhaps,
    Yes,
}

/// The answer for a record of this time. A time that is cut off may be later.
pub(crate) fn written_in(time: Nanos, span: &Span) -> Inside {
    if time == 0 {
        return Inside::Perhaps;
    }
    let unit = unit_of(time);
    let latest = time + unit - 1;
    if span.end == 0 {
        return match span.start <= latest {
            true => Inside::Perhaps,
            false => Inside::No,
        };
    }
    let may_be = span.start <= latest && time <= span.end;
    let is_certain = span.start <= time && latest <= span.end;
    match may_be {
        // Of finer times, all that may be inside count.
        true if !is_certain && unit == SECOND => Inside::Perhaps,
        true => Inside::Yes,
        false => Inside::No,
    }
}
