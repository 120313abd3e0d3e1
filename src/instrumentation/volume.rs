//! Rules about the number of spans and of their names.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::finding::Findings;
use super::{Observed, Rule, Settings};
use crate::number::counted;
use crate::trace::{Nanos, Span, SpanKind, Trace, Witness};

/// A span per function is one of very many that take less than this: 100 µs.
const SHORT: Nanos = 100_000;

/// Number of such spans of one service in a trace.
const MANY_SHORT: usize = 100;

/// Number of different names that differ only in ids, from which on they are a finding.
const MOST_VARIANTS: usize = 5;

/// The rules of this file.
pub(super) const RULES: &[Rule] = &[
    Rule::TooManySpans,
    Rule::SpanPerFunction,
    Rule::NameWithIds,
    Rule::OverSampled,
];

pub(super) fn examine(observed: &Observed<'_>, settings: &Settings, found: &mut Findings) {
    for trace in observed.traces {
        equal_children(trace, settings, found);
        large(trace, settings, found);
        functions(trace, found);
    }
    names_with_ids(observed, found);
    rate(observed, settings, found);
}

/// Children of one span with the same service, name and kind.
fn equal_children(trace: &Trace, settings: &Settings, found: &mut Findings) {
    for (at, parent) in trace.spans().iter().enumerate() {
        let children = trace.children(at);
        if children.len() <= settings.equal_children {
            continue;
        }
        let mut groups: BTreeMap<(&str, &str, &str), Vec<&Span>> = BTreeMap::new();
        for span in children.iter().map(|&child| &trace.spans()[child]) {
            let group = (span.service(), span.name.as_str(), span.kind.as_str());
            groups.entry(group).or_default().push(span);
        }
        for ((service, name, _), spans) in groups {
            if spans.len() <= settings.equal_children {
                continue;
            }
            found.add(
                Rule::TooManySpans,
                service,
                format!(
                    "`{}` has more than {} children `{name}`",
                    parent.name, settings.equal_children
                ),
                "do it in one call: one query for all rows, one message for all items; or record one span for all",
                Witness::new(parent, format!("{} children `{name}`", spans.len())),
            );
        }
    }
}

fn large(trace: &Trace, settings: &Settings, found: &mut Findings) {
    if trace.len() > settings.spans_per_trace {
        let first = &trace.spans()[0];
        found.add(
            Rule::TooManySpans,
            first.service(),
            format!(
                "traces have more than {}",
                counted(settings.spans_per_trace, "span")
            ),
            "record fewer internal spans, or split the work into traces that link to each other",
            Witness::new(first, counted(trace.len(), "span")),
        );
    }
}

/// Most spans of the service are internal and very short.
fn functions(trace: &Trace, found: &mut Findings) {
    let mut services: BTreeMap<&str, (usize, Vec<&Span>)> = BTreeMap::new();
    for span in trace.spans() {
        let (all, short) = services.entry(span.service()).or_default();
        *all += 1;
        if span.kind == SpanKind::Internal && span.duration().is_ok_and(|taken| taken < SHORT) {
            short.push(span);
        }
    }
    for (service, (all, short)) in services {
        if short.len() >= MANY_SHORT && short.len() * 10 >= all * 8 {
            found.add(
                Rule::SpanPerFunction,
                service,
                "nearly all spans of a trace are internal and take less than 100 µs",
                "record spans of operations instead of functions; a profiler shows functions",
                Witness::new(short[0], format!("one of {} short spans", short.len())),
            );
        }
    }
}

/// Different names of one form, and a span of each.
type Variants<'s> = (BTreeSet<&'s str>, Vec<&'s Span>);

/// Names that are equal but for ids. A single UUID or long number is enough.
fn names_with_ids(observed: &Observed<'_>, found: &mut Findings) {
    let mut forms: HashMap<(&str, String), Variants<'_>> = HashMap::new();
    for (_, _, span) in observed.spans() {
        let Some(form) = without_ids(&span.name) else {
            continue;
        };
        let (names, spans) = forms.entry((span.service(), form)).or_default();
        if names.insert(&span.name) {
            spans.push(span);
        }
    }
    for ((service, form), (names, spans)) in forms {
        let is_certain = names.iter().any(|name| has_long_id(name));
        if names.len() < MOST_VARIANTS && !is_certain {
            continue;
        }
        for span in spans {
            found.add(
                Rule::NameWithIds,
                service,
                format!("names of spans contain ids: `{form}`"),
                "use the route or the name of the operation, and put the id into an attribute",
                Witness::new(span, "the name contains an id"),
            );
        }
    }
}

/// The name with `{id}` for each part that looks like one; `None` if there is none.
fn without_ids(name: &str) -> Option<String> {
    let mut has_id = false;
    let parts = name.split_inclusive(['/', ' ', ':', '=', '?', '&', ',']);
    let form: String = parts
        .map(|part| {
            let word = part.trim_end_matches(['/', ' ', ':', '=', '?', '&', ',']);
            if !is_id(word) {
                return part.to_owned();
            }
            has_id = true;
            format!("{{id}}{}", &part[word.len()..])
        })
        .collect();
    has_id.then_some(form)
}

/// A number of several digits, a UUID, or a long word of hex digits.
fn is_id(word: &str) -> bool {
    let digits = word.chars().filter(char::is_ascii_digit).count();
    let is_number = digits == word.len() && digits >= 2;
    is_number || is_long_id(word)
}

/// A UUID, a number of at least 9 digits, or at least 16 hex digits of which some are numbers.
fn is_long_id(word: &str) -> bool {
    let is_hex = |c: char| c.is_ascii_hexdigit() || c == '-';
    let digits = word.chars().filter(char::is_ascii_digit).count();
    let is_number = digits == word.len() && digits >= 9;
    is_number || word.len() >= 16 && digits >= 4 && word.chars().all(is_hex)
}

fn has_long_id(name: &str) -> bool {
    name.split(['/', ' ', ':', '=', '?', '&', ','])
        .any(is_long_id)
}

/// Spans a second, by the clock of the spans.
fn rate(observed: &Observed<'_>, settings: &Settings, found: &mut Findings) {
    let Some(limit) = settings.spans_per_second else {
        return found.unseen(
            Rule::OverSampled,
            "there is no limit of spans a second",
            "add `lint: { limits: { spans_per_second: 500 } }` to spanspec.yaml",
        );
    };
    let starts = || {
        observed
            .spans()
            .map(|(_, _, span)| span.start)
            .filter(|&start| start > 0)
    };
    let (Some(first), Some(last)) = (starts().min(), starts().max()) else {
        return;
    };
    // Spans of less than a second show no rate.
    let seconds = (last - first) as f64 / 1e9;
    if seconds < 1.0 {
        return;
    }
    let mut services: BTreeMap<&str, (usize, &Span)> = BTreeMap::new();
    for (_, _, span) in observed.spans() {
        services.entry(span.service()).or_insert((0, span)).0 += 1;
    }
    let total: usize = services.values().map(|(number, _)| number).sum();
    if total as f64 / seconds <= limit {
        return;
    }
    for (service, (number, span)) in services {
        found.add(
            Rule::OverSampled,
            service,
            format!("all services send {:.0} spans a second, more than {limit}", total as f64 / seconds),
            "sample at the start of traces (`OTEL_TRACES_SAMPLER=parentbased_traceidratio`), or in a Collector: `spanspec sampling design` proposes policies",
            Witness::new(span, format!("{:.0} spans a second of this service", number as f64 / seconds)),
        );
    }
}
