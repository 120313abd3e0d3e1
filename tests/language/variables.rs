//! Variables: the lookup of names, and their values.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use spanspec::internal::spec::{Body, Trigger};
use spanspec::{Context, Globals, Outcome, Response, Source, Span, Spec, Value};

use super::{folder, http, outcomes, refusal, span, spec, trace};

fn body_of(spec: &Spec) -> serde_json::Value {
    json_of(spec.steps[0].trigger(&spec.scope()).unwrap())
}

fn json_of(trigger: Trigger) -> serde_json::Value {
    let Trigger::Request(request) = trigger else {
        panic!("no request")
    };
    match request.body {
        Body::Json(json) => json.to_json(),
        other => panic!("{other:?}"),
    }
}

/// The JSON body of a request with this `json`.
fn filled(vars: &str, json: &str) -> serde_json::Value {
    body_of(&spec(&format!(
        "vars: {{ {vars} }}\nrequest:\n  post: http://a/\n  json: {json}\nexpect: {{ status: 200 }}\n"
    )))
}

fn texts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
        .collect()
}

fn read_with(globals: Globals, text: &str) -> Spec {
    let context = Context {
        globals: Arc::new(globals),
        ..Context::default()
    };
    Spec::read_all(&Source::new("a.yaml", text), &folder(), &context)
        .unwrap()
        .remove(0)
}

#[test]
fn a_variable_that_refers_to_itself_means_the_outer_one() {
    let project = Source::new("spanspec.yaml", "vars: { x: \"${x:-project}\" }\n");
    let project = spanspec::internal::project::Project::read(&project, &folder()).unwrap();
    let body = |environment: &[(&str, &str)], vars: &str| {
        let globals = Globals {
            environment: texts(environment),
            project: project.vars.clone(),
            ..Globals::default()
        };
        let text = format!(
            "vars: {{ {vars} }}\nrequest: {{ post: http://a/, json: \"${{x}}\" }}\nexpect: {{ status: 200 }}\n"
        );
        body_of(&read_with(globals, &text))
    };
    let own = "x: \"spec of ${x}\"";
    assert_eq!(body(&[], own), "spec of project");
    assert_eq!(body(&[("x", "environment")], own), "spec of environment");
    assert_eq!(body(&[("x", "")], own), "spec of project");
    let circle =
        "vars: { a: \"${b:-1}\", b: \"${a}\" }\nrequest: http://a/${a}\nexpect: { status: 200 }\n";
    assert!(refusal(circle).contains("the variable `a` refers to itself"));
    let alone = "vars: { a: \"${a}\" }\nrequest: http://a/${a}\nexpect: { status: 200 }\n";
    let why = refusal(alone);
    assert!(why.contains("undefined variable `a`"), "{why}");
    assert!(
        why.contains("nothing else defines `a`: write `${a:-…}`"),
        "{why}"
    );
}

