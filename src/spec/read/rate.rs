//! Rates and shares: `50/s`, `20%`.

use super::Refusal;
use crate::spec::Rate;

/// The share of a number of percent: 0.2 for `20`. `None` unless it is a plain number.
pub(super) fn parse_percent(text: &str) -> Option<f64> {
    parse_number(text).map(|percent| percent / 100.0)
}

/// `50`, `0.5`; no sign, no exponent.
pub(super) fn parse_number(text: &str) -> Option<f64> {
    let text = text.trim();
    let is_plain = text.starts_with(|first: char| first.is_ascii_digit())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.');
    let number: f64 = text.parse().ok().filter(|_| is_plain)?;
    number.is_finite().then_some(number)
}

/// `50/s`, `0.5/s`, `600/m`.
pub(super) fn parse_rate(text: &str) -> Result<Rate, Refusal> {
    let read = || {
        let (number, unit) = text.split_once('/')?;
        let seconds = match unit.trim() {
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3_600.0,
            _ => return None,
        };
        let number = parse_number(number).filter(|number| *number > 0.0)?;
        Some(Rate {
            per_second: number / seconds,
            written: text.to_owned(),
        })
    };
    read().ok_or_else(|| refused_rate(text))
}

/// `50`, `50 rps`, `50 per second`, `600/min`.
fn refused_rate(text: &str) -> Refusal {
    let digits = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim().trim_start_matches('/').trim();
    let help = match (parse_number(number), unit) {
        (Some(0.0), _) => "write `50/s`, or remove `repeat`".to_owned(),
        (Some(_), "" | "rps" | "req/s" | "sec" | "second" | "per second" | "requests/s" | "Hz") => {
            format!("write `{number}/s`")
        }
        (Some(_), "rpm" | "min" | "minute" | "per minute") => format!("write `{number}/m`"),
        _ => "write requests per second, minute or hour: `50/s`, `600/m`, `100/h`".to_owned(),
    };
    let what = match unit {
        "" if !number.is_empty() => format!("the rate `{text}` has no unit of time"),
        _ => format!("invalid rate `{text}`"),
    };
    Refusal::new(what, help)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn help(text: &str) -> String {
        parse_rate(text)
            .err()
            .map_or_else(String::new, |no| no.help)
    }

    #[test]
    fn a_rate_is_a_number_in_a_second_minute_or_hour() {
        for (text, per_second) in [
            ("50/s", 50.0),
            ("0.5 / s", 0.5),
            ("600/m", 10.0),
            ("36/h", 0.01),
        ] {
            let rate = parse_rate(text).unwrap_or_else(|no| panic!("{no}"));
            assert_eq!((rate.per_second, rate.written.as_str()), (per_second, text));
        }
    }

    #[test]
    fn a_rate_in_other_words_is_refused_with_the_spelling_that_works() {
        for text in [
            "50",
            "50 rps",
            "50rps",
            "50 req/s",
            "50/sec",
            "50 per second",
        ] {
            assert_eq!(help(text), "write `50/s`", "{text}");
        }
        assert_eq!(help("600/min"), "write `600/m`");
        for text in ["0/s", "-1/s", "1e3/s", "/s", "", "50/d", "fast", "1.2.3/s"] {
            assert!(parse_rate(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_number_is_plain_and_finite() {
        assert_eq!(parse_percent("0.1"), Some(0.001));
        let endless = "9".repeat(400);
        for text in ["", "+1", "-1", "1e3", "inf", "NaN", "1_000", &endless] {
            assert_eq!(parse_number(text), None, "{text}");
        }
    }
}
