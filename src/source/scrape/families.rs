//! Assembles the samples of an endpoint to metrics of OTLP: histograms from their parts, starts from
//! `_created`, resources from `target_info`, scopes from `otel_scope_*`.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use prost::Message;

use super::text::{Exposition, FamilyKind, Labels, Sample, ScrapedExemplar};
use crate::source::otlp::message::{AnyValue, KeyValue, ResourceMessage, ScopeMessage, ValueKind};
use crate::source::otlp::metric_message::{
    ExemplarMessage, ExemplarValue, GaugeMessage, HistogramMessage, HistogramPoint, MetricData,
    MetricMessage, NumberPoint, NumberValue, ResourceMetrics, ScopeMetrics, SumMessage,
    SummaryMessage, SummaryPoint,
};
use crate::trace::{Nanos, SpanId, TraceId, nanos_of};

/// The number of cumulative temporality in OTLP.
const CUMULATIVE: i32 = 2;

/// Labels of the resource whose names in OTLP are known.
const RESOURCE: [(&str, &str); 7] = [
    ("service_name", "service.name"),
    ("service_namespace", "service.namespace"),
    ("service_instance_id", "service.instance.id"),
    ("service_version", "service.version"),
    ("telemetry_sdk_language", "telemetry.sdk.language"),
    ("telemetry_sdk_name", "telemetry.sdk.name"),
    ("telemetry_sdk_version", "telemetry.sdk.version"),
];

/// Spellings of the labels of an exemplar.
const TRACE_LABELS: [&str; 3] = ["trace_id", "traceID", "traceId"];
const SPAN_LABELS: [&str; 3] = ["span_id", "spanID", "spanId"];

/// Doubles up to this are exact integers.
const LARGEST_INTEGER: f64 = 9_007_199_254_740_992.0;

/// Maximum number of metrics whose problems are described.
const MOST_PROBLEMS: usize = 100;

/// The metrics of an endpoint.
#[derive(Debug)]
pub(super) struct Scraped {
    /// The metrics of each process, with the labels that identify it.
    pub(super) processes: Vec<(String, ResourceMetrics)>,
    pub(super) problems: Problems,
}

/// Metrics with samples that contradict each other, by name, with the first problem of each.
#[derive(Debug, Default)]
pub(super) struct Problems {
    pub(super) of: BTreeMap<String, String>,
    /// There are further ones.
    pub(super) has_more: bool,
}

impl Problems {
    fn add(&mut self, metric: &str, what: String) {
        if self.of.contains_key(metric) {
            return;
        }
        if self.of.len() == MOST_PROBLEMS {
            self.has_more = true;
            return;
        }
        self.of.insert(metric.to_owned(), what);
    }
}

/// A process, as far as the project file describes it, and the time of its values.
#[derive(Clone, Copy, Debug)]
pub(super) struct ScrapedProcess<'a> {
    /// Its `service.name`, unless `target_info` has one.
    pub(super) name: &'a str,
    /// The time of samples that have none.
    pub(super) time: Nanos,
}

/// The role of a sample in its family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Value,
    Count,
    Sum,
    Bucket,
    Created,
    /// Quantiles, and metadata.
    Ignored,
}

/// The samples of a family that have a suffix.
const SUFFIXES: [(&str, &[FamilyKind], Role); 5] = {
    use FamilyKind::{Counter, Histogram, Summary};
    [
        ("_total", &[Counter], Role::Value),
        ("_created", &[Counter, Histogram, Summary], Role::Created),
        ("_bucket", &[Histogram], Role::Bucket),
        ("_count", &[Histogram, Summary], Role::Count),
        ("_sum", &[Histogram, Summary], Role::Sum),
    ]
};

/// A series, from its samples.
struct Group<'t> {
    kind: FamilyKind,
    name: Cow<'t, str>,
    unit: &'t str,
    labels: Labels<'t>,
    time: Option<Nanos>,
    value: Option<f64>,
    count: Option<f64>,
    sum: Option<f64>,
    created: Option<f64>,
    /// The values of all buckets, by their bounds.
    buckets: BTreeMap<Cow<'t, str>, f64>,
    exemplars: Vec<ExemplarMessage>,
}

