//! The shapes of what keys hold, as definitions that keys refer to.
//!
//! A variable may stand for any value, so that every shape also takes a text with `${`.

use serde_json::{Map, Value, json};

use super::keys::{self, Key, joined};
use super::map_of;
use crate::spec::{SpanType, ValueType};
use crate::trace::{SpanKind, StatusCode};

const DURATION: &str = r"[0-9.]+ *(ns|us|µs|ms|s|m|h)";

pub(super) fn of_spec() -> Value {
    let parts = [
        scalars(),
        quantities(),
        triggers(),
        captures(),
        expectations(),
        spans(),
        matchers(),
        load(),
    ];
    parts.into_iter().flatten().collect::<Map<_, _>>().into()
}

pub(super) fn of_project() -> Value {
    let parts = [scalars(), services()];
    parts.into_iter().flatten().collect::<Map<_, _>>().into()
}

/// Pairs of a name and a definition.
fn defined<const N: usize>(all: [(&str, Value); N]) -> Map<String, Value> {
    all.into_iter()
        .map(|(name, shape)| (name.to_owned(), shape))
        .collect()
}

fn scalars() -> Map<String, Value> {
    defined([
        ("anything", json!({})),
        ("text", text()),
        ("texts", one_or_more(text())),
        ("list", json!({ "type": "array", "items": text() })),
        ("words", one_or_more(text())),
        (
            "flag",
            json!({ "anyOf": [{ "enum": [true, false, "true", "false"] }, variable()] }),
        ),
        (
            "whole",
            json!({ "anyOf": [{ "type": "integer", "minimum": 0 }, pattern("^[0-9]+$"), variable()] }),
        ),
        (
            "duration",
            json!({ "anyOf": [written(&format!("^ *{DURATION} *$"), "write 600ms, 1.5s or 2m"), variable()] }),
        ),
        ("anything_by_name", by_name(json!({}))),
        ("texts_by_name", by_name(text())),
        ("wait", Value::Object(map_of(&keys::WAIT))),
    ])
}

fn quantities() -> Map<String, Value> {
    let whole = json!({ "type": "integer", "minimum": 0 });
    let sign = "(<=|>=|<|>) *";
    let count = format!(r"^ *(({sign})?[0-9]+|[0-9]*\.\.[0-9]*) *$");
    let status = format!(r"^ *(({sign})?[0-9]+|[1-5]xx|[0-9]*\.\.[0-9]*) *$");
    let duration = format!(r"^ *({sign}{DURATION}|({DURATION})? *\.\. *({DURATION})?) *$");
    let of_numbers = |name: &str, form: &str, help: &str| {
        let one = json!([whole, written(form, help), variable(), limits(name)]);
        let list = json!({ "type": "array", "minItems": 1, "items": reference(name) });
        json!({ "anyOf": with(one, list) })
    };
    defined([
        (
            "count",
            of_numbers("count", &count, "write 3, 1.., 2..4, ..5, < 3 or [1, 3]"),
        ),
        (
            "status_codes",
            of_numbers(
                "status_codes",
                &status,
                "write 201, 2xx, [200, 201] or 200..299",
            ),
        ),
        (
            "durations",
            json!({ "anyOf": [written(&duration, "write < 600ms, <= 2s, 100ms..2s or 1s..; a duration has a unit"), variable(), limits("durations")] }),
        ),
        ("number", json!({ "type": ["number", "string"] })),
    ])
}

/// `{ gte: 2, lt: 5 }`.
fn limits(name: &str) -> Value {
    json!({
        "type": "object",
        "minProperties": 1,
        "additionalProperties": false,
        "properties": {
            "lt": { "description": "Less than this.", "type": ["integer", "string"] },
            "lte": { "description": "This or less.", "type": ["integer", "string"] },
            "gt": { "description": "More than this.", "type": ["integer", "string"] },
            "gte": { "description": "This or more.", "type": ["integer", "string"] },
            "not": { "description": "Anything but this.", "$ref": format!("#/$defs/{name}") },
        },
    })
}

fn triggers() -> Map<String, Value> {
    let request = joined(&[&keys::METHODS, &keys::REQUEST]);
    let field = json!({ "anyOf": [text(), { "type": "array", "items": text() }] });
    defined([
        ("request", text_or(map_of(&request))),
        ("fields", by_name(field)),
        (
            "parts",
            json!({ "type": "array", "items": requiring(map_of(&keys::PART), "name") }),
        ),
        ("tls", Value::Object(map_of(&keys::TLS))),
        (
            "command",
            json!({ "anyOf": [text(), { "type": "array", "minItems": 1, "items": text() }, requiring(map_of(&keys::COMMAND), "command")] }),
        ),
        ("step", one_trigger(map_of(&keys::step()))),
        (
            "steps",
            json!({ "type": "array", "minItems": 1, "items": reference("step") }),
        ),
        ("step_around", one_trigger(map_of(&keys::step_around()))),
        (
            "steps_around",
            json!({ "type": "array", "items": reference("step_around") }),
        ),
        (
            "matrix",
            json!({ "anyOf": [
                by_name(json!({ "type": "array", "minItems": 1 })),
                { "type": "array", "minItems": 1, "items": { "type": "object" } },
            ] }),
        ),
    ])
}

