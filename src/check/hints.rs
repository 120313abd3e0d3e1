//! Hints about common errors in specs.

use super::facts::label;
use super::judgement::FailureDetail;
use super::matching::{MatchInput, answer, meets};
use super::present::{Present, value_of};
use super::select::{Evaluator, Prepared};
use crate::spec::{
    Ask, AttributeKey, Limits, Location, Matcher, Pattern, Relation, Relative, Selector, Syntax,
    Take,
};
use crate::trace::{Attributes, Span, StatusCode, Value, merged_into, other_names};

impl Evaluator<'_> {
    /// Hints for a selector that found nothing.
    pub(super) fn hints_for_selector(&self, selector: &Selector) -> Vec<String> {
        if self.detail == FailureDetail::Outcome {
            return Vec::new();
        }
        let mut hints = Vec::new();
        if let Some(name) = selector.exact_name() {
            hints.extend(self.service_instead_of_name(name, None));
            if !selector.follows_links() {
                hints.extend(self.in_a_linked_trace(name));
            }
        }
        for condition in selector.all_conditions() {
            if let Ask::Relation(relation) = &condition.ask {
                hints.extend(self.hints_for_relation(relation));
            }
            if let Ask::Attribute(key, matcher) = &condition.ask {
                let renamed = |span: usize| {
                    let span = self.forest.span(span);
                    hint_for_attribute(key, matcher, span, &label(span))
                };
                hints.extend((0..self.forest.trace().len()).find_map(renamed));
            }
        }
        let doubtful = self.doubtful(selector, self.reach(selector));
        hints.extend(doubtful.into_iter().find_map(|doubt| doubt.help));
        hints.extend(self.too_few_to_take(selector));
        hints.dedup();
        hints
    }

    /// A hint for `take: 3` if two spans match.
    fn too_few_to_take(&self, selector: &Selector) -> Option<String> {
        let Some(Take::Number(number)) = selector.take else {
            return None;
        };
        let any = Selector {
            take: None,
            ..selector.clone()
        };
        match self.select(&any).len() {
            0 => None,
            1 => Some(format!(
                "only one span matches, so `take: {number}` selects none"
            )),
            found => Some(format!(
                "only {found} spans match, so `take: {number}` selects none"
            )),
        }
    }

    /// Hints for a condition that a span does not meet.
    pub(super) fn hints_for_condition(
        &self,
        ask: &Ask,
        prepared: &Prepared,
        at: &Location,
        span: usize,
    ) -> Vec<String> {
        let this = self.forest.span(span);
        match ask {
            Ask::Status(choice)
                if choice.allowed == [StatusCode::Ok] && this.status.code == StatusCode::Unset =>
            {
                let both = match self.syntax {
                    Syntax::Yaml => "status: { not: error }",
                    Syntax::Rust => "status: not error",
                };
                vec![format!(
                    "most instrumentation leaves the status of success unset; `{both}` accepts both"
                )]
            }
            Ask::Attribute(key, matcher) => {
                let found = value_of(&this.attributes, key);
                let typed = found.and_then(|found| {
                    hint_for_type(matcher, found, at)
                        .or_else(|| hint_for_misfit(matcher, found, self.syntax))
                });
                let absent = || hint_for_attribute(key, matcher, this, "the span");
                hint_for_several(&this.attributes, key)
                    .or(typed)
                    .or_else(|| found.is_none().then(absent).flatten())
                    .into_iter()
                    .collect()
            }
            Ask::Resource(key, matcher) => {
                let found = value_of(&this.resource.attributes, key);
                let on_span = value_of(&this.attributes, key).filter(|_| found.is_none());
                let moved = on_span.map(|_| format!("`{key}` is an attribute of the span, not of its resource: write it under `attributes`"));
                let typed = found.and_then(|found| {
                    hint_for_type(matcher, found, at)
                        .or_else(|| hint_for_misfit(matcher, found, self.syntax))
                });
                let several = hint_for_several(&this.resource.attributes, key);
                several.or(moved).or(typed).into_iter().collect()
            }
            Ask::Relation(relation) => {
                let mut hints = self.hints_for_relation(relation);
                if super::facts::rests_on_clocks(ask) && !self.others(relation, span).is_empty() {
                    hints.push(super::words::CLOCKS.to_owned());
                }
                hints
            }
            Ask::AnyOf(alternatives) => {
                let unmet = self.unmet_of_each(alternatives, prepared, span);
                let mut hints: Vec<String> = Vec::new();
                for (condition, prepared) in unmet.into_iter().flatten() {
                    let (ask, at) = (&condition.ask, &condition.at);
                    let more = self.hints_for_condition(ask, prepared, at, span);
                    hints.extend(
                        more.into_iter()
                            .filter(|hint| !hints.contains(hint))
                            .collect::<Vec<_>>(),
                    );
                }
                hints
            }
            _ => Vec::new(),
        }
    }

    fn hints_for_relation(&self, relation: &Relation) -> Vec<String> {
        let Pattern::Selector(selector) = &relation.other else {
            return Vec::new();
        };
        if relation.count != Limits::at_least(1) {
            return Vec::new();
        }
        let name = selector.exact_name();
        let place = relation.place;
        name.and_then(|name| self.service_instead_of_name(name, Some(place)))
            .into_iter()
            .collect()
    }

    fn in_a_linked_trace(&self, name: &str) -> Option<String> {
        let mut linked = self.forest.trace().linked().iter();
        let is_there = linked.any(|trace| trace.spans().iter().any(|span| span.name == name));
        let written = match self.syntax {
            Syntax::Yaml => format!("find: {{ name: {name}, linked_to: … }}"),
            Syntax::Rust => format!("span({name:?}).linked_to(…)"),
        };
        is_there.then(|| format!("a linked trace has a span `{name}`; to find it, write {written}"))
    }

    /// A hint for `below: order` if only a service has this name. Without a relation, the name is
    /// that of the selected spans.
    fn service_instead_of_name(&self, name: &str, relation: Option<Relative>) -> Option<String> {
        let spans = || self.forest.trace().spans().iter();
        let is_service = spans().any(|span| span.service() == name);
        let is_name = spans().any(|span| span.name == name);
        let written = match (self.syntax, relation) {
            (Syntax::Yaml, relation) => {
                let key = relation.map_or("find", Relative::key);
                format!("{key}: {{ service: {name} }}")
            }
            (Syntax::Rust, Some(place)) => format!("{}: service({name:?})", place.key()),
            (Syntax::Rust, None) => format!("service({name:?})"),
        };
        (is_service && !is_name)
            .then(|| format!("`{name}` is a service here, not a span: write `{written}`"))
    }
}

