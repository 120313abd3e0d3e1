//! The spans closest to a selector that found nothing.

use std::collections::HashMap;

use super::facts::types;
#[cfg(feature = "run")]
use super::forest::Forest;
use super::judgement::FailureDetail;
use super::present::Present;
use super::select::{Evaluator, Prepared};
use super::{Candidate, Rejection, RejectionForm};
use crate::spec::{Ask, AttributeKey, Matcher, Selector};
#[cfg(feature = "run")]
use crate::trace::Trace;
use crate::trace::{Attributes, Span};

/// Upper limit of the spans that are shown.
const MOST: usize = 3;

/// Lower limit of the similarity of names, from 0 to 1, that counts.
const SIMILAR: f64 = 0.8;

/// The spans of a trace closest to a selector, best first.
#[cfg(feature = "run")]
pub(crate) fn nearest(selector: &Selector, trace: &Trace) -> Vec<Candidate> {
    let forest = Forest::new(trace);
    Evaluator::new(&forest, &[], FailureDetail::Explained).nearest(selector)
}

impl Evaluator<'_> {
    /// The closest spans, best first, each with the conditions that it does not meet.
    pub(super) fn nearest(&self, selector: &Selector) -> Vec<Candidate> {
        if self.detail == FailureDetail::Outcome {
            return Vec::new();
        }
        let reach = self.reach(selector);
        let prepared: Vec<Prepared> = selector
            .conditions
            .iter()
            .map(|condition| self.prepare(&condition.ask, reach))
            .collect();
        let mut known = vec![HashMap::new(); selector.conditions.len()];
        let mut ranked: Vec<(f64, usize)> = (0..self.forest.len_within(reach))
            .filter_map(|span| {
                let closeness = self.closeness(selector, &prepared, span, &mut known)?;
                Some((closeness, span))
            })
            .collect();
        ranked.sort_by(|(a, x), (b, y)| b.total_cmp(a).then(x.cmp(y)));
        ranked.truncate(MOST);
        ranked
            .into_iter()
            .map(|(_, span)| self.candidate(selector, &prepared, span))
            // A span that meets all conditions was excluded by `take`.
            .filter(|candidate| !candidate.rejected.is_empty())
            .collect()
    }

    /// The weighted number of conditions that a span meets; a similar name counts in part. `None`
    /// if it is 0.
    ///
    /// `known` caches the similarity of strings for each condition, because the spans of a large
    /// trace have few names.
    fn closeness<'t>(
        &'t self,
        selector: &Selector,
        prepared: &[Prepared],
        span: usize,
        known: &mut [HashMap<&'t str, f64>],
    ) -> Option<f64> {
        let score: f64 = selector
            .conditions
            .iter()
            .zip(prepared)
            .zip(known)
            .map(|((condition, prepared), known)| {
                let mut like = |matcher: &Matcher, text: &'t str| {
                    *known
                        .entry(text)
                        .or_insert_with(|| similarity(matcher, text))
                };
                if self.meets(&condition.ask, prepared, span).seems() {
                    // The name identifies a span best.
                    return if matches!(condition.ask, Ask::Name(_)) {
                        3.0
                    } else {
                        1.0
                    };
                }
                match &condition.ask {
                    Ask::Name(matcher) => 3.0 * like(matcher, &self.forest.span(span).name),
                    Ask::Service(matcher) => like(matcher, self.forest.span(span).service()),
                    _ => 0.0,
                }
            })
            .sum();
        (score > 0.0).then_some(score)
    }

    fn candidate(&self, selector: &Selector, prepared: &[Prepared], span: usize) -> Candidate {
        let this = self.forest.span(span);
        let rejected = selector
            .conditions
            .iter()
            .zip(prepared)
            .filter(|(condition, prepared)| !self.meets(&condition.ask, prepared, span).seems())
            .map(|(condition, prepared)| Rejection {
                key: condition.ask.subject(),
                expected: condition.ask.expected(),
                found: self.found(&condition.ask, prepared, span),
                form: form(&condition.ask, this),
            })
            .collect();
        Candidate {
            span_id: Some(this.span_id),
            service: this.service().to_owned(),
            name: this.name.clone(),
            rejected,
        }
    }
}

fn form(ask: &Ask, span: &Span) -> RejectionForm {
    match ask {
        Ask::Attribute(key, _) => form_of(key, &span.attributes),
        Ask::Resource(key, _) => form_of(key, &span.resource.attributes),
        Ask::Type(_) if types(span).next().is_none() => RejectionForm::Clause,
        Ask::Event(_) | Ask::Link(_) | Ask::Relation(_) | Ask::AnyOf(_) => RejectionForm::Clause,
        _ => RejectionForm::Value,
    }
}

fn form_of(key: &AttributeKey, attributes: &Attributes) -> RejectionForm {
    match Present::of(attributes, key) {
        Present::Nothing => RejectionForm::Missing,
        Present::One(_) if key.single().is_some() => RejectionForm::Value,
        Present::One(_) | Present::Several => RejectionForm::Clause,
    }
}

/// The similarity of the string to one that the matcher expects, from 0 to 1.
pub(super) fn similarity(matcher: &Matcher, text: &str) -> f64 {
    let like = |wanted: &str| {
        let (wanted, text) = (wanted.to_lowercase(), text.to_lowercase());
        let contained = !wanted.is_empty() && (text.contains(&wanted) || wanted.contains(&text));
        let similarity = strsim::jaro_winkler(&wanted, &text);
        if contained && text.len() > 2 {
            similarity.max(0.8)
        } else {
            similarity
        }
    };
    let similarity = match matcher {
        Matcher::Equal(value) => value.as_str().map_or(0.0, like),
        Matcher::OneOf(any) => any
            .iter()
            .map(|matcher| similarity(matcher, text))
            .fold(0.0, f64::max),
        Matcher::StartsWith(part) | Matcher::EndsWith(part) => like(part),
        _ => 0.0,
    };
    if similarity >= SIMILAR {
        similarity
    } else {
        0.0
    }
}
