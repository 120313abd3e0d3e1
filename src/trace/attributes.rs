//! The attributes of a span, resource, scope, event or link.

use std::sync::Arc;

use super::Value;
use super::value::lookup;

/// Keys and values in the order in which the exporter sent them; cheap to clone, for a trace is
/// put together anew whenever a part of it arrives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attributes {
    entries: Arc<[(String, Value)]>,
    dropped: u32,
}

impl Attributes {
    /// The value of this key; of a repeated key, the first.
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

    /// The number of attributes that are missing here: dropped by the SDK for a limit, as
    /// `dropped_attributes_count` states, or by us because they could not be decoded.
    #[must_use]
    pub fn dropped(&self) -> u32 {
        self.dropped
    }

    /// The same attributes with this number of dropped ones.
    #[must_use]
    pub fn with_dropped(self, dropped: u32) -> Self {
        Self { dropped, ..self }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl<K: Into<String>, V: Into<Value>> FromIterator<(K, V)> for Attributes {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let entries = entries.into_iter();
        Self {
            entries: entries
                .map(|(key, value)| (key.into(), value.into()))
                .collect(),
            dropped: 0,
        }
    }
}
