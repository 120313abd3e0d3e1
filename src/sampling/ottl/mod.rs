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
mod problem;
mod record;
mod syntax;

#[cfg(test)]
mod tests;

use super::version::CollectorVersion;
use crate::trace::Field;

pub(crate) use problem::{Problem, ProblemKind};
pub(crate) use record::{Context, Fidelity, Record, Stop};
use syntax::Predicate;

/// A condition that can be evaluated.
#[derive(Clone, Debug)]
pub(crate) struct Condition(Predicate);

impl Condition {
    /// Reads a condition as a version of the Collector does.
    ///
    /// # Errors
    /// The first place that is invalid, or else the first function or path that is not evaluated.
    pub(crate) fn parse(
        text: &str,
        context: Context,
        version: CollectorVersion,
    ) -> Result<Self, Problem> {
        parse::condition(text, context, version).map(Self)
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
