//! Verdicts about metrics, from values.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;
use crate::check::{Evidence, Outcome, judge as judge_all};
use crate::spec::{Context, Expect, Source, Spec};
use crate::trace::{
    Attributes, Exemplar, Hole, MetricHole, MetricRecords, Naming, Nanos, Origin, Point, ProcessId,
    ProcessRecord, Resource, Response, Scope, Sender, Series, SpanId, Trace, TraceId,
};

/// No other spec sends requests since this time.
const ALONE: Nanos = 1_000;
/// The trigger is fired at this time.
const FIRED: Nanos = 2_000;
/// Points of this time count the whole request.
const SETTLED: Nanos = 3_000;

const COUNTER: MetricKind = MetricKind::Sum { is_monotonic: true };

/// A process with its exports.
struct Exporter {
    evidence: MetricEvidence,
    fired: Instant,
}

impl Exporter {
    fn new() -> Self {
        let fired = Instant::now() + Duration::from_secs(60);
        let evidence = MetricEvidence {
            records: MetricRecords::default(),
            began: fired - Duration::from_nanos(FIRED),
            alone_since: ALONE,
            fired,
            settled: SETTLED,
            end: MetricEnd::Complete,
        };
        Self { evidence, fired }
    }

    /// A time of the process as a moment.
    fn at(&self, time: Nanos) -> Instant {
        self.fired - Duration::from_nanos(FIRED) + Duration::from_nanos(time)
    }

    /// The process exported at these times.
    fn exported(mut self, times: &[Nanos]) -> Self {
        let resource: Attributes = [("service.name", "gateway")].into_iter().collect();
        let exports = times.iter().map(|&time| (self.at(time), time)).collect();
        let process = ProcessRecord {
            resource: Arc::new(Resource {
                attributes: resource,
            }),
            exports,
            ahead: 0,
        };
        self.evidence
            .records
            .processes
            .insert(ProcessId(1), process);
        self
    }

    /// A series with points: start, time and value of each.
    fn series(
        mut self,
        (name, kind, temporality): (&str, MetricKind, Temporality),
        attributes: &[(&str, &str)],
        points: &[(Nanos, Nanos, PointValue)],
    ) -> Self {
        let attributes = attributes.iter().map(|(key, value)| (*key, *value));
        let process = &self.evidence.records.processes[&ProcessId(1)];
        let series = Series {
            resource: Arc::clone(&process.resource),
            scope: Arc::new(Scope::default()),
            name: name.to_owned(),
            unit: String::new(),
            kind,
            temporality,
            attributes: attributes.collect(),
            naming: Naming::OpenTelemetry,
        };
        let points = points.iter().map(|&(start, time, value)| Point {
            start,
            time,
            arrived: self.at(time),
            value,
        });
        let record = SeriesRecord {
            series,
            process: ProcessId(1),
            points: points.collect(),
            without_value: None,
            exemplars: Vec::new(),
        };
        self.evidence.records.series.push(Arc::new(record));
        self
    }

    /// A counter that began long ago, with values by time.
    fn counter(self, attributes: &[(&str, &str)], values: &[(Nanos, i64)]) -> Self {
        let points = values
            .iter()
            .map(|&(time, value)| (10, time, PointValue::Int(value)));
        let points: Vec<_> = points.collect();
        let metric = ("requests", COUNTER, Temporality::Cumulative);
        self.series(metric, attributes, &points)
    }

    fn with_exemplar(mut self, trace_id: TraceId) -> Self {
        let record = self.evidence.records.series.last_mut().unwrap();
        Arc::make_mut(record).exemplars.push(Exemplar {
            trace_id,
            span_id: SpanId::from_bytes([1; 8]),
            value: 1.into(),
            attributes: Attributes::default(),
        });
        self
    }

    /// The last series was sent without a value at this time.
    fn without_value(mut self, time: Nanos) -> Self {
        let arrived = self.at(time);
        let record = self.evidence.records.series.last_mut().unwrap();
        Arc::make_mut(record).without_value = Some((arrived, time));
        self
    }

