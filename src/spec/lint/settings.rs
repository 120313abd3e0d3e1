//! Levels of the rules, and the limits of those that have one.

use std::collections::BTreeMap;

use super::{Level, Rule};
use crate::yaml::Location;

/// A set of levels to start from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Preset {
    /// Rules that find faults only.
    #[default]
    Recommended,
    /// All rules.
    All,
    /// No rule, unless it is turned on.
    None,
}

impl Preset {
    /// The words that settings accept.
    pub(crate) const ALL: [(&'static str, Self); 3] = [
        ("recommended", Self::Recommended),
        ("all", Self::All),
        ("none", Self::None),
    ];
}

/// Findings that are accepted, for a reason.
#[derive(Clone, Debug, PartialEq)]
pub struct IgnoredFindings {
    pub(crate) rule: Rule,
    /// The service; `None` for all.
    pub(crate) service: Option<String>,
    /// A part of the text of the finding; `None` for all.
    pub(crate) contains: Option<String>,
    pub(crate) reason: String,
    pub(crate) at: Location,
}

/// The levels of the rules.
#[derive(Clone, Debug)]
pub struct Settings {
    pub(crate) preset: Preset,
    /// Rules with another level than in the preset.
    pub(crate) levels: BTreeMap<Rule, Level>,
    /// Maximum number of equal children of one span; default 20.
    pub(crate) equal_children: usize,
    /// Maximum number of spans of a trace; default 2,000.
    pub(crate) spans_per_trace: usize,
    /// Maximum number of spans a second; without it, `over-sampled` finds nothing.
    pub(crate) spans_per_second: Option<f64>,
    pub(crate) ignored: Vec<IgnoredFindings>,
    /// The registry for the rule `weaver`; without it, the program is not run.
    pub(crate) weaver: Option<WeaverSettings>,
}

/// A run of OpenTelemetry Weaver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WeaverSettings {
    /// A folder, an archive or a Git repository, as `weaver --registry` accepts it.
    pub(crate) registry: String,
    /// The least level that is an error.
    pub(crate) fail_on: WeaverLevel,
}

/// The level of a finding of Weaver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum WeaverLevel {
    Information,
    Improvement,
    #[default]
    Violation,
}

impl WeaverLevel {
    /// The words of settings and of Weaver's reports.
    pub(crate) const ALL: [(&'static str, Self); 3] = [
        ("violation", Self::Violation),
        ("improvement", Self::Improvement),
        ("information", Self::Information),
    ];

    /// The level with this word.
    pub(crate) fn of(word: &str) -> Option<Self> {
        let known = Self::ALL.iter().find(|(known, _)| *known == word);
        known.map(|(_, level)| *level)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            preset: Preset::default(),
            levels: BTreeMap::new(),
            equal_children: 20,
            spans_per_trace: 2_000,
            spans_per_second: None,
            ignored: Vec::new(),
            weaver: None,
        }
    }
}

impl Settings {
    /// The level of a rule.
    pub(crate) fn level(&self, rule: Rule) -> Level {
        let preset = match self.preset {
            Preset::Recommended => rule.recommended(),
            Preset::All => rule.of_all(),
            Preset::None => Level::Off,
        };
        self.levels.get(&rule).copied().unwrap_or(preset)
    }

    /// The rules with this level, in the order of the documentation.
    pub(crate) fn with_level(&self, level: Level) -> impl Iterator<Item = Rule> {
        let all = Rule::ALL.iter().copied();
        all.filter(move |&rule| self.level(rule) == level)
    }

    /// The same limits and accepted findings for these rules only.
    pub(crate) fn only(&self, rules: impl IntoIterator<Item = Rule>) -> Self {
        Self {
            preset: Preset::None,
            levels: rules
                .into_iter()
                .map(|rule| (rule, self.level(rule)))
                .collect(),
            ..self.clone()
        }
    }
}

impl IgnoredFindings {
    /// Returns `true` if it accepts this finding.
    pub(crate) fn accepts(&self, rule: Rule, service: &str, what: &str) -> bool {
        let is_of = self.service.as_deref().is_none_or(|name| name == service);
        let says = self
            .contains
            .as_deref()
            .is_none_or(|part| what.contains(part));
        self.rule == rule && is_of && says
    }
}