fn captures() -> Map<String, Value> {
    let one = json!({ "anyOf": [reference("json_path"), map_of(&keys::CAPTURE)] });
    defined([
        ("capture", by_name(one)),
        (
            "json_path",
            written(r"^\$", "a path begins with $: $.order.id"),
        ),
        ("regex", written("^ *=~", "write =~ order-([0-9]+)")),
    ])
}

fn expectations() -> Map<String, Value> {
    let all = joined(&[
        &keys::EXPECT_RESPONSE,
        &keys::EXPECT_COMMAND,
        &keys::EXPECT_TRACE,
    ]);
    let around = joined(&[&keys::EXPECT_RESPONSE, &keys::EXPECT_COMMAND]);
    defined([
        ("expect", not_empty(map_of(&all))),
        ("expect_around", not_empty(map_of(&around))),
        (
            "selectors",
            json!({ "type": "array", "items": reference("selector") }),
        ),
        (
            "span_entries",
            json!({ "type": "array", "items": reference("span_entry") }),
        ),
        (
            "span_entry",
            json!({ "anyOf": [text(), requiring(map_of(&joined(&[&keys::SPAN_ENTRY, &keys::SPAN])), "find")] }),
        ),
    ])
}

fn spans() -> Map<String, Value> {
    let event = joined(&[&keys::EVENT, &keys::COUNT]);
    let link = joined(&[&keys::LINK, &keys::COUNT]);
    let relation = joined(&[&keys::SPAN, &keys::COUNT, &keys::TAKE]);
    let kinds = SpanKind::ALL.map(SpanKind::as_str);
    let types = SpanType::ALL.map(|(name, _)| name);
    let statuses = StatusCode::ALL.map(StatusCode::as_str);
    defined([
        (
            "selector",
            text_or(map_of(&joined(&[&keys::SPAN, &keys::TAKE]))),
        ),
        ("relation", text_or(map_of(&relation))),
        (
            "events",
            json!({ "type": "array", "minItems": 1, "items": text_or(map_of(&event)) }),
        ),
        (
            "links",
            json!({ "anyOf": [
                { "type": "array", "minItems": 1, "items": map_of(&link) },
                { "type": ["integer", "string"] },
            ] }),
        ),
        ("kinds", choice("kinds", &kinds)),
        ("types", choice("types", &types)),
        ("statuses", choice("statuses", &statuses)),
        (
            "take",
            json!({ "anyOf": [
                { "enum": ["first", "last"] },
                { "type": "integer", "minimum": 1 },
                pattern("^[1-9][0-9]*$"),
                variable(),
            ] }),
        ),
    ])
}

fn matchers() -> Map<String, Value> {
    let types = ValueType::ALL.map(|(name, _)| name);
    let list = json!({ "type": "array", "minItems": 1, "items": reference("matcher") });
    let map = not_empty(map_of(&keys::MATCHER));
    defined([
        (
            "matcher",
            json!({
                "description": "`card`, `42`, `=~ regex`, `< 3`, `1..`, `exists`, `absent`, a list of alternatives, or a map.",
                "anyOf": [text(), list, map],
            }),
        ),
        ("matchers", by_name(reference("matcher"))),
        (
            "paths",
            json!({
                "type": "object",
                "propertyNames": { "pattern": r"^\$" },
                "additionalProperties": reference("matcher"),
            }),
        ),
        (
            "value_type",
            json!({ "anyOf": [{ "enum": types }, variable()] }),
        ),
    ])
}

/// A quantile of any precision; the usual ones are among the keys.
const QUANTILE: &str = r"^p[0-9]{1,2}(\.[0-9]{1,3})?$";

