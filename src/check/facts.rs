//! The actual values of a span, in words, for conditions that it does not meet.

use super::attributes::count_events;
use super::causes::{Causes, enough};
use super::links::count_links;
use super::present::all_of;
use super::relations::Related;
use super::select::{Evaluator, Prepared};
use super::words;
use crate::number;
use crate::spec::{Ask, AttributeKey, Pattern, Relation, Relative};
use crate::trace::{Attributes, Span, Trace, Value};

/// Upper limit of the names in a list.
const MOST_NAMES: usize = 4;

impl Evaluator<'_> {
    /// The actual value of the part that the condition is about.
    pub(super) fn found(&self, ask: &Ask, prepared: &Prepared, span: usize) -> String {
        let this = self.forest.span(span);
        match ask {
            Ask::Name(_) => quoted(&this.name),
            Ask::Service(_) => quoted(this.service()),
            Ask::Scope(_) => quoted(&this.scope.name),
            Ask::StatusMessage(_) => quoted(&this.status.message),
            Ask::Kind(_) => this.kind.to_string(),
            Ask::Type(_) => types_of(this),
            Ask::Status(_) => match this.status.message.as_str() {
                "" => this.status.code.to_string(),
                message => format!("{} ({})", this.status.code, quoted(message)),
            },
            Ask::Attribute(key, _) => found_attribute(&this.attributes, key),
            Ask::Resource(key, _) => found_attribute(&this.resource.attributes, key),
            Ask::Duration(limits) => match this.duration() {
                Ok(nanos) => words::duration(nanos, limits),
                Err(reason) => format!("none: it {reason}"),
            },
            Ask::SelfTime(limits) => match self.forest.self_time(span) {
                Some(nanos) => words::duration(nanos, limits),
                None => "none: the span or a child of it has no duration".to_owned(),
            },
            Ask::Event(pattern) => {
                let exceptions = self.exceptions(pattern, this);
                let events = count_events(pattern, this, &exceptions, self.losses());
                found_events(events.seen, this, exceptions.certain.len())
            }
            Ask::LinkCount(_) => words::count(this.links.len() as u64),
            Ask::Link(pattern) => {
                let links = count_links(self.forest, pattern, prepared.targets(), this);
                let count = words::count(links.seen);
                match this.links.len() {
                    0 => "no link at all".to_owned(),
                    1 => format!("{count} (it has one link)"),
                    links => format!("{count} (it has {links} links)"),
                }
            }
            Ask::Relation(relation) => self.found_related(relation, prepared, span),
            Ask::AnyOf(alternatives) => {
                let unmet = self.unmet_of_each(alternatives, prepared, span);
                let each = unmet.iter().enumerate().map(|(at, unmet)| {
                    let each = unmet.iter().map(|(condition, prepared)| {
                        let ask = &condition.ask;
                        format!("{} {}", ask.subject(), self.found(ask, prepared, span))
                    });
                    format!("({}) {}", at + 1, each.collect::<Vec<_>>().join(", "))
                });
                each.collect::<Vec<_>>().join(" ")
            }
        }
    }

    fn found_related(&self, relation: &Relation, prepared: &Prepared, span: usize) -> String {
        let Prepared::Related(related) = prepared else {
            return words::count(0);
        };
        let (trace, index) = self.forest.locate(span);
        let count = related.counts[span].seen;
        let there = match relation.place {
            Relative::Below => self.ancestors(trace, index, span),
            Relative::ChildOf => match trace.parent(index) {
                Some(parent) => format!("its parent is {}", label(&trace.spans()[parent])),
                None => format!("its parent {}", no_parent(trace, index)),
            },
            Relative::ParentOf => listed(
                "its children are",
                "it has no children",
                trace,
                trace.children(index).iter().copied(),
                trace.children(index).len(),
            ),
            Relative::Above => listed(
                "below it are",
                "it has no children",
                trace,
                trace.children(index).iter().copied(),
                trace.children(index).len(),
            ),
            Relative::After | Relative::Before => return self.times(relation, related, span),
            Relative::CausedBy => return self.found_causes(relation, count, span),
            Relative::LinkedTo if count > 0 => return words::count(count),
            Relative::LinkedTo => "no link connects its trace with one".to_owned(),
        };
        format!("{} ({there})", words::count(count))
    }

    /// The number of causes that match, the nearest causes, and the last.
    fn found_causes(&self, relation: &Relation, count: u64, span: usize) -> String {
        let forest = self.forest;
        let causes = Causes::of(forest);
        let all = causes.all(span);
        let number = match count {
            0 => words::count(0),
            // More were not counted.
            count if count >= enough(&relation.count) as u64 => format!("at least {count}"),
            count => words::count(count),
        };
        if matches!(relation.other, Pattern::Trigger) {
            return "its trace is another one, without a link to that of the trigger".to_owned();
        }
        let Some(&last) = all.last() else {
            return format!("{number} (it has no cause: no parent and no link)");
        };
        let names: Vec<String> = all
            .iter()
            .take(MOST_NAMES)
            .map(|&cause| label(forest.span(cause)))
            .collect();
        let more = match all.len().saturating_sub(MOST_NAMES) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let last = label(forest.span(last));
        format!(
            "{number} (its causes are {}{more}; the chain ends at {last})",
            names.join(", ")
        )
    }

    /// The amount by which the order in time is violated.
    fn times(&self, relation: &Relation, related: &Related, span: usize) -> String {
        let this = self.forest.span(span);
        let others = related.outermost.iter().filter(|&&other| other != span);
        let others = others.map(|&other| self.forest.span(other));
        let worst = match relation.place {
            Relative::After => others
                .filter_map(|other| Some((other, other.known_end()?)))
                .filter(|(_, end)| *end > this.start)
                .max_by_key(|(_, end)| *end)
                .map(|(other, end)| {
                    let early = number::nanos(end - this.start);
                    format!("a start {early} before {} ends", label(other))
                }),
            _ => others
                .filter_map(|other| Some((other, other.known_start()?)))
                .filter(|(_, start)| *start < this.end)
                .min_by_key(|(_, start)| *start)
                .map(|(other, start)| {
                    let late = number::nanos(this.end - start);
                    format!("an end {late} after {} starts", label(other))
                }),
        };
        worst.unwrap_or_else(|| match related.counts[span].seen {
            0 => "no such span".to_owned(),
            count => words::count(count),
        })
    }

    /// The other spans that match the pattern of a relation, in any place.
    pub(super) fn others(&self, relation: &Relation, span: usize) -> Vec<usize> {
        let mask = self.pattern(&relation.other, super::forest::TraceReach::Trace);
        (0..mask.len())
            .filter(|&other| mask[other].seems() && other != span)
            .collect()
    }

    /// `index` is the index in the trace, `span` in the forest.
    fn ancestors(&self, trace: &Trace, index: usize, span: usize) -> String {
        let none = format!("its parent {}", no_parent(trace, index));
        let chain = std::iter::successors(trace.parent(index), |&above| trace.parent(above));
        listed("above it are", &none, trace, chain, self.depth(span))
    }
}

