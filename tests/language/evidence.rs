//! Spans with missing parts: exported too early, or cut by the limits of an SDK.

use spanspec::{
    Attributes, Event, Evidence, Finality, Link, Origin, Outcome, Response, Span, Status,
    StatusCode, Trace, TraceId, Value, judge,
};

use super::{expect, http, outcomes, span, span_id, trace, trace_id};

/// Returns `true` if no further span can change any of the outcomes.
fn is_final(text: &str, trace: &Trace) -> bool {
    let response = Response::Http(http());
    let judged = judge(&expect(text), &Evidence::new(&response, Some(trace), true));
    judged.iter().all(|one| one.finality == Finality::Final)
}

/// `charge` with status error, as it was exported before or after its end.
fn charge(end: u64) -> Trace {
    let failed = Status {
        code: StatusCode::Error,
        message: String::new(),
    };
    trace([Span {
        status: failed,
        end,
        ..span(1, 0, "order", "charge", 10, 20)
    }])
}

#[test]
fn nothing_is_final_while_a_span_has_not_ended_for_it_comes_again() {
    for text in [
        "  errors: 0\n",
        "  spans: [charge]\n",
        "  spans:\n    - find: charge\n      count: 0\n",
    ] {
        assert!(is_final(text, &charge(20)), "{text}");
        assert!(!is_final(text, &charge(0)), "{text}");
    }
    assert!(is_final("  status: 200\n", &charge(0)));
}

/// "pass", "fail" or the reason why the last check could not be judged.
fn verdict(text: &str, trace: &Trace) -> String {
    let judged = outcomes(&expect(text), &Response::Http(http()), Some(trace));
    match &judged[judged.len() - 1].outcome {
        Outcome::Pass => "pass".to_owned(),
        Outcome::Fail(_) => "fail".to_owned(),
        Outcome::Unjudged(why) => why.to_string(),
    }
}

/// `reply` from 10 to 12; `charge` never ended, `fetch` ended before it started.
fn unended() -> Trace {
    trace([
        span(1, 0, "order", "GET /go", 5, 95),
        span(2, 1, "order", "reply", 10, 12),
        Span {
            end: 0,
            ..span(3, 1, "order", "charge", 20, 21)
        },
        span(4, 1, "order", "fetch", 30, 7),
    ])
}

#[test]
fn what_needs_the_duration_of_a_span_that_has_none_is_unjudged() {
    let of = |find: &str, each: &str| {
        verdict(
            &format!("  spans:\n    - find: {find}\n      {each}\n"),
            &unended(),
        )
    };
    let charge = "`charge` of order never ended, so it has no duration";
    let fetch = "`fetch` of order ended before it started, so it has no duration";
    assert_eq!(of("charge", "duration: < 600ms"), charge);
    assert_eq!(of("charge", "duration: 1ns.."), charge);
    assert_eq!(of("fetch", "duration: < 600ms"), fetch);
    assert_eq!(of("GET /go", "self_time: < 600ms"), charge);
    assert_eq!(of("reply", "self_time: < 600ms"), "pass");
    assert_eq!(of("{ duration: { gt: 600ms } }", "count: 0"), charge);
    assert_eq!(
        of("{ name: charge, duration: { gt: 600ms } }", "count: 1.."),
        charge
    );
    assert_eq!(
        of("{ name: reply, duration: { gt: 600ms } }", "count: 0"),
        "pass"
    );
}

#[test]
fn what_needs_the_place_in_time_of_such_a_span_is_unjudged() {
    let of = |find: &str, each: &str| {
        verdict(
            &format!("  spans:\n    - find: {find}\n      {each}\n"),
            &unended(),
        )
    };
    let charge = "`charge` of order never ended, so it has no duration";
    let fetch = "`fetch` of order ended before it started, so it has no duration";
    assert_eq!(of("reply", "after: charge"), charge);
    assert_eq!(of("charge", "before: reply"), charge);
    assert_eq!(of("fetch", "after: reply"), fetch);
    assert_eq!(of("reply", "before: fetch"), fetch);
    // The start is known, the end is not.
    assert_eq!(of("charge", "after: reply"), "pass");
    assert_eq!(of("reply", "before: charge"), "pass");
    assert_eq!(verdict("  sequence: [reply, charge]\n", &unended()), "pass");
    assert_eq!(verdict("  sequence: [charge, reply]\n", &unended()), "fail");
    assert_eq!(verdict("  sequence: [reply, fetch]\n", &unended()), fetch);
    let last = "{ name: [charge, fetch], take: last }";
    assert_eq!(of(last, "name: fetch"), fetch);
}

