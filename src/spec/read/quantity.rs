//! Limits for durations, counts and status codes.

use super::{Reader, Refusal};
use crate::spec::Place;
use crate::spec::keys;
use crate::spec::limits::{Bounds, Limits};
use crate::trace::Nanos;
use crate::yaml::did_you_mean;
use crate::yaml::{Kind, Node, Style};

/// The unit of the numbers in a range.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    /// A bare number.
    Count,
    /// A bare number, or `2xx`.
    Status,
    /// A number with a unit of time, and a comparison.
    Duration,
    /// As `Duration`, but upper limits only.
    Longest,
}

impl Unit {
    fn is_time(self) -> bool {
        matches!(self, Self::Duration | Self::Longest)
    }
}

impl Reader<'_> {
    /// A count: `3`, `1..`, `2..4`, `< 3`, `[1, 3]`, `{ not: 2 }`.
    pub(crate) fn count(&self, node: &Node, what: &str) -> Option<Limits<u64>> {
        self.limits(node, what, Unit::Count)
    }

    /// A status code, or a class of status codes.
    pub(crate) fn status_code(&self, node: &Node) -> Option<Limits<u64>> {
        self.limits(node, "a status code", Unit::Status)
    }

    /// Limits of a duration.
    pub(crate) fn duration_limits(&self, node: &Node, what: &str) -> Option<Limits<Nanos>> {
        self.limits(node, what, Unit::Duration)
    }

    /// The upper limit of a duration.
    pub(crate) fn longest_duration(&self, node: &Node, what: &str) -> Option<Limits<Nanos>> {
        self.limits(node, what, Unit::Longest)
    }

    fn limits(&self, node: &Node, what: &str, unit: Unit) -> Option<Limits<u64>> {
        match &node.kind {
            Kind::Scalar(scalar) if scalar.style == Style::Block => self.block_scalar(node),
            Kind::Scalar(_) => {
                let any = Limits::range(None, None, "any");
                self.parse(node, what, any, |text| limits(text, what, unit))
            }
            Kind::List(items) if !unit.is_time() && !items.is_empty() => {
                let each = self.all(items, |item| self.limits(item, what, unit))?;
                let written: Vec<&str> = each.iter().map(|one| one.written.as_str()).collect();
                let written = format!("one of {}", written.join(", "));
                Some(Limits {
                    written,
                    negates: each.iter().any(|one| one.negates),
                    ranges: each.into_iter().flat_map(|one| one.ranges).collect(),
                })
            }
            Kind::Map(entries) if !entries.is_empty() => {
                let entries = self.map(node, what, keys::LIMITS)?;
                let each = self.all(entries, |entry| {
                    self.limit_entry(&entry.key.text, &entry.value, what, unit)
                })?;
                let limits = each.into_iter().reduce(|a, b| both(&a, &b))?;
                if limits.ranges.is_empty() {
                    let what = format!("nothing is {}", limits.written);
                    return self.wrong(node.place, what, "can never hold", examples(unit));
                }
                Some(limits)
            }
            _ => self.wrong(
                node.place,
                format!("{what} cannot be {}", node.describe()),
                "not a limit",
                examples(unit),
            ),
        }
    }

    fn limit_entry(&self, key: &str, node: &Node, what: &str, unit: Unit) -> Option<Limits<u64>> {
        let sign = match key {
            "lt" => "<",
            "lte" => "<=",
            "gt" => ">",
            "gte" => ">=",
            "not" => {
                return self
                    .limits(node, what, unit)
                    .map(|inner| complement(&inner));
            }
            // Unknown keys are reported already.
            _ => return None,
        };
        let any = Limits::range(None, None, "any");
        self.parse(node, what, any, |text| {
            limits(&format!("{sign} {text}"), what, unit)
        })
    }

    /// Reports a block scalar in place of a number or comparison: YAML starts one at `>5`.
    pub(super) fn block_scalar<T>(&self, node: &Node) -> Option<T> {
        let (place, header) = self.block_header(node);
        let operand = header[1..].trim_end_matches(['+', '-']);
        let operand = if operand.is_empty() { "5" } else { operand };
        let sign = &header[..1];
        let help = match sign {
            "|" => "write the text after the colon, in quotes".to_owned(),
            _ => format!(
                "write `{{ gt: {operand} }}` or `{{ gte: {operand} }}`, or quote it: `\"> {operand}\"`"
            ),
        };
        let what = format!("`{sign}` starts a block scalar in YAML, not a comparison");
        self.wrong(place, what, "block scalar", help)
    }

    /// The place of the header of a block scalar. The place of the node is that of its content,
    /// and without content that of the next key.
    fn block_header(&self, node: &Node) -> (Place, &str) {
        let text = self.errors.source().text();
        let before = text.get(..node.place.start).unwrap_or_default();
        let start = before.rfind(['>', '|']).unwrap_or(node.place.start);
        let length = text[start..].find(char::is_whitespace);
        let end = length.map_or(text.len(), |length| start + length);
        (Place { start, end }, &text[start..end])
    }
}

