//! The reasons why a check cannot be judged.

use std::fmt;

use super::record::name_of;
use super::{Failure, FoundShape, Subject, found_shape};
use crate::trace::{Field, Hole, NoDuration, Span, SpanId, Trace, TraceId, Undecoded};

/// The reason why a check could not be judged.
#[derive(Clone, Debug, PartialEq)]
pub enum Unjudged {
    /// No span of the trace arrived.
    NoSpans,
    /// It holds so far, but these parents did not arrive before the deadline, so their descendants
    /// can be missing too.
    ParentsMissing(Vec<SpanId>),
    /// It holds so far, but the entry of the trace did not arrive before the deadline.
    EntryMissing,
    /// No observer saw the request of a conformance case, or it was refused before the application.
    Unobservable {
        /// The reason.
        reason: String,
        /// The remedy.
        remedy: String,
    },
    /// The marker that was sent last did not come out of the pipeline, so a further span may.
    MarkerMissing,
    /// No marker arrived at this receiver, so a further span may.
    MarkerElsewhere(String),
    /// It is about spans like these, and none was sent.
    NotSent(String),
    /// It holds so far, but the deadline passed before the flush bound of the services.
    TimedOut,
    /// It holds so far, but a called service had no SERVER span before the deadline, and the flush
    /// bound is unknown.
    ServerMissing,
    /// A further span could change it, and spans were lost.
    Hole(Box<Hole>),
    /// The source of the trace does not provide this field.
    Lost(Field),
    /// It depends on the first bytes of the output, which were dropped; contains their number.
    Truncated(u64),
    /// It holds or fails so far, but the body is a stream that had not ended.
    StillOpen,
    /// It expects the absence of a string, and invalid UTF-8 could hide it.
    NotUtf8,
    /// It needs the text of the body, whose encoding is unknown.
    Undecoded(Undecoded),
    /// A detail of a gRPC status has this type, which has no descriptor.
    UnknownDetail(String),
    /// The step ended before the check was judged.
    NotReached,
    /// It is about a quantity that no request determines.
    NoMeasurement,
    /// It needs the capture with this name, which has no value.
    NotCaptured(String),
    /// A further span could change it, and these parents never arrived.
    Incomplete(Vec<SpanId>),
    /// It expects no such span, but a span nearly matches.
    NearMiss {
        /// The name of the span.
        span: String,
        /// The reason for each condition that the span nearly meets.
        reasons: Vec<String>,
    },
    /// It passed, but spans that arrived after the verdict contradict it.
    Contradicted(Box<Failure>),
    /// It passed without the spans that arrived after the verdict.
    LateSpans,
    /// It needs the duration, the start or the end of a span that has none.
    NoDuration(SpanName, NoDuration),
    /// It depends on a part of a span of which the SDK dropped this number of items.
    Dropped(SpanName, DroppedPart, u32),
    /// It depends on the number of equal log records, of which one arrived in two exports.
    Repeated(SpanName),
    /// A further log record could change it, and some were lost.
    LogHole(Box<Hole>),
    /// It needs the time of a log record, which is missing or not exact enough.
    NoTime(SpanName),
    /// It needs the span in which a log record was written, which did not arrive.
    SpanOfRecord(SpanName),
    /// It needs the span of an exception in a log record without a span id.
    ExceptionWithoutSpan(SpanName),
    /// It compares log records with spans, and the request asked services not to record spans.
    UncorrelatedWithoutSpans,
    /// The request asked services not to record spans, and no control shows that they otherwise do, for this reason.
    NoControl(String),
    /// It depends on the trace of a log record, which has the id of this other trace. The span that would confirm
    /// it is missing or was not open.
    OfOtherTrace(SpanName, TraceId),
    /// It needs the severity of a log record, which has none.
    NoSeverity(SpanName),
    /// It measures the attribute with this key of a span.
    NoNumber(SpanName, String, NoNumber),
    /// The metrics do not suffice.
    Metrics {
        /// The reason.
        reason: String,
        /// The remedy in the imperative.
        remedy: String,
    },
    /// The telemetry of a window does not suffice.
    Traffic {
        /// The reason.
        reason: String,
        /// The remedy in the imperative; empty if the step names it.
        remedy: String,
    },
    /// The decision of tail sampling is not known.
    Sampling {
        /// The reason.
        reason: String,
        /// The remedy in the imperative.
        remedy: String,
    },
    /// A rule of `lint` needs something that is not known.
    Rule {
        /// The reason.
        reason: String,
        /// The remedy in the imperative.
        remedy: String,
    },
    /// The other end of a call is not known.
    Propagation {
        /// The reason.
        reason: String,
        /// The remedy in the imperative.
        remedy: String,
    },
    /// It depends on the attribute with this key, and the matcher cannot judge a value of its type.
    OtherType(SpanName, String),
    /// It depends on an attribute with these alternative keys, of which exactly one must be present.
    SeveralKeys(SpanName, String),
    /// It depends on the span with this id, to which a link leads, and which did not arrive.
    LinkedMissing(SpanName, SpanId),
    /// It needs the spans of this trace, which is two links away.
    BeyondLinked(SpanName, TraceId),
    /// The file of the expected shape does not exist.
    NoShape(Box<FoundShape>),
}

