//! Keys of a spec, of a step and of the maps that both share.

use super::grpc::GRPC_CAPTURE;
use super::trigger::TRIGGER_TABLE;
use super::{Key, Keys, key};

/// The top level of a spec.
pub(crate) const SPEC: Keys = Keys(&[SPEC_ONLY, TRIGGER_TABLE, TEST]);

/// An entry of `steps`.
pub(crate) const STEP: Keys = Keys(&[STEP_NAME, TRIGGER_TABLE, TEST]);

/// An entry of `setup` or `teardown`. The names are those of [`STEP`].
#[cfg(feature = "_pure")]
pub(crate) const SETUP_STEP: Keys = Keys(&[STEP_NAME, TRIGGER_TABLE, SETUP_TEST]);

/// `capture` from a response or the output of a command.
pub(crate) const RESPONSE_CAPTURE: Keys = Keys(&[
    CAPTURE_JSON,
    CAPTURE_RESPONSE,
    GRPC_CAPTURE,
    CAPTURE_FIND,
    CAPTURE_SECRET,
]);

/// `stdout` of a capture, for output in JSON.
pub(crate) const STDOUT_CAPTURE: Keys = Keys(&[CAPTURE_STDOUT_JSON]);

/// `capture` from a span.
pub(crate) const SPAN_CAPTURE: Keys = Keys(&[
    CAPTURE_FIND,
    CAPTURE_ATTRIBUTE,
    CAPTURE_JSON,
    CAPTURE_SECRET,
]);

/// The keys of `capture` of which a capture has exactly one.
pub(crate) const CAPTURE_SOURCES: Keys =
    Keys(&[CAPTURE_JSON, CAPTURE_RESPONSE, GRPC_CAPTURE, CAPTURE_FIND]);

/// `capture` from any source.
#[cfg(feature = "_pure")]
pub(crate) const CAPTURE: Keys = Keys(&[
    CAPTURE_JSON,
    CAPTURE_RESPONSE,
    GRPC_CAPTURE,
    CAPTURE_FIND,
    CAPTURE_ATTRIBUTE,
    CAPTURE_SECRET,
]);

pub(crate) const WAIT: Keys = Keys(&[&[
    key(
        "timeout",
        "duration",
        "Maximum time between the response and the verdict; default 30 s.",
    ),
    key(
        "tail",
        "duration",
        "Maximum time that work continues after the response; default 0 s, and 5 s after `publish`.",
    ),
    key(
        "flush",
        "duration",
        "Maximum delay between the end of a span and its export; computed for services that spanspec starts.",
    ),
    key(
        "metrics",
        "duration",
        "Maximum delay between a measurement and the arrival of its metric; computed for services that spanspec starts.",
    ),
]]);

/// `profiles` of a spec, if it is a map.
pub(crate) const PROFILE_NAMES: Keys = Keys(&[&[key(
    "not",
    "texts",
    "The profiles under which the spec does not run.",
)]]);

/// `matrix` with cases from a file.
pub(crate) const MATRIX_FILE: Keys = Keys(&[&[
    key(
        "file",
        "text",
        "A CSV, JSON or YAML file with the cases; the path is relative to the spec.",
    ),
    key(
        "label",
        "text",
        "The name of each case in reports, with variables: `${sku} for ${customer}`. Default: all variables.",
    ),
]]);

/// `mutate`.
pub(crate) const MUTATE: Keys = Keys(&[&[key(
    "ignore",
    "ignored_faults",
    "Faults that no check needs to notice, each with a reason.",
)]]);

/// An entry of `ignore`.
pub(crate) const IGNORED_FAULTS: Keys = Keys(&[&[
    key(
        "fault",
        "faults",
        "The kinds of faults: `duration`, or a list. Default: all.",
    ),
    key("find", "selector", "The spans. Default: all."),
    key(
        "attribute",
        "text",
        "The attribute, event, header or path. Default: all.",
    ),
    key("reason", "text", "The reason."),
]]);

pub(crate) const POLL: Keys = Keys(&[&[
    key(
        "until",
        "setup_expect",
        "Checks of the response, as in `expect`. The first response that meets all of them is the last.",
    ),
    key(
        "every",
        "duration",
        "Time between the starts of two tries; default 200 ms. A try starts after the response of the one before.",
    ),
    key(
        "timeout",
        "duration",
        "Time for all tries; default 10 s. If no response met `until`, the step fails.",
    ),
]]);

