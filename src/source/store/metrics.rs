//! Series of metrics: the last point of each, and while somebody watches, all points that arrive.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use tokio::sync::watch;

#[cfg(feature = "run")]
use super::metric_feed::{MetricArrival, MetricReaders};
use crate::source::otlp::{MetricExport, ProcessExport, SeriesExport};
#[cfg(feature = "run")]
use crate::trace::PointValue;
use crate::trace::{
    Hole, MetricHole, MetricRecords, Naming, Nanos, Point, ProcessId, ProcessRecord, Resource,
    Sender, SeriesRecord,
};

/// Maximum number of series.
const MOST_SERIES: usize = 100_000;

/// Maximum number of points, exports and exemplars that are kept of a window: about 16 MiB.
const MOST_RECORDS: usize = 1 << 18;

/// Maximum number of names of metrics of which series were discarded.
const MOST_NAMES: usize = 1_000;

/// Maximum number of losses of unknown metrics.
const MOST_HOLES: usize = 20;

/// A clock is known to be ahead if a point arrives more than this before its own time: 10 ms.
const CLOCK_PRECISION: Nanos = 10_000_000;

/// The series that are known.
#[derive(Debug, Default)]
pub(super) struct MetricHistory {
    series: HashMap<u64, Arc<SeriesRecord>>,
    processes: HashMap<ProcessId, ProcessRecord>,
    /// Number of watches that are open.
    windows: usize,
    /// Number of points, exports and exemplars that the windows added.
    records: usize,
    /// Metrics of which series were discarded: there were too many of them.
    discarded: HashSet<String>,
    /// Records of the window were discarded.
    is_full: bool,
    /// Losses since the first open watch.
    holes: Vec<Hole>,
    changes: watch::Sender<u64>,
    #[cfg(feature = "run")]
    pub(super) readers: MetricReaders,
}

impl MetricHistory {
    pub(super) fn take_in(&mut self, export: MetricExport, arrived: Instant) {
        let wall = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let wall = Nanos::try_from(wall.as_nanos()).unwrap_or(Nanos::MAX);
        self.take_in_at(export, arrived, wall);
    }

    /// Adds an export that arrived at this moment, which is `wall` nanoseconds after the Unix epoch.
    pub(super) fn take_in_at(&mut self, export: MetricExport, arrived: Instant, wall: Nanos) {
        for process in export.processes {
            self.add_export(&process, arrived, wall);
            let ProcessExport {
                id,
                resource,
                points,
                ..
            } = process;
            for point in points {
                self.add_point(point, arrived, (id, &resource));
            }
        }
        self.notify();
    }

    /// Records that a process exported, unless the export has neither a time nor a point.
    fn add_export(&mut self, export: &ProcessExport, arrived: Instant, wall: Nanos) {
        let times = export.points.iter().map(|point| point.time);
        let Some(time) = times.chain(export.time).max() else {
            return;
        };
        let is_kept = self.has_room();
        let known = self.processes.entry(export.id);
        let process = known.or_insert_with(|| ProcessRecord {
            resource: Arc::clone(&export.resource),
            exports: Vec::new(),
            ahead: 0,
        });
        let ahead = time.saturating_sub(wall);
        if ahead > CLOCK_PRECISION {
            process.ahead = process.ahead.max(ahead);
        }
        if !is_kept {
            process.exports.clear();
        }
        process.exports.push((arrived, time));
        self.records += 1;
    }

