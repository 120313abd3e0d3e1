//! Records everything that arrives during a window: facts within a bound, and records if they are wanted.
//!
//! [`TrafficWatch`](crate::source::TrafficWatch) is the handle of such a window.

mod edges;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::watch;

use edges::EdgeIndex;

use super::entry::{Interner, RawRecord};
use super::request::{LogRequest, SpanRequest};
use crate::source::otlp::{self, LogAt, SpanAt};
use crate::source::stats::Refusal;
use crate::trace::{
    Hole, Nanos, RefusedExport, ServiceEdge, ServiceTraffic, Signal, SignalTraffic, TraceId,
    Traffic, nanos_of, unix_nanos,
};

/// Number of a service within a window.
type ServiceNumber = u32;

/// Maximum number of services that no check names.
const MOST_SERVICES: usize = 1_000;

/// A record is old if it was made this long before the window began. Exporters send what they batched, so that
/// records of the last seconds arrive in the window.
pub(crate) const OLD_AFTER: Duration = Duration::from_secs(10);

/// Maximum size of the kept spans, and of the kept log records, in bytes.
pub(crate) const MOST_BYTES: usize = 64 << 20;

/// Maximum number of entries in a list that is not read.
const MOST_ENTERED: usize = 50_000;

/// Maximum number of kinds of refused exports.
const MOST_REFUSED: usize = 100;

/// What a window records beside facts.
#[derive(Clone, Debug, Default)]
pub struct TrafficInterest {
    /// Services that checks name, which are recorded however many others there are.
    pub services: BTreeSet<String>,
    /// Spans are kept.
    pub keeps_spans: bool,
    /// Log records are kept.
    pub keeps_logs: bool,
    /// Traces are listed when their entries arrive.
    pub lists_entries: bool,
}

/// The records that a window kept.
#[derive(Clone, Debug, Default)]
pub(in crate::source) struct KeptRecords {
    /// In order of arrival.
    pub(in crate::source) records: Vec<RawRecord>,
    bytes: usize,
    /// Number of records without room.
    pub(in crate::source) dropped: u64,
}

/// The open windows of a store.
#[derive(Debug, Default)]
pub(in crate::source) struct TrafficRecorders {
    open: HashMap<u64, TrafficRecorder>,
    last: u64,
}

/// Records one window.
#[derive(Debug)]
pub(in crate::source) struct TrafficRecorder {
    interest: TrafficInterest,
    began: Instant,
    /// The same moment by the clock of this machine.
    began_wall: Nanos,
    numbers: HashMap<String, ServiceNumber>,
    services: Vec<(String, ServiceTraffic)>,
    named: HashSet<ServiceNumber>,
    other_records: u64,
    edges: EdgeIndex,
    forgotten: u64,
    refused: Vec<RefusedExport>,
    pub(in crate::source) spans: KeptRecords,
    pub(in crate::source) logs: KeptRecords,
    interner: Interner,
    /// Since when only records of traces that are known are kept.
    known_traces: Option<HashSet<TraceId>>,
    /// The traces whose entry arrived since they were last taken.
    entered: Vec<TraceId>,
    /// Number of entries without room in the list.
    not_entered: u64,
    changes: watch::Sender<u64>,
}

impl TrafficRecorders {
    /// Opens a window. Returns its number and the counter of its changes.
    pub(in crate::source) fn open(
        &mut self,
        interest: TrafficInterest,
    ) -> (u64, watch::Receiver<u64>) {
        self.last += 1;
        let recorder = TrafficRecorder::new(interest);
        let changes = recorder.changes.subscribe();
        self.open.insert(self.last, recorder);
        (self.last, changes)
    }

    pub(in crate::source) fn close(&mut self, number: u64) {
        self.open.remove(&number);
    }

    pub(in crate::source) fn get(&mut self, number: u64) -> Option<&mut TrafficRecorder> {
        self.open.get_mut(&number)
    }

    pub(super) fn are_open(&self) -> bool {
        !self.open.is_empty()
    }

