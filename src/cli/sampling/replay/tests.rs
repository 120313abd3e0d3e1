use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;
use snapbox::{assert_data_eq, str};

use super::super::super::trace_files::Traces;
use super::*;
use crate::report::conforms::wrong;
use crate::sampling::CollectorVersion;
use crate::sampling::config::{Environment, read as read_config};
use crate::sampling::judge::in_order;
use crate::sampling::replay::Arrival;
use crate::trace::TraceId;
use crate::yaml::Source;

const SCHEMA: &str = include_str!("../../../../docs/sampling.schema.json");

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/sampling")
        .join(name)
}

fn reading(text: &str, version: CollectorVersion) -> Reading {
    let environment = Environment {
        version,
        variable: &|_| None,
    };
    read_config(&Source::new("collector.yaml", text), &environment).unwrap()
}

/// The output for traces with these processors.
fn printed(config: &str, traces: &Traces, arrival: Arrival, format: SamplingFormat) -> String {
    let version = CollectorVersion::default();
    let reading = reading(config, version);
    let config = &reading.configuration.tail_sampling[0];
    let replay = Replay {
        file: Path::new("collector.yaml"),
        config,
        version,
        arrival,
        traces,
        results: decide(config, version, &traces.all, arrival),
        refused: wrong_conditions(&config.policies, version),
    };
    let summary = Summary::of(&replay);
    match format {
        SamplingFormat::Text => text::render(&replay, &summary, false),
        SamplingFormat::Json => json::render(&replay, &summary),
    }
}

fn shop() -> Traces {
    trace_files::read(&[fixture("replay.jsonl")]).unwrap()
}

/// Decisions of a real Collector: `.ci/sampling.py --record`.
fn compare_with(version: &str) {
    let folder = fixture(&format!("tail_{version}"));
    let version: CollectorVersion = version.parse().unwrap();
    let config = std::fs::read_to_string(folder.join("collector.yaml")).unwrap();
    let traces = trace_files::read(&[folder.join("traces.jsonl.gz")]).unwrap();
    let kept = std::fs::read(folder.join("kept.json.gz")).unwrap();
    let kept: Json =
        serde_json::from_reader(flate2::read::GzDecoder::new(kept.as_slice())).unwrap();
    let reading = reading(&config, version);
    assert_eq!(reading.obstacles().count(), 0, "{:?}", reading.findings);
    let mut known = 0;
    for config in &reading.configuration.tail_sampling {
        let theirs: HashMap<TraceId, &str> = kept["kept"][&config.id]
            .as_object()
            .unwrap()
            .iter()
            .map(|(id, policy)| (id.parse().unwrap(), policy.as_str().unwrap()))
            .collect();
        let policies = in_order(config);
        let results = decide(config, version, &traces.all, Arrival::Together);
        for (trace, result) in traces.all.iter().zip(results) {
            let Some(is_kept) = result.kept() else {
                continue;
            };
            known += 1;
            let decision = result.verdict.and_then(|verdict| verdict.decision());
            let policy = decision.filter(|decision| decision.is_kept());
            let policy = policy.and_then(|decision| decision.policy());
            let ours = policy.map(|at| policies[at].name.as_str());
            let their = theirs.get(&trace.id).copied();
            assert_eq!(is_kept, their.is_some(), "{} {}", config.id, trace.id);
            assert!(
                ours.is_none() || ours == their,
                "{} {}",
                config.id,
                trace.id
            );
        }
    }
    let all = reading.configuration.tail_sampling.len() * traces.all.len();
    assert!(known * 100 >= all * 99, "{known} of {all}");
}

#[test]
fn the_decisions_are_those_of_a_real_collector() {
    compare_with("0.161.0");
    compare_with("0.140.1");
}

#[test]
fn json_matches_the_published_schema() {
    let schema: Json = serde_json::from_str(SCHEMA).unwrap();
    let document = printed(POLICIES, &shop(), Arrival::AtEnd, SamplingFormat::Json);
    let document: Json = serde_json::from_str(&document).unwrap();
    assert_eq!(
        wrong(&document, &schema, &schema, "$"),
        Vec::<String>::new()
    );
}

