//! Checks of the whole trace.

use std::collections::BTreeSet;

use super::judgement::{Finality, Standing};
use super::lost::{lower_case, rounding, within};
use super::select::Evaluator;
use super::uncertain::{no_duration, unknown_service};
use super::{Failure, Subject, Unjudged, Witness, order, words};
use crate::spec::{Check, Condition, Limits};
use crate::trace::{Field, Nanos, Span, Trace};

/// Judges a condition on the whole trace; `None` for any other.
pub(super) fn judge(check: &Check, evaluator: &Evaluator<'_>) -> Option<Standing> {
    let trace = evaluator.forest.trace();
    Some(match &check.ask {
        Condition::Errors(limits) => {
            let errors = errors_by_cause(trace);
            let mut standing = count(
                check,
                limits,
                trace,
                &errors,
                Subject::Trace("number of spans with status error"),
                |span| match span.status.message.as_str() {
                    "" => "status error".to_owned(),
                    message => format!("status error: {}", words::excerpt(message)),
                },
            );
            if let Some(failure) = standing.failure_mut() {
                failure
                    .found
                    .push_str(&first_error(trace, &errors).unwrap_or_default());
            }
            standing
        }
        Condition::Orphans(limits) => orphans(check, limits, trace),
        Condition::SpanCount(limits) => span_count(check, limits, trace),
        Condition::TraceDuration(limits) => duration(check, limits, trace),
        Condition::Service(name) => service(check, name, trace),
        Condition::Edge(from, to) => edge(check, from, to, trace),
        Condition::Order(pair) => order::judge(check, &pair.0, &pair.1, evaluator),
        _ => return None,
    })
}

/// The spans with status error. A span that failed before its parent comes first.
fn errors_by_cause(trace: &Trace) -> Vec<usize> {
    let mut errors: Vec<usize> = trace.errors().collect();
    // Of spans that end together, the inner one, which starts later, failed first.
    errors.reverse();
    errors.sort_by_key(|&span| {
        let span = &trace.spans()[span];
        (span.duration().is_err(), span.end)
    });
    errors
}

/// Name and message of the span that failed first: `, first `charge`: card declined`.
fn first_error(trace: &Trace, errors: &[usize]) -> Option<String> {
    let span = &trace.spans()[*errors.first()?];
    let name = words::excerpt(&span.name);
    let start = match errors.len() {
        1 => ":",
        _ => ", first",
    };
    Some(match span.status.message.as_str() {
        "" => format!("{start} `{name}`"),
        message => format!("{start} `{name}`: {}", words::excerpt(message)),
    })
}

/// Judges a count that only grows while spans arrive.
fn count(
    check: &Check,
    limits: &Limits<u64>,
    trace: &Trace,
    counted: &[usize],
    subject: Subject,
    mark: impl Fn(&Span) -> String,
) -> Standing {
    let number = counted.len() as u64;
    let mut failure = Failure::of_check(check, subject, limits.in_words(), words::count(number));
    if !limits.contains(number) {
        let spans = counted.iter().map(|&span| &trace.spans()[span]);
        failure.show(spans, |span| Witness::new(span, mark(span)));
    }
    Standing::of_count(limits, number, failure)
}

/// Judges the number of spans, without witnesses.
fn span_count(check: &Check, limits: &Limits<u64>, trace: &Trace) -> Standing {
    let number = trace.len() as u64;
    let (expected, found) = (limits.in_words(), words::count(number));
    let failure = Failure::of_check(check, Subject::Trace("number of spans"), expected, found);
    Standing::of_count(limits, number, failure)
}

/// Judges the number of orphans. A parent can arrive later, so the outcome is open.
fn orphans(check: &Check, limits: &Limits<u64>, trace: &Trace) -> Standing {
    let orphans: Vec<usize> = trace.orphans().collect();
    let mark = |span: &Span| {
        let parent = span.parent_id.map(|id| id.to_string()).unwrap_or_default();
        format!("parent {parent} never arrived")
    };
    let mut standing = count(
        check,
        limits,
        trace,
        &orphans,
        Subject::Trace("number of spans whose parent never arrived"),
        mark,
    );
    standing.finality = Finality::Open;
    if let Some(failure) = standing.failure_mut().filter(|_| !orphans.is_empty()) {
        let parents = match trace.missing_parents().len() {
            1 => "one parent",
            _ => "several parents",
        };
        failure.hints.push(format!(
            "{parents} never arrived: not sampled, dropped, or exported elsewhere; `orphans: 0..` allows that"
        ));
    }
    standing
}