    fn add_point(
        &mut self,
        sent: SeriesExport,
        arrived: Instant,
        (process, resource): (ProcessId, &Arc<Resource>),
    ) {
        let (is_kept, has_place) = (self.has_room(), self.series.len() < MOST_SERIES);
        let record = match self.series.entry(sent.id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) if has_place => place.insert(Arc::new(SeriesRecord {
                series: sent.series(resource),
                process,
                points: Vec::new(),
                without_value: None,
                exemplars: Vec::new(),
            })),
            Entry::Vacant(_) => {
                if self.discarded.len() < MOST_NAMES {
                    self.discarded.insert(sent.name().to_owned());
                }
                return;
            }
        };
        // A copy only if a reader has the record.
        let record = Arc::make_mut(record);
        if sent.naming() == Naming::Prometheus {
            // Some exporters have `target_info` later than other metrics.
            record.series.resource = Arc::clone(resource);
        }
        let Some(value) = sent.value else {
            record.without_value = Some((arrived, sent.time));
            return;
        };
        let point = Point {
            start: sent.start,
            time: sent.time,
            arrived,
            value,
        };
        if self.windows == 0 {
            if record
                .points
                .last()
                .is_none_or(|last| last.time <= point.time)
            {
                record.points.clear();
                record.points.push(point);
            }
            return;
        }
        if !is_kept {
            self.is_full = true;
            return;
        }
        self.records += 1 + sent.exemplars.len();
        record.points.push(point);
        record.exemplars.extend(sent.exemplars);
    }

    /// Returns `true` if records of a window are kept.
    fn has_room(&self) -> bool {
        self.windows > 0 && self.records < MOST_RECORDS
    }

    /// The first arrival of a point with this integer.
    #[cfg(feature = "run")]
    pub(super) fn arrival_of_value(&self, value: i64) -> Option<Instant> {
        let points = self.series.values().flat_map(|record| &record.points);
        let same = points.filter(|point| point.value == PointValue::Int(value));
        same.map(|point| point.arrived).min()
    }

    /// Records that an export of unknown metrics was lost.
    pub(super) fn lose(&mut self, hole: Hole) {
        #[cfg(feature = "run")]
        self.readers.send(|| MetricArrival::Lost(hole.clone()));
        if self.windows > 0 && self.holes.len() < MOST_HOLES && !self.holes.contains(&hole) {
            self.holes.push(hole);
            self.notify();
        }
    }

    /// Keeps all points from now on. Returns the counter of changes.
    pub(super) fn open(&mut self) -> watch::Receiver<u64> {
        self.windows += 1;
        self.changes.subscribe()
    }

    /// Ends a watch. After the last one, only the last point of each series is kept.
    pub(super) fn close(&mut self) {
        self.windows -= 1;
        if self.windows > 0 {
            return;
        }
        for record in self.series.values_mut() {
            if record.points.len() > 1 || !record.exemplars.is_empty() {
                let record = Arc::make_mut(record);
                let last = record.points.iter().copied().max_by_key(|point| point.time);
                record.points = last.into_iter().collect();
                record.exemplars = Vec::new();
            }
        }
        for process in self.processes.values_mut() {
            let last = process.exports.pop();
            process.exports = last.into_iter().collect();
        }
        (self.records, self.is_full) = (0, false);
        self.holes.clear();
    }

    /// All that is known.
    pub(super) fn records(&self) -> MetricRecords {
        // The names of further metrics are not known.
        let is_full = self.is_full || self.discarded.len() == MOST_NAMES;
        let any = is_full.then(|| {
            too_many(format!(
                "points of metrics were discarded: the receiver keeps {MOST_RECORDS} of one request"
            ))
        });
        let any = any.into_iter().chain(self.holes.iter().cloned());
        let any = any.map(|hole| MetricHole {
            name: None,
            service: None,
            scraped: None,
            hole,
        });
        let named = self.discarded.iter().map(|name| MetricHole {
            name: Some(name.clone()),
            service: None,
            scraped: None,
            hole: too_many(format!(
                "series of `{name}` were discarded: the receiver keeps {MOST_SERIES} series"
            )),
        });
        MetricRecords {
            series: self.series.values().cloned().collect(),
            processes: self.processes.clone(),
            holes: any.chain(named).collect(),
        }
    }

    fn notify(&self) {
        self.changes.send_modify(|changes| *changes += 1);
    }
}

