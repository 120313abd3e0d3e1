//! `sum`, `max`, `min` and `avg` of an entry of `spans`.

use super::Reader;
use super::selector::may_be_none;
use crate::spec::aggregate::{Aggregate, AggregateOf};
use crate::spec::{Limits, Matcher};
use crate::yaml::{Entry, Kind, Node};

impl Reader<'_> {
    /// The aggregates among these entries. Other keys are skipped.
    pub(super) fn aggregates(
        &self,
        entries: &[Entry],
        count: &Limits<u64>,
        count_node: Option<&Node>,
    ) -> Option<Vec<Aggregate>> {
        let of = |entry: &Entry| {
            let mut all = AggregateOf::ALL.iter();
            all.find(|(key, _)| *key == entry.key.text)
                .map(|(_, of)| *of)
        };
        let asked: Vec<(&Entry, AggregateOf)> = entries
            .iter()
            .filter_map(|entry| Some((entry, of(entry)?)))
            .collect();
        let read = self.all(&asked, |(entry, of)| {
            self.refuse_nothing_to_aggregate(*of, count, count_node)?;
            self.aggregate(*of, &entry.value)
        })?;
        Some(read.into_iter().flatten().collect())
    }

    fn aggregate(&self, of: AggregateOf, node: &Node) -> Option<Vec<Aggregate>> {
        let what = format!("`{}`", of.key());
        let Kind::Map(entries) = &node.kind else {
            let texts = |items: &[Node]| -> Option<Vec<String>> {
                let texts = items.iter().map(|item| Some(item.scalar()?.text.clone()));
                texts.collect()
            };
            if let Kind::List(items) = &node.kind
                && let Some(keys) = texts(items).filter(|keys| !keys.is_empty())
            {
                return self.wrong(
                    node.place,
                    format!("{what} must be a map, found a list"),
                    "a list",
                    format!(
                        "write a limit: `{}: {{ {}: < 100 }}`; `|` separates the names of one attribute",
                        of.key(),
                        keys.join(" | ")
                    ),
                );
            }
            return self.wrong(
                node.place,
                format!("{what} must be a map, found {}", node.describe()),
                "not a map",
                format!(
                    "write an attribute and a limit: `{}: {{ db.response.returned_rows: < 100 }}`",
                    of.key()
                ),
            );
        };
        if entries.is_empty() {
            return self.wrong(
                node.place,
                format!("{what} is empty"),
                "empty",
                "write an attribute and a limit: `{ gen_ai.usage.output_tokens: < 2000 }`",
            );
        }
        self.all(entries, |entry| {
            let matcher = self.number_matcher(&entry.value)?;
            if asks_for_presence(&matcher) {
                return self.wrong(
                    entry.value.place,
                    format!("{what} is always a number"),
                    "not a limit",
                    "write `< 2000`, `1..5` or another limit; each span must have the attribute anyway",
                );
            }
            Some(Aggregate {
                of,
                key: self.attribute_key(entry)?,
                matcher,
                at: self.at(entry.value.place),
            })
        })
    }

    /// Refuses a `count` that permits 0 beside all but `sum`: there is no greatest value of nothing.
    fn refuse_nothing_to_aggregate(
        &self,
        of: AggregateOf,
        count: &Limits<u64>,
        count_node: Option<&Node>,
    ) -> Option<()> {
        match count_node {
            Some(node) if of != AggregateOf::Sum && may_be_none(Some(count)) => self.wrong(
                node.place,
                format!(
                    "`{}` requires spans, but this `count` permits none",
                    of.key()
                ),
                "permits none",
                "write a `count` of at least 1",
            ),
            _ => Some(()),
        }
    }
}

fn asks_for_presence(matcher: &Matcher) -> bool {
    match matcher {
        Matcher::Exists | Matcher::Absent => true,
        Matcher::Not(inner) => asks_for_presence(inner),
        Matcher::OneOf(all) | Matcher::Every(all) => all.iter().any(asks_for_presence),
        _ => false,
    }
}