#[test]
fn a_variable_does_not_change_the_path_of_a_url() {
    let url = |vars: &str, url: &str| {
        let text = format!("vars: {{ {vars} }}\nrequest: \"{url}\"\nexpect: {{ status: 200 }}\n");
        let spec = spec(&text);
        let Trigger::Request(request) = spec.steps[0].trigger(&spec.scope()).unwrap() else {
            panic!("no request")
        };
        request.url.to_string()
    };
    assert_eq!(
        url("id: \"a/b?c#d e\"", "http://a/orders/${url(id)}/lines"),
        "http://a/orders/a%2Fb%3Fc%23d%20e/lines"
    );
    let base = "base: \"http://a/v1/../v2\", path: v1.0/x..y";
    assert_eq!(
        url(base, "POST ${base}/${path}?q=.."),
        "http://a/v2/v1.0/x..y?q=.."
    );
    assert_eq!(url("id: \".\"", "http://a/b/x${id}"), "http://a/b/x.");
    assert_eq!(url("q: 'a\\b..'", "http://a/?q=${q}"), "http://a/?q=a\\b..");
    assert_eq!(url("base: \"http://a/b#c\"", "${base}"), "http://a/b#c");
    for (vars, written, sent) in [
        (
            "base: 'http://a/b?c=1&d=2'",
            "${base}",
            "http://a/b?c=1&d=2",
        ),
        (
            "base: 'http://a/b?c=1'",
            "${base}&d=2",
            "http://a/b?c=1&d=2",
        ),
        (
            "next: '/b?c=1&d=2'",
            "http://a${next}",
            "http://a/b?c=1&d=2",
        ),
        (
            "base: 'http://a/v1', next: '/b?c=1'",
            "${base}${next}",
            "http://a/v1/b?c=1",
        ),
        (
            "query: 'c=1&d=2'",
            "http://a/b?${query}",
            "http://a/b?c=1&d=2",
        ),
        (
            "q: 'c=1&d'",
            "http://a/b?x=${url(q)}&y=2",
            "http://a/b?x=c%3D1%26d&y=2",
        ),
        (
            "q: 'c=?1'",
            "http://a/b?x=${q}&y=2",
            "http://a/b?x=c=?1&y=2",
        ),
        (
            "pair: 'c=1'",
            "http://a/b?${pair}&y=2",
            "http://a/b?c=1&y=2",
        ),
        ("id: 'a&b=c'", "http://a/${id}", "http://a/a&b=c"),
    ] {
        assert_eq!(url(vars, written), sent, "{vars} {written}");
    }
    let orders = "http://a/orders/${id}";
    for (vars, url, what) in [
        ("id: \"a#b\"", orders, "contains `#`"),
        ("id: \"../admin\"", orders, "makes the segment `..`"),
        ("id: '%2E%2e'", orders, "makes the segment `%2E%2e`"),
        ("id: '.%2e'", orders, "makes the segment `.%2e`"),
        ("id: '. '", orders, "makes the segment `.`"),
        (
            "id: '.'",
            "http://a/b/${id}${id}/c",
            "makes the segment `..`",
        ),
        (
            "id: '%2e'",
            "GET http://a/b/.${id}?c",
            "makes the segment `.%2e`",
        ),
        (
            "id: '..'",
            "http://a/b/${url(id)}",
            "makes the segment `..`",
        ),
        ("id: \"a\\\\b\"", orders, "contains `\\\\`"),
        ("id: \"a\\nb\"", orders, "contains `\\n`"),
        ("id: \"a#b\"", "GET http://a/?q=hello ${id}", "contains `#`"),
        ("base: \"http://a/#\"", "${base}/orders", "contains `#`"),
        (
            "base: \"http://a/b/.\"",
            "${base}./c",
            "makes the segment `..`",
        ),
    ] {
        let text = format!("vars: {{ {vars} }}\nrequest: \"{url}\"\nexpect: {{ status: 200 }}\n");
        let why = refusal(&text);
        let effect = match what.contains('#') {
            true => "cuts the URL",
            false => "changes the path",
        };
        let expected = format!("a variable in this URL {what}, which {effect}");
        assert!(why.contains(&expected), "{vars} {url}: {why}");
    }
}

#[test]
fn a_variable_does_not_add_a_query_or_a_parameter_to_a_url() {
    for (vars, url, what) in [
        (
            "id: 'a?b=1'",
            "http://a/orders/${id}",
            "`?`, which begins a query",
        ),
        (
            "id: 'a?b=1'",
            "http://a/orders/${id}/lines?c=2",
            "`?`, which begins a query",
        ),
        (
            "base: 'http://a/b?c=1'",
            "${base}/orders",
            "`?`, which makes the rest of the URL a query",
        ),
        (
            "q: 'a&b=1'",
            "http://a/?q=${q}",
            "`&`, which begins another parameter",
        ),
        (
            "q: 'a&b=1'",
            "GET http://a/?q=${q}&c=2",
            "`&`, which begins another parameter",
        ),
        (
            "p: 'a=1&b'",
            "http://a/?${p}&c=2",
            "`&`, which begins another parameter",
        ),
        (
            "name: 'a=1'",
            "http://a/?${name}=2",
            "`=`, which ends the name of the parameter",
        ),
    ] {
        let text = format!("vars: {{ {vars} }}\nrequest: \"{url}\"\nexpect: {{ status: 200 }}\n");
        let why = refusal(&text);
        let expected = format!("a variable in this URL contains {what}");
        assert!(why.contains(&expected), "{vars} {url}: {why}");
    }
}

