//! `specs` of a test as `expect`.

use super::check::{Check, Count, convert};
use super::expression::Statement;
use super::find::{Find, short};
use super::selector::Selector;
use super::subject::ResponseKind;
use super::trigger::Trigger;
use super::variables::Variables;
use crate::import::matcher::{both, syntax};
use crate::import::{Map, Node, Remarks, Written};
use crate::spec::Location;

/// The surroundings of the assertions of a test.
pub(super) struct Assertions<'a> {
    pub(super) trigger: &'a Trigger,
    pub(super) variables: &'a Variables,
    pub(super) remarks: &'a mut Remarks,
    pub(super) expect: Map,
}

/// The entries of `spans` for one selector.
struct Entries {
    find: Written,
    entries: Vec<Map>,
}

impl Assertions<'_> {
    /// Adds the assertions of an item of `specs`.
    pub(super) fn add(&mut self, spec: &Node) {
        let assertions = spec.get("assertions").map_or(&[][..], Node::items);
        let Some(selector) = self.selector(spec) else {
            return;
        };
        if selector.is_trigger() {
            for assertion in assertions {
                self.of_trigger(assertion);
            }
            return;
        }
        let at = spec.get("selector").map_or(&spec.at, |node| &node.at);
        let find = match Find::of(&selector) {
            Ok(find) => find,
            Err(reason) => {
                let text = format!("the selector has no equivalent: {reason}");
                self.remarks.lost(at, text);
                return;
            }
        };
        let mut entries = self.entries(&find, &selector, assertions);
        let Some(first) = entries.first_mut() else {
            return;
        };
        if let Some(name) = spec.text_of("name") {
            first.comment_above(name);
        }
        self.note_selection(at, &find, &selector);
        let spans = self.expect.list("spans");
        for guard in &find.guards {
            let mut entry = Map::new();
            entry.put("find", short(guard));
            entry.put("count", syntax("1"));
            spans.push(entry.into());
        }
        spans.extend(entries.into_iter().map(plain));
    }

    /// The entries of `spans` for the assertions on the selected spans. Those on the response are added
    /// to `expect`.
    fn entries(&mut self, find: &Find, selector: &Selector, assertions: &[Node]) -> Vec<Map> {
        let mut entries = Entries {
            find: find.written(),
            entries: Vec::new(),
        };
        let mut counts: Vec<Count> = Vec::new();
        for assertion in assertions {
            match self.check(assertion) {
                Some(Check::Span(keys, written)) => entries.add(&keys, written),
                Some(Check::Count(count)) => {
                    counts.extend(self.without_trigger(count, selector, &assertion.at));
                }
                Some(Check::Response(keys, written)) => {
                    let text = "an assertion on the response is imported without its selector";
                    self.remarks.note(&assertion.at, text);
                    self.respond(&keys, written);
                }
                None => {}
            }
        }
        entries.counts(&counts);
        entries.entries
    }

    /// Notes where the selected spans can differ from those of Tracetest.
    fn note_selection(&mut self, at: &Location, find: &Find, selector: &Selector) {
        for note in &find.notes {
            self.remarks.note(at, note.as_str());
        }
        if selector.may_select_trigger() {
            let text = "the trigger's own span is not one of the selected spans";
            self.remarks.note(at, text);
        }
        if !find.guards.is_empty() {
            let text = "Tracetest picks one span below each ancestor: the spec requires that there is one such ancestor";
            self.remarks.note(at, text);
        }
    }

    fn selector(&mut self, spec: &Node) -> Option<Selector> {
        // Files of old versions have the text in `query`.
        let node = spec.get("selector");
        let text = node.and_then(|node| node.text().or_else(|| node.text_of("query")));
        let at = node.map_or(&spec.at, |node| &node.at);
        match Selector::parse(text.unwrap_or_default()) {
            Ok(selector) => {
                fixed(&selector.fixes, at, self.remarks);
                Some(selector)
            }
            Err(reason) => {
                self.remarks
                    .lost(at, format!("the selector is not read: {reason}"));
                None
            }
        }
    }

    /// An assertion on the trigger's own span, of which there is always one.
    fn of_trigger(&mut self, assertion: &Node) {
        let Some(check) = self.check(assertion) else {
            return;
        };
        match check {
            Check::Response(keys, written) => self.respond(&keys, written),
            Check::Count(count) => match count.number() {
                Some(number) if count.holds(1, number) => {}
                _ => self.remarks.lost(
                    &assertion.at,
                    "the trigger has exactly one span in Tracetest, so that this assertion never holds",
                ),
            },
            Check::Span(keys, written) => match (keys.first().map(String::as_str), written) {
                (Some("duration"), written) => match self.trigger.response {
                    ResponseKind::None => self.remarks.lost(
                        &assertion.at,
                        "the duration of this trigger has no equivalent",
                    ),
                    _ => self.respond(&["response_time".to_owned()], written),
                },
                (Some("name"), Written::Text(name)) if name == super::selector::TRIGGER => {}
                _ => self.remarks.lost(
                    &assertion.at,
                    "the trigger's own span has no equivalent: its attributes are not those of the system",
                ),
            },
        }
    }

    /// The condition of an assertion, with its remarks.
    fn check(&mut self, assertion: &Node) -> Option<Check> {
        let at = &assertion.at;
        let old = old_assertion(assertion);
        let text = match (assertion.text(), &old) {
            (Some(text), _) => text,
            (None, Some(text)) => text.as_str(),
            (None, None) => {
                self.remarks.lost(at, "an assertion is not a text");
                return None;
            }
        };
        let read = match Statement::parse(text) {
            Ok(read) => read,
            Err(reason) => {
                self.remarks
                    .lost(at, format!("the assertion is not read: {reason}"));
                return None;
            }
        };
        fixed(&read.fixes, at, self.remarks);
        match convert(&read.value, self.trigger.response, self.variables) {
            Ok(converted) => {
                converted
                    .notes
                    .iter()
                    .for_each(|note| self.remarks.note(at, note.as_str()));
                if let Some(lost) = converted.lost {
                    self.remarks.lost(at, lost);
                }
                Some(converted.check)
            }
            Err(reason) => {
                self.remarks
                    .lost(at, format!("the assertion has no equivalent: {reason}"));
                None
            }
        }
    }

    /// Tracetest counts the trigger's own span, if the selector selects it.
    fn without_trigger(
        &mut self,
        count: Count,
        selector: &Selector,
        at: &Location,
    ) -> Option<Count> {
        if !selector.may_select_trigger() {
            return Some(count);
        }
        match count.without_one() {
            Some(count) => Some(count),
            None => {
                let text = "a number of spans that includes the trigger's own has no equivalent";
                self.remarks.lost(at, text);
                None
            }
        }
    }

    fn respond(&mut self, keys: &[String], written: Written) {
        match (keys, written) {
            // The parts of an object.
            ([json], Written::Map(parts)) if json == "json" => {
                for (path, part) in parts.values() {
                    put_both(
                        self.expect.map("json"),
                        &self.trigger.path(path),
                        part.clone(),
                    );
                }
            }
            ([key], written) => put_both(&mut self.expect, key, written),
            ([key, name, inner @ ..], written) => {
                let name = match key == "json" {
                    true => self.trigger.path(name),
                    false => name.clone(),
                };
                put_both(self.expect.map(key), &name, nested(inner, written));
            }
            ([], _) => {}
        }
    }
}

