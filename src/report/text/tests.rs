use snapbox::{assert_data_eq, str};

use super::super::look::{Charset, Colors, width};
use super::super::sample;
use super::*;
use crate::check::{Failure, Subject};
use crate::result::{Phase, Report};

fn at_80(of: &SpecReport, detail: Detail) -> String {
    spec(of, &Look::plain().with_width(80), detail)
}

fn failed(step: StepReport) -> SpecReport {
    let attempt = sample::attempt(Verdict::Failed, vec![step]);
    sample::spec(
        "placing an order charges the card",
        Verdict::Failed,
        vec![attempt],
    )
}

fn with(failure: Failure) -> SpecReport {
    let mut step = sample::step(vec![sample::failing(failure)]);
    step.trace = None;
    failed(step)
}

fn named(name: &str) -> SpecReport {
    let report = sample::report();
    report
        .specs
        .into_iter()
        .find(|spec| spec.name == name)
        .unwrap()
}

/// All parts of a report, long, wide, and with control characters.
fn troublesome() -> Report {
    let mut report = sample::report();
    let evil = "\u{1b}[31m注文を確定する 🛒\r\n\u{202e}".repeat(20);
    let mut body = sample::different_body();
    body.found.clone_from(&evil);
    body.differences[0].path.clone_from(&evil);
    body.hints = vec![evil.clone()];
    let mut nothing = sample::nothing_found();
    nothing.nearest[0].name.clone_from(&evil);
    nothing.nearest[0].rejected[0].found.clone_from(&evil);
    let mut witness = sample::wrong_method();
    witness.witnesses[0].service.clone_from(&evil);
    witness.witnesses[0].mark.clone_from(&evil);
    let mut step = sample::step([body, nothing, witness].map(sample::failing).into());
    step.name = Some(evil.clone());
    step.notices = vec![evil.clone()];
    let mut trouble = sample::refused_step();
    let of = trouble.trouble.as_mut().unwrap();
    (of.what, of.details, of.help) = (evil.clone(), vec![evil.clone()], vec![evil.clone()]);
    let steps = vec![step, trouble];
    let attempts = vec![
        sample::attempt(Verdict::Failed, steps.clone()),
        sample::attempt(Verdict::Failed, steps),
    ];
    report
        .specs
        .push(sample::spec(&evil, Verdict::Failed, attempts));
    report
        .specs
        .push(sample::spec("b", Verdict::Skipped(evil.clone()), vec![]));
    report
        .specs
        .push(sample::spec("c", Verdict::NotRun(evil.clone()), vec![]));
    report.notices = vec![evil.clone(), evil.clone()];
    report.telemetry.refused = vec![evil];
    report
}

fn everything(report: &Report, look: &Look, detail: Detail) -> String {
    let mut text: String = report
        .specs
        .iter()
        .map(|of| spec(of, look, detail))
        .collect();
    text.push_str(&summary(report, look, detail));
    text
}

