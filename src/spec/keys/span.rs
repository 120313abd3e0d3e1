//! Keys of spans, their events and links.

use super::{Key, Keys, key};

/// Conditions on a span.
pub(crate) const SPAN: Keys = Keys(&[CONDITIONS]);

/// A selector: `find`, and an entry of `sequence`.
pub(crate) const SELECTOR: Keys = Keys(&[CONDITIONS, TAKE]);

/// A relation such as `below`.
pub(crate) const RELATION: Keys = Keys(&[CONDITIONS, COUNT, TAKE]);

/// An entry of `spans`.
pub(crate) const SPAN_ENTRY: Keys = Keys(&[ENTRY, CONDITIONS, AGGREGATES]);

/// What is only possible for all spans of an entry together.
pub(crate) const SPAN_AGGREGATES: Keys = Keys(&[AGGREGATES]);

/// An entry of `events`.
pub(crate) const EVENT: Keys = Keys(&[EVENT_ONLY, COUNT]);

/// An entry of `links`.
pub(crate) const LINK: Keys = Keys(&[LINK_ONLY, COUNT]);

const ENTRY: &[Key] = &[
    key(
        "find",
        "selector",
        "The spans to check: a name, or a map. Each of them must pass the checks beside it.",
    ),
    key("count", "count", "The number of spans; default 1 or more."),
    key(
        "id",
        "text",
        "A name for these spans, for relations of other entries: `after: $id`.",
    ),
];

const AGGREGATES: &[Key] = &[
    key(
        "sum",
        "matchers",
        "Attributes, each with a limit for the sum of its values in all spans.",
    ),
    key(
        "max",
        "matchers",
        "Attributes, each with a limit for its greatest value.",
    ),
    key(
        "min",
        "matchers",
        "Attributes, each with a limit for its smallest value.",
    ),
    key(
        "avg",
        "matchers",
        "Attributes, each with a limit for the average of its values.",
    ),
];

const CONDITIONS: &[Key] = &[
    key("name", "matcher", "The name of the span."),
    key("service", "matcher", "`service.name` of its resource."),
    key("scope", "matcher", "The name of its instrumentation scope."),
    key(
        "kind",
        "kinds",
        "Its kind: a word, a list of words, or { not: word }.",
    ),
    key(
        "type",
        "types",
        "Its subject: a word, a list of words, or { not: word }.",
    ),
    key(
        "status",
        "statuses",
        "Its status. Most instrumentation leaves success unset; { not: error } accepts both.",
    ),
    key("status_message", "matcher", "The message of its status."),
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
        "duration",
        "durations",
        "From its start to its end: < 600ms.",
    ),
    key(
        "self_time",
        "durations",
        "Its duration without the time that its direct children cover.",
    ),
    key(
        "events",
        "events",
        "Its events. Each entry must match at least one event, unless it has a `count`.",
    ),
    key(
        "links",
        "links",
        "Its links: a number, or a list of links that must exist.",
    ),
    key("below", "relation", "An ancestor matches."),
    key("above", "relation", "A descendant matches."),
    key("child_of", "relation", "The parent matches."),
    key("parent_of", "relation", "A child matches."),
    key(
        "after",
        "relation",
        "Starts after the end of all spans that match; at least one must exist.",
    ),
    key(
        "before",
        "relation",
        "Ends before the start of the first span that matches; at least one must exist.",
    ),
    key(
        "linked_to",
        "relation",
        "Belongs to a trace that a link connects with a span that matches.",
    ),
    key(
        "caused_by",
        "relation",
        "An ancestor matches, or a link of the span or of an ancestor leads to such a span, directly or through other spans.",
    ),
    key(
        "any_of",
        "alternatives",
        "Meets all conditions of at least one of these maps.",
    ),
];

const TAKE: &[Key] = &[key(
    "take",
    "take",
    "Selects one of the spans that match, by start time: `first`, `last`, or a number from 1.",
)];

const COUNT: &[Key] = &[key(
    "count",
    "count",
    "The number that must match; default 1 or more.",
)];

const EVENT_ONLY: &[Key] = &[
    key("name", "matcher", "The name of the event."),
    key(
        "attributes",
        "matchers",
        "Its attributes, each with a matcher.",
    ),
];

const LINK_ONLY: &[Key] = &[
    key(
        "to",
        "selector",
        "The linked span: a name, a map, or `$id` of an entry.",
    ),
    key(
        "attributes",
        "matchers",
        "Attributes of the link, each with a matcher.",
    ),
];
