use std::path::Path;

use super::super::{CheckRef, Evidence, Outcome, judge};
use super::*;
use crate::spec::{Context, Source, Spec};
use crate::trace::{
    Attributes, Event, HttpResponse, Origin, Resource, Response, Span, SpanId, Trace, TraceId,
};

fn span(number: u8, parent: u8, service: &str, name: &str) -> Span {
    let id = |number: u8| SpanId::from_bytes([number; 8]);
    let attributes: Attributes = [("service.name", service)].into_iter().collect();
    let start = 1_000_000 * u64::from(number);
    Span {
        parent_id: id(parent),
        start,
        end: start + 500_000,
        resource: Resource { attributes }.into(),
        ..Span::new(
            TraceId::from_bytes([1; 16]).unwrap(),
            id(number).unwrap(),
            name,
        )
    }
}

/// `get /stock/1` of gateway calls `select` of inventory, as Zipkin stores them.
fn lower_cased() -> Trace {
    let attributes = [
        ("http.request.method", "GET"),
        ("service.version", "2.4.0"),
        ("host.name", "a"),
        ("net.peer.port", "80"),
        ("order.id", "o1"),
        ("http.response.status_code", "200"),
        ("http.status_code", "200"),
    ];
    let entry = Span {
        attributes: attributes.into_iter().collect(),
        ..span(1, 9, "gateway", "get /stock/1")
    };
    let losses = [
        Field::NameCase,
        Field::AttributeOrigin,
        Field::RewrittenAttributes,
        Field::Nanoseconds,
    ];
    let spans = [entry, span(2, 1, "Inventory", "select")];
    let trace = Trace::assemble(
        TraceId::from_bytes([1; 16]).unwrap(),
        Origin::Foreign,
        spans,
    );
    trace.with_losses(losses.into_iter().collect())
}

/// "pass", "fail" or the reason why it is unjudged, of the last check, for `lower_cased`.
fn verdict(expect: &str) -> String {
    verdict_of(&lower_cased(), expect)
}

fn verdict_of(trace: &Trace, expect: &str) -> String {
    let text = format!("request: GET http://a/\nexpect:\n  {expect}\n");
    let source = Source::new("a.yaml", text);
    let specs = Spec::read_all(&source, Path::new(""), &Context::default()).unwrap();
    let expect = specs[0].steps[0].expect(&specs[0].scope()).unwrap();
    let response = Response::Http(HttpResponse::default());
    let judged = judge(&expect, &Evidence::new(&response, Some(trace), true));
    let of_trace = judged
        .iter()
        .rfind(|one| !matches!(one.judged.check, CheckRef::Response(_)));
    match &of_trace.unwrap().judged.outcome {
        Outcome::Pass => "pass".to_owned(),
        Outcome::Fail(_) => "fail".to_owned(),
        Outcome::Unjudged(why) => why.to_string(),
    }
}

fn are(verdict_of_all: &str, all: &[&str]) {
    for expect in all {
        assert_eq!(verdict(expect), verdict_of_all, "{expect}");
    }
}

/// `pay`, as a backend stores it that keeps all values as strings.
fn typeless(expect: &str) -> String {
    let of_event = [("score", "0.5"), ("message", "card expired")];
    let event = Event {
        name: "checked".to_owned(),
        attributes: of_event.into_iter().collect(),
        ..Event::default()
    };
    let attributes = [
        ("status", "503"),
        ("word", "card"),
        ("tags", "[\"abc\"]"),
        ("flag", "true"),
    ];
    let pay = Span {
        attributes: attributes.into_iter().collect(),
        events: vec![event],
        ..span(1, 9, "payment", "pay")
    };
    let trace = Trace::assemble(
        TraceId::from_bytes([1; 16]).unwrap(),
        Origin::Foreign,
        [pay],
    );
    let losses = [Field::AttributeTypes].into_iter().collect();
    verdict_of(&trace.with_losses(losses), expect)
}