    /// The data that the verdict about an entry of `metrics` waits for.
    fn awaited(&self, entry: &str) -> AwaitedMetrics {
        awaited(&expect(entry).metrics, &self.evidence)
    }

    /// The verdicts about an entry of `metrics`, without those that hold.
    fn verdicts(&self, entry: &str) -> Vec<String> {
        verdicts(entry, Some(&self.evidence))
    }
}

fn expect(entry: &str) -> Expect {
    let text = format!("request: GET http://localhost/\nexpect:\n  metrics:\n    - {entry}\n");
    let source = Source::new("specs/a.yaml", text);
    let specs = Spec::read_all(&source, Path::new("specs"), &Context::default());
    let spec = specs.unwrap_or_else(|errors| panic!("{errors}")).remove(0);
    spec.steps[0].expect(&spec.scope()).unwrap()
}

fn this_trace() -> TraceId {
    TraceId::from_bytes([7; 16]).unwrap()
}

fn verdicts(entry: &str, evidence: Option<&MetricEvidence>) -> Vec<String> {
    let trace = Trace::assemble(this_trace(), Origin::Foreign, []);
    let of_step = Evidence::new(&Response::None, Some(&trace), true).with_metrics(evidence);
    let judged = judge_all(&expect(entry), &of_step).into_iter();
    let of_metrics = judged.filter(|one| matches!(one.judged.check, CheckRef::Metric { .. }));
    of_metrics
        .filter_map(|one| match one.judged.outcome {
            Outcome::Pass => None,
            Outcome::Fail(failure) => Some(format!("failed: {failure}")),
            Outcome::Unjudged(why) => Some(format!("unjudged: {why}")),
        })
        .collect()
}

/// A counter whose value before and after the request is known.
fn exact(before: i64, after: i64) -> Exporter {
    Exporter::new()
        .exported(&[1_500, 3_500])
        .counter(&[], &[(1_500, before), (3_500, after)])
}

const PASSED: [&str; 0] = [];

#[test]
fn the_change_of_a_counter_is_the_difference_to_the_point_before_the_request() {
    let exporter = exact(4, 5);
    assert_eq!(exporter.verdicts("{ find: requests, change: 1 }"), PASSED);
    assert_eq!(exporter.verdicts("{ find: requests, change: 1.. }"), PASSED);
    assert_eq!(
        exporter.verdicts("{ find: requests, change: 2 }"),
        ["failed: change of `requests`: expected 2, found 1 (4 before the request, 5 after it)"]
    );
}

#[test]
fn the_changes_of_all_series_found_are_added() {
    let exporter = Exporter::new()
        .exported(&[1_500, 3_500])
        .counter(&[("status", "200")], &[(1_500, 4), (3_500, 6)])
        .counter(&[("status", "500")], &[(1_500, 1), (3_500, 2)]);
    assert_eq!(exporter.verdicts("{ find: requests, change: 3 }"), PASSED);
    let failed = exporter.verdicts("{ find: requests, change: 1 }");
    assert_eq!(
        failed,
        [
            "failed: change of `requests`: expected 1, found 3: 2 of requests { status=\"200\" }, 1 of requests { status=\"500\" }"
        ]
    );
    let one = "{ find: { name: requests, attributes: { status: \"500\" } }, change: 1 }";
    assert_eq!(exporter.verdicts(one), PASSED);
}

#[test]
fn a_counter_that_begins_with_the_request_counts_from_zero() {
    let new = |start| [(start, 3_500, PointValue::Int(2))];
    let metric = ("requests", COUNTER, Temporality::Cumulative);
    let begun = Exporter::new().exported(&[3_500]);
    let begun = begun.series(metric, &[], &new(2_100));
    assert_eq!(begun.verdicts("{ find: requests, change: 2 }"), PASSED);
    // The process exported before, and not this counter.
    let missing = Exporter::new().exported(&[1_500, 3_500]);
    let missing = missing.series(metric, &[], &new(10));
    assert_eq!(missing.verdicts("{ find: requests, change: 2 }"), PASSED);
}

