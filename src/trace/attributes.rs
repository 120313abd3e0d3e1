//! The attributes of a span, resource, scope, event or link.

use std::sync::Arc;

use super::Value;
use super::value::{last_of_each, lookup};

/// Keys and values in the order in which the exporter sent them. If it sent a key twice, as some SDKs do when
/// an attribute is set again, the last value counts.
///
/// Cheap to clone, because a trace is assembled again whenever a part of it arrives.
#[derive(Clone, Debug, Default)]
pub struct Attributes {
    entries: Arc<[(String, Value)]>,
    /// Earlier values of repeated keys, in order; `None` for nearly all attributes.
    replaced: Option<Arc<[(String, Value)]>>,
    dropped: u32,
}

impl Attributes {
    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        lookup(&self.entries, key)
    }

    /// The first value that was sent for a key, which the Collector reads.
    pub(crate) fn first(&self, key: &str) -> Option<&Value> {
        let replaced = self.replaced.as_deref().unwrap_or_default();
        let first = replaced.iter().find(|(name, _)| name == key);
        first.map(|(_, value)| value).or_else(|| self.get(key))
    }

    /// All keys and values.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.entries
            .iter()
            .map(|(key, value)| (key.as_str(), value))
    }

    /// Also the earlier values of repeated keys, before the last ones. Without those that were replaced by a value that
    /// could not be decoded.
    pub(crate) fn all_sent(&self) -> impl Iterator<Item = (&str, &Value)> {
        let replaced = self.replaced.as_deref().unwrap_or_default().iter();
        let replaced = replaced.filter(|(key, _)| self.get(key).is_some());
        replaced
            .chain(self.entries.iter())
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

    /// Attributes of which no key is repeated.
    pub(crate) fn of_distinct(entries: Vec<(String, Value)>) -> Self {
        Self {
            entries: entries.into(),
            ..Self::default()
        }
    }

    /// Sets the earlier values of repeated keys, in order.
    pub(crate) fn with_replaced(self, replaced: Vec<(String, Value)>) -> Self {
        Self {
            replaced: (!replaced.is_empty()).then(|| replaced.into()),
            ..self
        }
    }

    /// Returns `true` if there are no attributes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl PartialEq for Attributes {
    fn eq(&self, other: &Self) -> bool {
        self.entries == other.entries && self.dropped == other.dropped
    }
}

impl<K: Into<String>, V: Into<Value>> FromIterator<(K, V)> for Attributes {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let entries = entries.into_iter();
        let entries = entries.map(|(key, value)| (key.into(), value.into()));
        let (entries, replaced) = last_of_each(entries.collect());
        Self::of_distinct(entries).with_replaced(replaced)
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
        assert_eq!(all.first("retry"), Some(&Value::Int(1)));
        assert_eq!(all.first("route"), Some(&Value::Int(2)));
    }
}
