//! The names of OpenTelemetry after the conversion by exporters for Prometheus.

use std::borrow::Cow;

use crate::check::matching::{meets, meets_text};
use crate::check::truth::Truth;
use crate::spec::{AttributeKey, Matcher, SeriesAsk, SeriesSelector};
use crate::trace::{Attributes, MetricKind, Naming, Series, Value};

/// Units of OpenTelemetry with their words in Prometheus.
const UNITS: [(&str, &str); 29] = [
    ("d", "days"),
    ("h", "hours"),
    ("min", "minutes"),
    ("s", "seconds"),
    ("ms", "milliseconds"),
    ("us", "microseconds"),
    ("ns", "nanoseconds"),
    ("By", "bytes"),
    ("KiBy", "kibibytes"),
    ("MiBy", "mebibytes"),
    ("GiBy", "gibibytes"),
    ("TiBy", "tibibytes"),
    ("KBy", "kilobytes"),
    ("kBy", "kilobytes"),
    ("MBy", "megabytes"),
    ("GBy", "gigabytes"),
    ("TBy", "terabytes"),
    ("B", "bytes"),
    ("KB", "kilobytes"),
    ("MB", "megabytes"),
    ("m", "meters"),
    ("V", "volts"),
    ("A", "amperes"),
    ("J", "joules"),
    ("W", "watts"),
    ("g", "grams"),
    ("Cel", "celsius"),
    ("Hz", "hertz"),
    ("%", "percent"),
];

/// Units after a slash.
const PER: [(&str, &str); 7] = [
    ("s", "second"),
    ("m", "minute"),
    ("h", "hour"),
    ("d", "day"),
    ("w", "week"),
    ("mo", "month"),
    ("y", "year"),
];

/// The relation of the name of a series to the one that a selector requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NameMatch {
    /// It is the name.
    Exact,
    /// It is the name after the conversion by an exporter.
    Exported,
    No,
}

/// Returns the relation of this series, by its name, type and unit.
pub(super) fn name_match(find: &SeriesSelector, matcher: &Matcher, series: &Series) -> NameMatch {
    if meets_text(matcher, &series.name) {
        return NameMatch::Exact;
    }
    match matcher {
        Matcher::Equal(Value::String(wanted)) if series.naming == Naming::Prometheus => {
            match is_exported_as(wanted, unit_of(find), series) {
                true => NameMatch::Exported,
                false => NameMatch::No,
            }
        }
        _ => NameMatch::No,
    }
}

/// Returns `true` if the matcher can mean a scraped metric of this name.
pub(super) fn may_be(matcher: &Matcher, name: &str) -> bool {
    match matcher {
        Matcher::Equal(Value::String(wanted)) => {
            name.starts_with(&metric_name(wanted)) || name.starts_with(wanted.as_str())
        }
        _ => false,
    }
}

/// Returns `true` if the matcher expects the name of a part of this scraped histogram or summary.
pub(super) fn is_part(matcher: &Matcher, series: &Series) -> bool {
    let has_parts = matches!(series.kind, MetricKind::Histogram | MetricKind::Summary);
    let (true, Naming::Prometheus, Matcher::Equal(Value::String(wanted))) =
        (has_parts, series.naming, matcher)
    else {
        return false;
    };
    let rest = wanted.strip_prefix(series.name.as_str());
    matches!(rest, Some("_bucket" | "_count" | "_sum"))
}

/// The unit, if the selector requires exactly one.
fn unit_of(find: &SeriesSelector) -> Option<&str> {
    let mut conditions = find.conditions.iter();
    conditions.find_map(|condition| match condition {
        SeriesAsk::Unit(Matcher::Equal(unit)) => unit.as_str(),
        _ => None,
    })
}

/// Returns `true` if an exporter gives this name to a metric with that name. Without a unit, the name may end
/// with any known one.
fn is_exported_as(wanted: &str, unit: Option<&str>, series: &Series) -> bool {
    // Names that are quoted may have all characters.
    let mut bases = [metric_name(wanted), wanted.to_owned()].into_iter();
    let Some(base) = bases.find(|base| series.name.starts_with(base)) else {
        return false;
    };
    let rest = &series.name[base.len()..];
    let rest = match series.kind {
        MetricKind::Sum { is_monotonic: true } => rest.strip_suffix("_total").unwrap_or(rest),
        _ => rest,
    };
    let Some(word) = rest.strip_prefix('_') else {
        // No unit is added if the name ends with it.
        return rest.is_empty() && unit.is_none_or(|unit| has_no_word(unit, &base, series));
    };
    match unit {
        Some(unit) => word == unit_word(unit, series.kind),
        None if !series.unit.is_empty() => word == series.unit,
        None => is_unit_word(word),
    }
}

fn has_no_word(unit: &str, base: &str, series: &Series) -> bool {
    let word = unit_word(unit, series.kind);
    // Some exporters add no `ratio`.
    word.is_empty()
        || unit == "1"
        || base.ends_with(&word)
        || !series.unit.is_empty() && series.unit == word
}

