//! Compares the keys of a configuration, and the types of their values, with what the Collector decodes.
//!
//! The Collector does not convert between strings, numbers and booleans. It takes integers for floats,
//! cuts floats to integers, splits a string into a list at commas, and reads durations from strings.

use std::cell::RefCell;

use super::finding::{Finding, LintRule};
use super::keys::{Field, Nest, Shape, policy_fields, unquoted};
use super::value::{Data, Value};
use crate::sampling::go_duration::go_duration;
use crate::sampling::version::CollectorVersion;
use crate::yaml::suggest;

/// Compares values with their shapes.
pub(super) struct Shapes<'f> {
    pub(super) version: CollectorVersion,
    pub(super) findings: &'f RefCell<Vec<Finding>>,
}

impl Shapes<'_> {
    fn note(&self, finding: Finding) {
        self.findings.borrow_mut().push(finding);
    }

    /// Notes unknown keys and values of wrong types. `name` is the block, for messages.
    pub(super) fn block(&self, value: &Value, name: &str, fields: &[Field]) {
        if !self.is_map(value, name) {
            return;
        }
        for (key, inner) in value.entries() {
            match fields.iter().find(|field| field.key == key.text) {
                Some(field) if field.is_in(self.version) => {
                    self.value(inner, field.key, field.shape);
                }
                Some(Field {
                    since: Some(since), ..
                }) => {
                    let what = format!("the Collector {} has no key `{}`", self.version, key.text);
                    let help = format!("use {} or later", since.version());
                    self.note(Finding::new(LintRule::UnknownKey, &key.at, what).help(help));
                }
                _ => {
                    let what = format!("unknown key `{}` in {name}", key.text);
                    let known: Vec<&str> = fields.iter().map(|field| field.key).collect();
                    let help = suggest(&key.text, &known);
                    self.note(Finding::new(LintRule::UnknownKey, &key.at, what).help(help));
                }
            }
        }
    }

    fn is_map(&self, value: &Value, name: &str) -> bool {
        match value.data {
            Data::Map(_) => true,
            Data::Null | Data::Unknown => false,
            _ => {
                let what = format!("{name} is a map of keys, not {}", value.describe());
                let finding = Finding::new(LintRule::WrongType, value.place(), what);
                self.note(finding.help("write its keys, each with a value"));
                false
            }
        }
    }

    fn value(&self, value: &Value, key: &str, shape: Shape) {
        if matches!(value.data, Data::Null | Data::Unknown) {
            return;
        }
        match shape {
            Shape::Integer | Shape::Unsigned => self.integer(value, key, shape),
            Shape::Number => {
                if !matches!(value.data, Data::Integer(_) | Data::Float(_)) {
                    self.wrong(value, key, "a number");
                }
            }
            Shape::Flag => {
                if !matches!(value.data, Data::Bool(_)) {
                    self.wrong(value, key, "`true` or `false`");
                }
            }
            Shape::Text => self.text(value, key),
            Shape::Texts if value.text().is_some() => {}
            Shape::Texts | Shape::Ids => self.texts(value, key),
            Shape::Duration => self.duration(value, key),
            Shape::Word(words) => self.word(value, key, words),
            Shape::Block(fields) => self.block(value, &format!("`{key}`"), fields),
            Shape::Blocks(fields) => {
                for item in self.items(value, key) {
                    self.block(item, &format!("an entry of `{key}`"), fields);
                }
            }
            Shape::Policy(nest) => self.policy(value, nest),
            Shape::Policies(nest) => {
                for item in self.items(value, key) {
                    self.policy(item, nest);
                }
            }
        }
    }

    fn items<'v>(&self, value: &'v Value, key: &str) -> &'v [Value] {
        if !matches!(value.data, Data::List(_)) {
            self.wrong(value, key, "a list");
        }
        value.items()
    }

    fn wrong(&self, value: &Value, key: &str, expected: &str) {
        let what = format!("`{key}` takes {expected}, not {}", value.describe());
        let written = value.written();
        let help = match (&value.data, expected) {
            (Data::Text(text), "an integer" | "a number") if text.parse::<f64>().is_ok() => {
                format!("write it without quotes: `{key}: {}`", unquoted(&written))
            }
            (Data::Text(_), "`true` or `false`") => {
                format!("write `{key}: true` or `{key}: false`, without quotes")
            }
            (Data::Bool(_) | Data::Integer(_) | Data::Float(_), "a string") => {
                format!("write it in quotes: `\"{written}\"`")
            }
            _ => format!("write {expected}"),
        };
        let finding = Finding::new(LintRule::WrongType, &value.at, what)
            .label("the Collector does not convert it")
            .help(help);
        self.note(finding);
    }

    fn integer(&self, value: &Value, key: &str, shape: Shape) {
        let is_negative = match value.data {
            Data::Integer(number) => number < 0,
            Data::Float(number) => {
                if number.fract() != 0.0 {
                    let what = format!("`{key}` takes an integer: the Collector cuts the fraction");
                    let help = format!("write `{key}: {}`", number.round());
                    self.note(Finding::new(LintRule::Truncated, &value.at, what).help(help));
                }
                number < 0.0
            }
            _ => {
                self.wrong(value, key, "an integer");
                false
            }
        };
        if is_negative && matches!(shape, Shape::Unsigned) {
            let what = format!("`{key}` cannot be negative");
            let finding = Finding::new(LintRule::BadValue, &value.at, what);
            self.note(finding.help("write a number from 0"));
        }
    }

    fn text(&self, value: &Value, key: &str) {
        if value.text().is_none() {
            self.wrong(value, key, "a string");
        }
    }

    fn texts(&self, value: &Value, key: &str) {
        for item in self.items(value, key) {
            if matches!(item.data, Data::Null | Data::Unknown) || item.text().is_some() {
                continue;
            }
            let what = format!("`{key}` takes strings, not {}", item.describe());
            let finding = Finding::new(LintRule::WrongType, &item.at, what)
                .label("the Collector does not convert it")
                .help(format!("write it in quotes: `\"{}\"`", item.written()));
            self.note(finding);
        }
    }

    fn duration(&self, value: &Value, key: &str) {
        match &value.data {
            Data::Text(text) if go_duration(text).is_some() => {}
            Data::Integer(0) => {}
            Data::Integer(_) | Data::Float(_) => {
                let what = format!("`{key}` without a unit is in nanoseconds");
                let help = format!("write a unit, such as `{key}: {}s`", value.written());
                self.note(Finding::new(LintRule::DecisionWait, &value.at, what).help(help));
            }
            _ => {
                let what = format!("`{key}` takes a duration, not {}", value.describe());
                let finding = Finding::new(LintRule::WrongType, &value.at, what)
                    .help(format!("write a number and a unit, such as `{key}: 10s`"));
                self.note(finding);
            }
        }
    }

    fn word(&self, value: &Value, key: &str, words: &[&str]) {
        let Some(text) = value.text() else {
            return self.wrong(value, key, "a string");
        };
        let is_known = match key {
            "error_mode" => words.contains(&text.to_lowercase().as_str()),
            _ => words.contains(&text),
        };
        if !is_known {
            let known: Vec<&str> = words
                .iter()
                .copied()
                .filter(|word| !word.is_empty())
                .collect();
            let what = format!("`{key}` has no value `{}`", unquoted(&value.written()));
            let finding = Finding::new(LintRule::BadValue, &value.at, what);
            self.note(finding.help(suggest(text, &known)));
        }
    }

    /// A policy. Its other keys are blocks of extensions, which the Collector reads only as maps.
    fn policy(&self, value: &Value, nest: Nest) {
        if !self.is_map(value, "a policy") {
            return;
        }
        let fields = policy_fields(nest);
        for (key, inner) in value.entries() {
            match fields.iter().find(|field| field.key == key.text) {
                Some(field) if field.is_in(self.version) => {
                    self.value(inner, field.key, field.shape);
                }
                _ => self.extension_block(&key.text, inner, &fields),
            }
        }
    }

    fn extension_block(&self, key: &str, value: &Value, fields: &[Field]) {
        if matches!(value.data, Data::Map(_) | Data::Null | Data::Unknown) {
            return;
        }
        let what = format!("unknown key `{key}` in a policy");
        let known: Vec<&str> = fields.iter().map(|field| field.key).collect();
        self.note(Finding::new(LintRule::UnknownKey, &value.at, what).help(suggest(key, &known)));
    }
}
