//! Checks of one number that is made of an attribute of all spans of an entry.

use std::cmp::Ordering;

use super::facts::found_attribute;
use super::judgement::{FailureDetail, Finality, Standing};
use super::lost::lost_of;
use super::matching::meets;
use super::present::value_of;
use super::select::Evaluator;
use super::truth::Truth;
use super::{Failure, Subject, Unjudged, Witness, words};
use crate::spec::{Aggregate, AggregateOf, Ask, Matcher, SpanEntry};
use crate::trace::{Sum, Value};

/// The values of an attribute of the selected spans.
struct Values<'v> {
    /// The spans that have a finite number.
    numbers: Vec<(usize, &'v Value)>,
    /// The spans that have none.
    lacking: Vec<usize>,
    /// The reason why the selection or a value is uncertain.
    why_open: Option<Unjudged>,
}

/// Judges an aggregate over the spans of a mask. Further spans can change it, unless a span lacks the
/// attribute.
pub(super) fn judge(
    aggregate: &Aggregate,
    entry: &SpanEntry,
    mask: &[Truth],
    evaluator: &Evaluator<'_>,
) -> Standing {
    let is_number = Ask::Attribute(aggregate.key.clone(), Matcher::Between(None, None));
    if let Some(field) = lost_of(&is_number, evaluator.losses()) {
        return Standing::unjudged(Unjudged::Lost(field));
    }
    let values = values(&is_number, aggregate, entry, mask, evaluator);
    if !values.lacking.is_empty() {
        let finality = match evaluator.only_grows(&entry.find) {
            true => Finality::Final,
            false => Finality::Open,
        };
        let failure = lacks(&is_number, &values, aggregate, entry, evaluator);
        return Standing::fails(failure, finality);
    }
    if let Some(why) = values.why_open {
        return Standing::unjudged(why);
    }
    match number(aggregate.of, &values.numbers) {
        Some(number) if meets(&aggregate.matcher, Some(&number)) => Standing::holds(Finality::Open),
        number => {
            let failure = unmet(number.as_ref(), values.numbers, aggregate, entry, evaluator);
            Standing::fails(failure, Finality::Open)
        }
    }
}

/// The aggregate in words, for judgements.
pub(super) fn in_words(aggregate: &Aggregate, entry: &SpanEntry) -> String {
    format!("{}: {}", subject(aggregate, entry), aggregate.matcher)
}

fn subject(aggregate: &Aggregate, entry: &SpanEntry) -> Subject {
    Subject::Aggregate {
        of: aggregate.of.key(),
        key: aggregate.key.to_string(),
        find: entry.find.to_string(),
    }
}

fn values<'v>(
    is_number: &Ask,
    aggregate: &Aggregate,
    entry: &SpanEntry,
    mask: &[Truth],
    evaluator: &Evaluator<'v>,
) -> Values<'v> {
    let prepared = evaluator.prepare(is_number, evaluator.reach(&entry.find));
    let mut values = Values {
        numbers: Vec::new(),
        lacking: Vec::new(),
        why_open: None,
    };
    for span in (0..mask.len()).filter(|&span| mask[span] != Truth::No) {
        let value = value_of(&evaluator.forest.span(span).attributes, &aggregate.key);
        let is_finite = !matches!(value, Some(Value::Double(double)) if !double.is_finite());
        let why = match (
            mask[span],
            evaluator.meets(is_number, &prepared, span),
            value,
        ) {
            (Truth::Yes, Truth::Yes, Some(value)) if is_finite => {
                values.numbers.push((span, value));
                continue;
            }
            (Truth::Yes, Truth::Yes | Truth::No, _) => {
                values.lacking.push(span);
                continue;
            }
            (Truth::Yes, ..) => evaluator.why_unmet(is_number, &prepared, span),
            _ => evaluator.why_uncertain(&entry.find),
        };
        values.why_open.get_or_insert(why);
    }
    values
}

