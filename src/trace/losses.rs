//! Span fields that a source does not provide.

use std::collections::BTreeSet;
use std::fmt;

/// A field of a span, or other records of a trace, that a source can lose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// The types of attribute values: all values arrive as strings.
    AttributeTypes,
    /// The difference between integers and doubles, and the types of bytes and maps.
    ExactTypes,
    /// The nanoseconds of times.
    Nanoseconds,
    /// The start of spans within a millisecond. Their durations are exact.
    Starts,
    /// Resource attributes apart from `service.name`.
    Resource,
    /// The instrumentation scope.
    Scope,
    /// Attributes with keys of the semantic conventions, which are kept under other keys if they are missing.
    MovedAttributes,
    /// The attributes of spans.
    Attributes,
    /// The durations of spans.
    Durations,
    /// The names of spans.
    Names,
    /// The services of spans without one, which count as spans of the service of their ancestor.
    Services,
    /// The status code of spans.
    Status,
    /// The letter case of the names of spans and services.
    NameCase,
    /// The difference between attributes of spans and of resources: all arrive as attributes of the span.
    AttributeOrigin,
    /// Attributes for which the format has fields or tags of its own: the addresses of peers, `error`, `otel.…`.
    RewrittenAttributes,
    /// Attributes whose keys its format uses for other fields: `error`, `span.kind`, `otel.…`.
    TagFields,
    /// Arrays and maps in attributes: they arrive as JSON in strings.
    Structures,
    /// The difference between a parent and a link.
    Parents,
    /// The span kind.
    Kind,
    /// The status message.
    StatusMessage,
    /// Span events.
    Events,
    /// Span links.
    Links,
    /// `tracestate` and the trace flags of spans.
    TraceContext,
    /// Other traces whose spans link to this one.
    LinkingTraces,
    /// Log records.
    LogRecords,
    /// Log records without a trace id.
    LogsWithoutTrace,
    /// Repeated exports of a span.
    Copies,
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AttributeTypes => "the types of attribute values",
            Self::ExactTypes => "the difference between integers and doubles, and the types of bytes and maps",
            Self::Nanoseconds => "nanoseconds",
            Self::Starts => "the start of spans within a millisecond",
            Self::Resource => "resource attributes",
            Self::Scope => "the instrumentation scope",
            Self::MovedAttributes => {
                "all attributes with keys of the semantic conventions: it keeps some under keys of its own"
            }
            Self::Attributes => "the attributes of spans",
            Self::Durations => "the durations of spans",
            Self::Names => "the names of spans",
            Self::Services => "the services of all spans",
            Self::Status => "the status of spans",
            Self::NameCase => "the letter case of names",
            Self::AttributeOrigin => "the difference between attributes of spans and of resources",
            Self::RewrittenAttributes => {
                "attributes that its format keeps in fields of its own, such as `error` and the addresses of peers"
            }
            Self::TagFields => {
                "attributes whose keys its format uses for other fields, such as `error` and `otel.…`"
            }
            Self::Structures => "arrays and maps in attributes, which arrive as JSON in strings",
            Self::Parents => "the difference between a parent and a link",
            Self::Kind => "the span kind",
            Self::StatusMessage => "the status message",
            Self::Events => "events",
            Self::Links => "links",
            Self::TraceContext => "`tracestate` and the trace flags of spans",
            Self::LinkingTraces => "other traces that link to this one",
            Self::LogRecords => "log records",
            Self::LogsWithoutTrace => "log records without a trace id",
            Self::Copies => "how often a span was exported",
        })
    }
}

/// The fields that a source loses. A check on a lost field is unjudged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Losses(BTreeSet<Field>);

impl Losses {
    /// No losses: OTLP, directly from the services.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Adds further losses.
    pub(crate) fn add(&mut self, other: &Self) {
        self.0.extend(&other.0);
    }

    /// Returns `true` if the field is lost.
    #[must_use]
    pub fn contains(&self, field: Field) -> bool {
        self.0.contains(&field)
    }

    /// The lost fields.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Field> {
        self.0.iter().copied()
    }
}

impl FromIterator<Field> for Losses {
    fn from_iter<I: IntoIterator<Item = Field>>(fields: I) -> Self {
        Self(fields.into_iter().collect())
    }
}
