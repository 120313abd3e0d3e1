//! The values of a policy that is being read. Types are checked before: a value of a wrong type counts as absent.

use super::super::finding::{Finding, LintRule};
use super::super::value::Value;
use crate::yaml::Location;

/// A policy that is being read.
pub(super) struct Draft<'v> {
    pub(super) value: &'v Value,
    /// The name for messages, as written.
    pub(super) title: String,
    pub(super) kind: &'v str,
    pub(super) kind_at: &'v Location,
    /// The block of the type; empty, if it is missing.
    pub(super) block: Option<&'v Value>,
}

impl Draft<'_> {
    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        self.block?.get(key).filter(|value| !value.is_null())
    }

    pub(super) fn integer(&self, key: &str) -> i64 {
        self.get(key).map_or(0, Value::as_integer)
    }

    pub(super) fn small(&self, key: &str) -> i32 {
        i32::try_from(self.integer(key)).unwrap_or(i32::MAX)
    }

    pub(super) fn number(&self, key: &str) -> f64 {
        self.get(key).map_or(0.0, Value::as_number)
    }

    pub(super) fn flag(&self, key: &str) -> bool {
        self.get(key).is_some_and(Value::as_flag)
    }

    pub(super) fn text(&self, key: &str) -> String {
        self.get(key)
            .and_then(Value::text)
            .unwrap_or_default()
            .to_owned()
    }

    pub(super) fn texts(&self, key: &str) -> Vec<(String, Location)> {
        self.get(key).map(Value::as_texts).unwrap_or_default()
    }

    /// The place of a key's value, else of the type.
    pub(super) fn place(&self, key: &str) -> &Location {
        self.get(key).map_or(self.kind_at, |value| &value.at)
    }

    pub(super) fn finding(&self, rule: LintRule, at: &Location, what: impl AsRef<str>) -> Finding {
        Finding::new(rule, at, format!("{} {}", self.title, what.as_ref()))
    }
}
