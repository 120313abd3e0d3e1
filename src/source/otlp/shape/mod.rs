//! The fields of OTLP's messages, by which JSON becomes protobuf, and metrics are changed in place.

pub(super) mod common;
pub(super) mod document;
pub(super) mod logs;
pub(super) mod metrics;
pub(super) mod traces;

/// A message.
#[derive(Debug)]
pub(super) struct Shape {
    /// Its name in error messages, such as `a data point`.
    pub(super) name: &'static str,
    pub(super) fields: &'static [ShapeField],
    pub(super) kind: ShapeKind,
    pub(super) others: Others,
}

/// The relation of the fields of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ShapeKind {
    /// They are independent.
    Message,
    /// One of them is present: an `AnyValue`.
    OneOf,
}

/// The treatment of unknown keys in JSON. OTLP requires that they are ignored.
#[derive(Clone, Copy, Debug)]
pub(super) enum Others {
    Ignored,
    /// They are ignored unless a span would be lost with one, which was expected in this field.
    WithoutSpans(&'static str),
    /// They are ignored unless log records could be lost with one: a list, which was expected in this field.
    WithoutLists(&'static str),
    /// As `WithoutSpans`; keys of other formats, and requests of which no key is known, are refused.
    OfTraceRequest,
}

/// A field of a message.
#[derive(Debug)]
pub(super) struct ShapeField {
    /// Its key in JSON.
    pub(super) name: &'static str,
    pub(super) tag: u32,
    pub(super) kind: FieldKind,
}

/// The type of a field.
#[derive(Debug)]
pub(super) enum FieldKind {
    Message(&'static Shape),
    Messages(&'static Shape),
    /// The same, of data points.
    Points(&'static Shape),
    /// `KeyValue` messages.
    Attributes,
    Text,
    Texts,
    /// Bytes, as base64 in JSON.
    Base64,
    /// A time, as a fixed64.
    Time,
    Fixed32,
    Fixed64,
    SFixed64,
    Double,
    Uint32,
    Int64,
    Sint32,
    Bool,
    Enum(&'static EnumNames),
    Fixed64s,
    Doubles,
    Uint64s,
    TraceId,
    SpanId,
}

/// The names of an enum, in the order of their numbers from zero.
#[derive(Debug)]
pub(super) struct EnumNames {
    pub(super) prefix: &'static str,
    pub(super) names: &'static [&'static str],
}

impl Shape {
    const fn message(name: &'static str, fields: &'static [ShapeField]) -> Self {
        Self {
            name,
            fields,
            kind: ShapeKind::Message,
            others: Others::Ignored,
        }
    }

    const fn one_of(name: &'static str, fields: &'static [ShapeField]) -> Self {
        Self {
            kind: ShapeKind::OneOf,
            ..Self::message(name, fields)
        }
    }

    const fn with_others(self, others: Others) -> Self {
        Self { others, ..self }
    }

    #[cfg(feature = "run")]
    pub(super) fn of_tag(&self, tag: u32) -> Option<&'static ShapeField> {
        self.fields.iter().find(|field| field.tag == tag)
    }
}

const fn field(tag: u32, name: &'static str, kind: FieldKind) -> ShapeField {
    ShapeField { name, tag, kind }
}
