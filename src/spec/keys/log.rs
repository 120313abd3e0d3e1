//! Keys of log records.

use super::{Key, Keys, key};

/// Conditions on a log record: `find` of `logs`.
pub(crate) const LOG: Keys = Keys(&[CONDITIONS]);

/// An entry of `logs`.
pub(crate) const LOG_ENTRY: Keys = Keys(&[ENTRY, CONDITIONS]);

const ENTRY: &[Key] = &[
    key(
        "find",
        "log_selector",
        "The log records to check: a body, or a map. Each of them must pass the checks beside it.",
    ),
    key(
        "count",
        "count",
        "The number of log records; default 1 or more.",
    ),
];

const CONDITIONS: &[Key] = &[
    key("service", "matcher", "`service.name` of its resource."),
    key(
        "severity",
        "severities",
        "Its severity: a word, a range such as info.., a list, or { not: word }.",
    ),
    key("body", "matcher", "Its body: a text, or a structure."),
    key("event", "matcher", "Its name, if it is an event."),
    key("scope", "matcher", "The name of its instrumentation scope."),
    key(
        "attributes",
        "matchers",
        "Its attributes, each with a matcher.",
    ),
    key(
        "resource",
        "matchers",
        "Attributes of its resource, each with a matcher.",
    ),
    key(
        "on",
        "selector",
        "The span in which it was written: a name, a map, or `$id` of an entry of `spans`.",
    ),
];
