//! Selectors of spans, and conditions on spans.

use std::fmt;

use super::{Aggregate, AttributeKey, Limits, Location, Matcher};
use crate::trace::{Field, Nanos, SpanKind, StatusCode};

/// Selects spans: those that meet every condition.
#[derive(Clone, Debug)]
pub struct Selector {
    /// An empty list selects every span.
    pub conditions: Vec<SpanCondition>,
    /// Selects one of the spans that meet them.
    pub take: Option<Take>,
}

/// One of several spans, by start time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Take {
    /// The earliest.
    First,
    /// The latest.
    Last,
    /// The n-th, from 1.
    Number(usize),
}

/// A condition on a span, with its place in the spec.
#[derive(Clone, Debug)]
pub struct SpanCondition {
    /// The condition.
    pub ask: Ask,
    /// Its place in the spec.
    pub at: Location,
}

/// A condition on a span.
#[derive(Clone, Debug)]
pub enum Ask {
    /// Its name.
    Name(Matcher),
    /// `service.name` of its resource.
    Service(Matcher),
    /// The name of its instrumentation scope.
    Scope(Matcher),
    /// The message of its status.
    StatusMessage(Matcher),
    /// Its kind is one of these.
    Kind(Choice<SpanKind>),
    /// It is of one of these types.
    Type(Choice<SpanType>),
    /// Its status is one of these.
    Status(Choice<StatusCode>),
    /// An attribute.
    Attribute(AttributeKey, Matcher),
    /// An attribute of its resource.
    Resource(AttributeKey, Matcher),
    /// Its duration.
    Duration(Limits<Nanos>),
    /// Its duration without its direct children.
    SelfTime(Limits<Nanos>),
    /// An event.
    Event(EventPattern),
    /// The number of its links.
    LinkCount(Limits<u64>),
    /// A link.
    Link(Box<LinkPattern>),
    /// A relation to other spans.
    Relation(Box<Relation>),
    /// All conditions of at least one of these lists.
    AnyOf(Vec<Vec<SpanCondition>>),
}

/// One of a closed set of words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice<T> {
    /// The accepted words.
    pub allowed: Vec<T>,
    /// Text for messages: `error`, `not error`, `one of unset, ok`.
    pub written: String,
}

/// A class of spans, recognised by attributes that the semantic conventions require.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanType {
    /// HTTP.
    Http,
    /// Remote procedure calls.
    Rpc,
    /// Databases.
    Db,
    /// Messaging.
    Messaging,
    /// Functions as a service.
    Faas,
    /// Generative AI.
    GenAi,
}

/// An expected event of a span.
#[derive(Clone, Debug)]
pub struct EventPattern {
    /// Its name. `None` for any.
    pub name: Option<Matcher>,
    /// Its attributes.
    pub attributes: Vec<(AttributeKey, Matcher)>,
    /// Number of events that match.
    pub count: Limits<u64>,
}

/// An expected link of a span.
#[derive(Clone, Debug)]
pub struct LinkPattern {
    /// The linked span. `None` for any, also one that did not arrive.
    pub to: Option<Pattern>,
    /// Its attributes.
    pub attributes: Vec<(AttributeKey, Matcher)>,
    /// Number of links that match.
    pub count: Limits<u64>,
}

/// A relation to other spans.
#[derive(Clone, Debug)]
pub struct Relation {
    /// The kind of relation.
    pub place: Relative,
    /// The other span.
    pub other: Pattern,
    /// Number of spans that match.
    pub count: Limits<u64>,
}

/// The relation of another span to the checked one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relative {
    /// An ancestor.
    Below,
    /// A descendant.
    Above,
    /// The parent.
    ChildOf,
    /// A child.
    ParentOf,
    /// Ended before the checked span starts.
    After,
    /// Starts after the checked span ended.
    Before,
    /// Connected by a link with the trace of the checked span.
    LinkedTo,
    /// An ancestor, or reached by a link of the checked span or of an ancestor, at any number of hops.
    CausedBy,
}

