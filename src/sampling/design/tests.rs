//! Proposals for small sets of traces.

use super::*;
use crate::sampling::config::{Environment, read};
use crate::sampling::replay::{Arrival, replay};
use crate::sampling::{CollectorVersion, TailSampling};
use crate::trace::{Losses, Resource, Span, SpanId, Status, TraceId, Value};
use crate::yaml::Source;

/// A trace of one span, which begins at this second.
fn trace(number: u32, second: u64, millis: u64) -> Recorded {
    let id: TraceId = format!("{:032x}", 0x9e37_79b9_u128.pow(3) * u128::from(number + 1))
        .parse()
        .unwrap();
    let mut span = Span::new(id, SpanId::from_bytes([1; 8]).unwrap(), "GET /");
    span.start = 1_700_000_000 * SECOND + second * SECOND;
    span.end = span.start + millis * 1_000_000;
    Recorded {
        id,
        spans: vec![span],
        losses: Losses::default(),
    }
}

fn hundred() -> Vec<Recorded> {
    (0..100)
        .map(|number| trace(number, u64::from(number) / 10, 20))
        .collect()
}

fn config(proposal: &Proposal) -> TailSampling {
    let environment = Environment {
        version: CollectorVersion::LATEST,
        variable: &|_| None,
    };
    let reading = read(&Source::new("a.yaml", yaml(proposal)), &environment).unwrap();
    assert!(reading.findings.is_empty(), "{:?}", reading.findings);
    reading.configuration.tail_sampling[0].clone()
}

fn names(proposal: &Proposal) -> Vec<&str> {
    proposal.policies.iter().map(|policy| policy.name).collect()
}

#[test]
fn traces_below_the_budget_are_all_kept() {
    let proposal = propose(&hundred(), 1_000.0).unwrap();
    assert_eq!(names(&proposal), ["all"]);
    let kept = replay(
        &config(&proposal),
        CollectorVersion::LATEST,
        &hundred(),
        Arrival::Together,
    );
    assert!(kept.iter().all(|one| one.kept() == Some(true)));
}

#[test]
fn errors_slow_and_rare_traces_are_kept_and_the_rest_fills_the_budget() {
    let mut traces: Vec<Recorded> = (0..400)
        .map(|number| trace(number, u64::from(number) / 40, 20))
        .collect();
    traces[3].spans[0].status = Status {
        code: StatusCode::Error,
        message: String::new(),
    };
    traces[5].spans[0].end += 3 * SECOND;
    traces[7].spans[0].name = "price \"$x\" \\ ${env:HOME}".to_owned();
    let name = [("service.name", Value::from("batch${env:HOME}"))];
    let resource = Resource {
        attributes: name.into_iter().collect(),
    };
    traces[9].spans[0].resource = std::sync::Arc::new(resource);
    let proposal = propose(&traces, 10.0).unwrap();
    assert_eq!(
        names(&proposal),
        ["errors", "slow", "rare-services", "rare-operations", "rest"]
    );
    assert!((9.5..=10.0).contains(&proposal.expected), "{proposal:?}");
    let results = replay(
        &config(&proposal),
        CollectorVersion::LATEST,
        &traces,
        Arrival::Together,
    );
    for at in [3, 5, 7, 9] {
        assert_eq!(results[at].kept(), Some(true), "{at}");
    }
}

#[test]
fn errors_that_exceed_the_budget_are_kept_in_part() {
    let mut traces = hundred();
    for trace in &mut traces {
        trace.spans[0].status.code = StatusCode::Error;
    }
    let proposal = propose(&traces, 2.0).unwrap();
    assert_eq!(names(&proposal), ["errors"]);
    assert!(
        proposal.notes[0].contains("alone have"),
        "{:?}",
        proposal.notes
    );
    assert!(
        matches!(proposal.policies[0].kind, Kind::Errors(share) if (15.0..25.0).contains(&share))
    );
    config(&proposal);
}

#[test]
fn without_spans_or_time_nothing_is_proposed() {
    assert_eq!(propose(&[], 1.0).unwrap_err(), NoProposal::NoSpans);
    assert_eq!(
        propose(&[trace(1, 0, 0)], 1.0).unwrap_err(),
        NoProposal::NoTime
    );
}