#[test]
fn a_string_that_can_be_the_text_of_another_value_is_judged_if_both_have_the_same_answer() {
    let lost = "the source of this trace does not provide the types of attribute values";
    for (expected, attributes) in [
        ("pass", "{ word: card }"),
        (
            "pass",
            "{ word: { contains: ar }, status: exists, other: absent }",
        ),
        ("pass", "{ status: { number: 503 } }"),
        ("fail", "{ status: 200 }"),
        ("fail", "{ status: < 500 }"),
        ("fail", "{ word: 3 }"),
        (lost, "{ status: 503 }"),
        (lost, "{ status: '503' }"),
        (lost, "{ status: =~ ^5 }"),
        (lost, "{ status: { not: 200 } }"),
        (lost, "{ status: { type: int } }"),
        (lost, "{ tags: { contains: b } }"),
        (lost, "{ flag: 'true' }"),
    ] {
        let spans = format!("spans: [{{ find: pay, attributes: {attributes} }}]");
        assert_eq!(typeless(&spans), expected, "{attributes}");
    }
    for (expected, spans) in [
        (
            "pass",
            "{ find: { attributes: { status: 200 } }, count: 0 }",
        ),
        (lost, "{ find: { attributes: { status: '503' } } }"),
        (lost, "{ find: { attributes: { status: 503 } }, count: 0 }"),
        (
            "pass",
            "{ find: pay, events: [{ name: checked, attributes: { message: =~ exp } }] }",
        ),
        (
            lost,
            "{ find: pay, events: [{ name: checked, attributes: { score: 0.5 } }] }",
        ),
        (
            lost,
            "{ find: pay, events: [{ name: checked, attributes: { score: '0.5' } }] }",
        ),
    ] {
        assert_eq!(typeless(&format!("spans: [{spans}]")), expected, "{spans}");
    }
}

#[test]
fn names_are_compared_without_letter_case_everywhere() {
    are(
        "pass",
        &[
            "spans: [GET /stock/1]",
            "spans: [{ find: { name: '=~ ^GET /stock/[^A-F]+$' } }]",
            "spans: [{ find: { name: { starts_with: GET }, service: GATEWAY } }]",
            "spans: [{ find: SELECT, below: { name: Get /Stock/1, service: Gateway } }]",
            "spans: [{ find: SELECT, service: INVENTORY }]",
            "services: [Gateway, inventory]",
            "edges: [GATEWAY -> inventory]",
            "sequence: [GET /stock/1, SELECT]",
        ],
    );
    are(
        "fail",
        &[
            "spans: [{ find: GET /stock/1, count: 0 }]",
            "spans: [{ find: { service: gateway }, name: { not: GET /stock/1 } }]",
            // `[^a-z ]` matches `GET`, so the name that was sent may match.
            "spans: [{ find: { name: '=~ ^[^a-z ]+ /' }, count: 0 }]",
            "spans: [{ find: { name: '=~ ^(?-i:GET) ' }, count: 0 }]",
            "services: [Stock]",
        ],
    );
}

#[test]
fn an_attribute_that_can_be_that_of_the_resource_is_not_judged() {
    let origin = "the source of this trace does not provide the difference between attributes of spans and of resources";
    are(
        origin,
        &[
            "spans: [{ find: GET /stock/1, attributes: { service.version: 2.4.0 } }]",
            "spans: [{ find: GET /stock/1, attributes: { host.name: absent } }]",
            "spans: [{ find: GET /stock/1, attributes: { host.name: { not: b } } }]",
            "spans: [{ find: { attributes: { host.name: exists } } }]",
            "spans: [{ find: { attributes: { host.name: b } }, count: 0 }]",
            "spans: [{ find: GET /stock/1, resource: { host.name: a } }]",
            "spans: [{ find: { resource: { host.name: b } }, count: 0 }]",
        ],
    );
    are(
        "pass",
        &[
            "spans: [{ find: GET /stock/1, attributes: { http.request.method: GET, order.id: o1 } }]",
            "spans: [{ find: GET /stock/1, attributes: { k8s.pod.name: absent, password: absent } }]",
            "spans: [{ find: { attributes: { k8s.pod.name: exists } }, count: 0 }]",
        ],
    );
    are(
        "fail",
        &[
            "spans: [{ find: GET /stock/1, attributes: { order.id: o2 } }]",
            "spans: [{ find: GET /stock/1, attributes: { k8s.pod.name: exists } }]",
        ],
    );
}

#[test]
fn attributes_that_the_format_keeps_elsewhere_are_not_judged() {
    for key in ["net.peer.port", "error", "otel.status_code", "peer.service"] {
        let expect = format!("spans: [{{ find: GET /stock/1, attributes: {{ {key}: absent }} }}]");
        let why = verdict(&expect);
        assert!(why.contains("keeps in fields of its own"), "{key}: {why}");
    }
    // The Collector writes a copy under the earlier name.
    let copied = verdict(
        "spans: [{ find: GET /stock/1, attributes: { http.status_code: { number: 200 } } }]",
    );
    assert!(copied.contains("keeps in fields of its own"), "{copied}");
    are(
        "pass",
        &["spans: [{ find: SELECT, attributes: { http.status_code: absent } }]"],
    );
}

