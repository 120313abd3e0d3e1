//! Expectations for a response and a trace.

use std::collections::BTreeSet;
use std::fmt;

use super::grpc::GrpcStatuses;
use super::lint::{LintExpectation, Rule};
use super::log::LogEntry;
use super::metric::MetricEntry;
use super::selector::{Selector, SpanEntry};
use super::shape::ExpectedShape;
use super::tail_sampling::{
    ExpectedShare, ShareExpectation, SpanSamplingExpectation, TailExpectation,
};
use super::{JsonPath, Limits, Location, Matcher, TrafficAsk};
use crate::trace::Nanos;

/// The checks of one `expect`, with variables substituted.
#[derive(Clone, Debug, Default)]
pub struct Expect {
    /// Checks of the response and of the trace as a whole, in the order of the spec.
    pub checks: Vec<Check>,
    /// The entries of `spans`.
    pub spans: Vec<SpanEntry>,
    /// For each entry of `spans`, the captures that have no value yet.
    pub spans_await: Vec<Vec<String>>,
    /// The entries of `logs`.
    pub logs: Vec<LogEntry>,
    /// The entries of `metrics`.
    pub metrics: Vec<MetricEntry>,
    /// The language of code in hints.
    pub syntax: Syntax,
}

/// The language of expectations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Syntax {
    /// YAML of a spec.
    #[default]
    Yaml,
    /// Macros and patterns in Rust.
    Rust,
}

/// A check of a response, or of a trace as a whole.
#[derive(Clone, Debug)]
pub struct Check {
    /// The condition.
    pub ask: Condition,
    /// Its place in the spec.
    pub at: Location,
    /// Captures without a value. It is unjudged while there are any.
    pub awaits: Vec<String>,
    /// The named receiver whose spans it is about; `None` for all.
    pub receiver: Option<String>,
}

/// A condition on a response, or on a trace as a whole.
#[derive(Clone, Debug)]
pub enum Condition {
    /// The status code.
    ResponseStatus(Limits<u64>),
    /// A header.
    Header(String, Matcher),
    /// The body as a text.
    Body(Matcher),
    /// A path in the JSON body.
    Json(JsonPath, Matcher),
    /// The errors of a GraphQL response.
    GraphQlErrors(GraphQlErrors),
    /// The status of a gRPC call.
    GrpcStatus(GrpcStatuses),
    /// The message of the status of a gRPC call.
    StatusMessage(Matcher),
    /// The list of messages of a gRPC call.
    Messages(Matcher),
    /// Metadata of a gRPC call.
    Metadata(String, Matcher),
    /// Metadata after the last message of a gRPC call.
    Trailer(String, Matcher),
    /// The list of details of the status of a gRPC call.
    Details(Matcher),
    /// Time until the response was complete.
    ResponseTime(Limits<Nanos>),
    /// The exit code of a command.
    ExitCode(Matcher),
    /// The standard output of a command.
    Stdout(Matcher),
    /// The standard error of a command.
    Stderr(Matcher),
    /// Each conformance case conforms.
    Conformance,
    /// An expectation for everything that arrives in a window.
    Traffic(TrafficAsk),
    /// Number of spans with status error.
    Errors(Limits<u64>),
    /// Number of spans whose parent did not arrive.
    Orphans(Limits<u64>),
    /// Number of spans.
    SpanCount(Limits<u64>),
    /// The spans that were sent into a pipeline and did not come out.
    Lost(LostSpans),
    /// Number of spans that were sent into a pipeline and came out more than once.
    Duplicated(Limits<u64>),
    /// From the first start of a span to the last end.
    TraceDuration(Limits<Nanos>),
    /// At least one span belongs to this service.
    Service(String),
    /// A span of the first service has a direct child in the second.
    Edge(String, String),
    /// All spans of the first selector start before all spans of the second, or with them.
    Order(Box<(Selector, Selector)>),
    /// Each log record that this service, or any, wrote inside its spans has the id of the trace.
    LogsCorrelated(Option<String>),
    /// The tree of spans is that of a file.
    Shape(Box<ExpectedShape>),
    /// The services follow the sampled flag and the thresholds of their callers.
    HeadSampling,
    /// Each call continues the trace; these services may begin a new one.
    Continued(Vec<String>),
    /// A Collector's tail sampling decides so.
    TailSampling(Box<TailExpectation>),
    /// A Collector's `probabilistic_sampler` decides like this about each span.
    SpanSampling(Box<SpanSamplingExpectation>),
    /// A sampler keeps this share of many traces.
    KeptShare(Box<ShareExpectation>),
    /// A rule about the instrumentation finds nothing.
    Lint(LintExpectation),
}

