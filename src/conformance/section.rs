//! The parts of the specifications, with their addresses.

/// The part of a specification that a case is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    HeaderName,
    Value,
    Version,
    TraceId,
    ParentId,
    Flags,
    Sampled,
    Random,
    OtherFlags,
    Versioning,
    MutatingParent,
    StateName,
    StateValue,
    StateKey,
    StateMember,
    StateLimits,
    MutatingState,
    Processing,
    Baggage,
    BaggageLimits,
    BaggageValue,
    OtherFormat,
}

impl Section {
    /// Title and address, for a level of Trace Context.
    pub(crate) fn place(self, level: u8) -> (&'static str, String) {
        let (title, anchor) = match self {
            Self::HeaderName => ("traceparent: header name", "header-name"),
            Self::Value => (
                "traceparent: header field values",
                "traceparent-header-field-values",
            ),
            Self::Version => ("traceparent: version", "version"),
            Self::TraceId => ("traceparent: trace-id", "trace-id"),
            Self::ParentId => ("traceparent: parent-id", "parent-id"),
            Self::Flags => ("traceparent: trace-flags", "trace-flags"),
            Self::Sampled => ("traceparent: sampled flag", "sampled-flag"),
            Self::Random => ("traceparent: random trace id flag", "random-trace-id-flag"),
            Self::OtherFlags => ("traceparent: other flags", "other-flags"),
            Self::Versioning => ("versioning of traceparent", "versioning-of-traceparent"),
            Self::MutatingParent => (
                "mutating the traceparent field",
                "mutating-the-traceparent-field",
            ),
            Self::StateName => ("tracestate: header name", "header-name-0"),
            Self::StateValue => (
                "tracestate: header field values",
                "tracestate-header-field-values",
            ),
            Self::StateKey => ("tracestate: key", "key"),
            Self::StateMember => ("tracestate: value", "value"),
            Self::StateLimits => ("tracestate: limits", "tracestate-limits"),
            Self::MutatingState => (
                "mutating the tracestate field",
                "mutating-the-tracestate-field",
            ),
            Self::Processing => ("processing model", "processing-model"),
            Self::Baggage => ("baggage: definition", "definition"),
            Self::BaggageLimits => ("baggage: limits", "limits"),
            Self::BaggageValue => ("baggage: value", "value"),
            Self::OtherFormat => ("no specification orders formats", ""),
        };
        let base = match self {
            Self::Baggage | Self::BaggageLimits | Self::BaggageValue => {
                "https://www.w3.org/TR/baggage/#".to_owned()
            }
            Self::OtherFormat => return (title, String::new()),
            _ => format!("https://www.w3.org/TR/trace-context-{level}/#"),
        };
        (title, base + anchor)
    }
}