    /// Records these spans of a request.
    pub(super) fn spans(&mut self, request: &SpanRequest<'_>, spans: &[SpanAt<'_>]) {
        for recorder in self.open.values_mut() {
            recorder.add_spans(request, spans);
        }
    }

    /// Records these log records of a request; `services` has the service of each resource.
    pub(super) fn logs(
        &mut self,
        request: &LogRequest<'_>,
        records: &[LogAt<'_>],
        services: &[String],
    ) {
        for recorder in self.open.values_mut() {
            recorder.add_logs(request, records, services);
        }
    }

    /// Keeps log records that did not arrive over the network: lines that services printed.
    pub(super) fn printed(&mut self, request: &LogRequest<'_>) {
        for recorder in self.open.values_mut() {
            recorder.keep_logs(request, &request.walk.records);
        }
    }

    /// Records data points, of which `times` has a list for each resource.
    pub(super) fn metrics(&mut self, times: &[Vec<Nanos>], services: &[String], arrived: Instant) {
        for recorder in self.open.values_mut() {
            recorder.add_metrics(times, services, arrived);
        }
    }

    pub(super) fn refuse(&mut self, refusal: &Refusal) {
        let Some(hole) = refusal.hole() else {
            return;
        };
        let signals = Signal::ALL.into_iter();
        let signals = signals.filter(|signal| refusal.carried.may_be(*signal));
        let signals: Vec<Signal> = signals.collect();
        self.lose(&signals, &hole);
    }

    /// Records a loss of records of these signals.
    pub(super) fn lose(&mut self, signals: &[Signal], hole: &Hole) {
        for recorder in self.open.values_mut() {
            recorder.add_refused(signals, hole);
        }
    }
}

impl TrafficRecorder {
    fn new(interest: TrafficInterest) -> Self {
        Self {
            interest,
            began: Instant::now(),
            began_wall: unix_nanos(SystemTime::now()),
            numbers: HashMap::new(),
            services: Vec::new(),
            named: HashSet::new(),
            other_records: 0,
            edges: EdgeIndex::default(),
            forgotten: 0,
            refused: Vec::new(),
            spans: KeptRecords::default(),
            logs: KeptRecords::default(),
            interner: Interner::default(),
            known_traces: None,
            entered: Vec::new(),
            not_entered: 0,
            changes: watch::Sender::default(),
        }
    }

    /// The facts so far.
    pub(in crate::source) fn facts(&self) -> Traffic {
        let name = |number: ServiceNumber| self.services[number as usize].0.clone();
        let edges = self.edges.edges().map(|((from, to, by), number)| {
            let edge = ServiceEdge {
                from: name(from),
                to: name(to),
                by,
            };
            (edge, number)
        });
        Traffic {
            observed: self.began.elapsed(),
            longest: Duration::ZERO,
            services: self.services.iter().cloned().collect::<BTreeMap<_, _>>(),
            other_records: self.other_records,
            edges: edges.collect(),
            forgotten_spans: self.forgotten,
            refused: self.refused.clone(),
        }
    }

    /// The start of the window by the clock of this machine.
    pub(in crate::source) fn began_wall(&self) -> Nanos {
        self.began_wall
    }

    /// The traces whose entry arrived since the last call, and the number of those that are not listed.
    pub(in crate::source) fn take_entered(&mut self) -> (Vec<TraceId>, u64) {
        let entered = std::mem::take(&mut self.entered);
        (entered, std::mem::take(&mut self.not_entered))
    }

    /// From now on, only keeps records of traces of which a span has arrived.
    pub(in crate::source) fn keep_known_traces(&mut self, traces: HashSet<TraceId>) {
        self.known_traces = Some(traces);
    }

