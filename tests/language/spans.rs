//! Entries of `spans`: the selection of `find`, and conditions on each span.

use spanspec::{
    Attributes, Event, Link, Origin, Outcome, Resource, Response, Scope, Span, SpanKind, SpanType,
    Status, StatusCode, Trace, TraceId, Value,
};

use super::{expect, holds, http, outcomes, refusal, shop, span, span_id, trace, trace_id};

/// The outcome of each condition beside `find`.
fn each(find: &str, condition: &str, trace: &Trace) -> bool {
    holds(
        &format!("  spans:\n    - find: {find}\n      {condition}\n"),
        trace,
    )
}

/// Number of spans that a selector finds.
fn count(find: &str, trace: &Trace) -> usize {
    let is = |number: &usize| each(find, &format!("count: {number}"), trace);
    (0..=trace.len() + 10).find(is).unwrap()
}

fn with(attributes: &[(&str, Value)]) -> Span {
    Span {
        attributes: attributes.iter().cloned().collect::<Attributes>(),
        ..span(1, 0, "s", "a", 0, 10)
    }
}

#[test]
fn a_text_stands_for_a_name_and_an_empty_map_for_every_span() {
    assert_eq!(count("POST /orders", &shop()), 2);
    assert_eq!(count("{ name: POST /orders }", &shop()), 2);
    assert_eq!(count("{}", &shop()), 5);
    assert_eq!(count("=~ stock", &shop()), 2);
    assert!(holds(
        "  spans: [reserve_stock, { find: process_payment }]\n",
        &shop()
    ));
}

#[test]
fn what_is_inside_find_selects_and_what_is_beside_it_is_checked_on_every_span() {
    assert_eq!(count("{ name: POST /orders, service: order }", &shop()), 1);
    assert!(!each("POST /orders", "service: order", &shop()));
    assert!(each("POST /orders", "service: [order, gateway]", &shop()));
}

#[test]
fn nothing_passes_because_nothing_was_there() {
    assert!(!each("refund", "status: { not: error }", &shop()));
    assert!(each("refund", "count: 0", &shop()));
    assert!(!each("process_payment", "count: 0", &shop()));
    assert!(each("refund", "count: 0..", &shop()));
}

#[test]
fn where_no_span_is_needed_those_that_come_are_still_checked() {
    let entry = |find: &str| {
        format!("  spans:\n    - find: {find}\n      count: 0..\n      service: order\n")
    };
    assert!(holds(&entry("refund"), &shop()) && !holds(&entry("process_payment"), &shop()));
}

#[test]
fn counts_are_ranges() {
    for (limits, is_met) in [
        ("2", true),
        ("1..", true),
        ("2..4", true),
        ("..1", false),
        ("< 3", true),
        ("[1, 3]", false),
        ("{ not: 3 }", true),
        ("{ gt: 1, lt: 3 }", true),
    ] {
        assert_eq!(
            each("POST /orders", &format!("count: {limits}"), &shop()),
            is_met,
            "{limits}"
        );
    }
}

#[test]
fn take_keeps_one_by_start_time() {
    let service = |take: &str, service: &str| {
        each(
            &format!("{{ name: POST /orders, take: {take} }}"),
            &format!("service: {service}"),
            &shop(),
        )
    };
    assert!(service("first", "gateway") && service("last", "order"));
    assert!(service("1", "gateway") && service("2", "order"));
    assert_eq!(count("{ name: POST /orders, take: 3 }", &shop()), 0);
    assert_eq!(count("{ take: last }", &shop()), 1);
}

#[test]
fn take_stands_inside_find_only() {
    let text = "request: GET http://a/\nexpect: { spans: [{ find: a, take: first }] }\n";
    assert!(refusal(text).contains("move it into `find`"));
}

#[test]
fn count_and_id_belong_to_the_entry_only() {
    for key in ["count: 1", "id: a"] {
        let text =
            format!("request: GET http://a/\nexpect: {{ spans: [{{ find: {{ {key} }} }}] }}\n");
        assert!(refusal(&text).contains("in a span"), "{key}");
    }
}