fn load() -> Map<String, Value> {
    let percent = json!({ "anyOf": [written("^ *[0-9.]+% *$", "write 20%"), variable()] });
    let limit = format!(r"^ *(<=?|\.\.) *{DURATION} *$");
    let mut budget = map_of(&keys::BUDGET);
    budget.insert(
        "patternProperties".to_owned(),
        json!({ QUANTILE: reference("limit") }),
    );
    budget.insert(
        "anyOf".to_owned(),
        json!([{ "required": ["find"] }, { "required": ["measure"] }]),
    );
    let mut repeat = map_of(&keys::REPEAT);
    repeat.insert(
        "oneOf".to_owned(),
        json!([{ "required": ["times"] }, { "required": ["rate", "for"] }]),
    );
    defined([
        ("repeat", repeat.into()),
        (
            "positive",
            json!({ "anyOf": [{ "type": "integer", "minimum": 1 }, pattern("^[0-9]+$"), variable()] }),
        ),
        (
            "rate",
            json!({ "anyOf": [written("^ *[0-9.]+ */ *[smh] *$", "write 50/s, 600/m or 100/h"), variable()] }),
        ),
        (
            "arrivals",
            json!({ "anyOf": [{ "enum": ["poisson", "constant"] }, variable()] }),
        ),
        (
            "allowance",
            json!({ "anyOf": [{ "type": "integer", "minimum": 0 }, written("^ *([0-9]+|[0-9.]+%) *$", "write 3 or 1%"), variable()] }),
        ),
        (
            "budgets",
            json!({ "type": "array", "minItems": 1, "items": reference("budget") }),
        ),
        ("budget", budget.into()),
        (
            "measure",
            json!({ "anyOf": [{ "enum": ["response_time", "trace_duration", "duration", "self_time"] }, variable()] }),
        ),
        (
            "limit",
            json!({ "anyOf": [
                written(&limit, "write < 150ms"),
                variable(),
                { "type": "object", "minProperties": 1, "additionalProperties": false, "properties": {
                    "lt": { "description": "Less than this.", "type": "string" },
                    "lte": { "description": "This or less.", "type": "string" },
                } },
            ] }),
        ),
        (
            "regression",
            json!({ "anyOf": [{ "const": "none" }, percent, {
                "type": "object",
                "minProperties": 1,
                "additionalProperties": false,
                "patternProperties": { QUANTILE: percent },
            }] }),
        ),
    ])
}

fn services() -> Map<String, Value> {
    let log = json!({ "type": "object", "required": ["log"], "additionalProperties": false, "properties": {
        "log": { "description": "A regular expression that a line of its output matches.", "type": "string", "pattern": "^ *=~" },
    } });
    defined([
        ("receiver", Value::Object(map_of(&keys::RECEIVER))),
        (
            "services",
            by_name(requiring(map_of(&keys::SERVICE), "run")),
        ),
        (
            "ports",
            by_name(
                json!({ "anyOf": [{ "const": "auto" }, { "type": "integer", "minimum": 1, "maximum": 65535 }, pattern("^[0-9]+$")] }),
            ),
        ),
        (
            "ready",
            json!({ "anyOf": [pattern(r"^(https?|tcp)://|\$\{"), log] }),
        ),
        ("defaults", Value::Object(map_of(&keys::DEFAULTS))),
        (
            "request_defaults",
            Value::Object(map_of(&keys::REQUEST_DEFAULTS)),
        ),
    ])
}

/// Where a text is wanted, a scalar is one however it looks.
fn text() -> Value {
    json!({ "type": ["string", "number", "boolean", "null"] })
}

fn variable() -> Value {
    pattern(r"\$\{")
}

fn pattern(pattern: &str) -> Value {
    json!({ "type": "string", "pattern": pattern })
}

/// A text whose form editors explain in these words; JSON Schema itself has none for it.
fn written(form: &str, help: &str) -> Value {
    json!({ "type": "string", "pattern": form, "patternErrorMessage": help })
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}

fn one_or_more(one: Value) -> Value {
    json!({ "anyOf": [one, { "type": "array", "items": one }] })
}

fn by_name(value: Value) -> Value {
    json!({ "type": "object", "additionalProperties": value })
}

fn text_or(map: Map<String, Value>) -> Value {
    json!({ "anyOf": [text(), map] })
}

fn with(list: Value, one: Value) -> Value {
    match list {
        Value::Array(mut all) => {
            all.push(one);
            all.into()
        }
        other => other,
    }
}

fn not_empty(mut map: Map<String, Value>) -> Value {
    map.insert("minProperties".to_owned(), 1.into());
    map.into()
}

fn requiring(mut map: Map<String, Value>, key: &str) -> Value {
    map.insert("required".to_owned(), json!([key]));
    map.into()
}

fn one_trigger(mut step: Map<String, Value>) -> Value {
    let one = |key: &Key| json!({ "required": [key.name] });
    let any: Vec<Value> = keys::TRIGGERS.iter().map(one).collect();
    step.insert("oneOf".to_owned(), any.into());
    step.into()
}

/// A word of a closed set, a list of such, or `{ not: … }`.
fn choice(name: &str, words: &[&str]) -> Value {
    json!({ "anyOf": [
        { "enum": words },
        variable(),
        { "type": "array", "minItems": 1, "items": reference(name) },
        {
            "type": "object",
            "required": ["not"],
            "additionalProperties": false,
            "properties": { "not": { "description": "Any but this.", "$ref": format!("#/$defs/{name}") } },
        },
    ] })
}
