//! Kinds of faults that `spanspec mutate` applies, and the faults that a spec accepts.

use super::{Location, Selector};

/// A kind of fault, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FaultKind {
    /// A hop does not pass the trace context on: the called service is missing with all below it.
    ContextLost,
    /// A span is missing; its children attach to its parent.
    SpanGone,
    /// A span is missing with all below it.
    SubtreeGone,
    /// The response has another status, or the command another exit code.
    ResponseStatus,
    /// A span has status error.
    StatusError,
    /// A span with status error has none.
    StatusUnset,
    /// Another service sends a span.
    Service,
    /// The response, or the output of a command, is empty.
    BodyEmpty,
    /// A span has another parent.
    Parent,
    /// A link is missing.
    LinkGone,
    /// A span that was sent into a pipeline arrived at another receiver.
    Rerouted,
    /// A span that was sent into a pipeline arrived twice.
    ArrivedTwice,
    /// A span occurs twice, with all below it.
    SpanDoubled,
    /// A span has another name.
    SpanRenamed,
    /// An event is missing.
    EventGone,
    /// A log record is missing.
    LogGone,
    /// A value of the JSON body is missing.
    JsonGone,
    /// A value of the JSON body is another one.
    JsonValue,
    /// A span takes ten times as long.
    Duration,
    /// An attribute is missing.
    AttributeGone,
    /// An attribute has another value.
    AttributeValue,
    /// A header of the response is missing.
    HeaderGone,
    /// An attribute has another type and the same text.
    AttributeType,
    /// A value of the JSON body has another type and the same text.
    JsonType,
    /// A span has another kind.
    Kind,
    /// A span is of another instrumentation scope.
    Scope,
    /// The message of a status is another one.
    StatusMessage,
    /// A resource attribute is missing.
    ResourceGone,
    /// A resource attribute has another value.
    ResourceValue,
    /// A log record has another severity.
    LogSeverity,
    /// A log record has another body.
    LogBody,
    /// A log record has no trace id.
    LogUncorrelated,
    /// A span is missing, and its children still name it as their parent.
    SpanLost,
    /// A span, event, attribute or log record that the spec excludes is there.
    Added,
}

/// When a kind of fault counts for the score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Counted {
    /// By default.
    Always,
    /// With `--all`.
    WithAll,
    /// Not at all: it only shows that a check can fail.
    Never,
}

impl FaultKind {
    /// All kinds, the worst first, each with its name in specs and reports.
    pub const ALL: [(&'static str, Self); 34] = [
        ("context_lost", Self::ContextLost),
        ("span_gone", Self::SpanGone),
        ("subtree_gone", Self::SubtreeGone),
        ("response_status", Self::ResponseStatus),
        ("status_error", Self::StatusError),
        ("status_unset", Self::StatusUnset),
        ("service", Self::Service),
        ("body_empty", Self::BodyEmpty),
        ("parent", Self::Parent),
        ("link_gone", Self::LinkGone),
        ("rerouted", Self::Rerouted),
        ("arrived_twice", Self::ArrivedTwice),
        ("span_doubled", Self::SpanDoubled),
        ("span_renamed", Self::SpanRenamed),
        ("event_gone", Self::EventGone),
        ("log_gone", Self::LogGone),
        ("json_gone", Self::JsonGone),
        ("json_value", Self::JsonValue),
        ("duration", Self::Duration),
        ("attribute_gone", Self::AttributeGone),
        ("attribute_value", Self::AttributeValue),
        ("header_gone", Self::HeaderGone),
        ("attribute_type", Self::AttributeType),
        ("json_type", Self::JsonType),
        ("kind", Self::Kind),
        ("scope", Self::Scope),
        ("status_message", Self::StatusMessage),
        ("resource_gone", Self::ResourceGone),
        ("resource_value", Self::ResourceValue),
        ("log_severity", Self::LogSeverity),
        ("log_body", Self::LogBody),
        ("log_uncorrelated", Self::LogUncorrelated),
        ("span_lost", Self::SpanLost),
        ("added", Self::Added),
    ];

    /// The name in specs and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        let mut all = Self::ALL.iter();
        all.find(|(_, kind)| *kind == self)
            .map_or("", |(name, _)| name)
    }

    /// When faults of this kind count, at a place that matters.
    #[must_use]
    pub fn counted(self) -> Counted {
        match self {
            Self::SpanLost | Self::Added => Counted::Never,
            kind if kind <= Self::AttributeValue => Counted::Always,
            _ => Counted::WithAll,
        }
    }
}

/// Faults that a spec accepts: an entry of `mutate.ignore`.
#[derive(Clone, Debug)]
pub struct IgnoredFaults {
    /// The kinds of faults; none for all.
    pub kinds: Vec<FaultKind>,
    /// The spans; `None` for all.
    pub find: Option<Selector>,
    /// The attribute, event, header or path; `None` for all.
    pub attribute: Option<String>,
    /// The reason.
    pub reason: String,
    /// Its place in the spec.
    pub at: Location,
}
