//! `measure` of a budget, and the limits of measured values.

use std::time::Duration;

use super::quantity::parse_duration;
use super::rate::parse_number;
use super::selector::EntryIds;
use super::{Reader, Refusal};
use crate::number::Unit;
use crate::spec::keys;
use crate::spec::{AttributeKey, Measure, UpperLimit};
use crate::yaml::suggest;
use crate::yaml::{Entry, Kind, Node, Style};

/// The words that are values of `measure`.
const WORDS: [&str; 5] = [
    "response_time",
    "trace_duration",
    "duration",
    "self_time",
    "count",
];

/// The value of `measure`.
#[derive(Clone, PartialEq, Eq)]
enum Written {
    ResponseTime,
    TraceDuration,
    Duration,
    SelfTime,
    Count,
    Attribute(AttributeKey),
    Sum(AttributeKey),
}

impl Reader<'_> {
    /// `measure` and `find`; `is_explained` if the reason for a missing one is already reported.
    pub(super) fn measure(&self, node: &Node, is_explained: bool) -> Option<Measure> {
        let written = self.optional(node, "measure", |node| self.written_measure(node));
        let find = self.optional(node, "find", |node| self.selector(node, &EntryIds::new()));
        let (written, find) = (written?, find?);
        let find = match (&written, find) {
            (Some(Written::ResponseTime), None) => return Some(Measure::ResponseTime),
            (Some(Written::TraceDuration), None) => return Some(Measure::TraceDuration),
            (Some(Written::ResponseTime | Written::TraceDuration), Some(_)) => {
                return self.wrong(
                    node.get("measure").map_or(node.place, |node| node.place),
                    "this measure cannot be combined with `find`",
                    "conflicts with `find`",
                    "remove one of them, or measure `duration` (default) or `self_time` of the span",
                );
            }
            (_, Some(find)) => find,
            (_, None) if is_explained => return None,
            (None | Some(Written::Duration | Written::SelfTime), None) => {
                return self.wrong(
                    node.place,
                    "this budget measures nothing",
                    "no `find` or `measure`",
                    "add `find: checkout` for a span, or `measure: response_time`",
                );
            }
            (Some(Written::Count | Written::Attribute(_) | Written::Sum(_)), None) => {
                return self.wrong(
                    node.place,
                    "this budget selects no spans",
                    "no `find`",
                    "add `find: checkout`, or `find: { type: db }` for all database calls",
                );
            }
        };
        Some(match written {
            Some(Written::SelfTime) => Measure::SelfTime(find),
            Some(Written::Count) => Measure::Count(find),
            Some(Written::Attribute(key)) => Measure::Attribute(find, key),
            Some(Written::Sum(key)) => Measure::Sum(find, key),
            _ => Measure::Duration(find),
        })
    }

    fn written_measure(&self, node: &Node) -> Option<Written> {
        const EXAMPLE: &str = "write `count`, `{ attribute: gen_ai.usage.output_tokens }` or `{ sum: db.response.returned_rows }`";
        match &node.kind {
            Kind::Scalar(_) => {
                self.parse(node, "`measure`", Written::Duration, |text| match text {
                    "response_time" => Ok(Written::ResponseTime),
                    "trace_duration" => Ok(Written::TraceDuration),
                    "duration" => Ok(Written::Duration),
                    "self_time" => Ok(Written::SelfTime),
                    "count" => Ok(Written::Count),
                    "sum" | "attribute" => Err(Refusal::new(
                        format!("`measure: {text}` does not name an attribute"),
                        format!("write `measure: {{ {text}: db.response.returned_rows }}`"),
                    )),
                    _ => Err(Refusal::new(
                        format!("invalid `measure`: `{text}`"),
                        suggest(text, &WORDS),
                    )),
                })
            }
            Kind::Map(_) => match self.map(node, "`measure`", keys::MEASURE)? {
                [Entry { key, value }] => {
                    let named = self.measured_key(value);
                    match key.text.as_str() {
                        "attribute" => named.map(Written::Attribute),
                        "sum" => named.map(Written::Sum),
                        // Unknown keys are reported already.
                        _ => None,
                    }
                }
                [] => self.wrong(
                    node.place,
                    "`measure` is empty",
                    "measures nothing",
                    EXAMPLE,
                ),
                [_, second, ..] => self.wrong(
                    second.key.place,
                    "a budget measures one quantity",
                    "a second one",
                    "write a budget for each of them",
                ),
            },
            Kind::List(_) => self.wrong(
                node.place,
                "`measure` must be a single value, found a list",
                "a list",
                "write a budget for each of them",
            ),
        }
    }

    /// The key of an attribute, or alternatives.
    fn measured_key(&self, node: &Node) -> Option<AttributeKey> {
        let text = self.named(node, "the key of an attribute")?;
        AttributeKey::parse(&text).map_or_else(
            |error| {
                let help = "write `new.key | old.key`";
                self.wrong(node.place, error.to_string(), "alternatives", help)
            },
            Some,
        )
    }

    /// The unit of the limits of a budget, whose `measure` has errors.
    pub(super) fn unit_of_limits(node: &Node) -> Unit {
        let of_time = ["response_time", "trace_duration", "duration", "self_time"];
        let Some(measure) = node.get("measure") else {
            let is_misplaced = |key: &&str| node.get(key).is_some();
            return match ["count", "sum", "attribute"].iter().any(is_misplaced) {
                true => Unit::Number,
                false => Unit::Micros,
            };
        };
        let text = measure.scalar().map(|scalar| scalar.text.as_str());
        match text.is_some_and(|text| of_time.contains(&text.trim())) {
            true => Unit::Micros,
            false => Unit::Number,
        }
    }

    /// `< 150ms`, or `<= 4` for plain numbers.
    pub(super) fn upper_limit(&self, node: &Node, what: &str, unit: Unit) -> Option<UpperLimit> {
        if let Some(percent) = node.scalar().filter(|scalar| scalar.text.ends_with('%')) {
            let (quantile, percent) = (what.trim_matches('`'), &percent.text);
            let (measured, label, example) = match unit {
                Unit::Micros => ("a duration", "not a duration", "< 150ms"),
                Unit::Number => ("a number", "not a number", "<= 4"),
            };
            return self.wrong(
                node.place,
                format!("{what} is a limit for {measured}, found the share `{percent}`"),
                label,
                format!("write `{example}`, or `regression: {{ {quantile}: {percent} }}`"),
            );
        }
        match unit {
            Unit::Micros => self.longest(node, what).map(UpperLimit::from),
            Unit::Number => self.largest(node, what),
        }
    }

    /// `< 150ms`.
    fn longest(&self, node: &Node, what: &str) -> Option<Duration> {
        let limits = self.longest_duration(node, what)?;
        match limits.ranges.as_slice() {
            [one] if one.least.is_none() && one.greatest.is_some() => {
                // `< 150ms` excludes 150 ms itself; the type has an inclusive limit.
                let most = one.greatest.unwrap_or_default();
                let written = limits.written.starts_with("< ");
                Some(Duration::from_nanos(most + u64::from(written)))
            }
            // A variable without a value, which is reported elsewhere.
            _ if limits.written == "any" => None,
            _ => self.wrong(
                node.place,
                format!("{what} takes an upper limit only"),
                "not an upper limit",
                "write `< 150ms`; a budget has no lower limit",
            ),
        }
    }

    /// `<= 4`, `< 2000`, `..4`, `{ lte: 4 }`.
    fn largest(&self, node: &Node, what: &str) -> Option<UpperLimit> {
        let entries = match &node.kind {
            Kind::Scalar(scalar) if scalar.style == Style::Block => {
                return self.block_scalar(node);
            }
            Kind::Scalar(_) => {
                return self
                    .parse(node, what, None, |text| upper_number(text, what).map(Some))
                    .flatten();
            }
            Kind::Map(entries) if !entries.is_empty() => entries,
            _ => {
                return self.wrong(
                    node.place,
                    format!("{what} cannot be {}", node.describe()),
                    "not a limit",
                    "write `<= 4` or `< 2000`",
                );
            }
        };
        self.map(node, what, keys::LIMITS)?;
        let each = self.all(entries, |entry| {
            let sign = match entry.key.text.as_str() {
                "lt" => "<",
                "lte" => "<=",
                "gt" => ">",
                "gte" => ">=",
                "not" => "not",
                // Unknown keys are reported already.
                _ => return None,
            };
            self.parse(&entry.value, what, None, |text| {
                upper_number(&format!("{sign} {text}"), what).map(Some)
            })
        })?;
        let mut limits = each.into_iter().flatten();
        // Of two, the stricter one.
        let first = limits.next()?;
        Some(limits.fold(
            first,
            |one, other| {
                if one.permits(other.value) { other } else { one }
            },
        ))
    }
}