/// The reason why an attribute has no number that can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoNumber {
    /// The span does not have it.
    Absent,
    /// It has a value of this type.
    OtherType(&'static str),
    /// It is infinite or NaN.
    NotFinite,
    /// It is negative, so ratios have no meaning.
    Negative,
    /// It, or the sum, has more digits than a double, so a comparison with a limit could be wrong.
    Inexact,
}

impl fmt::Display for NoNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("is missing"),
            Self::OtherType(name) => write!(f, "is not a number, but of type {name}"),
            Self::NotFinite => f.write_str("is infinite or not a number"),
            Self::Negative => f.write_str("is negative"),
            Self::Inexact => {
                f.write_str("is too large to be measured exactly (above 2^53), alone or in the sum")
            }
        }
    }
}

/// The name of a span, or the beginning of the text of a log record, in messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpanName {
    /// `service.name` of its resource.
    pub service: String,
    /// Its name.
    pub name: String,
}

/// A part of a span that SDKs limit in number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DroppedPart {
    /// Its attributes.
    Attributes,
    /// The attributes of its resource.
    Resource,
    /// Its events.
    Events,
    /// The attributes of its events.
    EventAttributes,
    /// Its links.
    Links,
    /// The attributes of its links.
    LinkAttributes,
    /// The attributes of a log record.
    LogAttributes,
}

/// The remedy for a span with several alternatives of a key.
pub(super) const ONE_KEY: &str =
    "let the instrumentation send one of them, or check each key in an entry of its own";

impl SpanName {
    pub(super) fn of(span: &Span) -> Self {
        Self {
            service: span.service().to_owned(),
            name: span.name.clone(),
        }
    }
}

#[cfg(feature = "run")]
impl SpanName {
    fn change(&mut self, change: impl Fn(&str) -> String) {
        self.service = change(&self.service);
        self.name = change(&self.name);
    }
}