fn limits(text: &str, what: &str, unit: Unit) -> Result<Limits<u64>, Refusal> {
    let refuse = || refuse(text, what, unit);
    for (sign, bound) in [
        (
            "<=",
            (|n| (None, Some(n))) as fn(u64) -> (Option<u64>, Option<u64>),
        ),
        (">=", |n| (Some(n), None)),
        ("<", |n| (None, n.checked_sub(1))),
        (">", |n| (n.checked_add(1), None)),
    ] {
        if let Some(operand) = text.strip_prefix(sign) {
            let number = quantity(operand.trim(), unit).ok_or_else(refuse)?;
            let (least, greatest) = bound(number);
            if least.is_none() && greatest.is_none() {
                return Err(Refusal::new(format!("no value is {text}"), examples(unit)));
            }
            return Ok(Limits::range(
                least,
                greatest,
                format!("{sign} {}", operand.trim()),
            ));
        }
    }
    if let Some((least, greatest)) = text.split_once("..") {
        let end = |end: &str| match end.trim() {
            "" => Ok(None),
            end => quantity(end, unit).map(Some).ok_or_else(refuse),
        };
        let (least, greatest) = (end(least)?, end(greatest)?);
        if let (Some(least), Some(greatest)) = (least, greatest)
            && least > greatest
        {
            let what = format!("empty range `{text}`: the first number is greater than the second");
            return Err(Refusal::new(what, "write the smaller number first"));
        }
        return match (least, greatest) {
            (None, None) => Err(refuse()),
            _ => Ok(Limits::range(least, greatest, text)),
        };
    }
    match (
        unit,
        text.strip_suffix("xx")
            .and_then(|class| class.parse::<u64>().ok()),
    ) {
        (Unit::Status, Some(class @ 1..=5)) => {
            return Ok(Limits::range(
                Some(class * 100),
                Some(class * 100 + 99),
                text,
            ));
        }
        (Unit::Duration | Unit::Longest, _) => return Err(refuse()),
        _ => {}
    }
    let exact = quantity(text, unit).ok_or_else(refuse)?;
    Ok(Limits::range(Some(exact), Some(exact), text))
}

fn quantity(text: &str, unit: Unit) -> Option<u64> {
    match unit {
        Unit::Count | Unit::Status => {
            let is_plain = text == "0" || !text.starts_with(['0', '+']);
            text.parse().ok().filter(|_| is_plain)
        }
        Unit::Duration | Unit::Longest => parse_duration(text).ok(),
    }
}

fn refuse(text: &str, what: &str, unit: Unit) -> Refusal {
    let operand = text.trim_start_matches(['<', '>', '=']).trim_start();
    let sign = match text[..text.len() - operand.len()].trim_end() {
        "" => "<",
        sign => sign,
    };
    if let Some(other) = text.strip_prefix("!=")
        && !unit.is_time()
    {
        return Refusal::new(
            "`!=` is not an operator",
            format!("write `{{ not: {} }}`", other.trim()),
        );
    }
    match unit {
        _ if unit.is_time() && operand.parse::<f64>().is_ok() => Refusal::new(
            format!("`{operand}` has no unit of time"),
            format!("write `{sign} {operand}ms`"),
        ),
        _ if unit.is_time() && parse_duration(text).is_ok() => {
            Refusal::new("a duration needs a comparison", format!("write `< {text}`"))
        }
        _ => Refusal::new(format!("{what} cannot be `{text}`"), examples(unit)),
    }
}

fn examples(unit: Unit) -> &'static str {
    match unit {
        Unit::Count => "write `3`, `1..`, `2..4`, `..5`, `< 3` or `[1, 3]`",
        Unit::Status => "write `201`, `2xx`, `[200, 201]` or `200..299`",
        Unit::Duration => "write `< 600ms`, `<= 2s`, `100ms..2s` or `1s..`",
        Unit::Longest => "write `< 600ms` or `<= 2s`",
    }
}

/// Nanoseconds of a duration such as `600ms` or `1.5s`, never rounded.
///
/// # Errors
/// If the number or the unit (`ns us ms s m h`) is missing, or for more than 584 years.
pub(crate) fn parse_duration(text: &str) -> Result<Nanos, Refusal> {
    let text = text.trim();
    let digits = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim();
    let scale: u64 = match unit {
        "ns" => 1,
        "us" | "µs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60 * 1_000_000_000,
        "h" => 3600 * 1_000_000_000,
        "" if !number.is_empty() => {
            let help = format!("write `{number}ms` or `{number}s`; the units are ns us ms s m h");
            return Err(Refusal::new(format!("`{text}` has no unit of time"), help));
        }
        _ => {
            let units = ["ns", "us", "ms", "s", "m", "h"];
            let hint = did_you_mean(unit, &units).filter(|_| !number.is_empty());
            let help = hint.unwrap_or_else(|| {
                "write `600ms`, `1.5s` or `2m`; the units are ns us ms s m h".to_owned()
            });
            return Err(Refusal::new(format!("invalid duration `{text}`"), help));
        }
    };
    scaled(number, scale).ok_or_else(|| {
        Refusal::new(
            format!("invalid duration `{text}`"),
            "write `600ms`, `1.5s` or `2m`",
        )
    })
}