#[test]
fn a_counter_that_may_count_earlier_requests_is_known_within_bounds() {
    let exporter = Exporter::new()
        .exported(&[3_500])
        .counter(&[], &[(3_500, 2)]);
    let unknown = "unjudged: `requests` of `gateway` did not arrive before the request, so its value may count earlier ones";
    for change in ["1", "2", "0", "1..", "< 2"] {
        let entry = format!("{{ find: requests, change: {change} }}");
        assert_eq!(exporter.verdicts(&entry), [unknown], "{change}");
    }
    assert_eq!(exporter.verdicts("{ find: requests, change: < 3 }"), PASSED);
    assert_eq!(
        exporter.verdicts("{ find: requests, change: 3.. }"),
        ["failed: change of `requests`: expected 3.., found at most 2"]
    );
}

#[test]
fn a_point_from_before_the_time_without_other_requests_is_no_baseline() {
    let exporter = Exporter::new()
        .exported(&[900, 3_500])
        .counter(&[], &[(900, 4), (3_500, 5)]);
    assert!(exporter.verdicts("{ find: requests, change: 1 }")[0].starts_with("unjudged"));
}

#[test]
fn after_a_reset_the_growth_is_at_least_the_new_value() {
    let restarted = Exporter::new().exported(&[1_500, 3_500]).series(
        ("requests", COUNTER, Temporality::Cumulative),
        &[],
        &[
            (10, 1_500, PointValue::Int(7)),
            (2_500, 3_500, PointValue::Int(2)),
        ],
    );
    // The start is unknown.
    let silent = Exporter::new().exported(&[1_500, 3_500]).series(
        ("requests", COUNTER, Temporality::Cumulative),
        &[],
        &[
            (0, 1_500, PointValue::Int(7)),
            (0, 3_500, PointValue::Int(2)),
        ],
    );
    for exporter in [restarted, silent] {
        assert_eq!(exporter.verdicts("{ find: requests, change: 2.. }"), PASSED);
        assert_eq!(
            exporter.verdicts("{ find: requests, change: 2 }"),
            [
                "unjudged: `requests` of `gateway` was reset during the request: the process restarted"
            ]
        );
        assert_eq!(
            exporter.verdicts("{ find: requests, change: < 2 }"),
            ["failed: change of `requests`: expected < 2, found at least 2"]
        );
    }
}

#[test]
fn a_point_that_was_collected_during_the_request_proves_only_a_lower_bound() {
    let exporter = Exporter::new()
        .exported(&[1_500, 2_500])
        .counter(&[], &[(1_500, 4), (2_500, 5)]);
    let early = "unjudged: no metrics of `gateway` arrived that were collected after the request";
    assert_eq!(exporter.verdicts("{ find: requests, change: 1 }"), [early]);
    assert_eq!(exporter.verdicts("{ find: requests, value: 5 }"), [early]);
    assert_eq!(exporter.verdicts("{ find: requests, change: 1.. }"), PASSED);
    assert_eq!(
        exporter.verdicts("{ find: requests, change: 0 }"),
        ["failed: change of `requests`: expected 0, found at least 1"]
    );
}

#[test]
fn a_series_that_is_not_exported_again_is_named_and_leaves_the_others() {
    let exporter = exact(4, 5).series(
        ("once", COUNTER, Temporality::Cumulative),
        &[],
        &[(2_100, 2_500, PointValue::Int(1))],
    );
    assert_eq!(exporter.verdicts("{ find: requests, change: 1 }"), PASSED);
    let ended = [
        "unjudged: `once` of `gateway` was not exported again after the request, unlike other metrics",
    ];
    assert_eq!(exporter.verdicts("{ find: once, change: 1 }"), ended);
    assert_eq!(exporter.verdicts("{ find: once, value: 1 }"), ended);
    assert_eq!(exporter.verdicts("{ find: once, exemplar: this }"), ended);
    assert_eq!(exporter.verdicts("{ find: once, change: 1.. }"), PASSED);
    assert_eq!(exporter.awaited("requests"), AwaitedMetrics::Nothing);
    assert_eq!(exporter.awaited("once"), AwaitedMetrics::Series);
    let silent = Exporter::new()
        .exported(&[1_500, 2_500])
        .counter(&[], &[(1_500, 4), (2_500, 5)]);
    assert_eq!(silent.awaited("requests"), AwaitedMetrics::Export);
}