/// A hint for a missing attribute: another name, or an attribute of the resource.
fn hint_for_attribute(
    key: &AttributeKey,
    matcher: &Matcher,
    span: &Span,
    who: &str,
) -> Option<String> {
    let is_absent = matches!(Present::of(&span.attributes, key), Present::Nothing);
    if !is_absent || meets(matcher, None) {
        return None;
    }
    key.names().find_map(|name| hint_for_name(name, span, who))
}

fn hint_for_name(key: &str, span: &Span, who: &str) -> Option<String> {
    if let Some(other) = other_names(key).find(|other| span.attributes.get(other).is_some()) {
        let value = span
            .attributes
            .get(other)
            .map(Value::to_string)
            .unwrap_or_default();
        return Some(format!(
            "{who} has `{other}` ({value}): the semantic conventions have renamed it"
        ));
    }
    if let Some(whole) = merged_into(key)
        && let Some(value) = span.attributes.get(whole)
    {
        return Some(format!(
            "{who} has `{whole}` ({value}): in the current semantic conventions, it contains the value of `{key}`"
        ));
    }
    if span.resource.attributes.get(key).is_some() {
        return Some(format!(
            "`{key}` is an attribute of the resource: write it under `resource`"
        ));
    }
    similar_key(key, &span.attributes).map(|other| format!("{who} has `{other}`"))
}

fn hint_for_several(attributes: &Attributes, key: &AttributeKey) -> Option<String> {
    matches!(Present::of(attributes, key), Present::Several).then(|| {
        format!("exactly one of `{key}` must be present; `OTEL_SEMCONV_STABILITY_OPT_IN` with `/dup` sends old and new attributes")
    })
}

fn similar_key<'a>(key: &str, attributes: &'a Attributes) -> Option<&'a str> {
    attributes
        .iter()
        .map(|(other, _)| (strsim::damerau_levenshtein(key, other), other))
        .filter(|(distance, _)| *distance <= key.len().max(6) / 4)
        .min()
        .map(|(_, other)| other)
}

/// A hint for `42` in place of `"42"`, or `1.10` in place of `"1.10"`.
fn hint_for_type(matcher: &Matcher, found: &Value, at: &Location) -> Option<String> {
    let Matcher::Equal(expected) = matcher else {
        return None;
    };
    let written = at.text();
    match (expected, found) {
        (_, Value::String(text))
            if expected.as_str().is_none() && (text == written || *text == expected.to_text()) =>
        {
            Some(format!(
                "the span has a string, and `{written}` is not a string: quote it: \"{text}\""
            ))
        }
        (Value::String(text), _)
            if (found.is_number() || matches!(found, Value::Bool(_)))
                && *text == found.to_text() =>
        {
            Some(format!(
                "the span has a value of type {}, and {written} is a string: write {}",
                found.type_name(),
                found.to_text()
            ))
        }
        (Value::String(text), Value::Bool(truth)) if is_elsewhere(text, *truth) => Some(format!(
            "only `true` and `false` are booleans: write {}",
            found.to_text()
        )),
        (Value::String(text), Value::String(there)) if text.eq_ignore_ascii_case(there) => {
            Some("the strings differ in case only".to_owned())
        }
        _ => None,
    }
}

/// A hint for a value that the matcher cannot judge.
fn hint_for_misfit(matcher: &Matcher, found: &Value, syntax: Syntax) -> Option<String> {
    let misfit = answer(matcher, MatchInput::Value(found)).misfit()?;
    misfit.help(matcher, syntax)
}

/// Returns `true` if YAML 1.1 reads the string as this boolean.
fn is_elsewhere(text: &str, truth: bool) -> bool {
    let words = if truth {
        ["true", "yes", "on", "y"]
    } else {
        ["false", "no", "off", "n"]
    };
    words.iter().any(|word| text.eq_ignore_ascii_case(word))
}