/// The number. `None` if it has too many digits.
fn number(of: AggregateOf, values: &[(usize, &Value)]) -> Option<Value> {
    let sum = || {
        let mut all = values.iter();
        all.try_fold(Sum::default(), |sum, (_, value)| sum.plus(value))
    };
    let all = values.iter().map(|(_, value)| *value);
    match of {
        AggregateOf::Sum => sum()?.total(),
        AggregateOf::Avg => sum()?.divided_by(values.len() as u64),
        AggregateOf::Max => all.max_by(|a, b| order(a, b)).cloned(),
        AggregateOf::Min => all.min_by(|a, b| order(a, b)).cloned(),
    }
}

/// The order of two finite numbers.
fn order(a: &Value, b: &Value) -> Ordering {
    a.compare(b).unwrap_or(Ordering::Equal)
}

/// The failure of spans without the attribute, or with another value than a finite number.
fn lacks(
    is_number: &Ask,
    values: &Values<'_>,
    aggregate: &Aggregate,
    entry: &SpanEntry,
    evaluator: &Evaluator<'_>,
) -> Failure {
    let key = &aggregate.key;
    let attributes = |span: usize| &evaluator.forest.span(span).attributes;
    let lacking = &values.lacking;
    let is_absent = |span: &&usize| {
        !key.names()
            .any(|name| attributes(**span).get(name).is_some())
    };
    let absent = lacking.iter().filter(is_absent).count();
    let all = values.numbers.len() + lacking.len();
    let of_all = |number: usize, one: &str, several: &str| match number {
        0 => None,
        1 => Some(format!("1 of {all} spans {one}")),
        _ => Some(format!("{number} of {all} spans {several}")),
    };
    let without = of_all(absent, "has", "have").map(|text| format!("{text} no `{key}`"));
    let other = of_all(lacking.len() - absent, "has", "have");
    let other = other.map(|text| format!("{text} a value that is not a finite number"));
    let found: Vec<String> = without.into_iter().chain(other).collect();
    let mut failure = Failure::new(
        subject(aggregate, entry),
        aggregate.at.clone(),
        "a number in each span",
        found.join(", and "),
    );
    if evaluator.detail == FailureDetail::Explained {
        failure.show(lacking, |&span| {
            let mark = format!("{key} = {}", found_attribute(attributes(span), key));
            Witness::new(evaluator.forest.span(span), mark)
        });
        if let Some(&first) = lacking.iter().find(is_absent) {
            let prepared = evaluator.prepare(is_number, evaluator.reach(&entry.find));
            let hints = evaluator.hints_for_condition(is_number, &prepared, &aggregate.at, first);
            failure.hints.extend(hints);
        }
        if absent < lacking.len() {
            let hint = "only numbers count, and one value of each span: strings are not converted";
            failure.hints.push(hint.to_owned());
        }
    }
    failure
}

/// The failure of a number that does not match. The spans that contribute most come first.
fn unmet(
    number: Option<&Value>,
    mut values: Vec<(usize, &Value)>,
    aggregate: &Aggregate,
    entry: &SpanEntry,
    evaluator: &Evaluator<'_>,
) -> Failure {
    let spans = match values.len() {
        0 => "no span".to_owned(),
        1 => "1 span".to_owned(),
        several => format!("{several} spans"),
    };
    let found = match number {
        Some(number) => format!("{} over {spans}", in_short(number)),
        None => format!("too many digits for an exact result over {spans}"),
    };
    let mut failure = Failure::new(
        subject(aggregate, entry),
        aggregate.at.clone(),
        aggregate.matcher.to_string(),
        found,
    );
    if evaluator.detail == FailureDetail::Explained {
        values.sort_by(|(_, a), (_, b)| match aggregate.of {
            AggregateOf::Min => order(a, b),
            _ => order(b, a),
        });
        failure.show(values, |(span, value)| {
            let mark = format!("{} = {}", aggregate.key, words::value(value));
            Witness::new(evaluator.forest.span(span), mark)
        });
    }
    failure
}

/// A number; an average without an end as the closest double.
fn in_short(number: &Value) -> String {
    match number {
        Value::Number(exact) if !exact.is_integer() => exact.nearest_double().to_string(),
        number => words::value(number),
    }
}
