//! The keys of the blocks of a configuration, with the types of their values and the versions that have them.

use crate::sampling::version::{CollectorVersion, Since};

/// The type of a value.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    Integer,
    Unsigned,
    Number,
    Flag,
    Text,
    Texts,
    /// A list of strings; a string is not split.
    Ids,
    Duration,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A map with these keys.
    Block(&'static [Field]),
    /// A list of such maps.
    Blocks(&'static [Field]),
    Policy(Nest),
    Policies(Nest),
}

/// A key of a block.
#[derive(Clone, Copy)]
pub(super) struct Field {
    pub(super) key: &'static str,
    pub(super) shape: Shape,
    /// The behaviour with which it came, if the oldest version does not have it.
    pub(super) since: Option<Since>,
}

impl Field {
    /// Returns `true` if a version has the key.
    pub(super) fn is_in(&self, version: CollectorVersion) -> bool {
        self.since.is_none_or(|since| version.has(since))
    }
}

/// The place of a policy, which determines its keys and types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nest {
    Top,
    And,
    Not,
    Drop,
    Composite,
}

const fn field(key: &'static str, shape: Shape) -> Field {
    Field {
        key,
        shape,
        since: None,
    }
}

const fn newer(key: &'static str, shape: Shape, since: Since) -> Field {
    Field {
        key,
        shape,
        since: Some(since),
    }
}

/// Keys that all policies have: a name, a type, and a block for each simple type.
const SHARED: &[Field] = &[
    field("name", Shape::Text),
    field("type", Shape::Text),
    field(
        "latency",
        Shape::Block(&[
            field("threshold_ms", Shape::Integer),
            field("upper_threshold_ms", Shape::Integer),
        ]),
    ),
    field(
        "numeric_attribute",
        Shape::Block(&[
            field("key", Shape::Text),
            field("min_value", Shape::Integer),
            field("max_value", Shape::Integer),
            field("invert_match", Shape::Flag),
        ]),
    ),
    field(
        "probabilistic",
        Shape::Block(&[
            field("hash_salt", Shape::Text),
            field("sampling_percentage", Shape::Number),
        ]),
    ),
    field(
        "status_code",
        Shape::Block(&[field("status_codes", Shape::Texts)]),
    ),
    field(
        "string_attribute",
        Shape::Block(&[
            field("key", Shape::Text),
            field("values", Shape::Texts),
            field("enabled_regex_matching", Shape::Flag),
            field("cache_max_size", Shape::Integer),
            field("invert_match", Shape::Flag),
        ]),
    ),
    field(
        "rate_limiting",
        Shape::Block(&[
            field("spans_per_second", Shape::Integer),
            newer("burst_capacity", Shape::Integer, Since::BytesLimiting),
        ]),
    ),
    newer(
        "bytes_limiting",
        Shape::Block(&[
            field("bytes_per_second", Shape::Integer),
            field("burst_capacity", Shape::Integer),
        ]),
        Since::BytesLimiting,
    ),
    field(
        "span_count",
        Shape::Block(&[
            field("min_spans", Shape::Integer),
            field("max_spans", Shape::Integer),
        ]),
    ),
    field(
        "trace_state",
        Shape::Block(&[field("key", Shape::Text), field("values", Shape::Texts)]),
    ),
    field(
        "boolean_attribute",
        Shape::Block(&[
            field("key", Shape::Text),
            field("value", Shape::Flag),
            field("invert_match", Shape::Flag),
        ]),
    ),
    field(
        "ottl_condition",
        Shape::Block(&[
            field(
                "error_mode",
                Shape::Word(&["ignore", "propagate", "silent"]),
            ),
            field("span", Shape::Texts),
            field("spanevent", Shape::Texts),
        ]),
    ),
];

const AND: Field = field(
    "and",
    Shape::Block(&[field("and_sub_policy", Shape::Policies(Nest::And))]),
);

const NOT: Field = newer(
    "not",
    Shape::Block(&[field("not_sub_policy", Shape::Policy(Nest::Not))]),
    Since::Not,
);

const DROP: Field = field(
    "drop",
    Shape::Block(&[field("drop_sub_policy", Shape::Policies(Nest::Drop))]),
);

const COMPOSITE: Field = field(
    "composite",
    Shape::Block(&[
        field("max_total_spans_per_second", Shape::Integer),
        field("policy_order", Shape::Texts),
        field("composite_sub_policy", Shape::Policies(Nest::Composite)),
        field(
            "rate_allocation",
            Shape::Blocks(&[
                field("policy", Shape::Text),
                field("percent", Shape::Integer),
            ]),
        ),
    ]),
);

/// The keys of `tail_sampling`.
pub(super) const TAIL_SAMPLING: &[Field] = &[
    field("policies", Shape::Policies(Nest::Top)),
    field("decision_wait", Shape::Duration),
    newer(
        "decision_wait_after_root_received",
        Shape::Duration,
        Since::WaitAfterRoot,
    ),
    field("num_traces", Shape::Unsigned),
    field("block_on_overflow", Shape::Flag),
    field("expected_new_traces_per_sec", Shape::Unsigned),
    field(
        "decision_cache",
        Shape::Block(&[
            field("sampled_cache_size", Shape::Integer),
            field("non_sampled_cache_size", Shape::Integer),
        ]),
    ),
    newer("tail_storage", Shape::Text, Since::TailStorage),
    field("sample_on_first_match", Shape::Flag),
    newer(
        "sampling_strategy",
        Shape::Word(&["trace-complete", "span-ingest"]),
        Since::Strategy,
    ),
    newer(
        "drop_pending_traces_on_shutdown",
        Shape::Flag,
        Since::BytesLimiting,
    ),
    newer("maximum_trace_size_bytes", Shape::Unsigned, Since::Not),
    newer("num_shards", Shape::Unsigned, Since::Shards),
];

/// The keys of `probabilistic_sampler`.
pub(super) const PROBABILISTIC_SAMPLER: &[Field] = &[
    field("sampling_percentage", Shape::Number),
    field("hash_seed", Shape::Unsigned),
    field(
        "mode",
        Shape::Word(&["hash_seed", "proportional", "equalizing", ""]),
    ),
    field("fail_closed", Shape::Flag),
    field("sampling_precision", Shape::Integer),
    field("attribute_source", Shape::Word(&["traceID", "record", ""])),
    field("from_attribute", Shape::Text),
    field("sampling_priority", Shape::Text),
];

/// The keys of a pipeline.
pub(super) const PIPELINE: &[Field] = &[
    field("receivers", Shape::Ids),
    field("processors", Shape::Ids),
    field("exporters", Shape::Ids),
];

/// The keys of a policy at this place.
pub(super) fn policy_fields(nest: Nest) -> Vec<Field> {
    let special: &[Field] = match nest {
        Nest::Top => &[AND, NOT, DROP, COMPOSITE],
        Nest::And | Nest::Drop => &[NOT],
        Nest::Composite => &[AND],
        Nest::Not => &[],
    };
    SHARED.iter().chain(special).copied().collect()
}

/// The written text without its quotes.
pub(super) fn unquoted(written: &str) -> &str {
    written.trim_matches(['"', '\''])
}