#[test]
fn a_sum_of_values_that_can_be_strings_is_not_judged() {
    let lost = "the source of this trace does not provide the types of attribute values";
    assert_eq!(
        typeless("spans: [{ find: pay, sum: { status: < 600 } }]"),
        lost
    );
    assert_eq!(
        typeless("spans: [{ find: pay, sum: { word: < 600 } }]"),
        "fail"
    );
    assert_eq!(
        typeless("spans: [{ find: pay, sum: { other: < 600 } }]"),
        "fail"
    );
    let why = verdict("spans: [{ find: SELECT, max: { net.peer.port: < 99 } }]");
    assert!(why.contains("fields of its own"), "{why}");
}

#[test]
fn a_cause_is_judged_without_links_where_only_parents_matter() {
    let verdict = |field: Field, expect: &str| {
        let spans = [
            span(1, 9, "gateway", "get"),
            span(2, 1, "inventory", "select"),
        ];
        let id = TraceId::from_bytes([1; 16]).unwrap();
        let trace = Trace::assemble(id, Origin::Foreign, spans).with_unseen_caller();
        verdict_of(&trace.with_losses([field].into_iter().collect()), expect)
    };
    let links = "the source of this trace does not provide links";
    let linking = "the source of this trace does not provide other traces that link to this one";
    for (field, why) in [(Field::Links, links), (Field::LinkingTraces, linking)] {
        let is = |expected: &str, expect: &str| assert_eq!(verdict(field, expect), expected);
        is("pass", "spans: [{ find: select, caused_by: get }]");
        is(
            "pass",
            "spans: [{ find: { name: select, caused_by: get } }]",
        );
        is(
            why,
            "spans: [{ find: { name: select, caused_by: get }, count: 1 }]",
        );
        is(
            why,
            "spans: [{ find: { name: select, caused_by: put }, count: 0 }]",
        );
        is(why, "spans: [{ find: { name: select, linked_to: get } }]");
    }
    let find = "find: { name: select, caused_by: get }";
    // A consumer that is not known could have another kind.
    let each = verdict(
        Field::LinkingTraces,
        &format!("spans: [{{ {find}, kind: internal }}]"),
    );
    assert_eq!(each, linking);
    assert_eq!(
        verdict(Field::Links, "spans: [{ find: select, caused_by: put }]"),
        links
    );
    let known = "spans: [{ find: select, caused_by: put }]";
    assert_eq!(verdict(Field::LinkingTraces, known), "fail");
    assert_eq!(
        verdict(Field::Parents, "spans: [{ find: select, caused_by: get }]"),
        "pass"
    );
}

#[test]
fn an_alternative_that_decides_makes_a_loss_in_another_one_irrelevant() {
    let verdict = |any: &str, more: &str| {
        verdict(&format!(
            "spans: [{{ find: GET /stock/1, any_of: {any} }}{more}]"
        ))
    };
    let lost = "{ attributes: { peer.service: absent } }";
    let met = "{ attributes: { order.id: o1 } }";
    let unmet = "{ attributes: { order.id: o2 } }";
    assert_eq!(verdict(&format!("[{lost}, {met}]"), ""), "pass");
    assert!(verdict(&format!("[{lost}, {unmet}]"), "").contains("fields of its own"));
    let both = "{ attributes: { peer.service: absent, order.id: o2 } }";
    assert_eq!(verdict(&format!("[{both}, {unmet}]"), ""), "fail");
    let none = |any: &str| {
        verdict(
            &format!("[{met}, {unmet}]"),
            &format!(", {{ find: {{ any_of: {any} }}, count: 0 }}"),
        )
    };
    assert_eq!(none(&format!("[{both}, {unmet}]")), "pass");
    assert!(none(&format!("[{lost}, {unmet}]")).contains("fields of its own"));
}

