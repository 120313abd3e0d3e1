//! Numbers of any size and precision, in the syntax of JSON and YAML.
//!
//! Span attributes have 64-bit integers and doubles only; documents can contain other numbers.

use std::cmp::Ordering;
use std::fmt;

/// A number with all its digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Number(Box<str>);

/// `±0.DIGITS × 10^exponent`, without zeros at either end of the digits; zero has no digits.
struct Decimal {
    is_negative: bool,
    digits: Vec<u8>,
    exponent: i128,
}

/// Every double from here on is an integer.
const TWO_TO_53: f64 = 9_007_199_254_740_992.0;

impl Number {
    /// Returns `true` if the string is a number in JSON syntax.
    pub(super) fn is_written(text: &str) -> bool {
        is_number(text)
    }

    /// Reads a number of RFC 8259: `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        is_number(text).then(|| Self(text.into()))
    }

    /// The number in its original notation.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns `true` if it has no fraction and no exponent.
    #[must_use]
    pub fn is_integer(&self) -> bool {
        !self.0.contains(['.', 'e', 'E'])
    }

    /// The closest double; infinite if the number is larger than all doubles.
    #[must_use]
    pub fn nearest_double(&self) -> f64 {
        self.0.parse().unwrap_or(f64::NAN)
    }

    /// The exact order of two numbers. `None` if exponents beyond 10^38 differ.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        if self == other {
            return Some(Ordering::Equal);
        }
        Some(Decimal::of(&self.0)?.compare(&Decimal::of(&other.0)?))
    }

    /// The exact order of this number and an integer.
    #[must_use]
    pub fn compare_with_int(&self, int: i64) -> Option<Ordering> {
        Some(Decimal::of(&self.0)?.compare(&Decimal::of(&int.to_string())?))
    }

    /// The order of this number and a double. A number with a fraction or exponent is rounded to a
    /// double first; an integer is compared exactly.
    #[must_use]
    pub fn compare_with_double(&self, double: f64) -> Option<Ordering> {
        let nearest = self.nearest_double();
        let ordering = nearest.partial_cmp(&double)?;
        if ordering.is_ne() || nearest.is_infinite() {
            // A finite number is less than infinity.
            return Some(ordering.then(if nearest > 0.0 {
                Ordering::Less
            } else {
                Ordering::Greater
            }));
        }
        if !self.is_integer() || double.abs() < TWO_TO_53 {
            return Some(Ordering::Equal);
        }
        Some(Decimal::of(&self.0)?.compare(&Decimal::of(&format!("{double:.0}"))?))
    }
}

/// Writes the original notation.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Decimal {
    fn of(text: &str) -> Option<Self> {
        let (is_negative, text) = match text.strip_prefix('-') {
            Some(text) => (true, text),
            None => (false, text),
        };
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i128>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = whole.bytes().chain(fraction.bytes());
        let zeros = all.clone().take_while(|digit| *digit == b'0').count();
        let mut digits: Vec<u8> = all.skip(zeros).collect();
        while digits.last() == Some(&b'0') {
            digits.pop();
        }
        let point = i128::try_from(whole.len()).ok()? - i128::try_from(zeros).ok()?;
        Some(Self {
            is_negative: is_negative && !digits.is_empty(),
            exponent: exponent.checked_add(point)?,
            digits,
        })
    }

    fn compare(&self, other: &Self) -> Ordering {
        match (self.is_negative, other.is_negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => self.compare_size(other),
            (true, true) => other.compare_size(self),
        }
    }

    fn compare_size(&self, other: &Self) -> Ordering {
        match (self.digits.is_empty(), other.digits.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            // Digits after the point compare as strings, because none ends with a zero.
            (false, false) => self
                .exponent
                .cmp(&other.exponent)
                .then_with(|| self.digits.cmp(&other.digits)),
        }
    }
}

fn is_number(text: &str) -> bool {
    let text = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let unsigned = |exponent: &str| {
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        is_digits(digits)
    };
    is_digits(whole)
        && (whole.len() == 1 || !whole.starts_with('0'))
        && fraction.is_none_or(is_digits)
        && exponent.is_none_or(unsigned)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number(text: &str) -> Number {
        Number::parse(text).unwrap_or_else(|| panic!("{text}"))
    }

    fn order(a: &str, b: &str) -> Ordering {
        number(a).compare(&number(b)).unwrap()
    }

    #[test]
    fn a_number_is_what_json_calls_one() {
        for text in ["0", "-0", "10", "-1.50", "1e400", "1E+2", "0.1e-7"] {
            assert_eq!(number(text).to_string(), text);
        }
        for text in [
            "", "-", "01", "+1", ".5", "1.", "1e", "1e+", "1e+-2", "0x1", "NaN", " 1",
        ] {
            assert_eq!(Number::parse(text), None, "{text}");
        }
    }

    #[test]
    fn one_value_written_in_several_ways_is_equal() {
        for (a, b) in [
            ("1.0", "1"),
            ("1e2", "100"),
            ("0.00", "-0"),
            ("12.50e-1", "1.25"),
            ("1e400", "10e399"),
        ] {
            assert_eq!(order(a, b), Ordering::Equal, "{a} {b}");
        }
    }

    #[test]
    fn the_last_digit_counts() {
        for (less, greater) in [
            ("18446744073709551614", "18446744073709551615"),
            ("1234.123456789012345678", "1234.123456789012349999"),
            ("0.1", "0.1000000000000000055"),
            ("-2", "-1.99"),
            ("-1", "0"),
            ("9", "10"),
            ("1e400", "1e401"),
        ] {
            assert_eq!(order(less, greater), Ordering::Less, "{less} {greater}");
            assert_eq!(order(greater, less), Ordering::Greater);
        }
    }

    #[test]
    fn a_double_is_compared_with_the_double_that_was_written() {
        let order = |text: &str, double| number(text).compare_with_double(double);
        assert_eq!(order("0.1", 0.1), Some(Ordering::Equal));
        assert_eq!(order("0.3", 0.1 + 0.2), Some(Ordering::Less));
        assert_eq!(order("1e400", f64::INFINITY), Some(Ordering::Less));
        assert_eq!(order("-1e400", f64::NEG_INFINITY), Some(Ordering::Greater));
        assert_eq!(order("1e400", f64::MAX), Some(Ordering::Greater));
        assert_eq!(order("1", f64::NAN), None);
        let two_to_64 = 18_446_744_073_709_551_616.0;
        assert_eq!(
            order("18446744073709551616", two_to_64),
            Some(Ordering::Equal)
        );
        assert_eq!(
            order("18446744073709551615", two_to_64),
            Some(Ordering::Less)
        );
        assert_eq!(
            order("1.8446744073709552e19", two_to_64),
            Some(Ordering::Equal)
        );
    }

    proptest! {
        #[test]
        fn the_order_is_that_of_integers_whatever_the_notation(
            a in any::<i64>(), b in any::<i64>(), zeros in 0_usize..4
        ) {
            let longer = format!("{a}.{}", "0".repeat(zeros + 1));
            let shifted = format!("{b}{}e-{zeros}", "0".repeat(zeros));
            prop_assert_eq!(order(&longer, &shifted), a.cmp(&b));
            prop_assert_eq!(number(&longer).compare_with_int(b), Some(a.cmp(&b)));
        }

        #[test]
        fn a_double_equals_its_own_digits(double in any::<f64>().prop_filter("finite", |d| d.is_finite())) {
            let written = format!("{double:e}");
            prop_assert_eq!(number(&written).compare_with_double(double), Some(Ordering::Equal));
        }
    }
}