/// Other spans: a selector, or the spans of another entry.
#[derive(Clone, Debug)]
pub enum Pattern {
    /// A selector.
    Selector(Selector),
    /// The spans of the entry with this `id` in the same `expect`.
    Entry {
        /// The id without `$`.
        id: String,
        /// Index of the entry in `spans`.
        index: usize,
    },
    /// The trigger, in `caused_by`: no span, but the context that it sent.
    Trigger,
}

/// An entry of `spans`.
#[derive(Clone, Debug)]
pub struct SpanEntry {
    /// The named receiver whose records it is about; `None` for all.
    pub receiver: Option<String>,
    /// The selector.
    pub find: Selector,
    /// Number of spans that match.
    pub count: Limits<u64>,
    /// Place of `count`, or of `find` without a `count`.
    pub count_at: Location,
    /// Conditions for each of the spans.
    pub each: Vec<SpanCondition>,
    /// Expectations for all of the spans together.
    pub aggregates: Vec<Aggregate>,
    /// Place of the entry in the spec.
    pub at: Location,
}

impl SpanType {
    /// All types, with their names in specs.
    pub const ALL: [(&'static str, Self); 6] = [
        ("http", Self::Http),
        ("rpc", Self::Rpc),
        ("db", Self::Db),
        ("messaging", Self::Messaging),
        ("faas", Self::Faas),
        ("gen_ai", Self::GenAi),
    ];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(_, each)| *each == self)
            .map_or("", |(name, _)| name)
    }

    /// The attributes of which one is enough for this type: those that OpenTelemetry's semantic
    /// conventions require, the current name first, then older ones.
    #[must_use]
    pub fn identified_by(self) -> &'static [&'static str] {
        match self {
            Self::Http => &["http.request.method", "http.method"],
            Self::Rpc => &["rpc.system.name", "rpc.system"],
            Self::Db => &["db.system.name", "db.system"],
            Self::Messaging => &["messaging.system"],
            Self::Faas => &[
                "faas.trigger",
                "faas.invoked_name",
                "faas.invocation_id",
                "faas.execution",
            ],
            Self::GenAi => &[
                "gen_ai.operation.name",
                "gen_ai.provider.name",
                "gen_ai.system",
            ],
        }
    }
}

impl SpanEntry {
    /// Returns `true` if the arrival of spans can prove it, whatever else arrives: a number of spans without an
    /// upper bound.
    pub(crate) fn is_satisfied_by_arrival(&self) -> bool {
        self.each.is_empty() && self.aggregates.is_empty() && self.count.has_no_greatest()
    }

    /// Returns `true` if a condition counts exceptions, which services also send as log records.
    pub(crate) fn has_exceptions(&self) -> bool {
        let mut all = self.find.conditions.iter().chain(&self.each);
        all.any(|condition| condition.ask.has_exceptions())
    }
}

impl EventPattern {
    /// Returns `true` if an event with the name `exception` can meet it. Services also send exceptions as
    /// log records.
    #[must_use]
    pub fn may_be_exception(&self) -> bool {
        match &self.name {
            Some(Matcher::Equal(name)) => name.as_str() == Some(EXCEPTION),
            _ => true,
        }
    }
}

/// The name of the event of an exception.
pub(crate) const EXCEPTION: &str = "exception";

impl Relative {
    /// All relations, with their keys in specs.
    pub const ALL: [(&'static str, Self); 8] = [
        ("below", Self::Below),
        ("above", Self::Above),
        ("child_of", Self::ChildOf),
        ("parent_of", Self::ParentOf),
        ("after", Self::After),
        ("before", Self::Before),
        ("linked_to", Self::LinkedTo),
        ("caused_by", Self::CausedBy),
    ];

    /// Its key in a spec.
    #[must_use]
    pub fn key(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(_, each)| *each == self)
            .map_or("", |(key, _)| key)
    }

    /// Returns `true` if the other span can be in a linked trace.
    pub(crate) fn follows_links(self) -> bool {
        matches!(self, Self::LinkedTo | Self::CausedBy)
    }
}

impl Pattern {
    fn follows_links(&self) -> bool {
        match self {
            Self::Selector(selector) => selector.follows_links(),
            // Conditions of the entry itself decide.
            Self::Entry { .. } | Self::Trigger => false,
        }
    }
}

