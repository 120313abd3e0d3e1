//! Keys of series of metrics.

use super::{Key, Keys, key};

/// Conditions that select series: `find` of `metrics`.
pub(crate) const SERIES: Keys = Keys(&[SELECTION]);

/// An entry of `metrics`.
pub(crate) const METRIC_ENTRY: Keys = Keys(&[ENTRY]);

const ENTRY: &[Key] = &[
    key(
        "find",
        "series_selector",
        "The series to check: the name of a metric, or a map. At least one must exist.",
    ),
    key(
        "change",
        "number_matcher",
        "The growth of all series found since the trigger: of a sum, or of the count of a histogram.",
    ),
    key(
        "value",
        "number_matcher",
        "The last value of each series found.",
    ),
    key(
        "count",
        "number_matcher",
        "The number of measurements in all histograms found.",
    ),
    key(
        "sum",
        "number_matcher",
        "The sum of the measurements in all histograms found.",
    ),
    key(
        "points",
        "number_matcher",
        "The number of data points of all series found, of the metrics that `send` sent; 0 if all were dropped.",
    ),
    key(
        "exemplar",
        "selector",
        "A series found has an exemplar of this trace: `this`, or the span that it names.",
    ),
];

const SELECTION: &[Key] = &[
    key("name", "matcher", "The name of the metric, as in OTLP."),
    key("service", "matcher", "`service.name` of its resource."),
    key(
        "type",
        "series_types",
        "Its type: gauge, sum, histogram or summary, a list of these, or { not: … }.",
    ),
    key("unit", "matcher", "Its unit."),
    key("scope", "matcher", "The name of its instrumentation scope."),
    key(
        "attributes",
        "matchers",
        "Attributes of its points, each with a matcher. Others are allowed.",
    ),
    key(
        "resource",
        "matchers",
        "Attributes of its resource, each with a matcher.",
    ),
];