#[test]
fn texts_of_a_span_are_matched_as_they_are_written() {
    let spans = trace([span(1, 0, "NO", "010", 0, 1)]);
    assert!(each("010", "service: NO", &spans) && each("\"010\"", "service: [YES, NO]", &spans));
    assert_eq!(count("10", &spans), 0);
}

#[test]
fn scope_and_status_message_are_texts_that_may_be_absent() {
    let named = Span {
        scope: Scope {
            name: "sqlx".to_owned(),
            ..Scope::default()
        }
        .into(),
        status: Status {
            code: StatusCode::Error,
            message: "declined".to_owned(),
        },
        ..span(1, 0, "s", "a", 0, 1)
    };
    let named = trace([named]);
    let plain = trace([span(1, 0, "s", "a", 0, 1)]);
    for key in ["scope", "status_message"] {
        assert!(each("a", &format!("{key}: exists"), &named));
        assert!(each("a", &format!("{key}: absent"), &plain));
        assert!(!each("a", &format!("{key}: exists"), &plain));
        assert!(!each("a", &format!("{key}: {{ not: x }}"), &plain));
        assert!(each("a", &format!("{key}: {{ not: exists }}"), &plain));
        assert!(each("a", &format!("{key}: {{ not: x }}"), &named));
    }
    assert!(each("a", "scope: sqlx", &named) && each("a", "status_message: =~ ^decl", &named));
}

#[test]
fn kinds_and_statuses_are_words_lists_of_them_or_not() {
    let server = Span {
        kind: SpanKind::Server,
        status: Status {
            code: StatusCode::Error,
            message: String::new(),
        },
        ..span(1, 0, "s", "a", 0, 1)
    };
    let server = trace([server]);
    for is_met in [
        "kind: server",
        "kind: [client, server]",
        "kind: { not: client }",
        "status: error",
        "status: { not: ok }",
        "status: [ok, error]",
    ] {
        assert!(each("a", is_met, &server), "{is_met}");
    }
    for is_not in [
        "kind: internal",
        "kind: { not: [client, server] }",
        "status: ok",
        "status: unset",
        "status: { not: error }",
    ] {
        assert!(!each("a", is_not, &server), "{is_not}");
    }
}

#[test]
fn a_status_that_nobody_set_is_neither_ok_nor_error() {
    let plain = trace([span(1, 0, "s", "a", 0, 1)]);
    assert!(each("a", "status: unset", &plain) && each("a", "status: { not: error }", &plain));
    assert!(!each("a", "status: ok", &plain) && !each("a", "status: error", &plain));
}

#[test]
fn every_kind_has_its_word() {
    for kind in SpanKind::ALL {
        let spans = trace([Span {
            kind,
            ..span(1, 0, "s", "a", 0, 1)
        }]);
        assert!(each("a", &format!("kind: {}", kind.as_str()), &spans));
    }
}

#[test]
fn a_type_is_told_by_its_identifying_attribute_under_old_and_new_names() {
    for (name, keys) in [
        ("http", &["http.request.method", "http.method"][..]),
        ("rpc", &["rpc.system.name", "rpc.system"]),
        ("db", &["db.system.name", "db.system"]),
        ("messaging", &["messaging.system"]),
        ("faas", &["faas.trigger", "faas.invoked_name"]),
        (
            "gen_ai",
            &[
                "gen_ai.operation.name",
                "gen_ai.provider.name",
                "gen_ai.system",
            ],
        ),
    ] {
        for key in keys {
            let spans = trace([with(&[(key, Value::from("x"))])]);
            for (other, _) in SpanType::ALL {
                assert_eq!(
                    count(&format!("{{ type: {other} }}"), &spans),
                    usize::from(other == name),
                    "{key}"
                );
            }
        }
    }
}

#[test]
fn a_span_may_be_of_several_types() {
    let both = [
        ("db.system.name", Value::from("x")),
        ("rpc.system", Value::from("y")),
    ];
    let both = trace([with(&both)]);
    assert!(each("a", "type: db", &both) && each("a", "type: rpc", &both));
    assert!(each("a", "type: [http, rpc]", &both) && !each("a", "type: http", &both));
}