#[test]
fn a_counter_that_is_missing_before_the_request_does_not_begin_again() {
    let counter = Exporter::new()
        .exported(&[500, 1_500, 3_500])
        .counter(&[], &[(500, 5), (3_500, 6)]);
    assert_eq!(
        counter.verdicts("{ find: requests, change: 6 }"),
        [
            "unjudged: `requests` of `gateway` did not arrive before the request, so its value may count earlier ones"
        ]
    );
}

#[test]
fn a_process_that_was_replaced_is_a_restart() {
    let mut exporter = Exporter::new()
        .exported(&[1_500])
        .counter(&[], &[(1_500, 7)]);
    let successor = ProcessRecord {
        exports: vec![(exporter.at(3_500), 3_500)],
        ..exporter.evidence.records.processes[&ProcessId(1)].clone()
    };
    let processes = &mut exporter.evidence.records.processes;
    processes.insert(ProcessId(2), successor);
    assert_eq!(exporter.awaited("requests"), AwaitedMetrics::Series);
    assert_eq!(
        exporter.verdicts("{ find: requests, change: 1 }"),
        ["unjudged: `requests` of `gateway` was reset during the request: the process restarted"]
    );
}

#[test]
fn a_series_that_is_exported_in_two_ways_is_not_counted_twice() {
    let delta = ("requests", COUNTER, Temporality::Delta);
    let exporter = exact(4, 5).series(delta, &[], &[(1_500, 3_500, PointValue::Int(1))]);
    for change in ["1", "2", "1.."] {
        assert_eq!(
            exporter.verdicts(&format!("{{ find: requests, change: {change} }}")),
            [
                "unjudged: `requests` of `gateway` is exported twice, with different temporalities, types or units"
            ]
        );
    }
}

#[test]
fn the_value_of_two_processes_that_send_one_series_is_unknown() {
    let exporter = Exporter::new().exported(&[1_500, 3_500]).series(
        ("requests", COUNTER, Temporality::Cumulative),
        &[],
        &[
            (10, 1_500, PointValue::Int(4)),
            (20, 1_500, PointValue::Int(70)),
            (10, 3_500, PointValue::Int(5)),
            (20, 3_600, PointValue::Int(70)),
        ],
    );
    let unknown =
        "unjudged: `requests` of `gateway` was reset during the request: the process restarted";
    for value in ["5", "70"] {
        let entry = format!("{{ find: requests, value: {value} }}");
        assert_eq!(exporter.verdicts(&entry), [unknown]);
    }
    assert_eq!(exporter.verdicts("{ find: requests, change: 1 }"), PASSED);
}

#[test]
fn a_process_of_the_service_that_is_silent_may_have_further_series() {
    let mut exporter = exact(4, 5);
    let replica = ProcessRecord {
        exports: vec![(exporter.at(1_500), 1_500)],
        ..exporter.evidence.records.processes[&ProcessId(1)].clone()
    };
    let processes = &mut exporter.evidence.records.processes;
    processes.insert(ProcessId(2), replica);
    assert_eq!(exporter.awaited("requests"), AwaitedMetrics::Series);
    let silent = "unjudged: one of the processes of `gateway` exported no metrics that were collected after the request";
    assert_eq!(exporter.verdicts("{ find: requests, change: 1 }"), [silent]);
    assert_eq!(exporter.verdicts("{ find: requests, change: 1.. }"), PASSED);
    assert_eq!(exporter.verdicts("{ find: requests, value: 5 }"), [silent]);
}

