//! Structural differences between two traces.
//!
//! Times, ids and attributes do not count: they differ in each run.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use regex::Regex;

use super::{SpanKind, Trace};

/// Spans with the same service, name and kind below the same ancestors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpanGroup {
    /// Name of the service.
    pub service: String,
    /// Name of the first span.
    pub name: String,
    /// Kind of the spans.
    pub kind: SpanKind,
    /// Services and names of the nearest ancestors, outermost first.
    pub path: Vec<(String, String)>,
    /// Indices of the spans in the earlier trace.
    pub before: Vec<usize>,
    /// Indices of the spans in the later trace.
    pub after: Vec<usize>,
}

/// A difference between two traces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StructuralChange {
    /// The kind of change.
    pub what: Change,
    /// The spans. For moved spans, `before` and `after` are at different places, and the path is
    /// that of the later trace.
    pub group: SpanGroup,
    /// Number of descendants with the same change.
    pub below: usize,
}

/// The kind of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Only the later trace has them.
    Added,
    /// Only the earlier trace has them.
    Missing,
    /// They have other ancestors; contains the earlier ones.
    Moved(Vec<(String, String)>),
    /// Their number differs.
    Count,
}

/// Upper limit of the ancestors that are listed.
const LONGEST_PATH: usize = 8;

/// The key by which spans are grouped.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct SpanKey {
    service: String,
    name: String,
    kind: SpanKind,
}

struct GroupedSpan {
    parent: Option<usize>,
    key: SpanKey,
    name: String,
    before: Vec<usize>,
    after: Vec<usize>,
}

/// The groups of both traces, parents first.
#[derive(Default)]
struct Groups {
    nodes: Vec<GroupedSpan>,
    index: HashMap<(Option<usize>, SpanKey), usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum TraceSide {
    Before,
    After,
}

/// Numbers, long hexadecimal numbers and UUIDs in a name, which are ids.
static IDS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?i)\b(?:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]*[0-9][0-9a-f]{7,}|[0-9]+)\b",
    )
    .expect("it is tested")
});

/// A name in which each id is `#`.
pub(crate) fn without_ids(name: &str) -> Cow<'_, str> {
    IDS.replace_all(name, "#")
}

/// Compares the tree of an earlier trace with that of a later one. Spans are the same if their
/// services, names and kinds and those of their ancestors are equal, apart from ids in names.
/// Descendants of an added or removed span are counted there and not listed.
#[must_use]
pub fn structural_changes(before: &Trace, after: &Trace) -> Vec<StructuralChange> {
    let mut groups = Groups::default();
    groups.add(before, TraceSide::Before);
    groups.add(after, TraceSide::After);
    let moves = groups.moves();
    let mut top = vec![None; groups.nodes.len()];
    let mut changes: Vec<StructuralChange> = Vec::new();
    for (at, node) in groups.nodes.iter().enumerate() {
        let (now, parent) = (groups.fate(at, &moves), node.parent);
        let with_parent = parent
            .filter(|&above| now.is_some() && groups.shares_fate(at, above, &moves))
            .and_then(|above| top[above]);
        top[at] = with_parent;
        match (with_parent, now) {
            (Some(change), _) => {
                let below: &mut StructuralChange = &mut changes[change];
                below.below += node.before.len().max(node.after.len());
            }
            (None, Some(what)) => {
                top[at] = Some(changes.len());
                changes.push(groups.change(at, what, &moves));
            }
            (None, None) => {}
        }
    }
    changes
}

/// Moved groups, by their later place.
struct Moves {
    from: HashMap<usize, usize>,
    to: HashMap<usize, usize>,
}

impl Groups {
    fn add(&mut self, trace: &Trace, side: TraceSide) {
        let mut group_of = vec![0; trace.len()];
        for &span in trace.top_down() {
            let parent = trace.parent(span).map(|parent| group_of[parent]);
            let of = &trace.spans()[span];
            let key = SpanKey {
                service: of.service().to_owned(),
                name: without_ids(&of.name).into_owned(),
                kind: of.kind,
            };
            let group = self.group(parent, key, &of.name);
            group_of[span] = group;
            match side {
                TraceSide::Before => self.nodes[group].before.push(span),
                TraceSide::After => self.nodes[group].after.push(span),
            }
        }
    }

