//! What must hold of a response and of a trace.

use super::selector::{Selector, SpanEntry};
use super::{JsonPath, Limits, Location, Matcher};
use crate::trace::Nanos;

/// Everything that one `expect` asks, all variables filled in.
#[derive(Clone, Debug, Default)]
pub struct Expect {
    /// Checks of the response and of the trace as a whole, in the order of the spec.
    pub checks: Vec<Check>,
    /// The entries of `spans`.
    pub spans: Vec<SpanEntry>,
    /// For each entry of `spans`, the captures that it still waits for.
    pub spans_await: Vec<Vec<String>>,
    /// The language of hints.
    pub syntax: Syntax,
}

/// The language in which an author writes expectations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Syntax {
    /// A spec.
    #[default]
    Yaml,
    /// Macros and patterns in Rust.
    Rust,
}

/// One thing to check.
#[derive(Clone, Debug)]
pub struct Check {
    /// What it asks.
    pub ask: Condition,
    /// Where it stands.
    pub at: Location,
    /// Captures without a value yet; while there are any, it cannot be judged.
    pub awaits: Vec<String>,
}

/// Everything that can be asked of a response or of a whole trace.
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
    /// How long the caller waited.
    ResponseTime(Limits<Nanos>),
    /// The exit code of a command.
    ExitCode(Matcher),
    /// The standard output of a command.
    Stdout(Matcher),
    /// The standard error of a command.
    Stderr(Matcher),
    /// Spans with status error.
    Errors(Limits<u64>),
    /// Spans whose parent never arrived.
    Orphans(Limits<u64>),
    /// Spans.
    SpanCount(Limits<u64>),
    /// From the first start to the last end.
    TraceDuration(Limits<Nanos>),
    /// A service that has a span.
    Service(String),
    /// A span of the one service has a direct child in the other.
    Edge(String, String),
    /// Every span of the first starts no later than any of the second.
    Order(Box<(Selector, Selector)>),
}

/// A value for later use.
#[derive(Clone, Debug)]
pub struct Capture {
    /// Its name.
    pub name: String,
    /// Where it comes from.
    pub from: CaptureFrom,
    /// Whether every report hides it.
    pub is_secret: bool,
    /// Where it stands.
    pub at: Location,
}

/// Where a capture comes from. Each must give exactly one value.
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
    /// The first group of an expression, or the whole match, in the body.
    Body(regex::Regex),
    /// Likewise in the standard output of a command.
    Stdout(regex::Regex),
    /// An attribute of a span.
    Span {
        /// Which span.
        find: Selector,
        /// The attribute's key.
        attribute: String,
        /// A path in the attribute's JSON text.
        json: Option<JsonPath>,
    },
}

impl CaptureFrom {
    /// Whether a span must come before the value is known.
    #[must_use]
    pub fn is_from_trace(&self) -> bool {
        matches!(self, Self::Span { .. })
    }
}

impl Condition {
    /// Whether it is about the trace, so that spans are waited for.
    #[must_use]
    pub fn is_about_trace(&self) -> bool {
        matches!(
            self,
            Self::Errors(_)
                | Self::Orphans(_)
                | Self::SpanCount(_)
                | Self::TraceDuration(_)
                | Self::Service(_)
                | Self::Edge(..)
                | Self::Order(_)
        )
    }
}

impl Expect {
    /// Whether anything is asked of the trace, so that spans are waited for.
    #[must_use]
    pub fn is_about_trace(&self) -> bool {
        !self.spans.is_empty() || self.checks.iter().any(|check| check.ask.is_about_trace())
    }

    /// Whether the author allows parents to be missing without end: `orphans: 0..`.
    #[must_use]
    pub fn tolerates_orphans(&self) -> bool {
        self.checks.iter().any(|check| {
            matches!(&check.ask, Condition::Orphans(limits) if limits.holds_for_all_above(0))
        })
    }
}