#[test]
fn white_space_at_the_end_of_a_url_is_not_a_part_of_it() {
    for (vars, url) in [
        ("x: ''", "http://a/b ${x}"),
        ("x: ' '", "http://a/b${x}"),
        ("x: ' ', y: ''", "http://a/b${x}${y}"),
        ("x: ''", "GET http://a/b ${x}"),
    ] {
        let text = format!("vars: {{ {vars} }}\nrequest: \"{url}\"\nexpect: {{ status: 200 }}\n");
        let spec = spec(&text);
        let trigger = spec.steps[0].trigger(&spec.scope()).unwrap();
        let Trigger::Request(request) = trigger else {
            panic!("no request");
        };
        assert_eq!(request.url.as_str(), "http://a/b", "{vars} {url}");
    }
    let no_host =
        "vars: { x: ' ', y: '' }\nrequest: { get: \"http://${x}${y}\" }\nexpect: { status: 200 }\n";
    let why = refusal(no_host);
    assert!(why.contains("empty host"), "{why}");
    let no_url = "vars: { x: '' }\nrequest: \"GET ${x}\"\nexpect: { status: 200 }\n";
    let why = refusal(no_url);
    assert!(why.contains("invalid URL"), "{why}");
}

#[test]
fn errors_in_variables_that_nothing_uses_are_reported() {
    let with = |vars: &str| {
        format!(
            "vars: {{ {vars} }}\nrequest: http://a/\ncapture: {{ id: $.id }}\nexpect: {{ status: 200 }}\n"
        )
    };
    assert!(refusal(&with("a: \"${nowhere}\"")).contains("undefined variable `nowhere`"));
    assert!(refusal(&with("a: 010")).contains("`010` is ambiguous"));
    let fine = with("a: \"x${id}\", b: \"${b:-1}\", c: { d: [\"${uuid()}\"] }");
    spec(&fine);
}

#[test]
fn a_time_can_have_a_distance() {
    let time = |text: &str| -> jiff::Timestamp {
        let value = filled("", &format!("\"${{now({text})}}\""));
        value.as_str().unwrap().parse().unwrap()
    };
    let hours = |text: &str| time(text).duration_since(time("")).as_secs_f64() / 3_600.0;
    assert!((hours("-1d") + 24.0).abs() < 0.1);
    assert!((hours("+90m") - 1.5).abs() < 0.1);
    for distance in ["1d", "-9223372036854775808s"] {
        let json = format!("${{now({distance})}}");
        let text = format!(
            "request: {{ post: http://a/, json: \"{json}\" }}\nexpect: {{ status: 200 }}\n"
        );
        assert!(refusal(&text).contains("write `${now(-1d)}` or `${now(+30m)}`"));
    }
}

#[test]
fn the_outer_value_of_a_secret_is_secret_too() {
    let globals = Globals {
        environment: texts(&[("token", "hunter2")]),
        secrets: ["token".to_owned()].into(),
        ..Globals::default()
    };
    let spec = read_with(
        globals,
        "vars: { token: \"Bearer ${token}\" }\nrequest: http://a/\nexpect: { status: 200 }\n",
    );
    let secrets: BTreeSet<String> = spec.scope().secrets().into_iter().collect();
    assert!(secrets.iter().eq(["Bearer hunter2", "hunter2"]));
}

#[test]
fn an_empty_text_has_the_default() {
    assert_eq!(filled("x: \"\"", "\"${x:-none}${y:-}\""), "none");
    assert_eq!(filled("x: 0", "\"${x:-none}\""), 0);
}

