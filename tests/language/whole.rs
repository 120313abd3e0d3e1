//! Checks of the response and of the trace as a whole.

use std::time::Duration;

use spanspec::internal::check::capture;
use spanspec::{
    CommandResponse, Evidence, HttpResponse, Outcome, Response, Span, Status, StatusCode, Trace,
    Unjudged, Value, judge,
};

use super::{answers, expect, gives, holds, http, outcomes, shop, span, spec, trace};

fn status(status: u16) -> HttpResponse {
    HttpResponse { status, ..http() }
}

#[test]
fn a_status_is_a_number_a_class_a_list_or_a_range() {
    for (asked, met, unmet) in [
        ("201", 201, 200),
        ("2xx", 299, 300),
        ("[200, 201]", 201, 202),
        ("[2xx, 404]", 404, 500),
        ("200..299", 299, 300),
        ("< 400", 399, 400),
        ("{ not: 5xx }", 404, 503),
    ] {
        let text = format!("  status: {asked}\n");
        assert!(
            answers(&text, status(met)) && !answers(&text, status(unmet)),
            "{asked}"
        );
    }
}

fn with_headers(headers: &[(&str, &str)]) -> HttpResponse {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    HttpResponse {
        headers: headers.iter().map(own).collect(),
        ..http()
    }
}

#[test]
fn names_of_headers_ignore_case_and_some_value_of_a_repeated_one_matches() {
    let response = || with_headers(&[("cache-control", "public"), ("cache-control", "max-age=60")]);
    assert!(answers(
        "  headers: { Cache-Control: public }\n",
        response()
    ));
    assert!(answers(
        "  headers:\n    CACHE-CONTROL: =~ ^max-age=[0-9]+$\n",
        response()
    ));
    assert!(!answers(
        "  headers: { cache-control: private }\n",
        response()
    ));
}

#[test]
fn of_a_repeated_header_not_means_none() {
    let response = || with_headers(&[("cache-control", "public"), ("cache-control", "max-age=60")]);
    assert!(!answers(
        "  headers: { cache-control: { not: public } }\n",
        response()
    ));
    assert!(answers(
        "  headers: { cache-control: { not: private } }\n",
        response()
    ));
}

#[test]
fn a_header_that_is_not_there_is_absent() {
    assert!(answers("  headers: { location: absent }\n", http()));
    assert!(!answers("  headers: { location: { not: x } }\n", http()));
    assert!(answers(
        "  headers: { x-version: 010 }\n",
        with_headers(&[("x-version", "010")])
    ));
}

#[test]
fn a_body_is_a_text() {
    let body = |text: &str| HttpResponse {
        body: text.as_bytes().to_vec(),
        ..http()
    };
    assert!(answers(
        "  body: { contains: created }\n",
        body("it was created")
    ));
    assert!(answers("  body: 42\n", body("42")) && !answers("  body: 42\n", body("42.0")));
    assert!(answers("  body: absent\n", body("")) && !answers("  body: absent\n", body("x")));
    assert!(answers("  body: \"\"\n", body("")));
}

#[test]
fn a_body_that_is_no_json_has_no_paths() {
    let text = HttpResponse {
        body: b"<h1>".to_vec(),
        ..http()
    };
    assert!(!answers("  json: { $.a: exists }\n", text.clone()));
    assert!(!answers("  json: { $.a: absent }\n", text));
}

#[test]
fn response_time_is_compared_exactly() {
    let took = |nanos| HttpResponse {
        time: Duration::from_nanos(nanos),
        ..http()
    };
    assert!(answers("  response_time: < 800ms\n", took(799_999_999)));
    assert!(!answers("  response_time: < 800ms\n", took(800_000_000)));
    assert!(answers("  response_time: 1ms..\n", took(1_000_000)));
}

