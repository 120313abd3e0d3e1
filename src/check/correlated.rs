//! Checks that log records have the id of the trace in which they were written.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::judgement::{Finality, Standing};
use super::record::{name_of, text_of};
use super::select::Evaluator;
use super::truth::Truth;
use super::uncertain::unknown_service;
use super::{Evidence, Failure, Subject, Unjudged, words};
use crate::instrumentation::logging::{language, remedy};
use crate::spec::Check;
use crate::trace::{
    Field, Hole, Inside, LogRecord, Nanos, Sender, Span, Trace, TraceId, written_in,
};

/// Judges the log records of a service, or of all.
pub(super) fn judge(
    check: &Check,
    service: Option<&str>,
    evidence: &Evidence<'_>,
    evaluator: &Evaluator<'_>,
) -> Standing {
    let trace = evaluator.forest.trace();
    let is_its = |name: &str| service.is_none_or(|service| service == name);
    let correlated = trace
        .logs()
        .iter()
        .filter(|record| is_its(record.service()))
        .count();
    let Some(others) = evidence.logs_without_trace else {
        return Standing::unjudged(Unjudged::Lost(Field::LogsWithoutTrace));
    };
    let mut uncorrelated: Vec<&LogRecord> = Vec::new();
    let mut open = None;
    let without_trace = others.records.iter();
    for record in without_trace.filter(|record| is_its(record.service())) {
        match is_written_in(trace, record) {
            Truth::Yes => uncorrelated.push(record),
            Truth::Seems | Truth::SeemsNot => open = Some(Unjudged::NoTime(name_of(record))),
            Truth::No => {}
        }
    }
    let of_service = |record: &&LogRecord| is_its(record.service());
    for record in of_other_traces(&others.stray, trace).filter(of_service) {
        if has_id_of_span(trace, record) {
            uncorrelated.push(record);
        } else if is_written_in(trace, record) != Truth::No {
            let other = record.trace_id.unwrap_or(trace.id());
            open = Some(Unjudged::OfOtherTrace(name_of(record), other));
        }
    }
    let failure = |found: String| {
        let subject = Subject::Correlation(service.map(str::to_owned));
        Failure::of_check(check, subject, "the trace id in each", found)
    };
    if !uncorrelated.is_empty() {
        let all = correlated + uncorrelated.len();
        let mut failure = failure(format!(
            "{} of {all} without it, first `{}`{}",
            uncorrelated.len(),
            text_of(uncorrelated[0]),
            services(service, &uncorrelated),
        ));
        let (stray, without): (Vec<&LogRecord>, Vec<&LogRecord>) = uncorrelated
            .into_iter()
            .partition(|record| record.trace_id.is_some());
        let languages: BTreeSet<_> = without
            .into_iter()
            .map(|record| language(record, trace))
            .collect();
        failure.hints = languages.into_iter().map(remedy).collect();
        failure
            .hints
            .extend(stray.first().map(|record| other_trace(record)));
        return Standing::fails(failure, Finality::Open);
    }
    if let Some(why) = open {
        return Standing::unjudged(why);
    }
    if let Some(name) = service.filter(|name| !trace.services().contains(name)) {
        return Standing::fails(failure(format!("no span of `{name}`")), Finality::Open);
    }
    if !others.has_all {
        return Standing::unjudged(Unjudged::LogHole(Box::new(discarded())));
    }
    if let Some(why) = trace.spans().iter().find_map(unknown_service) {
        return Standing::unjudged(why);
    }
    if correlated == 0 {
        let mut failure = failure("no log record with it".to_owned());
        failure.hints.push(no_records(service));
        return Standing::fails(failure, Finality::Open);
    }
    Standing::holds(Finality::Open)
}

/// The records with the id of neither this trace nor a linked one.
pub(super) fn of_other_traces<'r>(
    records: &'r [Arc<LogRecord>],
    trace: &Trace,
) -> impl Iterator<Item = &'r LogRecord> {
    let own = std::iter::once(trace).chain(trace.linked());
    let own: Vec<Option<TraceId>> = own.map(|trace| Some(trace.id())).collect();
    let records = records.iter().map(|record| &**record);
    records.filter(move |record| !own.contains(&record.trace_id))
}

