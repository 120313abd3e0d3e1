//! Paths: the fields of spans, events, scopes and resources.

use super::record::Context;
use crate::sampling::version::Since;
use crate::trace::Field;

/// A field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Path {
    Span(SpanField),
    Event(EventField),
    Scope(ScopeField),
    /// The attributes, or the number of dropped ones.
    Resource(ResourceField),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SpanField {
    TraceId,
    TraceIdText,
    SpanId,
    SpanIdText,
    ParentId,
    ParentIdText,
    TraceState,
    Name,
    Kind,
    KindText,
    KindConstant,
    StartNanos,
    EndNanos,
    Start,
    End,
    Attributes,
    DroppedAttributes,
    Events,
    DroppedEvents,
    Links,
    DroppedLinks,
    Status,
    StatusCode,
    StatusMessage,
    Flags,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum EventField {
    TimeNanos,
    Time,
    Name,
    Attributes,
    DroppedAttributes,
    Index,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ScopeField {
    Name,
    Version,
    Attributes,
    DroppedAttributes,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ResourceField {
    Attributes,
    DroppedAttributes,
}

/// The result of a look-up.
pub(super) enum Found {
    Path(Path),
    /// The Collector has it, spanspec does not.
    Unsupported,
    /// A path of `otelcol`, which spanspec does not have.
    Collector,
    Unknown,
}

impl Path {
    /// The field that `IsRootSpan` reads.
    pub(super) const PARENT: Self = Self::Span(SpanField::ParentId);

    /// The field with these names.
    pub(super) fn find(names: &[&str], context: Context) -> Found {
        let (of, names) = match *names {
            [
                first @ ("span" | "resource" | "scope" | "instrumentation_scope" | "otelcol"),
                ref rest @ ..,
            ] => (first, rest),
            ["spanevent", ref rest @ ..] if context == Context::SpanEvent => ("spanevent", rest),
            ref all if context == Context::Span => ("span", all),
            ref all => ("spanevent", all),
        };
        let is_own = matches!(
            (of, context),
            ("span", Context::Span) | ("spanevent", Context::SpanEvent)
        );
        let found = match (of, names) {
            ("otelcol", _) => return Found::Collector,
            (_, ["cache"]) if is_own => return Found::Unsupported,
            ("resource" | "scope" | "instrumentation_scope", ["schema_url"]) => {
                return Found::Unsupported;
            }
            ("span", names) => span(names).map(Self::Span),
            ("spanevent", names) => event(names).map(Self::Event),
            ("resource", names) => resource(names).map(Self::Resource),
            (_, names) => scope(names).map(Self::Scope),
        };
        found.map_or(Found::Unknown, Found::Path)
    }

    /// The behaviour with which it came, if the oldest version does not have it.
    pub(super) fn since(&self) -> Option<Since> {
        matches!(self, Self::Span(SpanField::Flags)).then_some(Since::SpanFlags)
    }

    /// The fields that it reads and that a source can lose.
    pub(super) fn fields(&self) -> Vec<Field> {
        const VALUES: [Field; 3] = [Field::AttributeTypes, Field::ExactTypes, Field::Structures];
        const OF_SPANS: [Field; 5] = [
            Field::Attributes,
            Field::MovedAttributes,
            Field::AttributeOrigin,
            Field::RewrittenAttributes,
            Field::TagFields,
        ];
        match self {
            Self::Span(field) => match field {
                SpanField::TraceId | SpanField::TraceIdText => vec![],
                SpanField::SpanId | SpanField::SpanIdText => vec![],
                SpanField::ParentId | SpanField::ParentIdText => vec![Field::Parents],
                SpanField::TraceState | SpanField::Flags => vec![Field::TraceContext],
                SpanField::Name => vec![Field::Names, Field::NameCase],
                SpanField::Kind | SpanField::KindText | SpanField::KindConstant => {
                    vec![Field::Kind]
                }
                SpanField::StartNanos | SpanField::Start => {
                    vec![Field::Nanoseconds, Field::Starts]
                }
                SpanField::EndNanos | SpanField::End => {
                    vec![Field::Nanoseconds, Field::Starts, Field::Durations]
                }
                SpanField::Attributes => [VALUES.as_slice(), &OF_SPANS].concat(),
                SpanField::DroppedAttributes
                | SpanField::DroppedEvents
                | SpanField::DroppedLinks => vec![],
                SpanField::Events => vec![Field::Events],
                SpanField::Links => vec![Field::Links],
                SpanField::StatusCode => vec![Field::Status],
                SpanField::StatusMessage => vec![Field::StatusMessage],
                SpanField::Status => vec![Field::Status, Field::StatusMessage],
            },
            Self::Event(EventField::Attributes) => [VALUES.as_slice(), &[Field::Events]].concat(),
            Self::Event(EventField::Time | EventField::TimeNanos) => {
                vec![Field::Events, Field::Nanoseconds]
            }
            Self::Event(EventField::Name | EventField::Index | EventField::DroppedAttributes) => {
                vec![Field::Events]
            }
            Self::Scope(_) => vec![Field::Scope],
            Self::Resource(ResourceField::Attributes) => [
                VALUES.as_slice(),
                &[Field::Resource, Field::AttributeOrigin],
            ]
            .concat(),
            Self::Resource(ResourceField::DroppedAttributes) => vec![Field::Resource],
        }
    }

    /// The kinds of indexes that it takes.
    pub(super) fn indexes(&self) -> Indexes {
        match self {
            Self::Span(SpanField::Attributes)
            | Self::Event(EventField::Attributes)
            | Self::Scope(ScopeField::Attributes)
            | Self::Resource(ResourceField::Attributes) => Indexes::Any,
            Self::Span(SpanField::TraceState) => Indexes::One,
            _ => Indexes::None,
        }
    }
}

/// The indexes that a path takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Indexes {
    None,
    /// One string.
    One,
    Any,
}

fn span(names: &[&str]) -> Option<SpanField> {
    Some(match names {
        ["trace_id"] => SpanField::TraceId,
        ["trace_id", "string"] => SpanField::TraceIdText,
        ["span_id"] => SpanField::SpanId,
        ["span_id", "string"] => SpanField::SpanIdText,
        ["parent_span_id"] => SpanField::ParentId,
        ["parent_span_id", "string"] => SpanField::ParentIdText,
        ["trace_state"] => SpanField::TraceState,
        ["name"] => SpanField::Name,
        ["kind"] => SpanField::Kind,
        ["kind", "string"] => SpanField::KindText,
        ["kind", "deprecated_string"] => SpanField::KindConstant,
        ["start_time_unix_nano"] => SpanField::StartNanos,
        ["end_time_unix_nano"] => SpanField::EndNanos,
        ["start_time"] => SpanField::Start,
        ["end_time"] => SpanField::End,
        ["attributes"] => SpanField::Attributes,
        ["dropped_attributes_count"] => SpanField::DroppedAttributes,
        ["events"] => SpanField::Events,
        ["dropped_events_count"] => SpanField::DroppedEvents,
        ["links"] => SpanField::Links,
        ["dropped_links_count"] => SpanField::DroppedLinks,
        ["status"] => SpanField::Status,
        ["status", "code"] => SpanField::StatusCode,
        ["status", "message"] => SpanField::StatusMessage,
        ["flags"] => SpanField::Flags,
        _ => return None,
    })
}

fn event(names: &[&str]) -> Option<EventField> {
    Some(match names {
        ["time_unix_nano"] => EventField::TimeNanos,
        ["time"] => EventField::Time,
        ["name"] => EventField::Name,
        ["attributes"] => EventField::Attributes,
        ["dropped_attributes_count"] => EventField::DroppedAttributes,
        ["event_index"] => EventField::Index,
        _ => return None,
    })
}

fn scope(names: &[&str]) -> Option<ScopeField> {
    Some(match names {
        ["name"] => ScopeField::Name,
        ["version"] => ScopeField::Version,
        ["attributes"] => ScopeField::Attributes,
        ["dropped_attributes_count"] => ScopeField::DroppedAttributes,
        _ => return None,
    })
}

fn resource(names: &[&str]) -> Option<ResourceField> {
    Some(match names {
        ["attributes"] => ResourceField::Attributes,
        ["dropped_attributes_count"] => ResourceField::DroppedAttributes,
        _ => return None,
    })
}