    fn group(&mut self, parent: Option<usize>, key: SpanKey, name: &str) -> usize {
        let next = self.nodes.len();
        let group = *self.index.entry((parent, key.clone())).or_insert(next);
        if group == next {
            self.nodes.push(GroupedSpan {
                parent,
                key,
                name: name.to_owned(),
                before: Vec::new(),
                after: Vec::new(),
            });
        }
        group
    }

    /// Pairs removed with added groups of the same spans and number.
    fn moves(&self) -> Moves {
        let mut missing: HashMap<(&SpanKey, usize), Vec<usize>> = HashMap::new();
        for (at, node) in self.nodes.iter().enumerate().rev() {
            if node.after.is_empty() {
                let key = (&node.key, node.before.len());
                missing.entry(key).or_default().push(at);
            }
        }
        let mut moves = Moves {
            from: HashMap::new(),
            to: HashMap::new(),
        };
        for (at, node) in self.nodes.iter().enumerate() {
            let key = (&node.key, node.after.len());
            let lost = missing.get_mut(&key).filter(|_| node.before.is_empty());
            if let Some(was) = lost.and_then(Vec::pop) {
                moves.from.insert(at, was);
                moves.to.insert(was, at);
            }
        }
        moves
    }

    /// The change of a group; `None` if it is unchanged, or reported at its later place.
    fn fate(&self, at: usize, moves: &Moves) -> Option<Change> {
        let node = &self.nodes[at];
        if let Some(&was) = moves.from.get(&at) {
            return Some(Change::Moved(self.path(was)));
        }
        if moves.to.contains_key(&at) {
            return None;
        }
        match (node.before.len(), node.after.len()) {
            (0, _) => Some(Change::Added),
            (_, 0) => Some(Change::Missing),
            (before, after) if before != after => Some(Change::Count),
            _ => None,
        }
    }

    /// Returns `true` if the group changed together with its parent group.
    fn shares_fate(&self, at: usize, above: usize, moves: &Moves) -> bool {
        let (node, parent) = (&self.nodes[at], &self.nodes[above]);
        match moves.from.get(&at) {
            Some(&was) => moves.from.get(&above).copied() == self.nodes[was].parent,
            None if node.before.is_empty() => {
                parent.before.is_empty() && !moves.from.contains_key(&above)
            }
            None if node.after.is_empty() => {
                parent.after.is_empty() && !moves.to.contains_key(&above)
            }
            // If the number of parents triples, so does the number of children.
            None => {
                let times = |node: &GroupedSpan| (node.before.len(), node.after.len());
                let ((a, b), (c, d)) = (times(node), times(parent));
                a * d == b * c
            }
        }
    }

    fn change(&self, at: usize, what: Change, moves: &Moves) -> StructuralChange {
        let node = &self.nodes[at];
        let before = moves.from.get(&at).map_or(at, |&was| was);
        StructuralChange {
            what,
            group: SpanGroup {
                service: node.key.service.clone(),
                name: node.name.clone(),
                kind: node.key.kind,
                path: self.path(at),
                before: self.nodes[before].before.clone(),
                after: node.after.clone(),
            },
            below: 0,
        }
    }

    fn path(&self, at: usize) -> Vec<(String, String)> {
        let above = |at: &usize| self.nodes[*at].parent;
        let mut path: Vec<_> = std::iter::successors(above(&at), above)
            .take(LONGEST_PATH)
            .map(|at| &self.nodes[at])
            .map(|node| (node.key.service.clone(), node.name.clone()))
            .collect();
        path.reverse();
        path
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Origin, Span, SpanId, TraceId};
    use super::*;