/// The name of a span in messages.
pub(super) fn label(span: &Span) -> String {
    format!("`{}` of {}", span.name, span.service())
}

/// Returns `true` if the condition can compare the clocks of two services.
pub(super) fn rests_on_clocks(ask: &Ask) -> bool {
    matches!(ask, Ask::Relation(relation)
        if matches!(relation.place, Relative::After | Relative::Before))
}

/// The value of an attribute; with alternatives of its key, also those that are present.
pub(super) fn found_attribute(attributes: &Attributes, key: &AttributeKey) -> String {
    if let Some(name) = key.single() {
        return words::optional(attributes.get(name));
    }
    let each: Vec<String> = all_of(attributes, key)
        .map(|(name, value)| format!("`{name}` = {}", words::value(value)))
        .collect();
    match each.as_slice() {
        [] => words::optional(None),
        [one] => one.clone(),
        [_, _] => format!("both: {}", each.join(", ")),
        _ => format!("several: {}", each.join(", ")),
    }
}

fn quoted(text: &str) -> String {
    words::value(&Value::from(text))
}

/// The names of the types that a span has.
pub(super) fn types(span: &Span) -> impl Iterator<Item = &'static str> {
    crate::spec::SpanType::ALL
        .iter()
        .filter(|(_, kind)| {
            kind.identified_by()
                .iter()
                .any(|key| span.attributes.get(key).is_some())
        })
        .map(|(name, _)| *name)
}

fn types_of(span: &Span) -> String {
    let types: Vec<&str> = types(span).collect();
    if types.is_empty() {
        "no type".to_owned()
    } else {
        types.join(", ")
    }
}

/// `records` is the number of log records that count as events.
fn found_events(count: u64, span: &Span, records: usize) -> String {
    let of_logs = match records {
        0 => String::new(),
        1 => "one log record of the span is an exception".to_owned(),
        records => format!("{records} log records of the span are exceptions"),
    };
    if span.events.is_empty() {
        return match records {
            0 => "no event at all".to_owned(),
            _ => format!("{} ({of_logs})", words::count(count)),
        };
    }
    let mut names: Vec<&str> = span
        .events
        .iter()
        .map(|event| event.name.as_str())
        .collect();
    names.dedup();
    let more = names.len().saturating_sub(MOST_NAMES);
    names.truncate(MOST_NAMES);
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    let and = if records > 0 { "; " } else { "" };
    format!(
        "{} (its events: {}{more}{and}{of_logs})",
        words::count(count),
        names.join(", ")
    )
}

fn no_parent(trace: &Trace, span: usize) -> String {
    if trace.is_orphan(span) {
        let parent = trace.spans()[span]
            .parent_id
            .map(|id| id.to_string())
            .unwrap_or_default();
        format!("{parent} never arrived")
    } else {
        "is the caller: it is a root".to_owned()
    }
}

/// Lists the first spans, and counts the others.
fn listed(
    some: &str,
    none: &str,
    trace: &Trace,
    spans: impl Iterator<Item = usize>,
    number: usize,
) -> String {
    if number == 0 {
        return none.to_owned();
    }
    let names: Vec<String> = spans
        .take(MOST_NAMES)
        .map(|span| label(&trace.spans()[span]))
        .collect();
    let more = match number.saturating_sub(MOST_NAMES) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{some} {}{more}", names.join(", "))
}