#[test]
fn attributes_of_span_and_resource_are_apart() {
    let attributes = [("service.name", "s"), ("service.version", "2.1")];
    let resource = Resource {
        attributes: attributes.into_iter().collect(),
    };
    let spans = trace([Span {
        resource: resource.into(),
        ..with(&[("k", Value::Int(1))])
    }]);
    assert!(each("a", "resource: { service.version: =~ ^2 }", &spans));
    assert!(each(
        "a",
        "attributes: { service.version: absent, k: 1 }",
        &spans
    ));
    assert!(!each("a", "resource: { k: exists }", &spans));
}

#[test]
fn durations_are_compared_to_the_nanosecond() {
    let took = |nanos| trace([span(1, 0, "s", "a", 0, nanos)]);
    assert!(each("a", "duration: < 600ms", &took(599_999_999)));
    assert!(!each("a", "duration: < 600ms", &took(600_000_000)));
    assert!(each("a", "duration: <= 600ms", &took(600_000_000)));
    assert!(each("a", "duration: 100ms..2s", &took(2_000_000_000)));
    assert!(!each("a", "duration: 100ms..2s", &took(2_000_000_001)));
    assert!(each("a", "duration: { gte: 1.5us, lt: 2us }", &took(1_500)));
    assert!(!each("a", "duration: 1m..", &took(1)) && each("a", "duration: ..1h", &took(1)));
}

#[test]
fn self_time_is_what_direct_children_do_not_cover() {
    let spans = trace([
        span(1, 0, "s", "a", 0, 100),
        span(2, 1, "s", "b", 10, 40),
        span(3, 1, "s", "c", 30, 50),
        span(4, 2, "s", "d", 0, 100),
    ]);
    assert!(each("a", "self_time: 60ns..60ns", &spans));
    assert!(each("c", "self_time: 20ns..20ns", &spans));
}

#[test]
fn events_are_found_on_the_span() {
    let event = |name: &str, amount: i64| Event {
        name: name.to_owned(),
        time: 0,
        attributes: [("amount", amount)].into_iter().collect(),
    };
    let spans = trace([Span {
        events: vec![event("charged", 42), event("retry", 1), event("retry", 2)],
        ..span(1, 0, "s", "a", 0, 1)
    }]);
    let has = |events: &str| each("a", &format!("events: [{events}]"), &spans);
    assert!(has("charged") && has("charged, retry") && !has("charged, refunded"));
    assert!(has("{ name: charged, attributes: { amount: 42 } }"));
    assert!(!has("{ name: charged, attributes: { amount: 41 } }"));
    assert!(has("{ name: retry, count: 2 }") && !has("{ name: retry, count: 1 }"));
    assert!(has("{ name: refunded, count: 0 }") && !has("{ name: =~ ^r, count: 0 }"));
    assert!(has("{ attributes: { amount: 2.. }, count: 2 }"));
}

#[test]
fn links_are_counted_or_followed() {
    let link = |to| Link {
        trace_id: trace_id(),
        span_id: span_id(to),
        trace_state: String::new(),
        attributes: [("partition", 3)].into_iter().collect(),
    };
    let spans = trace([
        span(1, 0, "s", "a", 0, 9),
        Span {
            links: vec![link(1), link(77)],
            ..span(2, 1, "s", "b", 1, 2)
        },
    ]);
    assert!(each("b", "links: 2", &spans) && each("a", "links: 0", &spans));
    assert!(each("b", "links: [{ to: a }]", &spans) && !each("b", "links: [{ to: b }]", &spans));
    assert!(each("b", "links: [{ to: a, count: 1 }]", &spans));
    assert!(each(
        "b",
        "links: [{ attributes: { partition: 3 }, count: 2 }]",
        &spans
    ));
    assert!(each(
        "b",
        "links: [{ attributes: { partition: 4 }, count: 0 }]",
        &spans
    ));
}

