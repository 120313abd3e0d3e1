//! Spans described in Rust: what `find`, and the keys beside it, are in a spec.

use super::impossible;
use super::value::{IntoCount, IntoDurations, IntoMatcher};
use crate::spec::{
    Ask, AttributeKey, Choice, EventPattern, Limits, Location, Matcher, Pattern, Place, Relation,
    Relative, Selector, Source, SpanCondition, SpanType, Take,
};
use crate::trace::{SpanKind, StatusCode};

/// Describes spans: those that meet every condition. Each method adds one, and is called as the
/// key of a spec is. A method panics if no span can meet its condition: `ms(5)..ms(1)`, or two names.
///
/// ```
/// use spanspec::prelude::*;
///
/// let charged = span("process_payment")
///     .below(service("order"))
///     .attribute("payment.method", "card")
///     .duration(..ms(600));
/// # let trace = spanspec::Trace::assemble(spanspec::TraceId::random(), spanspec::Origin::Foreign, []);
/// assert_eq!(trace.select(charged).len(), 0);
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "it only describes spans"]
pub struct SpanPattern {
    asks: Vec<Ask>,
    take: Option<Take>,
    count: Option<Limits<u64>>,
}

/// Every span.
pub fn any_span() -> SpanPattern {
    SpanPattern::default()
}

/// The spans of this name.
#[track_caller]
pub fn span(name: impl IntoMatcher) -> SpanPattern {
    any_span().name(name)
}

/// The spans of this service.
#[track_caller]
pub fn service(name: impl IntoMatcher) -> SpanPattern {
    any_span().service(name)
}

#[track_caller]
pub(super) fn attribute_key(written: &str) -> AttributeKey {
    match AttributeKey::parse(written) {
        Ok(key) => key,
        Err(error) => panic!("{error}: `{written}`"),
    }
}

impl From<&str> for SpanPattern {
    fn from(name: &str) -> Self {
        span(name)
    }
}

impl From<String> for SpanPattern {
    fn from(name: String) -> Self {
        span(name)
    }
}

impl From<Matcher> for SpanPattern {
    fn from(name: Matcher) -> Self {
        span(name)
    }
}

impl SpanPattern {
    /// Its name.
    #[track_caller]
    pub fn name(self, name: impl IntoMatcher) -> Self {
        self.and(Ask::Name(name.into_matcher()))
    }

    /// `service.name` of its resource.
    #[track_caller]
    pub fn service(self, name: impl IntoMatcher) -> Self {
        self.and(Ask::Service(name.into_matcher()))
    }

    /// The name of its instrumentation scope.
    #[track_caller]
    pub fn scope(self, name: impl IntoMatcher) -> Self {
        self.and(Ask::Scope(name.into_matcher()))
    }

    /// The message of its status.
    #[track_caller]
    pub fn status_message(self, message: impl IntoMatcher) -> Self {
        self.and(Ask::StatusMessage(message.into_matcher()))
    }

    /// An attribute. The key can have alternatives: `http.response.status_code | http.status_code`.
    #[track_caller]
    pub fn attribute(self, key: impl Into<String>, value: impl IntoMatcher) -> Self {
        self.and(Ask::Attribute(
            attribute_key(&key.into()),
            value.into_matcher(),
        ))
    }

    /// An attribute of its resource.
    #[track_caller]
    pub fn resource(self, key: impl Into<String>, value: impl IntoMatcher) -> Self {
        self.and(Ask::Resource(
            attribute_key(&key.into()),
            value.into_matcher(),
        ))
    }

    /// Which side of a call it stands for.
    #[track_caller]
    pub fn kind(self, kind: SpanKind) -> Self {
        let written = kind.as_str().to_owned();
        let allowed = vec![kind];
        self.and(Ask::Kind(Choice { allowed, written }))
    }

    /// Its type, by the attributes that the semantic conventions require.
    #[track_caller]
    pub fn of_type(self, kind: SpanType) -> Self {
        let written = kind.name().to_owned();
        let allowed = vec![kind];
        self.and(Ask::Type(Choice { allowed, written }))
    }

    /// Its status.
    #[track_caller]
    pub fn status(self, code: StatusCode) -> Self {
        let written = code.as_str().to_owned();
        let allowed = vec![code];
        self.and(Ask::Status(Choice { allowed, written }))
    }

    /// A status other than this.
    #[track_caller]
    pub fn status_other_than(self, code: StatusCode) -> Self {
        let others = StatusCode::ALL.into_iter().filter(|other| *other != code);
        let (allowed, written) = (others.collect(), format!("not {}", code.as_str()));
        self.and(Ask::Status(Choice { allowed, written }))
    }

    /// Its duration.
    #[track_caller]
    pub fn duration(self, limits: impl IntoDurations) -> Self {
        self.and(Ask::Duration(limits.into_durations()))
    }

    /// Its duration without its children.
    #[track_caller]
    pub fn self_time(self, limits: impl IntoDurations) -> Self {
        self.and(Ask::SelfTime(limits.into_durations()))
    }

