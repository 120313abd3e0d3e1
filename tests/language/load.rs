//! `repeat` and `budgets`.

use std::time::Duration;

use spanspec::Spec;
use spanspec::internal::spec::{Allowance, Arrivals, Budget, Measure, Pace, Repeat};

use super::{read, spec};

fn repeat(text: &str) -> Repeat {
    let text = format!("repeat: {text}\nrequest: GET http://a/\nexpect: {{ status: 200 }}\n");
    spec(&text).repeat.unwrap()
}

/// A spec with these budgets; their lines are not indented.
fn with_budgets(budgets: &str) -> Spec {
    spec(&format!(
        "repeat: {{ times: 200 }}\nrequest: GET http://a/\nbudgets:\n{budgets}\n"
    ))
}

/// Quantile, limit and tolerance, as text.
fn asked(budget: &Budget) -> Vec<String> {
    let quantiles = budget.quantiles.iter().map(|one| {
        let limit = one.limit.as_ref();
        let limit = limit.map(|limit| Duration::from_secs_f64(limit.most.value / 1e6));
        let compared = one.regression.as_ref().map(|one| one.tolerance);
        format!("{} {limit:?} {compared:?}", one.quantile)
    });
    quantiles.collect()
}

#[test]
fn a_closed_loop_sends_one_after_the_other_unless_told_otherwise() {
    let plain = repeat("{ times: 200 }");
    let pace = |times, concurrency| Pace::Closed { times, concurrency };
    assert_eq!(plain.pace, pace(200, 1));
    assert_eq!((plain.warmup, plain.failures), (0, Allowance::Count(0)));
    let full = repeat("{ times: 5000000, concurrency: 4, warmup: 10, failures: 1% }");
    assert_eq!(full.pace, pace(5_000_000, 4));
    assert_eq!((full.warmup, full.failures), (10, Allowance::Share(0.01)));
}

#[test]
fn an_open_loop_sends_at_a_rate_for_a_time() {
    let Pace::Open {
        rate,
        period,
        arrivals,
    } = repeat("{ rate: 600/m, for: 30s }").pace
    else {
        panic!("this is an open loop")
    };
    assert_eq!((rate.per_second, period), (10.0, Duration::from_secs(30)));
    assert_eq!(arrivals, Arrivals::Poisson);
    let constant = repeat("{ rate: 0.5/s, for: 1m, arrivals: constant }");
    assert_eq!(constant.pace.requests(), 30);
}

#[test]
fn a_budget_without_quantiles_compares_p50_and_p95_with_the_baseline() {
    let spec = with_budgets("- find: ship");
    assert_eq!(
        asked(&spec.budgets[0]),
        ["p50 None Some(None)", "p95 None Some(None)"]
    );
}

#[test]
fn each_quantile_has_a_limit_and_is_compared_unless_told_otherwise() {
    let spec = with_budgets(
        "- { find: a, p99: < 1s, p50: <= 150ms }\n- { find: b, p50: < 1s, regression: none }\n- { find: c, p50: < 1s, regression: 30% }\n- { find: d, p50: < 1s, regression: { p99: 50% } }",
    );
    let all: Vec<Vec<String>> = spec.budgets.iter().map(asked).collect();
    assert_eq!(
        all,
        [
            vec!["p50 Some(150ms) Some(None)", "p99 Some(1s) Some(None)"],
            vec!["p50 Some(1s) None"],
            vec!["p50 Some(1s) Some(Some(0.3))"],
            vec!["p50 Some(1s) None", "p99 None Some(Some(0.5))"],
        ]
    );
}

#[test]
fn a_budget_is_called_after_what_it_measures() {
    let spec = with_budgets(
        "- find: inventory-check\n- { find: inventory-check, measure: self_time }\n- find: { service: order, kind: server }\n- measure: response_time\n- measure: trace_duration",
    );
    let subjects: Vec<&str> = spec
        .budgets
        .iter()
        .map(|budget| budget.subject.as_str())
        .collect();
    assert_eq!(
        subjects,
        [
            "inventory-check",
            "self time of inventory-check",
            "{ kind server, service \"order\" }",
            "response time",
            "trace duration",
        ]
    );
}

#[test]
fn budgets_ask_something_so_that_no_expect_is_needed() {
    let of_spans = with_budgets("- find: ship");
    assert!(of_spans.steps[0].is_about_trace);
    assert!(matches!(of_spans.budgets[0].measure, Measure::Duration(_)));
    let of_responses = with_budgets("- measure: response_time");
    assert!(!of_responses.steps[0].is_about_trace);
}

#[test]
fn each_case_of_a_matrix_is_repeated_with_its_own_values() {
    let cases = read(
        "matrix: { times: [100, 200] }\nrepeat: { times: \"${times}\" }\nrun: ls\nbudgets: [{ measure: response_time }]\n",
    );
    let times: Vec<u64> = cases
        .iter()
        .map(|case| case.repeat.as_ref().unwrap().pace.requests())
        .collect();
    assert_eq!(times, [100, 200]);
}

#[test]
fn what_setup_captures_is_known_to_all_requests_and_to_teardown() {
    let spec = spec(
        "repeat: { times: 2 }\nsetup:\n  - request: GET http://a/\n    capture: { customer: $.id }\nrequest: GET http://a/${customer}\ncapture: { order: $.id }\nexpect: { status: 200 }\nteardown:\n  - request: GET http://a/${customer}\n    capture: { order: $.id }\n  - request: GET http://a/${order}\n",
    );
    assert_eq!(spec.teardown.len(), 2);
}
