//! Rules about the resource, and about log records without a trace.

use super::finding::Findings;
use super::logging::{language, remedy};
use super::{Observed, Rule, Settings};
use crate::trace::{Field, Inside, LogRecord, Span, Value, Witness, written_in};

/// The prefix of the name that SDKs use without a configured one.
const DEFAULT_NAME: &str = "unknown_service";

/// The rules of this file.
pub(super) const RULES: &[Rule] = &[
    Rule::NoServiceName,
    Rule::UnknownService,
    Rule::NoVersion,
    Rule::UncorrelatedLogs,
];

pub(super) fn examine(observed: &Observed<'_>, _: &Settings, found: &mut Findings) {
    let losses = observed.losses();
    for (_, _, span) in observed.spans() {
        let attributes = &span.resource.attributes;
        let service = span.service();
        match attributes.get("service.name").and_then(Value::as_str) {
            None | Some("") => found.add(
                Rule::NoServiceName,
                service,
                "spans have no `service.name`",
                "set `OTEL_SERVICE_NAME` for the process",
                Witness::new(span, "no service.name"),
            ),
            Some(name) if name.starts_with(DEFAULT_NAME) => found.add(
                Rule::UnknownService,
                service,
                format!("`service.name` is `{name}`, the default of the SDK"),
                "set `OTEL_SERVICE_NAME` for the process",
                Witness::new(span, "default service.name"),
            ),
            Some(_) if losses.contains(Field::Resource) => {}
            Some(_) if attributes.get("service.version").is_none() => found.add(
                Rule::NoVersion,
                service,
                "spans have no `service.version`",
                "set `OTEL_RESOURCE_ATTRIBUTES=service.version=…`, so that versions can be compared",
                Witness::new(span, "no service.version"),
            ),
            Some(_) => {}
        }
    }
    uncorrelated_logs(observed, found);
}

fn uncorrelated_logs(observed: &Observed<'_>, found: &mut Findings) {
    let Some(logs) = observed.logs_without_trace else {
        return found.lost(Rule::UncorrelatedLogs, Field::LogsWithoutTrace);
    };
    if !logs.has_all {
        found.unseen(
            Rule::UncorrelatedLogs,
            "some log records were lost",
            "let the services write fewer log records",
        );
    }
    for record in &logs.records {
        let within = observed.traces.iter().find_map(|trace| {
            let mut spans = trace.spans().iter();
            let span = spans.find(|span| is_written_inside(record, span))?;
            Some((trace, span))
        });
        let Some((trace, span)) = within else {
            continue;
        };
        found.add(
            Rule::UncorrelatedLogs,
            record.service(),
            "log records inside spans have no trace id",
            remedy(language(record, trace)),
            Witness::new(span, "a log record without its id"),
        );
    }
}

fn is_written_inside(record: &LogRecord, span: &Span) -> bool {
    span.service() == record.service() && written_in(record.time, span) == Inside::Yes
}
