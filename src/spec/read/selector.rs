//! Selectors and conditions on spans.

use std::collections::HashMap;

use super::{Reader, Refusal};
use crate::spec::keys;
use crate::spec::selector::{
    Ask, Choice, EventPattern, LinkPattern, Pattern, Relation, Relative, Selector, SpanCondition,
    SpanType, Take,
};
use crate::spec::{AttributeKey, Limits, Matcher};
use crate::trace::{SpanKind, StatusCode};
use crate::yaml::suggest;
use crate::yaml::{Entry, Kind, Node};

/// The word for the trigger in `caused_by`.
const TRIGGER: &str = "trigger";

/// The indices of the entries of `spans` with an `id`.
pub(crate) type EntryIds = HashMap<String, usize>;

impl Reader<'_> {
    /// A selector: the name of spans, or a map of conditions.
    pub(crate) fn selector(&self, node: &Node, ids: &EntryIds) -> Option<Selector> {
        match &node.kind {
            Kind::Scalar(_) => {
                let ask = Ask::Name(self.name_matcher(node)?);
                let at = self.at(node.place);
                Some(Selector {
                    conditions: vec![SpanCondition { ask, at }],
                    take: None,
                })
            }
            Kind::List(_) => self.wrong(
                node.place,
                "a span must be a name or a map, found a list",
                "a list",
                "write a name, or `{ name: [a, b] }` for one of several names",
            ),
            Kind::Map(entries) => {
                let mut keys = entries.iter().map(|entry| &entry.key);
                if let Some(key) = keys.find(|key| keys::SPAN_AGGREGATES.contains(&key.text)) {
                    return self.wrong(
                        key.place,
                        format!("`{}` is about all spans that `find` selects", key.text),
                        "inside a span",
                        format!("move it beside `find`: `{{ find: …, {}: … }}`", key.text),
                    );
                }
                self.map(node, "a span", keys::SELECTOR)?;
                let conditions = self.conditions(entries, ids);
                let take = match node.get("take") {
                    Some(take) => Some(self.take(take)?),
                    None => None,
                };
                Some(Selector {
                    conditions: conditions?,
                    take,
                })
            }
        }
    }

    /// The conditions among these entries. Other keys are skipped.
    pub(crate) fn conditions(
        &self,
        entries: &[Entry],
        ids: &EntryIds,
    ) -> Option<Vec<SpanCondition>> {
        let asked: Vec<&Entry> = entries
            .iter()
            .filter(|entry| keys::SPAN.contains(&entry.key.text))
            .collect();
        let read = self.all(&asked, |entry| self.condition(entry, ids))?;
        Some(read.into_iter().flatten().collect())
    }

    fn condition(&self, entry: &Entry, ids: &EntryIds) -> Option<Vec<SpanCondition>> {
        let node = &entry.value;
        let one = |ask: Ask| {
            vec![SpanCondition {
                ask,
                at: self.at(node.place),
            }]
        };
        let key = entry.key.text.as_str();
        if let Some((_, place)) = Relative::ALL.iter().find(|(name, _)| *name == key) {
            return self.relation(*place, node, ids).map(one);
        }
        match key {
            "name" => self.name_matcher(node).map(Ask::Name).map(one),
            "service" => self.service_name(node).map(Ask::Service).map(one),
            "scope" => self.text_matcher(node).map(Ask::Scope).map(one),
            "status_message" => self.text_matcher(node).map(Ask::StatusMessage).map(one),
            "kind" => {
                let all = SpanKind::ALL.map(|kind| (kind.as_str(), kind));
                self.choice(node, "a kind", &all).map(Ask::Kind).map(one)
            }
            "type" => self
                .choice(node, "a type", &SpanType::ALL)
                .map(Ask::Type)
                .map(one),
            "status" => {
                let all = StatusCode::ALL.map(|code| (code.as_str(), code));
                self.choice(node, "a status", &all)
                    .map(Ask::Status)
                    .map(one)
            }
            "attributes" => self.keyed(node, "`attributes`", Ask::Attribute),
            "resource" => self.keyed(node, "`resource`", Ask::Resource),
            "duration" => self
                .duration_limits(node, "a duration")
                .map(Ask::Duration)
                .map(one),
            "self_time" => self
                .duration_limits(node, "a self time")
                .map(Ask::SelfTime)
                .map(one),
            "events" => self.events(node),
            "links" => self.links(node, ids),
            "any_of" => self.any_of(node, ids).map(one),
            _ => None,
        }
    }

    /// A list of maps of conditions, at least one of which a span meets.
    fn any_of(&self, node: &Node, ids: &EntryIds) -> Option<Ask> {
        let items = self.list(node, "`any_of`")?;
        let alternatives = self.all(items, |item| self.alternative(item, ids));
        if let [] | [_] = items {
            let (what, label) = match items {
                [] => ("`any_of` is empty", "empty"),
                _ => ("`any_of` has only one alternative", "only one"),
            };
            let help =
                "list two or more maps of conditions, or write the conditions without `any_of`";
            return self.wrong(node.place, what, label, help);
        }
        alternatives.map(Ask::AnyOf)
    }

    fn alternative(&self, node: &Node, ids: &EntryIds) -> Option<Vec<SpanCondition>> {
        if let Kind::Scalar(scalar) = &node.kind {
            return self.wrong(
                node.place,
                format!(
                    "an alternative of `any_of` must be a map, found `{}`",
                    scalar.text
                ),
                "not a map",
                format!("write a condition, such as `{{ name: {} }}`", scalar.text),
            );
        }
        let entries = self.map(node, "an alternative of `any_of`", keys::SPAN)?;
        if entries.is_empty() {
            return self.wrong(
                node.place,
                "every span meets this alternative, because it is empty",
                "empty",
                "add a condition, or remove `any_of`",
            );
        }
        self.conditions(entries, ids)
    }

    /// A `service.name`.
    pub(super) fn service_name(&self, node: &Node) -> Option<Matcher> {
        let matcher = self.name_matcher(node)?;
        self.refuse_matcher_left_out(&matcher, node)?;
        Some(matcher)
    }

    fn keyed(
        &self,
        node: &Node,
        what: &str,
        ask: fn(AttributeKey, Matcher) -> Ask,
    ) -> Option<Vec<SpanCondition>> {
        let entries = self.any_map(node, what)?;
        if entries.is_empty() {
            return self.wrong(
                node.place,
                format!("{what} is empty"),
                "empty",
                "add an entry, or remove this",
            );
        }
        self.all(entries, |entry| {
            let matcher = self.matcher(&entry.value)?;
            let ask = ask(self.attribute_key(entry)?, matcher);
            if let Ask::Resource(key, matcher) = &ask
                && key.names().any(|name| name == "service.name")
            {
                self.refuse_matcher_left_out(matcher, &entry.value)?;
            }
            let at = self.at(entry.value.place);
            Some(SpanCondition { ask, at })
        })
    }

    /// A word of a closed set, a list of them, or `{ not: … }`.
    pub(super) fn choice<T: Copy + PartialEq>(
        &self,
        node: &Node,
        what: &str,
        all: &[(&'static str, T)],
    ) -> Option<Choice<T>> {
        match &node.kind {
            Kind::Scalar(_) => {
                let any = Choice {
                    allowed: Vec::new(),
                    written: String::new(),
                };
                self.parse(node, what, any, |text| {
                    let found = all.iter().find(|(name, _)| *name == text).ok_or_else(|| {
                        let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
                        let help = match text.strip_prefix("!=") {
                            Some(other) => format!("write `{{ not: {} }}`", other.trim()),
                            None => suggest(text, &names),
                        };
                        Refusal::new(format!("`{text}` is not {what}"), help)
                    })?;
                    Ok(Choice {
                        allowed: vec![found.1],
                        written: found.0.to_owned(),
                    })
                })
            }
            Kind::List(items) if !items.is_empty() => {
                let each = self.all(items, |item| self.choice(item, what, all))?;
                let written: Vec<&str> = each.iter().map(|one| one.written.as_str()).collect();
                let written = format!("one of {}", written.join(", "));
                Some(Choice {
                    written,
                    allowed: each.into_iter().flat_map(|one| one.allowed).collect(),
                })
            }
            Kind::Map(entries) if entries.len() == 1 => {
                let entries = self.map(node, what, keys::CHOICE)?;
                let inner = entries.first().filter(|entry| entry.key.text == "not")?;
                let refused = self.choice(&inner.value, what, all)?;
                let others = all.iter().map(|(_, each)| *each);
                Some(Choice {
                    allowed: others
                        .filter(|each| !refused.allowed.contains(each))
                        .collect(),
                    written: format!("not {}", refused.written),
                })
            }
            _ => self.wrong(
                node.place,
                format!("{what} must be a word, found {}", node.describe()),
                "not a word",
                format!(
                    "write `{0}`, `[{0}, {1}]` or `{{ not: {0} }}`",
                    all[0].0, all[1].0
                ),
            ),
        }
    }

    fn take(&self, node: &Node) -> Option<Take> {
        self.parse(node, "`take`", Take::First, |text| match text {
            "first" => Ok(Take::First),
            "last" => Ok(Take::Last),
            _ => text
                .parse()
                .ok()
                .filter(|number| *number > 0)
                .map(Take::Number)
                .ok_or_else(|| {
                    let what = format!("invalid `take`: `{text}`");
                    Refusal::new(
                        what,
                        "write `first`, `last`, or a number from 1, by start time",
                    )
                }),
        })
    }

    fn events(&self, node: &Node) -> Option<Vec<SpanCondition>> {
        self.all(self.listed(node, "`events`")?, |item| {
            let ask = Ask::Event(self.event(item)?);
            Some(SpanCondition {
                ask,
                at: self.at(item.place),
            })
        })
    }

    fn event(&self, node: &Node) -> Option<EventPattern> {
        if matches!(node.kind, Kind::Scalar(_)) {
            let name = Some(self.name_matcher(node)?);
            return Some(EventPattern {
                name,
                attributes: Vec::new(),
                count: Limits::at_least(1),
            });
        }
        self.map(node, "an event", keys::EVENT)?;
        let count = self.count_of(node);
        let reader = self.strict_if(may_be_none(count.as_ref()));
        let name = self.optional(node, "name", |name| self.name_matcher(name));
        let attributes = self.optional(node, "attributes", |map| {
            reader.attributes(map, "attributes")
        });
        Some(EventPattern {
            name: name?,
            attributes: attributes?.unwrap_or_default(),
            count: count?,
        })
    }

    fn links(&self, node: &Node, ids: &EntryIds) -> Option<Vec<SpanCondition>> {
        if matches!(node.kind, Kind::Scalar(_)) {
            let ask = Ask::LinkCount(self.count(node, "a number of links")?);
            return Some(vec![SpanCondition {
                ask,
                at: self.at(node.place),
            }]);
        }
        self.all(self.listed(node, "`links`")?, |item| {
            self.map(item, "a link", keys::LINK)?;
            let count = self.count_of(item);
            let reader = self.strict_if(may_be_none(count.as_ref()));
            let to = self.optional(item, "to", |to| reader.pattern(to, ids));
            let attributes = self.optional(item, "attributes", |map| {
                reader.attributes(map, "attributes")
            });
            let link = LinkPattern {
                to: to?,
                attributes: attributes?.unwrap_or_default(),
                count: count?,
            };
            Some(SpanCondition {
                ask: Ask::Link(Box::new(link)),
                at: self.at(item.place),
            })
        })
    }

    fn listed<'n>(&self, node: &'n Node, what: &str) -> Option<&'n [Node]> {
        match self.list(node, what)? {
            [] => self.wrong(
                node.place,
                format!("{what} is empty"),
                "empty",
                "add an entry; `count: 0` in an entry means that none must exist",
            ),
            items => Some(items),
        }
    }

    fn relation(&self, place: Relative, node: &Node, ids: &EntryIds) -> Option<Ask> {
        if let Kind::Scalar(scalar) = &node.kind {
            let other = match (place, scalar.text.as_str()) {
                (Relative::CausedBy, TRIGGER) => Pattern::Trigger,
                _ => self.pattern(node, ids)?,
            };
            let count = Limits::at_least(1);
            return Some(Ask::Relation(Box::new(Relation {
                place,
                other,
                count,
            })));
        }
        let entries = self.map(node, &format!("`{}`", place.key()), keys::RELATION)?;
        let count = self.relation_count(place, node);
        let reader = self.strict_if(may_be_none(count.as_ref()));
        let conditions = reader.conditions(entries, ids);
        let take = self.optional(node, "take", |take| self.take(take));
        let other = Pattern::Selector(Selector {
            conditions: conditions?,
            take: take?,
        });
        Some(Ask::Relation(Box::new(Relation {
            place,
            other,
            count: count?,
        })))
    }

    /// Refuses `count: 0` in `after` and `before`. They compare with all spans that match, so that it
    /// would also pass if only some of them are on the wrong side.
    fn relation_count(&self, place: Relative, node: &Node) -> Option<Limits<u64>> {
        let count = self.count_of(node)?;
        let opposite = match place {
            Relative::After => "before",
            Relative::Before => "after",
            _ => return Some(count),
        };
        match node.get("count") {
            Some(written) if count.contains(0) => self.wrong(
                written.place,
                format!(
                    "`{}` requires spans to compare with, but this `count` permits none",
                    place.key()
                ),
                "permits none",
                format!(
                    "write `{opposite}: …` without `count` for the opposite order, or an entry `- find: …` with `count: 0` to expect no such span"
                ),
            ),
            _ => Some(count),
        }
    }

    /// Another span: a selector, or `$id` of an entry.
    pub(super) fn pattern(&self, node: &Node, ids: &EntryIds) -> Option<Pattern> {
        let reference = node
            .scalar()
            .and_then(|scalar| scalar.text.strip_prefix('$'))
            .filter(|id| !id.starts_with(['{', '$']));
        let Some(id) = reference else {
            return self.selector(node, ids).map(Pattern::Selector);
        };
        match ids.get(id) {
            Some(&index) => Some(Pattern::Entry {
                id: id.to_owned(),
                index,
            }),
            None => {
                let mut known: Vec<&str> = ids.keys().map(String::as_str).collect();
                known.sort_unstable();
                let help = if known.is_empty() {
                    "add this `id` to an entry of `spans`; for a name that starts with `$`, write `{ name: … }`".to_owned()
                } else {
                    suggest(id, &known)
                };
                self.wrong(node.place, format!("unknown id `{id}`"), "unknown id", help)
            }
        }
    }

    fn count_of(&self, node: &Node) -> Option<Limits<u64>> {
        let count = self.optional(node, "count", |count| self.count(count, "a count"))?;
        Some(count.unwrap_or_else(|| Limits::at_least(1)))
    }

    /// The value of a key, if it exists.
    pub(crate) fn optional<T>(
        &self,
        node: &Node,
        key: &str,
        read: impl FnOnce(&Node) -> Option<T>,
    ) -> Option<Option<T>> {
        match node.get(key) {
            Some(value) => read(value).map(Some),
            None => Some(None),
        }
    }
}

/// Returns `true` if nothing at all meets this count. A condition that is wrong then goes unnoticed.
pub(super) fn may_be_none(count: Option<&Limits<u64>>) -> bool {
    count.is_some_and(|count| count.contains(0))
}
