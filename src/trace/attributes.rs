//! The attributes of a span, resource, scope, event or link.

use std::sync::Arc;

use super::Value;
use super::value::{last_of_each, lookup};

/// Keys and values in the order in which the exporter sent them. If it sent a key twice, as some SDKs do when
/// an attribute is set again, the last value counts.
///
/// Cheap to clone, because a trace is assembled again whenever a part of it arrives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attributes {
    entries: Arc<[(String, Value)]>,
    dropped: u32,
}

impl Attributes {
    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        lookup(&self.entries, key)
    }

    /// All keys and values.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.entries
            .iter()
            .map(|(key, value)| (key.as_str(), value))
    }

    /// The number of missing attributes: `dropped_attributes_count` of the SDK, and those that
    /// could not be decoded.
    #[must_use]
    pub fn dropped(&self) -> u32 {
        self.dropped
    }

    /// Sets the number of dropped attributes.
    #[must_use]
    pub fn with_dropped(self, dropped: u32) -> Self {
        Self { dropped, ..self }
    }

    /// Returns `true` if there are no attributes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl<K: Into<String>, V: Into<Value>> FromIterator<(K, V)> for Attributes {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let entries = entries.into_iter();
        let entries = entries.map(|(key, value)| (key.into(), value.into()));
        Self {
            entries: last_of_each(entries.collect()).into(),
            dropped: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_of_a_repeated_key_counts() {
        let all: Attributes = [("retry", 1), ("route", 2), ("retry", 3), ("retry", 4)]
            .into_iter()
            .collect();
        assert_eq!(all.get("retry"), Some(&Value::Int(4)));
        let entries: Vec<_> = all.iter().collect();
        assert_eq!(
            entries,
            [("route", &Value::Int(2)), ("retry", &Value::Int(4))]
        );
    }
}
