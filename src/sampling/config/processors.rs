//! The processors `tail_sampling` and `probabilistic_sampler`: from values to types, with findings.

use std::cell::RefCell;
use std::time::Duration;

use super::finding::{Finding, LintRule};
use super::keys::{Nest, PROBABILISTIC_SAMPLER, TAIL_SAMPLING};
use super::policies::{Policies, is_inverted, shown_name};
use super::shape::Shapes;
use super::value::{Data, Key, Value};
use crate::sampling::go_duration::go_duration;
use crate::sampling::policy::{DecisionCache, Policy, Rule, Strategy, TailSampling};
use crate::sampling::version::{CollectorVersion, Since};
use crate::sampling::{Mode, ProbabilisticSampler};

/// The Collector's maximum of `num_shards`.
const MOST_SHARDS: i64 = 256;

/// The Collector's maximum of `sampling_precision`, in hexadecimal digits.
const MOST_PRECISION: i64 = 14;

/// The smallest ratio of `probabilistic_sampler`, 2⁻⁵⁶.
const LEAST_RATIO: f64 = 1.0 / (1u64 << 56) as f64;

/// Reads the processors. Findings are recorded.
pub(super) struct Processors<'f> {
    pub(super) version: CollectorVersion,
    pub(super) extensions: &'f [String],
    pub(super) findings: &'f RefCell<Vec<Finding>>,
}

