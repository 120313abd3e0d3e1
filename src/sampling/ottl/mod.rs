//! Conditions in the OpenTelemetry Transformation Language, on spans and their events.
//!
//! What is not evaluated is refused by name when a condition is read. Otherwise, a condition has the value that the
//! Collector computes, or the error that it reports.

mod compare;
mod datum;
mod evaluate;
mod function;
mod lexer;
mod number;
mod parse;
mod path;
mod syntax;

#[cfg(test)]
mod tests;

use std::ops::Range;

use crate::trace::{Event, Field, Span};
use crate::yaml::{Location, Place};

use syntax::Predicate;

/// The records that a condition is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Context {
    Span,
    SpanEvent,
}

/// A span, and one of its events for conditions on events.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<'t> {
    pub(crate) span: &'t Span,
    pub(crate) event: Option<(usize, &'t Event)>,
    pub(crate) fidelity: Fidelity,
}

/// Whether a span is as it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fidelity {
    /// All fields are there.
    Whole,
    /// Its source loses fields, and may lose the numbers of dropped records.
    Partial,
}

/// A condition that can be evaluated.
#[derive(Clone, Debug)]
pub(crate) struct Condition(Predicate);

/// The reason that a condition has no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The Collector fails too.
    Error(String),
    /// The Collector has a value that spanspec does not know.
    Unknown(String),
}

/// A condition that cannot be read, or not be evaluated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Its place, in bytes of the condition.
    pub(crate) at: Range<usize>,
    /// The fact.
    pub(crate) what: String,
    pub(crate) help: Option<String>,
    pub(crate) kind: ProblemKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProblemKind {
    /// The Collector refuses it too.
    Invalid,
    /// The Collector evaluates it, but spanspec does not.
    Unsupported,
}

impl Problem {
    /// Its place in a file, where a condition has this place. That of the whole condition, if it is not written
    /// there as it is read, because of escapes.
    pub(crate) fn location(&self, text: &str, at: &Location) -> Location {
        let Some(start) = at.text().find(text) else {
            return at.clone();
        };
        let start = at.place.start + start;
        at.source.at(Place {
            start: start + self.at.start,
            end: start + self.at.end,
        })
    }
}

impl Condition {
    /// Reads a condition.
    ///
    /// # Errors
    /// The first place that is invalid, or else the first function or path that is not evaluated.
    pub(crate) fn parse(text: &str, context: Context) -> Result<Self, Problem> {
        parse::condition(text, context).map(Self)
    }

    /// The value for a record.
    pub(crate) fn holds(&self, record: Record<'_>) -> Result<bool, Stop> {
        evaluate::predicate(&self.0, record)
    }

    /// The fields that it reads and that a source can lose.
    pub(crate) fn fields(&self) -> Vec<Field> {
        let mut fields = Vec::new();
        self.0.each_path(&mut |path| fields.extend(path.fields()));
        fields.sort_unstable();
        fields.dedup();
        fields
    }
}
