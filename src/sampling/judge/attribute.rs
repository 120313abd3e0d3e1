//! Policies on the value of an attribute, of a span or of its resource.

use super::cast::{Cast, Ground};
use super::features::Inverted;
use super::input::Input;
use super::rule::ValueCheck;
use super::single;
use crate::sampling::attribute;
use crate::sampling::vote::Vote;
use crate::trace::{Attributes, Field, Resource, Value};

/// The fields without which an attribute is not known.
const FIELDS: [Field; 10] = [
    Field::AttributeTypes,
    Field::ExactTypes,
    Field::Structures,
    Field::Resource,
    Field::Attributes,
    Field::MovedAttributes,
    Field::AttributeOrigin,
    Field::RewrittenAttributes,
    Field::TagFields,
    Field::Services,
];

pub(super) fn cast(
    key: &str,
    value: &ValueCheck,
    inverted: Option<Inverted>,
    input: Input<'_>,
) -> Cast {
    if let Some(lost) = single::lost(&FIELDS, input) {
        return lost;
    }
    let ground = find(key, value, input);
    let is_match = ground.is_some();
    let cast = Cast::of_match(
        is_match != inverted.is_some(),
        ground.unwrap_or(Ground::NoMatch),
    );
    match inverted {
        Some(Inverted::Veto) => cast.map(|vote| match vote {
            Vote::Sampled => Vote::InvertSampled,
            _ => Vote::InvertNotSampled,
        }),
        _ => cast,
    }
}

/// The first resource or span with the value.
fn find(key: &str, value: &ValueCheck, input: Input<'_>) -> Option<Ground> {
    let mut last: Option<&Resource> = None;
    for (at, span) in input.spans.iter().enumerate() {
        let resource = &*span.resource;
        let is_new = !last.is_some_and(|last| std::ptr::eq(last, resource));
        if is_new && value.matches(key, &resource.attributes, Owner::Resource) {
            return Some(Ground::Resource(at));
        }
        last = Some(resource);
        if value.matches(key, &span.attributes, Owner::Span) {
            return Some(Ground::Span(at));
        }
    }
    None
}

/// The owner of attributes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    Resource,
    Span,
}

impl ValueCheck {
    /// A value of another type is read as zero, as an empty string, or as false.
    fn matches(&self, key: &str, attributes: &Attributes, owner: Owner) -> bool {
        let Some(found) = attribute(attributes, key) else {
            return false;
        };
        match self {
            Self::Between(min, max) => {
                let number = match found {
                    Value::Int(number) => *number,
                    _ => 0,
                };
                (*min..=*max).contains(&number)
            }
            Self::Bool(wanted) => *wanted == matches!(found, Value::Bool(true)),
            Self::Text { exact, patterns } => {
                let text = found.as_str().unwrap_or_default();
                let is_read = owner == Owner::Resource || !text.is_empty();
                let matches = |pattern: &regex::Regex| pattern.is_match(text);
                is_read && (exact.contains(text) || patterns.iter().any(matches))
            }
        }
    }
}