#[test]
fn below_and_above_are_any_ancestor_and_descendant() {
    assert!(each("SELECT stock", "below: { service: gateway }", &shop()));
    assert!(each("SELECT stock", "below: reserve_stock", &shop()));
    assert!(!each("SELECT stock", "below: process_payment", &shop()));
    assert!(
        !each("reserve_stock", "below: reserve_stock", &shop()),
        "not below itself"
    );
    assert!(each("{ service: gateway }", "above: SELECT stock", &shop()));
    assert!(!each("process_payment", "above: SELECT stock", &shop()));
}

#[test]
fn child_of_and_parent_of_are_direct() {
    assert!(each(
        "process_payment",
        "child_of: { service: order }",
        &shop()
    ));
    assert!(!each(
        "process_payment",
        "child_of: { service: gateway }",
        &shop()
    ));
    assert!(each(
        "{ service: gateway }",
        "parent_of: { service: order }",
        &shop()
    ));
    assert!(!each(
        "{ service: gateway }",
        "parent_of: reserve_stock",
        &shop()
    ));
}

#[test]
fn a_relation_takes_a_count() {
    assert!(each(
        "process_payment",
        "below: { service: inventory, count: 0 }",
        &shop()
    ));
    assert!(!each(
        "process_payment",
        "below: { service: gateway, count: 0 }",
        &shop()
    ));
    assert!(each("SELECT stock", "below: { count: 3 }", &shop()));
    assert!(each(
        "{ service: order }",
        "parent_of: { count: ..2 }",
        &shop()
    ));
    assert!(!each(
        "{ service: order }",
        "parent_of: { count: ..1 }",
        &shop()
    ));
    assert!(each(
        "{ service: gateway }",
        "above: { service: inventory, count: 2 }",
        &shop()
    ));
    assert_eq!(
        count("{ below: { service: inventory, count: 0 } }", &shop()),
        4
    );
}

#[test]
fn after_every_such_span_and_there_must_be_one() {
    assert!(each("process_payment", "after: reserve_stock", &shop()));
    assert!(each(
        "process_payment",
        "after: { service: inventory }",
        &shop()
    ));
    assert!(!each("process_payment", "after: POST /orders", &shop()));
    assert!(!each("process_payment", "after: refund", &shop()));
}

#[test]
fn before_every_such_span_and_there_must_be_one() {
    assert!(each("reserve_stock", "before: process_payment", &shop()));
    assert!(!each("process_payment", "before: reserve_stock", &shop()));
    assert!(!each("reserve_stock", "before: refund", &shop()));
}

#[test]
fn touching_is_after_and_before() {
    let touching = trace([span(1, 0, "s", "a", 0, 10), span(2, 0, "s", "b", 10, 20)]);
    assert!(each("b", "after: a", &touching) && each("a", "before: b", &touching));
}

#[test]
fn a_span_is_not_after_or_before_itself() {
    let two = trace([span(1, 0, "s", "a", 0, 10), span(2, 0, "s", "a", 10, 20)]);
    assert!(each("{ name: a, take: last }", "after: a", &two));
    assert!(!each("a", "after: a", &two));
}

#[test]
fn relations_nest() {
    assert_eq!(
        count(
            "{ name: SELECT stock, below: { name: reserve_stock, below: POST /orders } }",
            &shop()
        ),
        1
    );
    assert_eq!(
        count(
            "{ name: SELECT stock, below: { name: reserve_stock, below: process_payment } }",
            &shop()
        ),
        0
    );
    assert_eq!(
        count(
            "{ above: { service: inventory, above: { service: inventory } } }",
            &shop()
        ),
        2
    );
}

#[test]
fn an_id_names_what_another_entry_found() {
    let entries = |relation: &str| {
        format!(
            "  spans:\n    - find: POST /orders\n      id: orders\n    - find: SELECT stock\n      {relation}\n"
        )
    };
    assert!(holds(&entries("below: $orders"), &shop()));
    assert!(!holds(&entries("child_of: $orders"), &shop()));
    assert!(!holds(&entries("after: $orders"), &shop()));
}

#[test]
fn an_id_may_be_named_before_it_is_given() {
    let text = "  spans:\n    - find: SELECT stock\n      below: $stock\n    - find: reserve_stock\n      id: stock\n";
    assert!(holds(text, &shop()));
}