/// The family of a sample, and its part in it.
struct Place<'f, 't> {
    family: &'f str,
    kind: FamilyKind,
    unit: &'t str,
    role: Role,
}

/// The processes of an endpoint. A Collector has those of many services.
struct Processes<'f, 't> {
    /// Labels of `target_info`. The first is for all series without a process of their own.
    targets: Vec<&'f Labels<'t>>,
    /// Those with a `job`, by `job` and `instance`.
    by_label: HashMap<(&'f str, Option<&'f str>), usize>,
    /// `process_start_time_seconds` of each.
    starts: Vec<Option<Nanos>>,
}

pub(super) fn metrics_of(exposition: &Exposition<'_>, of: ScrapedProcess<'_>) -> Scraped {
    let mut problems = Problems::default();
    let groups = grouped(exposition, &mut problems);
    let none = Labels::new();
    let mut processes = Processes::of(exposition, &none);
    processes.find_starts(&groups);
    let mut blocks: Vec<(String, ResourceMetrics)> = processes
        .targets
        .iter()
        .map(|labels| {
            let block = ResourceMetrics {
                resource: Some(resource(labels, of.name)),
                scope_metrics: Vec::new(),
            };
            (identity(labels), block)
        })
        .collect();
    let mut scopes: HashMap<(usize, Labels<'_>), usize> = HashMap::new();
    for mut group in groups {
        let process = processes.take(&mut group.labels);
        let scope = scope_labels(&mut group.labels);
        let start = processes.starts[process];
        let name = group.name.to_string();
        let metric = match group.metric(of.time, start) {
            Ok(metric) => metric,
            Err(what) => {
                problems.add(&name, what);
                continue;
            }
        };
        let blocks = &mut blocks[process].1.scope_metrics;
        let at = *scopes.entry((process, scope)).or_insert_with_key(|key| {
            blocks.push(ScopeMetrics {
                scope: Some(scope_of(&key.1)),
                metrics: Vec::new(),
            });
            blocks.len() - 1
        });
        blocks[at].metrics.push(metric);
    }
    Scraped {
        processes: blocks,
        problems,
    }
}

fn grouped<'t>(exposition: &Exposition<'t>, problems: &mut Problems) -> Vec<Group<'t>> {
    let mut groups: Vec<Group<'t>> = Vec::new();
    let mut known: HashMap<(&str, Labels<'t>), usize> = HashMap::new();
    for sample in &exposition.samples {
        let place = place(exposition, sample);
        if place.role == Role::Ignored {
            continue;
        }
        let mut labels = sample.labels.clone();
        let bound = (place.role == Role::Bucket).then(|| taken(&mut labels, "le"));
        // A label without a value is the same as none.
        labels.retain(|(_, value)| !value.is_empty());
        labels.sort();
        let at = *known
            .entry((place.family, labels))
            .or_insert_with_key(|key| {
                groups.push(Group::new(&place, key.1.clone()));
                groups.len() - 1
            });
        let group = &mut groups[at];
        if place.role == Role::Value {
            group.name = sample.name.clone();
        }
        if let Err(what) = group.add(sample, place.role, bound.flatten()) {
            problems.add(&group.name, what);
        }
    }
    groups
}

fn place<'f, 't>(exposition: &'f Exposition<'t>, sample: &'f Sample<'t>) -> Place<'f, 't> {
    let name = &*sample.name;
    let known = |family: &'f str, role: &dyn Fn(FamilyKind) -> Option<Role>| {
        let metadata = exposition.families.get(family)?;
        let kind = metadata.kind?;
        Some(Place {
            family,
            kind,
            unit: metadata.unit,
            role: role(kind)?,
        })
    };
    let own = known(name, &|kind| match kind {
        FamilyKind::Counter | FamilyKind::Gauge => Some(Role::Value),
        FamilyKind::Histogram | FamilyKind::Summary => Some(Role::Ignored),
    });
    let is_metadata = matches!(name, "target_info" | "otel_scope_info");
    let found = own.filter(|_| !is_metadata).or_else(|| {
        let mut suffixes = SUFFIXES.iter();
        suffixes.find_map(|(suffix, kinds, role)| {
            let family = name.strip_suffix(suffix)?;
            known(family, &|kind| kinds.contains(&kind).then_some(*role))
        })
    });
    found.unwrap_or(Place {
        family: name,
        kind: FamilyKind::Gauge,
        unit: "",
        role: match is_metadata {
            true => Role::Ignored,
            false => Role::Value,
        },
    })
}

