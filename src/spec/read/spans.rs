//! Reads `spans` and `sequence` of `expect`.

use std::collections::HashSet;

use super::Reader;
use super::selector::{EntryIds, may_be_none};
use crate::spec::expect::{Check, Condition, Expect};
use crate::spec::keys;
use crate::spec::selector::{Ask, Pattern, Selector, SpanEntry};
use crate::spec::{Limits, Place};
use crate::yaml::{Kind, Node};

impl Reader<'_> {
    pub(super) fn sequence(&self, node: &Node) -> Option<Expect> {
        let items = self.list(node, "`sequence`")?;
        if items.len() < 2 {
            return self.wrong(
                node.place,
                "a sequence must have at least two spans",
                "too short",
                "list the spans in the order of their starts: `[reserve_stock, ship]`",
            );
        }
        let selectors = self.all(items, |item| self.selector(item, &EntryIds::new()))?;
        for (pair, item) in selectors.windows(2).zip(items.iter().skip(1)) {
            if pair[0].to_string() == pair[1].to_string() {
                return self.wrong(
                    item.place,
                    "two consecutive entries of this sequence select the same spans",
                    "same as before",
                    "add `take: 1` and `take: 2` to select different spans with the same name",
                );
            }
        }
        let awaits: Vec<String> = self.scope.take_awaited().into_iter().collect();
        let checks = selectors
            .windows(2)
            .zip(items.iter().skip(1))
            .map(|(pair, item)| Check {
                ask: Condition::Order(Box::new((pair[0].clone(), pair[1].clone()))),
                at: self.at(item.place),
                awaits: awaits.clone(),
                receiver: None,
            });
        Some(Expect {
            checks: checks.collect(),
            ..Expect::default()
        })
    }

    pub(super) fn spans(&self, node: &Node, ids: &EntryIds) -> Option<Expect> {
        let items = self.not_empty(node, "`spans`")?;
        let read = self.all(items, |item| {
            let entry = self.span_entry(item, ids)?;
            Some((entry, self.scope.take_awaited().into_iter().collect()))
        })?;
        let (spans, spans_await): (Vec<SpanEntry>, Vec<Vec<String>>) = read.into_iter().unzip();
        self.refuse_circles(&spans)?;
        Some(Expect {
            checks: Vec::new(),
            spans,
            spans_await,
            ..Expect::default()
        })
    }

    pub(super) fn ids(&self, items: &[Node]) -> EntryIds {
        let mut ids = EntryIds::new();
        for (index, item) in items.iter().enumerate() {
            let Some(node) = item.get("id") else { continue };
            let Some(id) = self.named(node, "an id") else {
                continue;
            };
            if ids.insert(id.clone(), index).is_some() {
                self.wrong::<()>(
                    node.place,
                    format!("duplicate id `{id}`"),
                    "again",
                    "choose another id; ids are unique within an `expect`",
                );
            }
        }
        ids
    }

    fn span_entry(&self, node: &Node, ids: &EntryIds) -> Option<SpanEntry> {
        if matches!(node.kind, Kind::Scalar(_)) {
            let find = self.selector(node, ids)?;
            let at = self.at(node.place);
            let count = Limits::at_least(1);
            return Some(SpanEntry {
                receiver: None,
                find,
                count,
                count_at: at.clone(),
                each: Vec::new(),
                aggregates: Vec::new(),
                at,
            });
        }
        if let Kind::Map(entries) = &node.kind
            && let Some(take) = entries.iter().find(|entry| entry.key.text == "take")
        {
            return self.wrong(
                take.key.place,
                "`take` is part of `find`",
                "outside `find`",
                "move it into `find`: `find: { name: …, take: first }`",
            );
        }
        let entries = self.map(node, "an entry of `spans`", keys::SPAN_ENTRY)?;
        let Some(find_node) = node.get("find") else {
            return self.wrong(
                node.place,
                "this entry of `spans` has no `find`",
                "missing `find`",
                "add `find: name`, `find: { service: … }`, or `find: {}` for every span",
            );
        };
        let count = self.optional(node, "count", |count| self.count(count, "a count"));
        let reader = self.strict_if(may_be_none(count.as_ref().and_then(Option::as_ref)));
        let find = reader.selector(find_node, ids);
        let each = self.conditions(entries, ids);
        let (find, count, each) = (find?, count?, each?);
        let count_at = node.get("count").unwrap_or(find_node).place;
        let count = count.unwrap_or_else(|| Limits::at_least(1));
        let aggregates = self.aggregates(entries, &count, node.get("count"))?;
        let first = each.first().map(|condition| condition.at.place);
        let first = first.or(aggregates.first().map(|aggregate| aggregate.at.place));
        self.refuse_idle_conditions(&count, "span", first)?;
        Some(SpanEntry {
            receiver: None,
            find,
            count,
            count_at: self.at(count_at),
            each,
            aggregates,
            at: self.at(node.place),
        })
    }

    /// Refuses conditions beside `count: 0`, which would never be checked.
    pub(super) fn refuse_idle_conditions(
        &self,
        count: &Limits<u64>,
        noun: &str,
        first: Option<Place>,
    ) -> Option<()> {
        let is_none = count.ranges.iter().all(|range| range.greatest == Some(0));
        match first {
            Some(place) if is_none => self.wrong(
                place,
                format!("no {noun} is expected, so nothing is checked here"),
                "never checked",
                format!("move the condition into `find`, to expect no {noun} that meets it"),
            ),
            _ => Some(()),
        }
    }

    /// Refuses entries that refer to themselves by `$id`, directly or through other entries.
    fn refuse_circles(&self, entries: &[SpanEntry]) -> Option<()> {
        let refers: Vec<Vec<usize>> = entries
            .iter()
            .map(|entry| references(&entry.find))
            .collect();
        for (start, entry) in entries.iter().enumerate() {
            let mut seen = HashSet::new();
            let mut open = refers[start].clone();
            while let Some(next) = open.pop() {
                if next == start {
                    return self.wrong(
                        entry.at.place,
                        "this entry refers to itself",
                        "circular reference",
                        "replace one `$id` by a description of the span",
                    );
                }
                if seen.insert(next) {
                    open.extend(&refers[next]);
                }
            }
        }
        Some(())
    }
}

/// Returns `true` for a name or a map, and not for a count.
pub(super) fn is_selector(node: &Node) -> bool {
    let is_count = |text: &str| {
        let text = text.trim_start_matches(['<', '>', '=', ' ']);
        text.starts_with(|sign: char| sign.is_ascii_digit() || sign == '.')
    };
    node.scalar().is_none_or(|scalar| !is_count(&scalar.text))
}

fn references(selector: &Selector) -> Vec<usize> {
    let patterns = selector
        .all_conditions()
        .into_iter()
        .filter_map(|condition| match &condition.ask {
            Ask::Relation(relation) => Some(&relation.other),
            Ask::Link(link) => link.to.as_ref(),
            _ => None,
        });
    patterns
        .flat_map(|pattern| match pattern {
            Pattern::Entry { index, .. } => vec![*index],
            Pattern::Selector(inner) => references(inner),
            Pattern::Trigger => Vec::new(),
        })
        .collect()
}