impl Processors<'_> {
    fn note(&self, finding: Finding) {
        self.findings.borrow_mut().push(finding);
    }

    fn shapes(&self) -> Shapes<'_> {
        Shapes {
            version: self.version,
            findings: self.findings,
        }
    }

    pub(super) fn tail_sampling(&self, key: &Key, value: &Value) -> TailSampling {
        self.shapes().block(value, "`tail_sampling`", TAIL_SAMPLING);
        let policies = self.policies(key, value);
        let integer = |name: &str| {
            let value = value.get(name).filter(|value| !value.is_null());
            value.map(|value| u64::try_from(value.as_integer()).unwrap_or(0))
        };
        let cache = |name: &str| {
            let size = value
                .get("decision_cache")
                .and_then(|cache| cache.get(name));
            size.map_or(0, |size| u64::try_from(size.as_integer()).unwrap_or(0))
        };
        let sampling = TailSampling {
            id: key.text.clone(),
            at: key.at.clone(),
            policies,
            strategy: match value.get("sampling_strategy").and_then(Value::text) {
                Some("span-ingest") => Strategy::SpanIngest,
                _ => Strategy::TraceComplete,
            },
            sample_on_first_match: value
                .get("sample_on_first_match")
                .is_some_and(Value::as_flag),
            decision_wait: duration(value, "decision_wait").unwrap_or(Duration::from_secs(30)),
            decision_wait_after_root_received: duration(value, "decision_wait_after_root_received")
                .unwrap_or_default(),
            num_traces: integer("num_traces").unwrap_or(50_000),
            decision_cache: DecisionCache {
                sampled: cache("sampled_cache_size"),
                non_sampled: cache("non_sampled_cache_size"),
            },
            maximum_trace_size_bytes: integer("maximum_trace_size_bytes").unwrap_or(0),
            num_shards: integer("num_shards")
                .and_then(|number| u32::try_from(number).ok())
                .unwrap_or(1),
        };
        self.look_at_settings(value, &sampling);
        self.look_at_effects(&sampling);
        sampling
    }

    fn policies(&self, key: &Key, value: &Value) -> Vec<Policy> {
        let reader = Policies {
            version: self.version,
            extensions: self.extensions,
            findings: self.findings,
        };
        let list = value.get("policies").filter(|list| !list.is_null());
        if list.is_none_or(|list| list.data.is_list() && list.items().is_empty())
            && !matches!(value.data, Data::Unknown)
        {
            let at = value.entry("policies").map_or(&key.at, |(key, _)| &key.at);
            let what = format!("`{}` has no policies, and keeps no trace", key.text);
            self.note(
                Finding::new(LintRule::NoPolicies, at, what)
                    .help("add policies, such as `{ name: errors, type: status_code, status_code: { status_codes: [ERROR] } }`"),
            );
        }
        let items = list.map(Value::items).unwrap_or_default();
        self.look_at_names(items);
        let read = items.iter().filter_map(|item| reader.read(item, Nest::Top));
        read.collect()
    }

    fn look_at_names(&self, policies: &[Value]) {
        let names: Vec<Option<&Value>> = policies.iter().map(|policy| policy.get("name")).collect();
        let text = |value: Option<&Value>| value.and_then(Value::text).map(str::to_owned);
        for (number, name) in names.iter().enumerate() {
            let Some(name) =
                name.filter(|name| text(Some(name)).is_some_and(|text| !text.is_empty()))
            else {
                continue;
            };
            let earlier = names[..number]
                .iter()
                .flatten()
                .find(|other| text(Some(other)) == text(Some(name)));
            if let Some(earlier) = earlier {
                let what = "two policies have this name".to_owned();
                let finding = Finding::new(LintRule::PolicyName, &name.at, what);
                self.note(
                    finding
                        .also(&earlier.at, "the other")
                        .help("give each a name of its own"),
                );
            }
        }
    }

    fn look_at_settings(&self, value: &Value, sampling: &TailSampling) {
        self.look_at_waits(value, sampling);
        self.look_at_caches(value, sampling);
        if let Some(shards) = value.get("num_shards") {
            if shards.as_integer() > MOST_SHARDS {
                let what = format!("`num_shards` is at most {MOST_SHARDS}");
                let finding = Finding::new(LintRule::BadValue, &shards.at, what);
                self.note(finding.help("write a number near that of the processors"));
            } else if shards.as_integer() > 1 && value.get("tail_storage").is_some() {
                let what = "`num_shards` above 1 does not work with `tail_storage`";
                self.note(Finding::new(LintRule::BadValue, &shards.at, what));
            }
        }
        if let Some(storage) = value.get("tail_storage").filter(|value| !value.is_null()) {
            let what = "`tail_storage` needs the feature gate `processor.tailsamplingprocessor.tailstorageextension`";
            self.note(
                Finding::new(LintRule::BadValue, &storage.at, what)
                    .warning()
                    .help("start the Collector with `--feature-gates` and this gate"),
            );
        }
        if let Some((key, _)) = value
            .entry("sampling_strategy")
            .filter(|(_, value)| value.is_null())
        {
            let what =
                "`sampling_strategy` has no value, and the Collector does not take the default";
            let finding = Finding::new(LintRule::BadValue, &key.at, what);
            self.note(finding.help("write `trace-complete`, or remove the key"));
        }
        if sampling.strategy == Strategy::SpanIngest {
            for policy in sampling
                .policies
                .iter()
                .filter(|policy| is_stateful(&policy.rule))
            {
                let what = format!(
                    "the policy {} needs whole traces, and `span-ingest` decides each batch",
                    shown_name(policy)
                );
                self.note(
                    Finding::new(LintRule::StatefulPolicy, &policy.at, what)
                        .help("remove the limit or the upper bound, or use `sampling_strategy: trace-complete`"),
                );
            }
        }
    }

    fn look_at_waits(&self, value: &Value, sampling: &TailSampling) {
        let wait = sampling.decision_wait;
        if let Some(at) = value.get("decision_wait") {
            let second = Duration::from_secs(1);
            if wait < second && matches!(at.data, Data::Text(_) | Data::Integer(0)) {
                let what = "`decision_wait` is at least one second";
                self.note(
                    Finding::new(LintRule::DecisionWait, &at.at, what)
                        .label("the Collector waits for a second")
                        .help("write `1s`, or the time until the last span of a trace arrives"),
                );
            } else if wait.subsec_nanos() != 0 && wait > second {
                let what = "`decision_wait` has whole seconds";
                let whole = wait.as_secs();
                self.note(
                    Finding::new(LintRule::DecisionWait, &at.at, what)
                        .label(format!("the Collector waits for {whole} s"))
                        .help(format!("write `{whole}s` or `{}s`", whole + 1)),
                );
            }
        }
        let after_root = sampling.decision_wait_after_root_received;
        if after_root > wait
            && let Some(at) = value.get("decision_wait_after_root_received")
        {
            let what = "`decision_wait_after_root_received` is longer than `decision_wait`, and has no effect";
            let finding = Finding::new(LintRule::DecisionWait, &at.at, what);
            self.note(finding.help("make it shorter, or remove it"));
        }
    }

    fn look_at_caches(&self, value: &Value, sampling: &TailSampling) {
        let cache = value.get("decision_cache");
        for (key, size) in [
            ("sampled_cache_size", sampling.decision_cache.sampled),
            (
                "non_sampled_cache_size",
                sampling.decision_cache.non_sampled,
            ),
        ] {
            let Some(at) = cache.and_then(|cache| cache.get(key)) else {
                continue;
            };
            if size > 0 && size < sampling.num_traces {
                let what = format!(
                    "`{key}` is smaller than `num_traces`, {}: it forgets decisions before the spans are gone",
                    sampling.num_traces
                );
                let finding = Finding::new(LintRule::CacheSize, &at.at, what);
                self.note(finding.help("make it several times `num_traces`, or 0 for no cache"));
            }
        }
        if sampling.num_traces == 0
            && let Some(at) = value
                .get("num_traces")
                .filter(|at| matches!(at.data, Data::Integer(0)))
        {
            let what = "`num_traces: 0` leaves no room for traces that wait";
            let finding = Finding::new(LintRule::CacheSize, &at.at, what);
            self.note(finding.help("write at least the number of traces in `decision_wait`"));
        }
    }

    /// Effects of policies on each other.
    fn look_at_effects(&self, sampling: &TailSampling) {
        let has_vetoes = !self.version.has(Since::PlainInvertedVotes);
        let inverted = sampling
            .policies
            .iter()
            .find(|policy| is_inverted(&policy.rule));
        if let Some(inverted) = inverted.filter(|_| has_vetoes) {
            for drop in sampling.policies.iter().filter(|policy| is_drop(policy)) {
                let what = format!(
                    "a trace that the policy {} does not drop gets its vote against sampling, which cancels the inverted match {} in {}",
                    shown_name(drop),
                    shown_name(inverted),
                    self.version
                );
                self.note(
                    Finding::new(LintRule::DropBesideInverted, &drop.at, what)
                        .also(&inverted.at, "the inverted match")
                        .help("put the inverted match into an `and`"),
                );
            }
        }
        let all = sampling
            .policies
            .iter()
            .position(|policy| keeps_all(&policy.rule));
        let Some(all) = all else { return };
        let keeper = &sampling.policies[all];
        let decides =
            |policy: &Policy| is_drop(policy) || (has_vetoes && is_inverted(&policy.rule));
        let idle = |policies: &[Policy]| policies.iter().filter(|one| !decides(one)).count();
        let (before, after) = (
            idle(&sampling.policies[..all]),
            idle(&sampling.policies[all + 1..]),
        );
        if before + after == 0 {
            return;
        }
        let never_asked = sampling.sample_on_first_match && before == 0;
        let others = match (before + after, never_asked) {
            (1, true) => "the other policy is never asked".to_owned(),
            (1, false) => "the other policy changes no decision".to_owned(),
            (number, true) => format!("the {number} other policies are never asked"),
            (number, false) => format!("the {number} other policies change no decision"),
        };
        let what = format!(
            "the policy {} keeps every trace: {others}",
            shown_name(keeper)
        );
        let help = match (before, after) {
            (_, 0) => {
                "the others only give their names to traces: remove it to keep what they keep; for a share of the rest, use `probabilistic`"
            }
            _ => "remove it; for a share of the rest, use `probabilistic`",
        };
        self.note(Finding::new(LintRule::NoEffect, &keeper.at, what).help(help));
    }

    pub(super) fn probabilistic(&self, key: &Key, value: &Value) -> ProbabilisticSampler {
        self.shapes()
            .block(value, "`probabilistic_sampler`", PROBABILISTIC_SAMPLER);
        let get = |name: &str| value.get(name).filter(|value| !value.is_null());
        let percentage = get("sampling_percentage");
        let is_known = !matches!(value.data, Data::Unknown)
            && percentage.is_none_or(|value| !matches!(value.data, Data::Unknown));
        let ratio = percentage.map_or(0.0, Value::as_number) / 100.0;
        let at = percentage.map_or(&key.at, |value| &value.at);
        let id = &key.text;
        let finding = |rule, what: &str| Finding::new(rule, at, format!("`{id}` {what}"));
        if !ratio.is_finite() || ratio < 0.0 || (ratio > 0.0 && ratio < LEAST_RATIO) {
            let what = "has a percentage that the Collector does not accept";
            self.note(finding(LintRule::BadValue, what).help("write a percentage from 0 to 100"));
        } else if ratio == 0.0 && is_known {
            let finding = finding(LintRule::NeverSamples, "keeps no span: its percentage is 0");
            self.note(finding.help("set `sampling_percentage`"));
        } else if ratio > 1.0 {
            let finding = finding(
                LintRule::Percentage,
                "keeps every span: a percentage is from 0 to 100",
            );
            self.note(finding.help("write a percentage from 0 to 100"));
        }
        let precision = get("sampling_precision").map_or(4, Value::as_integer);
        if let Some(at) = get("sampling_precision").filter(|at| matches!(at.data, Data::Integer(_)))
            && !(1..=MOST_PRECISION).contains(&precision)
        {
            let what = format!("`sampling_precision` is from 1 to {MOST_PRECISION}");
            let finding =
                Finding::new(LintRule::BadValue, &at.at, what).help("write 4, the default");
            self.note(if precision < 0 {
                finding.warning()
            } else {
                finding
            });
        }
        ProbabilisticSampler {
            id: id.clone(),
            sampling_percentage: percentage.map_or(0.0, Value::as_number) as f32,
            hash_seed: get("hash_seed").map_or(0, |seed| seed.as_integer() as u32),
            mode: match get("mode").and_then(Value::text) {
                Some("equalizing") => Mode::Equalizing,
                Some("proportional") => Mode::Proportional,
                _ => Mode::HashSeed,
            },
            fail_closed: get("fail_closed").is_none_or(Value::as_flag),
            sampling_precision: usize::try_from(precision).unwrap_or(0),
        }
    }
}

