//! The reason of a vote, in words.

use std::fmt::Write as _;
use std::time::Duration;

use super::cast::{Cast, Ground};
use super::input::Input;
use crate::number::{count, counted, exact, nanos_where};
use crate::sampling::attribute;
use crate::sampling::policy::{AttributeValue, Composite, OttlConditions, Policy, Rule};
use crate::sampling::vote::Vote;
use crate::trace::{Span, Value};

/// Maximum number of characters of a value, name or condition.
const LONGEST: usize = 80;

/// Maximum number of values that are named.
const MOST_VALUES: usize = 3;

/// The reason that a policy votes so: a clause without its name.
pub(crate) fn reason(policy: &Policy, cast: &Cast, input: Input<'_>) -> String {
    match &cast.ground {
        Ground::Unknown(why) => return why.clone(),
        Ground::Failed(error) => return format!("a condition fails: {error}"),
        _ => {}
    }
    match &policy.rule {
        Rule::AlwaysSample => "it keeps every trace".to_owned(),
        Rule::Latency {
            threshold_ms,
            upper_threshold_ms,
        } => latency(*threshold_ms, *upper_threshold_ms, cast),
        Rule::NumericAttribute {
            key,
            min_value,
            max_value,
            ..
        } => of_attribute(key, &between(*min_value, *max_value), cast, input),
        Rule::StringAttribute { key, values, .. } => {
            of_attribute(key, &listed(values), cast, input)
        }
        Rule::BooleanAttribute { key, value, .. } => {
            of_attribute(key, &value.to_string(), cast, input)
        }
        Rule::StatusCode(codes) => {
            let codes: Vec<&str> = codes.iter().map(|code| status(*code)).collect();
            of_span(&format!("status {}", codes.join(" or ")), cast, input)
        }
        Rule::Probabilistic {
            sampling_percentage,
            ..
        } => probabilistic(*sampling_percentage, cast),
        Rule::RateLimiting { .. } => spent("span", cast),
        Rule::BytesLimiting { .. } => spent("byte", cast),
        Rule::SpanCount {
            min_spans,
            max_spans,
        } => span_count(*min_spans, *max_spans, cast),
        Rule::TraceState { key, values } => {
            let values: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
            let what = format!("{} for `{key}` in `tracestate`", alternatives(&values));
            of_span(&what, cast, input)
        }
        Rule::TraceFlags => of_span("the sampled flag", cast, input),
        Rule::OttlCondition(conditions) => condition(conditions, cast, input),
        Rule::And(policies) | Rule::Drop(policies) => inner(policies, cast, input),
        Rule::Not(policy) => inner(std::slice::from_ref(policy), cast, input),
        Rule::Composite(composite) => of_composite(composite, cast, input),
        Rule::Extension(id) => format!("the type `{id}` is an extension"),
    }
}

fn short(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

pub(crate) fn span_name(span: &Span) -> String {
    format!("span `{}` of {}", short(&span.name), short(span.service()))
}

fn status(code: i32) -> &'static str {
    match code {
        0 => "UNSET",
        1 => "OK",
        _ => "ERROR",
    }
}

fn alternatives(words: &[String]) -> String {
    let (shown, more) = words.split_at(words.len().min(MOST_VALUES));
    let mut text = shown.join(" or ");
    if !more.is_empty() {
        let _ = write!(text, " or {} more", count(more.len()));
    }
    text
}

fn between(min: i64, max: i64) -> String {
    match (min, max) {
        (min, 0) => format!("≥ {min}"),
        (0, max) => format!("≤ {max}"),
        (min, max) => format!("{min} to {max}"),
    }
}

fn listed(values: &[AttributeValue]) -> String {
    let word = |value: &AttributeValue| match value {
        AttributeValue::Exact(text) => format!("`{}`", short(text)),
        AttributeValue::Pattern(pattern) => format!("/{}/", short(pattern.as_str())),
    };
    alternatives(&values.iter().map(word).collect::<Vec<_>>())
}

/// What a span has, or what no span has.
fn of_span(what: &str, cast: &Cast, input: Input<'_>) -> String {
    match cast.ground {
        Ground::Span(at) => format!("{} has {what}", span_name(input.spans[at])),
        _ => format!("no span has {what}"),
    }
}

fn of_attribute(key: &str, wanted: &str, cast: &Cast, input: Input<'_>) -> String {
    let has = |value: Option<&Value>| {
        let value = value.map_or_else(String::new, |value| short(&value.to_string()));
        format!("`{key}` {value}")
    };
    match cast.ground {
        Ground::Span(at) => {
            let span = input.spans[at];
            let value = attribute(&span.attributes, key);
            format!("{} has {}", span_name(span), has(value))
        }
        Ground::Resource(at) => {
            let span = input.spans[at];
            let value = attribute(&span.resource.attributes, key);
            format!(
                "the resource of {} has {}",
                short(span.service()),
                has(value)
            )
        }
        _ => format!(
            "no span or resource has `{key}` {wanted}{}",
            found(key, input)
        ),
    }
}

/// The values that are there instead.
fn found(key: &str, input: Input<'_>) -> String {
    let mut values: Vec<String> = Vec::new();
    for span in input.spans {
        let both = [&span.resource.attributes, &span.attributes];
        for value in both.into_iter().filter_map(|of| attribute(of, key)) {
            let value = short(&value.to_string());
            if !values.contains(&value) {
                values.push(value);
            }
        }
    }
    match values.as_slice() {
        [] => String::new(),
        values if values.len() <= MOST_VALUES => format!(" (found {})", values.join(", ")),
        values => {
            let more = values.len() - MOST_VALUES;
            let shown = values[..MOST_VALUES].join(", ");
            format!(" (found {shown} and {} more)", count(more))
        }
    }
}