#[test]
fn a_name_is_looked_up_from_the_nearest_place_outwards() {
    let globals =
        |arguments: &[(&str, &str)], file: &[(&str, &str)], environment: &[(&str, &str)]| Globals {
            arguments: texts(arguments),
            file: file
                .iter()
                .map(|(a, b)| ((*a).to_owned(), Value::from(*b)))
                .collect(),
            environment: texts(environment),
            ..Globals::default()
        };
    let with = |globals, vars: &str| {
        body_of(&read_with(
            globals,
            &format!(
                "vars: {{ {vars} }}\nrequest: {{ post: http://a/, json: \"${{x}}\" }}\nexpect: {{ status: 200 }}\n"
            ),
        ))
    };
    let all: &[(&str, &str)] = &[("x", "argument")];
    let file: &[(&str, &str)] = &[("x", "file")];
    let environment: &[(&str, &str)] = &[("x", "environment")];
    assert_eq!(with(globals(all, file, environment), "x: vars"), "argument");
    assert_eq!(with(globals(&[], file, environment), "x: vars"), "file");
    assert_eq!(with(globals(&[], &[], environment), "x: vars"), "vars");
    assert_eq!(
        with(globals(&[], &[], environment), "y: vars"),
        "environment"
    );
}

#[test]
fn the_matrix_comes_before_all_others() {
    let globals = Globals {
        arguments: texts(&[("x", "argument")]),
        ..Globals::default()
    };
    let text = "matrix: { x: [case] }\nvars: { x: vars }\nrequest: { post: http://a/, json: \"${x}\" }\nexpect: { status: 200 }\n";
    assert_eq!(body_of(&read_with(globals, text)), "case");
}

#[test]
fn a_value_that_is_exactly_one_variable_has_its_type_quoted_or_not() {
    let json = filled(
        "n: 2, t: \"2\", b: true, l: [1, a], z: null",
        "{ a: \"${n}\", b: \"${t}\", c: \"${b}\", d: \"${l}\", e: \"${z}\", f: \"<${n}>\" }",
    );
    assert_eq!(
        json,
        serde_json::json!({"a": 2, "b": "2", "c": true, "d": [1, "a"], "e": null, "f": "<2>"})
    );
    assert_eq!(
        filled("n: 2", "\n    a: ${n}\n"),
        serde_json::json!({"a": 2})
    );
}

#[test]
fn arguments_and_the_environment_are_text() {
    let globals = Globals {
        arguments: texts(&[("a", "2")]),
        environment: texts(&[("b", "true")]),
        ..Globals::default()
    };
    let text = "request: { post: http://a/, json: [\"${a}\", \"${b}\", \"${number(a)}\"] }\nexpect: { status: 200 }\n";
    assert_eq!(
        body_of(&read_with(globals, text)),
        serde_json::json!(["2", "true", 2])
    );
}

#[test]
fn where_a_place_has_a_type_text_is_read_as_if_written_there() {
    let globals = Globals {
        arguments: texts(&[("status", "2xx"), ("n", "1.."), ("t", "< 3s")]),
        ..Globals::default()
    };
    let text = "request: GET http://a/\nexpect: { status: \"${status}\", span_count: \"${n}\", trace_duration: \"${t}\" }\n";
    let spec = read_with(globals, text);
    let expect = spec.steps[0].expect(&spec.scope()).unwrap();
    let judged = outcomes(&expect, &Response::Http(http()), Some(&super::shop()));
    assert!(
        judged.iter().all(|one| one.outcome == Outcome::Pass),
        "{judged:?}"
    );
}

#[test]
fn defaults_stand_in_for_what_is_missing() {
    assert_eq!(filled("y: 1", "\"${x:-none}\""), "none");
    assert_eq!(filled("y: 1", "\"${x:-}\""), "");
    assert_eq!(filled("y: 1", "\"${x:-a${y}b}\""), "a1b");
    assert_eq!(filled("x: 1", "\"${x:-none}\""), 1);
}

#[test]
fn two_dollars_are_a_literal_one() {
    assert_eq!(
        filled("x: 1", "[\"$${x}\", \"$5\", \"a$${x}b${x}\"]"),
        serde_json::json!(["${x}", "$5", "a${x}b1"])
    );
}

#[test]
fn variables_may_hold_variables() {
    assert_eq!(
        filled("a: \"${b}\", b: [\"${c}\"], c: 3", "\"${a}\""),
        serde_json::json!([3])
    );
}