#[test]
fn values_that_are_missing_or_no_number_have_their_own_reasons() {
    let gauge = ("load", MetricKind::Gauge, Temporality::Unspecified);
    let of = |points: &[(Nanos, Nanos, PointValue)]| {
        Exporter::new()
            .exported(&[1_500, 3_500])
            .series(gauge, &[], points)
    };
    let nan = of(&[(0, 3_500, PointValue::Double(f64::NAN))]);
    for value in ["5", "{ not: 5 }", "< 5"] {
        assert_eq!(
            nan.verdicts(&format!("{{ find: load, value: {value} }}")),
            ["unjudged: `load` of `gateway` has a value that is infinite or not a number"]
        );
    }
    let without = "unjudged: `load` of `gateway` was exported without a value since the request";
    let flagged = of(&[(0, 2_500, PointValue::Int(5))]).without_value(3_500);
    assert_eq!(flagged.verdicts("{ find: load, value: 5 }"), [without]);
    assert_eq!(flagged.awaited("load"), AwaitedMetrics::Nothing);
    let never = of(&[]).without_value(3_500);
    assert_eq!(
        never.verdicts("{ find: load, value: 5 }"),
        [without, without]
    );
    for temporality in [Temporality::Delta, Temporality::Cumulative] {
        let never = Exporter::new()
            .exported(&[1_500, 3_500])
            .series(("load", COUNTER, temporality), &[], &[])
            .without_value(3_500);
        assert_eq!(
            never.verdicts("{ find: load, change: 0 }"),
            [without, without]
        );
    }
    let unspecified = Exporter::new().exported(&[1_500, 3_500]).series(
        ("load", COUNTER, Temporality::Unspecified),
        &[],
        &[(10, 3_500, PointValue::Int(5))],
    );
    assert_eq!(
        unspecified.verdicts("{ find: load, change: 1 }"),
        [
            "unjudged: `load` of `gateway` was sent without its temporality: its values may be totals or differences"
        ]
    );
}

#[test]
fn a_process_that_exports_only_changes_is_told_apart() {
    let exporter = Exporter::new().exported(&[2_500]).series(
        ("requests", COUNTER, Temporality::Delta),
        &[],
        &[(1_500, 2_500, PointValue::Int(1))],
    );
    assert_eq!(exporter.awaited("requests"), AwaitedMetrics::Series);
    let expect = expect("{ find: requests, change: 1 }");
    let trace = Trace::assemble(this_trace(), Origin::Foreign, []);
    let of_step =
        Evidence::new(&Response::None, Some(&trace), true).with_metrics(Some(&exporter.evidence));
    let judged = judge_all(&expect, &of_step);
    let remedies = judged.iter().filter_map(|one| match &one.judged.outcome {
        Outcome::Unjudged(Unjudged::Metrics { remedy, .. }) => Some(remedy.as_str()),
        _ => None,
    });
    assert_eq!(
        remedies.collect::<Vec<_>>(),
        [
            "with delta temporality, only what changed is exported: set OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=cumulative"
        ]
    );
}

#[test]
fn a_clock_that_is_ahead_is_corrected() {
    let mut exporter = exact(4, 5);
    let processes = &mut exporter.evidence.records.processes;
    processes.get_mut(&ProcessId(1)).unwrap().ahead = 600;
    assert!(exporter.verdicts("{ find: requests, change: 1 }")[0].starts_with("unjudged"));
}

#[test]
fn points_with_delta_temporality_are_added_once() {
    let metric = ("requests", COUNTER, Temporality::Delta);
    let delta = |points: &[(Nanos, Nanos, PointValue)]| {
        Exporter::new()
            .exported(&[1_500, 3_500])
            .series(metric, &[], points)
    };
    let (one, two) = (PointValue::Int(1), PointValue::Int(2));
    let exporter = delta(&[
        (500, 1_500, two),
        (1_500, 2_500, one),
        (1_500, 2_500, one),
        (2_500, 3_500, two),
    ]);
    assert_eq!(exporter.verdicts("{ find: requests, change: 3 }"), PASSED);
    assert_eq!(exporter.verdicts("{ find: requests, value: 3 }"), PASSED);
    // The interval began before the time without other requests.
    let straddling = delta(&[(500, 2_500, two)]);
    assert!(straddling.verdicts("{ find: requests, change: 2 }")[0].starts_with("unjudged"));
    assert_eq!(
        straddling.verdicts("{ find: requests, change: < 3 }"),
        PASSED
    );
    // Nothing changed.
    let idle = delta(&[(500, 900, two)]);
    assert_eq!(idle.verdicts("{ find: requests, change: 0 }"), PASSED);
}