/// Removes a label, and returns its value.
fn taken<'t>(labels: &mut Labels<'t>, name: &str) -> Option<Cow<'t, str>> {
    let at = labels.iter().position(|(own, _)| own == name)?;
    Some(labels.remove(at).1)
}

fn value_of<'l>(labels: &'l Labels<'_>, name: &str) -> Option<&'l str> {
    let found = labels.iter().find(|(own, _)| own == name);
    found.map(|(_, value)| &**value)
}

impl<'t> Group<'t> {
    fn new(place: &Place<'_, 't>, labels: Labels<'t>) -> Self {
        Self {
            kind: place.kind,
            name: Cow::Owned(place.family.to_owned()),
            unit: place.unit,
            labels,
            time: None,
            value: None,
            count: None,
            sum: None,
            created: None,
            buckets: BTreeMap::new(),
            exemplars: Vec::new(),
        }
    }

    fn add(
        &mut self,
        sample: &Sample<'t>,
        role: Role,
        bound: Option<Cow<'t, str>>,
    ) -> Result<(), String> {
        let is_repeated = match (role, bound) {
            (Role::Value, _) => self.value.replace(sample.value).is_some(),
            (Role::Count, _) => self.count.replace(sample.value).is_some(),
            (Role::Sum, _) => self.sum.replace(sample.value).is_some(),
            (Role::Created, _) => self.created.replace(sample.value).is_some(),
            (Role::Bucket, Some(bound)) => self.buckets.insert(bound, sample.value).is_some(),
            (Role::Bucket, None) => return Err(format!("`{}` has no label `le`", sample.name)),
            (Role::Ignored, _) => false,
        };
        // The oldest time of its parts.
        self.time = match (self.time, sample.time) {
            (Some(own), Some(other)) => Some(own.min(other)),
            (own, other) => own.or(other),
        };
        self.exemplars
            .extend(sample.exemplar.as_ref().and_then(exemplar));
        match is_repeated {
            true => Err(format!(
                "`{}` occurs twice with the same labels",
                sample.name
            )),
            false => Ok(()),
        }
    }

    /// The metric with one point, or the reason why its samples contradict each other.
    fn metric(self, time: Nanos, process_start: Option<Nanos>) -> Result<MetricMessage, String> {
        let start = self.created.map_or(process_start, seconds);
        let point = NumberPoint {
            start_time_unix_nano: start.unwrap_or_default(),
            time_unix_nano: self.time.unwrap_or(time),
            attributes: self.labels.iter().map(attribute).collect(),
            exemplars: Vec::new(),
            value: None,
            flags: 0,
        };
        let (name, unit) = (self.name.clone(), self.unit.to_owned());
        let data = match self.kind {
            FamilyKind::Gauge => MetricData::Gauge(GaugeMessage {
                data_points: self.number(point).into_iter().collect(),
            }),
            FamilyKind::Counter => {
                if let Some(negative) = self.value.filter(|value| *value < 0.0) {
                    return Err(format!("the counter `{name}` is {negative}"));
                }
                MetricData::Sum(SumMessage {
                    data_points: self.number(point).into_iter().collect(),
                    aggregation_temporality: CUMULATIVE,
                    is_monotonic: true,
                })
            }
            FamilyKind::Histogram => self.histogram(point)?,
            FamilyKind::Summary => MetricData::Summary(SummaryMessage {
                data_points: vec![SummaryPoint {
                    start_time_unix_nano: point.start_time_unix_nano,
                    time_unix_nano: point.time_unix_nano,
                    count: count_of(&name, self.count)?,
                    sum: self.sum.unwrap_or(f64::NAN),
                    attributes: point.attributes,
                    flags: 0,
                }],
            }),
        };
        Ok(MetricMessage {
            name: name.into_owned().into(),
            unit: unit.into(),
            data: Some(data),
        })
    }