fn upper_number(text: &str, what: &str) -> Result<UpperLimit, Refusal> {
    let signs = [("<=", false), ("<", true), ("..", false)];
    let signed = signs
        .into_iter()
        .find_map(|(sign, is_exclusive)| Some((text.strip_prefix(sign)?.trim(), is_exclusive)));
    let operand = text.trim_start_matches(['<', '>', '=', '.', '!']).trim();
    let (number, is_exclusive) = match signed {
        Some(signed) => signed,
        None if parse_number(text).is_some() => {
            return Err(Refusal::new(
                "a limit needs a comparison",
                format!("write `<= {text}`"),
            ));
        }
        None if parse_duration(operand).is_ok() => return Err(not_a_duration(operand, what)),
        None => {
            let operand = operand.trim_end_matches('.');
            return Err(match parse_number(operand) {
                Some(_) => Refusal::new(
                    format!("{what} takes an upper limit only"),
                    "write `<= 4` or `< 2000`; a budget has no lower limit",
                ),
                None => Refusal::new(
                    format!("{what} cannot be `{text}`"),
                    "write `<= 4` or `< 2000`",
                ),
            });
        }
    };
    if parse_duration(number).is_ok() {
        return Err(not_a_duration(number, what));
    }
    let value = parse_number(number).ok_or_else(|| {
        Refusal::new(
            format!("{what} cannot be `{text}`"),
            "write a plain number such as `<= 4`, `< 2000` or `< 0.05`",
        )
    })?;
    if is_exclusive && value == 0.0 {
        return Err(Refusal::new(
            format!("no value is {text}"),
            "write `<= 0` if none is permitted",
        ));
    }
    Ok(UpperLimit {
        value,
        is_exclusive,
    })
}

fn not_a_duration(duration: &str, what: &str) -> Refusal {
    Refusal::new(
        format!("{what} is a limit for a plain number, found the duration `{duration}`"),
        format!(
            "write `<= {}`, or remove `measure` to limit the duration",
            duration
                .trim_end_matches(|c: char| c.is_ascii_alphabetic())
                .trim_end()
        ),
    )
}
