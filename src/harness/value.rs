//! Values, ranges and counts as Rust writes them become what specs have.

use std::fmt::Display;
use std::ops::{Range, RangeFrom, RangeInclusive, RangeTo, RangeToInclusive};
use std::time::Duration;

use crate::number::exact;
use crate::spec::{Bounds, Comparison, Limits, Matcher};
use crate::trace::{Nanos, Value, nanos_of};

/// A duration in milliseconds.
#[must_use]
pub const fn ms(number: u64) -> Duration {
    Duration::from_millis(number)
}

/// A duration in seconds.
#[must_use]
pub const fn secs(number: u64) -> Duration {
    Duration::from_secs(number)
}

/// Is there, even if empty.
#[must_use]
pub fn exists() -> Matcher {
    Matcher::Exists
}

/// Is not there.
#[must_use]
pub fn absent() -> Matcher {
    Matcher::Absent
}

/// Is there, and is not like this.
#[must_use]
pub fn not(value: impl IntoMatcher) -> Matcher {
    Matcher::Not(Box::new(value.into_matcher()))
}

/// A text that contains this one.
#[must_use]
pub fn contains(text: &str) -> Matcher {
    Matcher::Contains(Value::from(text))
}

/// A text in which this regular expression is found.
///
/// # Panics
/// If the expression cannot be read; says why.
#[must_use]
#[track_caller]
pub fn regex(expression: &str) -> Matcher {
    match regex::Regex::new(expression) {
        Ok(regex) => Matcher::Regex(regex),
        Err(error) => panic!("`{expression}` is no regular expression: {error}"),
    }
}

/// A condition on a name or an attribute: a string, a number, `true` or `false` that it equals; a
/// range of numbers that it is in; an array one of which it equals; or [`regex()`],
/// [`contains()`], [`not()`], [`exists()`], [`absent()`] and every other `Matcher`.
///
/// An empty array does not compile:
///
/// ```compile_fail
/// use spanspec::prelude::*;
///
/// let none: [&str; 0] = [];
/// let _ = any_span().attribute("payment.method", none);
/// ```
#[diagnostic::on_unimplemented(
    message = "a value cannot be compared with `{Self}`",
    label = "not a value, range or matcher",
    note = "write a string, a number, `true`, a range such as `1..=4`, an array of these, or regex(…), contains(…), not(…), exists(), absent()"
)]
pub trait IntoMatcher {
    /// The condition.
    fn into_matcher(self) -> Matcher;
}

impl IntoMatcher for Matcher {
    fn into_matcher(self) -> Matcher {
        self
    }
}

impl IntoMatcher for Value {
    fn into_matcher(self) -> Matcher {
        Matcher::Equal(self)
    }
}

impl<T: IntoMatcher, const N: usize> IntoMatcher for [T; N] {
    fn into_matcher(self) -> Matcher {
        const { assert!(N > 0, "nothing is one of an empty array") };
        Matcher::OneOf(self.into_iter().map(T::into_matcher).collect())
    }
}

macro_rules! equal {
    ($($kind:ty),+ $(,)?) => {
        $(impl IntoMatcher for $kind {
            fn into_matcher(self) -> Matcher {
                Matcher::Equal(Value::from(self))
            }
        })+
    };
}

equal!(&str, String, &String, bool, i32, i64, f64);

impl IntoMatcher for u16 {
    fn into_matcher(self) -> Matcher {
        i64::from(self).into_matcher()
    }
}

impl IntoMatcher for u32 {
    fn into_matcher(self) -> Matcher {
        i64::from(self).into_matcher()
    }
}

macro_rules! numbers {
    ($($kind:ty),+) => {
        $(
            impl IntoMatcher for RangeInclusive<$kind> {
                fn into_matcher(self) -> Matcher {
                    let (least, greatest) = self.into_inner();
                    Matcher::Between(Some(number(least)), Some(number(greatest)))
                }
            }

            impl IntoMatcher for RangeFrom<$kind> {
                fn into_matcher(self) -> Matcher {
                    Matcher::Compare(Comparison::GreaterOrEqual, number(self.start))
                }
            }

            impl IntoMatcher for RangeTo<$kind> {
                fn into_matcher(self) -> Matcher {
                    Matcher::Compare(Comparison::Less, number(self.end))
                }
            }

            impl IntoMatcher for RangeToInclusive<$kind> {
                fn into_matcher(self) -> Matcher {
                    Matcher::Compare(Comparison::LessOrEqual, number(self.end))
                }
            }
        )+
    };
}

numbers!(i32, i64, f64);

/// The value of a number in a range.
fn number(number: impl IntoMatcher) -> Value {
    match number.into_matcher() {
        Matcher::Equal(value) => value,
        _ => Value::Null,
    }
}