#[test]
fn substitution_comes_after_yaml_and_in_scalars_only() {
    let globals = Globals {
        arguments: texts(&[("x", "a: [1], b # c")]),
        ..Globals::default()
    };
    let text = "request: { post: http://a/, json: { k: \"${x}\" } }\nexpect: { status: 200 }\n";
    assert_eq!(
        body_of(&read_with(globals, text)),
        serde_json::json!({"k": "a: [1], b # c"})
    );
    assert!(
        refusal("request: GET http://a/\nexpect: { json: { \"$.${x}\": 1 } }\n")
            .contains("JSONPath")
    );
}

#[test]
fn each_of_many_requests_has_values_of_its_own_but_shares_the_vars() {
    let spec = spec(
        "vars: { run: \"${uuid()}\" }\nrequest:\n  post: http://a/\n  json: [\"${uuid()}\", \"${run}\"]\nexpect: { status: 200 }\n",
    );
    let scope = spec.scope();
    let fired = || {
        let trigger = spec.steps[0].trigger(&scope.for_repeat()).unwrap();
        json_of(trigger)
    };
    let (first, second) = (fired(), fired());
    assert_ne!(first[0], second[0]);
    assert_eq!(first[1], second[1]);
}

#[test]
fn functions_are_evaluated_once_an_occurrence_and_attempt() {
    let spec = spec(
        "vars: { v: \"${uuid()}\" }\nrequest:\n  post: http://a/\n  json: [\"${uuid()}\", \"${uuid()}\", \"${random(1,100)}\", \"${v}\", \"${v}\"]\nexpect: { status: 200 }\n",
    );
    let scope = spec.scope();
    let body = |scope| {
        let Trigger::Request(request) = spec.steps[0].trigger(scope).unwrap() else {
            panic!()
        };
        match request.body {
            Body::Json(json) => json.to_json(),
            other => panic!("{other:?}"),
        }
    };
    let (first, again, other) = (body(&scope), body(&scope), body(&spec.scope()));
    assert_eq!(first, again);
    assert_ne!(first[0], other[0]);
    assert_ne!(first[0], first[1]);
    assert_eq!(first[3], first[4]);
    assert!((1..=100).contains(&first[2].as_i64().unwrap()));
}

#[test]
fn now_is_rfc_3339_in_utc() {
    let now = filled("x: 1", "\"${now()}\"");
    assert!(now.as_str().unwrap().ends_with('Z'), "{now}");
    assert!(
        now.as_str().unwrap().parse::<jiff::Timestamp>().is_ok(),
        "{now}"
    );
}

#[test]
fn number_and_text_change_the_type() {
    assert_eq!(
        filled("a: \"42\", b: 42", "[\"${number(a)}\", \"${text(b)}\"]"),
        serde_json::json!([42, "42"])
    );
    let text = "vars: { a: x }\nrequest: { post: http://a/, json: \"${number(a)}\" }\nexpect: { status: 200 }\n";
    assert!(refusal(text).contains("`number(a)` is not a number"));
}

#[test]
fn the_trace_id_is_known_to_the_step_that_fires() {
    let spec =
        spec("request: { post: http://a/, json: \"${trace_id}\" }\nexpect: { status: 200 }\n");
    let mut scope = spec.scope();
    scope.set_trace_id(super::trace_id());
    let Trigger::Request(request) = spec.steps[0].trigger(&scope).unwrap() else {
        panic!()
    };
    assert_eq!(request.body, Body::Json("01".repeat(16).into()));
}

/// Returns `true` if an attribute of this value meets a matcher with the captured variable `x`.
fn meets_captured(matcher: &str, captured: Value, value: Value) -> bool {
    let spec = spec(&format!(
        "request: GET http://a/\ncapture: {{ x: $.x }}\nexpect:\n  spans:\n    - find: a\n      attributes:\n        k: {matcher}\n"
    ));
    let mut scope = spec.scope();
    scope.set("x", captured);
    let expect = spec.steps[0].expect(&scope).unwrap();
    let span = Span {
        attributes: [("k", value)].into_iter().collect(),
        ..span(1, 0, "s", "a", 0, 1)
    };
    let judged = outcomes(&expect, &Response::Http(http()), Some(&trace([span])));
    judged.iter().all(|one| one.outcome == Outcome::Pass)
}

