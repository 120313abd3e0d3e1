//! The keys that are about spans.

use super::{Key, key};

pub(in crate::schema) const SPAN_ENTRY: [Key; 3] = [
    key(
        "find",
        "selector",
        "Which spans this is about: a name, or a map. The keys beside it are checks that each of them must pass.",
    ),
    key(
        "count",
        "count",
        "How many spans; at least one unless given.",
    ),
    key(
        "id",
        "text",
        "A name for the spans found, for relations of other entries: `after: $id`.",
    ),
];

pub(in crate::schema) const SPAN: [Key; 20] = [
    key("name", "matcher", "The span's name."),
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
        "What it is about: a word, a list of words, or { not: word }.",
    ),
    key(
        "status",
        "statuses",
        "Its status. Instrumentation mostly leaves success unset; { not: error } accepts both.",
    ),
    key("status_message", "matcher", "The message of its status."),
    key(
        "attributes",
        "matchers",
        "Its attributes, and what each must be like.",
    ),
    key(
        "resource",
        "matchers",
        "Attributes of its resource, and what each must be like.",
    ),
    key(
        "duration",
        "durations",
        "From its start to its end: < 600ms.",
    ),
    key(
        "self_time",
        "durations",
        "Its duration without what its direct children cover.",
    ),
    key(
        "events",
        "events",
        "Its events. Each must be there, at least once unless `count` says otherwise.",
    ),
    key(
        "links",
        "links",
        "Its links: a number, or a list of what must be there.",
    ),
    key("below", "relation", "Has an ancestor like this."),
    key("above", "relation", "Has a descendant like this."),
    key("child_of", "relation", "Has a parent like this."),
    key("parent_of", "relation", "Has a child like this."),
    key(
        "after",
        "relation",
        "Starts when all spans like this have ended; there must be some.",
    ),
    key(
        "before",
        "relation",
        "Has ended when the first span like this starts; there must be some.",
    ),
    key(
        "linked_to",
        "relation",
        "Belongs to a trace that a link ties to such a span.",
    ),
];

pub(in crate::schema) const TAKE: [Key; 1] = [key(
    "take",
    "take",
    "Only the `first`, the `last`, or the n-th of the spans that match, by start time.",
)];

pub(in crate::schema) const COUNT: [Key; 1] = [key(
    "count",
    "count",
    "How many there must be; at least one unless given.",
)];

pub(in crate::schema) const EVENT: [Key; 2] = [
    key("name", "matcher", "The event's name."),
    key(
        "attributes",
        "matchers",
        "Its attributes, and what each must be like.",
    ),
];

pub(in crate::schema) const LINK: [Key; 2] = [
    key(
        "to",
        "selector",
        "The span that it leads to: a name, a map, or `$id` of an entry.",
    ),
    key(
        "attributes",
        "matchers",
        "Attributes of the link itself, and what each must be like.",
    ),
];
