//! The slowest request of a failed budget.

use super::*;
use crate::check::Subject;

#[test]
fn a_request_that_left_no_trace_may_have_been_slower_than_the_one_that_is_shown() {
    let plans = [many::BudgetPlan {
        subject: "response time",
        now: repeat_n(1_001_000, 500).collect(),
        ..many::response_time()
    }];
    let mut of = many::with("ordering under load", &plans, |load| {
        let slowest = load.measured[0].largest.as_mut().unwrap();
        slowest.value = 31_000.0;
    });
    of.verdict = crate::result::Verdict::Failed;
    let text = at(100, &of, Detail::Normal);
    let (_, slowest) = text.split_once("\n  slowest of").unwrap();
    let lines: Vec<&str> = slowest.lines().take(2).collect();
    assert_eq!(
        lines,
        [
            " response time with a trace: 31 ms, trace a3ce929d0e0e47364bf92f3577b34da6; the slowest",
            "  request took 1 s and left no trace",
        ]
    );
}

#[test]
fn an_unproven_claim_that_fails_shows_its_slowest_request() {
    let mut of = many::unproven();
    of.verdict = crate::result::Verdict::Failed;
    let step = &mut of.attempts[0].steps[0];
    let measured = &step.load.as_ref().unwrap().measured[1];
    let asked = Subject::Budget {
        quantile: Quantile::P50,
        subject: measured.subject.clone(),
    };
    let failure = sample::failure(asked, "status", "at most 1.2x", "between 0.94x and 1.37x");
    step.checks[2].outcome = crate::check::Outcome::Fail(Box::new(failure));
    let text = at(100, &of, Detail::Normal);
    assert!(
        text.contains("  slowest of ship: 190 ms, trace a3ce"),
        "{text}"
    );
    assert_eq!(text.matches("NOT PROVEN").count(), 1, "{text}");
}

#[test]
fn a_single_check_has_its_numbers_and_slowest_request() {
    let of = many::regressed();
    let step = step_of(&of);
    let text = super::super::super::check(step, &step.checks[1], &Look::plain());
    assert_data_eq!(
        text,
        str![[r#"
                 v2.3.0 (baseline, n=500)      v2.4.0 (n=500)
   inventory-check   p50=120 ms p99=800 ms     p50=350 ms p99=2.4 s
     ← REGRESSED: at least 2.66x slower at p50 (2.92x seen, limit 1.2x)

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

"#]]
    );
    let of = many::failing_requests();
    let step = step_of(&of);
    let text = super::super::super::check(step, &step.checks[1], &Look::plain());
    assert_data_eq!(
        text,
        str![[r#"
  12 of 132 requests failed (0 allowed); 2 could not be judged
  --> specs/ordering.yaml:3:9
 3 | repeat: { times: 500, concurrency: 50 }
   |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
   9x attribute `payment.method` of span `process_payment` (specs/place-order.yaml:12:37)
   4x status of the response (specs/place-order.yaml:7:11)
   2x failed to connect to 127.0.0.1:8080

"#]]
    );
}

#[test]
fn the_request_that_was_drawn_is_not_drawn_again() {
    let mut of = many::regressed();
    let step = &mut of.attempts[0].steps[0];
    step.checks.push(sample::failing(sample::wrong_method()));
    step.trace_id = Some(many::slowest_id());
    let text = at(100, &of, Detail::Normal);
    assert_eq!(text.matches("slowest of inventory-check").count(), 1);
    assert_eq!(text.matches("gateway  ").count(), 1, "{text}");
}

#[test]
fn budgets_with_the_same_slowest_request_share_its_picture() {
    let other = |subject| many::BudgetPlan {
        subject,
        ..many::inventory(Some(many::fast()), many::slow(), "2.4.0")
    };
    let plans = [other("inventory-check"), other("reserve"), other("ship")];
    let of = many::with("ordering under load", &plans, |load| {
        let last = load.measured[2].largest.as_mut().unwrap();
        last.trace_id = sample::trace_id();
    });
    let text = at(100, &of, Detail::Normal);
    let start = text.find("  slowest of inventory-check").unwrap();
    assert_data_eq!(
        &text[start..],
        str![[r#"
  slowest of inventory-check: 2.7 s, trace a3ce929d0e0e47364bf92f3577b34da6
  slowest of reserve: 2.7 s, trace a3ce929d0e0e47364bf92f3577b34da6

   gateway    POST /orders       ██████████████████████████████████████ 2.76 s
   inventory    inventory-check  █████████████████████████████████████▌  2.7 s  ← the slowest of all

   trace saved: target/spanspec/a3ce929d0e0e47364bf92f3577b34da6.json

  slowest of ship: 2.7 s, trace 4bf92f3577b34da6a3ce929d0e0e4736
   trace saved: target/spanspec/a3ce929d0e0e47364bf92f3577b34da6.json


"#]]
    );
}