#[test]
fn delta_and_cumulative_series_are_added_each_by_its_temporality() {
    let exporter = exact(4, 5).series(
        ("requests", COUNTER, Temporality::Delta),
        &[("a", "b")],
        &[(1_500, 3_500, PointValue::Int(2))],
    );
    assert_eq!(exporter.verdicts("{ find: requests, change: 3 }"), PASSED);
}

#[test]
fn a_sum_that_can_decrease_has_a_negative_change() {
    let metric = (
        "connections",
        MetricKind::Sum {
            is_monotonic: false,
        },
        Temporality::Cumulative,
    );
    let exporter = Exporter::new().exported(&[1_500, 3_500]).series(
        metric,
        &[],
        &[
            (10, 1_500, PointValue::Int(4)),
            (10, 3_500, PointValue::Int(3)),
        ],
    );
    assert_eq!(
        exporter.verdicts("{ find: connections, change: -1 }"),
        PASSED
    );
}

#[test]
fn a_gauge_has_a_value_and_no_change() {
    let metric = ("queue.length", MetricKind::Gauge, Temporality::Unspecified);
    let exporter = Exporter::new().exported(&[1_500, 3_500]).series(
        metric,
        &[],
        &[
            (0, 1_500, PointValue::Double(3.5)),
            (0, 3_500, PointValue::Double(1.5)),
        ],
    );
    assert_eq!(
        exporter.verdicts("{ find: queue.length, value: < 2 }"),
        PASSED
    );
    assert_eq!(
        exporter.verdicts("{ find: queue.length, value: 2.. }"),
        ["failed: value of `queue.length`: expected 2.., found 1.5"]
    );
    assert_eq!(
        exporter.verdicts("{ find: queue.length, change: 1 }"),
        ["failed: change of `queue.length`: expected 1, found a gauge, `queue.length`"]
    );
}

#[test]
fn a_histogram_has_a_count_and_a_sum() {
    let measured = |count, sum| PointValue::Measurements {
        count,
        sum: Some(sum),
    };
    let metric = ("duration", MetricKind::Histogram, Temporality::Cumulative);
    let exporter = Exporter::new().exported(&[1_500, 3_500]).series(
        metric,
        &[],
        &[
            (10, 1_500, measured(3, 0.5)),
            (10, 3_500, measured(4, 0.75)),
        ],
    );
    for holds in ["change: 1", "count: 4", "sum: 0.75", "sum: < 1"] {
        let entry = format!("{{ find: {{ name: duration, type: histogram }}, {holds} }}");
        assert_eq!(exporter.verdicts(&entry), PASSED);
    }
    assert_eq!(
        exporter.verdicts("{ find: duration, value: 1 }"),
        ["failed: value of `duration`: expected 1, found a histogram, `duration`"]
    );
    assert_eq!(
        exact(1, 2).verdicts("{ find: requests, count: 1 }"),
        ["failed: count of `requests`: expected 1, found a sum, `requests`"]
    );
}

