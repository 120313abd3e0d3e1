//! Rules about the semantic conventions: essential attributes, and those that were renamed.

use super::finding::Findings;
use super::observed::{first, is_of};
use super::{Observed, Rule, Settings};
use crate::spec::SpanType;
use crate::trace::{Field, Span, SpanKind, Witness, renamed_to};

/// An attribute that spans of a type need, by its names, the current one first.
type Essential = &'static [&'static str];

const HTTP_SERVER: &[Essential] = &[
    &["http.request.method", "http.method"],
    &[
        "url.path",
        "http.route",
        "http.target",
        "http.url",
        "url.full",
    ],
    &[
        "http.response.status_code",
        "http.status_code",
        "error.type",
    ],
];
const HTTP_CLIENT: &[Essential] = &[
    &["http.request.method", "http.method"],
    &["url.full", "http.url", "url.template", "http.target"],
    &[
        "server.address",
        "net.peer.name",
        "net.peer.ip",
        "http.host",
        "url.full",
        "http.url",
    ],
    &[
        "http.response.status_code",
        "http.status_code",
        "error.type",
        "http.error_name",
    ],
];
const DB: &[Essential] = &[
    &["db.system.name", "db.system"],
    &[
        "db.query.text",
        "db.statement",
        "db.operation.name",
        "db.operation",
        "db.query.summary",
    ],
];
const RPC: &[Essential] = &[&["rpc.system.name", "rpc.system"], &["rpc.method"]];
const MESSAGING: &[Essential] = &[
    &["messaging.system"],
    &[
        "messaging.destination.name",
        "messaging.destination",
        "messaging.destination_name",
    ],
    &[
        "messaging.operation.name",
        "messaging.operation.type",
        "messaging.operation",
    ],
];
const GEN_AI: &[Essential] = &[
    &["gen_ai.operation.name"],
    &["gen_ai.provider.name", "gen_ai.system"],
];

/// The rules of this file.
pub(super) const RULES: &[Rule] = &[Rule::ConventionsOld, Rule::ConventionsMissing];

pub(super) fn examine(observed: &Observed<'_>, _: &Settings, found: &mut Findings) {
    for (trace, _, span) in observed.spans() {
        if trace.losses().contains(Field::RewrittenAttributes) {
            continue;
        }
        if span.attributes.dropped() > 0 {
            found.unseen(
                Rule::ConventionsMissing,
                format!("attributes of `{}` were dropped", span.name),
                "raise `OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT`, or record fewer attributes",
            );
            continue;
        }
        missing(span, found);
        old(span, found);
    }
}

fn missing(span: &Span, found: &mut Findings) {
    let Some((kind, essentials)) = essentials(span) else {
        return;
    };
    for names in essentials {
        if first(span, names).is_none() {
            found.add(
                Rule::ConventionsMissing,
                span.service(),
                format!("{kind} spans have no `{}`", names[0]),
                "record it: backends, samplers and dashboards rely on it",
                Witness::new(span, format!("no {}", names[0])),
            );
        }
    }
}

fn essentials(span: &Span) -> Option<(&'static str, &'static [Essential])> {
    if is_of(span, SpanType::Rpc) {
        return Some(("RPC", RPC));
    }
    if is_of(span, SpanType::Db) {
        return (span.kind == SpanKind::Client).then_some(("database", DB));
    }
    if is_of(span, SpanType::Messaging) {
        return Some(("messaging", MESSAGING));
    }
    if is_of(span, SpanType::GenAi) {
        return Some(("generative AI", GEN_AI));
    }
    match (is_of(span, SpanType::Http), span.kind) {
        (true, SpanKind::Server) => Some(("HTTP server", HTTP_SERVER)),
        (true, SpanKind::Client) => Some(("HTTP client", HTTP_CLIENT)),
        _ => None,
    }
}

fn old(span: &Span, found: &mut Findings) {
    for (key, _) in span.attributes.iter() {
        let Some(new) = renamed_to(key) else {
            continue;
        };
        found.add(
            Rule::ConventionsOld,
            span.service(),
            format!("`{key}` is now `{new}`"),
            "update the instrumentation, or turn the stable conventions on: `OTEL_SEMCONV_STABILITY_OPT_IN=http,database`",
            Witness::new(span, key),
        );
    }
}
