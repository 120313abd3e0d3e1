//! Findings: a fact about several spans of a service, and its remedy.

use std::collections::BTreeMap;

use super::{Level, Rule, Settings};
use crate::check::Witness;

/// Maximum number of spans that a finding names.
const MOST_SPANS: usize = 20;

/// A fact about the spans of a service.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Finding {
    pub(crate) rule: Rule,
    pub(crate) level: Level,
    /// The service that can correct it.
    pub(crate) service: String,
    /// The fact, without the values of secrets.
    pub(crate) what: String,
    /// The remedy in the imperative.
    pub(crate) help: String,
    /// The first spans.
    pub(crate) spans: Vec<Witness>,
    /// Number of further spans.
    pub(crate) more: usize,
    /// The entry of the settings that accepts it.
    pub(crate) ignored_by: Option<usize>,
}

impl Finding {
    /// Number of spans.
    pub(crate) fn count(&self) -> usize {
        self.spans.len() + self.more
    }
}

/// Collects findings. Equal facts about a service are one finding.
#[derive(Default)]
pub(super) struct Findings(BTreeMap<(Rule, String, String), Collected>);

#[derive(Default)]
struct Collected {
    help: String,
    spans: Vec<Witness>,
    more: usize,
}

impl Findings {
    /// Adds a fact about a span.
    pub(super) fn add(
        &mut self,
        rule: Rule,
        service: &str,
        what: impl Into<String>,
        help: impl Into<String>,
        span: impl Into<Option<Witness>>,
    ) {
        let key = (rule, service.to_owned(), what.into());
        let collected = self.0.entry(key).or_default();
        if collected.help.is_empty() {
            collected.help = help.into();
        }
        match span.into() {
            Some(span) if collected.spans.len() < MOST_SPANS => collected.spans.push(span),
            Some(_) => collected.more += 1,
            None => {}
        }
    }

    /// The findings of rules that are on, the most severe first.
    pub(super) fn with_levels(self, settings: &Settings) -> Vec<Finding> {
        let all = self
            .0
            .into_iter()
            .map(|((rule, service, what), collected)| Finding {
                rule,
                level: settings.level(rule),
                ignored_by: settings
                    .ignored
                    .iter()
                    .position(|entry| entry.accepts(rule, &service, &what)),
                service,
                what,
                help: collected.help,
                spans: collected.spans,
                more: collected.more,
            });
        let mut all: Vec<Finding> = all.filter(|finding| finding.level != Level::Off).collect();
        all.sort_by_key(|finding| std::cmp::Reverse((finding.level, finding.count())));
        all
    }
}
