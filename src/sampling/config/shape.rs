//! The keys of the blocks of a configuration and the types of their values, as the Collector decodes them.
//!
//! The Collector does not convert between strings, numbers and booleans. It takes integers for floats,
//! cuts floats to integers, splits a string into a list at commas, and reads durations from strings.

use std::cell::RefCell;

use super::finding::{Finding, LintRule};
use super::value::{Data, Value};
use crate::sampling::version::{CollectorVersion, Since};
use crate::yaml::suggest;

/// The type of a value.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    Integer,
    Unsigned,
    Number,
    Flag,
    Text,
    Texts,
    /// A list of strings; a string is not split.
    Ids,
    Duration,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A map with these keys, and with a name for messages.
    Block(&'static str, &'static [Field]),
    /// A list of such maps.
    Blocks(&'static str, &'static [Field]),
    Policy(Nest),
    Policies(Nest),
}

/// A key of a block.
#[derive(Clone, Copy)]
pub(super) struct Field {
    pub(super) key: &'static str,
    pub(super) shape: Shape,
    /// The behaviour with which it came, if the oldest version does not have it.
    pub(super) since: Option<Since>,
}

/// The place of a policy, which determines its keys and types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nest {
    Top,
    And,
    Not,
    Drop,
    Composite,
}

const fn field(key: &'static str, shape: Shape) -> Field {
    Field {
        key,
        shape,
        since: None,
    }
}

const fn newer(key: &'static str, shape: Shape, since: Since) -> Field {
    Field {
        key,
        shape,
        since: Some(since),
    }
}

/// Keys that all policies have: a name, a type, and a block for each simple type.
const SHARED: &[Field] = &[
    field("name", Shape::Text),
    field("type", Shape::Text),
    field(
        "latency",
        Shape::Block(
            "`latency`",
            &[
                field("threshold_ms", Shape::Integer),
                field("upper_threshold_ms", Shape::Integer),
            ],
        ),
    ),
    field(
        "numeric_attribute",
        Shape::Block(
            "`numeric_attribute`",
            &[
                field("key", Shape::Text),
                field("min_value", Shape::Integer),
                field("max_value", Shape::Integer),
                field("invert_match", Shape::Flag),
            ],
        ),
    ),
    field(
        "probabilistic",
        Shape::Block(
            "`probabilistic`",
            &[
                field("hash_salt", Shape::Text),
                field("sampling_percentage", Shape::Number),
            ],
        ),
    ),
    field(
        "status_code",
        Shape::Block("`status_code`", &[field("status_codes", Shape::Texts)]),
    ),
    field(
        "string_attribute",
        Shape::Block(
            "`string_attribute`",
            &[
                field("key", Shape::Text),
                field("values", Shape::Texts),
                field("enabled_regex_matching", Shape::Flag),
                field("cache_max_size", Shape::Integer),
                field("invert_match", Shape::Flag),
            ],
        ),
    ),
    field(
        "rate_limiting",
        Shape::Block(
            "`rate_limiting`",
            &[
                field("spans_per_second", Shape::Integer),
                newer("burst_capacity", Shape::Integer, Since::BytesLimiting),
            ],
        ),
    ),
    newer(
        "bytes_limiting",
        Shape::Block(
            "`bytes_limiting`",
            &[
                field("bytes_per_second", Shape::Integer),
                field("burst_capacity", Shape::Integer),
            ],
        ),
        Since::BytesLimiting,
    ),
    field(
        "span_count",
        Shape::Block(
            "`span_count`",
            &[
                field("min_spans", Shape::Integer),
                field("max_spans", Shape::Integer),
            ],
        ),
    ),
    field(
        "trace_state",
        Shape::Block(
            "`trace_state`",
            &[field("key", Shape::Text), field("values", Shape::Texts)],
        ),
    ),
    field(
        "boolean_attribute",
        Shape::Block(
            "`boolean_attribute`",
            &[
                field("key", Shape::Text),
                field("value", Shape::Flag),
                field("invert_match", Shape::Flag),
            ],
        ),
    ),
    field(
        "ottl_condition",
        Shape::Block(
            "`ottl_condition`",
            &[
                field(
                    "error_mode",
                    Shape::Word(&["ignore", "propagate", "silent"]),
                ),
                field("span", Shape::Texts),
                field("spanevent", Shape::Texts),
            ],
        ),
    ),
];

const AND: Field = field(
    "and",
    Shape::Block(
        "`and`",
        &[field("and_sub_policy", Shape::Policies(Nest::And))],
    ),
);

const NOT: Field = newer(
    "not",
    Shape::Block(
        "`not`",
        &[field("not_sub_policy", Shape::Policy(Nest::Not))],
    ),
    Since::Not,
);

const DROP: Field = field(
    "drop",
    Shape::Block(
        "`drop`",
        &[field("drop_sub_policy", Shape::Policies(Nest::Drop))],
    ),
);

