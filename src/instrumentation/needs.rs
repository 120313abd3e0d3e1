//! The fields that rules need, some of which sources lose.

use super::Rule;
use crate::trace::Field;

/// The fields without which a fault can be hidden from a rule.
pub(super) fn needed(rule: Rule) -> &'static [Field] {
    match rule {
        Rule::SecretInAttribute | Rule::PersonalData => {
            &[Field::Attributes, Field::Events, Field::Resource]
        }
        Rule::ErrorWithoutStatus => &[
            Field::Status,
            Field::Kind,
            Field::Attributes,
            Field::MovedAttributes,
        ],
        Rule::ExceptionSwallowed => &[Field::Status, Field::Events],
        Rule::SpanPerFunction => &[Field::Durations, Field::Kind],
        other => misleading(other),
    }
}

/// The fields without which a rule can find faults that do not exist.
pub(super) fn misleading(rule: Rule) -> &'static [Field] {
    match rule {
        Rule::BrokenPropagation
        | Rule::ContextLostInCallback
        | Rule::MissingEntry
        | Rule::Orphan
        | Rule::ClientWithoutServer => &[Field::Kind, Field::Parents],
        Rule::AsyncWithoutLink => &[Field::Kind, Field::Parents, Field::Links],
        Rule::TooManySpans | Rule::NameWithIds => &[Field::Names],
        Rule::SpanPerFunction | Rule::UnendedDuration | Rule::ZeroDuration => &[Field::Durations],
        Rule::NoServiceName | Rule::UnknownService => &[Field::Services],
        Rule::NoVersion => &[Field::Resource],
        Rule::UncorrelatedLogs => &[Field::LogRecords],
        Rule::ErrorWithoutStatus | Rule::ExceptionSwallowed => &[Field::Status, Field::Kind],
        Rule::StatusWithoutError => &[
            Field::Status,
            Field::StatusMessage,
            Field::Kind,
            Field::Attributes,
            Field::MovedAttributes,
            Field::Events,
        ],
        Rule::ClockSkew => &[Field::Starts],
        Rule::ConventionsOld => &[Field::Attributes, Field::MovedAttributes],
        Rule::ConventionsMissing => &[Field::Attributes, Field::MovedAttributes, Field::Kind],
        Rule::OverSampled
        | Rule::DroppedAttributes
        | Rule::SecretInAttribute
        | Rule::PersonalData
        | Rule::Weaver => &[],
    }
}