#[test]
fn the_duration_of_a_trace_with_such_a_span_is_at_least_that_of_the_others() {
    let charge = "`charge` of order never ended, so it has no duration";
    let of = |limit: &str| verdict(&format!("  trace_duration: {limit}\n"), &unended());
    assert_eq!(of("< 600ms"), charge);
    assert_eq!(of("< 90ns"), "fail");
    assert_eq!(of("{ gt: 80ns }"), "pass");
}

/// `GET /go` has `k` and one event of three; 40 attributes, two events and a link were dropped.
fn cut() -> Trace {
    let begun = Event {
        name: "begun".to_owned(),
        ..Event::default()
    };
    let attributes: Attributes = [("k", Value::Int(1))].into_iter().collect();
    trace([
        Span {
            attributes: attributes.with_dropped(40),
            events: vec![begun],
            dropped_events: 2,
            dropped_links: 1,
            ..span(1, 0, "order", "GET /go", 5, 95)
        },
        span(2, 1, "order", "reply", 10, 12),
    ])
}

#[test]
fn absence_and_upper_limits_are_unjudged_where_parts_were_dropped() {
    let of = |each: &str| {
        verdict(
            &format!("  spans:\n    - find: GET /go\n      {each}\n"),
            &cut(),
        )
    };
    let attributes = "40 attributes of `GET /go` of order were dropped";
    let events = "2 events of `GET /go` of order were dropped";
    let links = "1 link of `GET /go` of order was dropped";
    for (each, expected) in [
        ("attributes: { card.number: absent }", attributes),
        ("attributes: { card.number: { not: exists } }", attributes),
        ("attributes: { k: absent }", "fail"),
        ("attributes: { k: 1 }", "pass"),
        ("attributes: { order.id: exists }", "fail"),
        ("events: [{ name: exception, count: 0 }]", events),
        ("events: [{ name: begun, count: 1 }]", events),
        ("events: [{ name: begun, count: ..5 }]", "pass"),
        ("events: [{ name: begun, count: 4.. }]", "fail"),
        ("events: [begun]", "pass"),
        ("events: [ended]", "fail"),
        ("links: 0", links),
        ("links: 1", links),
        ("links: 2", "fail"),
        ("links: 1..", "fail"),
    ] {
        assert_eq!(of(each), expected, "{each}");
    }
}

#[test]
fn a_span_that_may_be_meant_but_for_a_dropped_attribute_leaves_a_count_open() {
    let of = |find: &str, each: &str| {
        verdict(
            &format!("  spans:\n    - find: {find}\n      {each}\n"),
            &cut(),
        )
    };
    let dropped = "40 attributes of `GET /go` of order were dropped";
    assert_eq!(of("{ attributes: { card: exists } }", "count: 0"), dropped);
    assert_eq!(of("{ attributes: { card: absent } }", "count: 2"), dropped);
    assert_eq!(of("{ attributes: { card: exists } }", "count: 1.."), "fail");
    assert_eq!(of("{ type: http }", "count: 0"), dropped);
    assert_eq!(
        of("{ name: reply, attributes: { card: exists } }", "count: 0"),
        "pass"
    );
    assert_eq!(
        of("reply", "below: { attributes: { card: exists }, count: 0 }"),
        dropped
    );
    // The span with the dropped attributes can be one of the checked spans.
    let of_error = of("{ attributes: { k: 2 } }", "count: 0");
    assert_eq!(of_error, "pass");
    assert_eq!(
        of("{ attributes: { card: absent } }", "name: reply"),
        dropped
    );
}

#[test]
fn a_failure_that_found_nothing_names_what_was_dropped() {
    let text = "  spans:\n    - find: GET /go\n      attributes: { order.id: exists }\n";
    let judged = outcomes(&expect(text), &Response::Http(http()), Some(&cut()));
    let failure = judged[1].outcome.failure().unwrap();
    assert_eq!(
        failure.hints,
        [
            "40 attributes of `GET /go` of order were dropped; raise `OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT` of order"
        ]
    );
}

