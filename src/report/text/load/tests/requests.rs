//! Requests that failed, were late, or have no measurement.

use super::*;

#[test]
fn failed_requests_are_counted_and_the_first_of_them_is_shown() {
    assert_data_eq!(
        at(100, &many::failing_requests(), Detail::Normal),
        str![[r#"
FAIL  ordering under load
      specs/ordering.yaml   132 requests, 50 at a time, 56.5/s, p50 121 ms   812 ms
  12 of 132 requests failed (0 allowed); 2 could not be judged
  --> specs/ordering.yaml:3:9
 3 | repeat: { times: 500, concurrency: 50 }
   |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
   9x attribute `payment.method` of span `process_payment` (specs/place-order.yaml:12:37)
   4x status of the response (specs/place-order.yaml:7:11)
   2x failed to connect to 127.0.0.1:8080

                     v2.4.0 (n=120)
   inventory-check   p50=113 ms
   note: stopped after 132 of 500 requests: 12 failed (0 allowed)

  the first request that failed: trace 4bf92f3577b34da6a3ce929d0e0e4736

  attribute `payment.method` of span `process_payment`
   --> specs/place-order.yaml:12:37
 12 |       attributes: { payment.method: card, order.id: "${order_id}" }
    |                                     ^^^^ found "paypal"   (payment, span 00f067aa00000005)

   gateway    POST /orders         █████████████████████████████ 801 ms
   order        POST /orders       ▐███████████████████████████▌ 776 ms
   order          reserve_stock    ▐██▎                           71 ms
   inventory        SELECT stock    ██                            53 ms
   payment        process_payment       ███████████████          412 ms  ← payment.method = "paypal"
   order          INSERT orders                        ▍           1 ms

   trace saved: target/spanspec/4bf92f3577b34da6a3ce929d0e0e4736.json


"#]]
    );
}

#[test]
fn an_open_loop_shows_the_delay_of_the_load_generator() {
    assert_data_eq!(
        at(100, &many::open(), Detail::Normal),
        str![[r#"
PASS  ordering all the time   1,504 requests, 50/s for 30 s, p50 121 ms   812 ms
   note: 12.5 ms of the p50 of the response times (121 ms) are delay of the load generator (10.8 ms
         permitted): reduce the load, or use a less busy machine


"#]]
    );
}

#[test]
fn requests_that_waited_for_others_are_not_late() {
    let mut load = step_of(&many::open()).load.as_deref().unwrap().clone();
    load.punctual_times = Some(load.response_times.clone());
    load.held_back = Some(crate::result::HeldBack {
        unanswered: 4_096,
        longest: std::time::Duration::from_millis(3_200),
    });
    assert_eq!(
        notes(&load),
        [
            "4,096 requests were unanswered at the same time, and later requests waited up to 3.2 s for them; response times include this wait"
        ]
    );
}

#[test]
fn permitted_failures_are_counted() {
    let of = many::with("ordering under load", &[], |load| {
        load.failed = 3;
        load.allowed = 5;
        load.failing = vec![crate::result::Failing {
            check: None,
            what: "status of the response".to_owned(),
            at: None,
            requests: 3,
        }];
    });
    assert_data_eq!(
        at(100, &of, Detail::Normal),
        str![[r#"
PASS  ordering under load   500 requests, 50 at a time, 214/s, p50 121 ms   812 ms
  3 of 500 requests failed (5 allowed)
   3x status of the response


"#]]
    );
}

#[test]
fn a_run_of_several_versions_names_them_all() {
    let plans = ["inventory-check", "response time"].map(|subject| many::BudgetPlan {
        subject,
        ..many::inventory(None, many::fast(), "2.3.0, 2.4.0")
    });
    let of = many::with("ordering under load", &plans, |load| {
        for one in &mut load.measured {
            one.versions = [("2.3.0", 312), ("2.4.0", 188)].into_iter().collect();
        }
    });
    assert_data_eq!(
        at(100, &of, Detail::Normal),
        str![[r#"
PASS  ordering under load   500 requests, 50 at a time, 214/s, p50 121 ms   812 ms
                     v2.3.0, v2.4.0 (n=500)
   inventory-check   p50=120 ms p99=800 ms
   response time     p50=120 ms p99=800 ms
   note: inventory-check and response time were of 2 versions: v2.3.0 in 312 traces, v2.4.0 in 188


"#]]
    );
}

#[test]
fn requests_without_measurement_are_counted() {
    let unknown = |subject| many::BudgetPlan {
        subject,
        ..many::inventory(None, many::fast().with_unknown(20), "2.4.0")
    };
    let plans = [unknown("inventory-check"), unknown("reserve")];
    let of = many::with("ordering under load", &plans, |load| {
        load.requests = 520;
        load.errored = 20;
        load.allowed = 26;
    });
    assert_data_eq!(
        at(100, &of, Detail::Normal),
        str![[r#"
PASS  ordering under load   520 requests, 50 at a time, 223/s, p50 121 ms   812 ms
                     v2.4.0 (n=500)
   inventory-check   p50=120 ms p99=800 ms
   reserve           p50=120 ms p99=800 ms
   p99 of inventory-check, p99 of reserve: NOT PROVEN: 800 ms (at least 177 ms), limit 5 s. 20 of
   520 requests have no measurement: find out why they fail, or why their traces are incomplete.
   note: 20 of 520 requests left no complete trace: quantiles of inventory-check and reserve do not
         include them, and verdicts allow any duration for them
  20 of 520 requests could not be judged


"#]]
    );
}