const COMPOSITE: Field = field(
    "composite",
    Shape::Block(
        "`composite`",
        &[
            field("max_total_spans_per_second", Shape::Integer),
            field("policy_order", Shape::Texts),
            field("composite_sub_policy", Shape::Policies(Nest::Composite)),
            field(
                "rate_allocation",
                Shape::Blocks(
                    "an entry of `rate_allocation`",
                    &[
                        field("policy", Shape::Text),
                        field("percent", Shape::Integer),
                    ],
                ),
            ),
        ],
    ),
);

/// The keys of `tail_sampling`.
pub(super) const TAIL_SAMPLING: &[Field] = &[
    field("policies", Shape::Policies(Nest::Top)),
    field("decision_wait", Shape::Duration),
    newer(
        "decision_wait_after_root_received",
        Shape::Duration,
        Since::WaitAfterRoot,
    ),
    field("num_traces", Shape::Unsigned),
    field("block_on_overflow", Shape::Flag),
    field("expected_new_traces_per_sec", Shape::Unsigned),
    field(
        "decision_cache",
        Shape::Block(
            "`decision_cache`",
            &[
                field("sampled_cache_size", Shape::Integer),
                field("non_sampled_cache_size", Shape::Integer),
            ],
        ),
    ),
    newer("tail_storage", Shape::Text, Since::TailStorage),
    field("sample_on_first_match", Shape::Flag),
    newer(
        "sampling_strategy",
        Shape::Word(&["trace-complete", "span-ingest"]),
        Since::Strategy,
    ),
    newer(
        "drop_pending_traces_on_shutdown",
        Shape::Flag,
        Since::BytesLimiting,
    ),
    newer("maximum_trace_size_bytes", Shape::Unsigned, Since::Not),
    newer("num_shards", Shape::Unsigned, Since::Shards),
];

/// The keys of `probabilistic_sampler`.
pub(super) const PROBABILISTIC_SAMPLER: &[Field] = &[
    field("sampling_percentage", Shape::Number),
    field("hash_seed", Shape::Unsigned),
    field(
        "mode",
        Shape::Word(&["hash_seed", "proportional", "equalizing", ""]),
    ),
    field("fail_closed", Shape::Flag),
    field("sampling_precision", Shape::Integer),
    field("attribute_source", Shape::Word(&["traceID", "record", ""])),
    field("from_attribute", Shape::Text),
    field("sampling_priority", Shape::Text),
];

/// The keys of a pipeline.
pub(super) const PIPELINE: &[Field] = &[
    field("receivers", Shape::Ids),
    field("processors", Shape::Ids),
    field("exporters", Shape::Ids),
];

/// The keys of a policy at this place.
pub(super) fn policy_fields(nest: Nest) -> Vec<Field> {
    let special: &[Field] = match nest {
        Nest::Top => &[AND, NOT, DROP, COMPOSITE],
        Nest::And | Nest::Drop => &[NOT],
        Nest::Composite => &[AND],
        Nest::Not => &[],
    };
    SHARED.iter().chain(special).copied().collect()
}

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
                Some(field) if field.since.is_none_or(|since| self.version.has(since)) => {
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
            Shape::Block(name, fields) => self.block(value, name, fields),
            Shape::Blocks(name, fields) => {
                for item in self.items(value, key) {
                    self.block(item, name, fields);
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
                Some(field) if field.since.is_none_or(|since| self.version.has(since)) => {
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

/// The written text without its quotes.
pub(super) fn unquoted(written: &str) -> &str {
    written.trim_matches(['"', '\''])
}

/// Nanoseconds of a duration in Go's notation, such as `1m30s`.
pub(super) fn go_duration(text: &str) -> Option<i64> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    let mut nanos = 0.0;
    while !rest.is_empty() || nanos == 0.0 {
        let is_digit = |character: char| character.is_ascii_digit() || character == '.';
        let end = rest.find(|character| !is_digit(character))?;
        let number: f64 = rest[..end].parse().ok()?;
        rest = &rest[end..];
        let end = rest.find(is_digit).unwrap_or(rest.len());
        let unit = match &rest[..end] {
            "ns" => 1.0,
            "us" | "µs" | "μs" => 1e3,
            "ms" => 1e6,
            "s" => 1e9,
            "m" => 60e9,
            "h" => 3600e9,
            _ => return None,
        };
        rest = &rest[end..];
        nanos += number * unit;
        if rest.is_empty() {
            break;
        }
    }
    (nanos < 9.2e18).then_some((sign * nanos) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_those_of_go() {
        for (text, expected) in [
            ("10s", Some(10_000_000_000)),
            ("1m30s", Some(90_000_000_000)),
            ("1.5s", Some(1_500_000_000)),
            ("-2ms", Some(-2_000_000)),
            ("0", Some(0)),
            ("0s", Some(0)),
            ("10", None),
            ("", None),
            ("s", None),
            ("1 s", None),
            ("1d", None),
        ] {
            assert_eq!(go_duration(text), expected, "{text}");
        }
    }
}
