//! Selectors of log records, and conditions on log records.

use std::fmt;

use super::selector::Pattern;
use super::{AttributeKey, Limits, Location, Matcher};

/// An entry of `logs`.
#[derive(Clone, Debug)]
pub struct LogEntry {
    /// The named receiver whose records it is about; `None` for all.
    pub receiver: Option<String>,
    /// The selector.
    pub find: LogSelector,
    /// Number of log records that match.
    pub count: Limits<u64>,
    /// Place of `count`, or of `find` without a `count`.
    pub count_at: Location,
    /// Conditions for each of the log records.
    pub each: Vec<LogCondition>,
    /// Place of the entry in the spec.
    pub at: Location,
    /// Captures without a value. It is unjudged while there are any.
    pub awaits: Vec<String>,
}

/// Selects log records: those that meet every condition. Without conditions, all.
#[derive(Clone, Debug)]
pub struct LogSelector {
    /// The conditions.
    pub conditions: Vec<LogCondition>,
}

/// A condition on a log record, with its place in the spec.
#[derive(Clone, Debug)]
pub struct LogCondition {
    /// The condition.
    pub ask: LogAsk,
    /// Its place in the spec.
    pub at: Location,
}

/// A condition on a log record.
#[derive(Clone, Debug)]
pub enum LogAsk {
    /// `service.name` of its resource.
    Service(Matcher),
    /// Its severity number, from 1 to 24.
    Severity(Limits<u64>),
    /// Its body.
    Body(Matcher),
    /// Its name, if it is an event.
    Event(Matcher),
    /// The name of its instrumentation scope.
    Scope(Matcher),
    /// An attribute.
    Attribute(AttributeKey, Matcher),
    /// An attribute of its resource.
    Resource(AttributeKey, Matcher),
    /// The span in which it was written.
    On(Pattern),
}

/// The severities, each with its smallest number. Each has four numbers.
pub(crate) const SEVERITIES: [(&str, u64); 6] = [
    ("trace", 1),
    ("debug", 5),
    ("info", 9),
    ("warn", 13),
    ("error", 17),
    ("fatal", 21),
];

/// A severity number in words: `info`, `error3`.
#[must_use]
pub fn severity_name(number: u8) -> String {
    let number = u64::from(number);
    let known = SEVERITIES.iter().rfind(|(_, least)| *least <= number);
    match known.map(|(name, least)| (name, number - least + 1)) {
        Some((name, 1)) => (*name).to_owned(),
        Some((name, nth)) => format!("{name}{nth}"),
        None => number.to_string(),
    }
}

impl LogEntry {
    /// Returns `true` if the arrival of log records can prove it, whatever else arrives.
    pub(crate) fn is_satisfied_by_arrival(&self) -> bool {
        self.each.is_empty() && self.count.has_no_greatest()
    }

    /// Returns `true` if a condition is about spans.
    pub(crate) fn needs_spans(&self) -> bool {
        let mut all = self.find.conditions.iter().chain(&self.each);
        all.any(|condition| matches!(condition.ask, LogAsk::On(_)))
    }
}

impl LogSelector {
    /// The service, if the selector requires exactly one.
    #[must_use]
    pub fn exact_service(&self) -> Option<&str> {
        let mut conditions = self.conditions.iter();
        conditions.find_map(|condition| match &condition.ask {
            LogAsk::Service(Matcher::Equal(name)) => name.as_str(),
            _ => None,
        })
    }
}

impl LogAsk {
    /// The subject of the condition in messages.
    #[must_use]
    pub fn subject(&self) -> String {
        match self {
            Self::Service(_) => "service".to_owned(),
            Self::Severity(_) => "severity".to_owned(),
            Self::Body(_) => "body".to_owned(),
            Self::Event(_) => "event".to_owned(),
            Self::Scope(_) => "scope".to_owned(),
            Self::Attribute(key, _) => format!("attribute `{key}`"),
            Self::Resource(key, _) => format!("resource attribute `{key}`"),
            Self::On(_) => "`on`".to_owned(),
        }
    }

    /// The expectation, as messages have it after `expected`.
    #[must_use]
    pub fn expected(&self) -> String {
        match self {
            Self::Service(matcher)
            | Self::Body(matcher)
            | Self::Event(matcher)
            | Self::Scope(matcher)
            | Self::Attribute(_, matcher)
            | Self::Resource(_, matcher) => matcher.to_string(),
            Self::Severity(limits) => limits.to_string(),
            Self::On(pattern) => pattern.to_string(),
        }
    }
}

/// In words: ``{ service "payment", severity info.. }``.
impl fmt::Display for LogSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.conditions.as_slice() {
            [] => f.write_str("any log record"),
            [
                LogCondition {
                    ask: LogAsk::Body(Matcher::Equal(body)),
                    ..
                },
            ] => write!(f, "`{}`", body.to_text()),
            conditions => {
                let each: Vec<String> = conditions
                    .iter()
                    .map(|one| format!("{} {}", one.ask.subject(), one.ask.expected()))
                    .collect();
                write!(f, "{{ {} }}", each.join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_severity_has_four_numbers() {
        let names: Vec<String> = [0, 1, 4, 9, 12, 17, 24].map(severity_name).into();
        let expected = ["0", "trace", "trace4", "info", "info4", "error", "fatal4"];
        assert_eq!(names, expected);
    }
}
