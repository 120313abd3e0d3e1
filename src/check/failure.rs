//! Failures: the facts about a failed check, and their common wording.

use std::fmt;

use super::{CheckRef, FoundShape};
use crate::spec::lint::Rule;
use crate::spec::{Check, Location, Quantile};
use crate::trace::{ServiceEdge, Signal, SpanId, Witness};

/// The facts about a failed check.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// The subject of the check.
    pub subject: Subject,
    /// Location of the expectation that was not met.
    pub at: Location,
    /// The expected value in words: `"card"`, `at least 1`, `< 600ms`.
    pub expected: String,
    /// The actual value in words: `"paypal"`, `nothing`, `812ms`.
    pub found: String,
    /// The first 100 spans that violate the expectation. The waterfall marks them.
    pub witnesses: Vec<Witness>,
    /// Number of further spans that violate the expectation.
    pub more_witnesses: u64,
    /// The spans or log records closest to a selector that found nothing, best first.
    pub nearest: Vec<Candidate>,
    /// Differences between the expected and the actual structure, by path.
    pub differences: Vec<Difference>,
    /// Possible causes and remedies, without a full stop.
    pub hints: Vec<String>,
    /// The kind of span that was not found, if the failure is that none was found.
    pub missing: Option<Missing>,
    /// The shape of the trace, if it differs from that of a file.
    pub shape: Option<Box<FoundShape>>,
    /// The failed check with the same cause, which stands for this one where a person reads.
    pub cause: Option<CheckRef>,
}

/// A span that a check did not find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// A span of the judged trace.
    Span,
    /// A span of work that may begin after the response: linked with the judged trace, or of a
    /// consumer.
    LaterSpan,
}

/// Upper limit of the witnesses of a failure.
const MOST_WITNESSES: usize = 100;

impl Failure {
    /// A failure without witnesses, differences and hints.
    #[must_use]
    pub fn new(
        subject: Subject,
        at: Location,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Self {
            subject,
            at,
            expected: expected.into(),
            found: found.into(),
            witnesses: Vec::new(),
            more_witnesses: 0,
            nearest: Vec::new(),
            differences: Vec::new(),
            hints: Vec::new(),
            missing: None,
            shape: None,
            cause: None,
        }
    }

    pub(super) fn of_check(
        check: &Check,
        subject: Subject,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Self::new(subject, check.at.clone(), expected, found)
    }

    /// Records the first spans as witnesses and the number of the others.
    pub(crate) fn show<T>(
        &mut self,
        wrong: impl IntoIterator<Item = T>,
        witness: impl FnMut(T) -> Witness,
    ) {
        let mut wrong = wrong.into_iter();
        let first = wrong.by_ref().take(MOST_WITNESSES);
        self.witnesses = first.map(witness).collect();
        self.more_witnesses = wrong.count() as u64;
    }
}

/// A span or log record that meets some conditions of a selector.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// Its span id. A log record may have none.
    pub span_id: Option<SpanId>,
    /// `service.name` of its resource.
    pub service: String,
    /// Its name, or the text of a log record.
    pub name: String,
    /// The conditions that it does not meet.
    pub rejected: Vec<Rejection>,
}

/// A condition that a candidate does not meet.
#[derive(Clone, Debug, PartialEq)]
pub struct Rejection {
    /// The key of the condition: `service`, ``attribute `order.id` ``.
    pub key: String,
    /// The expected value in words.
    pub expected: String,
    /// The actual value in words.
    pub found: String,
    /// The form of `found`.
    pub form: RejectionForm,
}

/// The form of the actual value of a rejection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RejectionForm {
    /// The key is missing.
    Missing,
    /// A value of the key.
    Value,
    /// A clause that describes what is there.
    Clause,
}

/// A difference between two structures.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// A path such as `$.order.lines[0].sku`.
    pub path: String,
    /// The expected value at the path.
    pub expected: String,
    /// The actual value at the path.
    pub found: String,
}