/// `http_server_request_duration` for `http.server.request.duration`.
fn metric_name(name: &str) -> String {
    let name = label_name(name);
    match name.starts_with(|c: char| c.is_ascii_digit()) {
        true => format!("_{name}"),
        false => name,
    }
}

/// Other characters than letters, digits and `:` become underscores, several of them one.
fn label_name(name: &str) -> String {
    let mut label = String::with_capacity(name.len());
    for character in name.chars() {
        let is_kept = character.is_ascii_alphanumeric() || character == ':';
        if is_kept {
            label.push(character);
        } else if !label.ends_with('_') {
            label.push('_');
        }
    }
    label
}

/// The word of a unit; empty if it has none: `seconds` for `s`, `bytes_per_second` for `By/s`.
fn unit_word(unit: &str, kind: MetricKind) -> String {
    let unit = without_annotations(unit);
    let unit = unit.trim();
    if unit == "1" {
        return match kind {
            MetricKind::Gauge => "ratio".to_owned(),
            _ => String::new(),
        };
    }
    let known = |unit: &str, table: &[(&str, &'static str)]| {
        let found = table.iter().find(|(own, _)| *own == unit);
        found.map_or_else(|| label_name(unit), |(_, word)| (*word).to_owned())
    };
    match unit.split_once('/') {
        None => known(unit, &UNITS),
        Some((_, "")) => known(unit.trim_end_matches('/'), &UNITS),
        Some(("", per)) => format!("per_{}", known(per, &PER)),
        Some((unit, per)) => format!("{}_per_{}", known(unit, &UNITS), known(per, &PER)),
    }
}

/// A unit without parts in braces, which have no word.
fn without_annotations(unit: &str) -> String {
    let mut depth = 0_u32;
    let kept = unit.chars().filter(|character| match character {
        '{' => {
            depth += 1;
            false
        }
        '}' => {
            depth = depth.saturating_sub(1);
            false
        }
        _ => depth == 0,
    });
    kept.collect()
}

fn is_unit_word(word: &str) -> bool {
    let is = |word: &str, table: &[(&str, &str)]| table.iter().any(|(_, known)| *known == word);
    match word.split_once("per_") {
        None => word == "ratio" || is(word, &UNITS),
        Some(("", per)) => is(per, &PER),
        Some((unit, per)) => {
            unit.strip_suffix('_').is_some_and(|unit| is(unit, &UNITS)) && is(per, &PER)
        }
    }
}

/// Returns `true` if the unit of a scraped series meets a matcher: that of OpenTelemetry, or its word.
pub(super) fn meets_unit(matcher: &Matcher, find: &SeriesSelector, series: &Series) -> bool {
    let Matcher::Equal(Value::String(wanted)) = matcher else {
        return meets_text(matcher, &series.unit);
    };
    let is_exported = find.name().is_some_and(|name| {
        // The name was compared with the unit already.
        name_match(find, name, series) == NameMatch::Exported
    });
    let word = unit_word(wanted, series.kind);
    let stem = match series.kind {
        MetricKind::Sum { is_monotonic: true } => series.name.strip_suffix("_total"),
        _ => None,
    };
    let stem = stem.unwrap_or(&series.name);
    is_exported
        || match series.unit.as_str() {
            "" if word.is_empty() => !stem.rsplit('_').next().is_some_and(is_unit_word),
            "" => stem.ends_with(&format!("_{word}")) || stem.ends_with(&format!("_{wanted}")),
            unit => unit == word || unit == wanted,
        }
}

/// The key with the names that labels have in this series.
pub(super) fn exported_key<'k>(
    key: &'k AttributeKey,
    attributes: &Attributes,
    naming: Naming,
) -> Cow<'k, AttributeKey> {
    let is_exported =
        |name: &str| attributes.get(name).is_none() && attributes.get(&label_name(name)).is_some();
    if naming == Naming::OpenTelemetry || !key.names().any(is_exported) {
        return Cow::Borrowed(key);
    }
    Cow::Owned(key.renamed(|name| match is_exported(name) {
        true => label_name(name),
        false => name.to_owned(),
    }))
}

