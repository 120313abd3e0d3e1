//! Coverage as text.

use super::Coverage;
use super::specs::Unchecked;
use crate::coverage::{Comparison, Item};
use crate::number::{count, counted};
use crate::report::printable;
use crate::workspace::shown;

/// Maximum number of entries of one kind that are listed.
const MOST: usize = 100;

pub(super) fn render(coverage: &Coverage) -> String {
    let mut text = String::new();
    if let Some(unchecked) = &coverage.unchecked {
        text.push_str(&of_specs(unchecked));
    }
    for note in &coverage.notes {
        text.push_str(&format!("note: {}\n", printable(note)));
    }
    if let Some(comparison) = coverage
        .comparison
        .as_ref()
        .filter(|_| !coverage.is_accepted)
    {
        text.push_str(&differences(comparison, &shown(&coverage.list)));
    }
    for reason in &coverage.refused {
        text.push_str(&format!("not accepted: {}\n", printable(reason)));
    }
    text.push_str(&summary(coverage));
    text
}

fn differences(comparison: &Comparison, list: &str) -> String {
    let mut text = section("vanished", &comparison.vanished);
    text.push_str(&section("not seen, and perhaps there", &comparison.unknown));
    for reason in &comparison.reasons {
        text.push_str(&format!("   {}\n", printable(reason)));
    }
    text.push_str(&section("new", &comparison.new));
    if !comparison.vanished.is_empty() {
        text.push_str(&format!(
            "help: repair the instrumentation; or, if this is intended and the traces are those of all specs, run the command again with `--accept`, which replaces {list}\n\n"
        ));
    }
    text
}

fn section(title: &str, items: &[Item]) -> String {
    if items.is_empty() {
        return String::new();
    }
    let mut text = format!("{title}:\n");
    for item in items.iter().take(MOST) {
        text.push_str(&format!("   {}\n", printable(&item.to_string())));
    }
    let more = items.len().saturating_sub(MOST);
    if more > 0 {
        text.push_str(&format!("   … {} more\n", count(more)));
    }
    text.push('\n');
    text
}

fn of_specs(unchecked: &Unchecked) -> String {
    let specs = counted(unchecked.specs, "spec");
    let mut text = section(&format!("no check of {specs} notices"), &unchecked.items);
    for (spec, why) in &unchecked.not_examined {
        text.push_str(&format!(
            "note: not examined: {}: {}\n",
            printable(spec),
            printable(why)
        ));
    }
    if unchecked.checks_left > 0 {
        let checks = counted(unchecked.checks_left, "check");
        text.push_str(&format!(
            "note: {checks} cannot be judged again, such as those of values captured from a response: what only they notice is listed\n"
        ));
    }
    if unchecked.not_judged > 0 {
        let faults = counted(unchecked.not_judged, "fault");
        text.push_str(&format!(
            "note: {faults} of large traces were not judged, so what only they concern is not listed\n"
        ));
    }
    text
}

fn summary(coverage: &Coverage) -> String {
    let seen = &coverage.seen;
    let entries = format!(
        "{}, {}, {}, {} in {} with {}",
        counted(seen.services.len(), "service"),
        counted(seen.forms(), "span name"),
        counted(seen.attributes(), "attribute"),
        counted(seen.edges.len(), "call"),
        counted(coverage.traces, "trace"),
        counted(coverage.spans, "span"),
    );
    let list = shown(&coverage.list);
    let result = match &coverage.comparison {
        _ if coverage.is_accepted => format!("accepted in {list}"),
        None => return format!("{entries}\n"),
        Some(comparison) => {
            let unknown = match comparison.unknown.len() {
                0 => String::new(),
                number => format!(", {} not judged", count(number)),
            };
            format!(
                "{} vanished{unknown}, {} new",
                count(comparison.vanished.len()),
                count(comparison.new.len())
            )
        }
    };
    format!("{entries}: {result}\n")
}
