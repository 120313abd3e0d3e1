//! Definitions of the schema for the values of keys.
//!
//! Any value can be a variable, so that every definition also accepts a text with `${`.

use serde_json::{Map, Value, json};

use super::forms::{
    by_name, choice, filled, list, map_of, negating, not_empty, one_or_more, pattern, reference,
    requires, requiring, text, text_or, variable, with, word_of, written,
};
use crate::conformance::Format;
use crate::instrumentation::{Level, Preset, Rule};
use crate::service::OutputStream;
use crate::source::backend;
use crate::spec::keys::{self, Key};
use crate::spec::lint::WeaverLevel;
use crate::spec::{FaultKind, SaslMechanism};
use crate::spec::{SeriesType, SpanType, ValueType};
use crate::trace::{GrpcCode, Signal, SpanKind, StatusCode};

const DURATION: &str = r"[0-9.]+ *(ns|us|µs|ms|s|m|h)";

pub(super) fn of_spec() -> Value {
    let parts = [
        scalars(),
        quantities(),
        triggers(),
        captures(),
        expect_lint(),
        expectations(),
        records(),
        traffic(),
        spans(),
        matchers(),
        faults(),
        load(),
    ];
    parts.into_iter().flatten().collect::<Map<_, _>>().into()
}

pub(super) fn of_project() -> Value {
    let parts = [
        scalars(),
        services(),
        lint(),
        faults(),
        spans(),
        quantities(),
        matchers(),
    ];
    parts.into_iter().flatten().collect::<Map<_, _>>().into()
}

/// Pairs of a name and a definition.
fn defined<const N: usize>(all: [(&str, Value); N]) -> Map<String, Value> {
    all.into_iter()
        .map(|(name, shape)| (name.to_owned(), shape))
        .collect()
}

/// `lint` of `expect`.
fn expect_lint() -> Map<String, Value> {
    let sets = ["recommended", "all"];
    let levels = not_empty(lint_levels());
    defined([(
        "expect_lint",
        json!({ "anyOf": [{ "enum": sets }, variable(), levels] }),
    )])
}

fn lint_levels() -> Map<String, Value> {
    let rules: Vec<&str> = Rule::ALL.iter().map(|rule| rule.id()).collect();
    let levels: Vec<&str> = Level::ALL.iter().map(|(word, _)| *word).collect();
    defined([
        ("type", json!("object")),
        ("propertyNames", json!({ "enum": rules })),
        ("additionalProperties", json!({ "enum": levels })),
    ])
}

fn lint() -> Map<String, Value> {
    let rules: Vec<&str> = Rule::ALL.iter().map(|rule| rule.id()).collect();
    let levels = lint_levels();
    let ignored = map_of(keys::IGNORED_FINDINGS);
    let ignored = requiring(ignored, "reason");
    defined([
        ("lint", map_of(keys::LINT).into()),
        (
            "lint_rules",
            json!({ "enum": Preset::ALL.map(|(word, _)| word) }),
        ),
        ("lint_rule", json!({ "enum": rules })),
        ("lint_levels", levels.into()),
        ("lint_limits", map_of(keys::LINT_LIMITS).into()),
        ("weaver", requiring(map_of(keys::WEAVER), "registry")),
        (
            "weaver_level",
            json!({ "enum": WeaverLevel::ALL.map(|(word, _)| word) }),
        ),
        (
            "positive_number",
            json!({ "type": "number", "exclusiveMinimum": 0 }),
        ),
        ("ignored_findings", list(ignored)),
    ])
}

fn scalars() -> Map<String, Value> {
    defined([
        ("anything", json!({})),
        ("text", text()),
        ("texts", one_or_more(text())),
        ("list", list(text())),
        (
            "profile_names",
            json!({ "anyOf": [one_or_more(text()), map_of(keys::PROFILE_NAMES)] }),
        ),
        ("words", one_or_more(text())),
        ("flag", word_of(json!([true, false, "true", "false"]))),
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
        ("wait", map_of(keys::WAIT).into()),
    ])
}