/// The judged request and another one sent a message each. A consumer took both in one batch, in a
/// separate trace.
fn batch(receive_has_links: bool) -> Trace {
    let in_batch = TraceId::from_bytes([2; 16]).unwrap();
    let other = TraceId::from_bytes([3; 16]).unwrap();
    let to = |trace_id, number| Link {
        trace_id,
        span_id: span_id(number),
        trace_state: String::new(),
        attributes: Attributes::default(),
    };
    let ours = to(trace_id(), 1);
    let theirs = to(other, 1);
    let consumer = |number, parent, name, links: &[&Link]| Span {
        trace_id: in_batch,
        links: links.iter().map(|&link| link.clone()).collect(),
        ..span(number, parent, "ledger", name, 20, 30)
    };
    let both: &[&Link] = if receive_has_links {
        &[&ours, &theirs]
    } else {
        &[]
    };
    let linked = Trace::assemble(
        in_batch,
        Origin::Foreign,
        [
            consumer(11, 0, "receive", both),
            consumer(12, 11, "process", &[&ours]),
            consumer(13, 12, "send", &[]),
            consumer(14, 11, "process", &[&theirs]),
            consumer(15, 14, "send", &[]),
        ],
    );
    trace([span(1, 0, "shop", "publish", 5, 6)]).with_linked(vec![linked])
}

#[test]
fn a_link_leads_to_the_judged_request_and_to_no_other_of_the_same_batch() {
    for receive_has_links in [false, true] {
        let found = |find: &str, count: u64| {
            let text = format!("  spans:\n    - find: {find}\n      count: {count}\n");
            assert_eq!(verdict(&text, &batch(receive_has_links)), "pass", "{find}");
        };
        found("{ name: process, linked_to: publish }", 1);
        found("{ name: send, linked_to: publish }", 1);
        found(
            "{ name: receive, linked_to: publish }",
            receive_has_links.into(),
        );
        found(
            "{ name: publish, linked_to: { name: process, count: 1 } }",
            1,
        );
        found(
            "{ name: send, below: { name: process, linked_to: publish } }",
            1,
        );
        found(
            "{ name: process, links: [{ to: { linked_to: process } }] }",
            1,
        );
    }
}

#[test]
fn an_id_of_spans_in_linked_traces_makes_those_candidates_too() {
    let text = "  spans:\n    - find: { name: process, linked_to: publish }\n      id: process\n    - find: { name: send, below: $process }\n      count: 1\n";
    assert_eq!(verdict(text, &batch(true)), "pass");
}

#[test]
fn a_value_of_another_type_in_an_event_a_link_or_a_related_span_is_not_taken_for_absent() {
    let attributes = || Attributes::from_iter([("code".to_owned(), Value::from("503"))]);
    let retried = Event {
        name: "retry".to_owned(),
        time: 15,
        attributes: attributes(),
    };
    let link = Link {
        trace_id: TraceId::from_bytes([9; 16]).unwrap(),
        span_id: span_id(9),
        trace_state: String::new(),
        attributes: attributes(),
    };
    let trace = trace([
        Span {
            events: vec![retried],
            links: vec![link],
            ..span(1, 0, "order", "order", 10, 30)
        },
        Span {
            attributes: attributes(),
            ..span(2, 1, "order", "charge", 12, 20)
        },
    ]);
    let of = |condition: &str| {
        verdict(
            &format!("  spans: [{{ find: order, {condition} }}]\n"),
            &trace,
        )
    };
    let why = |span: &str| {
        format!("the value of `code` of `{span}` of order has a type that its matcher cannot judge")
    };
    let none = "attributes: { code: { gte: 500 } }, count: 0";
    assert_eq!(
        of(&format!("events: [{{ name: retry, {none} }}]")),
        why("order")
    );
    assert_eq!(of(&format!("links: [{{ {none} }}]")), why("order"));
    assert_eq!(
        of(&format!("above: {{ name: charge, {none} }}")),
        why("charge")
    );
    let one = "attributes: { code: { gte: 500 } }";
    assert_eq!(of(&format!("events: [{{ name: retry, {one} }}]")), "fail");
    let number = "attributes: { code: { number: { gte: 600 } } }, count: 0";
    assert_eq!(
        of(&format!("events: [{{ name: retry, {number} }}]")),
        "pass"
    );
    assert_eq!(of(&format!("above: {{ name: charge, {number} }}")), "pass");
}