/// A range of durations, such as `..ms(600)` or `ms(100)..=secs(2)`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a range of durations",
    label = "not a range of durations",
    note = "write `..ms(600)` for less than that, or `ms(100)..=secs(2)`"
)]
pub trait IntoDurations {
    /// The limits.
    fn into_durations(self) -> Limits<Nanos>;
}

impl IntoDurations for RangeTo<Duration> {
    fn into_durations(self) -> Limits<Nanos> {
        below(0, self.end, format!("< {}", exact(self.end)))
    }
}

impl IntoDurations for RangeToInclusive<Duration> {
    fn into_durations(self) -> Limits<Nanos> {
        Limits::range(
            None,
            Some(nanos_of(self.end)),
            format!("<= {}", exact(self.end)),
        )
    }
}

impl IntoDurations for RangeFrom<Duration> {
    fn into_durations(self) -> Limits<Nanos> {
        Limits::range(
            Some(nanos_of(self.start)),
            None,
            format!(">= {}", exact(self.start)),
        )
    }
}

impl IntoDurations for RangeInclusive<Duration> {
    fn into_durations(self) -> Limits<Nanos> {
        let (least, greatest) = self.into_inner();
        let written = format!("{} to {}", exact(least), exact(greatest));
        Limits::range(Some(nanos_of(least)), Some(nanos_of(greatest)), written)
    }
}

impl IntoDurations for Range<Duration> {
    fn into_durations(self) -> Limits<Nanos> {
        let written = format!(">= {} and < {}", exact(self.start), exact(self.end));
        below(nanos_of(self.start), self.end, written)
    }
}

/// From `least` on and shorter than `end`; without any range if there is no such duration.
fn below(least: Nanos, end: Duration, written: String) -> Limits<Nanos> {
    let ranges = nanos_of(end).checked_sub(1).map(|greatest| Bounds {
        least: (least > 0).then_some(least),
        greatest: Some(greatest),
    });
    Limits {
        ranges: ranges.into_iter().collect(),
        written,
        negates: false,
    }
}

/// A number, or a range such as `1..` or `..=3`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a number of spans",
    label = "neither a number nor a range",
    note = "write `2`, `1..`, `..=3` or `1..=3`"
)]
pub trait IntoCount {
    /// The limits.
    fn into_count(self) -> Limits<u64>;
}

macro_rules! counts {
    ($($kind:ty),+) => {
        $(
            impl IntoCount for $kind {
                fn into_count(self) -> Limits<u64> {
                    Limits::range(Some(whole(self)), Some(whole(self)), self.to_string())
                }
            }

            impl IntoCount for RangeFrom<$kind> {
                fn into_count(self) -> Limits<u64> {
                    Limits::range(Some(whole(self.start)), None, format!("{}..", self.start))
                }
            }

            impl IntoCount for RangeToInclusive<$kind> {
                fn into_count(self) -> Limits<u64> {
                    Limits::range(None, Some(whole(self.end)), format!("..{}", self.end))
                }
            }

            impl IntoCount for RangeInclusive<$kind> {
                fn into_count(self) -> Limits<u64> {
                    let (least, greatest) = self.into_inner();
                    let written = format!("{least}..{greatest}");
                    Limits::range(Some(whole(least)), Some(whole(greatest)), written)
                }
            }
        )+
    };
}

counts!(i32, u32, u64, usize);

#[track_caller]
fn whole<T: TryInto<u64> + Display + Copy>(number: T) -> u64 {
    match number.try_into() {
        Ok(number) => number,
        Err(_) => panic!("{number} is not a number of spans"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_without_its_end_means_less_to_the_nanosecond() {
        let limits = (..ms(600)).into_durations();
        assert!(limits.contains(599_999_999) && !limits.contains(600_000_000));
        assert_eq!(limits.to_string(), "< 600 ms");
        let limits = (ms(100)..=secs(2)).into_durations();
        assert!(limits.contains(2_000_000_000) && !limits.contains(99_999_999));
        assert_eq!(limits.to_string(), "100 ms to 2 s");
    }

    #[test]
    fn counts_read_as_in_specs() {
        assert_eq!(2.into_count().in_words(), "exactly 2");
        assert_eq!((1..).into_count().in_words(), "at least 1");
        assert_eq!((..=3_usize).into_count().in_words(), "at most 3");
    }

    #[test]
    fn values_are_held_against_what_they_look_like() {
        assert_eq!("card".into_matcher().to_string(), "\"card\"");
        assert_eq!([1, 2].into_matcher().to_string(), "one of 1, 2");
        assert_eq!((1..=4).into_matcher().to_string(), "1..4");
        assert_eq!(not(regex("^a")).to_string(), "not =~ ^a");
    }
}
