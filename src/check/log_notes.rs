//! Notes about log records on which passed checks depend.

use super::correlated::{is_written_in, of_other_traces};
use super::exceptions::Exceptions;
use super::record::name_of;
use super::truth::Truth;
use super::unjudged::SpanName;
use super::{CheckRef, Judged, Outcome, select};
use crate::number::counted;
use crate::spec::{Condition, Expect};
use crate::trace::{LogRecord, LogsWithoutTrace, Trace};

/// Notes about passed checks of exceptions that were found in log records, and not in events.
pub(crate) fn exceptions_in_logs(judged: &[Judged], expect: &Expect, trace: &Trace) -> Vec<String> {
    let has_passed = |entry: &usize| {
        let of_entry = judged
            .iter()
            .filter(|one| matches!(one.check, CheckRef::Span { entry: of, .. } if of == *entry));
        of_entry.clone().next().is_some()
            && of_entry.clone().all(|one| one.outcome == Outcome::Pass)
    };
    let entries = expect.spans.iter().enumerate();
    let entries = entries.filter(|(at, entry)| entry.has_exceptions() && has_passed(at));
    let exceptions = Exceptions::of(std::iter::once(trace).chain(trace.linked()));
    let mut notes: Vec<String> = Vec::new();
    for span in entries.flat_map(|(_, entry)| select(&entry.find, trace)) {
        if exceptions.of_span(span).certain.is_empty() {
            continue;
        }
        let name = SpanName::of(span);
        let note = format!("the exception of {name} is a log record, not an event of the span");
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
    notes
}

/// A note about log records that `logs_correlated` takes for those of other requests.
pub(crate) fn logs_of_others(
    judged: &[Judged],
    expect: &Expect,
    others: &LogsWithoutTrace,
    trace: &Trace,
) -> Option<String> {
    let passed = judged.iter().filter(|one| one.outcome == Outcome::Pass);
    let services: Vec<Option<&str>> = passed
        .filter_map(|one| match one.check.condition(expect)? {
            Condition::LogsCorrelated(service) => Some(service.as_deref()),
            _ => None,
        })
        .collect();
    let is_checked = |record: &&LogRecord| {
        services
            .iter()
            .any(|service| service.is_none_or(|name| name == record.service()))
    };
    let is_inside = |record: &&LogRecord| is_written_in(trace, record) != Truth::No;
    let found: Vec<&LogRecord> = of_other_traces(&others.in_span, trace)
        .filter(is_checked)
        .filter(is_inside)
        .collect();
    let first = found.first()?;
    Some(format!(
        "`logs_correlated` does not include {} with the ids of spans of other traces, which were open at the same time: first {}",
        counted(found.len(), "log record"),
        name_of(first)
    ))
}
