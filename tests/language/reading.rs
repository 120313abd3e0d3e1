//! Triggers, steps, matrix and the other keys of a file.

use std::time::Duration;

use spanspec::internal::spec::{Body, Command, GraphQl, PartContent, Request, Trigger, Wait};
use spanspec::{Context, Source, Spec};

use super::{folder, read, refusal, spec};

fn trigger(text: &str) -> Trigger {
    let expect = if text.starts_with("trace_id") {
        "errors: 0"
    } else {
        "response_time: < 1h"
    };
    let spec = spec(&format!("{text}\nexpect: {{ {expect} }}\n"));
    spec.steps[0].trigger(&spec.scope()).unwrap()
}

fn request(text: &str) -> Request {
    match trigger(text) {
        Trigger::Request(request) => *request,
        other => panic!("{other:?}"),
    }
}

fn command(text: &str) -> Command {
    match trigger(text) {
        Trigger::Run(command) => command,
        other => panic!("{other:?}"),
    }
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected
        .iter()
        .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
        .collect()
}

#[test]
fn the_short_form_is_a_method_and_a_url() {
    let short = request("request: DELETE http://127.0.0.1:80/orders/7");
    assert_eq!(
        (short.method.as_str(), short.url.as_str()),
        ("DELETE", "http://127.0.0.1/orders/7")
    );
    assert_eq!(
        (short.body, short.redirects, short.propagation.sampled),
        (Body::None, 0, true)
    );
    assert_eq!(request("request: http://a/").method, "GET");
}

#[test]
fn each_method_is_a_key_and_others_have_two() {
    for method in ["get", "post", "put", "patch", "delete", "head", "options"] {
        let one = request(&format!("request: {{ {method}: http://a/ }}"));
        assert_eq!(one.method.as_str(), method.to_ascii_uppercase());
    }
    assert_eq!(
        request("request: { method: PURGE, url: http://a/ }")
            .method
            .as_str(),
        "PURGE"
    );
}

#[test]
fn a_request_has_headers_query_and_switches() {
    let full = request(
        "request:\n  get: http://a/?x=1\n  headers: { accept: [a, b], n: 010 }\n  query: { page: 2, tag: [x, y] }\n  timeout: 10s\n  redirects: 3\n  sampled: false\n  tracestate: vendor=1\n  tls: { verify: false }",
    );
    let headers: Vec<_> = full
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
        .collect();
    assert_eq!(headers, [("accept", "a"), ("accept", "b"), ("n", "010")]);
    assert_eq!(
        full.query,
        pairs(&[("page", "2"), ("tag", "x"), ("tag", "y")])
    );
    assert_eq!(
        (full.timeout, full.redirects, full.propagation.sampled),
        (Some(Duration::from_secs(10)), 3, false)
    );
    assert_eq!(full.propagation.trace_state.as_deref(), Some("vendor=1"));
    assert!(!full.tls.verify && full.url.query() == Some("x=1"));
}