    fn add_spans(&mut self, request: &SpanRequest<'_>, spans: &[SpanAt<'_>]) {
        let (walk, services, arrived) = (&request.walk, &request.services, request.arrived);
        for span in spans {
            // It was walked on arrival, so it can be decoded.
            let Ok(facts) = otlp::span_facts(span.bytes) else {
                continue;
            };
            let service = &services[walk.scopes[span.scope].resource];
            let number = self.number(service);
            let is_old = self.count(number, Signal::Traces, facts.time, arrived);
            if self.interest.keeps_spans && !is_old && self.is_kept(span.trace_id) {
                let size = RawRecord::size(span.bytes);
                let interner = &mut self.interner;
                self.spans.add(size, || {
                    RawRecord::copy(&request.view(span), interner, arrived)
                });
            }
            if is_old {
                continue;
            }
            if facts.parent.is_none() {
                self.enter(span.trace_id);
            }
            if let Some(number) = number {
                let key = (span.trace_id, span.span_id);
                self.forgotten += self.edges.add(key, number, &facts, &self.named);
            }
        }
        self.notify();
    }

    /// Lists a trace whose entry arrived.
    fn enter(&mut self, trace: TraceId) {
        if !self.interest.lists_entries || self.known_traces.is_some() {
            return;
        }
        match self.entered.len() < MOST_ENTERED {
            true => self.entered.push(trace),
            false => self.not_entered += 1,
        }
    }

    fn add_logs(&mut self, request: &LogRequest<'_>, records: &[LogAt<'_>], services: &[String]) {
        for record in records {
            let service = &services[request.walk.scopes[record.scope].resource];
            let number = self.number(service);
            let time = otlp::log_time(record.bytes).unwrap_or_default();
            self.count(number, Signal::Logs, time, request.arrived);
        }
        self.keep_logs(request, records);
    }

    fn keep_logs(&mut self, request: &LogRequest<'_>, records: &[LogAt<'_>]) {
        if self.interest.keeps_logs {
            for record in records {
                let time = otlp::log_time(record.bytes).unwrap_or_default();
                let is_known = record.trace_id.is_none_or(|trace| self.is_kept(trace));
                if !is_known || self.age(time).is_some() {
                    continue;
                }
                let size = RawRecord::size(record.bytes);
                let interner = &mut self.interner;
                self.logs.add(size, || {
                    RawRecord::copy(&request.view(record), interner, request.arrived)
                });
            }
        }
        self.notify();
    }

    fn add_metrics(&mut self, times: &[Vec<Nanos>], services: &[String], arrived: Instant) {
        for (times, service) in times.iter().zip(services) {
            for &time in times {
                let number = self.number(service);
                self.count(number, Signal::Metrics, time, arrived);
            }
        }
        self.notify();
    }

    fn add_refused(&mut self, signals: &[Signal], hole: &Hole) {
        let is_known = |known: &RefusedExport| {
            known.signals == signals
                && known.hole.reason == hole.reason
                && known.hole.sender.service == hole.sender.service
        };
        if self.refused.len() < MOST_REFUSED && !self.refused.iter().any(is_known) {
            self.refused.push(RefusedExport {
                signals: signals.to_vec(),
                hole: hole.clone(),
            });
        }
        self.notify();
    }

    /// The number of a service; `None` if there are too many.
    fn number(&mut self, service: &str) -> Option<ServiceNumber> {
        if let Some(known) = self.numbers.get(service) {
            return Some(*known);
        }
        let is_named = self.interest.services.contains(service);
        if !is_named && self.services.len() - self.named.len() >= MOST_SERVICES {
            return None;
        }
        let number = ServiceNumber::try_from(self.services.len()).ok()?;
        self.numbers.insert(service.to_owned(), number);
        let none = ServiceTraffic::default();
        self.services.push((service.to_owned(), none));
        if is_named {
            self.named.insert(number);
        }
        Some(number)
    }

    /// Counts a record of this time, and returns `true` if it is old.
    fn count(
        &mut self,
        service: Option<ServiceNumber>,
        signal: Signal,
        time: Nanos,
        arrived: Instant,
    ) -> bool {
        let age = self.age(time);
        let Some(service) = service else {
            self.other_records += 1;
            return age.is_some();
        };
        let since = arrived.saturating_duration_since(self.began);
        let of_service = &mut self.services[service as usize].1;
        let of_signal = of_service.signals.entry(signal).or_default();
        of_signal.count(age, since);
        age.is_some()
    }

    /// From this time to the start of the window, if the record is old. An unknown time is not.
    fn age(&self, time: Nanos) -> Option<Duration> {
        let is_old = time > 0 && time.saturating_add(nanos_of(OLD_AFTER)) < self.began_wall;
        is_old.then(|| Duration::from_nanos(self.began_wall - time))
    }

    fn is_kept(&self, trace: TraceId) -> bool {
        let known = self.known_traces.as_ref();
        known.is_none_or(|known| known.contains(&trace))
    }

    fn notify(&self) {
        self.changes.send_modify(|changes| *changes += 1);
    }
}

impl SignalTraffic {
    /// Counts a record that arrived at this time of the window; `age` is known of an old one.
    fn count(&mut self, age: Option<Duration>, since: Duration) {
        match age {
            Some(age) => {
                self.old_by = match self.old {
                    0 => age,
                    _ => self.old_by.min(age),
                };
                self.old += 1;
            }
            None => {
                if self.records == 0 {
                    self.first = since;
                }
                self.last = since;
                self.records += 1;
            }
        }
    }
}

impl KeptRecords {
    fn add(&mut self, size: usize, record: impl FnOnce() -> RawRecord) {
        if self.bytes + size > MOST_BYTES {
            self.dropped += 1;
            return;
        }
        self.bytes += size;
        self.records.push(record());
    }
}
