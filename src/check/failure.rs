//! What a failed check saw: facts, and the one sentence that all reporters share.

use std::fmt;

use crate::spec::{Check, Location, Quantile};
use crate::trace::{Span, SpanId, TraceId};

/// Why a check does not hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// What was looked at.
    pub subject: Subject,
    /// The expectation in the spec that did not come true.
    pub at: Location,
    /// What the spec asks for, in words: `"card"`, `at least 1`, `< 600ms`.
    pub expected: String,
    /// What there was instead: `"paypal"`, `nothing`, `812ms`.
    pub found: String,
    /// The spans that show it, 100 at most; they are marked in the waterfall.
    pub witnesses: Vec<Witness>,
    /// How many more spans show it than are listed.
    pub more_witnesses: u64,
    /// Where nothing was found: the spans that came closest, best first.
    pub nearest: Vec<Candidate>,
    /// Where two structures differ, path by path.
    pub differences: Vec<Difference>,
    /// What the author may have meant, or can do; whole sentences without a full stop.
    pub hints: Vec<String>,
    /// The kind of span that is missing, if the failure is that none was found.
    pub missing: Option<Missing>,
}

/// A span that a check did not find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// A span of the judged trace.
    Span,
    /// A span that a link connects with the judged trace.
    LinkedSpan,
}

/// Nobody looks at more spans that are wrong in the same way.
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

    /// Lists the first of the spans that show it, and counts the others.
    pub(super) fn show<T>(
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

/// A span that shows what is wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Witness {
    /// Its trace: a linked one where it is not the judged one.
    pub trace_id: TraceId,
    /// The span.
    pub span_id: SpanId,
    /// `service.name` of its resource.
    pub service: String,
    /// Its name.
    pub name: String,
    /// A few words beside it in the waterfall: `payment.method = "paypal"`.
    pub mark: String,
}

impl Witness {
    pub(crate) fn new(span: &Span, mark: impl Into<String>) -> Self {
        Self {
            trace_id: span.trace_id,
            span_id: span.span_id,
            service: span.service().to_owned(),
            name: span.name.clone(),
            mark: mark.into(),
        }
    }
}

/// A span that was nearly what was looked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The span.
    pub span_id: SpanId,
    /// `service.name` of its resource.
    pub service: String,
    /// Its name.
    pub name: String,
    /// Each condition that it does not meet.
    pub rejected: Vec<Rejection>,
}

/// One condition that a candidate does not meet.
#[derive(Clone, Debug, PartialEq)]
pub struct Rejection {
    /// The key of the condition: `service`, ``attribute `order.id` ``.
    pub key: String,
    /// What it asks for.
    pub expected: String,
    /// What the span has.
    pub found: String,
    /// The form of `found`.
    pub form: RejectionForm,
}

/// The form of what a candidate has in place of what a condition asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RejectionForm {
    /// The key is missing.
    Missing,
    /// A value of the key.
    Value,
    /// A clause that describes what is there.
    Clause,
}

/// One place where two structures differ.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// A path such as `$.order.lines[0].sku`.
    pub path: String,
    /// What the spec asks for there.
    pub expected: String,
    /// What is there.
    pub found: String,
}

/// What a check looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The status code of the response.
    ResponseStatus,
    /// A header of the response.
    Header(String),
    /// The body of the response.
    Body,
    /// A JSONPath into the response's body.
    Json(String),
    /// How long the caller waited.
    ResponseTime,
    /// The exit code of the command.
    ExitCode,
    /// The standard output of the command.
    Stdout,
    /// The standard error of the command.
    Stderr,
    /// The number of spans with status error.
    Errors,
    /// The number of spans whose parent never arrived.
    Orphans,
    /// The number of spans.
    SpanCount,
    /// From the first start to the last end.
    TraceDuration,
    /// A service that should have a span.
    Service(String),
    /// A call from one service to another.
    Edge {
        /// The calling service.
        from: String,
        /// The called service.
        to: String,
    },
    /// Two spans that should start in this order.
    Sequence {
        /// Starts first.
        earlier: String,
        /// Starts later.
        later: String,
    },
    /// How many spans a `find` selects; holds its description.
    Selected(String),
    /// Something of a span that was found.
    Span {
        /// What of it: ``attribute `payment.method` ``, `duration`, `ancestor`.
        part: String,
        /// The span's name.
        name: String,
    },
    /// A value to be captured; holds the name under which.
    Capture(String),
    /// How many of many requests failed.
    Failures,
    /// A quantile of what was measured of many requests.
    Budget {
        /// Which.
        quantile: Quantile,
        /// What was measured: `inventory-check`, `response time`.
        subject: String,
    },
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ResponseStatus => f.write_str("status of the response"),
            Self::Header(name) => write!(f, "header `{name}` of the response"),
            Self::Body => f.write_str("body of the response"),
            Self::Json(path) => write!(f, "`{path}` in the body of the response"),
            Self::ResponseTime => f.write_str("response time"),
            Self::ExitCode => f.write_str("exit code of the command"),
            Self::Stdout => f.write_str("standard output of the command"),
            Self::Stderr => f.write_str("standard error of the command"),
            Self::Errors => f.write_str("number of spans with status error"),
            Self::Orphans => f.write_str("number of spans whose parent never arrived"),
            Self::SpanCount => f.write_str("number of spans"),
            Self::TraceDuration => f.write_str("duration of the trace"),
            Self::Service(name) => write!(f, "service `{name}`"),
            Self::Edge { from, to } => write!(f, "call `{from} -> {to}`"),
            Self::Sequence { earlier, later } => write!(f, "{earlier} before {later}"),
            Self::Selected(pattern) => write!(f, "number of spans that match {pattern}"),
            Self::Span { part, name } => write!(f, "{part} of span `{name}`"),
            Self::Capture(name) => write!(f, "capture `{name}`"),
            Self::Failures => f.write_str("number of requests that failed"),
            Self::Budget { quantile, subject } => write!(f, "{quantile} of {subject}"),
        }
    }
}

/// The sentence: what was looked at, what was expected, what was found.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: expected {}, found {}",
            self.subject, self.expected, self.found
        )
    }
}
