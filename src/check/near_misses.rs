//! Spans that fail to match a selector in a way that looks like an error in the selector.
//!
//! Because of such an error, an assertion that there is no such span would pass.

use super::facts::label;
use super::forest::Forest;
use super::judgement::FailureDetail;
use super::matching::meets;
use super::present::{Present, all_of, value_of};
use super::readings::readings;
use super::select::{Evaluator, Prepared};
use super::words;
use crate::spec::{Ask, AttributeKey, Matcher, Pattern, Relation, Selector};
use crate::trace::{Attributes, Span, Trace, Value, other_names};

/// Prefix of the default `service.name` of the SDKs.
const UNKNOWN_SERVICE: &str = "unknown_service";

/// A span that meets or nearly meets every condition of a selector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NearMiss {
    pub(crate) span: String,
    /// The reason for each condition that the span nearly meets.
    pub(crate) reasons: Vec<String>,
}

/// The spans that nearly meet a selector without meeting it.
pub(crate) fn near_misses(selector: &Selector, trace: &Trace) -> Vec<NearMiss> {
    let forest = Forest::new(trace);
    Evaluator::new(&forest, &[], FailureDetail::Explained).near_misses(selector)
}

/// A condition that a span does not meet.
enum Miss {
    Near(String),
    Far,
}

impl Evaluator<'_> {
    fn near_misses(&self, selector: &Selector) -> Vec<NearMiss> {
        let reach = self.reach(selector);
        let conditions = selector.conditions.iter();
        let prepared: Vec<(&Ask, Prepared)> = conditions
            .map(|condition| (&condition.ask, self.prepare(&condition.ask, reach)))
            .collect();
        let spans = 0..self.forest.len_within(reach);
        spans
            .filter_map(|span| self.near_miss(&prepared, span))
            .collect()
    }

    fn near_miss(&self, conditions: &[(&Ask, Prepared)], span: usize) -> Option<NearMiss> {
        let mut reasons = Vec::new();
        for (ask, prepared) in conditions {
            if self.meets(ask, prepared, span).seems() {
                continue;
            }
            match self.miss(ask, prepared, span) {
                Miss::Near(reason) => reasons.push(reason),
                Miss::Far => return None,
            }
        }
        let span = label(self.forest.span(span));
        (!reasons.is_empty()).then_some(NearMiss { span, reasons })
    }

    fn miss(&self, ask: &Ask, prepared: &Prepared, span: usize) -> Miss {
        let this = self.forest.span(span);
        let near = match ask {
            Ask::Name(matcher) => other_case(matcher, &this.name),
            Ask::Service(matcher) => self.near_service(matcher, this),
            Ask::Attribute(key, matcher) => {
                near_attribute(key, matcher, &this.attributes).or_else(|| {
                    let found = value_of(&this.resource.attributes, key);
                    elsewhere(
                        key,
                        matcher,
                        found,
                        "of the resource: write it under `resource`",
                    )
                })
            }
            Ask::Resource(key, matcher) => near_attribute(key, matcher, &this.resource.attributes)
                .or_else(|| {
                    let found = value_of(&this.attributes, key);
                    elsewhere(
                        key,
                        matcher,
                        found,
                        "of the span: write it under `attributes`",
                    )
                }),
            Ask::Relation(relation) => self.near_relation(relation),
            Ask::AnyOf(alternatives) => {
                let unmet = self.unmet_of_each(alternatives, prepared, span);
                unmet.iter().find_map(|unmet| {
                    let each = unmet.iter().map(|(condition, prepared)| {
                        match self.miss(&condition.ask, prepared, span) {
                            Miss::Near(reason) => Some(reason),
                            Miss::Far => None,
                        }
                    });
                    let reasons: Vec<String> = each.collect::<Option<_>>()?;
                    Some(reasons.join("; "))
                })
            }
            _ => None,
        };
        near.map_or(Miss::Far, Miss::Near)
    }

    fn near_service(&self, matcher: &Matcher, span: &Span) -> Option<String> {
        let found = span.service();
        if found.starts_with(UNKNOWN_SERVICE) {
            return Some(format!(
                "its service is unknown (`{found}`): set OTEL_SERVICE_NAME for it"
            ));
        }
        let wanted = exact(matcher)?;
        let spans = || self.forest.trace().spans().iter();
        let is_known = spans().any(|span| span.service() == wanted);
        (!is_known && is_similar(wanted, found))
            .then(|| format!("no service is called `{wanted}`, but one is called `{found}`"))
    }

    /// The reason if no span of the trace matches the pattern of the relation, but one nearly does.
    fn near_relation(&self, relation: &Relation) -> Option<String> {
        let Pattern::Selector(other) = &relation.other else {
            return None;
        };
        if relation.count.contains(0) || !self.select(other).is_empty() {
            return None;
        }
        let near = self.near_misses(other).into_iter().next()?;
        Some(format!(
            "{} {}: {}",
            relation.place.key(),
            near.span,
            near.reasons.join("; ")
        ))
    }
}

