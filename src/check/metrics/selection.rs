//! The series that a selector finds, and those that come near.

use super::evidence::MetricEvidence;
use super::prometheus::{self, NameMatch, exported_key, name_match};
use crate::check::attributes::attribute;
use crate::check::facts::found_attribute;
use crate::check::matching::meets_text;
use crate::check::nearest::similarity;
use crate::check::truth::Truth;
use crate::check::{Candidate, Rejection, RejectionForm, words};
use crate::spec::{AttributeKey, Matcher, SeriesAsk, SeriesSelector, SeriesType};
use crate::trace::{Attributes, MetricHole, MetricKind, Naming, Series, SeriesRecord, Value};

/// Upper limit of the series that are shown for a selector that found nothing.
const MOST_NEAREST: usize = 3;

/// The answer of a series to a selector.
pub(super) fn selects(find: &SeriesSelector, series: &Series) -> Truth {
    let answers = find.conditions.iter().map(|ask| meets(ask, find, series));
    answers.min().unwrap_or(Truth::Yes)
}

/// Returns `true` if the series is selected under the name that exporters for Prometheus make of the one
/// that the selector requires.
pub(super) fn is_renamed(find: &SeriesSelector, series: &Series) -> bool {
    let name = find.name();
    name.is_some_and(|name| name_match(find, name, series) == NameMatch::Exported)
}

fn meets(ask: &SeriesAsk, find: &SeriesSelector, series: &Series) -> Truth {
    let text = |matcher: &Matcher, text: &str| Truth::of(meets_text(matcher, text));
    let attribute = match series.naming {
        Naming::OpenTelemetry => attribute,
        Naming::Prometheus => prometheus::label,
    };
    match ask {
        SeriesAsk::Name(matcher) => Truth::of(name_match(find, matcher, series) != NameMatch::No),
        SeriesAsk::Unit(matcher) if series.naming == Naming::Prometheus => {
            Truth::of(prometheus::meets_unit(matcher, find, series))
        }
        SeriesAsk::Service(matcher) => text(matcher, series.resource.service()),
        SeriesAsk::Type(choice) => Truth::of(choice.allowed.contains(&type_of(series.kind))),
        SeriesAsk::Unit(matcher) => text(matcher, &series.unit),
        SeriesAsk::Scope(matcher) => text(matcher, &series.scope.name),
        SeriesAsk::Attribute(key, matcher) => attribute(&series.attributes, key, matcher),
        SeriesAsk::Resource(key, matcher) => attribute(&series.resource.attributes, key, matcher),
    }
}

fn type_of(kind: MetricKind) -> SeriesType {
    match kind {
        MetricKind::Gauge => SeriesType::Gauge,
        MetricKind::Sum { .. } => SeriesType::Sum,
        MetricKind::Histogram => SeriesType::Histogram,
        MetricKind::Summary => SeriesType::Summary,
    }
}

/// The closest series that are exported, best first, each with the conditions that it does not meet.
pub(super) fn nearest(find: &SeriesSelector, evidence: &MetricEvidence) -> Vec<Candidate> {
    let exported = evidence.records.series.iter();
    let exported = exported.filter(|record| evidence.is_exported(record));
    let mut ranked: Vec<(f64, &Series)> = exported
        .map(|record| (closeness(find, &record.series), &record.series))
        .filter(|(score, _)| *score > 0.0)
        .collect();
    ranked.sort_by(|(a, one), (b, other)| b.total_cmp(a).then_with(|| one.name.cmp(&other.name)));
    ranked.truncate(MOST_NEAREST);
    let candidates = ranked.into_iter().map(|(_, series)| Candidate {
        span_id: None,
        service: series.resource.service().to_owned(),
        name: described(series),
        rejected: find
            .conditions
            .iter()
            .filter(|ask| !meets(ask, find, series).seems())
            .map(|ask| Rejection {
                key: ask.subject(),
                expected: ask.expected(),
                found: found(ask, series),
                form: form(ask, series),
            })
            .collect(),
    });
    candidates.filter(|one| !one.rejected.is_empty()).collect()
}