fn graphql(text: &str) -> GraphQl {
    let text = format!("graphql:\n  url: http://a/graphql\n  {text}");
    match trigger(&text) {
        Trigger::GraphQl(graphql) => *graphql,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_graphql_operation_is_a_request_with_its_query_and_variables() {
    let operation = graphql(
        "query: \"query Order($id: ID!) { order(id: $id) { id } }\"\n  variables: { id: 17 }\n  operation: Order",
    );
    assert_eq!(operation.title, "query Order");
    let request = operation.request;
    assert_eq!(
        (request.method.as_str(), request.url.path()),
        ("POST", "/graphql")
    );
    let accept: Vec<_> = request
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
        .collect();
    assert_eq!(
        accept,
        [(
            "accept",
            "application/graphql-response+json, application/json;q=0.9"
        )]
    );
    assert_eq!(
        request.body,
        Body::Json(
            serde_json::json!({
                "query": "query Order($id: ID!) { order(id: $id) { id } }",
                "operationName": "Order",
                "variables": { "id": 17 },
            })
            .into()
        )
    );
}

#[test]
fn a_query_of_a_file_can_be_sent_in_the_url() {
    let operation = graphql(
        "query: { file: orders.graphql }\n  variables: { n: 2 }\n  method: GET\n  headers: { accept: application/json }",
    );
    let (title, request) = (operation.title, operation.request);
    assert_eq!((title.as_str(), request.method.as_str()), ("query", "GET"));
    assert_eq!(request.body, Body::None);
    assert_eq!(
        request.query,
        pairs(&[
            ("query", "query ($n: Int) { orders(first: $n) { id } }\n"),
            ("variables", "{\"n\":2}")
        ])
    );
    assert_eq!(request.headers.len(), 1);
}

#[test]
fn an_error_in_a_file_with_a_query_is_at_its_place_there() {
    let text =
        "graphql: { url: \"http://a/\", query: { file: wrong.graphql } }\nexpect: { errors: 0 }\n";
    assert_eq!(
        refusal(text),
        "wrong.graphql:3:17: invalid GraphQL: expected `)`, found `{` (correct the query)"
    );
}

#[test]
fn the_values_of_baggage_are_encoded() {
    let baggage = |text: &str| {
        request(&format!(
            "request: {{ get: \"http://a/\", baggage: {text} }}"
        ))
        .propagation
        .baggage
        .unwrap()
    };
    assert_eq!(
        baggage("{ tenant: acme, user.name: \"Zoë, a+b=c;d\", n: 010 }"),
        "tenant=acme,user.name=Zo%C3%AB%2C%20a%2Bb%3Dc%3Bd,n=010"
    );
    let command = command("run: { command: ls, baggage: { tenant: acme } }");
    assert_eq!(command.propagation.baggage.as_deref(), Some("tenant=acme"));
}

#[test]
fn a_body_is_json_text_a_file_a_form_or_parts() {
    let body = |text: &str| request(&format!("request:\n  post: http://a/\n  {text}")).body;
    assert_eq!(
        body("json: { sku: A1, n: 2, no: NO, list: [1.5, null, true, \"1\"] }"),
        Body::Json(
            serde_json::json!({"sku": "A1", "n": 2, "no": "NO", "list": [1.5, null, true, "1"]})
                .into()
        )
    );
    assert_eq!(body("body: 010"), Body::Text("010".to_owned()));
    assert_eq!(
        body("body: |\n    a\n    b"),
        Body::Text("a\nb\n".to_owned())
    );
    assert_eq!(
        body("body_file: tab.yaml"),
        Body::File(folder().join("tab.yaml"))
    );
    assert_eq!(
        body("form: { a: 1, b: [x, y] }"),
        Body::Form(pairs(&[("a", "1"), ("b", "x"), ("b", "y")]))
    );
    let Body::Multipart(parts) = body(
        "multipart: [{ name: a, text: x }, { name: f, file: tab.yaml, content_type: text/plain }]",
    ) else {
        panic!("no parts")
    };
    assert_eq!(parts[0].content, PartContent::Text("x".to_owned()));
    assert_eq!(
        parts[1].content,
        PartContent::File(folder().join("tab.yaml"))
    );
    assert_eq!(parts[1].content_type.as_deref(), Some("text/plain"));
}

#[test]
fn a_command_is_split_into_words_and_knows_no_shell() {
    let words = |text: &str| command(text).words;
    assert_eq!(
        words("run: npx test \"a b\" '$HOME' a|b"),
        ["npx", "test", "a b", "$HOME", "a|b"]
    );
    assert_eq!(words("run: [echo, a b, \"*\"]"), ["echo", "a b", "*"]);
}

#[test]
fn a_command_has_an_environment_a_folder_and_a_time() {
    let full = command(
        "run: { command: ls -l, env: { N: 010, B: yes }, dir: sub, timeout: 60s, sampled: false, tracestate: v=1 }",
    );
    assert_eq!(full.words, ["ls", "-l"]);
    assert_eq!(full.env, pairs(&[("N", "010"), ("B", "yes")]));
    assert_eq!(
        (full.dir, full.timeout),
        (folder().join("sub"), Some(Duration::from_secs(60)))
    );
    assert!(!full.propagation.sampled && full.propagation.trace_state.as_deref() == Some("v=1"));
}

#[test]
fn a_trace_that_exists_is_named_by_its_id() {
    let id = "4bf92f3577b34da6a3ce929d0e0e4736";
    let existing = trigger(&format!("trace_id: {id}")).existing_trace();
    assert_eq!(existing, Some(id.parse().unwrap()));
    assert!(
        refusal("trace_id: 00000000000000000000000000000000\nexpect: { errors: 0 }\n")
            .contains("trace id")
    );
}

#[test]
fn a_traceparent_of_the_users_own_is_refused() {
    let text =
        "request: { get: http://a/, headers: { TraceParent: x } }\nexpect: { status: 200 }\n";
    assert!(refusal(text).contains("`TraceParent` cannot be set"));
}

#[test]
fn a_name_defaults_to_the_stem_of_the_file() {
    assert_eq!(
        spec("request: GET http://a/\nexpect: { status: 200 }\n").name,
        "place-order"
    );
    assert_eq!(
        spec("name: 010\nrequest: GET http://a/\nexpect: { status: 200 }\n").name,
        "010"
    );
}

#[test]
fn documents_are_kept_apart() {
    let specs = read(
        "name: a\nrequest: GET http://a/\nexpect: { status: 200 }\n---\nname: b\nrequest: GET http://b/\nexpect: { status: 200 }\n",
    );
    let names: Vec<_> = specs
        .iter()
        .map(|spec| (spec.name.as_str(), spec.at.line()))
        .collect();
    assert_eq!(names, [("a", 1), ("b", 5)]);
}

#[test]
fn the_small_keys_are_read() {
    let one = spec(
        "name: a\ndescription: why\ntags: [slow, pay]\nskip: until Monday\nlock: cart\nrequest: GET http://a/\nexpect: { status: 200 }\n",
    );
    assert_eq!(one.description.as_deref(), Some("why"));
    assert_eq!(
        (
            one.tags.as_slice(),
            one.skip.as_deref(),
            one.lock.as_deref()
        ),
        (
            &["slow".to_owned(), "pay".to_owned()][..],
            Some("until Monday"),
            Some("cart")
        )
    );
    assert_eq!(
        spec("tags: slow\nrequest: GET http://a/\nexpect: { status: 200 }\n").tags,
        ["slow"]
    );
}

const WAIT: &str = "wait: { timeout: 5s, tail: 1s, flush: 100ms }";

#[test]
fn wait_is_read_and_what_it_does_not_say_is_the_projects() {
    let seconds = |n| Some(Duration::from_secs(n));
    let whole = spec(&format!(
        "request: GET http://a/\n{WAIT}\nexpect: {{ errors: 0 }}\n"
    ));
    assert_eq!(
        whole.steps[0].wait,
        Wait {
            timeout: seconds(5),
            tail: seconds(1),
            flush: Some(Duration::from_millis(100)),
            metrics: None,
        }
    );
    let mut context = Context::default();
    context.defaults.wait.timeout = seconds(9);
    context.defaults.request_timeout = seconds(3);
    let text = "request: GET http://a/\nwait: { tail: 1s }\nexpect: { errors: 0 }\n";
    let spec = Spec::read_all(&Source::new("a.yaml", text), &folder(), &context)
        .unwrap()
        .remove(0);
    assert_eq!(
        spec.steps[0].wait,
        Wait {
            timeout: seconds(9),
            tail: seconds(1),
            flush: None,
            metrics: None,
        }
    );
    let Trigger::Request(request) = spec.steps[0].trigger(&spec.scope()).unwrap() else {
        panic!()
    };
    assert_eq!(request.timeout, seconds(3));
}

#[test]
fn steps_stand_in_order_each_with_a_trigger_and_an_expect_of_its_own() {
    let two = spec(
        "wait: { tail: 1s }\nsteps:\n  - name: place\n    request: POST http://a/\n    capture: { id: $.id }\n    expect: { status: 201, errors: 0 }\n  - run: check ${id}\n    wait: { tail: 2s }\n    expect: { stdout: \"${id}\" }\n",
    );
    let named: Vec<_> = two
        .steps
        .iter()
        .map(|step| (step.name.as_deref(), step.is_about_trace, step.wait.tail))
        .collect();
    assert_eq!(
        named,
        [
            (Some("place"), true, Some(Duration::from_secs(1))),
            (None, false, Some(Duration::from_secs(2)))
        ]
    );
}

#[test]
fn setup_and_teardown_are_steps_without_trace_checks() {
    let seeded = spec(
        "setup:\n  - { request: POST http://a/, capture: { id: $.id } }\nrequest: GET http://a/${id}\nexpect: { status: 200 }\nteardown:\n  - { request: \"DELETE http://a/${id}\", expect: { status: 204 } }\n",
    );
    assert_eq!(
        (
            seeded.setup.len(),
            seeded.steps.len(),
            seeded.teardown.len()
        ),
        (1, 1, 1)
    );
    assert_eq!(seeded.all_steps().count(), 3);
    let setup = seeded.setup[0].expect(&seeded.scope()).unwrap();
    assert_eq!(
        setup.checks.len(),
        1,
        "a request of setup must not be refused"
    );
}

#[test]
fn a_spec_that_asks_nothing_of_the_trace_waits_for_none() {
    let about_trace =
        |text: &str| spec(&format!("request: GET http://a/\n{text}")).steps[0].is_about_trace;
    assert!(!about_trace(
        "expect: { status: 200, response_time: < 1s, json: { $.a: 1 } }\n"
    ));
    assert!(about_trace("expect: { errors: 0 }\n") && about_trace("expect: { spans: [a] }\n"));
    assert!(about_trace(
        "capture: { p: { find: a, attribute: b } }\nexpect: { status: 200 }\n"
    ));
}

#[test]
fn a_matrix_of_lists_is_every_combination() {
    let cases = read(
        "name: order\nmatrix: { sku: [A1, B2], n: [1, 2] }\nrequest: GET http://a/${sku}/${n}\nexpect: { status: 200 }\n",
    );
    let names: Vec<_> = cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "order [sku=A1, n=1]",
            "order [sku=A1, n=2]",
            "order [sku=B2, n=1]",
            "order [sku=B2, n=2]"
        ]
    );
    let Trigger::Request(last) = cases[3].steps[0].trigger(&cases[3].scope()).unwrap() else {
        panic!()
    };
    assert_eq!(last.url.path(), "/B2/2");
}

#[test]
fn a_matrix_of_maps_is_one_case_a_map() {
    let cases = read(
        "name: order\nmatrix: [{ sku: A1, want: 201 }, { sku: B2, want: 409 }]\nrequest: GET http://a/${sku}\nexpect: { status: \"${want}\" }\n",
    );
    let names: Vec<_> = cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(
        names,
        ["order [sku=A1, want=201]", "order [sku=B2, want=409]"]
    );
}

#[test]
fn strings_that_are_nearly_matchers_can_be_written() {
    let text = r#"
request: GET http://127.0.0.1:1/
expect:
  headers: { a: "exist", b: { equals: "!= 3" }, c: { not: "missing" }, d: { equals: "^x" } }
  json:
    $.a: { equals: exists }
    $.b: { not: { includes: { a: "exists" } } }
    $.c: not found
    $.d: GET /orders/*
    $.e: existence
    $.f: ==> done
    $.g: /orders/
  spans:
    - present
    - find: { name: missing, attributes: { a: "present" } }
      count: 0
"#;
    spec(text);
}