/// The value of a key with both conditions.
fn put_both(map: &mut Map, key: &str, written: Written) {
    let written = match map.get(key) {
        Some(before) => both(before.clone(), written),
        None => written,
    };
    map.put(key, written);
}

fn nested(keys: &[String], written: Written) -> Written {
    keys.iter()
        .rev()
        .fold(written, |inner, key| Map::flow(key, inner).into())
}

impl Entries {
    /// Adds a condition to an entry in which its place is free.
    fn add(&mut self, keys: &[String], written: Written) {
        // What selects the spans need not be checked again.
        if self.is_selected_by(keys, &written) {
            if self.entries.is_empty() {
                self.entry();
            }
            return;
        }
        let is_free = |entry: &&mut Map| free(entry, keys);
        let entry = match self.entries.iter_mut().find(|entry| is_free(entry)) {
            Some(entry) => entry,
            None => self.entry(),
        };
        put_at(entry, keys, written);
    }

    fn is_selected_by(&self, keys: &[String], written: &Written) -> bool {
        match (&self.find, keys) {
            (Written::Text(_), [key]) => key == "name" && *written == self.find,
            (Written::Map(find), [key]) => find.get(key) == Some(written),
            (Written::Map(find), [key, inner]) => {
                matches!(find.get(key), Some(Written::Map(map)) if map.get(inner) == Some(written))
            }
            _ => false,
        }
    }