fn with_consumer() -> Trace {
    let other = TraceId::from_bytes([2; 16]).unwrap();
    let foreign = |mut span: Span| {
        span.trace_id = other;
        span
    };
    let link = Link {
        trace_id: trace_id(),
        span_id: span_id(6),
        trace_state: String::new(),
        attributes: Attributes::default(),
    };
    let consumer = foreign(Span {
        parent_id: None,
        links: vec![link],
        ..span(7, 0, "shipping", "orders process", 200, 300)
    });
    let courier = foreign(span(8, 7, "shipping", "book_courier", 210, 250));
    let publish = span(6, 2, "order", "orders publish", 85, 86);
    trace(shop().spans().iter().cloned().chain([publish])).with_linked(vec![Trace::assemble(
        other,
        Origin::Foreign,
        [consumer, courier],
    )])
}

#[test]
fn links_are_followed_by_linked_to_only() {
    assert_eq!(count("book_courier", &with_consumer()), 0);
    assert_eq!(
        count(
            "{ name: book_courier, linked_to: orders publish }",
            &with_consumer()
        ),
        1
    );
    assert_eq!(
        count(
            "{ service: shipping, linked_to: { service: order } }",
            &with_consumer()
        ),
        2
    );
    assert_eq!(
        count(
            "{ name: book_courier, linked_to: process_payment }",
            &with_consumer()
        ),
        0
    );
    assert!(holds(
        "  span_count: 6\n  services: [gateway]\n",
        &with_consumer()
    ));
}

#[test]
fn a_link_is_followed_in_either_direction() {
    assert_eq!(
        count(
            "{ name: orders publish, linked_to: orders process }",
            &with_consumer()
        ),
        1
    );
    assert!(each(
        "orders publish",
        "linked_to: { service: shipping }",
        &with_consumer()
    ));
    assert!(!each(
        "orders publish",
        "linked_to: { service: billing }",
        &with_consumer()
    ));
}

#[test]
fn spans_of_a_linked_trace_have_relations_of_their_own() {
    let found = |inner: &str| {
        count(
            &format!("{{ linked_to: orders publish, {inner} }}"),
            &with_consumer(),
        )
    };
    assert_eq!(found("below: orders process"), 1);
    assert_eq!(found("name: book_courier, below: { service: gateway }"), 0);
    let by_id = "  spans:\n    - find: process_payment\n      id: pay\n    - find: { linked_to: orders publish, service: shipping, below: $pay }\n      count: 0\n";
    assert!(holds(by_id, &with_consumer()));
}

#[test]
fn a_number_is_made_of_an_attribute_of_all_spans() {
    let numbered = |number: u64, value: Value| Span {
        attributes: [("k", value)].into_iter().collect(),
        ..span(number, 0, "s", "a", 0, 10)
    };
    let is = |values: &[Value], check: &str| {
        let spans = values.iter().zip(1..);
        let spans = spans.map(|(value, number)| numbered(number, value.clone()));
        let other = span(9, 0, "s", "b", 0, 10);
        each("a", check, &trace(spans.chain([other])))
    };
    let numbers = [Value::Int(1), Value::Int(2), Value::Double(0.5)];
    for (check, is_met) in [
        ("sum: { k: 3.5 }", true),
        ("sum: { k: < 3.5 }", false),
        ("sum: { k: { gte: 3, lt: 4 } }", true),
        ("sum: { k: { not: 3.5 } }", false),
        ("max: { k: 2 }", true),
        ("min: { k: 0.5 }", true),
        ("min: { j | k: < 1 }", true),
        ("avg: { k: 1..1.2 }", true),
        ("avg: { k: [1, 2] }", false),
        ("sum: { j: < 9 }", false),
        (
            "count: 3\n      max: { k: ..2 }\n      min: { k: 0.. }",
            true,
        ),
    ] {
        assert_eq!(is(&numbers, check), is_met, "{check}");
    }
    let most = [Value::Int(i64::MAX), Value::Int(i64::MAX)];
    assert!(is(&most, "sum: { k: 18446744073709551614 }"));
    assert!(is(&most, "avg: { k: 9223372036854775807 }"));
    assert!(is(
        &[Value::Double(0.1), Value::Double(0.2)],
        "sum: { k: 0.3 }"
    ));
    for no_number in [
        Value::from("12"),
        Value::Bool(true),
        Value::Double(f64::NAN),
        Value::Double(f64::INFINITY),
        Value::Array(vec![Value::Int(1)]),
    ] {
        for check in [
            "sum: { k: ..99 }",
            "max: { k: ..99 }",
            "min: { k: ..99 }",
            "avg: { k: ..99 }",
        ] {
            assert!(
                !is(&[Value::Int(1), no_number.clone()], check),
                "{check} {no_number}"
            );
        }
    }
    assert!(!is(
        &[Value::Double(1e30), Value::Double(1e-30)],
        "sum: { k: 0.. }"
    ));
    assert!(is(
        &[Value::Double(1e30), Value::Double(1e-30)],
        "max: { k: 0.. }"
    ));
    assert!(!is(&[], "sum: { k: 0.. }"));
    assert!(is(&[], "count: 0..\n      sum: { k: 0 }"));
    assert!(!is(&[], "count: 0..\n      sum: { k: 1.. }"));
}

