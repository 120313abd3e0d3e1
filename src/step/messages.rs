//! Diagnosis of missing spans after a message: the broker, the place of the message, and the span id
//! that it carried.

use super::diagnosis::{Listening, MAX_LISTED, nothing_at_all, other_telemetry};
use super::run_context::RunContext;
use crate::check;
use crate::result::Trouble;
use crate::source::SourceDiagnostics;
use crate::spec::{Location, MessagePlace};
use crate::trace::{Span, SpanId, Trace, TraceId, Value};

/// The attribute with the name of a queue or topic.
const DESTINATION: &str = "messaging.destination.name";

/// The probable reason why no span of the trace of a message arrived.
pub(super) fn unseen(
    run: &RunContext<'_>,
    diagnostics: &SourceDiagnostics,
    place: &MessagePlace,
    (id, trace): (TraceId, Option<&Trace>),
    at: Option<&Location>,
) -> Trouble {
    if let Some(trouble) = trace.and_then(linked_only) {
        return trouble.with_location(at.cloned());
    }
    let sent = sent(place, id);
    let mut consumers = diagnostics.unrelated.iter().flat_map(Trace::spans);
    if let Some(consumer) = consumers.find(|span| is_about(span, place)) {
        let (name, service) = (&consumer.name, consumer.service());
        return Trouble::new(&format!(
            "no span of this trace and no link to it arrived: `{name}` of {service} is about {}, in a trace without a link",
            place.place
        ))
        .with_location(at.cloned())
        .with_details([sent, format!("its trace is {}", consumer.trace_id)])
        .with_help([
            "if it processed this message, it ignores the header `traceparent`: instrument its client of the broker, and set OTEL_PROPAGATORS=tracecontext,baggage",
        ]);
    }
    let stats = &diagnostics.stats;
    let mut trouble = match stats.is_empty() {
        true => nothing_at_all(Listening::of(run.source), run.options.services, at),
        false => other_telemetry(stats, at),
    };
    if !stats.is_empty() {
        trouble.what = "no span of this trace and no link to it arrived".to_owned();
        trouble.help = vec![
            "instrument the consumer's client of the broker, so that it reads the header `traceparent`: OTEL_PROPAGATORS=tracecontext,baggage"
                .to_owned(),
            "raise `wait: { tail: … }` if the consumer needs longer".to_owned(),
        ];
    }
    trouble.details.insert(0, sent);
    let consumes = format!("check that a consumer of {} runs", place.place);
    trouble.help.insert(0, consumes);
    trouble
}

/// The trace has no span, but others have links to it.
fn linked_only(trace: &Trace) -> Option<Trouble> {
    if !trace.is_empty() {
        return None;
    }
    let linking = trace.linked().iter().flat_map(Trace::spans);
    let linking = linking.filter(|span| span.links.iter().any(|link| link.trace_id == trace.id()));
    let mut names: Vec<String> = Vec::new();
    for span in linking {
        let name = format!("`{}` of {}", span.name, span.service());
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.is_empty() {
        return None;
    }
    names.truncate(MAX_LISTED);
    Some(
        Trouble::new("the message has no trace of its own: its consumers have links to it from other traces")
            .with_details([format!("linked spans: {}", names.join(", "))])
            .with_help([
                "select their spans with `find: { name: …, caused_by: trigger }`; checks of the whole trace, such as `errors`, have nothing to judge here",
            ]),
    )
}

/// `Kafka at … acknowledged the message (topic orders), which carried … as the span id of the producer`.
pub(super) fn sent(place: &MessagePlace, trace: TraceId) -> String {
    let MessagePlace { broker, place, .. } = place;
    let producer = SpanId::of_caller(trace);
    format!(
        "{broker} acknowledged the message ({place}), which carried {producer} as the span id of the producer"
    )
}

/// Returns `true` for a span about the same topic or queue.
fn is_about(span: &Span, place: &MessagePlace) -> bool {
    let mut keys = std::iter::once(DESTINATION).chain(check::other_names(DESTINATION));
    keys.any(|key| {
        let said = span.attributes.get(key).and_then(Value::as_str);
        said.is_some_and(|said| said == place.name)
    })
}