fn quantities() -> Map<String, Value> {
    let whole = json!({ "type": "integer", "minimum": 0 });
    let sign = "(<=|>=|<|>) *";
    let count = format!(r"^ *(({sign})?[0-9]+|[0-9]*\.\.[0-9]*) *$");
    let grpc = GrpcCode::NAMES.join("|");
    let status = format!(r"^ *(({sign})?[0-9]+|[1-5]xx|[0-9]*\.\.[0-9]*|{grpc}) *$");
    let duration = format!(r"^ *({sign}{DURATION}|({DURATION})? *\.\. *({DURATION})?) *$");
    let of_numbers = |name: &str, form: &str, help: &str| {
        let one = json!([whole, written(form, help), variable(), limits(name)]);
        let list = filled(reference(name));
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
                "write 201, 2xx, [200, 201] or 200..299; for a gRPC call NOT_FOUND",
            ),
        ),
        (
            "durations",
            json!({ "anyOf": [written(&duration, "write < 600ms, <= 2s, 100ms..2s or 1s..; a duration has a unit"), variable(), limits("durations")] }),
        ),
        ("number", json!({ "type": ["number", "string"] })),
        ("bound", json!({ "type": ["integer", "string"] })),
    ])
}

/// `{ gte: 2, lt: 5 }`.
fn limits(name: &str) -> Value {
    not_empty(negating(map_of(keys::LIMITS), name))
}

fn triggers() -> Map<String, Value> {
    let field = json!({ "anyOf": [text(), list(text())] });
    defined([
        ("request", text_or(map_of(keys::REQUEST))),
        (
            "graphql",
            json!({ "allOf": [map_of(keys::GRAPHQL), { "required": ["url", "query"] }] }),
        ),
        (
            "graphql_query",
            json!({ "anyOf": [text(), requiring(map_of(keys::QUERY_FILE), "file")] }),
        ),
        (
            "grpc",
            json!({ "anyOf": [text(), requiring(map_of(keys::GRPC), "call")] }),
        ),
        ("messages", json!({ "type": "array" })),
        (
            "proto",
            json!({ "anyOf": [one_or_more(text()), requiring(map_of(keys::PROTO), "files")] }),
        ),
        ("fields", by_name(field)),
        (
            "baggage",
            json!({ "type": "object", "minProperties": 1, "maxProperties": 64, "additionalProperties": text() }),
        ),
        ("parts", list(requiring(map_of(keys::PART), "name"))),
        ("tls", map_of(keys::TLS).into()),
        ("publish", publish()),
        (
            "conformance",
            text_or(requires(map_of(keys::CONFORMANCE), "url")),
        ),
        ("conformance_level", word_of(json!([1, 2, "1", "2"]))),
        (
            "conformance_formats",
            list(word_of(Format::ALL.map(Format::name))),
        ),
        ("send", send()),
        (
            "markers",
            json!({ "anyOf": [
                { "const": "none" },
                map_of(keys::MARKER),
                filled(map_of(keys::MARKER)),
            ] }),
        ),
        (
            "sent_spans",
            filled(text_or(requires(map_of(keys::SENT_SPAN), "name"))),
        ),
        (
            "sent_events",
            list(text_or(requires(map_of(keys::SENT_EVENT), "name"))),
        ),
        (
            "span_kind_word",
            word_of(SpanKind::ALL.map(SpanKind::as_str)),
        ),
        (
            "status_word",
            word_of(StatusCode::ALL.map(StatusCode::as_str)),
        ),
        ("sasl", word_of(SaslMechanism::ALL.map(|(name, _)| name))),
        ("poll", requiring(map_of(keys::POLL), "until")),
        (
            "command",
            json!({ "anyOf": [text(), filled(text()), requiring(map_of(keys::RUN), "command")] }),
        ),
        ("step", one_trigger(map_of(keys::STEP))),
        ("steps", filled(reference("step"))),
        ("setup_step", one_trigger(map_of(keys::SETUP_STEP))),
        ("setup_steps", list(reference("setup_step"))),
        (
            "matrix",
            json!({ "anyOf": [
                by_name(json!({ "type": "array", "minItems": 1 })),
                { "type": "array", "minItems": 1, "items": { "type": "object" } },
                requiring(map_of(keys::MATRIX_FILE), "file"),
            ] }),
        ),
    ])
}