#[test]
fn a_command_must_end_with_zero_unless_expect_says_otherwise() {
    let ended = |code| CommandResponse {
        exit_code: code,
        ..CommandResponse::default()
    };
    let any = "expect: { response_time: < 1h }\n";
    assert!(gives(any, ended(Some(0))) && !gives(any, ended(Some(1))) && !gives(any, ended(None)));
    assert!(gives("expect: { exit_code: [1, 2] }\n", ended(Some(2))));
    assert!(gives("expect: { exit_code: { not: 0 } }\n", ended(Some(1))));
    assert!(
        !gives("expect: { exit_code: { not: 0 } }\n", ended(None)),
        "a signal gives none"
    );
}

#[test]
fn what_a_command_writes_is_matched_as_text() {
    let wrote = |stdout: &str, stderr: &str| CommandResponse {
        exit_code: Some(0),
        stdout: stdout.to_owned(),
        stderr: stderr.to_owned(),
        ..CommandResponse::default()
    };
    assert!(gives(
        "expect: { stdout: =~ 3 passed, stderr: \"\" }\n",
        wrote("3 passed\n", "")
    ));
    assert!(!gives(
        "expect: { stdout: =~ 3 passed }\n",
        wrote("2 passed\n", "")
    ));
    assert!(gives(
        "expect: { stderr: { not: { contains: error } } }\n",
        wrote("", "")
    ));
    assert!(gives("expect: { stderr: absent }\n", wrote("x", "")));
}

fn failing(span: Span) -> Span {
    Span {
        status: Status {
            code: StatusCode::Error,
            message: String::new(),
        },
        ..span
    }
}

#[test]
fn errors_are_counted_wherever_they_hang() {
    let spans = |errors: usize| {
        let all = (1..=3).map(|n| span(n, 77 * (n - 1), "s", "a", 0, 1));
        trace(
            all.enumerate()
                .map(|(at, span)| if at < errors { failing(span) } else { span }),
        )
    };
    assert!(holds("  errors: 0\n", &spans(0)) && !holds("  errors: 0\n", &spans(1)));
    assert!(holds("  errors: 1..2\n", &spans(2)) && !holds("  errors: 1..2\n", &spans(3)));
}

#[test]
fn orphans_are_spans_whose_parent_never_arrived_and_children_of_ours_are_none() {
    let orphan = || span(9, 77, "s", "late", 5, 6);
    let with = || trace(shop().spans().iter().cloned().chain([orphan()]));
    assert!(holds("  orphans: 0\n", &shop()) && !holds("  orphans: 0\n", &with()));
    assert!(holds("  orphans: 1\n", &with()) && holds("  orphans: 0..\n", &with()));
}

#[test]
fn orphans_without_a_limit_say_that_parents_may_be_missing() {
    assert!(expect("  orphans: 0..\n").tolerates_orphans());
    assert!(!expect("  orphans: 0\n").tolerates_orphans());
    assert!(!expect("  orphans: 0..3\n").tolerates_orphans());
}

#[test]
fn span_count_counts_every_span() {
    for (limits, is_met) in [
        ("5", true),
        ("..4", false),
        ("5..40", true),
        ("6..", false),
        ("< 5", false),
        ("0..", true),
    ] {
        assert_eq!(
            holds(&format!("  span_count: {limits}\n"), &shop()),
            is_met,
            "{limits}"
        );
    }
}

#[test]
fn trace_duration_is_from_the_first_start_to_the_last_end() {
    assert!(holds("  trace_duration: 100ns..100ns\n", &shop()));
    assert!(!holds("  trace_duration: < 100ns\n", &shop()));
    let apart = trace([span(1, 0, "s", "a", 50, 60), span(2, 0, "s", "b", 0, 10)]);
    assert!(holds("  trace_duration: 60ns..60ns\n", &apart));
}

#[test]
fn every_service_that_is_listed_has_a_span_and_more_may() {
    assert!(holds("  services: [gateway, payment]\n", &shop()));
    assert!(!holds("  services: [gateway, billing]\n", &shop()));
    assert!(!holds("  services: [POST /orders]\n", &shop()));
}

#[test]
fn an_edge_is_a_direct_child_in_the_other_service() {
    assert!(holds(
        "  edges: [gateway -> order, order -> payment]\n",
        &shop()
    ));
    assert!(!holds("  edges: [gateway -> payment]\n", &shop()));
    assert!(!holds("  edges: [payment -> order]\n", &shop()));
    assert!(holds("  edges: [inventory -> inventory]\n", &shop()));
}