    /// It has an event of this name.
    #[track_caller]
    pub fn event(self, name: impl IntoMatcher) -> Self {
        self.and(Ask::Event(EventPattern {
            name: Some(name.into_matcher()),
            attributes: Vec::new(),
            count: Limits::at_least(1),
        }))
    }

    /// Its number of links.
    #[track_caller]
    pub fn links(self, count: impl IntoCount) -> Self {
        self.and(Ask::LinkCount(count.into_count()))
    }

    /// It has an ancestor like this.
    #[track_caller]
    pub fn below(self, other: impl Into<Self>) -> Self {
        self.related(Relative::Below, other)
    }

    /// It has a descendant like this.
    #[track_caller]
    pub fn above(self, other: impl Into<Self>) -> Self {
        self.related(Relative::Above, other)
    }

    /// Its parent is like this.
    #[track_caller]
    pub fn child_of(self, other: impl Into<Self>) -> Self {
        self.related(Relative::ChildOf, other)
    }

    /// It has a child like this.
    #[track_caller]
    pub fn parent_of(self, other: impl Into<Self>) -> Self {
        self.related(Relative::ParentOf, other)
    }

    /// It starts after the end of every span like this, and there is one.
    ///
    /// # Panics
    /// If [`times`](Self::times) permits none of them.
    #[track_caller]
    pub fn after(self, other: impl Into<Self>) -> Self {
        self.in_time(Relative::After, other)
    }

    /// It ends before the start of every span like this, and there is one.
    ///
    /// # Panics
    /// If [`times`](Self::times) permits none of them.
    #[track_caller]
    pub fn before(self, other: impl Into<Self>) -> Self {
        self.in_time(Relative::Before, other)
    }

    /// It is in a trace that a link ties to a span like this.
    #[track_caller]
    pub fn linked_to(self, other: impl Into<Self>) -> Self {
        self.related(Relative::LinkedTo, other)
    }

    /// An ancestor is like this, or a link of it or of an ancestor leads to such a span, at any number of
    /// hops.
    #[track_caller]
    pub fn caused_by(self, other: impl Into<Self>) -> Self {
        self.related(Relative::CausedBy, other)
    }

    /// For the other span of a relation: this number of spans, instead of at least one.
    /// `below(service("gateway").times(0))` is "not below".
    #[track_caller]
    pub fn times(mut self, count: impl IntoCount) -> Self {
        self.count = Some(count.into_count());
        self
    }

    /// Of those that meet all conditions, only the one that started first.
    pub fn first(mut self) -> Self {
        self.take = Some(Take::First);
        self
    }

    /// Of those that meet all conditions, only the one that started last.
    pub fn last(mut self) -> Self {
        self.take = Some(Take::Last);
        self
    }

    /// # Panics
    /// If no span can meet the condition: such a pattern would be a mistake in any assertion.
    #[track_caller]
    fn and(mut self, ask: Ask) -> Self {
        if let Some(why) = impossible::condition(&ask) {
            panic!("{why}");
        }
        self.asks.push(ask);
        self
    }

    /// Compares with all of the other spans at once, so that a number that permits none would also
    /// hold where only some of them are on the wrong side.
    #[track_caller]
    fn in_time(self, place: Relative, other: impl Into<Self>) -> Self {
        let other: Self = other.into();
        assert!(
            !other.count.as_ref().is_some_and(|count| count.contains(0)),
            "`{}` compares with spans that are there, and this `times` permits none: use the other order, or assert_no_span!",
            place.key()
        );
        self.related(place, other)
    }

    #[track_caller]
    fn related(self, place: Relative, other: impl Into<Self>) -> Self {
        let other: Self = other.into();
        other.refuse_contradiction();
        let count = other.count.clone().unwrap_or_else(|| Limits::at_least(1));
        self.and(Ask::Relation(Box::new(Relation {
            place,
            other: Pattern::Selector(other.selector(&nowhere())),
            count,
        })))
    }

    /// # Panics
    /// If no span meets all conditions at once.
    #[track_caller]
    fn refuse_contradiction(&self) {
        if let Some(why) = impossible::together(self.asks.iter()) {
            panic!("{why}");
        }
    }

    /// As a description of the spans themselves, not of those in a relation.
    ///
    /// # Panics
    /// If it has a number of spans, which would be ignored, or if no span can meet it.
    #[track_caller]
    pub(super) fn outermost(self) -> Self {
        assert!(
            self.count.is_none(),
            "`times` counts the other spans of a relation: to count the spans themselves, write `assert_span!(…, count: …)`"
        );
        self.refuse_contradiction();
        self
    }

    /// Its conditions, each with the same place.
    pub(super) fn conditions(self, at: &Location) -> Vec<SpanCondition> {
        let at = |ask| SpanCondition {
            ask,
            at: at.clone(),
        };
        self.asks.into_iter().map(at).collect()
    }

    pub(super) fn selector(self, at: &Location) -> Selector {
        Selector {
            take: self.take,
            conditions: self.conditions(at),
        }
    }
}

/// The place of something that no file says.
pub(super) fn nowhere() -> Location {
    Source::new("", "").at(Place::default())
}
