use std::path::Path;

use serde_json::Value as Json;
use snapbox::{assert_data_eq, str};

use super::*;
use crate::report::conforms::wrong;
use crate::sampling::Mode;
use crate::sampling::replay::Recorded;
use crate::trace::{Losses, Span, SpanId, Value};

const SCHEMA: &str = include_str!("../../../../../docs/span-sampling.schema.json");

fn sampler(percentage: f32) -> ProbabilisticSampler {
    ProbabilisticSampler {
        id: "probabilistic_sampler".to_owned(),
        sampling_percentage: percentage,
        mode: Mode::HashSeed,
        hash_seed: 0,
        fail_closed: true,
        sampling_precision: 4,
    }
}

/// A trace with a span for each value of `sampling.priority`.
fn trace(number: u128, priorities: &[Option<i64>]) -> Recorded {
    let id = format!("{number:032x}").parse().unwrap();
    let spans = priorities.iter().zip(1..).map(|(priority, at)| {
        let mut span = Span::new(id, SpanId::from_bytes([at; 8]).unwrap(), "GET /cart");
        span.start = 1_700_000_000_000_000_000;
        span.end = span.start + u64::from(at) * 1_000_000_000;
        let priority = priority.map(|priority| ("sampling.priority", Value::Int(priority)));
        span.attributes = priority.into_iter().collect();
        span
    });
    Recorded {
        id,
        spans: spans.collect(),
        losses: Losses::none(),
    }
}

fn traces(recorded: Vec<Recorded>) -> Traces {
    let mut traces = Traces::default();
    for trace in recorded {
        traces.add(trace.spans, &trace.losses);
    }
    traces
}

fn four() -> Traces {
    traces(vec![
        trace(1, &[Some(1), Some(1)]),
        trace(2, &[Some(0), None, Some(1)]),
        trace(3, &[None]),
        trace(4, &[Some(0)]),
    ])
}

fn printed(percentage: f32, traces: &Traces) -> (String, String, u64) {
    let sampler = sampler(percentage);
    let version = CollectorVersion::default();
    let replay = SpanReplay::new(Path::new("collector.yaml"), &sampler, version, traces);
    let summary = SpanSummary::of(&replay);
    let text = render_text(&replay, &summary, false);
    (text, render_json(&replay, &summary), summary.unknown)
}

#[test]
fn each_span_has_its_decision_and_traces_their_share() {
    let (text, json, unknown) = printed(0.0, &four());
    assert_eq!(unknown, 0);
    assert_data_eq!(
        text,
        str![[r#"
collector.yaml: probabilistic_sampler, decided as by Collector 0.161.0

1 of 4 traces kept: 25 % (0.63 to 80.6) with 95 % confidence
1 trace kept in part
3 of 7 spans kept
1 of 2.33 spans per second kept, 1.33 saved, by the clock of the spans

kept      00000000000000000000000000000001  2 of 2 spans  by `sampling.priority`
in part   00000000000000000000000000000002  1 of 3 spans
  not kept  span `GET /cart` of unknown_service: by `sampling.priority`
  not kept  span `GET /cart` of unknown_service: by the randomness of the trace
  kept      span `GET /cart` of unknown_service: by `sampling.priority`
not kept  00000000000000000000000000000003  0 of 1 span  by the randomness of the trace
not kept  00000000000000000000000000000004  0 of 1 span  by `sampling.priority`

"#]]
    );
    let schema: Json = serde_json::from_str(SCHEMA).unwrap();
    let document: Json = serde_json::from_str(&json).unwrap();
    assert_eq!(
        wrong(&document, &schema, &schema, "$"),
        Vec::<String>::new()
    );
    assert_eq!(document["traces"][1]["decision"], "in_part");
    assert_eq!(document["traces"][1]["spans"][2]["kept"], true);
}

#[test]
fn a_span_is_unknown_if_its_source_loses_what_the_sampler_reads() {
    let mut all = four();
    for trace in &mut all.all {
        trace.losses = [Field::TraceContext].into_iter().collect();
    }
    let (text, json, unknown) = printed(50.0, &all);
    assert_eq!(unknown, 1);
    assert!(
        text.contains(
            "unknown   00000000000000000000000000000003  0 of 1 span  the source of the trace loses `tracestate` and the trace flags of spans"
        ),
        "{text}"
    );
    let document: Json = serde_json::from_str(&json).unwrap();
    // `sampling.priority` decides without it.
    assert_eq!(document["total"]["spans_unknown"], 2);
    assert_eq!(document["total"]["spans_per_second_kept"], Json::Null);
    assert_eq!(document["traces"][1]["decision"], "in_part");
    assert_eq!(document["traces"][2]["spans"][0]["kept"], Json::Null);
    for trace in &mut all.all {
        trace.losses = [Field::Attributes].into_iter().collect();
    }
    assert_eq!(printed(50.0, &all).2, 4);
}

#[test]
fn a_trace_with_a_missing_span_is_unknown_unless_its_spans_differ() {
    let mut all = four();
    for trace in &all.all {
        let why = Incomplete("cut".to_owned());
        all.incomplete.insert(trace.id, why);
    }
    let (text, _, unknown) = printed(0.0, &all);
    assert_eq!(unknown, 3);
    assert!(
        text.contains("1 of 3 spans; a span is missing: cut"),
        "{text}"
    );
}
