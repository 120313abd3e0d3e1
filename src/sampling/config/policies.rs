//! Policies of `tail_sampling`: from values to rules, with findings about what they decide.
//!
//! Types of values are checked before, in `shape`: here, a value of a wrong type counts as absent.

mod conditions;
mod draft;
mod nested;
mod simple;

use std::cell::RefCell;

use super::finding::{Finding, LintRule};
use super::keys::{Field, Nest, policy_fields, unquoted};
use super::value::{Data, Key, Value};
use crate::sampling::policy::{Policy, Rule};
use crate::sampling::version::{CollectorVersion, Since};
use crate::yaml::{Location, did_you_mean};
use draft::Draft;

/// The types of policies, with the behaviour with which they came.
const TYPES: &[(&str, Option<Since>)] = &[
    ("always_sample", None),
    ("latency", None),
    ("numeric_attribute", None),
    ("probabilistic", None),
    ("status_code", None),
    ("string_attribute", None),
    ("rate_limiting", None),
    ("bytes_limiting", Some(Since::BytesLimiting)),
    ("span_count", None),
    ("trace_state", None),
    ("trace_flags", Some(Since::Not)),
    ("boolean_attribute", None),
    ("ottl_condition", None),
    ("and", None),
    ("not", Some(Since::Not)),
    ("drop", None),
    ("composite", None),
];

/// Reads policies. Findings are recorded.
pub(super) struct Policies<'f> {
    pub(super) version: CollectorVersion,
    /// The ids of all extensions.
    pub(super) extensions: &'f [String],
    pub(super) findings: &'f RefCell<Vec<Finding>>,
}