fn scaled(number: &str, scale: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if whole.is_empty() || fraction.is_empty() || fraction.contains('.') || fraction.len() > 18 {
        return None;
    }
    let parts = 10_u128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let whole = u128::from(whole.parse::<u64>().ok()?) * u128::from(scale);
    let fraction = u128::from(fraction.parse::<u64>().ok()?) * u128::from(scale);
    // Fractions of a nanosecond are refused rather than dropped.
    if !fraction.is_multiple_of(parts) {
        return None;
    }
    u64::try_from(whole + fraction / parts).ok()
}

/// The intersection of both limits.
fn both(a: &Limits<u64>, b: &Limits<u64>) -> Limits<u64> {
    let pairs = a
        .ranges
        .iter()
        .flat_map(|a| b.ranges.iter().map(move |b| (a, b)));
    let ranges = pairs
        .map(|(a, b)| Bounds {
            least: a.least.max(b.least),
            greatest: match (a.greatest, b.greatest) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (one, other) => one.or(other),
            },
        })
        .filter(|both| both.least.unwrap_or(0) <= both.greatest.unwrap_or(u64::MAX))
        .collect();
    Limits {
        ranges,
        written: format!("{} and {}", a.written, b.written),
        negates: a.negates || b.negates,
    }
}

pub(super) fn complement(limits: &Limits<u64>) -> Limits<u64> {
    let any = Limits::range(None, None, "");
    let outside = limits.ranges.iter().fold(any, |rest, bounds| {
        let mut ranges = Vec::new();
        if let Some(least) = bounds.least.and_then(|least| least.checked_sub(1)) {
            ranges.push(Bounds {
                least: None,
                greatest: Some(least),
            });
        }
        if let Some(greatest) = bounds.greatest.and_then(|greatest| greatest.checked_add(1)) {
            ranges.push(Bounds {
                least: Some(greatest),
                greatest: None,
            });
        }
        both(
            &rest,
            &Limits {
                ranges,
                written: String::new(),
                negates: true,
            },
        )
    });
    Limits {
        ranges: outside.ranges,
        written: format!("not {}", limits.written),
        negates: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_exact_and_need_a_unit() {
        assert_eq!(parse_duration("600ms").ok(), Some(600_000_000));
        assert_eq!(parse_duration("1.5s").ok(), Some(1_500_000_000));
        assert_eq!(parse_duration("0.001us").ok(), Some(1));
        assert_eq!(parse_duration("2h").ok(), Some(7_200_000_000_000));
        for text in [
            "600",
            "",
            "ms",
            "1.s",
            ".5s",
            "1..2s",
            "0.5ns",
            "-1s",
            "99999999999h",
            "5 sec",
        ] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_bare_duration_is_refused_with_the_spelling_that_works() {
        let help = |text| limits(text, "a duration", Unit::Duration).unwrap_err().help;
        assert_eq!(help("600"), "write `< 600ms`");
        assert_eq!(help("600ms"), "write `< 600ms`");
    }

    #[test]
    fn a_sign_for_inequality_is_refused_with_the_spelling_that_works() {
        for unit in [Unit::Count, Unit::Status] {
            let refusal = limits("!= 500", "this", unit).unwrap_err();
            assert_eq!(refusal.what, "`!=` is not an operator");
            assert_eq!(refusal.help, "write `{ not: 500 }`");
        }
    }

    #[test]
    fn less_than_excludes_its_limit_to_the_nanosecond() {
        let limits = limits("< 600ms", "", Unit::Duration).unwrap_or_else(|_| panic!());
        assert!(limits.contains(599_999_999) && !limits.contains(600_000_000));
    }

    #[test]
    fn a_class_of_status_codes_is_a_range() {
        let limits = limits("2xx", "", Unit::Status).unwrap_or_else(|_| panic!());
        assert!(limits.contains(299) && !limits.contains(300));
    }

    #[test]
    fn not_turns_ranges_inside_out() {
        let few = limits("2..4", "", Unit::Count).unwrap_or_else(|_| panic!());
        let others = complement(&few);
        assert_eq!(
            [1, 2, 4, 5].map(|n| others.contains(n)),
            [true, false, false, true]
        );
        let none = complement(&limits("0..", "", Unit::Count).unwrap_or_else(|_| panic!()));
        assert!(!none.contains(0) && !none.contains(7));
    }
}