#[test]
fn nothing_holds_if_no_series_is_found() {
    let exporter = exact(4, 4);
    let failed = exporter.verdicts("{ find: request, change: 0 }");
    assert_eq!(
        failed,
        ["failed: number of series that match `request`: expected at least 1, found none"]
    );
    assert_eq!(
        exporter.verdicts("{ find: { name: requests, service: order }, change: 0 }"),
        ["unjudged: no metric of `order` arrived"]
    );
    let silent = Exporter::new();
    assert_eq!(silent.verdicts("requests"), ["unjudged: no metric arrived"]);
    // Its export after the request can have the series.
    let early = Exporter::new()
        .exported(&[1_500])
        .counter(&[], &[(1_500, 4)]);
    assert_eq!(
        early.verdicts("other"),
        ["unjudged: no metrics of `gateway` arrived that were collected after the request"]
    );
    assert_eq!(
        verdicts("{ find: requests, change: 1 }", None),
        ["unjudged: the source of this trace has no metrics"]
    );
}

#[test]
fn a_series_that_ended_is_not_found() {
    let exporter = Exporter::new()
        .exported(&[900, 1_500, 3_500])
        .counter(&[], &[(900, 4)])
        .series(
            ("other", COUNTER, Temporality::Cumulative),
            &[],
            &[(10, 3_500, PointValue::Int(1))],
        );
    assert_eq!(
        exporter.verdicts("{ find: requests, change: 0 }"),
        ["failed: number of series that match `requests`: expected at least 1, found none"]
    );
}

#[test]
fn a_loss_of_metrics_makes_checks_of_them_unjudged_unless_it_cannot_change_them() {
    let hole = |name: Option<&str>| MetricHole {
        name: name.map(str::to_owned),
        service: None,
        scraped: None,
        hole: Hole {
            reason: "POST /v1/metrics was refused".to_owned(),
            sender: Sender::default(),
            remedy: "send less".to_owned(),
        },
    };
    let mut exporter = exact(4, 5);
    exporter.evidence.records.holes = vec![hole(Some("other"))];
    assert_eq!(exporter.verdicts("{ find: requests, change: 1 }"), PASSED);
    for name in [None, Some("requests")] {
        exporter.evidence.records.holes = vec![hole(name)];
        let lost = ["unjudged: metrics may be missing: POST /v1/metrics was refused"];
        assert_eq!(exporter.verdicts("{ find: requests, change: 1 }"), lost);
        assert_eq!(exporter.verdicts("{ find: requests, change: 1.. }"), PASSED);
        assert_eq!(
            exporter.verdicts("{ find: requests, exemplar: this }"),
            lost
        );
    }
    exporter.evidence.records.holes = vec![hole(None)];
    assert!(exporter.verdicts("missing")[0].starts_with("unjudged"));
}

#[test]
fn what_was_not_waited_for_is_not_judged() {
    let mut exporter = exact(4, 5);
    exporter.evidence.end = MetricEnd::NotReached;
    let verdicts = exporter.verdicts("{ find: requests, change: 1 }");
    assert_eq!(
        verdicts,
        ["unjudged: the step ended before this check was judged"]
    );
}

#[test]
fn an_exemplar_of_another_trace_is_none_of_this() {
    let other = TraceId::from_bytes([8; 16]).unwrap();
    let entry = "{ find: requests, exemplar: this }";
    let exporter = exact(4, 5);
    assert_eq!(
        exporter.verdicts(entry),
        ["failed: exemplar of `requests`: expected an exemplar of this trace, found no exemplar"]
    );
    let exporter = exporter.with_exemplar(other);
    assert_eq!(
        exporter.verdicts(entry),
        [
            "failed: exemplar of `requests`: expected an exemplar of this trace, found one exemplar, of another trace"
        ]
    );
    let exporter = exporter.with_exemplar(this_trace());
    assert_eq!(exporter.verdicts(entry), PASSED);
    assert_eq!(
        exporter.verdicts("{ find: requests, exemplar: POST /orders }"),
        ["unjudged: the span 0101010101010101 of an exemplar did not arrive"]
    );
}

