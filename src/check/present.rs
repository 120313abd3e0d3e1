//! The attributes of a span, a resource, an event or a link among the alternatives of a key.

use crate::spec::AttributeKey;
use crate::trace::{Attributes, Value};

/// The attributes that are present.
pub(super) enum Present<'v> {
    /// None of them.
    Nothing,
    /// One of them.
    One(&'v Value),
    /// Several of them, which meets no condition.
    Several,
}

impl<'v> Present<'v> {
    pub(super) fn of(attributes: &'v Attributes, key: &AttributeKey) -> Self {
        let mut values = key.names().filter_map(|name| attributes.get(name));
        match (values.next(), values.next()) {
            (None, _) => Self::Nothing,
            (Some(value), None) => Self::One(value),
            (Some(_), Some(_)) => Self::Several,
        }
    }
}

/// The value of the only alternative that is present.
pub(super) fn value_of<'v>(attributes: &'v Attributes, key: &AttributeKey) -> Option<&'v Value> {
    match Present::of(attributes, key) {
        Present::One(value) => Some(value),
        Present::Nothing | Present::Several => None,
    }
}

/// The alternatives that are present, with their values.
pub(super) fn all_of<'v>(
    attributes: &'v Attributes,
    key: &AttributeKey,
) -> impl Iterator<Item = (&'v str, &'v Value)> {
    attributes
        .iter()
        .filter(|(name, _)| key.names().any(|one| one == *name))
}
