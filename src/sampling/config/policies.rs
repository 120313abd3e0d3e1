//! Policies of `tail_sampling`: from values to rules, with findings about what they decide.
//!
//! Types of values are checked before, in `shape`: here, a value of a wrong type counts as absent.

use std::cell::RefCell;

use super::finding::{Finding, LintRule};
use super::patterns;
use super::shape::{Nest, policy_fields, unquoted};
use super::value::{Data, Key, Value, is_variable};
use crate::sampling::ottl::{Condition, Context, ProblemKind};
use crate::sampling::policy::{
    Allocation, AttributeValue, Composite, OttlConditions, Policy, Rule,
};
use crate::sampling::version::{CollectorVersion, Since};
use crate::yaml::{Location, did_you_mean};

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

/// A policy that is being read.
struct Draft<'v> {
    value: &'v Value,
    /// The name for messages, as written.
    title: String,
    kind: &'v str,
    kind_at: &'v Location,
    /// The block of the type; empty, if it is missing.
    block: Option<&'v Value>,
}

impl Draft<'_> {
    fn get(&self, key: &str) -> Option<&Value> {
        self.block?.get(key).filter(|value| !value.is_null())
    }

    fn integer(&self, key: &str) -> i64 {
        self.get(key).map_or(0, Value::as_integer)
    }

    fn small(&self, key: &str) -> i32 {
        i32::try_from(self.integer(key)).unwrap_or(i32::MAX)
    }

    fn number(&self, key: &str) -> f64 {
        self.get(key).map_or(0.0, Value::as_number)
    }

    fn flag(&self, key: &str) -> bool {
        self.get(key).is_some_and(Value::as_flag)
    }

    fn text(&self, key: &str) -> String {
        self.get(key)
            .and_then(Value::text)
            .unwrap_or_default()
            .to_owned()
    }

    fn texts(&self, key: &str) -> Vec<(String, Location)> {
        self.get(key).map(Value::as_texts).unwrap_or_default()
    }

    /// The place of a key's value, else of the type.
    fn place(&self, key: &str) -> &Location {
        self.get(key).map_or(self.kind_at, |value| &value.at)
    }

    fn finding(&self, rule: LintRule, at: &Location, what: impl AsRef<str>) -> Finding {
        Finding::new(rule, at, format!("{} {}", self.title, what.as_ref()))
    }
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
        let is_known = |field: &super::shape::Field| {
            field.key == kind && field.since.is_none_or(|since| self.version.has(since))
        };
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

    fn latency(&self, draft: &Draft<'_>) -> Rule {
        let (threshold_ms, upper_threshold_ms) = (
            draft.integer("threshold_ms"),
            draft.integer("upper_threshold_ms"),
        );
        if upper_threshold_ms != 0 && threshold_ms >= upper_threshold_ms {
            self.never(
                draft,
                "upper_threshold_ms",
                format!(
                    "no duration is above {threshold_ms} ms and at most {upper_threshold_ms} ms"
                ),
                "exchange the bounds, or remove `upper_threshold_ms`",
            );
        } else if upper_threshold_ms == 0 && threshold_ms <= 0 {
            self.always(
                draft,
                "threshold_ms",
                "keeps every trace of a millisecond or more",
                "set `threshold_ms`",
            );
        }
        Rule::Latency {
            threshold_ms,
            upper_threshold_ms,
        }
    }

    fn numeric(&self, draft: &Draft<'_>) -> Option<Rule> {
        let (min_value, max_value) = (draft.integer("min_value"), draft.integer("max_value"));
        if min_value == 0 && max_value == 0 {
            let key = if draft.get("min_value").is_some() {
                "min_value"
            } else {
                "max_value"
            };
            let what = "has neither `min_value` nor `max_value`, where zero counts as absent";
            let finding = draft.finding(LintRule::NoBounds, draft.place(key), what);
            self.note(
                finding
                    .label("the Collector panics at the first trace")
                    .help("set a bound other than 0; for the value 0, use `ottl_condition`"),
            );
            return None;
        }
        for (key, side) in [("min_value", "lower"), ("max_value", "upper")] {
            if draft.get(key).is_some() && draft.integer(key) == 0 {
                let what = format!("has `{key}: 0`, which means no {side} bound");
                let finding = draft.finding(LintRule::ZeroBound, draft.place(key), what);
                let help = match key {
                    "min_value" => {
                        "write `min_value: 1`, or compare with `ottl_condition`, where 0 is a number"
                    }
                    _ => {
                        "write `max_value: -1`, or compare with `ottl_condition`, where 0 is a number"
                    }
                };
                self.note(finding.help(help));
            }
        }
        let invert_match = draft.flag("invert_match");
        if min_value != 0 && max_value != 0 && min_value > max_value {
            let why = format!("no number is at least {min_value} and at most {max_value}");
            self.unmatched(draft, "min_value", &why, "exchange the bounds");
        }
        self.look_at_key(draft);
        Some(Rule::NumericAttribute {
            key: draft.text("key"),
            min_value,
            max_value,
            invert_match,
        })
    }

    /// Notes that a condition on an attribute cannot match, which keeps no trace, or all if it is inverted.
    fn unmatched(&self, draft: &Draft<'_>, key: &str, why: &str, help: &str) {
        match draft.flag("invert_match") {
            true => self.always(draft, key, format!("keeps every trace: {why}"), help),
            false => self.never(draft, key, why, help),
        }
    }

    fn look_at_key(&self, draft: &Draft<'_>) {
        if draft.text("key").is_empty() {
            self.unmatched(
                draft,
                "key",
                "it has no `key`",
                "add the name of an attribute as `key`",
            );
        }
    }

    fn string(&self, draft: &Draft<'_>) -> Option<Rule> {
        let values = draft.texts("values");
        self.look_at_key(draft);
        let is_regex = draft.flag("enabled_regex_matching");
        let is_usable = |(value, _): &(String, Location)| is_regex || !value.is_empty();
        if !values.iter().any(is_usable) {
            self.unmatched(
                draft,
                "values",
                "it has no `values`",
                "add the values to keep",
            );
        }
        let mut read = Vec::new();
        let mut is_complete = true;
        for (value, at) in &values {
            if !is_regex {
                self.findings
                    .borrow_mut()
                    .extend(patterns::exact(&draft.title, value, at));
                read.push(AttributeValue::Exact(value.clone()));
                continue;
            }
            let (pattern, findings) = patterns::regex(&draft.title, value, at);
            self.findings.borrow_mut().extend(findings);
            is_complete &= pattern.is_some();
            read.extend(pattern.map(AttributeValue::Pattern));
        }
        is_complete.then(|| Rule::StringAttribute {
            key: draft.text("key"),
            values: read,
            invert_match: draft.flag("invert_match"),
        })
    }

    fn boolean(&self, draft: &Draft<'_>) -> Rule {
        self.look_at_key(draft);
        if draft.block.is_some() && draft.get("value").is_none() {
            let what =
                "has no `value`, and so matches `false`, and any attribute that is not a boolean";
            let at = draft.place("key");
            let finding = draft.finding(LintRule::BooleanPresence, at, what);
            self.note(finding.help("write `value: true` or `value: false`"));
        }
        Rule::BooleanAttribute {
            key: draft.text("key"),
            value: draft.flag("value"),
            invert_match: draft.flag("invert_match"),
        }
    }

    fn status(&self, draft: &Draft<'_>) -> Option<Rule> {
        let codes = draft.texts("status_codes");
        if codes.is_empty() {
            let at = draft.place("status_codes");
            let finding = draft.finding(LintRule::StatusCode, at, "has no status code");
            self.note(finding.help("write `status_code: { status_codes: [ERROR] }`"));
            return None;
        }
        let mut numbers = Vec::new();
        for (code, at) in &codes {
            match code.as_str() {
                "UNSET" => numbers.push(0),
                "OK" => numbers.push(1),
                "ERROR" => numbers.push(2),
                _ => {
                    let what = format!("has the unknown status code `{}`", unquoted(at.text()));
                    let upper = code.to_uppercase();
                    let help = match ["OK", "ERROR", "UNSET"].contains(&upper.as_str()) {
                        true => format!("write `{upper}`, in upper case"),
                        false => "write OK, ERROR or UNSET".to_owned(),
                    };
                    self.note(draft.finding(LintRule::StatusCode, at, what).help(help));
                }
            }
        }
        (numbers.len() == codes.len()).then_some(Rule::StatusCode(numbers))
    }

    fn probabilistic(&self, draft: &Draft<'_>) -> Rule {
        let percentage = draft.number("sampling_percentage");
        let key = "sampling_percentage";
        if percentage == 0.0 {
            self.never(
                draft,
                key,
                "its percentage is 0",
                "set `sampling_percentage`, from 0 to 100",
            );
        } else if !(0.0..=100.0).contains(&percentage) {
            let meaning = if percentage > 100.0 {
                "every trace"
            } else {
                "no trace"
            };
            let what = format!("keeps {meaning}: a percentage is from 0 to 100");
            let finding = draft.finding(LintRule::Percentage, draft.place(key), what);
            self.note(finding.help("write a percentage from 0 to 100"));
        }
        Rule::Probabilistic {
            hash_salt: draft.text("hash_salt"),
            sampling_percentage: percentage,
        }
    }

    fn rate(&self, draft: &Draft<'_>) -> Rule {
        let spans_per_second = draft.integer("spans_per_second");
        if spans_per_second <= 0 {
            self.never(
                draft,
                "spans_per_second",
                "it permits no span a second",
                "set `spans_per_second`",
            );
        }
        Rule::RateLimiting {
            spans_per_second,
            burst_capacity: draft.integer("burst_capacity"),
        }
    }

    fn bytes(&self, draft: &Draft<'_>) -> Rule {
        let bytes_per_second = draft.integer("bytes_per_second");
        if bytes_per_second <= 0 {
            self.never(
                draft,
                "bytes_per_second",
                "it permits no byte a second",
                "set `bytes_per_second`",
            );
        }
        Rule::BytesLimiting {
            bytes_per_second,
            burst_capacity: draft.integer("burst_capacity"),
        }
    }

    fn span_count(&self, draft: &Draft<'_>) -> Rule {
        let (min_spans, max_spans) = (draft.small("min_spans"), draft.small("max_spans"));
        if max_spans != 0 && min_spans > max_spans {
            let why = format!("no trace has at least {min_spans} and at most {max_spans} spans");
            self.never(draft, "min_spans", why, "exchange the bounds");
        } else if max_spans == 0 && min_spans <= 1 {
            self.always(
                draft,
                "min_spans",
                "keeps every trace: each has a span",
                "set `min_spans` or `max_spans`",
            );
        }
        Rule::SpanCount {
            min_spans,
            max_spans,
        }
    }

    fn trace_state(&self, draft: &Draft<'_>) -> Rule {
        /// A member of `tracestate` has at most so many characters, with its `=`.
        const MOST: usize = 256;
        let key = draft.text("key");
        let values = draft.texts("values");
        self.look_at_key(draft);
        for (value, at) in values
            .iter()
            .filter(|(value, _)| key.len() + value.len() >= MOST)
        {
            let what = format!(
                "has a value of {} bytes, which the Collector ignores with its key",
                value.len()
            );
            let finding = draft.finding(LintRule::NeverSamples, at, what);
            self.note(finding.help("a member of `tracestate` has at most 256 characters"));
        }
        if values.iter().all(|(value, _)| value.is_empty()) {
            self.never(
                draft,
                "values",
                "it has no `values`",
                "add the values to keep",
            );
        }
        Rule::TraceState {
            key,
            values: values.into_iter().map(|(value, _)| value).collect(),
        }
    }

    fn ottl(&self, draft: &Draft<'_>) -> Option<Rule> {
        let (span, span_event) = (draft.texts("span"), draft.texts("spanevent"));
        if span.is_empty() && span_event.is_empty() {
            let finding = draft.finding(LintRule::BadCondition, draft.kind_at, "has no condition");
            self.note(finding.help("add conditions as `span` or `spanevent`"));
            return None;
        }
        let is_valid = [(&span, Context::Span), (&span_event, Context::SpanEvent)]
            .map(|(conditions, context)| self.look_at_conditions(draft, conditions, context));
        if is_valid.contains(&false) {
            return None;
        }
        let mode = draft.text("error_mode").to_lowercase();
        Some(Rule::OttlCondition(OttlConditions {
            ignores_errors: matches!(mode.as_str(), "ignore" | "silent"),
            span,
            span_event,
        }))
    }

    /// Returns `true` if the Collector accepts the conditions.
    fn look_at_conditions(
        &self,
        draft: &Draft<'_>,
        conditions: &[(String, Location)],
        context: Context,
    ) -> bool {
        let mut is_valid = true;
        for (text, at) in conditions {
            let Err(problem) = Condition::parse(text, context) else {
                continue;
            };
            is_valid &= problem.kind != ProblemKind::Invalid;
            let (rule, fact) = match problem.kind {
                ProblemKind::Invalid => (LintRule::BadCondition, "has an invalid condition"),
                ProblemKind::Unsupported => (
                    LintRule::NotEvaluated,
                    "has a condition that `replay` does not evaluate",
                ),
            };
            let finding = match is_variable(at) {
                true => draft.finding(rule, at, fact),
                false => {
                    let what = format!("{fact}: {}", problem.what);
                    draft.finding(rule, &problem.location(text, at), what)
                }
            };
            let help = problem.help.filter(|_| !is_variable(at));
            self.note(finding.help(help.unwrap_or_default()));
        }
        is_valid
    }

    /// The policies inside of one; `None` if one of them cannot be read.
    fn sub_policies(&self, draft: &Draft<'_>, key: &str, nest: Nest) -> Option<Vec<Policy>> {
        let items = draft.get(key).map(Value::items).unwrap_or_default();
        if items.is_empty() && draft.get(key).is_none_or(|list| list.data.is_list()) {
            let why = match nest {
                Nest::And => "keeps every trace: it has no condition",
                Nest::Drop => "drops every trace: it has no condition",
                _ => "",
            };
            if !why.is_empty() {
                self.always(draft, key, why, &format!("add policies as `{key}`"));
            }
        }
        let read: Vec<Option<Policy>> = items.iter().map(|item| self.read(item, nest)).collect();
        read.into_iter().collect()
    }

    fn not(&self, draft: &Draft<'_>) -> Option<Rule> {
        let Some(inner) = draft.get("not_sub_policy") else {
            let what = "has no policy that it inverts";
            let finding = draft.finding(LintRule::UnknownPolicy, draft.kind_at, what);
            self.note(finding.help("add it as `not: { not_sub_policy: { name: …, type: … } }`"));
            return None;
        };
        let inner = self.read(inner, Nest::Not)?;
        Some(Rule::Not(Box::new(inner)))
    }

    fn composite(&self, draft: &Draft<'_>) -> Option<Rule> {
        let max = draft.integer("max_total_spans_per_second");
        let order = draft.texts("policy_order");
        let policies = self.sub_policies(draft, "composite_sub_policy", Nest::Composite)?;
        if max <= 0 {
            self.never(
                draft,
                "max_total_spans_per_second",
                "it permits no span a second",
                "set `max_total_spans_per_second`",
            );
        } else if policies.is_empty() {
            self.never(
                draft,
                "composite_sub_policy",
                "it has no `composite_sub_policy`",
                "add policies as `composite_sub_policy`",
            );
        }
        let entries = draft
            .get("rate_allocation")
            .map(Value::items)
            .unwrap_or_default();
        let allocations: Vec<Allocation> = entries
            .iter()
            .map(|entry| Allocation {
                policy: entry
                    .get("policy")
                    .and_then(Value::text)
                    .unwrap_or_default()
                    .to_owned(),
                percent: entry.get("percent").map_or(0, Value::as_integer),
            })
            .collect();
        let names: Vec<&str> = policies.iter().map(|policy| policy.name.as_str()).collect();
        self.look_at_order(draft, &order, &names);
        self.look_at_sub_names(draft, &policies);
        self.look_at_allocations(draft, entries, &allocations, &policies, max);
        Some(Rule::Composite(Composite {
            max_total_spans_per_second: max,
            policies,
            rate_allocation: allocations,
        }))
    }

    fn look_at_sub_names(&self, draft: &Draft<'_>, policies: &[Policy]) {
        for (number, policy) in policies.iter().enumerate() {
            let earlier = policies[..number]
                .iter()
                .find(|other| other.name == policy.name);
            if let Some(earlier) = earlier {
                let what = "has two sub-policies of one name, which have one allocation";
                let finding = draft
                    .finding(LintRule::PolicyName, &policy.at, what)
                    .warning();
                self.note(
                    finding
                        .also(&earlier.at, "the other")
                        .help("give each a name of its own"),
                );
            }
        }
    }

    /// The Collector asks the sub-policies in the order in which they are defined.
    fn look_at_order(&self, draft: &Draft<'_>, order: &[(String, Location)], names: &[&str]) {
        let mut is_complete = true;
        for (name, at) in order
            .iter()
            .filter(|(name, _)| !names.contains(&name.as_str()))
        {
            is_complete = false;
            let what = format!(
                "has no sub-policy `{}`, which `policy_order` names",
                unquoted(at.text())
            );
            let help = did_you_mean(name, names).unwrap_or_else(|| "remove the name".to_owned());
            self.note(draft.finding(LintRule::PolicyOrder, at, what).help(help));
        }
        let ordered: Vec<&str> = order.iter().map(|(name, _)| name.as_str()).collect();
        if order.is_empty() || !is_complete || ordered == names {
            return;
        }
        let what = "asks its sub-policies in the order of `composite_sub_policy`, and not of `policy_order`";
        let finding = draft.finding(LintRule::PolicyOrder, draft.place("policy_order"), what);
        self.note(
            finding
                .label("the Collector does not read it")
                .help("define the sub-policies in this order, all of them"),
        );
    }

    fn look_at_allocations(
        &self,
        draft: &Draft<'_>,
        entries: &[Value],
        allocations: &[Allocation],
        policies: &[Policy],
        max: i64,
    ) {
        let names: Vec<&str> = policies.iter().map(|policy| policy.name.as_str()).collect();
        for (entry, allocation) in entries.iter().zip(allocations) {
            let policy = entry.get("policy");
            if !names.contains(&allocation.policy.as_str()) {
                let at = policy.map_or(entry.place(), |policy| &policy.at);
                let written = policy.map(Value::written).unwrap_or_default();
                let what = format!(
                    "has no sub-policy `{}`, to which `rate_allocation` gives a share",
                    unquoted(&written)
                );
                let help = did_you_mean(&allocation.policy, &names)
                    .unwrap_or_else(|| "remove the entry".to_owned());
                self.note(draft.finding(LintRule::Allocation, at, what).help(help));
            } else if allocation.percent <= 0 {
                let at = entry
                    .get("percent")
                    .map_or(entry.place(), |percent| &percent.at);
                let written = policy.map(Value::written).unwrap_or_default();
                let what = format!(
                    "gives `{}` 0 percent, which means an equal share",
                    unquoted(&written)
                );
                let finding = draft.finding(LintRule::Allocation, at, what);
                self.note(finding.help("remove the sub-policy, or give it a share"));
            }
        }
        let share = |policy: &Policy| {
            let given = allocations.iter().rfind(|one| one.policy == policy.name);
            match given.filter(|one| one.percent > 0) {
                Some(one) => one.percent as f64,
                None => 100.0 / policies.len() as f64,
            }
        };
        let is_listed = |policy: &Policy| allocations.iter().any(|one| one.policy == policy.name);
        let mut total = 0.0;
        for policy in policies {
            if !is_listed(policy) && !self.version.has(Since::Shards) {
                let what = format!(
                    "has a sub-policy {} without `rate_allocation`, which keeps no trace in {}",
                    shown_name(policy),
                    self.version
                );
                let finding = draft.finding(LintRule::Allocation, &policy.at, what);
                self.note(finding.help("add its share to `rate_allocation`"));
                continue;
            }
            total += share(policy);
        }
        // Shares of a third each have a sum of 99.99….
        if total > 100.5 && max > 0 {
            let what = format!(
                "gives its sub-policies {total:.0} percent of `max_total_spans_per_second`: the maximum is of each alone"
            );
            let at = draft.place("rate_allocation");
            let finding = draft.finding(LintRule::Allocation, at, what);
            let unlisted = policies.iter().filter(|policy| !is_listed(policy)).count();
            let help = match unlisted {
                0 => "lower the shares to a sum of 100".to_owned(),
                _ => format!(
                    "a sub-policy without `rate_allocation` has 100 / {} percent: give each a share, with a sum of 100",
                    policies.len()
                ),
            };
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