impl fmt::Display for SpanName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` of {}", self.name, self.service)
    }
}

impl DroppedPart {
    fn one(self) -> &'static str {
        match self {
            Self::Attributes => "attribute",
            Self::Resource => "resource attribute",
            Self::Events => "event",
            Self::EventAttributes => "event attribute",
            Self::Links => "link",
            Self::LinkAttributes => "link attribute",
            Self::LogAttributes => "log attribute",
        }
    }

    /// The environment variable with which SDKs limit their number.
    fn limit(self) -> Option<&'static str> {
        match self {
            Self::Attributes => Some("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT"),
            Self::Resource => None,
            Self::Events => Some("OTEL_SPAN_EVENT_COUNT_LIMIT"),
            Self::EventAttributes => Some("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT"),
            Self::Links => Some("OTEL_SPAN_LINK_COUNT_LIMIT"),
            Self::LinkAttributes => Some("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT"),
            Self::LogAttributes => Some("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT"),
        }
    }
}

impl Unjudged {
    /// The reason if a trace is incomplete: spans never arrived to which other spans, or log records, refer.
    pub(crate) fn missing_spans(trace: &Trace) -> Option<Self> {
        let missing: Vec<SpanId> = trace.missing_parents().into_iter().collect();
        if !missing.is_empty() {
            return Some(Self::ParentsMissing(missing));
        }
        let of_logs = trace.missing_log_spans();
        let first = of_logs.values().next()?;
        Some(Self::SpanOfRecord(name_of(first)))
    }

    /// The remedy in the imperative.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        match self {
            Self::NoDuration(span, NoDuration::NeverEnded) => Some(format!(
                "let {} export spans after their end, or wait for that: `wait: {{ tail: 2s }}`",
                span.service
            )),
            Self::NoDuration(span, NoDuration::EndsBeforeStart(_) | NoDuration::NoStart) => {
                Some(format!(
                    "take start and end of spans of {} from one clock that is never set back",
                    span.service
                ))
            }
            Self::MarkerElsewhere(receiver) => Some(format!(
                "send a marker for each receiver: `marker: [{{ resource: {{ … }} }}, …]`, one of which is routed to `{receiver}`"
            )),
            Self::NotSent(_) => {
                Some("correct the selector: it is compared with the spans as they were sent".to_owned())
            }
            Self::Dropped(span, part, _) => {
                let limit = part.limit()?;
                Some(format!("raise `{limit}` of {}", span.service))
            }
            Self::Lost(Field::AttributeTypes) => {
                Some("read a number with `{ number: 200 }`, a structure with `{ json: … }`".to_owned())
            }
            Self::NoNumber(span, key, NoNumber::Absent) => Some(format!(
                "let {} set `{key}` on each of these spans, or exclude spans without it: `attributes: {{ {key}: exists }}` in `find`",
                span.service
            )),
            Self::NoNumber(span, key, NoNumber::OtherType(_)) => {
                Some(format!("let {} send `{key}` as a number", span.service))
            }
            Self::ExceptionWithoutSpan(record) => Some(format!(
                "let {} write it in the context of the span",
                record.service
            )),
            Self::UncorrelatedWithoutSpans => Some(
                "remove `sampled: false`, or expect the records with `logs`, which needs no spans"
                    .to_owned(),
            ),
            Self::NoControl(_) => Some(
                "let the services export to spanspec: the same request without `sampled: false` must pass `span_count: 1..`"
                    .to_owned(),
            ),
            Self::OfOtherTrace(record, _) => Some(format!(
                "stop other work of {} while this spec runs, or let it take the ids of log records from the current span",
                record.service
            )),
            Self::SpanOfRecord(record) => Some(format!(
                "let {} export this span: it was dropped, not sampled, still runs, or is exported elsewhere",
                record.service
            )),
            Self::Lost(Field::LogRecords) => Some(
                "let the services send log records to spanspec, or read a folder (`files`) to which the Collector also exports logs"
                    .to_owned(),
            ),
            Self::NoSeverity(record) => Some(format!(
                "let the logging library or bridge of {} set one, or print it where spanspec finds it: `level` in JSON, or the beginning of the line",
                record.service
            )),
            Self::BeyondLinked(..) => Some(
                "check this cause in a spec of the linked trace, or with `linked_to`".to_owned(),
            ),
            Self::OtherType(..) => Some("write a matcher for the type that was sent".to_owned()),
            Self::NoShape(found) => Some(found_shape::accepting(&found.name, "")),
            Self::Metrics { remedy, .. }
            | Self::Sampling { remedy, .. }
            | Self::Rule { remedy, .. }
            | Self::Propagation { remedy, .. }
            | Self::Unobservable { remedy, .. } => Some(remedy.clone()),
            Self::Traffic { remedy, .. } => Some(remedy.clone()).filter(|text| !text.is_empty()),
            Self::SeveralKeys(..) => Some(ONE_KEY.to_owned()),
            Self::NotUtf8 => {
                Some("let the system write UTF-8, or check its text without `not`".to_owned())
            }
            Self::StillOpen => Some(
                "let the stream end before `request.timeout`, or check what has arrived with `contains` or `starts_with`"
                    .to_owned(),
            ),
            Self::UnknownDetail(_) => Some(
                "add the `.proto` file of this type to `proto`, or its descriptor to `descriptors`"
                    .to_owned(),
            ),
            Self::Undecoded(Undecoded::Encoding(_)) => Some(
                "let the service send the body without this content-encoding, or with gzip, deflate, br or zstd"
                    .to_owned(),
            ),
            Self::Undecoded(Undecoded::Charset(_)) => {
                Some("let the service send UTF-8, with `charset=utf-8`".to_owned())
            }
            _ => None,
        }
    }

    /// The reason with the remedy, on one line.
    pub(super) fn with_help(&self) -> String {
        match self.help() {
            Some(help) => format!("{self}; {help}"),
            None => self.to_string(),
        }
    }

    /// Changes each string that comes from the system under test.
    #[cfg(feature = "run")]
    pub(crate) fn with_texts(mut self, change: impl Fn(&str) -> String) -> Self {
        // No wildcard, so that the compiler finds a new variant.
        match &mut self {
            Self::NoDuration(span, _)
            | Self::Dropped(span, ..)
            | Self::LinkedMissing(span, _)
            | Self::BeyondLinked(span, _) => span.change(&change),
            Self::Repeated(record)
            | Self::NoTime(record)
            | Self::SpanOfRecord(record)
            | Self::ExceptionWithoutSpan(record)
            | Self::OfOtherTrace(record, _)
            | Self::NoSeverity(record) => record.change(&change),
            Self::Metrics { reason, .. } | Self::Sampling { reason, .. } => {
                *reason = change(reason);
            }
            Self::Unobservable { reason, remedy }
            | Self::Rule { reason, remedy }
            | Self::Propagation { reason, remedy }
            | Self::Traffic { reason, remedy } => {
                *reason = change(reason);
                *remedy = change(remedy);
            }
            Self::OtherType(span, key)
            | Self::SeveralKeys(span, key)
            | Self::NoNumber(span, key, _) => {
                span.change(&change);
                *key = change(key);
            }
            Self::NotCaptured(name)
            | Self::NoControl(name)
            | Self::UnknownDetail(name)
            | Self::Undecoded(Undecoded::Encoding(name) | Undecoded::Charset(name)) => {
                *name = change(name);
            }
            Self::NearMiss { span, reasons } => {
                *span = change(span);
                let reasons = reasons.iter_mut();
                reasons.for_each(|reason| *reason = change(reason));
            }
            Self::Hole(hole) | Self::LogHole(hole) => **hole = hole.with_texts(change),
            Self::NoShape(found) => found.change(&change),
            // A failure also contains locations, so the caller changes it.
            Self::Contradicted(_) => {}
            Self::NoSpans | Self::EntryMissing | Self::TimedOut | Self::ServerMissing => {}
            Self::MarkerMissing => {}
            Self::MarkerElsewhere(name) | Self::NotSent(name) => *name = change(name),
            Self::UncorrelatedWithoutSpans => {}
            Self::ParentsMissing(_) | Self::Incomplete(_) | Self::LateSpans => {}
            Self::Lost(_) | Self::Truncated(_) | Self::NotUtf8 => {}
            Self::NotReached | Self::NoMeasurement => {}
            Self::StillOpen => {}
        }
        self
    }
}

impl fmt::Display for Unjudged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSpans => f.write_str("there is no span of this trace"),
            Self::ParentsMissing(parents) => f.write_str(&parents_missing(parents)),
            Self::EntryMissing => {
                f.write_str("holds so far, but the entry of the trace never arrived")
            }
            Self::MarkerMissing => f.write_str(
                "the marker did not come out of the pipeline, so further spans may",
            ),
            Self::MarkerElsewhere(receiver) => {
                write!(f, "no marker arrived at `{receiver}`, so further spans may")
            }
            Self::NotSent(find) => write!(f, "no span that was sent matches {find}"),
            Self::ServerMissing => {
                f.write_str("holds so far, but the SERVER span of a call never arrived")
            }
            Self::TimedOut => {
                f.write_str("holds so far, but `timeout` ended before the flush bound")
            }
            Self::Hole(hole) => write!(f, "spans of this trace may be missing: {hole}"),
            Self::LogHole(hole) => {
                write!(f, "log records of this trace may be missing: {hole}")
            }
            Self::Repeated(record) => write!(
                f,
                "{record} arrived in two exports: it was written twice, or sent twice"
            ),
            Self::Metrics { reason, .. }
            | Self::Sampling { reason, .. }
            | Self::Rule { reason, .. }
            | Self::Propagation { reason, .. }
            | Self::Traffic { reason, .. }
            | Self::Unobservable { reason, .. } => f.write_str(reason),
            Self::SpanOfRecord(record) => {
                write!(f, "the span in which {record} was written did not arrive")
            }
            Self::ExceptionWithoutSpan(record) => {
                write!(f, "{record} is an exception without a span id, so it can be of any span of its service")
            }
            Self::UncorrelatedWithoutSpans => f.write_str(
                "the request asked services not to record spans, which show what belongs to it",
            ),
            Self::NoControl(why) => write!(
                f,
                "no span arrived, but nothing shows that the services export any: {why}"
            ),
            Self::OfOtherTrace(record, trace) => write!(
                f,
                "{record} was written inside a span of this trace, with the id of trace {trace}, and its span there is missing or was not open"
            ),
            Self::NoSeverity(record) => {
                write!(f, "{record} has no severity number from 1 to 24")
            }
            Self::NoTime(record) => {
                write!(f, "{record} has no time that shows if it was written inside a span")
            }
            Self::Lost(field) => write!(f, "the source of this trace does not provide {field}"),
            Self::Truncated(bytes) => write!(
                f,
                "the first {bytes} bytes of the output were dropped, and this depends on them: write less output, or check its end"
            ),
            Self::NotUtf8 => f.write_str(
                "the text has bytes that are not UTF-8, so parts of it may not be recognized",
            ),
            Self::StillOpen => f.write_str(
                "the response is an event stream that had not ended, and its rest could change this",
            ),
            Self::Undecoded(unknown) => write!(f, "the body cannot be read: {unknown}"),
            Self::UnknownDetail(name) => {
                write!(f, "a detail of the status has the type `{name}`, which is unknown")
            }
            Self::NotReached => f.write_str("the step ended before this check was judged"),
            Self::NoMeasurement => f.write_str("no request has a measurement"),
            Self::NotCaptured(name) => write!(f, "needs `{name}`, which was not captured"),
            Self::Incomplete(parents) => write!(
                f,
                "the trace is incomplete, so a span that never arrived could change this: span {} is missing",
                first_ids(parents)
            ),
            Self::NearMiss { span, reasons } => {
                write!(f, "{span} nearly matches: {}", reasons.join("; "))
            }
            Self::NoDuration(span, why) => write!(f, "{span} {why}, so it has no duration"),
            Self::Dropped(span, part, 1) => write!(f, "1 {} of {span} was dropped", part.one()),
            Self::Dropped(span, part, number) => {
                write!(f, "{number} {}s of {span} were dropped", part.one())
            }
            Self::OtherType(span, key) => write!(
                f,
                "the value of `{key}` of {span} has a type that its matcher cannot judge"
            ),
            Self::SeveralKeys(span, key) => write!(f, "{span} has several of `{key}`"),
            Self::LinkedMissing(span, id) => {
                write!(f, "a link of {span} leads to span {id}, which never arrived")
            }
            Self::BeyondLinked(span, trace) => write!(
                f,
                "the causes of {span} lead over two links to trace {trace}, and only traces one link away are read"
            ),
            Self::NoNumber(span, key, why) => write!(f, "`{key}` of {span} {why}"),
            Self::Contradicted(failure) => f.write_str(&contradiction(failure)),
            Self::LateSpans => f.write_str("it was judged without spans that arrived later"),
            Self::NoShape(found) => {
                write!(f, "there is no shape to compare with: {} does not exist", found.name)
            }
        }
    }
}

/// Maximum number of ids in a text.
const MOST_IDS: usize = 3;

fn first_ids(ids: &[SpanId]) -> String {
    let first: Vec<String> = ids.iter().take(MOST_IDS).map(SpanId::to_string).collect();
    first.join(", ")
}

fn parents_missing(parents: &[SpanId]) -> String {
    let text = format!(
        "holds so far, but the parent {} never arrived",
        first_ids(parents)
    );
    match parents.len().saturating_sub(MOST_IDS) {
        0 => text,
        more => format!("{text} (and {more} more)"),
    }
}

fn contradiction(failure: &Failure) -> String {
    let records = match failure.subject {
        Subject::SelectedLogs(_) | Subject::Record { .. } | Subject::Correlation(_) => {
            "log records"
        }
        _ => "spans",
    };
    format!(
        "{records} that arrived after the verdict contradict it: expected {}, found {}",
        failure.expected, failure.found
    )
}
