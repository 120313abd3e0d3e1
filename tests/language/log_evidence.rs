//! Log records whose answer is not known: cut, without a span, or without a severity.

use std::sync::Arc;

use spanspec::{Attributes, Event, LogRecord, Outcome, Response, Span, Trace, Value};

use super::{expect, http, outcomes, span, span_id, trace, trace_id};

/// "pass", "fail" or the reason why the last check could not be judged.
fn verdict(text: &str, records: impl IntoIterator<Item = LogRecord>) -> String {
    let trace = with(
        [
            span(1, 0, "shop", "GET /go", 1, 9),
            span(2, 1, "shop", "charge", 2, 8),
        ],
        records,
    );
    let judged = outcomes(&expect(text), &Response::Http(http()), Some(&trace));
    match &judged[judged.len() - 1].outcome {
        Outcome::Pass => "pass".to_owned(),
        Outcome::Fail(_) => "fail".to_owned(),
        Outcome::Unjudged(why) => why.to_string(),
    }
}

fn with(
    spans: impl IntoIterator<Item = Span>,
    records: impl IntoIterator<Item = LogRecord>,
) -> Trace {
    let records = records.into_iter().map(Arc::new).collect();
    trace(spans).with_logs(Arc::new(records))
}

/// A record of shop in this span.
fn record(span: u64) -> LogRecord {
    let shop = super::span(1, 0, "shop", "x", 1, 2).resource;
    LogRecord {
        body: Value::from("declined"),
        resource: shop,
        ..LogRecord::new(trace_id(), span_id(span))
    }
}

fn exception(span: u64) -> LogRecord {
    LogRecord {
        event_name: "exception".to_owned(),
        ..record(span)
    }
}

fn of_charge(events: &str) -> String {
    format!("  spans: [{{ find: charge, events: [{events}] }}]\n")
}

#[test]
fn a_record_whose_exception_can_be_among_its_dropped_attributes_leaves_the_number_open() {
    let cut = || LogRecord {
        attributes: Attributes::default().with_dropped(1),
        ..record(2)
    };
    let none = of_charge("{ name: exception, count: 0 }");
    let dropped = "1 log attribute of `declined` of shop was dropped";
    assert_eq!(verdict(&none, [cut()]), dropped);
    assert_eq!(verdict(&none, [record(2)]), "pass");
    // It is of another span.
    let elsewhere = LogRecord {
        span_id: Some(span_id(1)),
        ..cut()
    };
    assert_eq!(verdict(&none, [elsewhere]), "pass");
    assert_eq!(verdict(&of_charge("exception"), [cut()]), "fail");
    assert_eq!(
        verdict(&of_charge("exception"), [cut(), exception(2)]),
        "pass"
    );
    let one = of_charge("{ name: exception, count: 1 }");
    assert_eq!(verdict(&one, [cut(), exception(2)]), dropped);
}

#[test]
fn an_exception_without_a_span_id_can_be_of_any_span_of_its_service() {
    let lost = || LogRecord {
        span_id: None,
        ..exception(2)
    };
    let none = of_charge("{ name: exception, count: 0 }");
    let why = "`declined` of shop is an exception without a span id, so it can be of any span of its service";
    assert_eq!(verdict(&none, [lost()]), why);
    assert_eq!(verdict(&of_charge("exception"), [lost()]), why);
    assert_eq!(
        verdict(&of_charge("exception"), [lost(), exception(2)]),
        "pass"
    );
    let of_other = LogRecord {
        resource: super::span(1, 0, "mail", "x", 1, 2).resource,
        ..lost()
    };
    assert_eq!(verdict(&none, [of_other]), "pass");
    let unknown = LogRecord {
        resource: Arc::default(),
        ..lost()
    };
    // Without `service.name`, it is of no service.
    assert_eq!(verdict(&none, [unknown]), "pass");
}

#[test]
fn each_name_that_can_be_exception_counts_log_records() {
    for name in [
        "name: exception",
        "name: =~ ^exc",
        "name: { not: card.authorized }",
    ] {
        let none = of_charge(&format!("{{ {name}, count: 0 }}"));
        assert_eq!(verdict(&none, [exception(2)]), "fail", "{name}");
        assert_eq!(verdict(&none, [exception(1)]), "pass", "{name}");
    }
    let none = of_charge("{ attributes: { exception.type: Declined }, count: 0 }");
    let declined = LogRecord {
        attributes: [("exception.type".to_owned(), Value::from("Declined"))]
            .into_iter()
            .collect(),
        ..record(2)
    };
    assert_eq!(verdict(&none, [declined]), "fail");
    let other = of_charge("{ name: =~ ^card, count: 0 }");
    assert_eq!(verdict(&other, [exception(2)]), "pass");
}

#[test]
fn an_exception_that_is_an_event_too_counts_once_for_any_name() {
    let event = Event {
        name: "exception".to_owned(),
        time: 3,
        attributes: Attributes::default(),
    };
    let span = Span {
        events: vec![event],
        ..span(2, 0, "shop", "charge", 2, 8)
    };
    let trace = with([span], [exception(2)]);
    let once = of_charge("{ name: =~ exception, count: 1 }");
    let judged = outcomes(&expect(&once), &Response::Http(http()), Some(&trace));
    assert!(judged.iter().all(|one| one.outcome == Outcome::Pass));
}

#[test]
fn a_record_without_a_severity_leaves_checks_of_severity_open() {
    let none = "  logs: [{ find: { severity: error.. }, count: 0 }]\n";
    let why = "`declined` of shop has no severity number from 1 to 24";
    assert_eq!(verdict(none, [record(2)]), why);
    let some = "  logs: [{ find: { severity: error.. } }]\n";
    assert_eq!(verdict(some, [record(2)]), why);
    let error = || LogRecord {
        severity: Some(17),
        ..record(2)
    };
    assert_eq!(verdict(some, [record(2), error()]), "pass");
    assert_eq!(verdict(none, [record(2), error()]), "fail");
    // Another condition excludes it.
    let other = "  logs: [{ find: { severity: error.., body: =~ ^paid }, count: 0 }]\n";
    assert_eq!(verdict(other, [record(2)]), "pass");
    let each = "  logs: [{ find: declined, severity: ..warn }]\n";
    assert_eq!(verdict(each, [record(2)]), why);
    assert_eq!(verdict(each, [error()]), "fail");
}

#[test]
fn the_span_of_a_record_that_never_arrived_is_missing() {
    let trace = with(
        [span(1, 0, "shop", "GET /go", 1, 9)],
        [record(1), record(7)],
    );
    assert!(trace.misses_spans());
    assert_eq!(trace.missing_spans(), [span_id(7)].into());
    let trace = with([span(1, 0, "shop", "GET /go", 1, 9)], [record(1)]);
    assert!(!trace.misses_spans());
}
