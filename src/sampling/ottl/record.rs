//! The record that a condition is evaluated for, and the reasons that it has no value.

use crate::trace::{Event, Span};

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
    pub(crate) event: Option<&'t Event>,
    pub(crate) fidelity: Fidelity,
}

/// Returns `true` if a span is as it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fidelity {
    /// All fields are there.
    Whole,
    /// Its source loses fields, and may lose the numbers of dropped records.
    Partial,
}

/// The reason that a condition has no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The Collector fails too.
    Error(String),
    /// The Collector has a value that spanspec does not know.
    Unknown(String),
}

/// A value, or the reason that there is none.
pub(super) type Result<T> = std::result::Result<T, Stop>;
