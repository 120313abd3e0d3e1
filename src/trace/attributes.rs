//! The attributes of a span, resource, scope, event or link.

use std::sync::Arc;

use super::Value;
use super::value::lookup;

/// Keys and values in the order in which the exporter sent them; cheap to clone, for a trace is
/// put together anew whenever a part of it arrives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attributes(Arc<[(String, Value)]>);

impl Attributes {
    /// The value of this key; of a repeated key, the first.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        lookup(&self.0, key)
    }

    /// All keys and values.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<K: Into<String>, V: Into<Value>> FromIterator<(K, V)> for Attributes {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        Self(
            entries
                .into_iter()
                .map(|(key, value)| (key.into(), value.into()))
                .collect(),
        )
    }
}