#[test]
fn alternatives_of_a_key_are_judged_if_none_of_them_can_be_lost() {
    let why = |attributes: &str| {
        verdict(&format!(
            "spans: [{{ find: GET /stock/1, attributes: {{ {attributes} }} }}]"
        ))
    };
    assert_eq!(why("order.id | order_id: o1"), "pass");
    assert_eq!(why("order.id | order_id: o2"), "fail");
    assert_eq!(why("order.id | http.request.method: o1"), "fail");
    // The Collector added the second one.
    let copied = why("http.response.status_code | http.status_code: exists");
    assert!(copied.contains("fields of its own"), "{copied}");
    let of_resource = why("order.id | host.name: absent");
    assert!(of_resource.contains("of resources"), "{of_resource}");
    let lost = why("order.id | peer.service: o1");
    assert!(lost.contains("fields of its own"), "{lost}");
}

#[test]
fn an_order_that_rounding_can_reverse_is_not_judged() {
    let at = |start: u64, span: Span| Span {
        start: 1_000_000 + start,
        end: 1_000_000 + start + 5_000,
        ..span
    };
    let order = |start: u64, expect: &str| {
        let spans = [
            at(0, span(1, 9, "shop", "first")),
            at(start, span(2, 9, "shop", "second")),
        ];
        let id = TraceId::from_bytes([1; 16]).unwrap();
        let trace = Trace::assemble(id, Origin::Foreign, spans);
        let losses = [Field::Nanoseconds].into_iter().collect();
        verdict_of(&trace.with_losses(losses), expect)
    };
    let rounded = "the source of this trace does not provide nanoseconds";
    let sequence = "sequence: [first, second]";
    assert_eq!(order(1_000, sequence), rounded);
    assert_eq!(order(3_000, sequence), "pass");
    let after = "spans: [{ find: second, after: first }]";
    assert_eq!(order(6_000, after), rounded);
    assert_eq!(order(4_000, after), rounded);
    assert_eq!(order(8_000, after), "pass");
    assert_eq!(order(2_000, after), "fail");
    let taken = "spans: [{ find: { service: shop, take: first }, name: first }]";
    assert_eq!(order(1_000, taken), rounded);
    assert_eq!(order(3_000, taken), "pass");
}

#[test]
fn a_duration_that_rounding_can_move_across_its_limit_is_not_judged() {
    let rounded = "the source of this trace does not provide nanoseconds";
    are(
        rounded,
        &[
            "spans: [{ find: SELECT, duration: <= 500us }]",
            "spans: [{ find: { name: SELECT, self_time: < 500us }, count: 0 }]",
            "trace_duration: <= 1500us",
        ],
    );
    are(
        "pass",
        &[
            "spans: [{ find: SELECT, duration: < 503us }]",
            "trace_duration: < 1503us",
        ],
    );
    are("fail", &["spans: [{ find: SELECT, duration: < 497us }]"]);
}

/// `charge`, called by `POST /orders`, as Jaeger's old model keeps them.
fn in_jaegers_model() -> Trace {
    let attributes = [
        ("list", "[\"a\",\"b\"]"),
        ("text", "[a"),
        ("error", "card"),
        ("net.peer.port", "80"),
    ];
    let resource: Attributes = [("service.name", "shop"), ("zones", "[\"a\"]")]
        .into_iter()
        .collect();
    let event = Event {
        name: "checked".to_owned(),
        attributes: [("tags", "[1]"), ("by", "me")].into_iter().collect(),
        ..crate::trace::Event::default()
    };
    let entry = Span {
        attributes: attributes.into_iter().collect(),
        resource: Resource {
            attributes: resource,
        }
        .into(),
        events: vec![event],
        ..span(1, 9, "shop", "POST /orders")
    };
    let trace = Trace::assemble(
        TraceId::from_bytes([1; 16]).unwrap(),
        Origin::Foreign,
        [entry, span(2, 1, "payment", "charge")],
    );
    let losses = [Field::Structures, Field::TagFields, Field::Parents];
    trace.with_losses(losses.into_iter().collect())
}

