//! The telemetry that arrived in a window, in the JSON report.

use std::time::Duration;

use serde::Serialize;

use crate::trace::{EdgeKind, RefusedExport, ServiceEdge, SignalTraffic, Traffic};

/// The telemetry that arrived in a window.
#[derive(Serialize)]
pub(in crate::report) struct JsonTraffic<'a> {
    observed_ms: f64,
    longest_ms: f64,
    services: Vec<JsonService<'a>>,
    other_records: u64,
    edges: Vec<JsonEdge<'a>>,
    forgotten_spans: u64,
    refused: Vec<JsonRefused<'a>>,
}

#[derive(Serialize)]
struct JsonService<'a> {
    service: &'a str,
    signals: Vec<JsonSignal>,
}

#[derive(Serialize)]
struct JsonSignal {
    signal: &'static str,
    records: u64,
    first_ms: f64,
    last_ms: f64,
    old_records: u64,
}

#[derive(Serialize)]
struct JsonEdge<'a> {
    from: &'a str,
    to: &'a str,
    by: &'static str,
}

#[derive(Serialize)]
struct JsonRefused<'a> {
    signals: Vec<&'static str>,
    service: Option<&'a str>,
    reason: &'a str,
    remedy: &'a str,
}

impl<'a> From<&'a Traffic> for JsonTraffic<'a> {
    fn from(of: &'a Traffic) -> Self {
        let services = of.services.iter().map(|(service, of)| JsonService {
            service,
            signals: of
                .signals
                .iter()
                .map(|(signal, of)| JsonSignal::new(signal.name(), of))
                .collect(),
        });
        let between = of.edges.keys().filter(|edge| is_between_services(edge));
        Self {
            observed_ms: millis(of.observed),
            longest_ms: millis(of.longest),
            services: services.collect(),
            other_records: of.other_records,
            edges: between.map(JsonEdge::from).collect(),
            forgotten_spans: of.forgotten_spans,
            refused: of.refused.iter().map(JsonRefused::from).collect(),
        }
    }
}

/// Milliseconds with microseconds as decimals.
fn millis(of: Duration) -> f64 {
    (of.as_nanos() / 1_000) as f64 / 1_000.0
}

/// Returns `false` for the calls inside of one service.
fn is_between_services(edge: &ServiceEdge) -> bool {
    edge.from != edge.to || edge.by == EdgeKind::Link
}

impl JsonSignal {
    fn new(signal: &'static str, of: &SignalTraffic) -> Self {
        Self {
            signal,
            records: of.records,
            first_ms: millis(of.first),
            last_ms: millis(of.last),
            old_records: of.old,
        }
    }
}

impl<'a> From<&'a ServiceEdge> for JsonEdge<'a> {
    fn from(edge: &'a ServiceEdge) -> Self {
        Self {
            from: &edge.from,
            to: &edge.to,
            by: edge.by.name(),
        }
    }
}

impl<'a> From<&'a RefusedExport> for JsonRefused<'a> {
    fn from(export: &'a RefusedExport) -> Self {
        Self {
            signals: export.signals.iter().map(|signal| signal.name()).collect(),
            service: export.hole.sender.service.as_deref(),
            reason: &export.hole.reason,
            remedy: &export.hole.remedy,
        }
    }
}