#[test]
fn in_a_sequence_every_span_of_the_left_starts_no_later_than_any_of_the_right() {
    assert!(holds(
        "  sequence: [reserve_stock, process_payment]\n",
        &shop()
    ));
    assert!(!holds(
        "  sequence: [process_payment, reserve_stock]\n",
        &shop()
    ));
    assert!(holds(
        "  sequence: [{ service: inventory }, { service: payment }]\n",
        &shop()
    ));
    assert!(!holds(
        "  sequence: [{ service: order }, { service: gateway }]\n",
        &shop()
    ));
    assert!(!holds("  sequence: [reserve_stock, refund]\n", &shop()));
    let alike = trace([span(1, 0, "s", "a", 5, 6), span(2, 0, "s", "b", 5, 6)]);
    assert!(
        holds("  sequence: [b, a]\n", &alike),
        "at the same moment is no later"
    );
}

#[test]
fn a_sequence_holds_pair_by_pair() {
    assert!(holds(
        "  sequence: [POST /orders, reserve_stock, process_payment]\n",
        &shop()
    ));
    let expect = expect("  sequence: [reserve_stock, process_payment, { service: gateway }]\n");
    let judged = outcomes(&expect, &Response::Http(http()), Some(&shop()));
    let is_met: Vec<bool> = judged
        .iter()
        .map(|one| one.outcome == Outcome::Pass)
        .collect();
    assert_eq!(is_met, [true, false]);
}

const OF_THE_TRACE: [&str; 9] = [
    "  errors: 0\n",
    "  errors: 0..\n",
    "  orphans: 0\n",
    "  span_count: 0..\n",
    "  trace_duration: < 1h\n",
    "  services: [gateway]\n",
    "  edges: [gateway -> order]\n",
    "  sequence: [a, b]\n",
    "  spans: [{ find: a, count: 0 }]\n",
];

fn without_spans(text: &str, is_sampled: bool, trace: Option<&Trace>) -> Vec<Outcome> {
    let response = Response::Http(http());
    judge(&expect(text), &Evidence::new(&response, trace, is_sampled))
        .into_iter()
        .map(|judgement| judgement.judged.outcome)
        .collect()
}

#[test]
fn where_no_span_came_no_check_of_the_trace_holds() {
    for text in OF_THE_TRACE {
        for trace in [None, Some(&trace([]))] {
            for outcome in without_spans(text, true, trace) {
                assert_eq!(outcome, Outcome::Unjudged(Unjudged::NoSpans), "{text}");
            }
        }
    }
}

#[test]
fn where_only_a_linked_trace_came_no_check_of_the_trace_holds() {
    let linked = shop();
    let trace = trace([]).with_linked(vec![linked]);
    for text in OF_THE_TRACE {
        let outcomes = without_spans(text, true, Some(&trace));
        assert!(
            outcomes.iter().all(|outcome| *outcome != Outcome::Pass),
            "{text}"
        );
    }
}

#[test]
fn having_no_span_is_the_point_of_span_count_0_without_the_sampled_flag() {
    let empty = trace([]);
    assert_eq!(
        without_spans("  span_count: 0\n", false, Some(&empty)),
        [Outcome::Pass]
    );
    assert_ne!(
        without_spans("  span_count: 0\n", true, Some(&empty)),
        [Outcome::Pass]
    );
    assert_ne!(
        without_spans("  errors: 0\n", false, Some(&empty)),
        [Outcome::Pass]
    );
}

#[test]
fn checks_are_judged_in_the_order_of_the_spec() {
    let expect =
        expect("  errors: 0\n  status: 201\n  span_count: 5\n  json: { $.order.id: o-1 }\n");
    let lines: Vec<usize> = outcomes(&expect, &Response::Http(http()), Some(&shop()))
        .iter()
        .map(|judged| judged.at.line())
        .collect();
    assert_eq!(lines, [3, 4, 5, 6]);
}