#[test]
fn a_string_that_can_be_the_json_of_an_array_is_in_doubt() {
    let unjudged = "does not provide arrays and maps in attributes";
    let verdict = |each: &str| {
        let expect = format!("spans: [{{ find: POST /orders, {each} }}]");
        verdict_of(&in_jaegers_model(), &expect)
    };
    for each in [
        "attributes: { list: =~ a }",
        "attributes: { list: { same_items: [a, b] } }",
        "attributes: { list: { type: string } }",
        "resource: { zones: { length: 5 } }",
        "events: [{ name: checked, attributes: { tags: \"[1]\" } }]",
        "events: [{ name: checked, attributes: { tags: { same_items: [1] } } }]",
    ] {
        let found = verdict(each);
        assert!(found.contains(unjudged), "{each}: {found}");
    }
    for each in [
        "attributes: { list: exists }",
        "attributes: { list: { json: { '$[0]': a } } }",
        "attributes: { text: \"[a\" }",
        "resource: { zones: exists }",
        "events: [{ name: checked, attributes: { by: me } }]",
        "attributes: { net.peer.port: \"80\" }",
    ] {
        assert_eq!(verdict(each), "pass", "{each}");
    }
    assert_eq!(verdict("attributes: { text: [a] }"), "fail");
    assert_eq!(verdict("attributes: { list: [a, b] }"), "fail");
    assert_eq!(verdict("attributes: { other: exists }"), "fail");
    assert!(verdict("attributes: { error: card }").contains("such as `error`"));
}

#[test]
fn a_condition_on_the_tree_is_unjudged_if_a_parent_may_be_a_link() {
    let unjudged = "the difference between a parent and a link";
    for expect in [
        "spans: [{ find: charge, child_of: POST /orders }]",
        "spans: [{ find: charge, self_time: < 1s }]",
        "edges: [shop -> payment]",
    ] {
        let found = verdict_of(&in_jaegers_model(), expect);
        assert!(found.contains(unjudged), "{expect}: {found}");
    }
    for expect in [
        "services: [shop]",
        "spans: [{ find: charge, after: POST /orders }]",
    ] {
        assert_eq!(verdict_of(&in_jaegers_model(), expect), "pass", "{expect}");
    }
}

/// `pay` of a span that does not tell its service, as a backend with few fields keeps it.
fn with_few_fields(expect: &str) -> String {
    let attributes = [("order_id", "o1"), ("http.route", "/pay")];
    let guessed = [("service.name", "payment")];
    let pay = Span {
        attributes: attributes.into_iter().collect(),
        resource: Resource {
            attributes: guessed.into_iter().collect::<Attributes>().with_dropped(1),
        }
        .into(),
        ..span(2, 1, "payment", "pay")
    };
    let spans = [span(1, 9, "payment", "entry"), pay];
    let trace = Trace::assemble(
        TraceId::from_bytes([1; 16]).unwrap(),
        Origin::Foreign,
        spans,
    );
    let losses = [
        Field::MovedAttributes,
        Field::Names,
        Field::Services,
        Field::Starts,
        Field::Status,
    ];
    verdict_of(&trace.with_losses(losses.into_iter().collect()), expect)
}

#[test]
fn what_a_backend_with_few_fields_cannot_tell_is_unjudged() {
    for (expected, expect) in [
        ("pass", "services: [payment]"),
        ("pass", "span_count: 2"),
        (
            "pass",
            "spans: [{ find: { attributes: { http.route: /pay } } }]",
        ),
        (
            "pass",
            "spans: [{ find: { attributes: { order.sku: exists } }, count: 0 }]",
        ),
        (
            "pass",
            "spans: [{ find: { service: payment }, count: 1.. }]",
        ),
        (
            "pass",
            "spans: [{ find: { service: billing, attributes: { order_id: o1 } }, count: 0.. }]",
        ),
        (
            "keys of its own",
            "spans: [{ find: { attributes: { http.method: exists } }, count: 0 }]",
        ),
        (
            "keys of its own",
            "spans: [{ find: { attributes: { order.id: exists } }, count: 0 }]",
        ),
        (
            "keys of its own",
            "spans: [{ find: { type: db }, count: 0 }]",
        ),
        ("the names of spans", "spans: [{ find: pay }]"),
        ("the start of spans", "sequence: [entry, pay]"),
        ("the status of spans", "errors: 0"),
        (
            "the status of spans",
            "spans: [{ find: { status: error }, count: 0 }]",
        ),
        ("the services of all spans", "services: [billing]"),
        ("the services of all spans", "edges: [payment -> billing]"),
        (
            "the services of all spans",
            "spans: [{ find: { service: billing }, count: 0 }]",
        ),
        ("the start of spans", "trace_duration: < 1s"),
        (
            "the start of spans",
            "spans: [{ find: { service: payment, take: first } }]",
        ),
        (
            "the start of spans",
            "spans: [{ find: { attributes: { order_id: o1 } }, after: { service: payment } }]",
        ),
    ] {
        let found = with_few_fields(expect);
        assert!(found.contains(expected), "{expect}: {found}");
    }
}