impl Selector {
    /// The conditions, also those in `any_of`.
    pub(crate) fn all_conditions(&self) -> Vec<&SpanCondition> {
        let mut all: Vec<&SpanCondition> = self.conditions.iter().collect();
        let mut next = 0;
        while let Some(condition) = all.get(next) {
            if let Ask::AnyOf(alternatives) = &condition.ask {
                all.extend(alternatives.iter().flatten());
            }
            next += 1;
        }
        all
    }

    /// Returns `true` if it can select spans of linked traces: with `linked_to` or `caused_by` at any
    /// depth.
    #[must_use]
    pub fn follows_links(&self) -> bool {
        let mut conditions = self.conditions.iter();
        conditions.any(|condition| condition.ask.follows_links())
    }

    /// Returns `true` if it selects only CONSUMER spans.
    #[must_use]
    pub fn is_of_consumers(&self) -> bool {
        let is_of_consumers = |condition: &SpanCondition| match &condition.ask {
            Ask::Kind(choice) => choice.allowed == [SpanKind::Consumer],
            _ => false,
        };
        self.conditions.iter().any(is_of_consumers)
    }

    /// Returns `true` if a condition counts exceptions, which services also send as log records.
    pub(crate) fn has_exceptions(&self) -> bool {
        let mut conditions = self.conditions.iter();
        conditions.any(|condition| condition.ask.has_exceptions())
    }

    /// The name, if the selector requires exactly one.
    #[must_use]
    pub fn exact_name(&self) -> Option<&str> {
        self.conditions
            .iter()
            .find_map(|condition| match &condition.ask {
                Ask::Name(Matcher::Equal(name)) => name.as_str(),
                _ => None,
            })
    }
}

impl Ask {
    /// Returns `true` if it has `linked_to` or `caused_by` at any depth.
    #[must_use]
    pub fn follows_links(&self) -> bool {
        match self {
            Self::Relation(relation) => {
                relation.place.follows_links() || relation.other.follows_links()
            }
            Self::Link(link) => link.to.as_ref().is_some_and(Pattern::follows_links),
            Self::AnyOf(alternatives) => {
                let mut all = alternatives.iter().flatten();
                all.any(|condition| condition.ask.follows_links())
            }
            _ => false,
        }
    }

    /// Returns `true` if it counts exceptions, at any depth.
    pub(crate) fn has_exceptions(&self) -> bool {
        let in_pattern = |pattern: &Pattern| match pattern {
            Pattern::Selector(selector) => selector.has_exceptions(),
            // It has conditions of its own.
            Pattern::Entry { .. } | Pattern::Trigger => false,
        };
        match self {
            Self::Event(pattern) => pattern.may_be_exception(),
            Self::Relation(relation) => in_pattern(&relation.other),
            Self::Link(link) => link.to.as_ref().is_some_and(in_pattern),
            Self::AnyOf(alternatives) => {
                let mut all = alternatives.iter().flatten();
                all.any(|condition| condition.ask.has_exceptions())
            }
            _ => false,
        }
    }

    /// The field that it needs, if a source may lose it. Each alternative of `any_of` needs others.
    pub(crate) fn field(&self) -> Option<Field> {
        match self {
            Self::Name(_) => Some(Field::Names),
            Self::Attribute(..) | Self::Type(_) => Some(Field::Attributes),
            Self::Duration(_) | Self::SelfTime(_) => Some(Field::Durations),
            Self::Status(_) => Some(Field::Status),
            Self::Scope(_) => Some(Field::Scope),
            Self::StatusMessage(_) => Some(Field::StatusMessage),
            Self::Kind(_) => Some(Field::Kind),
            Self::Resource(..) => Some(Field::Resource),
            Self::Event(_) => Some(Field::Events),
            Self::LinkCount(_) | Self::Link(_) => Some(Field::Links),
            Self::Relation(relation) => {
                (relation.place == Relative::LinkedTo).then_some(Field::Links)
            }
            Self::Service(_) | Self::AnyOf(_) => None,
        }
    }

