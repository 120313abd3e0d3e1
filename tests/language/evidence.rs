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