/// The answer if a record was written inside a span of its service.
pub(super) fn is_written_in(trace: &Trace, record: &LogRecord) -> Truth {
    let spans = trace.spans().iter();
    let own = spans.filter(|span| span.service() == record.service());
    let answers = own.map(|span| is_inside(record.time, span));
    answers.max().unwrap_or(Truth::No)
}

pub(super) fn has_id_of_span(trace: &Trace, record: &LogRecord) -> bool {
    let mut spans = trace.spans().iter();
    spans.any(|span| Some(span.span_id) == record.span_id && span.service() == record.service())
}

/// Returns `true` if a record without the id of this trace, judging by its time and span, can be of it.
#[cfg(feature = "run")]
pub(crate) fn may_be_of_trace(record: &LogRecord, trace: &Trace) -> bool {
    has_id_of_span(trace, record) || is_written_in(trace, record) != Truth::No
}

/// The hint for a record with the id of a span of this trace, and of another trace.
pub(super) fn other_trace(record: &LogRecord) -> String {
    format!(
        "a log record has the id of a span of this trace, and the id of another trace: let {} take both ids from the current span, and keep neither in a field or thread",
        record.service()
    )
}

/// The answer if a record of this time was written inside a span.
fn is_inside(time: Nanos, span: &Span) -> Truth {
    match written_in(time, span) {
        Inside::Yes => Truth::Yes,
        Inside::Perhaps => Truth::Seems,
        Inside::No => Truth::No,
    }
}

/// The services of the records, unless the check names one.
fn services(service: Option<&str>, records: &[&LogRecord]) -> String {
    if service.is_some() {
        return String::new();
    }
    let services: BTreeSet<&str> = records.iter().map(|record| record.service()).collect();
    let services: Vec<String> = services.into_iter().map(words::excerpt).collect();
    format!(" (service {})", services.join(", "))
}

fn discarded() -> Hole {
    Hole {
        reason: "log records without a trace id were discarded to make room for later ones"
            .to_owned(),
        sender: Sender::default(),
        remedy: "let the services write fewer log records".to_owned(),
    }
}

fn no_records(service: Option<&str>) -> String {
    let who = match service {
        Some(name) => format!("`{name}`"),
        None => "no service".to_owned(),
    };
    format!(
        "{who} sent {}log record with the id of this trace: a service needs a logging bridge of OpenTelemetry and OTEL_LOGS_EXPORTER=otlp, or a line in its span",
        if service.is_some() { "no " } else { "a " }
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::SECOND;

    #[test]
    fn a_time_in_milliseconds_can_be_before_the_start_of_its_span() {
        let whole = |start, end| Span {
            start,
            end,
            ..Span::new(
                crate::trace::TraceId::from_bytes([1; 16]).unwrap(),
                crate::trace::SpanId::from_bytes([1; 8]).unwrap(),
                "place order",
            )
        };
        // A time in seconds shows little, and one that is missing shows nothing.
        assert_eq!(
            is_inside(2 * SECOND, &whole(2 * SECOND + 5, 2 * SECOND + 9)),
            Truth::Seems
        );
        assert_eq!(
            is_inside(2 * SECOND, &whole(3 * SECOND + 5, 3 * SECOND + 9)),
            Truth::No
        );
        assert_eq!(is_inside(0, &whole(5, 9)), Truth::Seems);
        assert_eq!(is_inside(7, &whole(5, 0)), Truth::Seems);
        let span = Span {
            start: 5_000_400,
            end: 7_000_000,
            ..Span::new(
                crate::trace::TraceId::from_bytes([1; 16]).unwrap(),
                crate::trace::SpanId::from_bytes([1; 8]).unwrap(),
                "place order",
            )
        };
        let inside = |time| is_inside(time, &span);
        assert_eq!(
            [5_000_400, 6_123_456, 7_000_000].map(inside),
            [Truth::Yes; 3]
        );
        assert_eq!([5_000_000, 4_000_000].map(inside), [Truth::Yes, Truth::No]);
        assert_eq!([5_000_399, 7_000_001].map(inside), [Truth::No; 2]);
    }
}