#[test]
fn a_failure_shows_the_spec_line_the_value_found_and_the_trace() {
    assert_data_eq!(
        at_80(&named("placing an order charges the card"), Detail::Normal),
        str![[r#"
FAIL  placing an order charges the card
      specs/place-order.yaml   trace 4bf92f35…   6 spans, 4 services, 812 ms
  attribute `payment.method` of span `process_payment`
   --> specs/place-order.yaml:12:37
 12 |       attributes: { payment.method: card, order.id: "${order_id}" }
    |                                     ^^^^ found "paypal"
                                               (payment, span 00f067aa00000005)

  number of spans that match { type: db }
   --> specs/place-order.yaml:14:13
 14 |     - find: { type: db }
    |             ^^^^^^^^^^^^ expected at least 1, found nothing
   nearest:
     inventory › SELECT stock (span 00f067aa00000004)
       attribute `db.system.name` is missing, expected exists
     order › INSERT orders (span 00f067aa00000006)
       name is "INSERT orders", not "SELECT stock"
       service is "order", not "inventory"
   help: spans of type db have `db.system.name` or `db.system`

   gateway    POST /orders         ███████████████████████████ 801 ms
   order        POST /orders       ▐█████████████████████████▌ 776 ms
   order          reserve_stock    ▐██▏                         71 ms
   inventory        SELECT stock    █▉                          53 ms  ← nearest
   payment        process_payment      ▐█████████████▋         412 ms
                  ↑ payment.method = "paypal"
   order          INSERT orders                      ▕           1 ms

   trace saved: target/spanspec/4bf92f3577b34da6a3ce929d0e0e4736.json


"#]]
    );
}

#[test]
fn on_a_wide_terminal_the_span_is_beside_the_value_found() {
    let look = Look::plain().with_width(120);
    let mut step = sample::step(vec![sample::failing(sample::wrong_method())]);
    step.saved_trace = None;
    assert_data_eq!(
        spec(&failed(step), &look, Detail::Normal),
        str![[r#"
FAIL  placing an order charges the card   specs/place-order.yaml   trace 4bf92f35…   6 spans, 4 services, 812 ms
  attribute `payment.method` of span `process_payment`
   --> specs/place-order.yaml:12:37
 12 |       attributes: { payment.method: card, order.id: "${order_id}" }
    |                                     ^^^^ found "paypal"   (payment, span 00f067aa00000005)

   gateway    POST /orders         █████████████████████████████████████████████████ 801 ms
   order        POST /orders       ▐███████████████████████████████████████████████▎ 776 ms
   order          reserve_stock     ████▋                                             71 ms
   inventory        SELECT stock    ▕███▏                                             53 ms
   payment        process_payment          ▐████████████████████████▊                412 ms  ← payment.method = "paypal"
   order          INSERT orders                                      ▍                 1 ms


"#]]
    );
}

#[test]
fn unjudged_checks_have_a_reason() {
    assert_data_eq!(
        at_80(&named("cancelling an order"), Detail::Normal),
        str![[r#"
ERROR cancelling an order   specs/place-order.yaml   trace 4bf92f35…   812 ms
  failed to connect to 127.0.0.1:8080
  --> specs/place-order.yaml:3:9
 3 |   post: ${BASE_URL}/orders
   |         ^^^^^^^^^^^^^^^^^^
   │ connection refused (os error 111)
   help: is the service running? `services` in spanspec.yaml starts it

  2 checks could not be judged: there is no span of this trace
    specs/place-order.yaml:8:3: number of spans with status error
    specs/place-order.yaml:14:13: number of spans that match { type: db }


"#]]
    );
}

#[test]
fn a_flaky_spec_shows_earlier_failures() {
    assert_data_eq!(
        at_80(&named("paying twice"), Detail::Normal),
        str![[r#"
FLAKY paying twice   passed on attempt 2   1.62 s
  attempt 1 failed
    specs/place-order.yaml:12:37: attribute `payment.method` of span
    `process_payment`: expected "card", found "paypal"
    specs/place-order.yaml:14:13: number of spans that match { type: db }:
    expected at least 1, found nothing

"#]]
    );
}

#[test]
fn a_spec_that_passed_or_was_skipped_takes_one_line() {
    assert_eq!(
        at_80(&named("listing the stock"), Detail::Normal),
        "PASS  listing the stock   812 ms\n"
    );
    assert_eq!(
        at_80(&named("refunds"), Detail::Normal),
        "SKIP  refunds   until the bank's sandbox is back\n"
    );
}

#[test]
fn verbose_shows_every_check_the_response_and_the_trace_of_a_spec_that_passed() {
    assert_data_eq!(
        at_80(&named("listing the stock"), Detail::Verbose),
        str![[r#"
PASS  listing the stock
      specs/place-order.yaml   trace 4bf92f35…   6 spans, 4 services, 812 ms
   POST http://127.0.0.1:8080/orders
   trace 4bf92f3577b34da6a3ce929d0e0e4736
   response after 803 ms, last span after 811 ms, verdict after 812 ms
   ✓ status of the response
   ✓ number of spans with status error

   response: 201 in 803 ms
   │ {"order":{"lines":[{"sku":"B2"}]}}

   gateway    POST /orders         ██████████████████████████████████████ 801 ms
   order        POST /orders       ▐████████████████████████████████████▍ 776 ms
   order          reserve_stock     ███▍                                   71 ms
   inventory        SELECT stock    ▐██                                    53 ms
   payment        process_payment        ▐███████████████████▏            412 ms
   order          INSERT orders                              ▐              1 ms

   gateway › POST /orders
     kind: internal
   order › POST /orders
     kind: internal
   order › reserve_stock
     kind: internal
   inventory › SELECT stock
     kind: internal
   payment › process_payment
     kind: internal
   order › INSERT orders
     kind: internal


"#]]
    );
}

#[test]
fn structures_differ_path_by_path() {
    assert_data_eq!(
        at_80(&with(sample::different_body()), Detail::Normal),
        str![[r#"
FAIL  placing an order charges the card
      specs/place-order.yaml   trace 4bf92f35…   812 ms
  `$` in the body of the response
  --> specs/place-order.yaml:7:11
 7 |   status: 201
   |           ^^^
   expected {"order":{"lines":[{"sku":"A1"}],"total":42}}
      found {"order":{"lines":[{"sku":"B2"}]}}
   $.order.lines[0].sku  expected "A1", found "B2"
   $.order.total         expected 42, found nothing

   response: 201 in 803 ms
   │ {"order":{"lines":[{"sku":"B2"}]}}


"#]]
    );
}

#[test]
fn an_expected_value_that_the_spec_line_lacks_is_shown() {
    let status = |expected| {
        with(sample::failure(
            Subject::Response("status of the response"),
            "201",
            expected,
            "500",
        ))
    };
    assert!(at_80(&status("201"), Detail::Normal).contains("^^^ found 500\n"));
    assert!(at_80(&status("2xx"), Detail::Normal).contains("^^^ expected 2xx, found 500\n"));
}

#[test]
fn a_long_value_is_truncated_below_the_line() {
    let long = format!("\"{}\"", "0123456789".repeat(200));
    let text = at_80(
        &with(sample::failure(
            Subject::Response("body of the response"),
            "201",
            "\"ok\"",
            &long,
        )),
        Detail::Normal,
    );
    assert!(
        text.contains("   expected \"ok\"\n      found \"0123456789"),
        "{text}"
    );
    assert!(text.contains("… (2,002"), "{text}");
}

#[test]
fn one_of_several_steps_is_named() {
    let mut setup = sample::passing_step();
    setup.phase = Phase::Setup;
    let mut pay = sample::failing_step();
    pay.name = Some("pay".to_owned());
    let steps = vec![setup, sample::passing_step(), pay];
    let attempt = sample::attempt(Verdict::Failed, steps);
    let text = at_80(
        &sample::spec("a", Verdict::Failed, vec![attempt]),
        Detail::Normal,
    );
    assert!(text.contains("\n  step 2 of 2: pay\n"), "{text}");
    assert!(
        !text.contains("step 1 of 2") && !text.contains("setup"),
        "{text}"
    );
}

#[test]
fn a_failed_setup_step_is_named() {
    let mut setup = sample::refused_step();
    setup.phase = Phase::Setup;
    let attempt = sample::attempt(Verdict::Errored, vec![setup]);
    let text = at_80(
        &sample::spec("a", Verdict::Errored, vec![attempt]),
        Detail::Normal,
    );
    assert!(
        text.contains("\n  setup: POST http://127.0.0.1:8080/orders\n"),
        "{text}"
    );
}

#[test]
fn the_summary_lists_failed_specs_and_ends_with_the_counts() {
    let look = Look::plain().with_width(80);
    assert_data_eq!(
        summary(&sample::report(), &look, Detail::Normal),
        str![[r#"
FAIL  placing an order charges the card   specs/place-order.yaml:1:1
ERROR cancelling an order   specs/place-order.yaml:1:1

not run: 1 spec, after the first failure
-     shipping   specs/place-order.yaml:1:1

   note: the flush bound is assumed to be 5.5 s
   note: 2 export requests refused, the first: no protobuf (from python);
         `--verbose` lists them
   note: to show a saved trace: spanspec show target/spanspec/4bf92f3577b34da6a3ce929d0e0e4736.json

1 failed, 1 errored, 2 passed (1 flaky), 1 skipped, 1 not run in 2.44 s, 182 spans received

"#]]
    );
}

#[test]
fn a_spec_that_was_interrupted_is_stopped_and_one_that_did_not_begin_is_not_run() {
    let mut report = sample::report();
    report.specs[0].verdict = Verdict::NotRun("interrupted while it ran".to_owned());
    let told = summary(&report, &Look::plain(), Detail::Normal);
    for line in [
        "stopped: 1 spec, interrupted while it ran\nSTOP  listing the stock",
        "not run: 1 spec, after the first failure\n-     shipping",
        "1 skipped, 1 stopped, 1 not run in",
    ] {
        assert!(told.contains(line), "{told}");
    }
}

#[test]
fn the_summary_lists_flaky_specs_that_fail_the_run() {
    let mut report = sample::report();
    report.fail_flaky = true;
    let told = summary(&report, &Look::plain(), Detail::Normal);
    assert!(
        told.contains("FLAKY paying twice   specs/place-order.yaml:1:1"),
        "{told}"
    );
}

#[test]
fn the_summary_of_a_run_that_did_not_start_has_the_reason() {
    let mut report = sample::report();
    report.specs.clear();
    report.notices.clear();
    report.telemetry = crate::result::Telemetry::default();
    report.trouble = vec![sample::refused_step().trouble.unwrap()];
    assert_data_eq!(
        summary(&report, &Look::plain(), Detail::Normal),
        str![[r#"
ERROR the run
  failed to connect to 127.0.0.1:8080
  --> specs/place-order.yaml:3:9
 3 |   post: ${BASE_URL}/orders
   |         ^^^^^^^^^^^^^^^^^^
   │ connection refused (os error 111)
   help: is the service running? `services` in spanspec.yaml starts it

no spec ran in 2.44 s, 0 spans received

"#]]
    );
}

#[test]
fn the_first_refused_export_is_shown_with_its_reason_and_verbose_lists_all() {
    let told = |detail| summary(&sample::report(), &Look::plain(), detail);
    assert!(
        told(Detail::Normal)
            .contains("2 export requests refused, the first: no protobuf (from python)")
    );
    assert!(told(Detail::Verbose).contains("refused: no protobuf (from python)"));
}

#[test]
fn a_notice_is_shown_once() {
    let mut report = sample::report();
    report.notices.push(report.notices[0].clone());
    let text = summary(&report, &Look::plain(), Detail::Normal);
    assert_eq!(text.matches("the flush bound is assumed").count(), 1);
}

#[test]
fn text_contains_no_control_characters_and_no_trailing_spaces() {
    let report = troublesome();
    for columns in [40, 60, 80, 120] {
        for charset in [Charset::Unicode, Charset::Ascii] {
            let look = Look::plain().with_width(columns).with_charset(charset);
            let text = everything(&report, &look, Detail::Verbose);
            for line in text.lines() {
                assert!(!line.ends_with(' '), "{line:?}");
                assert!(!line.chars().any(char::is_control), "{line:?}");
                assert!(!line.contains(['\u{202e}', '\u{2028}']), "{line:?}");
            }
        }
    }
}

#[test]
fn text_keeps_to_the_width_except_snippets_paths_and_counts() {
    let report = troublesome();
    for columns in [60, 80, 120] {
        let look = Look::plain().with_width(columns);
        let text = everything(&report, &look, Detail::Verbose);
        let free = [
            "trace saved:",
            "spanspec show",
            " received",
            " | ",
            "    | ",
        ];
        let kept = text
            .lines()
            .filter(|line| !free.iter().any(|part| line.contains(part)));
        for line in kept {
            assert!(width(line) <= columns, "{columns}: {line}");
        }
    }
}

#[test]
fn colours_add_nothing_to_the_text() {
    for detail in [Detail::Quiet, Detail::Normal, Detail::Verbose] {
        let plain = everything(&troublesome(), &Look::plain(), detail);
        let look = Look::plain().with_colors(Colors::Ansi);
        let colored = sample::bare(&everything(&troublesome(), &look, detail));
        let trimmed: Vec<&str> = colored.lines().map(str::trim_end).collect();
        assert_eq!(trimmed, plain.lines().collect::<Vec<_>>());
    }
}