    fn entry(&mut self) -> &mut Map {
        let mut entry = Map::new();
        entry.put("find", self.find.clone());
        self.entries.push(entry);
        let last = self.entries.len() - 1;
        &mut self.entries[last]
    }

    /// Adds the numbers of spans. An entry without `count` requires at least one span, and so do most
    /// numbers.
    fn counts(&mut self, counts: &[Count]) {
        let (least, others): (Vec<&Count>, Vec<&Count>) =
            counts.iter().partition(|count| count.is_at_least_one());
        others.iter().for_each(|count| self.count(count));
        let is_required = others.iter().any(|count| !count.may_be_none())
            || self
                .entries
                .iter()
                .any(|entry| entry.get("count").is_none());
        if !least.is_empty() && !is_required {
            self.entry();
        }
    }

    /// Adds a number of spans. An entry whose number may be 0 has no other conditions, because they
    /// would hold for no span.
    fn count(&mut self, count: &Count) {
        let Ok(written) = count.written() else { return };
        let may_be_none = count.may_be_none();
        let is_free = |entry: &&mut Map| {
            let has_others = entry.values().count() > 1;
            entry.get("count").is_none() && !(may_be_none && has_others)
        };
        match self.entries.iter_mut().find(|entry| is_free(entry)) {
            Some(entry) => entry.put("count", written),
            None => self.entry().put("count", written),
        }
    }
}

fn free(entry: &Map, keys: &[String]) -> bool {
    match (keys, keys.first().and_then(|key| entry.get(key))) {
        (_, None) => true,
        ([_, rest @ ..], Some(Written::Map(inner))) if !rest.is_empty() => free(inner, rest),
        _ => false,
    }
}

fn put_at(map: &mut Map, keys: &[String], written: Written) {
    match keys {
        [] => {}
        [key] => map.put(key, written),
        [key, rest @ ..] => put_at(map.map(key), rest, written),
    }
}

/// An entry without conditions is the name alone.
fn plain(entry: Map) -> Written {
    match (entry.get("find"), entry.values().count()) {
        (Some(Written::Text(name)), 1) if !entry.has_comments() => Written::Text(name.clone()),
        _ => entry.into(),
    }
}

/// An assertion as a map, as in the first versions of Tracetest.
fn old_assertion(node: &Node) -> Option<String> {
    let (attribute, value) = (node.text_of("attribute")?, node.text_of("value")?);
    let comparator = node.text_of("comparator").unwrap_or("=");
    let value = match value.parse::<f64>() {
        Ok(_) => value.to_owned(),
        Err(_) => format!("'{}'", value.replace('\'', "\\'")),
    };
    Some(format!("attr:{attribute} {comparator} {value}"))
}

/// Reports what Tracetest itself does not accept.
pub(super) fn fixed(fixes: &[String], at: &Location, remarks: &mut Remarks) {
    for fix in fixes {
        remarks.note(
            at,
            format!("Tracetest does not accept {fix}: read as it was probably meant"),
        );
    }
}