    /// The point of a counter or gauge; `None` without a value, if only its start was sent.
    fn number(self, point: NumberPoint) -> Option<NumberPoint> {
        Some(NumberPoint {
            value: Some(number(self.value?)),
            exemplars: self.exemplars,
            ..point
        })
    }

    fn histogram(self, point: NumberPoint) -> Result<MetricData, String> {
        let name = &self.name;
        let mut buckets = self.buckets.iter();
        let all = buckets.find(|(bound, _)| bound.parse() == Ok(f64::INFINITY));
        let all = all.map(|(_, value)| *value);
        if let Some((count, all)) = self.count.zip(all)
            && count.to_bits() != all.to_bits()
        {
            return Err(format!(
                "`{name}_count` is {count}, but `{name}_bucket` up to infinity is {all}"
            ));
        }
        Ok(MetricData::Histogram(HistogramMessage {
            data_points: vec![HistogramPoint {
                start_time_unix_nano: point.start_time_unix_nano,
                time_unix_nano: point.time_unix_nano,
                count: count_of(name, self.count.or(all))?,
                sum: self.sum,
                exemplars: self.exemplars,
                attributes: point.attributes,
                flags: 0,
            }],
            aggregation_temporality: CUMULATIVE,
        }))
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "an integer below 2^53 is exact"
)]
fn number(value: f64) -> NumberValue {
    match value.fract() == 0.0 && value.abs() < LARGEST_INTEGER {
        true => NumberValue::Int(value as i64),
        false => NumberValue::Double(value),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a natural number below 2^53 is exact"
)]
fn count_of(name: &str, count: Option<f64>) -> Result<u64, String> {
    match count {
        None => Err(format!("there is no `{name}_count`")),
        Some(count) if count.fract() == 0.0 && (0.0..LARGEST_INTEGER).contains(&count) => {
            Ok(count as u64)
        }
        Some(count) => Err(format!("`{name}_count` is {count}, which is no count")),
    }
}

fn seconds(value: f64) -> Option<Nanos> {
    let since = std::time::Duration::try_from_secs_f64(value).ok()?;
    Some(nanos_of(since))
}

/// `None` without a valid trace id. The span id may be missing.
fn exemplar(written: &ScrapedExemplar<'_>) -> Option<ExemplarMessage> {
    let ScrapedExemplar { labels, value } = written;
    let found = |names: &[&str]| names.iter().find_map(|name| value_of(labels, name));
    let trace: TraceId = found(&TRACE_LABELS)?.to_lowercase().parse().ok()?;
    let span = found(&SPAN_LABELS).and_then(|id| id.to_lowercase().parse::<SpanId>().ok());
    let is_id = |name: &str| TRACE_LABELS.contains(&name) || SPAN_LABELS.contains(&name);
    let others = labels.iter().filter(|(name, _)| !is_id(name));
    Some(ExemplarMessage {
        value: Some(match number(*value) {
            NumberValue::Int(int) => ExemplarValue::Int(int),
            NumberValue::Double(double) => ExemplarValue::Double(double),
        }),
        trace_id: trace.as_bytes().to_vec().into(),
        span_id: span
            .map(|id| id.as_bytes().to_vec())
            .unwrap_or_default()
            .into(),
        filtered_attributes: others.map(attribute).collect(),
    })
}

fn attribute((name, value): &(Cow<'_, str>, Cow<'_, str>)) -> bytes::Bytes {
    let value = ValueKind::String(value.to_string().into());
    let attribute = KeyValue {
        key: name.to_string().into(),
        value: Some(AnyValue { kind: Some(value) }),
    };
    attribute.encode_to_vec().into()
}