fn duration(value: &Value, key: &str) -> Option<Duration> {
    let nanos = match &value.get(key)?.data {
        Data::Text(text) => go_duration(text)?,
        Data::Integer(_) | Data::Float(_) => value.get(key)?.as_integer(),
        _ => return None,
    };
    Some(Duration::from_nanos(u64::try_from(nanos).unwrap_or(0)))
}

fn is_drop(policy: &Policy) -> bool {
    matches!(policy.rule, Rule::Drop(_))
}

/// Returns `true` if the decision changes with further spans.
fn is_stateful(rule: &Rule) -> bool {
    match rule {
        Rule::RateLimiting { .. } | Rule::BytesLimiting { .. } => true,
        Rule::Latency {
            upper_threshold_ms, ..
        } => *upper_threshold_ms > 0,
        Rule::SpanCount { max_spans, .. } => *max_spans > 0,
        Rule::And(policies) | Rule::Drop(policies) => {
            policies.iter().any(|policy| is_stateful(&policy.rule))
        }
        Rule::Not(policy) => is_stateful(&policy.rule),
        Rule::Composite(composite) => {
            let mut policies = composite.policies.iter();
            policies.any(|policy| is_stateful(&policy.rule))
        }
        _ => false,
    }
}

/// Returns `true` if a policy keeps every trace.
fn keeps_all(rule: &Rule) -> bool {
    match rule {
        Rule::AlwaysSample => true,
        Rule::Probabilistic {
            sampling_percentage,
            ..
        } => *sampling_percentage >= 100.0,
        Rule::SpanCount {
            min_spans,
            max_spans,
        } => *max_spans == 0 && *min_spans <= 1,
        Rule::And(policies) => policies.iter().all(|policy| keeps_all(&policy.rule)),
        _ => false,
    }
}
