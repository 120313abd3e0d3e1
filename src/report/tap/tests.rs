use snapbox::{IntoData, assert_data_eq, str};

use super::super::sample;
use super::*;
use crate::check::Outcome;

#[test]
fn each_spec_is_a_test_point_with_failures_as_yaml() {
    assert_data_eq!(render(&sample::report()), str![[r#"
TAP version 14
1..6
ok 1 - specs/place-order.yaml › listing the stock
not ok 2 - specs/place-order.yaml › placing an order charges the card
  ---
  message: "specs/place-order.yaml:12:37: attribute `payment.method` of span `process_payment`: expected \"card\", found \"paypal\""
  severity: fail
  file: "specs/place-order.yaml"
  line: 12
  column: 37
  duration_ms: 812
  attempts: 1
  trace_id: "4bf92f3577b34da6a3ce929d0e0e4736"
  saved_trace: "target/spanspec/4bf92f3577b34da6a3ce929d0e0e4736.json"
  more:
    - "specs/place-order.yaml:14:13: number of spans that match { type: db }: expected at least 1, found nothing"
  text: |2
      attribute `payment.method` of span `process_payment`
       --> specs/place-order.yaml:12:37
     12 |       attributes: { payment.method: card, order.id: "${order_id}" }
        |                                     ^^^^ found "paypal"   (payment, span 00f067aa00000005)

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

       gateway    POST /orders         █████████████████████████████ 801 ms
       order        POST /orders       ▐███████████████████████████▌ 776 ms
       order          reserve_stock    ▐██▎                           71 ms
       inventory        SELECT stock    ██                            53 ms  ← nearest
       payment        process_payment       ███████████████          412 ms  ← payment.method = "paypal"
       order          INSERT orders                        ▍           1 ms

       trace saved: target/spanspec/4bf92f3577b34da6a3ce929d0e0e4736.json
  ...
not ok 3 - specs/place-order.yaml › cancelling an order
  ---
  message: "specs/place-order.yaml:3:9: failed to connect to 127.0.0.1:8080"
  severity: error
  file: "specs/place-order.yaml"
  line: 3
  column: 9
  duration_ms: 812
  attempts: 1
  trace_id: "4bf92f3577b34da6a3ce929d0e0e4736"
  more:
    - "specs/place-order.yaml:8:3: number of spans with status error: there is no span of this trace"
    - "specs/place-order.yaml:14:13: number of spans that match { type: db }: there is no span of this trace"
  text: |2
      failed to connect to 127.0.0.1:8080
      --> specs/place-order.yaml:3:9
     3 |   post: ${BASE_URL}/orders
       |         ^^^^^^^^^^^^^^^^^^
       │ connection refused (os error 111)
       help: is the service running? `services` in spanspec.yaml starts it

      2 checks could not be judged: there is no span of this trace
        specs/place-order.yaml:8:3: number of spans with status error
        specs/place-order.yaml:14:13: number of spans that match { type: db }
  ...
ok 4 - specs/place-order.yaml › paying twice
  ---
  message: "specs/place-order.yaml:12:37: attribute `payment.method` of span `process_payment`: expected \"card\", found \"paypal\""
  severity: flaky
  file: "specs/place-order.yaml"
  line: 12
  column: 37
  duration_ms: 1624
  attempts: 2
  trace_id: "4bf92f3577b34da6a3ce929d0e0e4736"
  saved_trace: "target/spanspec/4bf92f3577b34da6a3ce929d0e0e4736.json"
  more:
    - "specs/place-order.yaml:14:13: number of spans that match { type: db }: expected at least 1, found nothing"
  text: |2
      attribute `payment.method` of span `process_payment`
       --> specs/place-order.yaml:12:37
     12 |       attributes: { payment.method: card, order.id: "${order_id}" }
        |                                     ^^^^ found "paypal"   (payment, span 00f067aa00000005)

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

       gateway    POST /orders         █████████████████████████████ 801 ms
       order        POST /orders       ▐███████████████████████████▌ 776 ms
       order          reserve_stock    ▐██▎                           71 ms
       inventory        SELECT stock    ██                            53 ms  ← nearest
       payment        process_payment       ███████████████          412 ms  ← payment.method = "paypal"
       order          INSERT orders                        ▍           1 ms

       trace saved: target/spanspec/4bf92f3577b34da6a3ce929d0e0e4736.json
  ...
ok 5 - specs/place-order.yaml › refunds # SKIP until the bank's sandbox is back
ok 6 - specs/place-order.yaml › shipping # SKIP not run: after the first failure

"#]].raw());
}

#[test]
fn names_cannot_create_directives_or_lines() {
    let mut report = sample::report();
    report.specs.truncate(1);
    "a # SKIP \\# TODO\nnot ok 2 - %0A ``` ::error::".clone_into(&mut report.specs[0].name);
    report.specs[0].verdict = Verdict::Skipped("see #12".to_owned());
    assert_data_eq!(
        render(&report),
        str![[r#"
TAP version 14
1..1
ok 1 - specs/place-order.yaml › a \# SKIP \\\# TODO\\nnot ok 2 - %0A ``` ::error:: # SKIP see \#12

"#]]
        .raw()
    );
}

#[test]
fn a_run_that_could_not_start_bails_out() {
    let mut report = sample::report();
    report.specs.clear();
    report.trouble = vec![sample::refused_step().trouble.unwrap()];
    assert_data_eq!(
        render(&report),
        str![[r#"
TAP version 14
1..0
#  failed to connect to 127.0.0.1:8080
#  --> specs/place-order.yaml:3:9
# 3 |   post: ${BASE_URL}/orders
#   |         ^^^^^^^^^^^^^^^^^^
#   │ connection refused (os error 111)
#   help: is the service running? `services` in spanspec.yaml starts it
Bail out! failed to connect to 127.0.0.1:8080

"#]]
        .raw()
    );
}

#[test]
fn each_claim_of_a_budget_is_listed() {
    let mut report = sample::report();
    report.specs = vec![
        sample::load::passing(),
        sample::load::regressed(),
        sample::load::open(),
    ];
    let tap = render(&report);
    for block in blocks(&tap) {
        let events: Result<Vec<_>, _> = granit_parser::Parser::new_from_str(&block).collect();
        assert!(events.is_ok(), "{events:?}\n{block}");
    }
    assert_data_eq!(tap, str![[r#"
TAP version 14
1..3
ok 1 - specs/ordering.yaml › ordering under load
  ---
  budgets:
    - "p50 of inventory-check: OK: at most 1.10x slower (1.00x seen, limit 1.2x)"
    - "p99 of response time: OK: at most 12.4 ms (12.3 ms seen), limit 100 ms"
  ...
not ok 2 - specs/ordering.yaml › ordering under load
  ---
  message: "specs/ordering.yaml:8:24: p50 of inventory-check: expected at most 1.2x of the 120 ms of v2.3.0 (n=500), found 350 ms in v2.4.0 (n=500), at least 2.66x"
  severity: fail
  file: "specs/ordering.yaml"
  line: 8
  column: 24
  duration_ms: 812
  attempts: 1
  trace_id: "4bf92f3577b34da6a3ce929d0e0e4736"
  budgets:
    - "p50 of inventory-check: REGRESSED: at least 2.66x slower (2.92x seen, limit 1.2x)"
    - "p99 of inventory-check: NOT PROVEN: 3.00x slower (97.5 % bounds 0.57x to 15.2x), limit 2.50x. About 41,000 samples per side would decide."
  text: |2
                     v2.3.0 (baseline, n=500)      v2.4.0 (n=500)
       inventory-check   p50=120 ms p99=800 ms     p50=350 ms p99=2.4 s
         ← REGRESSED: at least 2.66x slower at p50 (2.92x seen, limit 1.2x)
       p99 of inventory-check: NOT PROVEN: 3.00x slower (97.5 % bounds 0.57x to 15.2x), limit 2.50x.
       About 41,000 samples per side would decide.

      p50 of inventory-check
      --> specs/ordering.yaml:8:24
     8 |     regression: { p50: 20%, p99: 150% }
       |                        ^^^
       expected at most 1.2x of the 120 ms of v2.3.0 (n=500)
          found 350 ms in v2.4.0 (n=500), at least 2.66x
                (inventory, span 00f067aa00000002)

      slowest of inventory-check: 2.7 s, trace a3ce929d0e0e47364bf92f3577b34da6

       gateway    POST /orders       ██████████████████████████████████████ 2.76 s
       inventory    inventory-check  █████████████████████████████████████▌  2.7 s  ← the slowest of all

       trace saved: target/spanspec/a3ce929d0e0e47364bf92f3577b34da6.json
  ...
# warning: p99 of inventory-check is NOT PROVEN: 3.00x seen, limit 2.5x
ok 3 - specs/ordering.yaml › ordering all the time

"#]].raw());
}

/// The text of a block of YAML, without its indentation.
fn blocks(tap: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut open: Option<String> = None;
    for line in tap.lines() {
        open = match (open.take(), line) {
            (None, "  ---") => Some(String::new()),
            (Some(block), "  ...") => {
                blocks.push(block);
                None
            }
            (Some(block), line) => Some(format!("{block}{}\n", line.get(2..).unwrap_or(""))),
            (None, _) => None,
        };
    }
    assert!(open.is_none());
    blocks
}

#[test]
fn diagnostics_are_valid_yaml_for_any_name() {
    let mut report = sample::report();
    for spec in &mut report.specs {
        for step in spec.attempts.iter_mut().flat_map(|of| &mut of.steps) {
            for judged in &mut step.checks {
                if let Outcome::Fail(failure) = &mut judged.outcome {
                    "...\n  ...\n---\n\u{7f}\u{85}\u{2028}: - \" # x"
                        .clone_into(&mut failure.found);
                }
            }
        }
    }
    let tap = render(&report);
    let blocks = blocks(&tap);
    assert_eq!(blocks.len(), 3, "{tap}");
    for block in blocks {
        let events: Result<Vec<_>, _> = granit_parser::Parser::new_from_str(&block).collect();
        assert!(events.is_ok(), "{events:?}\n{block}");
    }
}

#[test]
fn a_flaky_spec_that_fails_the_run_is_not_ok() {
    let mut report = sample::report();
    report.fail_flaky = true;
    let text = render(&report);
    assert!(
        text.contains("not ok 4 - specs/place-order.yaml › paying twice\n"),
        "{text}"
    );
    assert!(text.contains("  severity: flaky\n"), "{text}");
}
