//! Jaeger's remote sampling strategies: a file of JSON with a strategy for each service and operation.
//!
//! Jaeger ignores what it does not know, and takes its default of 0.1 % for a strategy of an unknown type.

use std::cell::RefCell;

use super::finding::{Finding, LintRule};
use super::value::{Data, Value, shown};
use crate::yaml::{Location, Place, Source, suggest};

const STRATEGY: &[&str] = &["type", "param"];
const SERVICE: &[&str] = &["service", "type", "param", "operation_strategies"];
const OPERATION: &[&str] = &["operation", "type", "param"];
const FILE: &[&str] = &["default_strategy", "service_strategies"];

/// The scope of a strategy: all operations of a service, or one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Service,
    Operation,
}

/// Returns `true` if a file with this section has strategies.
pub(super) fn is_section(key: &str) -> bool {
    FILE.contains(&key)
}

/// Checks a file of strategies. Returns their number.
pub(super) fn check(root: &Value, findings: &RefCell<Vec<Finding>>) -> usize {
    let checker = Checker { findings };
    checker.look_at_keys(root, "the file", FILE);
    let mut number = 0;
    match root
        .get("default_strategy")
        .filter(|value| !value.is_null())
    {
        Some(default) => number += checker.service(default, "the default strategy"),
        None => {
            let what = "there is no `default_strategy`: other services keep 0.1 % of their traces";
            let finding = Finding::new(LintRule::NoDefault, root.place(), what);
            checker.note(finding.help(
                "add `\"default_strategy\": { \"type\": \"probabilistic\", \"param\": 0.1 }`",
            ));
        }
    }
    let services = checker.list(root, "service_strategies");
    checker.look_at_names(services, "service");
    for service in services {
        let title = title(service, "service");
        number += checker.service(service, &title);
    }
    number
}

/// The first place that is not JSON: the file was read as YAML, of which JSON is a part.
pub(super) fn not_json(source: &Source) -> Option<Finding> {
    let error = serde_json::from_str::<serde::de::IgnoredAny>(source.text()).err()?;
    let before = source
        .text()
        .split_inclusive('\n')
        .take(error.line().saturating_sub(1));
    let start = before.map(str::len).sum::<usize>() + error.column().saturating_sub(1);
    let at = source.at(Place {
        start,
        end: start + 1,
    });
    let finding = Finding::new(
        LintRule::BadValue,
        &at,
        "Jaeger reads strict JSON, and this is not",
    );
    Some(
        finding
            .label("Jaeger does not start")
            .help("write keys and strings in double quotes, and no comments"),
    )
}

/// A strategy for messages.
fn title(value: &Value, key: &str) -> String {
    match value
        .get(key)
        .and_then(|name| Some((name.text()?, &name.at)))
    {
        Some((name, at)) => format!("the strategy of `{}`", shown(name, at)),
        None => format!("a strategy without `{key}`"),
    }
}

struct Checker<'f> {
    findings: &'f RefCell<Vec<Finding>>,
}