/// `first` and `second`, ten apart, each with these attributes; `last` has none.
fn two(first: Attributes, second: Attributes) -> Trace {
    trace([
        span(1, 0, "order", "GET /go", 5, 95),
        Span {
            attributes: first,
            ..span(2, 1, "order", "first", 10, 12)
        },
        Span {
            attributes: second,
            ..span(3, 1, "order", "second", 20, 22)
        },
        span(4, 1, "order", "last", 30, 32),
    ])
}

fn attributes<const N: usize>(all: [(&str, Value); N]) -> Attributes {
    all.into_iter().collect()
}

fn json(text: &str) -> Value {
    Value::from_json(text.as_bytes()).unwrap()
}

#[test]
fn a_span_whose_value_would_match_in_another_type_is_not_counted_as_absent() {
    let count = |matcher: &str, value: Value| {
        let trace = two(attributes([("k", value)]), Attributes::default());
        let find = format!("{{ attributes: {{ k: {matcher} }} }}");
        verdict(
            &format!("  spans: [{{ find: {find}, count: 0 }}]\n"),
            &trace,
        )
    };
    let bytes = || Value::Bytes(b"bad".to_vec());
    for (matcher, value) in [
        ("{ gte: 500 }", Value::from("503")),
        ("{ gte: 500 }", Value::from("+503")),
        ("{ gte: 500 }", Value::from("0503")),
        ("true", Value::from("TRUE")),
        ("true", Value::from("True")),
        (
            "{ json: { $.s: { gte: 500 } } }",
            Value::from(r#"{"s":"503"}"#),
        ),
        ("{ json: { $.s: { gte: 500 } } }", json(r#"{"s":"503"}"#)),
        ("{ any: { gte: 500 } }", json(r#"["503"]"#)),
        ("{ all: { gte: 500 } }", json(r#"["503", 504]"#)),
        ("{ contains: 503 }", json(r#"["503"]"#)),
        ("{ same_items: [503] }", json(r#"["503"]"#)),
        ("{ equals: [503] }", json(r#"["503"]"#)),
        ("{ includes: { k: 503 } }", json(r#"{"k":"503"}"#)),
        ("{ includes: { k: 503 } }", Value::from(r#"{"k":503}"#)),
        ("{ not: paypal }", json(r#"["card"]"#)),
        ("{ not: paypal }", json(r#"{"a": 1}"#)),
        ("{ not: paypal }", Value::Null),
        ("{ not: paypal }", bytes()),
        ("bad", json(r#"["bad"]"#)),
        ("=~ ^bad", json(r#"["bad"]"#)),
        ("{ gte: 500 }", json("[503]")),
        ("bad", bytes()),
    ] {
        assert_eq!(count(matcher, value.clone()), "fail", "{matcher} {value}");
    }
    for (matcher, value) in [
        ("{ gte: 500 }", Value::from("204")),
        ("{ gte: 500 }", json(r#"["204"]"#)),
        ("{ gte: 500 }", Value::from("n/a")),
        ("{ not: \"42\" }", Value::Int(42)),
        ("bad", json(r#"["good"]"#)),
        ("{ includes: { k: 503 } }", json(r#"{"k":"504"}"#)),
    ] {
        assert_eq!(count(matcher, value.clone()), "pass", "{matcher} {value}");
    }
}

#[test]
fn a_part_of_a_list_that_would_match_in_another_type_does_not_apply_at_any_depth() {
    let trace = two(
        attributes([("k", json(r#"{"s": "503", "t": 1}"#))]),
        Attributes::default(),
    );
    let list = "{ not: [{ includes: { s: 503 } }, { includes: { t: 2 } }] }";
    let text = format!("  spans: [{{ find: first, attributes: {{ k: {list} }} }}]\n");
    assert_eq!(verdict(&text, &trace), "fail");
}

#[test]
fn a_span_in_doubt_for_the_type_of_a_value_leaves_whatever_depends_on_it_open() {
    let trace = two(
        attributes([("code", Value::Int(503))]),
        attributes([("code", Value::from("504")), ("x", Value::Int(1))]),
    );
    let why = "the value of `code` of `second` of order has a type that its matcher cannot judge";
    let of = |spans: &str| verdict(&format!("  spans:\n{spans}"), &trace);
    let find = "attributes: { code: { gte: 500 } }";
    // Which span is taken, what is above one of them, and what each of them has.
    let last = format!("    - find: {{ {find}, take: last }}\n      name: first\n");
    assert_eq!(of(&last), why);
    let none =
        "    - find: { attributes: { code: { gte: 504 } } }\n      id: e\n      count: 0..\n";
    let above = format!("{none}    - find: {{ name: GET /go, above: $e }}\n      count: 0\n");
    assert_eq!(of(&above), why);
    let each = format!("    - find: {{ {find} }}\n      attributes: {{ x: absent }}\n");
    assert_eq!(of(&each), why);
    let sequence = format!("  sequence: [{{ {find} }}, second]\n");
    assert_eq!(verdict(&sequence, &trace), why);
    // The first one is certain: the other starts later.
    let first = format!("    - find: {{ {find}, take: first }}\n      name: first\n");
    assert_eq!(of(&first), "pass");
    let none = "    - find: { attributes: { code: { gte: 504 } }, take: first }\n      count: 0\n";
    assert_eq!(of(none), "fail");
    let no_third = format!("    - find: {{ {find}, take: 3 }}\n      count: 0\n");
    assert_eq!(of(&no_third), "pass");
}

#[test]
fn a_service_is_unknown_where_attributes_of_the_resource_were_dropped() {
    let unnamed = Span {
        resource: spanspec::Resource {
            attributes: Attributes::default().with_dropped(1),
        }
        .into(),
        ..span(1, 0, "", "charge", 10, 20)
    };
    let trace = trace([unnamed]);
    let why = "1 resource attribute of `charge` of unknown_service was dropped";
    for text in [
        "  spans: [{ find: { service: payment }, count: 0 }]\n",
        "  spans: [{ find: charge, service: { not: payment } }]\n",
        "  services: [payment]\n",
        "  edges: [order -> payment]\n",
    ] {
        assert_eq!(verdict(text, &trace), why, "{text}");
    }
}

#[test]
fn an_aggregate_with_a_missing_part_is_not_judged() {
    let of = |find: &str, check: &str| {
        verdict(&format!("  spans: [{{ find: {find}, {check} }}]\n"), &cut())
    };
    let dropped = "40 attributes of `GET /go` of order were dropped";
    assert_eq!(of("GET /go", "sum: { k: 1 }"), "pass");
    assert_eq!(of("GET /go", "sum: { j: 1 }"), dropped);
    assert_eq!(of("GET /go", "max: { j | k: 1 }"), dropped);
    assert_eq!(of("{ name: [GET /go, reply] }", "sum: { j: 1 }"), "fail");
    assert_eq!(
        of("{ attributes: { j: absent } }", "count: 0.., sum: { k: 1 }"),
        "fail"
    );
    assert_eq!(
        of("{ attributes: { j: 1 } }", "count: 0.., sum: { k: 0 }"),
        dropped
    );
}

#[test]
fn a_cause_that_did_not_arrive_may_be_any_span() {
    let link = |to: u64| Link {
        trace_id: trace_id(),
        span_id: span_id(to),
        trace_state: String::new(),
        attributes: Attributes::default(),
    };
    let trace = trace([
        span(1, 0, "shop", "GET /go", 1, 9),
        Span {
            dropped_links: 1,
            ..span(2, 1, "shop", "send", 2, 3)
        },
        Span {
            links: vec![link(60)],
            ..span(3, 1, "shop", "retry", 2, 3)
        },
        span(4, 50, "shop", "lost", 2, 3),
        span(5, 3, "shop", "again", 2, 3),
    ]);
    let of = |name: &str, cause: &str| {
        let text = format!("  orphans: 1\n  spans: [{{ find: {name}, caused_by: {cause} }}]\n");
        verdict(&text, &trace)
    };
    let none = "{ name: other, count: 0 }";
    let dropped = "1 link of `send` of shop was dropped";
    let linked = "a link of `retry` of shop leads to span 000000000000003d, which never arrived";
    let orphaned = "the trace is incomplete, so a span that never arrived could change this: span 0000000000000033 is missing";
    for (name, why) in [("send", dropped), ("again", linked), ("lost", orphaned)] {
        assert_eq!(of(name, none), why);
        assert_eq!(of(name, "other"), why);
    }
    assert_eq!(of("again", "retry"), "pass");
    assert_eq!(of("again", "{ name: retry, count: 1 }"), linked);
    assert_eq!(
        of("again", "{ name: [retry, GET /go], count: ..1 }"),
        "fail"
    );
    assert_eq!(of("GET /go", none), "pass");
}

#[test]
fn a_dropped_link_may_have_led_to_any_span_of_the_judged_request() {
    let in_batch = TraceId::from_bytes([2; 16]).unwrap();
    let link = Link {
        trace_id: trace_id(),
        span_id: span_id(2),
        trace_state: String::new(),
        attributes: Attributes::default(),
    };
    let consume = Span {
        trace_id: in_batch,
        links: vec![link],
        dropped_links: 1,
        ..span(11, 0, "ledger", "consume", 20, 30)
    };
    let linked = Trace::assemble(in_batch, Origin::Foreign, [consume]);
    let trace = trace([
        span(1, 0, "shop", "GET /go", 1, 9),
        span(2, 1, "shop", "send a", 2, 3),
        span(3, 1, "shop", "send b", 4, 5),
    ])
    .with_linked(vec![linked]);
    let of = |text: &str| verdict(&format!("  spans: [{{ {text} }}]\n"), &trace);
    let why = "1 link of `consume` of ledger was dropped";
    assert_eq!(
        of("find: send b, linked_to: { name: consume, count: 0 }"),
        why
    );
    assert_eq!(
        of("find: { name: send b, linked_to: consume }, count: 0"),
        why
    );
    assert_eq!(of("find: send a, linked_to: consume"), "pass");
}

/// "captured", "fail", or the reason why a capture of `id` from the spans that are found is open.
fn captured(find: &str, trace: &Trace) -> String {
    let text = format!(
        "request: GET http://a/\ncapture:\n  x: {{ find: {find}, attribute: id }}\nexpect: {{ response_time: < 1h }}\n"
    );
    let spec = super::spec(&text);
    let wanted = spec.steps[0].captures(&spec.scope()).unwrap().remove(0);
    let response = Response::Http(http());
    match spanspec::internal::check::capture(&wanted, &Evidence::new(&response, Some(trace), true))
    {
        Ok(_) => "captured".to_owned(),
        Err(Outcome::Unjudged(why)) => why.to_string(),
        Err(_) => "fail".to_owned(),
    }
}

#[test]
fn a_capture_is_open_while_a_span_in_doubt_may_have_the_value_or_another_one() {
    let id = |id: &str| ("id", Value::from(id));
    let dropped = "2 attributes of `second` of order were dropped";
    let cut = two(
        attributes([id("1"), ("x", Value::Int(1))]),
        Attributes::default().with_dropped(2),
    );
    assert_eq!(captured("{ name: [first, second] }", &cut), dropped);
    assert_eq!(captured("first", &cut), "captured");
    assert_eq!(captured("second", &cut), "fail");
    let cut = two(
        attributes([id("1"), ("x", Value::Int(1))]),
        attributes([id("2")]).with_dropped(2),
    );
    assert_eq!(captured("{ attributes: { x: 1 } }", &cut), dropped);
    assert_eq!(
        captured("{ attributes: { x: 1 }, take: last }", &cut),
        dropped
    );
    assert_eq!(
        captured("{ attributes: { x: 1 }, take: first }", &cut),
        "captured"
    );
    assert_eq!(
        captured("{ name: second, attributes: { x: absent } }", &cut),
        dropped
    );
    let typed = two(
        attributes([id("1"), ("code", Value::Int(503))]),
        attributes([id("2"), ("code", Value::from("503"))]),
    );
    assert_eq!(
        captured("{ attributes: { code: 503 } }", &typed),
        "the value of `code` of `second` of order has a type that its matcher cannot judge"
    );
    let with_id = |span: Span, value: &str| Span {
        attributes: attributes([id(value)]),
        ..span
    };
    let unended = trace([
        span(1, 0, "order", "GET /go", 5, 95),
        with_id(span(2, 1, "order", "pay", 10, 12), "1"),
        Span {
            end: 0,
            ..with_id(span(3, 1, "order", "pay", 20, 22), "2")
        },
    ]);
    assert_eq!(
        captured("{ name: pay, duration: < 1s }", &unended),
        "`pay` of order never ended, so it has no duration"
    );
}