impl Policies<'_> {
    fn note(&self, finding: Finding) {
        self.findings.borrow_mut().push(finding);
    }

    /// A policy; `None` if it cannot be read, which is recorded.
    pub(super) fn read(&self, value: &Value, nest: Nest) -> Option<Policy> {
        if !matches!(value.data, Data::Map(_) | Data::Null) {
            return None;
        }
        let name = value.get("name").and_then(Value::text).unwrap_or_default();
        let title = match value.get("name").filter(|name| name.text().is_some()) {
            Some(name) => format!("the policy `{}`", unquoted(&name.written())),
            None => "a policy without a name".to_owned(),
        };
        let is_named = value
            .get("name")
            .is_some_and(|name| name.text() != Some(""));
        if nest == Nest::Top && !is_named {
            let finding = Finding::new(LintRule::PolicyName, value.place(), "a policy has no name");
            self.note(finding.help("add `name`, which appears in metrics and logs"));
        }
        let kind = self.kind(value, &title)?;
        let draft = Draft {
            value,
            title,
            kind: kind.text()?,
            kind_at: &kind.at,
            block: value.get(kind.text()?).filter(|block| !block.is_null()),
        };
        if !self.is_permitted(&draft, nest) {
            return None;
        }
        self.look_at_blocks(&draft, nest);
        // What depends on an unknown value is not known either, and errors have consequences.
        // Policies inside of it are read for themselves.
        let is_own = |(key, _): &&(Key, Value)| !key.text.ends_with("_sub_policy");
        let mut parts = draft
            .block
            .into_iter()
            .flat_map(|block| block.entries().iter().filter(is_own));
        let is_flat = draft.block.is_some_and(|block| block.entries().is_empty());
        let is_unclear = |value: &Value| has_unknown(value) || self.is_flawed(value);
        if parts.any(|(key, value)| self.has_flaw_at(&key.at) || is_unclear(value))
            || is_flat && draft.block.is_some_and(is_unclear)
        {
            return None;
        }
        let rule = self.rule(&draft)?;
        if nest == Nest::Top {
            self.look_at_inversion(&draft, &rule);
        }
        Some(Policy {
            name: name.to_owned(),
            at: value.place().clone(),
            rule,
        })
    }

    /// Returns `true` if a part of a value has a wrong type or an unknown key.
    fn is_flawed(&self, value: &Value) -> bool {
        let in_entry =
            |(key, value): &(Key, Value)| self.has_flaw_at(&key.at) || self.is_flawed(value);
        self.has_flaw_at(&value.at)
            || value.items().iter().any(|item| self.is_flawed(item))
            || value.entries().iter().any(in_entry)
    }

    fn has_flaw_at(&self, at: &Location) -> bool {
        self.findings.borrow().iter().any(|finding| {
            finding.at.place.start == at.place.start
                && matches!(
                    finding.rule,
                    LintRule::WrongType | LintRule::UnknownKey | LintRule::BadValue
                )
        })
    }

    /// The value of `type`.
    fn kind<'v>(&self, value: &'v Value, title: &str) -> Option<&'v Value> {
        let kind = value.get("type").filter(|kind| !kind.is_null());
        if kind.is_none() {
            let at = value
                .entry("name")
                .map_or(value.place(), |(_, name)| &name.at);
            let what = format!("{title} has no type");
            let finding = Finding::new(LintRule::UnknownPolicy, at, what);
            self.note(finding.help("add `type`, such as `type: status_code`"));
        }
        kind.filter(|kind| kind.text().is_some() && !matches!(kind.data, Data::Unknown))
    }

    fn is_permitted(&self, draft: &Draft<'_>, nest: Nest) -> bool {
        let kind = draft.kind;
        let known = TYPES.iter().find(|(name, _)| *name == kind);
        let Some((_, since)) = known else {
            return self.is_extension(draft);
        };
        if let Some(since) = since.filter(|since| !self.version.has(*since)) {
            let what = format!(
                "has the type `{kind}`, which {} does not have",
                self.version
            );
            let finding = draft.finding(LintRule::UnknownPolicy, draft.kind_at, what);
            self.note(finding.help(format!("use the Collector {} or later", since.version())));
            return false;
        }
        let outer = match nest {
            Nest::Top => return true,
            Nest::And => "and",
            Nest::Not => "not",
            Nest::Drop => "drop",
            Nest::Composite => "composite",
        };
        let fields = policy_fields(nest);
        let is_simple = !matches!(kind, "and" | "not" | "drop" | "composite");
        let is_known = |field: &Field| field.key == kind && field.is_in(self.version);
        if is_simple || fields.iter().any(is_known) {
            return true;
        }
        let what = format!("is of type `{kind}`, which `{outer}` cannot contain");
        let finding = draft.finding(LintRule::Nesting, draft.kind_at, what);
        let help = match (outer, kind) {
            ("and", "and") => "move its sub-policies into the outer `and`",
            ("composite", "not" | "drop") => {
                "wrap it in an `and`, if it is a `not`, or make it a policy of its own"
            }
            _ => "make it a policy of its own",
        };
        self.note(finding.help(help));
        false
    }

    fn is_extension(&self, draft: &Draft<'_>) -> bool {
        let kind = draft.kind;
        if self.extensions.iter().any(|id| id == kind) {
            let what =
                format!("is decided by the extension `{kind}`, which spanspec does not evaluate");
            let finding = draft.finding(LintRule::NotEvaluated, draft.kind_at, what);
            self.note(finding.help("replay a configuration without this policy"));
            return true;
        }
        let names: Vec<&str> = TYPES.iter().map(|(name, _)| *name).collect();
        let what = format!(
            "has the unknown type `{}`",
            unquoted(
                &draft
                    .value
                    .get("type")
                    .map(Value::written)
                    .unwrap_or_default()
            )
        );
        let help = did_you_mean(kind, &names).unwrap_or_else(|| {
            format!(
                "write one of {}, or define an extension with this id",
                names.join(", ")
            )
        });
        self.note(
            draft
                .finding(LintRule::UnknownPolicy, draft.kind_at, what)
                .help(help),
        );
        false
    }

    /// Compares the blocks of a policy with its type.
    fn look_at_blocks(&self, draft: &Draft<'_>, nest: Nest) {
        let kind = draft.kind;
        let fields = policy_fields(nest);
        let others = draft.value.entries().iter().filter(|(key, value)| {
            !matches!(key.text.as_str(), "name" | "type") && key.text != kind && !value.is_null()
        });
        let others: Vec<_> = others.collect();
        let needs_block = !matches!(kind, "always_sample" | "trace_flags")
            && TYPES.iter().any(|(name, _)| *name == kind);
        let is_missing = needs_block && draft.block.is_none();
        for (key, _) in &others {
            let is_known = fields.iter().any(|field| field.key == key.text);
            let what = match is_known {
                true => format!(
                    "has the type `{kind}`: its block `{}` has no effect",
                    key.text
                ),
                false => format!("has the block `{}`, which has no effect", key.text),
            };
            let mut finding = draft.finding(LintRule::WrongBlock, &key.at, what);
            if is_missing {
                finding = finding.label(consequence(kind));
            }
            let help = match (is_known, is_missing) {
                (true, true) => format!("write `type: {}`, or name the block `{kind}`", key.text),
                (true, false) => "remove the block, or change the type".to_owned(),
                (false, _) => {
                    let names: Vec<&str> = fields.iter().map(|field| field.key).collect();
                    did_you_mean(&key.text, &names).unwrap_or_else(|| "remove it".to_owned())
                }
            };
            self.note(finding.also(draft.kind_at, "the type").help(help));
        }
        let is_error = matches!(
            kind,
            "status_code" | "ottl_condition" | "numeric_attribute" | "not"
        );
        if is_missing && others.is_empty() && !is_error {
            let what = format!("has no block `{kind}`");
            let finding = draft.finding(LintRule::MissingBlock, draft.kind_at, what);
            let help = format!("add `{kind}` with its keys");
            self.note(finding.label(consequence(kind)).help(help));
        }
    }

    fn rule(&self, draft: &Draft<'_>) -> Option<Rule> {
        Some(match draft.kind {
            "always_sample" => Rule::AlwaysSample,
            "trace_flags" => Rule::TraceFlags,
            "latency" => self.latency(draft),
            "numeric_attribute" => self.numeric(draft)?,
            "string_attribute" => self.string(draft)?,
            "boolean_attribute" => self.boolean(draft),
            "status_code" => self.status(draft)?,
            "probabilistic" => self.probabilistic(draft),
            "rate_limiting" => self.rate(draft),
            "bytes_limiting" => self.bytes(draft),
            "span_count" => self.span_count(draft),
            "trace_state" => self.trace_state(draft),
            "ottl_condition" => self.ottl(draft)?,
            "and" => Rule::And(self.sub_policies(draft, "and_sub_policy", Nest::And)?),
            "drop" => Rule::Drop(self.sub_policies(draft, "drop_sub_policy", Nest::Drop)?),
            "not" => self.not(draft)?,
            "composite" => self.composite(draft)?,
            extension => Rule::Extension(extension.to_owned()),
        })
    }

    /// Notes that a policy keeps no trace, if it has a block, which explains nothing else.
    fn never(&self, draft: &Draft<'_>, key: &str, why: impl AsRef<str>, help: &str) {
        if draft.block.is_some() {
            let what = format!("keeps no trace: {}", why.as_ref());
            let finding = draft.finding(LintRule::NeverSamples, draft.place(key), what);
            self.note(finding.help(help));
        }
    }

    fn always(&self, draft: &Draft<'_>, key: &str, why: impl AsRef<str>, help: &str) {
        if draft.block.is_some() {
            let finding = draft.finding(LintRule::AlwaysSamples, draft.place(key), why);
            self.note(finding.help(help));
        }
    }

    /// An inverted match at the top: a veto in old versions, and a plain vote in new ones.
    fn look_at_inversion(&self, draft: &Draft<'_>, rule: &Rule) {
        if !is_inverted(rule) {
            return;
        }
        let at = draft.place("invert_match");
        let (what, help) = match self.version.has(Since::PlainInvertedVotes) {
            true => (
                "keeps every trace without such a span, and does not drop the others".to_owned(),
                "to drop traces with the value, use a `drop` policy; to keep traces without it, combine it with other conditions in an `and`",
            ),
            false => (
                format!(
                    "drops every trace with such a span, whatever the other policies decide, in {}",
                    self.version
                ),
                "to drop, use a `drop` policy; to keep the others, put the match into an `and`, where it is no veto",
            ),
        };
        self.note(draft.finding(LintRule::InvertedMatch, at, what).help(help));
    }
}