fn captured(text: &str, response: &Response, trace: Option<&Trace>) -> Option<Value> {
    let trigger = if matches!(response, Response::Command(_)) {
        "run: ls"
    } else {
        "request: GET http://a/"
    };
    let expect = "expect: { response_time: < 1h }";
    let spec = spec(&format!("{trigger}\ncapture:\n  x: {text}\n{expect}\n"));
    let wanted = spec.steps[0].captures(&spec.scope()).unwrap().remove(0);
    capture(&wanted, &Evidence::new(response, trace, true)).ok()
}

#[test]
fn captures_keep_their_types() {
    let response = Response::Http(http());
    let captured = |text: &str| captured(text, &response, None);
    assert_eq!(captured("$.order.id"), Some(Value::from("o-1")));
    assert_eq!(captured("$.lines[0].n"), Some(Value::Int(2)));
    assert_eq!(captured("{ json: $.order.id }"), Some(Value::from("o-1")));
    assert_eq!(captured("{ status: true }"), Some(Value::Int(201)));
}

#[test]
fn captures_come_from_headers_cookies_and_texts() {
    let response = Response::Http(HttpResponse {
        headers: vec![
            ("location".to_owned(), "/orders/7".to_owned()),
            (
                "set-cookie".to_owned(),
                "session=abc; Path=/; HttpOnly".to_owned(),
            ),
            ("set-cookie".to_owned(), "theme=dark".to_owned()),
        ],
        body: b"order-7 and order-8".to_vec(),
        ..http()
    });
    let captured = |text: &str| captured(text, &response, None);
    assert_eq!(
        captured("{ header: Location }"),
        Some(Value::from("/orders/7"))
    );
    assert_eq!(captured("{ cookie: session }"), Some(Value::from("abc")));
    assert_eq!(
        captured("{ body: \"=~ order-([0-9]+)\" }"),
        Some(Value::from("7"))
    );
    assert_eq!(
        captured("{ body: \"=~ order-[0-9]+\" }"),
        Some(Value::from("order-7"))
    );
    assert_eq!(captured("{ body: \"=~ invoice\" }"), None);
}

#[test]
fn captures_come_from_what_a_command_writes() {
    let response = Response::Command(CommandResponse {
        stdout: "id: 7\n".to_owned(),
        ..CommandResponse::default()
    });
    assert_eq!(
        captured("{ stdout: \"=~ id: ([0-9]+)\" }", &response, None),
        Some(Value::from("7"))
    );
}

#[test]
fn captures_come_from_spans_and_json_texts_in_them() {
    let paid = |number| Span {
        attributes: [
            ("payment.id", Value::Int(7)),
            ("payload", Value::from(r#"{"id": "p-7"}"#)),
        ]
        .into_iter()
        .collect(),
        ..span(number, 0, "payment", "pay", 0, 1)
    };
    let response = Response::Http(http());
    let (one, two) = (trace([paid(1)]), trace([paid(1), paid(2)]));
    let of = |text: &str, trace| captured(text, &response, Some(trace));
    assert_eq!(
        of("{ find: pay, attribute: payment.id }", &one),
        Some(Value::Int(7))
    );
    assert_eq!(
        of("{ find: pay, attribute: payload, json: $.id }", &one),
        Some(Value::from("p-7"))
    );
    assert_eq!(
        of("{ find: pay, attribute: payment.id }", &two),
        None,
        "there are two"
    );
    assert_eq!(
        of(
            "{ find: { name: pay, take: first }, attribute: payment.id }",
            &two
        ),
        Some(Value::Int(7))
    );
    assert_eq!(of("{ find: refund, attribute: payment.id }", &one), None);
}

#[test]
fn a_capture_of_several_values_fails_and_says_how_many() {
    let spec =
        spec("request: GET http://a/\ncapture:\n  x: $.lines[*].sku\nexpect: { status: 2xx }\n");
    let wanted = spec.steps[0].captures(&spec.scope()).unwrap().remove(0);
    let response = Response::Http(http());
    let failure = capture(&wanted, &Evidence::new(&response, None, true)).unwrap_err();
    assert_eq!(failure.failure().unwrap().found, "2 values: \"A1\", \"A2\"");
}
