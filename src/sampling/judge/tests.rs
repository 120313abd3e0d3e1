//! Votes and decisions about small traces.

use super::*;
use crate::sampling::config::{Environment, read};
use crate::sampling::vote::Vote;
use crate::trace::{Field, SpanId, StatusCode, TraceId, Value};
use crate::yaml::Source;

const ERRORS: &str = "{ name: errors, type: status_code, status_code: { status_codes: [ERROR] } }";
const ALL: &str = "{ name: all, type: always_sample }";
const HEALTH: &str = "type: string_attribute, string_attribute: { key: path, values: [/health] }";
const UNHEALTHY: &str = "{ name: rest, type: string_attribute, string_attribute: { key: path, values: [/health], invert_match: true } }";

/// The processor with these policies.
fn config(policies: &[&str], version: CollectorVersion) -> TailSampling {
    let text = format!("tail_sampling: {{ policies: [{}] }}", policies.join(", "));
    let environment = Environment {
        version,
        variable: &|_| None,
    };
    let reading = read(&Source::new("a.yaml", text), &environment).unwrap();
    let obstacles: Vec<_> = reading.obstacles().collect();
    assert!(obstacles.is_empty(), "{obstacles:?}");
    reading.configuration.tail_sampling[0].clone()
}

/// A span of 100 ms with this path.
fn span(number: u8, path: &str) -> Span {
    let trace: TraceId = "0af7651916cd43dd8448eb211c80319c".parse().unwrap();
    let mut span = Span::new(trace, SpanId::from_bytes([number; 8]).unwrap(), "GET");
    span.start = 1_700_000_000_000_000_000;
    span.end = span.start + 100_000_000;
    span.attributes = [("path", Value::from(path))].into_iter().collect();
    span
}

fn failed(mut span: Span) -> Span {
    span.status.code = StatusCode::Error;
    span
}

/// The verdict about these spans, with the names of the policies as they are asked.
fn judged(
    version: &str,
    policies: &[&str],
    spans: &[Span],
    losses: &Losses,
) -> (Verdict, Vec<String>) {
    let version = version.parse().unwrap();
    let config = config(policies, version);
    let names = in_order(&config)
        .into_iter()
        .map(|policy| policy.name.clone());
    let spans: Vec<&Span> = spans.iter().collect();
    let verdict = Judge::new(&config, version).judge(Input::new(&spans, losses), 0);
    (verdict, names.collect())
}

/// The decision in this version, with the name of the policy.
fn decided(version: &str, policies: &[&str], spans: &[Span]) -> (bool, Option<String>) {
    let (verdict, names) = judged(version, policies, spans, &Losses::none());
    let decision = verdict.decision().unwrap();
    let policy = decision.policy().map(|at| names[at].clone());
    (decision.is_kept(), policy)
}

fn votes(version: &str, policies: &[&str], spans: &[Span], losses: &Losses) -> Vec<Option<Vote>> {
    let (verdict, _) = judged(version, policies, spans, losses);
    verdict
        .casts()
        .map(|cast| cast.and_then(Cast::vote))
        .collect()
}

fn by(name: &str) -> Option<String> {
    Some(name.to_owned())
}

#[test]
fn the_first_policy_that_keeps_a_trace_decides_and_a_drop_before_all() {
    let drop = format!(
        "{{ name: probes, type: drop, drop: {{ drop_sub_policy: [{{ name: path, {HEALTH} }}] }} }}"
    );
    let policies = [ERRORS, ALL, &drop];
    let error = failed(span(1, "/cart"));
    assert_eq!(
        decided("0.161.0", &policies, &[error]),
        (true, by("errors"))
    );
    assert_eq!(
        decided("0.161.0", &policies, &[span(1, "/cart")]),
        (true, by("all"))
    );
    let probe = failed(span(1, "/health"));
    assert_eq!(
        decided("0.161.0", &policies, &[probe]),
        (false, by("probes"))
    );
}

#[test]
fn an_inverted_match_is_a_veto_before_0_144() {
    let policies = [UNHEALTHY, ALL];
    let spans = [span(1, "/health")];
    assert_eq!(decided("0.143.0", &policies, &spans), (false, by("rest")));
    assert_eq!(decided("0.144.0", &policies, &spans), (true, by("all")));
}

#[test]
fn a_drop_that_does_not_match_cancels_an_inverted_match_before_0_144() {
    let drop = format!(
        "{{ name: probes, type: drop, drop: {{ drop_sub_policy: [{{ name: path, {HEALTH} }}] }} }}"
    );
    let spans = [span(1, "/cart")];
    assert_eq!(decided("0.143.0", &[UNHEALTHY], &spans), (true, by("rest")));
    assert_eq!(
        decided("0.143.0", &[UNHEALTHY, &drop], &spans),
        (false, None)
    );
    assert_eq!(
        decided("0.161.0", &[UNHEALTHY, &drop], &spans),
        (true, by("rest"))
    );
}

#[test]
fn a_latency_at_its_threshold_is_kept_before_0_157() {
    let policies = ["{ name: slow, type: latency, latency: { threshold_ms: 100 } }"];
    let spans = [span(1, "/")];
    assert_eq!(decided("0.156.0", &policies, &spans), (true, by("slow")));
    assert_eq!(decided("0.157.0", &policies, &spans), (false, None));
}

