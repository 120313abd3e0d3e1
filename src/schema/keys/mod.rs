//! The keys of every place in a spec or project file, and what each of them means.

mod expect;
mod load;
mod project;
mod span;
mod trigger;

use serde_json::{Value, json};

pub(super) use expect::*;
pub(super) use load::*;
pub(super) use project::*;
pub(super) use span::*;
pub(super) use trigger::*;

/// A key, the shape of what it holds, and what an editor says of it.
#[derive(Clone, Copy)]
pub(super) struct Key {
    pub(super) name: &'static str,
    /// The name of a definition in `shapes`.
    shape: &'static str,
    description: &'static str,
}

impl Key {
    pub(super) fn schema(&self) -> Value {
        json!({
            "description": self.description,
            "$ref": format!("#/$defs/{}", self.shape),
        })
    }
}

const fn key(name: &'static str, shape: &'static str, description: &'static str) -> Key {
    Key {
        name,
        shape,
        description,
    }
}

/// Several tables as one.
pub(super) fn joined(tables: &[&[Key]]) -> Vec<Key> {
    tables.concat()
}

/// Everything that may stand at the top of a spec.
pub(super) fn all_of_spec() -> Vec<Key> {
    joined(&[&SPEC, &TRIGGERS, &OF_TEST])
}

const SPEC: [Key; 12] = [
    key(
        "name",
        "text",
        "What reports call this spec; unique within the file. Without it, the file's name.",
    ),
    key("description", "text", "Free text."),
    key("tags", "texts", "Words for `--tag`."),
    key(
        "skip",
        "text",
        "A reason. The spec is not run, and reported as skipped.",
    ),
    key(
        "vars",
        "anything_by_name",
        "Variables of this spec, for `${name}`. A function such as `${uuid()}` gives one value for all uses.",
    ),
    key(
        "matrix",
        "matrix",
        "The same spec with several values: a map of lists for each combination, or a list of maps for each case.",
    ),
    key(
        "setup",
        "steps_around",
        "Steps before; they may check the response only. If one does not pass, the spec is errored.",
    ),
    key(
        "teardown",
        "steps_around",
        "Steps after, which run in any case. They may check the response only.",
    ),
    key(
        "steps",
        "steps",
        "Several requests one after the other, in place of a trigger and `expect`; each with a trace of its own.",
    ),
    key(
        "lock",
        "text",
        "Specs with the same `lock` never run at the same time.",
    ),
    key(
        "repeat",
        "repeat",
        "Fires the request many times, each time with a trace of its own; everything must hold of each.",
    ),
    key(
        "budgets",
        "budgets",
        "What quantiles of the durations may be, and how much worse than the baseline.",
    ),
];

pub(super) const TRIGGERS: [Key; 3] = [
    key(
        "request",
        "request",
        "The HTTP request to fire: `GET http://…`, or a map.",
    ),
    key(
        "run",
        "command",
        "A command that makes requests itself; it finds the trace context in TRACEPARENT.",
    ),
    key(
        "trace_id",
        "text",
        "Fires nothing, and waits for the trace with this id that something else makes.",
    ),
];

const OF_TEST: [Key; 3] = [
    key(
        "capture",
        "capture",
        "Values of the response or of spans, as variables for `expect` and for later steps.",
    ),
    key(
        "expect",
        "expect",
        "What must hold of the response and of the trace.",
    ),
    key("wait", "wait", "How long to wait for the trace."),
];

pub(super) const STEP_NAME: [Key; 1] = [key("name", "text", "What reports call this step.")];

pub(super) fn step() -> Vec<Key> {
    joined(&[&STEP_NAME, &TRIGGERS, &OF_TEST])
}

/// A step of `setup` or `teardown`.
pub(super) fn step_around() -> Vec<Key> {
    let expect = key("expect", "expect_around", "What must hold of the response.");
    step()
        .into_iter()
        .map(|key| if key.name == "expect" { expect } else { key })
        .collect()
}

pub(super) const CAPTURE: [Key; 9] = [
    key(
        "json",
        "json_path",
        "A path in the JSON body; beside `find`, in the attribute, which then holds JSON.",
    ),
    key("header", "text", "The value of a header."),
    key(
        "cookie",
        "text",
        "The value of a cookie that the response sets.",
    ),
    key("status", "flag", "`true` takes the status code."),
    key(
        "body",
        "regex",
        "The first group of an expression in the body, or the whole match.",
    ),
    key("stdout", "regex", "The same in the output of a command."),
    key(
        "find",
        "selector",
        "The span that has the value in an attribute.",
    ),
    key(
        "attribute",
        "text",
        "The attribute of the span that `find` chooses.",
    ),
    key(
        "secret",
        "flag",
        "`true` masks the value in everything that is written.",
    ),
];

pub(super) const WAIT: [Key; 3] = [
    key(
        "timeout",
        "duration",
        "The verdict comes at the latest this long after the response; 30 s unless given.",
    ),
    key(
        "tail",
        "duration",
        "How long work goes on after the response; 0 s unless given.",
    ),
    key(
        "flush",
        "duration",
        "How long a service may keep a span before it exports it; computed for services that spanspec starts.",
    ),
];