fn duration(check: &Check, limits: &Limits<Nanos>, trace: &Trace) -> Standing {
    let least = trace.least_duration();
    let is_decided = limits.holds_for_all_above(least) || limits.fails_for_all_above(least);
    let is_certain = is_decided || trace.duration().is_some();
    if !within(least, limits, rounding(trace.losses())).is_known() {
        return Standing::unjudged(Unjudged::Lost(Field::Nanoseconds));
    }
    let unknown = trace.spans().iter().find_map(no_duration);
    if let Some(why) = unknown.filter(|_| !is_certain) {
        return Standing::unjudged(why);
    }
    let found = words::duration(least, limits);
    let mut failure = Failure::of_check(
        check,
        Subject::Trace("duration of the trace"),
        limits.to_string(),
        found,
    );
    let ended = || trace.spans().iter().filter(|span| span.duration().is_ok());
    let (first, last) = (ended().next(), ended().max_by_key(|span| span.end));
    failure
        .witnesses
        .extend(last.map(|span| Witness::new(span, "ends last")));
    if first.map(Span::service) != last.map(Span::service) {
        failure.hints.push(words::CLOCKS.to_owned());
    }
    Standing::of_count(limits, least, failure)
}

fn service(check: &Check, name: &str, trace: &Trace) -> Standing {
    let services = trace.services();
    let is_there = services.iter().any(|other| is_same(name, other, trace));
    let unknown = trace.spans().iter().find_map(unknown_service);
    if let Some(why) = unknown.filter(|_| !is_there) {
        return Standing::unjudged(why);
    }
    let listed: Vec<&str> = services.into_iter().collect();
    let subject = Subject::Service(name.to_owned());
    let found = match listed.as_slice() {
        [] => "none".to_owned(),
        listed => format!("none; spans arrived from {}", listed.join(", ")),
    };
    let mut failure = Failure::of_check(check, subject, "a span", found);
    let meant = crate::spec::closest(name, &listed);
    let hint = meant.map(|meant| format!("did you mean `{meant}`?"));
    failure.hints.extend(hint);
    Standing::that_stays_true(is_there, failure)
}

/// Compares a service of a spec with one of the trace, whose letter case can be lost.
fn is_same(name: &str, found: &str, trace: &Trace) -> bool {
    match trace.losses().contains(Field::NameCase) {
        true => lower_case(name) == lower_case(found),
        false => name == found,
    }
}

fn edge(check: &Check, from: &str, to: &str, trace: &Trace) -> Standing {
    let calls = |span: usize| {
        let parent = trace.parent(span)?;
        Some((
            trace.spans()[parent].service(),
            trace.spans()[span].service(),
        ))
    };
    let is_there = (0..trace.len())
        .filter_map(calls)
        .any(|(caller, called)| is_same(from, caller, trace) && is_same(to, called, trace));
    let unknown = trace.spans().iter().find_map(unknown_service);
    if let Some(why) = unknown.filter(|_| !is_there) {
        return Standing::unjudged(why);
    }
    let edges: BTreeSet<(&str, &str)> = (0..trace.len())
        .filter(|_| !is_there)
        .filter_map(calls)
        .filter(|(from, to)| from != to)
        .collect();
    let listed: Vec<String> = edges
        .iter()
        .map(|(from, to)| format!("{from} -> {to}"))
        .collect();
    let found = match listed.as_slice() {
        [] => "no call between services".to_owned(),
        listed => format!("only {}", listed.join(", ")),
    };
    let subject = Subject::Edge {
        from: from.to_owned(),
        to: to.to_owned(),
    };
    let expected = "a span of the first with a direct child in the second";
    Standing::that_stays_true(is_there, Failure::of_check(check, subject, expected, found))
}
