//! Policies with a condition of their own: on times, attributes, status, shares and rates.

use super::super::finding::LintRule;
use super::super::keys::unquoted;
use super::super::patterns;
use super::Policies;
use super::draft::Draft;
use crate::sampling::policy::{AttributeValue, Rule};
use crate::yaml::Location;

impl Policies<'_> {
    pub(super) fn latency(&self, draft: &Draft<'_>) -> Rule {
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

    pub(super) fn numeric(&self, draft: &Draft<'_>) -> Option<Rule> {
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

    pub(super) fn string(&self, draft: &Draft<'_>) -> Option<Rule> {
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

    pub(super) fn boolean(&self, draft: &Draft<'_>) -> Rule {
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

    pub(super) fn status(&self, draft: &Draft<'_>) -> Option<Rule> {
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

    pub(super) fn probabilistic(&self, draft: &Draft<'_>) -> Rule {
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

    pub(super) fn rate(&self, draft: &Draft<'_>) -> Rule {
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

    pub(super) fn bytes(&self, draft: &Draft<'_>) -> Rule {
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

    pub(super) fn span_count(&self, draft: &Draft<'_>) -> Rule {
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

    pub(super) fn trace_state(&self, draft: &Draft<'_>) -> Rule {
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
}