fn captures() -> Map<String, Value> {
    let one = json!({ "anyOf": [reference("json_path"), map_of(keys::CAPTURE)] });
    defined([
        ("capture", by_name(one)),
        (
            "json_path",
            written(r"^\$", "write a path such as $.order.id"),
        ),
        ("regex", written("^ *=~", "write =~ order-([0-9]+)")),
        (
            "stdout_capture",
            json!({ "anyOf": [reference("regex"), map_of(keys::STDOUT_CAPTURE)] }),
        ),
    ])
}

fn expectations() -> Map<String, Value> {
    defined([
        ("expect", not_empty(map_of(keys::EXPECT))),
        (
            "graphql_errors",
            json!({ "anyOf": [
                reference("count"),
                filled(not_empty(map_of(keys::GRAPHQL_ERROR))),
            ] }),
        ),
        (
            "graphql_path",
            json!({ "anyOf": [reference("matcher"), list(text())] }),
        ),
        ("setup_expect", not_empty(map_of(keys::ANSWER_CHECKS))),
        (
            "lost_spans",
            json!({ "anyOf": [reference("count"), filled(reference("selector"))] }),
        ),
        (
            "expect_at",
            json!({
                "type": "object",
                "minProperties": 1,
                "additionalProperties": not_empty(map_of(keys::RECEIVER_CHECKS)),
            }),
        ),
        ("selectors", list(reference("selector"))),
        ("span_entries", list(reference("span_entry"))),
        (
            "continued",
            json!({ "anyOf": [{ "const": "continued" }, requiring(map_of(keys::CONTINUED), "restarted")] }),
        ),
        ("sampling", map_of(keys::SAMPLING).into()),
        ("shape", text_or(requires(map_of(keys::SHAPE), "file"))),
        ("head_sampling", json!({ "const": "consistent" })),
        (
            "policy_votes",
            json!({ "type": "object", "additionalProperties": reference("flag") }),
        ),
        (
            "span_entry",
            json!({ "anyOf": [text(), requiring(map_of(keys::SPAN_ENTRY), "find")] }),
        ),
    ])
}

/// Log records and metrics.
fn records() -> Map<String, Value> {
    defined([
        ("log_entries", filled(reference("log_entry"))),
        (
            "log_entry",
            json!({ "anyOf": [text(), requiring(map_of(keys::LOG_ENTRY), "find")] }),
        ),
        ("log_selector", text_or(map_of(keys::LOG))),
        ("severities", severities()),
        ("metric_entries", filled(reference("metric_entry"))),
        (
            "metric_entry",
            json!({ "anyOf": [text(), requiring(map_of(keys::METRIC_ENTRY), "find")] }),
        ),
        ("series_selector", text_or(map_of(keys::SERIES))),
        (
            "series_types",
            choice("series_types", &SeriesType::ALL.map(|(name, _)| name)),
        ),
        ("number_matcher", reference("matcher")),
        (
            "correlated",
            json!({ "anyOf": [{ "const": true }, filled(text())] }),
        ),
    ])
}