    /// The subject of the condition in messages.
    #[must_use]
    pub fn subject(&self) -> String {
        match self {
            Self::Name(_) => "name".to_owned(),
            Self::Service(_) => "service".to_owned(),
            Self::Scope(_) => "scope".to_owned(),
            Self::StatusMessage(_) => "status message".to_owned(),
            Self::Kind(_) => "kind".to_owned(),
            Self::Type(_) => "type".to_owned(),
            Self::Status(_) => "status".to_owned(),
            Self::Attribute(key, _) => format!("attribute `{key}`"),
            Self::Resource(key, _) => format!("resource attribute `{key}`"),
            Self::Duration(_) => "duration".to_owned(),
            Self::SelfTime(_) => "self time".to_owned(),
            Self::Event(pattern) => match &pattern.name {
                Some(Matcher::Equal(name)) => format!("event `{}`", name.to_text()),
                Some(name) => format!("event {name}"),
                None => "event".to_owned(),
            },
            Self::LinkCount(_) => "number of links".to_owned(),
            Self::Link(_) => "link".to_owned(),
            Self::Relation(relation) => format!("`{}`", relation.place.key()),
            Self::AnyOf(_) => "`any_of`".to_owned(),
        }
    }

    /// The expectation, as messages have it after `expected`.
    #[must_use]
    pub fn expected(&self) -> String {
        match self {
            Self::Name(matcher)
            | Self::Service(matcher)
            | Self::Scope(matcher)
            | Self::StatusMessage(matcher)
            | Self::Attribute(_, matcher)
            | Self::Resource(_, matcher) => matcher.to_string(),
            Self::Kind(choice) => choice.written.clone(),
            Self::Type(choice) => choice.written.clone(),
            Self::Status(choice) => choice.written.clone(),
            Self::Duration(limits) | Self::SelfTime(limits) => limits.to_string(),
            Self::Event(pattern) => {
                let count = pattern.count.in_words();
                format!("{count}{}", with_attributes(&pattern.attributes))
            }
            Self::LinkCount(count) => count.in_words(),
            Self::Link(link) => {
                let to = link
                    .to
                    .as_ref()
                    .map_or_else(String::new, |to| format!(" to {to}"));
                let count = link.count.in_words();
                format!("{count}{to}{}", with_attributes(&link.attributes))
            }
            Self::Relation(relation) => {
                if relation.count == Limits::at_least(1) {
                    relation.other.to_string()
                } else {
                    format!("{} of {}", relation.count.in_words(), relation.other)
                }
            }
            Self::AnyOf(alternatives) => {
                let each = alternatives.iter().map(|one| match one.as_slice() {
                    [only] => in_words(only),
                    several => braced(several),
                });
                each.collect::<Vec<_>>().join(" or ")
            }
        }
    }
}

fn in_words(condition: &SpanCondition) -> String {
    format!("{} {}", condition.ask.subject(), condition.ask.expected())
}

fn braced(conditions: &[SpanCondition]) -> String {
    let each: Vec<String> = conditions.iter().map(in_words).collect();
    format!("{{ {} }}", each.join(", "))
}

fn with_attributes(attributes: &[(AttributeKey, Matcher)]) -> String {
    if attributes.is_empty() {
        return String::new();
    }
    let each: Vec<String> = attributes
        .iter()
        .map(|(key, matcher)| format!("`{key}` {matcher}"))
        .collect();
    format!(" with {}", each.join(", "))
}

/// In words: ``name "process_payment", service "payment"``.
impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(take) = self.take {
            match take {
                Take::First => f.write_str("the first of ")?,
                Take::Last => f.write_str("the last of ")?,
                Take::Number(number) => write!(f, "number {number} of ")?,
            }
        }
        match self.conditions.as_slice() {
            [] => f.write_str("any span"),
            [
                SpanCondition {
                    ask: Ask::Name(Matcher::Equal(name)),
                    ..
                },
            ] => {
                write!(f, "`{}`", name.to_text())
            }
            conditions => f.write_str(&braced(conditions)),
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Selector(selector) => selector.fmt(f),
            Self::Entry { id, .. } => write!(f, "`${id}`"),
            Self::Trigger => f.write_str("the trigger"),
        }
    }
}