impl<'f, 't> Processes<'f, 't> {
    fn of(exposition: &'f Exposition<'t>, none: &'f Labels<'t>) -> Self {
        let infos = exposition.samples.iter();
        let infos = infos.filter(|sample| sample.name == "target_info");
        let (with_job, without): (Vec<_>, Vec<_>) = infos
            .map(|sample| &sample.labels)
            .partition(|labels| value_of(labels, "job").is_some());
        // With several, the process of the other series is unknown.
        let own = match without.as_slice() {
            [only] => only,
            _ => none,
        };
        let targets: Vec<_> = std::iter::once(own).chain(with_job).collect();
        let mut by_label = HashMap::new();
        for (process, labels) in targets.iter().enumerate().skip(1) {
            if let Some(job) = value_of(labels, "job") {
                by_label
                    .entry((job, value_of(labels, "instance")))
                    .or_insert(process);
            }
        }
        Self {
            starts: vec![None; targets.len()],
            by_label,
            targets,
        }
    }

    fn find_starts(&mut self, groups: &[Group<'t>]) {
        let starts = groups
            .iter()
            .filter(|group| group.name == "process_start_time_seconds");
        for group in starts {
            let mut labels = group.labels.clone();
            let process = self.take(&mut labels);
            let _ = scope_labels(&mut labels);
            if labels.is_empty() {
                self.starts[process] = group.value.and_then(seconds);
            }
        }
    }

    /// The process of a series. Labels that only name it are removed.
    fn take(&self, labels: &mut Labels<'t>) -> usize {
        let job = value_of(labels, "job");
        let known = job.and_then(|job| self.by_label.get(&(job, value_of(labels, "instance"))));
        let Some(&process) = known else {
            return 0;
        };
        labels.retain(|(name, _)| !matches!(&**name, "job" | "instance"));
        process
    }
}

/// The labels that differ between processes of one endpoint.
fn identity(labels: &Labels<'_>) -> String {
    let parts = ["job", "instance", "service_instance_id"];
    parts
        .map(|name| value_of(labels, name).unwrap_or_default())
        .join("\n")
}

/// A `job` is the namespace and the name of a service.
fn resource(labels: &Labels<'_>, name: &str) -> ResourceMessage {
    let named = |name: &str| {
        let mut known = RESOURCE.iter();
        let known = known.find(|(label, _)| *label == name);
        known.map_or_else(|| name.to_owned(), |(_, name)| (*name).to_owned())
    };
    let mut all: Vec<(String, String)> = labels
        .iter()
        .filter(|(label, _)| !matches!(&**label, "job" | "instance"))
        .map(|(label, value)| (named(label), value.to_string()))
        .collect();
    let mut add = |key: &str, value: &str| {
        if !all.iter().any(|(known, _)| known == key) {
            all.push((key.to_owned(), value.to_owned()));
        }
    };
    match value_of(labels, "job") {
        None => add("service.name", name),
        Some(job) => match job.split_once('/') {
            Some((namespace, name)) => {
                add("service.namespace", namespace);
                add("service.name", name);
            }
            None => add("service.name", job),
        },
    }
    if let Some(instance) = value_of(labels, "instance") {
        add("service.instance.id", instance);
    }
    let all = all.into_iter();
    ResourceMessage {
        attributes: all
            .map(|(key, value)| attribute(&(key.into(), value.into())))
            .collect(),
        dropped_attributes_count: 0,
    }
}

/// Removes the labels of the scope, without their prefix.
fn scope_labels<'t>(labels: &mut Labels<'t>) -> Labels<'t> {
    let is_scope = |name: &str| name.starts_with("otel_scope_");
    let scope = labels.extract_if(.., |(name, _)| is_scope(name));
    scope.collect()
}

fn scope_of(labels: &Labels<'_>) -> ScopeMessage {
    let of = |name| value_of(labels, name).unwrap_or_default().to_owned();
    let others = labels.iter().filter_map(|(name, value)| {
        let name = name.strip_prefix("otel_scope_")?;
        let is_other = !matches!(name, "name" | "version");
        is_other.then(|| attribute(&(name.into(), value.clone())))
    });
    ScopeMessage {
        name: of("otel_scope_name").into(),
        version: of("otel_scope_version").into(),
        attributes: others.collect(),
        dropped_attributes_count: 0,
    }
}