/// The spans that a pipeline must lose.
#[derive(Clone, Debug)]
pub enum LostSpans {
    /// Any spans, in this number.
    Number(Limits<u64>),
    /// Those that one of these selects, and no others.
    Exactly(Vec<Selector>),
}

impl fmt::Display for LostSpans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(limits) => limits.fmt(f),
            Self::Exactly(selectors) => {
                let all: Vec<String> = selectors.iter().map(Selector::to_string).collect();
                write!(f, "exactly {}", all.join(", "))
            }
        }
    }
}

/// The errors that a GraphQL response must have. It must be one of GraphQL in any case.
#[derive(Clone, Debug)]
pub enum GraphQlErrors {
    /// A number of errors. Without errors, `data` must be there and not null.
    Count(Limits<u64>),
    /// Exactly these errors, in any order.
    Each(Vec<ExpectedGraphQlError>),
}

/// An expected error of a GraphQL response.
#[derive(Clone, Debug)]
pub struct ExpectedGraphQlError {
    /// `message`.
    pub message: Option<Matcher>,
    /// `path`, joined with dots.
    pub path: Option<Matcher>,
    /// `extensions.code`.
    pub code: Option<Matcher>,
    /// Its place in the spec.
    pub at: Location,
}

impl fmt::Display for GraphQlErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(limits) if limits.contains_none(1, u64::MAX) => f.write_str("none"),
            Self::Count(limits) => limits.fmt(f),
            Self::Each(errors) => match errors.len() {
                1 => f.write_str("exactly this error"),
                several => write!(f, "exactly these {several} errors"),
            },
        }
    }
}

/// A value that later steps and checks can use.
#[derive(Clone, Debug)]
pub struct Capture {
    /// Its name.
    pub name: String,
    /// Its source.
    pub from: CaptureFrom,
    /// Masks the value in all output.
    pub is_secret: bool,
    /// Its place in the spec.
    pub at: Location,
}

/// The source of a capture. It must yield exactly one value.
#[derive(Clone, Debug)]
pub enum CaptureFrom {
    /// A path in the JSON body.
    Json(JsonPath),
    /// A header of the response.
    Header(String),
    /// A cookie that the response sets.
    Cookie(String),
    /// The status code.
    Status,
    /// The first group of a regular expression in the body, or the whole match.
    Body(regex::Regex),
    /// The same in the standard output of a command.
    Stdout(regex::Regex),
    /// A path in the standard output of a command, which is JSON.
    StdoutJson(JsonPath),
    /// The first group of a regular expression in the message of a gRPC status, or the whole match.
    StatusMessage(regex::Regex),
    /// Metadata of a gRPC call.
    Metadata(String),
    /// Metadata after the last message of a gRPC call.
    Trailer(String),
    /// A path in the list of details of a gRPC status.
    Details(JsonPath),
    /// An attribute of a span.
    Span {
        /// The span.
        find: Selector,
        /// The key of the attribute.
        attribute: String,
        /// A path in the JSON text of the attribute.
        json: Option<JsonPath>,
    },
}

impl CaptureFrom {
    /// Its key in a spec; `None` for a capture from a span.
    pub(crate) fn key(&self) -> Option<&'static str> {
        Some(match self {
            Self::Json(_) => "json",
            Self::Header(_) => "header",
            Self::Cookie(_) => "cookie",
            Self::Status => "status",
            Self::Body(_) => "body",
            Self::Stdout(_) | Self::StdoutJson(_) => "stdout",
            Self::StatusMessage(_) => "status_message",
            Self::Metadata(_) => "metadata",
            Self::Trailer(_) => "trailer",
            Self::Details(_) => "details",
            Self::Span { .. } => return None,
        })
    }

    /// Returns `true` if it counts exceptions, which services also send as log records.
    pub(crate) fn has_exceptions(&self) -> bool {
        matches!(self, Self::Span { find, .. } if find.has_exceptions())
    }

    /// Returns `true` if the value comes from a span.
    #[must_use]
    pub fn is_from_trace(&self) -> bool {
        matches!(self, Self::Span { .. })
    }
}

impl Condition {
    /// Returns `true` if a log record can decide it.
    pub(crate) fn needs_logs(&self) -> bool {
        match self {
            Self::LogsCorrelated(_) => true,
            Self::Lint(lint) => lint.rule == Rule::UncorrelatedLogs,
            Self::Order(pair) => pair.0.has_exceptions() || pair.1.has_exceptions(),
            _ => false,
        }
    }