impl Checker<'_> {
    fn note(&self, finding: Finding) {
        self.findings.borrow_mut().push(finding);
    }

    /// Unknown keys, which Jaeger ignores. Go compares keys without case.
    fn look_at_keys(&self, value: &Value, title: &str, known: &[&str]) {
        if !matches!(value.data, Data::Map(_)) {
            self.wrong(&value.at, title, "a map of keys", value);
        }
        let is_known = |key: &str| known.iter().any(|one| one.eq_ignore_ascii_case(key));
        for (key, _) in value
            .entries()
            .iter()
            .filter(|(key, _)| !is_known(&key.text))
        {
            let what = format!(
                "{title} has the unknown key `{}`, which Jaeger ignores",
                key.text
            );
            let finding = Finding::new(LintRule::UnknownKey, &key.at, what).warning();
            self.note(finding.help(suggest(&key.text, known)));
        }
    }

    fn wrong(&self, at: &Location, title: &str, expected: &str, value: &Value) {
        let what = format!("{title} is {expected}, not {}", value.describe());
        let finding = Finding::new(LintRule::WrongType, at, what);
        self.note(
            finding
                .label("Jaeger does not start")
                .help(format!("write {expected}")),
        );
    }

    fn list<'v>(&self, value: &'v Value, key: &str) -> &'v [Value] {
        let Some(list) = value.get(key).filter(|list| !list.is_null()) else {
            return &[];
        };
        if !list.data.is_list() {
            self.wrong(list.place(), &format!("`{key}`"), "a list", list);
        }
        list.items()
    }

    /// The number of strategies of a service.
    fn service(&self, value: &Value, title: &str) -> usize {
        self.look_at_keys(value, title, SERVICE);
        self.strategy(value, title, Level::Service);
        let operations = self.list(value, "operation_strategies");
        self.look_at_names(operations, "operation");
        for operation in operations {
            let title = self::title(operation, "operation");
            self.look_at_keys(operation, &title, OPERATION);
            self.strategy(operation, &title, Level::Operation);
        }
        1 + operations.len()
    }

    /// Names that are missing or occur twice.
    fn look_at_names(&self, values: &[Value], key: &str) {
        for (number, value) in values.iter().enumerate() {
            let Some((name, at)) = value
                .get(key)
                .and_then(|name| Some((name.text()?, &name.at)))
            else {
                if value.get(key).is_none_or(Value::is_null) {
                    let what = format!("a strategy has no `{key}`, and applies to none");
                    let finding = Finding::new(LintRule::PolicyName, value.place(), what);
                    self.note(finding.warning().help(format!("add `{key}`")));
                } else {
                    let wrong = value.get(key).unwrap_or(value);
                    self.wrong(&wrong.at, &format!("`{key}`"), "a string", wrong);
                }
                continue;
            };
            let same = |other: &&Value| other.get(key).and_then(Value::text) == Some(name);
            if let Some(earlier) = values[..number].iter().find(same) {
                let what = format!("two strategies have the {key} `{}`", shown(name, at));
                let finding = Finding::new(LintRule::PolicyName, at, what).warning();
                let first = earlier.get(key).map_or(&earlier.at, |name| &name.at);
                self.note(finding.also(first, "the other").help("remove one of them"));
            }
        }
    }

    fn strategy(&self, value: &Value, title: &str, level: Level) {
        if !matches!(value.data, Data::Map(_)) {
            return;
        }
        let kind = value.get("type").filter(|kind| !kind.is_null());
        match (kind.and_then(Value::text), level) {
            (Some("probabilistic"), _) => self.probability(value, title),
            (Some("ratelimiting"), Level::Service) => self.rate(value, title),
            (Some("ratelimiting"), Level::Operation) => {
                let at = kind.map_or(value.place(), |kind| &kind.at);
                let what = format!("{title} is ignored: operations have no rate limit");
                let finding = Finding::new(LintRule::UnknownStrategy, at, what);
                self.note(finding.help("write `probabilistic`, and a ratio as `param`"));
            }
            (text, _) => {
                let at = kind.map_or(value.place(), |kind| &kind.at);
                let what = match text {
                    Some(text) => format!("{title} has the unknown type `{}`", shown(text, at)),
                    None => format!("{title} has no type"),
                };
                let finding = Finding::new(LintRule::UnknownStrategy, at, what);
                let help = suggest(text.unwrap_or_default(), &["probabilistic", "ratelimiting"]);
                self.note(finding.label("Jaeger takes 0.1 % instead").help(help));
            }
        }
        let unknown = STRATEGY.iter().filter_map(|key| value.get(key));
        for number in unknown.filter(|value| matches!(value.data, Data::Bool(_))) {
            self.wrong(&number.at, title, "made of a string and a number", number);
        }
    }

    /// The value of `param`, 0 if it is missing. `None` if it is not a number.
    fn param(&self, value: &Value) -> Option<(f64, Location)> {
        match value.get("param").filter(|param| !param.is_null()) {
            None => Some((0.0, value.place().clone())),
            Some(param) => match param.data {
                Data::Integer(_) | Data::Float(_) => Some((param.as_number(), param.at.clone())),
                Data::Bool(_) => None,
                _ => {
                    self.wrong(&param.at, "`param`", "a number", param);
                    None
                }
            },
        }
    }

    fn probability(&self, value: &Value, title: &str) {
        let Some((param, at)) = self.param(value) else {
            return;
        };
        if value.get("param").is_none() {
            let what = format!("{title} has no `param`, and keeps no trace");
            let finding = Finding::new(LintRule::NeverSamples, &at, what);
            self.note(finding.help("add `param`, a ratio from 0 to 1"));
        } else if !(0.0..=1.0).contains(&param) {
            let what = format!("{title} has a `param` of {param}: a ratio is from 0 to 1");
            let help = match param > 1.0 && param <= 100.0 {
                true => format!("for {param} %, write {}", param / 100.0),
                false => "write a ratio from 0 to 1".to_owned(),
            };
            self.note(Finding::new(LintRule::Percentage, &at, what).help(help));
        }
    }

    fn rate(&self, value: &Value, title: &str) {
        let Some((param, at)) = self.param(value) else {
            return;
        };
        if param < 1.0 {
            let what = format!("{title} permits no trace a second");
            let finding = Finding::new(LintRule::NeverSamples, &at, what);
            self.note(finding.help("write `param`, the number of traces a second, from 1"));
        } else if param.fract() != 0.0 {
            let what = format!("{title} has whole traces a second: Jaeger cuts the fraction");
            let help = format!("write {} or {}", param.floor(), param.ceil());
            self.note(Finding::new(LintRule::Truncated, &at, what).help(help));
        }
    }
}