fn latency(threshold: i64, upper: i64, cast: &Cast) -> String {
    let Ground::Duration(taken) = cast.ground else {
        return String::new();
    };
    let limit = |ms: i64| exact(Duration::from_millis(ms.unsigned_abs()));
    let is_beyond = |nanos: u64| {
        let ms = i64::try_from(nanos / 1_000_000).unwrap_or(i64::MAX);
        (ms > threshold, upper != 0 && ms > upper)
    };
    let sign = if taken < 0 { "-" } else { "" };
    let taken = taken.unsigned_abs();
    // As many digits as distinguish it from a threshold.
    let taken = format!(
        "{sign}{}",
        nanos_where(taken, |shown| is_beyond(shown) == is_beyond(taken))
    );
    let is_for = cast.votes.any(Vote::is_for);
    match (upper, is_for) {
        (0, true) => format!("the trace takes {taken}, longer than {}", limit(threshold)),
        (0, false) => format!(
            "the trace takes {taken}, not longer than {}",
            limit(threshold)
        ),
        (upper, true) => {
            format!(
                "spans take {taken}, between {} and {}",
                limit(threshold),
                limit(upper)
            )
        }
        (upper, false) => {
            let (from, to) = (limit(threshold), limit(upper));
            format!("the trace takes {taken}, not between {from} and {to}")
        }
    }
}

fn probabilistic(percentage: f64, cast: &Cast) -> String {
    let Ground::Hash(hash) = cast.ground else {
        return String::new();
    };
    let at = hash as f64 / u64::MAX as f64 * 100.0;
    format!("the hash of the trace id is at {at:.2}% (kept up to {percentage}%)")
}

fn spent(unit: &str, cast: &Cast) -> String {
    let Ground::Cost(cost) = cast.ground else {
        return String::new();
    };
    let cost = counted(cost.unsigned_abs(), unit);
    match (cast.vote(), cast.depends()) {
        (Some(Vote::Sampled), _) => format!("{cost} are within the rate that is left"),
        (Some(_), true) => format!("{cost} exceed the rate that is left"),
        (Some(_), false) => format!("{cost} exceed what the rate ever permits"),
        (None, _) => format!("{cost}, and the rate that is left is not known"),
    }
}

fn span_count(min: i32, max: i32, cast: &Cast) -> String {
    let Ground::Count(found) = cast.ground else {
        return String::new();
    };
    let found = counted(found.unsigned_abs(), "span");
    match max {
        0 => format!("the trace has {found} (kept from {min})"),
        max => format!("the trace has {found} (kept from {min} to {max})"),
    }
}

fn condition(conditions: &OttlConditions, cast: &Cast, input: Input<'_>) -> String {
    let Ground::Condition {
        condition,
        span,
        event,
    } = cast.ground
    else {
        return match (conditions.span.is_empty(), conditions.span_event.is_empty()) {
            (false, true) => "no span meets its conditions".to_owned(),
            (true, false) => "no event meets its conditions".to_owned(),
            _ => "no span or event meets its conditions".to_owned(),
        };
    };
    let texts = match event {
        None => &conditions.span,
        Some(_) => &conditions.span_event,
    };
    let text = texts.get(condition).map_or("", |(text, _)| text);
    let of = span_name(input.spans[span]);
    let event = event.and_then(|event| input.spans[span].events.get(event));
    let of = match event {
        Some(event) => format!("event `{}` of {of}", short(&event.name)),
        None => of,
    };
    format!("{of} meets `{}`", short(text.trim()))
}

/// The inner policy that decides, or all of them if they agree.
fn inner(policies: &[Policy], cast: &Cast, input: Input<'_>) -> String {
    let Ground::Inner(casts) = &cast.ground else {
        return String::new();
    };
    let said = |(at, cast): &(usize, Cast)| {
        let policy = policies.get(*at)?;
        let why = reason(policy, cast, input);
        Some(match policy.name.as_str() {
            "" => why,
            name => format!("`{name}`: {why}"),
        })
    };
    let is_for = |(_, cast): &&(usize, Cast)| cast.vote().is_some_and(Vote::is_for);
    match casts.iter().find(|one| !is_for(one)) {
        Some(decides) => said(decides).unwrap_or_default(),
        None => casts.iter().filter_map(said).collect::<Vec<_>>().join("; "),
    }
}

fn of_composite(composite: &Composite, cast: &Cast, input: Input<'_>) -> String {
    let Ground::Inner(casts) = &cast.ground else {
        return String::new();
    };
    let decides = casts.iter().find(|(_, cast)| cast.votes.any(Vote::is_for));
    let Some((policy, inner)) =
        decides.and_then(|(at, cast)| Some((composite.policies.get(*at)?, cast)))
    else {
        return "none of its policies matches".to_owned();
    };
    let why = format!("`{}`: {}", policy.name, reason(policy, inner, input));
    match cast.vote() {
        Some(Vote::Sampled) => why,
        Some(_) => format!("{why}, but no rate is left for it"),
        None => format!("{why}, and the rate that is left is not known"),
    }
}