fn too_many(reason: String) -> Hole {
    Hole {
        reason,
        sender: Sender::default(),
        remedy:
            "let the services export fewer series: fewer attributes, or a view that drops metrics"
                .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
    use opentelemetry_proto::tonic::common::v1::any_value::Value as AnyValue;
    use opentelemetry_proto::tonic::common::v1::{AnyValue as Any, KeyValue};
    use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
    use opentelemetry_proto::tonic::metrics::v1::{
        Exemplar, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, exemplar, metric,
    };
    use prost::Message;

    use super::*;
    use crate::source::otlp;
    use crate::trace::{Origin, PointValue, SpanExemplar, Trace};

    fn attribute(key: &str, value: &str) -> KeyValue {
        KeyValue {
            key: key.to_owned(),
            value: Some(Any {
                value: Some(AnyValue::StringValue(value.to_owned())),
            }),
            ..KeyValue::default()
        }
    }

    fn point(value: i64, time: u64, attributes: Vec<KeyValue>) -> NumberDataPoint {
        NumberDataPoint {
            attributes,
            start_time_unix_nano: 1,
            time_unix_nano: time,
            value: Some(Value::AsInt(value)),
            ..NumberDataPoint::default()
        }
    }

    fn export(name: &str, points: Vec<NumberDataPoint>) -> Vec<u8> {
        let sum = Sum {
            data_points: points,
            aggregation_temporality: 2,
            is_monotonic: true,
        };
        let metric = Metric {
            name: name.to_owned(),
            data: Some(metric::Data::Sum(sum)),
            ..Metric::default()
        };
        let scope = ScopeMetrics {
            metrics: vec![metric],
            ..ScopeMetrics::default()
        };
        let resource = ResourceMetrics {
            scope_metrics: vec![scope],
            ..ResourceMetrics::default()
        };
        let request = ExportMetricsServiceRequest {
            resource_metrics: vec![resource],
        };
        request.encode_to_vec()
    }

    fn take_in(history: &mut MetricHistory, export: Vec<u8>, wall: Nanos) {
        let export = MetricExport::decode(export.into()).unwrap();
        history.take_in_at(export, Instant::now(), wall);
    }

    #[test]
    fn of_too_many_series_the_first_are_kept_and_the_others_are_named() {
        let mut history = MetricHistory::default();
        let points = (0..=MOST_SERIES).map(|number| {
            let user = attribute("user", &number.to_string());
            point(1, 2, vec![user])
        });
        take_in(&mut history, export("logins", points.collect()), 2);
        take_in(&mut history, export("orders", vec![point(1, 2, vec![])]), 2);
        let records = history.records();
        assert_eq!(records.series.len(), MOST_SERIES);
        let mut named: Vec<_> = records.holes.iter().map(|hole| hole.name.clone()).collect();
        named.sort();
        assert_eq!(
            named,
            [Some("logins".to_owned()), Some("orders".to_owned())]
        );
        assert!(records.holes[0].hole.reason.contains("100000 series"));
    }

    #[test]
    fn too_many_points_in_one_window_are_a_loss_of_that_window() {
        let mut history = MetricHistory::default();
        let _changes = history.open();
        let points = |number| vec![point(1, 2, vec![]); number];
        take_in(&mut history, export("orders", points(MOST_RECORDS + 1)), 2);
        let records = history.records();
        assert_eq!(records.holes.len(), 1);
        assert_eq!(records.holes[0].name, None);
        assert!(records.series[0].points.len() <= MOST_RECORDS);
        history.close();
        let _changes = history.open();
        let records = history.records();
        assert_eq!(
            (records.holes.len(), records.series[0].points.len()),
            (0, 1)
        );
    }

    #[test]
    fn a_series_is_the_same_whatever_the_order_of_its_attributes() {
        let (method, route) = (attribute("method", "GET"), attribute("route", "/orders"));
        let mut history = MetricHistory::default();
        let _changes = history.open();
        let first = point(1, 2, vec![method.clone(), route.clone()]);
        let second = point(2, 3, vec![route, method.clone()]);
        let other = point(2, 3, vec![method]);
        take_in(&mut history, export("requests", vec![first]), 3);
        take_in(&mut history, export("requests", vec![second, other]), 3);
        let records = history.records();
        let mut points: Vec<_> = records.series.iter().map(|of| of.points.len()).collect();
        points.sort_unstable();
        assert_eq!(points, [1, 2]);
    }

    #[test]
    fn without_a_watch_only_the_latest_point_is_kept() {
        let mut history = MetricHistory::default();
        for (value, time) in [(1, 10), (3, 30), (2, 20)] {
            take_in(
                &mut history,
                export("orders", vec![point(value, time, vec![])]),
                40,
            );
        }
        let records = history.records();
        let points: Vec<_> = records.series[0].points.iter().map(|of| of.value).collect();
        assert_eq!(points, [PointValue::Int(3)]);
    }

    #[test]
    fn points_without_a_value_are_no_points_and_exemplars_without_valid_ids_are_left_out() {
        let exemplar = |trace: Vec<u8>, span: Vec<u8>| Exemplar {
            trace_id: trace,
            span_id: span,
            ..Exemplar::default()
        };
        let mut kept = point(1, 2, vec![]);
        kept.exemplars = vec![
            exemplar(vec![0; 16], vec![1; 8]),
            exemplar(vec![1; 16], vec![0; 8]),
            exemplar(vec![1; 8], vec![1; 8]),
            exemplar(vec![], vec![]),
            exemplar(vec![1; 16], vec![2; 8]),
        ];
        let mut flagged = point(7, 2, vec![attribute("flagged", "yes")]);
        flagged.flags = 1;
        let mut history = MetricHistory::default();
        let _changes = history.open();
        take_in(&mut history, export("orders", vec![kept, flagged]), 2);
        let records = history.records();
        let of_flag = records
            .series
            .iter()
            .find(|one| one.without_value.is_some());
        assert!(of_flag.is_some_and(|one| one.points.is_empty()));
        let exemplars: Vec<_> = records
            .series
            .iter()
            .flat_map(|one| &one.exemplars)
            .collect();
        assert_eq!(exemplars.len(), 1);
        assert_eq!(exemplars[0].trace_id.as_bytes(), &[1; 16]);
    }

    #[test]
    fn a_clock_is_known_to_be_ahead_if_a_point_arrives_before_its_time() {
        let mut history = MetricHistory::default();
        let second = 1_000_000_000;
        take_in(
            &mut history,
            export("orders", vec![point(1, 9 * second, vec![])]),
            7 * second,
        );
        take_in(
            &mut history,
            export("orders", vec![point(1, 9 * second, vec![])]),
            9 * second,
        );
        let records = history.records();
        let process = records.processes.values().next().unwrap();
        assert_eq!(process.corrected(9 * second), 7 * second);
    }

    #[test]
    fn json_and_protobuf_are_the_same_series() {
        let json = r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"orders","sum":{
            "aggregationTemporality":"AGGREGATION_TEMPORALITY_CUMULATIVE","isMonotonic":true,
            "dataPoints":[{"startTimeUnixNano":"1","timeUnixNano":3,"asInt":"5",
                "attributes":[{"key":"a","value":{"stringValue":"b"}}],
                "exemplars":[{"asDouble":0.5,"traceId":"01010101010101010101010101010101",
                    "spanId":"0202020202020202",
                    "filteredAttributes":[{"key":"user","value":{"stringValue":"u"}}]}]}]}}]}]}]}"#;
        let mut history = MetricHistory::default();
        let _changes = history.open();
        let mut sent = point(4, 2, vec![attribute("a", "b")]);
        sent.exemplars = vec![Exemplar {
            trace_id: vec![1; 16],
            span_id: vec![2; 8],
            value: Some(exemplar::Value::AsDouble(0.5)),
            filtered_attributes: vec![attribute("user", "u")],
            ..Exemplar::default()
        }];
        take_in(&mut history, export("orders", vec![sent]), 3);
        take_in(&mut history, otlp::metrics_from_json(json).unwrap(), 3);
        let records = history.records();
        assert_eq!(records.series.len(), 1);
        let points: Vec<_> = records.series[0].points.iter().map(|of| of.value).collect();
        assert_eq!(points, [PointValue::Int(4), PointValue::Int(5)]);
        let [of_protobuf, of_json] = records.series[0].exemplars.as_slice() else {
            panic!("{:?}", records.series[0].exemplars);
        };
        assert_eq!(of_protobuf, of_json);
        // A repeated exemplar is one exemplar.
        let trace = Trace::assemble(of_json.trace_id, Origin::Foreign, []);
        let expected = SpanExemplar {
            span_id: of_json.span_id.unwrap(),
            metric: "orders".to_owned(),
            unit: String::new(),
            value: 0.5.into(),
            attributes: [("a", "b"), ("user", "u")].into_iter().collect(),
        };
        assert_eq!(records.exemplars_of(&trace, 10), [expected]);
    }
}
