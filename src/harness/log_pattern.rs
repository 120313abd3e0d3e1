//! Log records described in Rust: the keys of `find` in `logs` of a spec, and those beside it.

use std::ops::{RangeFrom, RangeInclusive, RangeToInclusive};

use super::impossible;
use super::pattern::{SpanPattern, attribute_key, nowhere};
use super::value::IntoMatcher;
use crate::spec::{Limits, Location, LogAsk, LogCondition, LogSelector, Matcher, Pattern};

/// Describes log records: those that meet every condition. Each method adds one.
///
/// ```
/// use spanspec::prelude::*;
///
/// let declined = log(contains("declined")).service("payment").on("process_payment");
/// # let _ = declined;
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "it only describes log records"]
pub struct LogPattern {
    asks: Vec<LogAsk>,
}

/// The severities of log records, without the four steps of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Numbers 1 to 4.
    Trace = 1,
    /// Numbers 5 to 8.
    Debug = 5,
    /// Numbers 9 to 12.
    Info = 9,
    /// Numbers 13 to 16.
    Warn = 13,
    /// Numbers 17 to 20.
    Error = 17,
    /// Numbers 21 to 24.
    Fatal = 21,
}

/// A severity, or a range of severities: `Severity::Warn..`.
pub trait IntoSeverities {
    /// The limits of severity numbers.
    fn into_severities(self) -> Limits<u64>;
}

/// Every log record.
pub fn any_log() -> LogPattern {
    LogPattern::default()
}

/// The log records with this body.
#[track_caller]
pub fn log(body: impl IntoMatcher) -> LogPattern {
    any_log().body(body)
}

impl From<&str> for LogPattern {
    fn from(body: &str) -> Self {
        log(body)
    }
}

impl From<String> for LogPattern {
    fn from(body: String) -> Self {
        log(body)
    }
}

impl From<Matcher> for LogPattern {
    fn from(body: Matcher) -> Self {
        log(body)
    }
}

impl LogPattern {
    /// Its body: a text, or a structure from a structured logger.
    #[track_caller]
    pub fn body(self, body: impl IntoMatcher) -> Self {
        self.and(LogAsk::Body(body.into_matcher()))
    }

    /// Its severity.
    #[track_caller]
    pub fn severity(self, severities: impl IntoSeverities) -> Self {
        self.and(LogAsk::Severity(severities.into_severities()))
    }

    /// `service.name` of its resource.
    #[track_caller]
    pub fn service(self, name: impl IntoMatcher) -> Self {
        self.and(LogAsk::Service(name.into_matcher()))
    }

    /// Its name, if it is an event.
    #[track_caller]
    pub fn event(self, name: impl IntoMatcher) -> Self {
        self.and(LogAsk::Event(name.into_matcher()))
    }

    /// The name of its instrumentation scope: the logger.
    #[track_caller]
    pub fn scope(self, name: impl IntoMatcher) -> Self {
        self.and(LogAsk::Scope(name.into_matcher()))
    }

    /// An attribute.
    #[track_caller]
    pub fn attribute(self, key: impl Into<String>, value: impl IntoMatcher) -> Self {
        let key = attribute_key(&key.into());
        self.and(LogAsk::Attribute(key, value.into_matcher()))
    }

    /// An attribute of its resource.
    #[track_caller]
    pub fn resource(self, key: impl Into<String>, value: impl IntoMatcher) -> Self {
        let key = attribute_key(&key.into());
        self.and(LogAsk::Resource(key, value.into_matcher()))
    }

    /// It was written in a span like this.
    #[track_caller]
    pub fn on(self, span: impl Into<SpanPattern>) -> Self {
        let span = span.into().outermost().selector(&nowhere());
        self.and(LogAsk::On(Pattern::Selector(span)))
    }

    /// # Panics
    /// If no log record can meet the condition.
    #[track_caller]
    fn and(mut self, ask: LogAsk) -> Self {
        if let Some(why) = impossible::log_condition(&ask) {
            panic!("{why}");
        }
        self.asks.push(ask);
        self
    }

    /// Its conditions, each with the same place.
    pub(super) fn conditions(self, at: &Location) -> Vec<LogCondition> {
        let at = |ask| LogCondition {
            ask,
            at: at.clone(),
        };
        self.asks.into_iter().map(at).collect()
    }

    /// # Panics
    /// If no log record meets all conditions at once.
    #[track_caller]
    pub(super) fn selector(self, at: &Location) -> LogSelector {
        let conditions = self.conditions(at);
        if let Some(why) = impossible::logs_together(&conditions) {
            panic!("{why}");
        }
        LogSelector { conditions }
    }
}

impl Severity {
    fn least(self) -> u64 {
        self as u64
    }

    fn greatest(self) -> u64 {
        self.least() + 3
    }

    fn word(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::Fatal => "fatal",
        }
    }
}

impl IntoSeverities for Severity {
    fn into_severities(self) -> Limits<u64> {
        Limits::range(Some(self.least()), Some(self.greatest()), self.word())
    }
}

impl IntoSeverities for RangeFrom<Severity> {
    fn into_severities(self) -> Limits<u64> {
        let written = format!("{}..", self.start.word());
        Limits::range(
            Some(self.start.least()),
            Some(Severity::Fatal.greatest()),
            written,
        )
    }
}

impl IntoSeverities for RangeToInclusive<Severity> {
    fn into_severities(self) -> Limits<u64> {
        let written = format!("..{}", self.end.word());
        Limits::range(
            Some(Severity::Trace.least()),
            Some(self.end.greatest()),
            written,
        )
    }
}

impl IntoSeverities for RangeInclusive<Severity> {
    fn into_severities(self) -> Limits<u64> {
        let (least, greatest) = self.into_inner();
        let written = format!("{}..{}", least.word(), greatest.word());
        Limits::range(Some(least.least()), Some(greatest.greatest()), written)
    }
}