    /// Returns `true` if it needs the trace.
    #[must_use]
    pub fn is_about_trace(&self) -> bool {
        matches!(
            self,
            Self::Errors(_)
                | Self::Orphans(_)
                | Self::SpanCount(_)
                | Self::Lost(_)
                | Self::Duplicated(_)
                | Self::TraceDuration(_)
                | Self::Service(_)
                | Self::Edge(..)
                | Self::Order(_)
                | Self::LogsCorrelated(_)
                | Self::Shape(_)
                | Self::HeadSampling
                | Self::Continued(_)
                | Self::TailSampling(_)
                | Self::SpanSampling(_)
                | Self::KeptShare(_)
                | Self::Lint(_)
        )
    }
}

/// The condition in words, for a check that was not judged.
impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ResponseStatus(limits) => write!(f, "status of the response: {limits}"),
            Self::Header(name, matcher) => write!(f, "header `{name}`: {matcher}"),
            Self::Body(matcher) => write!(f, "body of the response: {matcher}"),
            Self::Json(path, matcher) => write!(f, "`{path}`: {matcher}"),
            Self::GraphQlErrors(errors) => write!(f, "errors of the GraphQL response: {errors}"),
            Self::GrpcStatus(statuses) => write!(f, "gRPC status: {statuses}"),
            Self::StatusMessage(matcher) => write!(f, "message of the gRPC status: {matcher}"),
            Self::Messages(matcher) => write!(f, "messages: {matcher}"),
            Self::Metadata(name, matcher) => write!(f, "metadata `{name}`: {matcher}"),
            Self::Trailer(name, matcher) => write!(f, "trailer `{name}`: {matcher}"),
            Self::Details(matcher) => write!(f, "details of the gRPC status: {matcher}"),
            Self::ResponseTime(limits) => write!(f, "response time: {limits}"),
            Self::ExitCode(matcher) => write!(f, "exit code: {matcher}"),
            Self::Stdout(matcher) => write!(f, "standard output: {matcher}"),
            Self::Stderr(matcher) => write!(f, "standard error: {matcher}"),
            Self::Conformance => f.write_str("conformance cases"),
            Self::Traffic(ask) => ask.fmt(f),
            Self::Errors(limits) => write!(f, "spans with status error: {limits}"),
            Self::Orphans(limits) => write!(f, "spans whose parent never arrived: {limits}"),
            Self::SpanCount(limits) => write!(f, "number of spans: {limits}"),
            Self::Lost(lost) => write!(f, "spans that were lost: {lost}"),
            Self::Duplicated(limits) => write!(f, "spans that arrived more than once: {limits}"),
            Self::TraceDuration(limits) => write!(f, "duration of the trace: {limits}"),
            Self::Service(name) => write!(f, "a span of service `{name}`"),
            Self::Edge(from, to) => write!(f, "a call `{from} -> {to}`"),
            Self::Order(pair) => write!(f, "{} before {}", pair.0, pair.1),
            Self::LogsCorrelated(Some(name)) => {
                write!(f, "the trace id in each log record of service `{name}`")
            }
            Self::LogsCorrelated(None) => f.write_str("the trace id in each log record"),
            Self::Shape(expected) => write!(f, "the shape in {}", expected.name),
            Self::HeadSampling => f.write_str("consistent head sampling"),
            Self::Continued(restarted) if restarted.is_empty() => {
                f.write_str("each call continues the trace")
            }
            Self::Continued(restarted) => write!(
                f,
                "each call continues the trace; {} may begin a new one",
                restarted.join(", ")
            ),
            Self::TailSampling(expected) => {
                write!(f, "the decision of `{}`", expected.processor.id)
            }
            Self::SpanSampling(expected) => {
                write!(f, "the decisions of `{}`", expected.processor.id)
            }
            Self::KeptShare(expected) => write!(
                f,
                "the share of traces that `{}` keeps: {}",
                expected.sampler.id(),
                expected.within
            ),
            Self::Lint(lint) => lint.fmt(f),
        }
    }
}

impl Expect {
    /// Adds further checks.
    pub(crate) fn add(&mut self, other: Self) {
        self.checks.extend(other.checks);
        self.spans.extend(other.spans);
        self.spans_await.extend(other.spans_await);
        self.logs.extend(other.logs);
        self.metrics.extend(other.metrics);
    }