const SPEC_ONLY: &[Key] = &[
    key(
        "name",
        "text",
        "Name of the spec in reports; unique within the file. Default: the name of the file.",
    ),
    key("description", "text", "Free text."),
    key("tags", "texts", "Tags for `--tag`."),
    key(
        "profiles",
        "profile_names",
        "The profiles of the project file under which the spec runs: a list, or { not: [ … ] }. Under others it is skipped.",
    ),
    key(
        "skip",
        "text",
        "The reason to skip the spec. It does not run, and reports show it as skipped.",
    ),
    key(
        "vars",
        "anything_by_name",
        "Variables of this spec, used as `${name}`. A function such as `${uuid()}` yields one value for all uses.",
    ),
    key(
        "matrix",
        "matrix",
        "Runs the spec with several values: a map of lists for all combinations, a list of maps with one case each, or a file with cases.",
    ),
    key(
        "setup",
        "setup_steps",
        "Steps before the spec; they can check the response only. If one does not pass, the spec is errored.",
    ),
    key(
        "teardown",
        "setup_steps",
        "Steps after the spec, run in any case. They can check the response only.",
    ),
    key(
        "steps",
        "steps",
        "Several requests in sequence, each with its own trace; replaces the trigger and `expect`.",
    ),
    key(
        "services",
        "texts",
        "Services of the project file that this spec needs; default: all. `[]` for none.",
    ),
    key(
        "needs",
        "texts",
        "Names or files of specs that must pass before this one runs. Otherwise it is skipped.",
    ),
    key(
        "lock",
        "text",
        "Specs with the same `lock` never run at the same time.",
    ),
    key(
        "repeat",
        "repeat",
        "Sends the request many times, each time with its own trace. Every request is checked.",
    ),
    key(
        "budgets",
        "budgets",
        "Limits for quantiles of the durations, and comparisons with the baseline.",
    ),
    key(
        "mutate",
        "mutate",
        "Faults that `spanspec mutate` does not count.",
    ),
];

const STEP_NAME: &[Key] = &[key("name", "text", "Name of this step in reports.")];

const TEST: &[Key] = &[
    CAPTURES,
    key(
        "expect",
        "expect",
        "Expectations for the response and the trace.",
    ),
    WAITS,
    POLLS,
];

#[cfg(feature = "_pure")]
const SETUP_TEST: &[Key] = &[
    CAPTURES,
    key("expect", "setup_expect", "Expectations for the response."),
    WAITS,
    POLLS,
];

const CAPTURES: Key = key(
    "capture",
    "capture",
    "Values from the response or from spans, as variables for `expect` and later steps.",
);

const WAITS: Key = key("wait", "wait", "How long to wait for the trace.");

const POLLS: Key = key(
    "poll",
    "poll",
    "Sends the request again until its response meets `until`. The last try is judged.",
);

const CAPTURE_JSON: &[Key] = &[key(
    "json",
    "json_path",
    "A JSONPath into the body; with `find`, into the attribute, which then contains JSON.",
)];

const CAPTURE_RESPONSE: &[Key] = &[
    key("header", "text", "The value of this header."),
    key(
        "cookie",
        "text",
        "The value of this cookie, which the response sets.",
    ),
    key("status", "flag", "`true` captures the status code."),
    key(
        "body",
        "regex",
        "The first group of a regular expression in the body, or the whole match.",
    ),
    key(
        "stdout",
        "stdout_capture",
        "The first group of a regular expression in the output of a command, or the whole match.",
    ),
];

const CAPTURE_STDOUT_JSON: &[Key] = &[key(
    "json",
    "json_path",
    "A JSONPath into the output of a command, which is JSON.",
)];

const CAPTURE_FIND: &[Key] = &[key("find", "selector", "The span with the attribute.")];

const CAPTURE_ATTRIBUTE: &[Key] = &[key(
    "attribute",
    "text",
    "The attribute of the span that `find` selects.",
)];

const CAPTURE_SECRET: &[Key] = &[key(
    "secret",
    "flag",
    "`true` masks the value in all output.",
)];
