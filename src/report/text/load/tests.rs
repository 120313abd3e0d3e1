use std::iter::repeat_n;

use snapbox::{assert_data_eq, str};

use super::super::super::look::{Charset, Colors, width};
use super::super::super::sample::{self, load as many};
use super::super::{in_short, spec};
use super::*;
use crate::budget::{self, Quantile, Samples};
use crate::result::SpecReport;

mod requests;
mod slowest;
mod unusual;

fn at(columns: usize, of: &SpecReport, detail: Detail) -> String {
    spec(of, &Look::plain().with_width(columns), detail)
}

fn step_of(of: &SpecReport) -> &StepReport {
    &of.attempts[0].steps[0]
}

#[test]
fn passed_budgets_are_shown_with_both_versions() {
    assert_data_eq!(
        at(80, &many::passing(), Detail::Normal),
        str![[r#"
PASS  ordering under load
      500 requests, 50 at a time, 214/s, p50 121 ms   812 ms
                 v2.3.0 (baseline, n=500)     v2.3.0 (n=500)
   inventory-check   p50=120 ms               p50=120 ms
   response time     -                        p99=12.3 ms


"#]]
    );
    assert_eq!(at(80, &many::passing(), Detail::Quiet), "");
}

#[test]
fn a_regression_shows_both_versions_the_line_of_the_spec_and_the_slowest_request() {
    assert_data_eq!(
        at(100, &many::regressed(), Detail::Normal),
        str![[r#"
FAIL  ordering under load
      specs/ordering.yaml   500 requests, 50 at a time, 214/s, p50 121 ms   812 ms
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


"#]]
    );
}

#[test]
fn if_it_fits_the_verdict_follows_the_numbers() {
    let text = at(140, &many::regressed(), Detail::Normal);
    let lines: Vec<&str> = text.lines().skip(1).take(2).collect();
    assert_data_eq!(
        lines.join("\n"),
        str![[r#"
                 v2.3.0 (baseline, n=500)      v2.4.0 (n=500)
   inventory-check   p50=120 ms p99=800 ms     p50=350 ms p99=2.4 s   ← REGRESSED: at least 2.66x slower at p50 (2.92x seen, limit 1.2x)
"#]]
    );
}

#[test]
fn a_verdict_that_does_not_fit_is_on_the_next_line() {
    assert_data_eq!(
        at(80, &many::regressed(), Detail::Quiet),
        str![[r#"
FAIL  ordering under load
      specs/ordering.yaml   500 requests, 50 at a time, 214/s, p50 121 ms
      812 ms
                 v2.3.0 (baseline, n=500)      v2.4.0 (n=500)
   inventory-check   p50=120 ms p99=800 ms     p50=350 ms p99=2.4 s
     ← REGRESSED: at least 2.66x slower at p50 (2.92x seen, limit 1.2x)
   p99 of inventory-check: NOT PROVEN: 3.00x slower (97.5 % bounds 0.57x to
   15.2x), limit 2.50x. About 41,000 samples per side would decide.

  p50 of inventory-check
  --> specs/ordering.yaml:8:24
 8 |     regression: { p50: 20%, p99: 150% }
   |                        ^^^
   expected at most 1.2x of the 120 ms of v2.3.0 (n=500)
      found 350 ms in v2.4.0 (n=500), at least 2.66x
            (inventory, span 00f067aa00000002)

  slowest of inventory-check: 2.7 s, trace a3ce929d0e0e47364bf92f3577b34da6

   gateway    POST /orders       ██████████████████ 2.76 s
   inventory    inventory-check  █████████████████▊  2.7 s  ← the slowest of all

   trace saved: target/spanspec/a3ce929d0e0e47364bf92f3577b34da6.json


"#]]
    );
}

#[test]
fn an_unproven_claim_has_a_sentence() {
    assert_data_eq!(
        at(100, &many::unproven(), Detail::Normal),
        str![[r#"
PASS  shipping under load   120 requests, 50 at a time, 51.4/s, p50 121 ms   812 ms
                 v2.3.0 (baseline, n=120)     v2.4.0 (n=120)
   process_payment   p99=166 ms               p99=176 ms
   ship              p50=113 ms               p50=129 ms
   p99 of process_payment: TOO FEW: 120 samples; an upper bound needs 368 on each side, so 176 ms
   against 166 ms proves no change
   p50 of ship: NOT PROVEN: 1.14x slower (97.5 % bounds 0.94x to 1.37x), limit 1.20x. About 1,600
   samples per side, or `spanspec ab`, would decide.
   note: the baseline was measured in 1 run; 2 tell more


"#]]
    );
}

#[test]
fn without_a_baseline_there_is_one_column() {
    assert_data_eq!(
        at(80, &many::first_run(), Detail::Normal),
        str![[r#"
PASS  ordering for the first time
      500 requests, 50 at a time, 214/s, p50 121 ms   812 ms
                     v2.3.0 (n=500)
   inventory-check   p50=120 ms p95=174 ms p99=800 ms
   note: no baseline yet: written to specs/baselines/ordering.yaml.json.new;
         `spanspec baseline accept` makes it one


"#]]
    );
}

#[test]
fn an_unreadable_baseline_is_an_error_of_no_request() {
    let mut of = many::first_run();
    of.verdict = crate::result::Verdict::Errored;
    let what = "the baseline specs/baselines/ordering.yaml.json is damaged: EOF at line 2";
    of.attempts[0].steps[0].trouble = Some(crate::result::Trouble::new(what));
    assert_data_eq!(
        at(80, &of, Detail::Normal),
        str![[r#"
ERROR ordering for the first time
      specs/ordering.yaml   500 requests, 50 at a time, 214/s, p50 121 ms
      812 ms
                     v2.3.0 (n=500)
   inventory-check   p50=120 ms p95=174 ms p99=800 ms
   note: no baseline yet: written to specs/baselines/ordering.yaml.json.new;
         `spanspec baseline accept` makes it one

  the baseline specs/baselines/ordering.yaml.json is damaged: EOF at line 2


"#]]
    );
}

#[test]
fn verbose_adds_the_proofs_and_a_request() {
    assert_data_eq!(
        at(100, &many::passing(), Detail::Verbose),
        str![[r#"
PASS  ordering under load
      specs/ordering.yaml   500 requests, 50 at a time, 214/s, p50 121 ms   812 ms
                 v2.3.0 (baseline, n=500)     v2.3.0 (n=500)
   inventory-check   p50=120 ms               p50=120 ms
   response time     -                        p99=12.3 ms
   p50 of inventory-check: OK: at most 1.10x slower (1.00x seen, limit 1.2x)
   p99 of response time: OK: at most 12.4 ms (12.3 ms seen), limit 100 ms

  the slowest request: trace 4bf92f3577b34da6a3ce929d0e0e4736

   POST http://127.0.0.1:8080/orders
   trace 4bf92f3577b34da6a3ce929d0e0e4736
   response after 803 ms, last span after 811 ms, verdict after 812 ms
   ✓ status of the response

   response: 201 in 803 ms
   │ {"order":{"lines":[{"sku":"B2"}]}}

   gateway    POST /orders         ██████████████████████████████████████████████████████████ 801 ms
   order        POST /orders       ▕████████████████████████████████████████████████████████  776 ms
   order          reserve_stock     ▐████▋                                                     71 ms
   inventory        SELECT stock     ████▏                                                     53 ms
   payment        process_payment            ██████████████████████████████                   412 ms
   order          INSERT orders                                            ▐                    1 ms

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

/// Ten budgets, each with its own quantiles, of services without a version.
fn ten() -> SpecReport {
    let subjects = [
        "{ service order, type db }",
        "{ service payment, name process_payment, kind client }",
        "a",
        "response time",
        "trace duration",
        "inventory-check (self time)",
        "ship",
        "pack",
        "{ type messaging }",
        "注文を確定する",
    ];
    let plans: Vec<many::BudgetPlan> = subjects
        .into_iter()
        .map(|subject| many::BudgetPlan {
            subject,
            version: None,
            before: Some((many::fast(), None)),
            ..many::inventory(Some(many::fast()), many::slow(), "2.4.0")
        })
        .collect();
    many::with("everything under load", &plans, |_| ())
}

#[test]
fn without_space_for_columns_each_budget_is_a_list() {
    let text = at(60, &ten(), Detail::Normal);
    let lines: Vec<&str> = text.lines().take(24).collect();
    assert_data_eq!(
        lines.join("\n"),
        str![[r#"
FAIL  everything under load
      specs/ordering.yaml
      500 requests, 50 at a time, 214/s, p50 121 ms   812 ms
   { service order, type db }
     baseline (n=500): p50=120 ms p99=800 ms
     now (n=500): p50=350 ms p99=2.4 s
     ← REGRESSED: at least 2.57x slower at p50 (2.92x seen,
     limit 1.2x)
   { service payment, name process_payment, kind client }
     baseline (n=500): p50=120 ms p99=800 ms
     now (n=500): p50=350 ms p99=2.4 s
     ← REGRESSED: at least 2.57x slower at p50 (2.92x seen,
     limit 1.2x)
   a
     baseline (n=500): p50=120 ms p99=800 ms
     now (n=500): p50=350 ms p99=2.4 s
     ← REGRESSED: at least 2.57x slower at p50 (2.92x seen,
     limit 1.2x)
   response time
     baseline (n=500): p50=120 ms p99=800 ms
     now (n=500): p50=350 ms p99=2.4 s
     ← REGRESSED: at least 2.57x slower at p50 (2.92x seen,
     limit 1.2x)
   trace duration
"#]]
    );
}

#[test]
fn other_numbers_of_samples_have_separate_heads() {
    let plans = [
        many::inventory(Some(many::fast()), many::fast(), "2.4.0"),
        many::response_time(),
        many::BudgetPlan {
            subject: "ship",
            asked: vec![(Quantile::P50, many::AskedLimit::Limit(2_000))],
            ..many::inventory(None, many::few(100), "1.0.7")
        },
    ];
    let of = many::with("ordering under load", &plans, |_| ());
    assert_data_eq!(
        at(100, &of, Detail::Normal),
        str![[r#"
PASS  ordering under load   500 requests, 50 at a time, 214/s, p50 121 ms   812 ms
                 v2.3.0 (baseline, n=500)      v2.4.0 (n=500)
   inventory-check   p50=120 ms p99=800 ms     p50=120 ms p99=800 ms
   response time     -                         p99=12.3 ms
                                               v1.0.7 (n=120)
   ship                                        p50=113 ms


"#]]
    );
}

#[test]
fn nothing_found_and_durations_of_zero_are_shown_as_they_are() {
    let zero = || repeat_n(0, 500).collect::<Samples>();
    let plans = [
        many::BudgetPlan {
            subject: "nothing",
            ..many::inventory(Some(many::fast()), Samples::default(), "2.4.0")
        },
        many::BudgetPlan {
            subject: "at-once",
            ..many::inventory(Some(zero()), zero(), "2.4.0")
        },
    ];
    let of = many::with("ordering under load", &plans, |load| {
        load.duration = std::time::Duration::ZERO;
        load.response_times = Samples::default();
    });
    assert_data_eq!(
        at(100, &of, Detail::Normal),
        str![[r#"
FAIL  ordering under load   specs/ordering.yaml   500 requests, 50 at a time   812 ms
         v2.3.0 (baseline, n=500)      v2.4.0 (n=500)
   nothing   p50=120 ms p99=800 ms     -
     ← NOTHING FOUND: the budget has no samples
   at-once   p50=0 ms p99=0 ms         p50=0 ms p99=0 ms

  p50 of nothing
  --> specs/ordering.yaml:5:5
 5 |   - find: inventory-check
   |     ^^^^^^^^^^^^^^^^^^^^^
   expected durations to measure
      found no span that matches in 500 traces

  one of the requests, trace 4bf92f3577b34da6a3ce929d0e0e4736

   gateway    POST /orders         ██████████████████████████████████████████████████████████ 801 ms
   order        POST /orders       ▕████████████████████████████████████████████████████████  776 ms
   order          reserve_stock     ▐████▋                                                     71 ms
   inventory        SELECT stock     ████▏                                                     53 ms
   payment        process_payment            ██████████████████████████████                   412 ms
   order          INSERT orders                                            ▐                    1 ms


"#]]
    );
}

/// A baseline from another machine.
fn move_elsewhere(load: &mut Load) {
    for one in load.measured.iter_mut().flat_map(|of| &mut of.judged) {
        if let budget::Compared::Baseline { differs, .. } = &mut one.compared {
            one.verdict = budget::ClaimVerdict::NotProven;
            *differs = vec![budget::baseline::FactDifference {
                fact: budget::baseline::Fact::Cores,
                baseline: "8".to_owned(),
                here: "2".to_owned(),
            }];
        }
    }
}

#[test]
fn a_shared_reason_is_shown_once() {
    let of = ten();
    let mut load = step_of(&of).load.as_deref().unwrap().clone();
    move_elsewhere(&mut load);
    load.measured.truncate(3);
    assert_eq!(
        sentences(&load, Detail::Normal),
        [
            "p50 of { service order, type db }, p99 of { service order, type db } and 4 more: NOT PROVEN: ANOTHER ENVIRONMENT than the baseline's: cores was 8, is 2. Record a baseline here, use `spanspec ab`, or compare nevertheless with `--allow-env-mismatch`."
        ]
    );
}

#[test]
fn a_failure_in_a_line_names_both_versions() {
    let of = many::regressed();
    assert_eq!(
        in_short(&of.attempts[0]),
        [
            "specs/ordering.yaml:8:24: p50 of inventory-check: expected at most 1.2x of the 120 ms of v2.3.0 (n=500), found 350 ms in v2.4.0 (n=500), at least 2.66x"
        ]
    );
}

#[test]
fn a_failure_with_the_same_cause_as_another_has_no_line() {
    let plans = [many::BudgetPlan {
        asked: vec![
            (Quantile::P50, many::AskedLimit::Limit(100)),
            (Quantile::P50, many::AskedLimit::Baseline(0.2)),
        ],
        ..many::inventory(Some(many::fast()), many::slow(), "2.4.0")
    }];
    let of = many::with("ordering under load", &plans, |_| ());
    assert_data_eq!(
        in_short(&of.attempts[0]).join("\n"),
        str![[r#"
specs/ordering.yaml:10:10: p50 of inventory-check: expected at most 100 ms, found 350 ms (at least 334 ms)
"#]]
    );
}

#[test]
fn rates_have_three_digits_at_most() {
    let said = [214.3, 3.46, 2_000.4, 0.0, f64::NAN, f64::INFINITY].map(rate);
    let said: Vec<&str> = said
        .iter()
        .map(|one| one.as_deref().unwrap_or("-"))
        .collect();
    assert_eq!(said, ["214/s", "3.46/s", "2,000/s", "-", "-", "-"]);
}

#[test]
fn lines_keep_to_every_width_and_verdicts_are_complete() {
    let mut all = many::report().specs;
    all.push(ten());
    let mut evil = many::regressed();
    let step = &mut evil.attempts[0].steps[0];
    let mut load = step.load.as_deref().unwrap().clone();
    load.measured[0].subject = "\u{1b}[31m注文 {}\r\n\u{202e}".repeat(9);
    load.measured[0].version = Some("\u{1b}[31m2".repeat(9));
    load.notices = vec!["\u{1b}[31m注文\r".repeat(30)];
    step.load = Some(load.into());
    all.push(evil);
    let free = ["trace saved:", " | "];
    for columns in [40, 60, 80, 120] {
        for charset in [Charset::Unicode, Charset::Ascii] {
            let look = Look::plain().with_width(columns).with_charset(charset);
            for of in &all {
                let text = spec(of, &look, Detail::Verbose);
                let colored = spec(of, &look.with_colors(Colors::Ansi), Detail::Verbose);
                let colored = sample::bare(&colored);
                let trimmed: Vec<&str> = colored.lines().map(str::trim_end).collect();
                assert_eq!(trimmed, text.lines().collect::<Vec<_>>());
                for line in text.lines() {
                    let is_free = free.iter().any(|part| line.contains(part));
                    assert!(is_free || width(line) <= columns, "{columns}: {line}");
                    assert!(!line.chars().any(char::is_control), "{line:?}");
                    assert!(!line.ends_with(' '), "{line:?}");
                    let is_ascii = line.is_ascii() || !line.contains("REGRESSED");
                    assert!(charset == Charset::Unicode || is_ascii, "{line}");
                }
            }
        }
    }
}

/// Like [`many::inventory`], with too few samples, and a proof required.
fn strict() -> SpecReport {
    let plan = many::inventory(Some(many::fast()), many::few(100), "2.4.0");
    many::with("ordering under load", &[plan], |load| load.is_strict = true)
}

#[test]
fn unproven_claims_fail_if_a_proof_is_required() {
    let of = strict();
    let load = step_of(&of).load.as_deref().unwrap();
    assert_eq!(sentences(load, Detail::Normal), [""; 0]);
    assert_data_eq!(
        at(100, &of, Detail::Normal),
        str![[r#"
FAIL  ordering under load
      specs/ordering.yaml   500 requests, 50 at a time, 214/s, p50 121 ms   812 ms
                 v2.3.0 (baseline, n=500)      v2.4.0 (n=120)
   inventory-check   p50=120 ms p99=800 ms     p50=113 ms p99=166 ms
     ← TOO FEW: 120 samples; an upper bound needs 368, so 166 ms against 800 ms at p99 proves no
     change

  p99 of inventory-check
  --> specs/ordering.yaml:8:34
 8 |     regression: { p50: 20%, p99: 150% }
   |                                  ^^^^
   expected at most 2.5x of the 800 ms of v2.3.0 (n=500)
      found 166 ms in v2.4.0 (n=120), too few samples for bounds
            (inventory, span 00f067aa00000002)

  slowest of inventory-check: 167 ms, trace a3ce929d0e0e47364bf92f3577b34da6

   gateway    POST /orders       ██████████████████████████████████████ 2.76 s
   inventory    inventory-check  █████████████████████████████████████▌  2.7 s  ← the slowest of all

   trace saved: target/spanspec/a3ce929d0e0e47364bf92f3577b34da6.json


"#]]
    );
}