/// The weight of the conditions that a series meets; a similar name counts in part. A series with
/// another name is only close if the name is similar.
fn closeness(find: &SeriesSelector, series: &Series) -> f64 {
    let mut score = 0.0;
    for ask in &find.conditions {
        score += match ask {
            _ if meets(ask, find, series).seems() => match ask {
                SeriesAsk::Name(_) => 3.0,
                _ => 0.5,
            },
            SeriesAsk::Name(matcher) if is_prometheus_name(matcher, series) => 3.0,
            SeriesAsk::Name(matcher) => match similarity(matcher, &series.name) {
                0.0 => return 0.0,
                similar => 3.0 * similar,
            },
            SeriesAsk::Service(matcher) => 0.5 * similarity(matcher, series.resource.service()),
            _ => 0.0,
        };
    }
    score
}

/// Returns `true` if the matcher expects the name that the series has in Prometheus.
pub(super) fn is_prometheus_name(matcher: &Matcher, series: &Series) -> bool {
    let Matcher::Equal(Value::String(wanted)) = matcher else {
        return false;
    };
    if series.naming == Naming::Prometheus {
        return false;
    }
    let name: String = series
        .name
        .chars()
        .map(|c| if c.is_alphanumeric() { c } else { '_' })
        .collect();
    let Some(suffix) = wanted.strip_prefix(&name) else {
        return false;
    };
    // Unit and kind: `_seconds_bucket`, `_bytes_total`.
    const SUFFIXES: [&str; 13] = [
        "",
        "total",
        "bucket",
        "count",
        "sum",
        "seconds",
        "milliseconds",
        "bytes",
        "ratio",
        "meters",
        "info",
        "max",
        "min",
    ];
    name != series.name && suffix.is_empty()
        || suffix.starts_with('_') && suffix.split('_').all(|word| SUFFIXES.contains(&word))
}

/// The name and attributes of a series.
pub(super) fn described(series: &Series) -> String {
    if series.attributes.is_empty() {
        return series.name.clone();
    }
    let attributes = series.attributes.iter();
    let attributes: Vec<String> = attributes
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    words::excerpt(&format!("{} {{ {} }}", series.name, attributes.join(", ")))
}

fn found(ask: &SeriesAsk, series: &Series) -> String {
    let quoted = |text: &str| words::value(&Value::from(text));
    match ask {
        SeriesAsk::Name(_) => quoted(&series.name),
        SeriesAsk::Service(_) => quoted(series.resource.service()),
        SeriesAsk::Type(_) => series.kind.name().to_owned(),
        SeriesAsk::Unit(_) => quoted(&series.unit),
        SeriesAsk::Scope(_) => quoted(&series.scope.name),
        SeriesAsk::Attribute(key, _) => found_label(&series.attributes, key, series.naming),
        SeriesAsk::Resource(key, _) => found_label(&series.resource.attributes, key, series.naming),
    }
}

fn found_label(attributes: &Attributes, key: &AttributeKey, naming: Naming) -> String {
    found_attribute(attributes, &exported_key(key, attributes, naming))
}

fn form(ask: &SeriesAsk, series: &Series) -> RejectionForm {
    let (key, attributes) = match ask {
        SeriesAsk::Attribute(key, _) => (key, &series.attributes),
        SeriesAsk::Resource(key, _) => (key, &series.resource.attributes),
        _ => return RejectionForm::Value,
    };
    let key = exported_key(key, attributes, series.naming);
    match key.names().any(|name| attributes.get(name).is_some()) {
        true => RejectionForm::Value,
        false => RejectionForm::Missing,
    }
}

/// Returns `true` if a loss of metrics concerns the selector.
pub(super) fn concerns(find: &SeriesSelector, hole: &MetricHole) -> bool {
    let of_service = hole.service.as_deref().is_none_or(|service| {
        let mut conditions = find.conditions.iter();
        conditions.all(|ask| match ask {
            SeriesAsk::Service(matcher) => meets_text(matcher, service),
            _ => true,
        })
    });
    let of_metric = match (find.name(), hole.name.as_deref()) {
        (Some(matcher), Some(name)) => {
            meets_text(matcher, name) || prometheus::may_be(matcher, name)
        }
        _ => true,
    };
    of_service && of_metric
}

/// Returns `true` if the series can belong to the service that the selector requires.
pub(super) fn may_be_of_service(find: &SeriesSelector, record: &SeriesRecord) -> bool {
    let mut conditions = find.conditions.iter();
    conditions.all(|ask| {
        !matches!(ask, SeriesAsk::Service(_)) || meets(ask, find, &record.series).seems()
    })
}
