//! Exact sums of integers and doubles.
//!
//! A double is added as its shortest decimal notation, the one that people read, so that 0.1 and 0.2
//! are 0.3. The order of the numbers does not matter.

use super::{Number, Value};

/// A sum, `units / 10^decimals`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sum {
    units: i128,
    decimals: u32,
}

/// Decimals of a quotient that has no end.
const DECIMALS_OF_QUOTIENT: u32 = 17;

impl Sum {
    /// The sum with another number. `None` if the value is no finite number, or if the sum has too many
    /// digits.
    pub(crate) fn plus(self, value: &Value) -> Option<Self> {
        let other = Self::of(value)?;
        let decimals = self.decimals.max(other.decimals);
        let (one, two) = (self.scaled(decimals)?, other.scaled(decimals)?);
        let units = one.checked_add(two)?;
        Some(Self { units, decimals })
    }

    /// The sum as a number.
    pub(crate) fn total(self) -> Option<Value> {
        written(self.units, self.decimals)
    }

    /// The sum divided by a number of values. A quotient without an end is cut, and the digit 1 is
    /// added, so that it is not equal to a shorter number.
    pub(crate) fn divided_by(self, values: u64) -> Option<Value> {
        let values = i128::from(values);
        let mut quotient = self;
        while quotient.units.checked_rem(values)? != 0 && quotient.decimals < DECIMALS_OF_QUOTIENT {
            match quotient.scaled(quotient.decimals + 1) {
                Some(units) => quotient.units = units,
                None => break,
            }
            quotient.decimals += 1;
        }
        let (units, rest) = (quotient.units / values, quotient.units % values);
        if rest == 0 {
            return written(units, quotient.decimals);
        }
        let units = units.checked_mul(10)?.checked_add(rest.signum())?;
        written(units, quotient.decimals + 1)
    }

    fn of(value: &Value) -> Option<Self> {
        let text = match value {
            Value::Int(int) => int.to_string(),
            // Without an exponent.
            Value::Double(double) if double.is_finite() => double.to_string(),
            // A string that a source without types sends.
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        Some(Self {
            units: format!("{whole}{fraction}").parse().ok()?,
            decimals: u32::try_from(fraction.len()).ok()?,
        })
    }

    fn scaled(self, decimals: u32) -> Option<i128> {
        let factor = 10_i128.checked_pow(decimals - self.decimals)?;
        self.units.checked_mul(factor)
    }
}

fn written(units: i128, decimals: u32) -> Option<Value> {
    let digits = decimals as usize;
    let sign = if units < 0 { "-" } else { "" };
    let all = format!("{:0>1$}", units.unsigned_abs(), digits + 1);
    let (whole, fraction) = all.split_at(all.len() - digits);
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    Number::parse(&format!("{sign}{whole}{point}{fraction}")).map(Value::Number)
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use proptest::prelude::*;

    use super::*;

    fn sum(values: &[Value]) -> Option<Sum> {
        values
            .iter()
            .try_fold(Sum::default(), |sum, value| sum.plus(value))
    }

    fn total(values: &[Value]) -> String {
        sum(values).and_then(Sum::total).unwrap().to_string()
    }

    fn average(values: &[Value]) -> String {
        let quotient = sum(values).unwrap().divided_by(values.len() as u64);
        quotient.unwrap().to_string()
    }

    #[test]
    fn sums_are_exact() {
        let most = Value::Int(i64::MAX);
        assert_eq!(total(&[]), "0");
        assert_eq!(
            total(&[most.clone(), most.clone(), Value::Int(1)]),
            "18446744073709551615"
        );
        assert_eq!(total(&[Value::Double(0.1), Value::Double(0.2)]), "0.3");
        assert_eq!(total(&[Value::Double(-0.5), Value::Int(-1)]), "-1.5");
        assert_eq!(total(&[Value::Double(1.0), Value::Double(-1.0)]), "0");
        assert_eq!(
            total(&[Value::Double(1e20), Value::Int(1)]),
            "100000000000000000001"
        );
        for no_sum in [
            vec![Value::Double(f64::NAN)],
            vec![Value::Double(f64::INFINITY)],
            vec![Value::from("12")],
            vec![Value::Double(1e30), Value::Double(1e-30)],
        ] {
            assert!(sum(&no_sum).is_none(), "{no_sum:?}");
        }
    }

    #[test]
    fn averages_have_an_end_or_differ_from_every_shorter_number() {
        assert_eq!(average(&[Value::Int(1), Value::Int(2)]), "1.5");
        assert_eq!(average(&[Value::Int(4), Value::Int(2)]), "3");
        let third = average(&[Value::Int(1), Value::Int(0), Value::Int(0)]);
        assert_eq!(third, "0.333333333333333331");
        let negative = average(&[Value::Int(-1), Value::Int(0), Value::Int(0)]);
        assert_eq!(negative, "-0.333333333333333331");
    }

    proptest! {
        #[test]
        fn a_sum_of_integers_is_that_of_larger_integers(all in prop::collection::vec(any::<i64>(), 1..6)) {
            let values: Vec<Value> = all.iter().copied().map(Value::Int).collect();
            let exact: i128 = all.iter().map(|int| i128::from(*int)).sum();
            prop_assert_eq!(total(&values), exact.to_string());
            let average = sum(&values).unwrap().divided_by(all.len() as u64).unwrap();
            let limit = Value::Int(all[0]);
            let order = exact.cmp(&(i128::from(all[0]) * all.len() as i128));
            prop_assert_eq!(average.compare(&limit), Some(order));
        }

        #[test]
        fn the_order_of_doubles_does_not_matter(all in prop::collection::vec(-1e6..1e6_f64, 1..6)) {
            let values: Vec<Value> = all.iter().copied().map(Value::Double).collect();
            let backwards: Vec<Value> = values.iter().rev().cloned().collect();
            let (one, other) = (sum(&values).and_then(Sum::total), sum(&backwards).and_then(Sum::total));
            prop_assert_eq!(one.clone(), other);
            if let Some(total) = one {
                let near = Value::Double(all.iter().sum::<f64>() + 1.0);
                prop_assert_eq!(total.compare(&near), Some(Ordering::Less));
            }
        }
    }
}