/// The checks of everything that arrives.
fn traffic() -> Map<String, Value> {
    defined([
        (
            "edges",
            filled(text_or(requires(map_of(keys::EDGE), "link"))),
        ),
        (
            "signals",
            json!({ "type": "object", "minProperties": 1, "additionalProperties": one_or_more(reference("signal")) }),
        ),
        (
            "signal",
            json!({ "anyOf": [reference("signal_name"), requiring(negating(map_of(keys::CHOICE), "signal_names"), "not")] }),
        ),
        ("signal_name", word_of(Signal::ALL.map(Signal::name))),
        ("signal_names", one_or_more(reference("signal_name"))),
        ("each_trace", not_empty(map_of(keys::EACH_TRACE))),
    ])
}

fn spans() -> Map<String, Value> {
    let kinds = SpanKind::ALL.map(SpanKind::as_str);
    let types = SpanType::ALL.map(|(name, _)| name);
    let statuses = StatusCode::ALL.map(StatusCode::as_str);
    defined([
        ("selector", text_or(map_of(keys::SELECTOR))),
        ("relation", text_or(map_of(keys::RELATION))),
        (
            "alternatives",
            json!({ "type": "array", "minItems": 2, "items": not_empty(map_of(keys::SPAN)) }),
        ),
        ("events", filled(text_or(map_of(keys::EVENT)))),
        (
            "links",
            json!({ "anyOf": [
                filled(map_of(keys::LINK)),
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
    let list = filled(reference("matcher"));
    let map = not_empty(map_of(keys::MATCHER));
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
        ("value_type", word_of(types)),
    ])
}

/// A plain number, such as the limit of a count.
const NUMBER: &str = r"[0-9]+(\.[0-9]+)?";

/// A quantile of any precision. The usual ones are keys of the budget.
const QUANTILE: &str = r"^p[0-9]{1,2}(\.[0-9]{1,3})?$";

/// `mutate`.
fn faults() -> Map<String, Value> {
    defined([
        ("mutate", map_of(keys::MUTATE).into()),
        (
            "ignored_faults",
            list(requiring(map_of(keys::IGNORED_FAULTS), "reason")),
        ),
        (
            "faults",
            one_or_more(json!({ "enum": FaultKind::ALL.map(|(name, _)| name).to_vec() })),
        ),
    ])
}

fn load() -> Map<String, Value> {
    let percent = json!({ "anyOf": [written("^ *[0-9.]+% *$", "write 20%"), variable()] });
    let limit = format!(r"^ *(<=?|\.\.) *({DURATION}|{NUMBER}) *$");
    let mut measure = map_of(keys::MEASURE);
    measure.insert("minProperties".to_owned(), json!(1));
    measure.insert("maxProperties".to_owned(), json!(1));
    let mut budget = map_of(keys::BUDGET);
    budget.insert(
        "patternProperties".to_owned(),
        json!({ QUANTILE: reference("limit") }),
    );
    budget.insert(
        "anyOf".to_owned(),
        json!([{ "required": ["find"] }, { "required": ["measure"] }]),
    );
    let mut repeat = map_of(keys::REPEAT);
    repeat.insert(
        "oneOf".to_owned(),
        json!([{ "required": ["times"] }, { "required": ["rate", "for"] }]),
    );
    let mut search = map_of(keys::SEARCH);
    search.insert("required".to_owned(), json!(["find", "since"]));
    let mut compare = map_of(keys::COMPARE);
    compare.insert("required".to_owned(), json!(["resource", "from", "to"]));
    defined([
        (
            "compare",
            json!({ "anyOf": [{ "type": "string" }, compare] }),
        ),
        ("repeat", repeat.into()),
        ("search", search.into()),
        (
            "observe",
            json!({ "anyOf": [reference("duration"), requiring(map_of(keys::OBSERVE), "for")] }),
        ),
        (
            "observe_until",
            json!({ "anyOf": [{ "const": "satisfied" }, variable()] }),
        ),
        (
            "positive",
            json!({ "anyOf": [{ "type": "integer", "minimum": 1 }, pattern("^[0-9]+$"), variable()] }),
        ),
        (
            "rate",
            json!({ "anyOf": [written("^ *[0-9.]+ */ *[smh] *$", "write 50/s, 600/m or 100/h"), variable()] }),
        ),
        ("arrivals", word_of(["poisson", "constant"])),
        (
            "allowance",
            json!({ "anyOf": [{ "type": "integer", "minimum": 0 }, written("^ *([0-9]+|[0-9.]+%) *$", "write 3 or 1%"), variable()] }),
        ),
        (
            "confirm",
            json!({ "anyOf": [{ "type": "integer", "minimum": 0, "maximum": 2 }, pattern("^[0-2]$"), variable()] }),
        ),
        ("budgets", filled(reference("budget"))),
        ("budget", budget.into()),
        (
            "measure",
            json!({ "anyOf": [
                { "enum": ["response_time", "trace_duration", "duration", "self_time", "count"] },
                measure,
                variable(),
            ] }),
        ),
        (
            "limit",
            json!({ "anyOf": [
                written(&limit, "write < 150ms, or <= 4 for plain numbers"),
                variable(),
                not_empty(map_of(keys::UPPER_LIMITS)),
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
    let log = requiring(map_of(keys::READY), "log");
    defined([
        ("log_line", pattern("^ *=~")),
        ("receiver", map_of(keys::RECEIVER).into()),
        ("receiver_tls", map_of(keys::RECEIVER_TLS).into()),
        ("source", map_of(backend::KEYS).into()),
        ("tls", map_of(keys::TLS).into()),
        ("keep", json!({ "const": "none" })),
        ("profiles", by_name(map_of(keys::PROFILE).into())),
        (
            "services_or_none",
            json!({ "anyOf": [{ "const": "none" }, reference("services")] }),
        ),
        ("services", by_name(requiring(map_of(keys::SERVICE), "run"))),
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
        ("scrape", pattern(r"^https?://|\$\{")),
        (
            "outputs",
            one_or_more(json!({ "enum": OutputStream::ALL.map(|(name, _)| name) })),
        ),
        ("defaults", map_of(keys::DEFAULTS).into()),
        ("request_defaults", map_of(keys::REQUEST_DEFAULTS).into()),
        ("run_defaults", map_of(keys::RUN_DEFAULTS).into()),
    ])
}

/// A severity, a range, a list of them, or `{ not: … }`.
fn severities() -> Value {
    let word = "(trace|debug|info|warn|error|fatal)";
    let form = format!(r"^ *({word}|{word} *\.\. *{word}?|\.\. *{word}) *$");
    json!({ "anyOf": [
        written(&form, "write warn, info.., debug..warn or ..info"),
        variable(),
        filled(reference("severities")),
        requiring(negating(map_of(keys::CHOICE), "severities"), "not"),
    ] })
}

fn one_trigger(mut step: Map<String, Value>) -> Value {
    let one = |key: &Key| json!({ "required": [key.name] });
    let any: Vec<Value> = keys::TRIGGERS.iter().map(one).collect();
    step.insert("oneOf".to_owned(), any.into());
    step.into()
}

/// Telemetry with an input and an endpoint.
fn send() -> Value {
    let mut send = requires(map_of(keys::SEND), "to");
    let inputs = ["traces", "spans", "logs", "metrics"].map(|key| json!({ "required": [key] }));
    send.insert("anyOf".to_owned(), inputs.to_vec().into());
    send.into()
}

/// A message with one broker, and the keys of this broker.
fn publish() -> Value {
    let brokers = keys::OF_BROKERS.iter().map(|(broker, _)| {
        let others = keys::OF_BROKERS.iter().filter(|(other, _)| other != broker);
        let others: Vec<Value> = others
            .flat_map(|(_, keys)| keys.names())
            .map(|name| json!({ "required": [name] }))
            .collect();
        json!({ "required": [broker], "not": { "anyOf": others } })
    });
    let mut message = map_of(keys::PUBLISH);
    message.insert("oneOf".to_owned(), brokers.collect());
    message.into()
}