/// The name of a policy for messages. A name that the file does not contain is the value of a variable.
pub(super) fn shown_name(policy: &Policy) -> String {
    match policy.name.as_str() {
        "" => "without a name".to_owned(),
        name if policy.at.source.text().contains(name) => format!("`{name}`"),
        _ => "with the name of a variable".to_owned(),
    }
}

/// Returns `true` if a condition on attributes is inverted.
pub(super) fn is_inverted(rule: &Rule) -> bool {
    matches!(
        rule,
        Rule::NumericAttribute {
            invert_match: true,
            ..
        } | Rule::StringAttribute {
            invert_match: true,
            ..
        } | Rule::BooleanAttribute {
            invert_match: true,
            ..
        }
    )
}

/// Returns `true` if a value depends on something unknown.
fn has_unknown(value: &Value) -> bool {
    match &value.data {
        Data::Unknown => true,
        Data::List(items) => items.iter().any(has_unknown),
        Data::Map(entries) => entries.iter().any(|(_, value)| has_unknown(value)),
        _ => false,
    }
}

/// The decision of a policy whose block is missing.
fn consequence(kind: &str) -> &'static str {
    match kind {
        "latency" => "it keeps every trace of a millisecond or more",
        "span_count" | "and" => "it keeps every trace",
        "drop" => "it drops every trace",
        "numeric_attribute" => "the Collector panics at the first trace",
        "status_code" | "ottl_condition" | "not" => "the Collector does not start",
        _ => "it keeps no trace",
    }
}