    /// Reads a tree from an outline with two spaces for each level.
    fn trace(outline: &str) -> Trace {
        let trace_id = TraceId::from_bytes([1; 16]).unwrap();
        let id = |n: usize| SpanId::from_bytes((n as u64 + 1).to_be_bytes()).unwrap();
        let mut open: Vec<usize> = Vec::new();
        let mut spans = Vec::new();
        for (n, line) in outline.split('\n').enumerate() {
            open.truncate((line.len() - line.trim_start().len()) / 2);
            spans.push(Span {
                parent_id: open.last().map(|&parent| id(parent)),
                start: n as u64,
                end: 100,
                ..Span::new(trace_id, id(n), line.trim())
            });
            open.push(n);
        }
        Trace::assemble(trace_id, Origin::Foreign, spans)
    }

    fn changes(before: &str, after: &str) -> Vec<String> {
        structural_changes(&trace(before), &trace(after))
            .into_iter()
            .map(|change| {
                let SpanGroup {
                    name,
                    before,
                    after,
                    ..
                } = &change.group;
                let (before, after, below) = (before.len(), after.len(), change.below);
                match change.what {
                    Change::Added => format!("+ {name} {after} ({below})"),
                    Change::Missing => format!("- {name} {before} ({below})"),
                    Change::Count => format!("{name} {before}→{after} ({below})"),
                    Change::Moved(from) => {
                        let from: Vec<_> = from.into_iter().map(|(_, name)| name).collect();
                        format!("> {name} from {} ({below})", from.join("/"))
                    }
                }
            })
            .collect()
    }

    #[test]
    fn the_same_structure_has_no_change_whatever_the_ids_in_its_names() {
        let before = "GET /orders/17\n  load 3fa85f64-5717-4562-b3fc-2c963f66afa6\n  v1";
        let after = "GET /orders/18\n  load 00000000-5717-4562-b3fc-2c963f66afa6\n  v1";
        assert_eq!(changes(before, after), [""; 0]);
        assert_eq!(changes("v1", "v2"), ["- v1 1 (0)", "+ v2 1 (0)"]);
    }

    #[test]
    fn what_comes_and_goes_is_told_once_with_what_is_below_it() {
        let before = "order\n  pay\n    charge\n    log";
        let after = "order\n  mail\n    send";
        assert_eq!(changes(before, after), ["- pay 1 (2)", "+ mail 1 (1)"]);
    }

    #[test]
    fn a_query_in_a_loop_is_a_changed_count() {
        let before = "order\n  SELECT\n    connect";
        let after = "order\n  SELECT\n    connect\n  SELECT\n    connect\n  SELECT\n    connect";
        assert_eq!(changes(before, after), ["SELECT 1→3 (3)"]);
        assert_eq!(
            changes(before, "order\n  SELECT\n    connect\n  SELECT"),
            ["SELECT 1→2 (0)"]
        );
    }

    #[test]
    fn what_stands_below_something_else_has_moved_and_takes_along_what_is_below_it() {
        let before = "order\n  pay\n    charge\n      bank";
        let after = "order\n  pay\n  charge\n    bank";
        assert_eq!(changes(before, after), ["> charge from order/pay (1)"]);
    }

    #[test]
    fn twenty_thousand_spans_below_one_another_are_no_trouble() {
        let id = |n: u64| SpanId::from_bytes((n + 1).to_be_bytes()).unwrap();
        let trace_id = TraceId::from_bytes([1; 16]).unwrap();
        let deep = |name: &str| {
            let spans = (0..20_000_u64).map(|n| Span {
                parent_id: n.checked_sub(1).map(id),
                start: n,
                ..Span::new(trace_id, id(n), name)
            });
            Trace::assemble(trace_id, Origin::Foreign, spans)
        };
        let changes = structural_changes(&deep("a"), &deep("b"));
        let below: Vec<_> = changes.iter().map(|change| change.below).collect();
        assert_eq!(below, [19_999, 19_999]);
    }
}
