//! `lint` of `expect`, and the parts of `lint` that the project file has too.

use std::sync::Arc;

use super::{Reader, Refusal};
use crate::spec::Place;
use crate::spec::expect::{Check, Condition, Expect};
use crate::spec::lint::{Level, LintExpectation, Preset, Rule, RuleOrigin, Settings, WeaverLevel};
use crate::yaml::{Entry, Kind, Node, suggest};

impl Reader<'_> {
    /// The rules that a spec denies, each as a check.
    pub(super) fn lint(&self, node: &Node) -> Option<Expect> {
        let mut settings = self.scope.lint().clone();
        let named = match &node.kind {
            Kind::Map(entries) => self.named_rules(node, entries)?,
            Kind::Scalar(_) | Kind::List(_) => {
                settings.preset = self.rule_set(node, "`lint`")?;
                Vec::new()
            }
        };
        let levels = named.iter().map(|(rule, level, _)| (*rule, *level));
        settings.levels.extend(levels);
        let of_traffic = Rule::ALL.iter().filter(|rule| rule.is_about_all_traffic());
        settings
            .levels
            .extend(of_traffic.map(|&rule| (rule, Level::Off)));
        self.refuse_idle_rules(node, &settings)?;
        let settings = Arc::new(settings);
        let awaits: Vec<String> = self.scope.take_awaited().into_iter().collect();
        let denied = settings.with_level(Level::Error);
        let checks = denied.map(|rule| {
            let own = named.iter().find(|(named, ..)| *named == rule);
            Check {
                ask: Condition::Lint(LintExpectation {
                    rule,
                    origin: match own {
                        Some(_) => RuleOrigin::Named,
                        None => RuleOrigin::Set,
                    },
                    settings: Arc::clone(&settings),
                }),
                at: self.at(own.map_or(node.place, |(.., place)| *place)),
                awaits: awaits.clone(),
                receiver: None,
            }
        });
        Some(Expect {
            checks: checks.collect(),
            ..Expect::default()
        })
    }

    /// The rules of a map, each with its level and its place.
    fn named_rules(&self, node: &Node, entries: &[Entry]) -> Option<Vec<(Rule, Level, Place)>> {
        if entries.is_empty() {
            return self.wrong(
                node.place,
                "`lint` is empty",
                "empty",
                "write `lint: recommended`, or a rule such as `lint: { broken-propagation: deny }`",
            );
        }
        self.all(entries, |entry| {
            let (rule, level) = self.rule_level(entry, Level::Error)?;
            if rule.is_about_all_traffic() && level > Level::Off {
                return self.wrong(
                    entry.key.place,
                    format!("`{rule}` examines all traffic, and this is about one trace"),
                    "not available",
                    "use `spanspec lint --traces` with all traces of a run",
                );
            }
            Some((rule, level, entry.value.place))
        })
    }

    /// Refuses rules of which none can fail.
    fn refuse_idle_rules(&self, node: &Node, settings: &Settings) -> Option<()> {
        if settings.with_level(Level::Error).next().is_some() {
            return Some(());
        }
        let is_any_on = [Level::Warning, Level::Note]
            .into_iter()
            .any(|level| settings.with_level(level).next().is_some());
        let (what, label) = match is_any_on {
            true => ("no rule of this `lint` can fail", "nothing is denied"),
            false => ("this `lint` turns all rules off", "nothing is checked"),
        };
        let help = "deny a rule, such as `lint: { broken-propagation: deny }`, or remove `lint`";
        self.wrong(node.place, what, label, help)
    }

    /// A set of rules to start from.
    pub(crate) fn rule_set(&self, node: &Node, what: &str) -> Option<Preset> {
        self.parse(node, what, Preset::default(), |text| {
            word(text, "set of rules", &Preset::ALL)
        })
    }

    /// A rule with its level; `awaited` if that has no value yet.
    pub(crate) fn rule_level(&self, entry: &Entry, awaited: Level) -> Option<(Rule, Level)> {
        let Some(rule) = Rule::of(&entry.key.text) else {
            return self.wrong(
                entry.key.place,
                format!("unknown rule `{}`", entry.key.text),
                "unknown rule",
                suggest(&entry.key.text, &ids()),
            );
        };
        let level = self.parse(&entry.value, "a level", awaited, |text| {
            word(text, "level", &Level::ALL)
        })?;
        Some((rule, level))
    }

    /// A level of Weaver.
    pub(crate) fn weaver_level(&self, node: &Node) -> Option<WeaverLevel> {
        self.parse(node, "`fail_on`", WeaverLevel::default(), |text| {
            word(text, "level of weaver", &WeaverLevel::ALL)
        })
    }

    /// A rule.
    pub(crate) fn rule(&self, node: &Node) -> Option<Rule> {
        self.parse(node, "a rule", Rule::ALL[0], |text| {
            Rule::of(text).ok_or_else(|| {
                Refusal::new(format!("unknown rule `{text}`"), suggest(text, &ids()))
            })
        })
    }
}

fn ids() -> Vec<&'static str> {
    Rule::ALL.iter().map(|rule| rule.id()).collect()
}

fn word<T: Copy>(text: &str, noun: &str, all: &[(&'static str, T)]) -> Result<T, Refusal> {
    let known = all.iter().find(|(word, _)| *word == text);
    known.map(|(_, value)| *value).ok_or_else(|| {
        let words: Vec<&str> = all.iter().map(|(word, _)| *word).collect();
        Refusal::new(format!("unknown {noun} `{text}`"), suggest(text, &words))
    })
}