#[test]
fn names_of_prometheus_are_recognised() {
    let series = |name: &str| {
        let exporter = Exporter::new().exported(&[3_500]).series(
            (name, COUNTER, Temporality::Cumulative),
            &[],
            &[(2_000, 3_500, PointValue::Int(1))],
        );
        exporter.evidence.records.series[0].series.clone()
    };
    let is_of = |written: &str, name: &str| {
        let matcher = Matcher::Equal(Value::from(written));
        selection::is_prometheus_name(&matcher, &series(name))
    };
    let duration = "http.server.request.duration";
    assert!(is_of(
        "http_server_request_duration_seconds_bucket",
        duration
    ));
    assert!(is_of("http_server_request_duration", duration));
    assert!(is_of("logins_total", "logins"));
    assert!(!is_of(duration, duration));
    assert!(!is_of("http_server_request_duration_of_others", duration));
}

/// Exports at these times, restarts, and requests: before the quiet time, and by the trigger.
#[derive(Clone, Debug)]
struct Life {
    exports: Vec<Nanos>,
    restart: Option<Nanos>,
    earlier: u8,
    requests: u8,
}

fn lives() -> impl Strategy<Value = Life> {
    let times = proptest::collection::btree_set(0..40_u64, 1..12);
    (times, proptest::option::of(0..40_u64), any::<u8>(), 0..5_u8).prop_map(
        |(times, restart, earlier, requests)| Life {
            exports: times.into_iter().map(|time| time * 100 + 50).collect(),
            restart: restart.map(|time| time * 100),
            earlier,
            requests,
        },
    )
}

impl Life {
    /// The start and value of the counter at a time: earlier requests come at 500, those of the trigger
    /// at 2,200.
    fn counted(&self, time: Nanos) -> (Nanos, i64) {
        let start = self.restart.filter(|&restart| restart <= time).unwrap_or(1);
        let events = [(500, self.earlier), (2_200, self.requests)];
        let counted = events.iter().filter(|(at, _)| *at >= start && *at <= time);
        (start, counted.map(|(_, number)| i64::from(*number)).sum())
    }

    fn exporter(&self, temporality: Temporality, order: &[usize]) -> Exporter {
        let mut last = 1;
        let mut points = Vec::new();
        for &time in &self.exports {
            let (start, value) = self.counted(time);
            let point = match temporality {
                Temporality::Delta => {
                    let from = last.max(start);
                    let (_, before) = self.counted(last);
                    let grown = if from == start { value } else { value - before };
                    (from, time, PointValue::Int(grown))
                }
                _ => (start, time, PointValue::Int(value)),
            };
            last = time;
            points.push(point);
        }
        let mut shuffled: Vec<_> = order.iter().map(|&at| points[at % points.len()]).collect();
        shuffled.extend(points);
        let metric = ("requests", COUNTER, temporality);
        Exporter::new()
            .exported(&self.exports)
            .series(metric, &[], &shuffled)
    }
}

proptest! {
    /// Exports arrive in any order, and more than once.
    #[test]
    fn the_growth_is_within_its_bounds_and_exact_with_points_on_both_sides(
        life in lives(),
        order in proptest::collection::vec(any::<usize>(), 0..8),
        is_delta in any::<bool>(),
    ) {
        let temporality = match is_delta {
            true => Temporality::Delta,
            false => Temporality::Cumulative,
        };
        let exporter = life.exporter(temporality, &order);
        let record = &exporter.evidence.records.series[0];
        let growth = growth(record, main_part, &exporter.evidence);
        let truth = Amount::Int(i64::from(life.requests));
        let Range { low, high } = growth.range;
        let has = |from, to| life.exports.iter().any(|time| (from..to).contains(time));
        // Nothing shows the end of a process that was not known, or that exports only changes.
        let is_hidden = life.restart.is_some_and(|restart| restart > 2_200)
            && (is_delta || !has(0, FIRED));
        if exporter.evidence.is_exported(record) && !is_hidden {
            prop_assert!(low.is_none_or(|low| !truth.is_less(low)), "{growth:?}");
            prop_assert!(high.is_none_or(|high| !high.is_less(truth)), "{growth:?}");
        }
        if life.restart.is_none() && has(ALONE, FIRED) && has(SETTLED, Nanos::MAX) {
            prop_assert_eq!(growth.range, Range::exactly(truth));
        }
    }
}