#[test]
fn a_shell_is_given_the_variables_of_its_environment() {
    let steps =
        "steps:\n  - { request: http://a/, capture: { id: $.id }, expect: { status: 200 } }\n";
    for command in [
        "sh -c \"exec node $NODE_OPTS ${id}\"",
        "/bin/bash -c \"echo $HOME\"",
        "docker compose exec -T db sh -c \"psql -U $POSTGRES_USER\"",
        "sh -c \"echo $${TRACEPARENT}\"",
        "cut -d ${SEP:-|} a",
    ] {
        let text = format!("{steps}  - run: '{command}'\n    expect: {{ exit_code: 0 }}\n");
        assert_eq!(spec(&text).steps.len(), 2, "{command}");
    }
}

#[test]
fn a_captured_value_has_a_type_that_is_not_known_before() {
    let list = || Value::Array(vec![1.into()]);
    for matcher in [
        "{ type: array, includes: \"${x}\" }",
        "{ type: array, equals: \"${x}\" }",
        "{ length: 1, equals: \"${x}\" }",
    ] {
        assert!(meets_captured(matcher, list(), list()), "{matcher}");
    }
    let number = "{ type: \"${x}\", gt: 1 }";
    assert!(meets_captured(number, "int".into(), 2.into()));
    let never = "request: http://a/\ncapture: { x: $.x }\nexpect:\n  json: { $.a: { type: int, starts_with: \"${x}\" } }\n";
    assert!(refusal(never).contains("no value meets both"));
}

#[test]
fn a_captured_word_or_range_is_a_plain_value() {
    for text in ["exists", "absent", "1..", "=~ .", "< 3", "null", "42"] {
        assert!(meets_captured("${x}", text.into(), text.into()), "{text}");
        assert!(!meets_captured("${x}", text.into(), 2.into()), "{text}");
    }
}

#[test]
fn a_captured_value_keeps_its_type_in_a_matcher() {
    assert!(meets_captured("${x}", 42.into(), 42.into()));
    assert!(!meets_captured("${x}", 42.into(), "42".into()));
    assert!(meets_captured("\"${x}\"", 42.into(), 42.0.into()));
    assert!(meets_captured("${text(x)}", 42.into(), "42".into()));
    assert!(meets_captured("o-${x}", 42.into(), "o-42".into()));
    assert!(meets_captured("< ${x}", 42.into(), 41.into()));
    assert!(meets_captured("1..${x}", 42.into(), 42.into()));
    assert!(
        meets_captured("=~ ^${x}$", "o.7".into(), "o-7".into()),
        "it is a part of the expression"
    );
}

#[test]
fn expect_may_use_the_captures_of_its_own_spec_and_waits_for_them() {
    let spec = spec(
        "request: GET http://a/\ncapture: { x: $.x }\nexpect: { status: 201, json: { $.order.id: \"${x}\" } }\n",
    );
    let mut scope = spec.scope();
    scope.expect("x");
    let judged = outcomes(
        &spec.steps[0].expect(&scope).unwrap(),
        &Response::Http(http()),
        None,
    );
    assert_eq!(judged[0].outcome, Outcome::Pass);
    assert!(matches!(judged[1].outcome, Outcome::Unjudged(_)));
    scope.set("x", "o-1".into());
    let judged = outcomes(
        &spec.steps[0].expect(&scope).unwrap(),
        &Response::Http(http()),
        None,
    );
    assert_eq!(judged[1].outcome, Outcome::Pass);
}

#[test]
fn a_capture_that_hides_another_name_is_refused() {
    for (vars, hidden) in [
        ("vars: { x: 1 }", "one of the spec's `vars`"),
        ("matrix: { x: [1] }", "a variable of the matrix"),
    ] {
        let text = format!(
            "{vars}\nrequest: GET http://a/\ncapture: {{ x: $.x }}\nexpect: {{ status: 200 }}\n"
        );
        assert!(refusal(&text).contains(hidden), "{hidden}");
    }
}
