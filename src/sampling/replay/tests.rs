//! The clock of a processor: waits, evictions, caches and sizes.

use std::time::Duration;

use super::*;
use crate::sampling::policy::{DecisionCache, Policy, Rule};
use crate::trace::{SpanId, StatusCode};
use crate::yaml::Source;

const BEGIN: Nanos = 1_700_000_000 * SECOND;

/// A processor that keeps traces with an error after 2 s.
fn errors() -> TailSampling {
    let source = Source::new("a.yaml", "a");
    let at = source.at(crate::yaml::Place { start: 0, end: 1 });
    TailSampling {
        id: "tail_sampling".to_owned(),
        at: at.clone(),
        policies: vec![Policy {
            name: "errors".to_owned(),
            at,
            rule: Rule::StatusCode(vec![2]),
        }],
        strategy: Strategy::TraceComplete,
        sample_on_first_match: false,
        decision_wait: Duration::from_secs(2),
        decision_wait_after_root_received: Duration::ZERO,
        num_traces: 1_000,
        decision_cache: DecisionCache::default(),
        maximum_trace_size_bytes: 0,
        num_shards: 1,
    }
}

fn id(number: u128) -> TraceId {
    format!("{number:032x}").parse().unwrap()
}

/// A span that ends after so many seconds.
fn span(trace: u128, number: u8, end: u64) -> Span {
    let mut span = Span::new(id(trace), SpanId::from_bytes([number; 8]).unwrap(), "GET");
    span.start = BEGIN;
    span.end = BEGIN + end * SECOND;
    span.parent_id = SpanId::from_bytes([9; 8]);
    span
}

fn failed(mut span: Span) -> Span {
    span.status.code = StatusCode::Error;
    span
}

fn trace(spans: Vec<Span>) -> Recorded {
    Recorded {
        id: spans[0].trace_id,
        spans,
        losses: Losses::none(),
    }
}

fn decided(config: &TailSampling, traces: &[Recorded]) -> Vec<Replayed> {
    replay(config, CollectorVersion::LATEST, traces, Arrival::AtEnd)
}

#[test]
fn a_span_after_the_wait_is_not_judged() {
    let slow = [trace(vec![span(1, 1, 0), failed(span(1, 2, 5))])];
    let in_time = decided(&errors(), &slow);
    assert_eq!(in_time[0].kept(), Some(false));
    assert_eq!(in_time[0].judged, [0]);
    assert_eq!(in_time[0].late.not_kept, 1);
    let version = CollectorVersion::LATEST;
    let whole = replay(&errors(), version, &slow, Arrival::Together);
    assert_eq!((whole[0].kept(), whole[0].judged.len()), (Some(true), 2));
}

#[test]
fn a_late_span_follows_the_decision() {
    let traces = [trace(vec![failed(span(1, 1, 0)), span(1, 2, 5)])];
    let result = &decided(&errors(), &traces)[0];
    assert_eq!(result.kept(), Some(true));
    assert_eq!((result.late.kept, result.late.not_kept), (1, 0));
    assert!(result.is_cut);
}

#[test]
fn a_forgotten_decision_is_taken_again_for_late_spans() {
    let traces = [
        trace(vec![span(1, 1, 0), failed(span(1, 2, 9))]),
        trace(vec![span(2, 3, 5)]),
    ];
    let small = TailSampling {
        num_traces: 1,
        ..errors()
    };
    let result = &decided(&small, &traces)[0];
    assert_eq!(result.kept(), Some(false));
    assert_eq!((result.late.kept, result.late.judged_alone), (1, 1));
    let cached = TailSampling {
        decision_cache: DecisionCache {
            sampled: 10,
            non_sampled: 10,
        },
        ..small
    };
    let result = &decided(&cached, &traces)[0];
    assert_eq!((result.late.kept, result.late.not_kept), (0, 1));
}

#[test]
fn the_oldest_trace_is_removed_if_there_is_no_room() {
    let traces = [
        trace(vec![failed(span(1, 1, 0))]),
        trace(vec![failed(span(2, 2, 1))]),
    ];
    let small = TailSampling {
        num_traces: 1,
        ..errors()
    };
    let results = decided(&small, &traces);
    assert_eq!(results[0].ending, Ending::Evicted);
    let kept: Vec<Option<bool>> = results.iter().map(Replayed::kept).collect();
    assert_eq!(kept, [Some(false), Some(true)]);
}

#[test]
fn the_root_shortens_the_wait_in_versions_that_have_it() {
    let mut root = span(1, 1, 1);
    root.parent_id = None;
    let traces = [trace(vec![root, failed(span(1, 2, 4))])];
    let config = TailSampling {
        decision_wait: Duration::from_secs(10),
        decision_wait_after_root_received: Duration::from_secs(1),
        ..errors()
    };
    let kept = |version: &str| {
        let version = version.parse().unwrap();
        replay(&config, version, &traces, Arrival::AtEnd)[0].kept()
    };
    assert_eq!(kept("0.143.0"), Some(true));
    assert_eq!(kept("0.144.0"), Some(false));
}

#[test]
fn a_trace_that_is_too_large_is_not_kept_and_its_size_is_unknown_if_fields_are_lost() {
    let limited = TailSampling {
        maximum_trace_size_bytes: 10,
        ..errors()
    };
    let mut traces = [trace(vec![failed(span(1, 1, 0))])];
    let result = &decided(&limited, &traces)[0];
    assert!(matches!(result.ending, Ending::TooLarge(size) if size > 10));
    assert_eq!(result.kept(), Some(false));
    let old = replay(
        &limited,
        "0.144.0".parse().unwrap(),
        &traces,
        Arrival::AtEnd,
    );
    assert_eq!(old[0].kept(), Some(true));
    traces[0].losses = [Field::TraceContext].into_iter().collect();
    let result = &decided(&limited, &traces)[0];
    assert_eq!(result.ending, Ending::UnknownSize(Field::TraceContext));
    assert_eq!(result.kept(), None);
    assert_eq!(decided(&errors(), &traces)[0].kept(), Some(true));
}

#[test]
fn with_span_ingest_the_first_batch_that_a_policy_keeps_decides() {
    let config = TailSampling {
        strategy: Strategy::SpanIngest,
        ..errors()
    };
    let traces = [
        trace(vec![span(1, 1, 0), failed(span(1, 2, 1)), span(1, 3, 2)]),
        trace(vec![span(2, 1, 0), span(2, 2, 1)]),
    ];
    let results = decided(&config, &traces);
    assert_eq!(results[0].kept(), Some(true));
    assert_eq!((results[0].judged.len(), results[0].late.kept), (2, 1));
    assert_eq!(results[1].kept(), Some(false));
}

#[test]
fn rates_are_those_of_each_shard() {
    let limited = |shards| TailSampling {
        num_shards: shards,
        policies: vec![Policy {
            rule: Rule::RateLimiting {
                spans_per_second: 4,
                burst_capacity: 4,
            },
            ..errors().policies[0].clone()
        }],
        ..errors()
    };
    let traces: Vec<Recorded> = (1..=40)
        .map(|number| trace(vec![span(number, 1, 0)]))
        .collect();
    let kept = |config: &TailSampling, version: &str| {
        let results = replay(config, version.parse().unwrap(), &traces, Arrival::AtEnd);
        results
            .iter()
            .filter(|result| result.kept() == Some(true))
            .count()
    };
    assert_eq!(kept(&limited(1), "0.161.0"), 4);
    // The capacity is not divided.
    assert_eq!(kept(&limited(2), "0.161.0"), 8);
    assert_eq!(kept(&limited(2), "0.158.0"), 4);
}
