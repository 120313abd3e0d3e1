//! Rules about the resource, and about log records without a trace.

use super::finding::Findings;
use super::{Observed, Rule};
use crate::check::{Witness, is_written_inside, logging_remedy};
use crate::trace::{Field, Value};

/// The prefix of the name that SDKs use without a configured one.
const DEFAULT_NAME: &str = "unknown_service";

pub(super) fn examine(observed: &Observed<'_>, found: &mut Findings) {
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
    let records = observed
        .logs_without_trace
        .map_or(&[][..], |logs| &logs.records);
    for record in records {
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
            logging_remedy(record, trace),
            Witness::new(span, "a log record without its id"),
        );
    }
}