#[test]
fn conditions_have_the_language_of_the_version() {
    let condition = |error_mode: &str| {
        format!(
            "{{ name: odd, type: ottl_condition, ottl_condition: {{ error_mode: {error_mode}, span: ['Int(attributes[\"path\"]) == nil'] }} }}"
        )
    };
    let spans = [span(1, "/cart")];
    let [ignore, propagate] = ["ignore", "propagate"].map(condition);
    assert_eq!(decided("0.159.0", &[&ignore], &spans), (true, by("odd")));
    assert_eq!(decided("0.160.0", &[&ignore], &spans), (false, None));
    let none = Losses::none();
    assert_eq!(
        votes("0.160.0", &[&propagate], &spans, &none),
        [Some(Vote::Error)]
    );
}

#[test]
fn a_condition_that_is_not_evaluated_leaves_the_decision_open_unless_others_decide() {
    let unknown = "{ name: json, type: ottl_condition, ottl_condition: { span: ['ParseJSON(name)[\"a\"] == 1'] } }";
    let none = Losses::none();
    let (verdict, _) = judged("0.161.0", &[unknown, ERRORS], &[span(1, "/")], &none);
    assert_eq!((verdict.kept(), verdict.decision()), (None, None));
    let (verdict, _) = judged("0.161.0", &[unknown, ALL], &[span(1, "/")], &none);
    assert_eq!((verdict.kept(), verdict.decision()), (Some(true), None));
    let (verdict, _) = judged("0.161.0", &[ALL, unknown], &[span(1, "/")], &none);
    assert_eq!(verdict.decision(), Some(Decision::Kept(0)));
}

#[test]
fn a_vote_is_unknown_if_the_source_loses_a_field_that_the_policy_reads() {
    let state = "{ name: state, type: trace_state, trace_state: { key: a, values: [b] } }";
    let path = format!("{{ name: path, {HEALTH} }}");
    let size = "{ name: size, type: bytes_limiting, bytes_limiting: { bytes_per_second: 100000 } }";
    let kind = "{ name: kind, type: ottl_condition, ottl_condition: { span: ['kind == 2'] } }";
    let policies = [ERRORS, state, &path, size, kind];
    for (field, unknown) in [
        (Field::Status, vec![0, 3]),
        (Field::TraceContext, vec![1, 3]),
        (Field::AttributeTypes, vec![2, 3]),
        (Field::Kind, vec![3, 4]),
        (Field::LinkingTraces, vec![]),
    ] {
        let losses: Losses = [field].into_iter().collect();
        let votes = votes("0.161.0", &policies, &[span(1, "/")], &losses);
        let found: Vec<usize> = (0..votes.len()).filter(|at| votes[*at].is_none()).collect();
        assert_eq!(found, unknown, "{field:?}");
    }
}

#[test]
fn a_policy_after_the_first_match_is_not_asked() {
    let version = CollectorVersion::LATEST;
    let config = TailSampling {
        sample_on_first_match: true,
        ..config(&[ALL, ERRORS], version)
    };
    let span = span(1, "/");
    let losses = Losses::none();
    let verdict = Judge::new(&config, version).judge(Input::new(&[&span], &losses), 0);
    let asked: Vec<bool> = verdict.casts().map(|cast| cast.is_some()).collect();
    assert_eq!(asked, [true, false]);
}

#[test]
fn a_rate_is_spent_by_the_traces_before() {
    let version = CollectorVersion::LATEST;
    let rate = "{ name: some, type: rate_limiting, rate_limiting: { spans_per_second: 1 } }";
    let config = config(&[rate], version);
    let mut judge = Judge::new(&config, version);
    let (span, losses) = (span(1, "/"), Losses::none());
    let mut kept = |now| judge.judge(Input::new(&[&span], &losses), now);
    // A bucket of twice the rate.
    let verdicts = [kept(0), kept(0), kept(0), kept(1_000_000_000)];
    let decided = verdicts.each_ref().map(|verdict| verdict.kept());
    assert_eq!(decided, [Some(true), Some(true), Some(false), Some(true)]);
    assert!(verdicts.iter().all(Verdict::depends));
}

#[test]
fn batches_are_judged_one_by_one_and_a_later_one_can_drop() {
    let version = CollectorVersion::LATEST;
    let drop = format!(
        "{{ name: probes, type: drop, drop: {{ drop_sub_policy: [{{ name: path, {HEALTH} }}] }} }}"
    );
    let config = config(&[&drop, ERRORS], version);
    let losses = Losses::none();
    let (error, probe) = (failed(span(1, "/cart")), span(2, "/health"));
    let mut judge = Judge::new(&config, version);
    let verdict = judge.judge_batches(&[&[&error], &[&probe]], &losses, 0);
    assert_eq!(verdict.kept(), Some(false));
    let verdict = judge.judge_batches(&[&[&probe], &[&error]], &losses, 0);
    assert_eq!(verdict.decision(), Some(Decision::Dropped(0)));
}