const POLICIES: &str = "processors:
  tail_sampling:
    decision_wait: 2s
    policies:
      - name: probes
        type: drop
        drop:
          drop_sub_policy:
            - { name: path, type: string_attribute, string_attribute: { key: url.path, values: [/health] } }
      - name: errors
        type: status_code
        status_code: { status_codes: [ERROR] }
      - name: slow
        type: latency
        latency: { threshold_ms: 1000 }
      - name: json
        type: ottl_condition
        ottl_condition:
          span:
            - 'ParseJSON(name)[\"a\"] == 1'
      - name: some
        type: rate_limiting
        rate_limiting: { spans_per_second: 2 }
";

#[test]
fn a_trace_has_its_policy_its_reason_and_what_it_depends_on() {
    let text = printed(POLICIES, &shop(), Arrival::AtEnd, SamplingFormat::Text);
    assert_data_eq!(
        text,
        str![[r#"
collector.yaml: tail_sampling, decided as by Collector 0.161.0

policy        matches  decides  share of traces
probes              1        1  25 % (0.63 to 80.6)
errors              1        1  25 % (0.63 to 80.6)
slow                0        0  0 % (0 to 60.2)
json    0 + 3 unknown        0  0 % (0 to 60.2)
some                3        0  0 % (0 to 60.2)

3 of 4 traces kept: 75 % (19.4 to 99.4) with 95 % confidence
0.81 of 0.97 spans per second kept, 0.16 saved, by the clock of the spans
note: OTTL function `ParseJSON` is not evaluated by spanspec (collector.yaml:20:16, policy `json`)
note: 2 traces depend on a rate, which is simulated with the clock of the spans: a Collector may keep others
note: 1 trace depends on the arrival of spans: each arrives at its end, and is judged if it does within `decision_wait` (2 s); `--arrival together` judges whole traces

dropped   00000000000000000000000000000001  probes  `path`: span `GET /health` of gateway has `url.path` "/health"
kept      00000000000000000000000000000002  errors  span `charge` of payment has status ERROR
kept      00000000000000000000000000000003  -       whatever `json` votes: OTTL function `ParseJSON` is not evaluated by spanspec (collector.yaml:20:16); 1 span after the decision, of which 1 kept; depends on the rate
kept      00000000000000000000000000000004  -       whatever `json` votes: OTTL function `ParseJSON` is not evaluated by spanspec (collector.yaml:20:16); depends on the rate

"#]]
    );
}

#[test]
fn an_unknown_vote_leaves_the_decision_open_unless_others_decide() {
    let policies = POLICIES.replace("spans_per_second: 2", "spans_per_second: 0");
    let document = printed(&policies, &shop(), Arrival::AtEnd, SamplingFormat::Json);
    let document: Json = serde_json::from_str(&document).unwrap();
    let kept: Vec<&Json> = document["traces"]
        .as_array()
        .unwrap()
        .iter()
        .map(|trace| &trace["kept"])
        .collect();
    assert_eq!(
        kept,
        [
            &Json::Bool(false),
            &Json::Bool(true),
            &Json::Null,
            &Json::Null
        ]
    );
}

#[test]
fn spans_after_the_decision_are_not_judged() {
    const ERRORS: &str = "processors:
  tail_sampling:
    decision_wait: 1s
    decision_cache: { non_sampled_cache_size: 10 }
    policies:
      - { name: errors, type: status_code, status_code: { status_codes: [ERROR] } }
";
    let kept = |arrival| {
        let document = printed(ERRORS, &shop(), arrival, SamplingFormat::Json);
        let document: Json = serde_json::from_str(&document).unwrap();
        let late = &document["traces"][2];
        (
            late["kept"].clone(),
            late["late_spans"].clone(),
            late["depends_on_arrival"].clone(),
        )
    };
    // The root of the slow trace ends with an error, 5 s after its child.
    assert_eq!(kept(Arrival::AtEnd), (false.into(), 1.into(), true.into()));
    assert_eq!(
        kept(Arrival::Together),
        (true.into(), 0.into(), false.into())
    );
}
