//! Findings: a fact about several spans of a service, and its remedy.

use std::collections::BTreeMap;
use std::fmt;

use super::needs::misleading;
use super::{Level, Rule, Settings};
use crate::trace::{Field, Losses, Witness};

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

/// The result of the rules that are on.
pub(crate) struct Examination {
    /// The most severe first, then those with most spans.
    pub(crate) findings: Vec<Finding>,
    /// The rules that found nothing, and could not have found everything.
    pub(crate) unknown: BTreeMap<Rule, Unknown>,
}

/// The reason why a rule cannot be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unknown {
    /// The source of the traces does not provide this field.
    Lost(Field),
    /// It needs something else that is not known.
    Unseen { reason: String, remedy: String },
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost(field) => write!(f, "the source of the traces does not provide {field}"),
            Self::Unseen { reason, .. } => f.write_str(reason),
        }
    }
}

/// Collects findings. Equal facts about a service are one finding.
pub(super) struct Findings {
    found: BTreeMap<(Rule, String, String), Collected>,
    unknown: BTreeMap<Rule, Unknown>,
    losses: Losses,
}

#[derive(Default)]
struct Collected {
    help: String,
    spans: Vec<Witness>,
    more: usize,
}

impl Findings {
    /// No findings about traces whose source has these losses.
    pub(super) fn with(losses: Losses) -> Self {
        Self {
            found: BTreeMap::new(),
            unknown: BTreeMap::new(),
            losses,
        }
    }

    /// Adds a fact about a span, unless it can be an effect of a loss.
    pub(super) fn add(
        &mut self,
        rule: Rule,
        service: &str,
        what: impl Into<String>,
        help: impl Into<String>,
        span: impl Into<Option<Witness>>,
    ) {
        let mut doubts = misleading(rule).iter();
        if doubts.any(|&field| self.losses.contains(field)) {
            return;
        }
        let key = (rule, service.to_owned(), what.into());
        let collected = self.found.entry(key).or_default();
        if collected.help.is_empty() {
            collected.help = help.into();
        }
        match span.into() {
            Some(span) if collected.spans.len() < MOST_SPANS => collected.spans.push(span),
            Some(_) => collected.more += 1,
            None => {}
        }
    }

    /// The rule needs this field, which is lost. The first reason counts.
    pub(super) fn lost(&mut self, rule: Rule, field: Field) {
        self.unknown.entry(rule).or_insert(Unknown::Lost(field));
    }

    /// The rule needs something that is not known. The first reason counts.
    pub(super) fn unseen(
        &mut self,
        rule: Rule,
        reason: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.unknown.entry(rule).or_insert_with(|| Unknown::Unseen {
            reason: reason.into(),
            remedy: remedy.into(),
        });
    }

    /// The findings of rules that are on.
    pub(super) fn with_levels(self, settings: &Settings) -> Examination {
        let mut unknown = self.unknown;
        unknown.retain(|&rule, _| settings.level(rule) != Level::Off);
        for (rule, ..) in self.found.keys() {
            unknown.remove(rule);
        }
        let all = self
            .found
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
        let mut findings: Vec<Finding> =
            all.filter(|finding| finding.level != Level::Off).collect();
        findings.sort_by_key(|finding| std::cmp::Reverse((finding.level, finding.count())));
        Examination { findings, unknown }
    }
}