/// The subject of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A part of the response, such as its status.
    Response(&'static str),
    /// A header of the response.
    Header(String),
    /// A JSONPath in the body of the response.
    Json(String),
    /// A JSONPath in the message of a gRPC call.
    Message(String),
    /// Metadata of a gRPC call.
    Metadata(String),
    /// Metadata after the last message of a gRPC call.
    Trailer(String),
    /// The response time.
    ResponseTime,
    /// A part of the result of a command, such as its exit code.
    Command(&'static str),
    /// A property of the whole trace, such as the number of spans.
    Trace(&'static str),
    /// A service that must have a span.
    Service(String),
    /// A call from one service to another.
    Edge {
        /// The calling service.
        from: String,
        /// The called service.
        to: String,
    },
    /// The calls that must continue the trace.
    Propagation,
    /// A signal that a service must, or must not, send.
    Signal {
        /// The service.
        service: String,
        /// The signal.
        signal: Signal,
    },
    /// A reference of a service to another, in any trace of a window.
    Reference(ServiceEdge),
    /// The number of traces that do not meet an expectation.
    EachTrace,
    /// Two selectors whose spans must start in this order.
    Sequence {
        /// The selector of the earlier spans.
        earlier: String,
        /// The selector of the later spans.
        later: String,
    },
    /// The number of spans that a `find` selects; contains its description.
    Selected(String),
    /// A number that is made of an attribute of all spans that a `find` selects.
    Aggregate {
        /// The number: `sum`, `max`, `min`, `avg`.
        of: &'static str,
        /// The attribute.
        key: String,
        /// The description of `find`.
        find: String,
    },
    /// A part of a selected span.
    Span {
        /// The part: ``attribute `payment.method` ``, `duration`, `` `below` ``.
        part: String,
        /// The span's name.
        name: String,
    },
    /// The number of log records that a `find` selects; contains its description.
    SelectedLogs(String),
    /// A part of a selected log record.
    Record {
        /// The part: `severity`, ``attribute `order.id` ``.
        part: String,
        /// The beginning of its text.
        name: String,
    },
    /// The log records that a service wrote inside its spans; `None` for all services.
    Correlation(Option<String>),
    /// The number of series of metrics that a `find` selects; contains its description.
    SelectedSeries(String),
    /// A part of the selected series.
    Series {
        /// The part: `change`, `exemplar`.
        part: String,
        /// The description of the selector.
        name: String,
    },
    /// A conformance case; contains its name.
    Case(String),
    /// A rule of `lint`.
    Lint(Rule),
    /// A capture; contains its name.
    Capture(String),
    /// The number of failed requests of a `repeat`.
    Failures,
    /// The share of traces that a sampler keeps; contains its key in the configuration.
    KeptShare(String),
    /// A quantile of the durations that a budget measures.
    Budget {
        /// The quantile.
        quantile: Quantile,
        /// The measured subject: `inventory-check`, `response time`.
        subject: String,
    },
}

impl Subject {
    /// The kind of the subject; part of the format of reports.
    #[cfg(feature = "run")]
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Response(_)
            | Self::Header(_)
            | Self::Json(_)
            | Self::Message(_)
            | Self::Metadata(_)
            | Self::Trailer(_)
            | Self::ResponseTime => "response",
            Self::Command(_) => "command",
            Self::Trace(_)
            | Self::Service(_)
            | Self::Edge { .. }
            | Self::Propagation
            | Self::Sequence { .. }
            | Self::Lint(_) => "trace",
            Self::Selected(_) | Self::Aggregate { .. } | Self::Span { .. } => "span",
            Self::SelectedLogs(_) | Self::Record { .. } | Self::Correlation(_) => "log",
            Self::SelectedSeries(_) | Self::Series { .. } => "metric",
            Self::Signal { .. } | Self::Reference(_) | Self::EachTrace => "traffic",
            Self::Case(_) => "conformance",
            Self::Capture(_) => "capture",
            Self::Failures | Self::KeptShare(_) => "load",
            Self::Budget { .. } => "budget",
        }
    }

    /// Returns `true` if the log records of the trace help to understand the failure.
    pub(crate) fn is_about_logs(&self) -> bool {
        matches!(
            self,
            Self::SelectedLogs(_) | Self::Record { .. } | Self::Correlation(_)
        )
    }

    /// Returns `true` if the response helps to understand the failure.
    pub(crate) fn is_in_response(&self) -> bool {
        matches!(
            self,
            Self::Response(_)
                | Self::Header(_)
                | Self::Json(_)
                | Self::Message(_)
                | Self::Metadata(_)
                | Self::Trailer(_)
                | Self::Command(_)
                | Self::Capture(_)
        )
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Response(part) | Self::Command(part) | Self::Trace(part) => f.write_str(part),
            Self::Header(name) => write!(f, "header `{name}` of the response"),
            Self::Json(path) => write!(f, "`{path}` in the body of the response"),
            Self::Message(path) => write!(f, "`{path}` in the message of the response"),
            Self::Metadata(name) => write!(f, "metadata `{name}` of the response"),
            Self::Trailer(name) => write!(f, "trailer `{name}` of the response"),
            Self::ResponseTime => f.write_str("response time"),
            Self::Service(name) => write!(f, "service `{name}`"),
            Self::Signal { service, signal } => write!(f, "{} of {service}", signal.name()),
            Self::Reference(edge) => write!(f, "edge {edge}"),
            Self::EachTrace => f.write_str("number of traces that fail"),
            Self::Edge { from, to } => write!(f, "call `{from} -> {to}`"),
            Self::Propagation => f.write_str("propagation of the trace context"),
            Self::Sequence { earlier, later } => write!(f, "{earlier} before {later}"),
            Self::Selected(pattern) => write!(f, "number of spans that match {pattern}"),
            Self::Aggregate { of, key, find } => {
                write!(f, "{of} of `{key}` over spans that match {find}")
            }
            Self::Span { part, name } => write!(f, "{part} of span `{name}`"),
            Self::SelectedLogs(pattern) => {
                write!(f, "number of log records that match {pattern}")
            }
            Self::Record { part, name } => write!(f, "{part} of log record `{name}`"),
            Self::Correlation(Some(name)) => {
                write!(f, "log records of `{name}` inside its spans")
            }
            Self::Correlation(None) => f.write_str("log records inside the spans"),
            Self::SelectedSeries(pattern) => {
                write!(f, "number of series that match {pattern}")
            }
            Self::Series { part, name } => write!(f, "{part} of {name}"),
            Self::Case(name) => write!(f, "case `{name}` does not conform"),
            Self::Lint(rule) => write!(f, "lint rule `{rule}`"),
            Self::Capture(name) => write!(f, "capture `{name}`"),
            Self::Failures => f.write_str("number of requests that failed"),
            Self::KeptShare(processor) => write!(f, "share of traces that `{processor}` keeps"),
            Self::Budget { quantile, subject } => write!(f, "{quantile} of {subject}"),
        }
    }
}

/// Writes the subject, the expected and the actual value.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: expected {}, found {}",
            self.subject, self.expected, self.found
        )
    }
}