    /// The same checks of what arrived at a named receiver.
    pub(crate) fn at_receiver(mut self, receiver: &str) -> Self {
        let name = || Some(receiver.to_owned());
        self.checks
            .iter_mut()
            .for_each(|check| check.receiver = name());
        self.spans
            .iter_mut()
            .for_each(|entry| entry.receiver = name());
        self.logs
            .iter_mut()
            .for_each(|entry| entry.receiver = name());
        self
    }

    /// The named receivers of a pipeline whose output is checked.
    pub(crate) fn receivers(&self) -> BTreeSet<String> {
        let checks = self.checks.iter().map(|check| &check.receiver);
        let spans = self.spans.iter().map(|entry| &entry.receiver);
        let logs = self.logs.iter().map(|entry| &entry.receiver);
        checks.chain(spans).chain(logs).flatten().cloned().collect()
    }

    /// The place of a check that can hold only at the end of a window, if there is one.
    pub(crate) fn needs_whole_window(&self) -> Option<&Location> {
        let mut cells = self.checks.iter().filter(|check| match &check.ask {
            Condition::Traffic(ask) => ask.needs_whole_window(),
            Condition::Lint(_) => true,
            _ => false,
        });
        let mut spans = self.spans.iter();
        let mut logs = self.logs.iter();
        let of_cells = cells.next().map(|check| &check.at);
        let of_spans = spans.find(|entry| !entry.is_satisfied_by_arrival());
        let of_logs = logs.find(|entry| !entry.is_satisfied_by_arrival());
        of_cells
            .or(of_spans.map(|entry| &entry.at))
            .or(of_logs.map(|entry| &entry.at))
            .or(self.metrics.first().map(|entry| &entry.at))
    }

    /// Returns `true` if any check needs the trace.
    #[must_use]
    pub fn is_about_trace(&self) -> bool {
        !self.spans.is_empty()
            || !self.logs.is_empty()
            || self.metrics.iter().any(MetricEntry::needs_spans)
            || self.checks.iter().any(|check| check.ask.is_about_trace())
    }

    /// Returns `true` if a log record can decide a check.
    #[must_use]
    pub fn needs_logs(&self) -> bool {
        !self.logs.is_empty()
            || self.checks.iter().any(|check| check.ask.needs_logs())
            || self.spans.iter().any(SpanEntry::has_exceptions)
    }

    /// Returns `true` if a check needs the log records without a trace id.
    #[must_use]
    pub fn is_about_correlation(&self) -> bool {
        let mut rules = self.lint_rules();
        let mut checks = self.checks.iter();
        rules.any(|lint| lint.rule == Rule::UncorrelatedLogs)
            || checks.any(|check| matches!(check.ask, Condition::LogsCorrelated(_)))
    }

    /// The rules of `lint`.
    pub(crate) fn lint_rules(&self) -> impl Iterator<Item = &LintExpectation> {
        self.checks.iter().filter_map(|check| match &check.ask {
            Condition::Lint(lint) => Some(lint),
            _ => None,
        })
    }

    /// Returns `true` if a request without the sampled flag needs a control.
    #[must_use]
    pub fn needs_control(&self) -> bool {
        let mut checks = self.checks.iter();
        checks.any(|check| matches!(check.ask, Condition::HeadSampling))
    }

    /// Returns `true` if a check is about the propagation of the trace context.
    #[cfg(feature = "run")]
    pub(crate) fn is_about_propagation(&self) -> bool {
        let mut checks = self.checks.iter();
        checks.any(|check| matches!(check.ask, Condition::Continued(_)))
    }

    /// Returns `true` if a service may begin a new trace, so that this one may have no span.
    #[cfg(feature = "run")]
    pub(crate) fn permits_restart(&self) -> bool {
        self.checks.iter().any(
            |check| matches!(&check.ask, Condition::Continued(restarted) if !restarted.is_empty()),
        )
    }

    /// The share of many traces that it expects to be kept.
    pub(crate) fn share(&self) -> Option<ExpectedShare> {
        self.checks.iter().find_map(|check| match &check.ask {
            Condition::KeptShare(share) => Some(ExpectedShare {
                share: (**share).clone(),
                at: check.at.clone(),
            }),
            _ => None,
        })
    }

    /// Returns `true` if any number of orphans is accepted: `orphans: 0..`.
    #[must_use]
    pub fn tolerates_orphans(&self) -> bool {
        self.checks.iter().any(|check| {
            matches!(&check.ask, Condition::Orphans(limits) if limits.holds_for_all_above(0))
        })
    }
}