/// The answer about one label. Labels are strings, so a number or a boolean is read in them.
pub(super) fn label(attributes: &Attributes, key: &AttributeKey, matcher: &Matcher) -> Truth {
    let key = exported_key(key, attributes, Naming::Prometheus);
    let mut found = key.names().filter_map(|name| attributes.get(name));
    let value = match (found.next(), found.next()) {
        (value, None) => value,
        (_, Some(_)) => return Truth::No,
    };
    let text = value.and_then(Value::as_str).unwrap_or_default();
    let int = text.parse().map(Value::Int);
    let double = text.parse().map(Value::Double);
    let is = match text {
        "true" | "True" => Some(Value::Bool(true)),
        "false" | "False" => Some(Value::Bool(false)),
        _ => int.ok().or(double.ok()),
    };
    let is_met = meets(matcher, value) || is.is_some_and(|read| meets(matcher, Some(&read)));
    Truth::of(is_met)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::trace::{Resource, Scope, Temporality};

    const COUNTER: MetricKind = MetricKind::Sum { is_monotonic: true };

    fn series(name: &str, kind: MetricKind, unit: &str) -> Series {
        Series {
            resource: Arc::new(Resource::default()),
            scope: Arc::new(Scope::default()),
            name: name.to_owned(),
            unit: unit.to_owned(),
            kind,
            temporality: Temporality::Cumulative,
            attributes: Attributes::default(),
            naming: Naming::Prometheus,
        }
    }

    #[test]
    fn a_name_is_what_an_exporter_makes_of_it() {
        let gauge = MetricKind::Gauge;
        for (wanted, unit, name, kind, expected) in [
            ("shop.orders", None, "shop_orders_total", COUNTER, true),
            (
                "shop.orders",
                Some("{order}"),
                "shop_orders_total",
                COUNTER,
                true,
            ),
            (
                "shop.orders",
                Some("s"),
                "shop_orders_total",
                COUNTER,
                false,
            ),
            ("shop.orders", Some("1"), "shop_orders_total", COUNTER, true),
            ("shop.orders", None, "shop_orders", COUNTER, true),
            ("shop.orders", None, "shop.orders_total", COUNTER, true),
            ("shop.orders", None, "shop_orders_total", gauge, false),
            ("shop.orders", None, "shop_orders_open", gauge, false),
            ("shop.orders", None, "shop_orders2", gauge, false),
            ("shop.order", None, "shop_orders", gauge, false),
            (
                "request.duration",
                None,
                "request_duration_seconds",
                MetricKind::Histogram,
                true,
            ),
            (
                "request.duration",
                Some("s"),
                "request_duration_seconds",
                MetricKind::Histogram,
                true,
            ),
            (
                "request.duration",
                Some("ms"),
                "request_duration_seconds",
                MetricKind::Histogram,
                false,
            ),
            (
                "request.duration.seconds",
                Some("s"),
                "request_duration_seconds",
                gauge,
                true,
            ),
            ("cpu.use", Some("1"), "cpu_use_ratio", gauge, true),
            ("cpu.use", Some("1"), "cpu_use", gauge, true),
            ("cpu.use", Some("1"), "cpu_use_ratio_total", COUNTER, false),
            (
                "net.io",
                Some("By/s"),
                "net_io_bytes_per_second",
                gauge,
                true,
            ),
            ("net.io", None, "net_io_bytes_per_second", gauge, true),
            ("net.io", None, "net_io_bytes_sent", gauge, false),
            ("queue..size-now", None, "queue_size_now", gauge, true),
            ("2xx", None, "_2xx", gauge, true),
            ("jobs", Some("jobs"), "jobs_jobs_total", COUNTER, true),
            ("jobs", None, "jobs_jobs_total", COUNTER, false),
        ] {
            let found = is_exported_as(wanted, unit, &series(name, kind, ""));
            assert_eq!(found, expected, "{wanted} {unit:?} {name}");
        }
        // The unit that the endpoint states decides.
        let stated = series("a_seconds_days", MetricKind::Gauge, "days");
        assert!(is_exported_as("a.seconds", None, &stated));
        assert!(!is_exported_as("a", None, &stated));
    }

    #[test]
    fn a_part_of_a_histogram_is_no_name() {
        let took = series("took_seconds", MetricKind::Histogram, "");
        let is_part = |wanted: &str| is_part(&Matcher::Equal(wanted.into()), &took);
        assert!(is_part("took_seconds_bucket") && is_part("took_seconds_count"));
        assert!(!is_part("took_seconds") && !is_part("took_seconds_total"));
    }

    #[test]
    fn labels_are_found_by_their_names_in_opentelemetry_and_hold_numbers() {
        let labels = [("http_route", "/orders"), ("code", "200"), ("ok", "true")];
        let labels: Attributes = labels.into_iter().collect();
        let answer = |key: &str, matcher: Matcher| label(&labels, &key.into(), &matcher);
        let equal = |value: Value| Matcher::Equal(value);
        assert_eq!(answer("http.route", equal("/orders".into())), Truth::Yes);
        assert_eq!(answer("http.route", Matcher::Absent), Truth::No);
        assert_eq!(answer("code", equal(Value::Int(200))), Truth::Yes);
        assert_eq!(answer("code", equal("200".into())), Truth::Yes);
        assert_eq!(answer("code", equal(Value::Int(201))), Truth::No);
        let not = Matcher::Not(Box::new(equal(Value::Int(200))));
        assert_eq!(answer("code", not), Truth::No);
        assert_eq!(answer("ok", equal(Value::Bool(true))), Truth::Yes);
        assert_eq!(answer("other", Matcher::Absent), Truth::Yes);
    }
}