/// `process` of a consumer, which is a child of `orders publish`, linked with it, or both.
fn consumed(is_child: bool, is_linked: bool) -> Trace {
    let publish = span(6, 2, "order", "orders publish", 85, 86);
    let link = Link {
        trace_id: trace_id(),
        span_id: span_id(6),
        trace_state: String::new(),
        attributes: Attributes::default(),
    };
    let linked = TraceId::from_bytes([7; 16]).unwrap();
    let of = if is_child { trace_id() } else { linked };
    let within = |span: Span| Span {
        trace_id: of,
        ..span
    };
    let process = within(Span {
        parent_id: is_child.then(|| span_id(6)),
        links: if is_linked { vec![link] } else { Vec::new() },
        ..span(7, 0, "shipping", "process", 200, 300)
    });
    let book = within(span(8, 7, "shipping", "book_courier", 210, 250));
    let consumer = [process, book];
    let shop = shop();
    let producer = shop.spans().iter().cloned().chain([publish]);
    match is_child {
        true => trace(producer.chain(consumer)),
        false => {
            trace(producer).with_linked(vec![Trace::assemble(linked, Origin::Foreign, consumer)])
        }
    }
}

#[test]
fn a_cause_is_an_ancestor_or_reached_by_links() {
    for (is_child, is_linked) in [(true, false), (false, true), (true, true)] {
        let trace = consumed(is_child, is_linked);
        for find in [
            "{ name: process, caused_by: orders publish }",
            "{ name: process, caused_by: { name: orders publish, count: 1 } }",
            "{ name: book_courier, caused_by: orders publish }",
            "{ name: book_courier, caused_by: { service: gateway } }",
            "{ name: book_courier, caused_by: process }",
            "{ name: book_courier, caused_by: { service: order, count: 2 } }",
            "{ name: process, caused_by: { name: process_payment, count: 0 } }",
            "{ name: book_courier, below: { name: process, caused_by: orders publish } }",
        ] {
            assert_eq!(count(find, &trace), 1, "{find} {is_child} {is_linked}");
        }
        for find in [
            "{ name: process, caused_by: process }",
            "{ name: process, caused_by: book_courier }",
            "{ name: process, caused_by: process_payment }",
            "{ name: orders publish, caused_by: process }",
            "{ name: process, caused_by: { name: orders publish, count: 0 } }",
        ] {
            assert_eq!(count(find, &trace), 0, "{find} {is_child} {is_linked}");
        }
    }
    let unrelated = consumed(false, false);
    assert_eq!(
        count("{ name: process, caused_by: orders publish }", &unrelated),
        0
    );
}

#[test]
fn conditions_are_not_judged_where_too_few_spans_are_found() {
    let expect = expect("  spans:\n    - find: refund\n      status: ok\n");
    let judged = outcomes(&expect, &Response::Http(http()), Some(&shop()));
    assert_eq!(judged.len(), 1);
    assert!(matches!(judged[0].outcome, Outcome::Fail(_)));
}