/// The string that the matcher expects, if it expects exactly one.
fn exact(matcher: &Matcher) -> Option<&str> {
    match matcher {
        Matcher::Equal(value) => value.as_str(),
        _ => None,
    }
}

fn other_case(matcher: &Matcher, found: &str) -> Option<String> {
    let wanted = exact(matcher)?;
    (wanted.to_lowercase() == found.to_lowercase())
        .then(|| "its name differs in case only".to_owned())
}

/// Returns `true` if the names differ by a typing error, and not in their digits.
fn is_similar(wanted: &str, found: &str) -> bool {
    let letters = |text: &str| -> String {
        let letters = text.chars().filter(|c| c.is_alphanumeric());
        letters.collect::<String>().to_lowercase()
    };
    let digits = |text: &str| -> String { text.chars().filter(char::is_ascii_digit).collect() };
    let (wanted, found) = (letters(wanted), letters(found));
    let most = if wanted.len() < 8 { 1 } else { 2 };
    digits(&wanted) == digits(&found) && strsim::damerau_levenshtein(&wanted, &found) <= most
}

/// The reason if the attribute would meet the matcher in another type or under its earlier or later
/// name.
fn near_attribute(
    key: &AttributeKey,
    matcher: &Matcher,
    attributes: &Attributes,
) -> Option<String> {
    if let Present::Several = Present::of(attributes, key) {
        let mut values = all_of(attributes, key).map(|(_, value)| value);
        return values
            .any(|value| would_meet(matcher, Some(value)))
            .then(|| format!("it has several of `{key}`"));
    }
    if let Some(found) = value_of(attributes, key) {
        return is_of_other_type(matcher, found).then(|| {
            let (shown, of_type) = (words::value(found), found.type_name());
            format!("its attribute `{key}` is {shown}, of type {of_type}, and {matcher} is of another type")
        });
    }
    let renamed = key.names().flat_map(other_names).find(|other| {
        let found = attributes.get(other);
        found.is_some() && would_meet(matcher, found)
    })?;
    let shown = words::optional(attributes.get(renamed));
    Some(format!(
        "it has no `{key}`, but `{renamed}` ({shown}): the semantic conventions have renamed it"
    ))
}

/// The reason if the resource has the attribute in place of the span, or the reverse.
fn elsewhere(
    key: &AttributeKey,
    matcher: &Matcher,
    found: Option<&Value>,
    place: &str,
) -> Option<String> {
    let is_near = !matcher.allows_absence() && found.is_some() && would_meet(matcher, found);
    is_near.then(|| format!("`{key}` is an attribute {place}"))
}

fn would_meet(matcher: &Matcher, found: Option<&Value>) -> bool {
    meets(matcher, found) || found.is_some_and(|found| is_of_other_type(matcher, found))
}

/// Returns `true` if the value would meet the matcher only in another type.
fn is_of_other_type(matcher: &Matcher, found: &Value) -> bool {
    let others = || readings(found).into_iter();
    match matcher {
        Matcher::Equal(_)
        | Matcher::Compare(..)
        | Matcher::Between(..)
        | Matcher::Regex(_)
        | Matcher::Contains(_)
        | Matcher::StartsWith(_)
        | Matcher::EndsWith(_) => others().any(|other| meets(matcher, Some(&other))),
        Matcher::Not(inner) => {
            !meets(inner, Some(found)) && others().any(|other| !meets(inner, Some(&other)))
        }
        Matcher::OneOf(several) => several.iter().any(|one| is_of_other_type(one, found)),
        Matcher::Every(all) => all
            .iter()
            .all(|one| meets(one, Some(found)) || is_of_other_type(one, found)),
        _ => false,
    }
}
