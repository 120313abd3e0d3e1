use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::pairing::PairingError;
use super::*;
use crate::budget::Samples;
use crate::measure::Unmeasured;
use crate::project::Project;
use crate::result::{Load, Measured, Versions};
use crate::spec::{Allowance, Context, Globals, Pace, Source, Spec};
use crate::workspace::Workspace;

const TEXT: &str = "
name: placing an order
request: POST ${BASE_URL}/orders
expect: { errors: 0 }
repeat: { times: 40, concurrency: 2, warmup: 10 }
budgets:
  - find: inventory-check
    p50: < 1s
    p99: < 2s
  - measure: response_time
    regression: { p95: 50% }
";

fn specs_at(url: &str, text: &str) -> Vec<Spec> {
    let globals = Globals {
        arguments: [("BASE_URL".to_owned(), url.to_owned())].into(),
        ..Globals::default()
    };
    let context = Context {
        globals: Arc::new(globals),
        ..Context::default()
    };
    let source = Source::new("specs/order.yaml", text);
    Spec::read_all(&source, Path::new("specs"), &context).unwrap()
}

fn both(a: &str, b: &str) -> Both<Vec<Spec>> {
    Both {
        a: specs_at("http://127.0.0.1:1", a),
        b: specs_at("http://127.0.0.1:2", b),
    }
}

fn paired(specs: Both<Vec<Spec>>) -> Result<Vec<SpecPair>, PairingError> {
    let workspace = Workspace {
        backend: None,
        token: None,
        tls: None,
        tls_warnings: Vec::new(),
        ignored_faults: Vec::new(),
        project: Project::none(".".into()),
        globals: Arc::default(),
        specs: Vec::new(),
        files: Vec::new(),
        started: crate::spec::ServiceSet::All,
        warnings: Vec::new(),
    };
    let projects = Both {
        a: (&workspace, "v1.yaml"),
        b: (&workspace, "v2.yaml"),
    };
    pair_specs(specs, projects)
}

fn load(spec: &Spec, micros: u64, version: &str) -> Arc<Load> {
    let samples: Samples = (0..200).map(|at| micros + at).collect();
    let measured = spec.budgets.iter().map(|budget| Measured {
        missing: 0,
        subject: budget.subject.clone(),
        at: budget.at.clone(),
        samples: samples.clone(),
        quantiles: Vec::new(),
        punctual: None,
        versions: Versions::default(),
        version: Some(version.to_owned()),
        measure: budget.measure.name(),
        is_found: true,
        expects_none: false,
        largest: None,
        before: None,
        judged: Vec::new(),
    });
    Arc::new(Load {
        pace: Pace::Closed {
            times: 200,
            concurrency: 2,
        },
        warmup: 0,
        requests: 200,
        failed: 0,
        errored: 0,
        allowed: 0,
        duration: Duration::from_secs(1),
        response_times: samples.clone(),
        punctual_times: None,
        stopped: None,
        behind: Duration::ZERO,
        held_back: None,
        machine: None,
        failing: Vec::new(),
        failure_share: None,
        kept_share: None,
        other_failed: Vec::new(),
        earlier: Vec::new(),
        is_strict: false,
        measured: measured.collect(),
        notices: Vec::new(),
    })
}

/// The names of both versions.
pub(crate) fn names() -> Both<String> {
    Both {
        a: "v1.yaml".to_owned(),
        b: "v2.yaml".to_owned(),
    }
}

/// A comparison of runs with these durations.
pub(crate) fn compared(pairs: &[(u64, u64)]) -> AbComparison {
    let specs = specs_at("http://127.0.0.1:1", TEXT);
    let mut comparison = AbComparison::new(&specs[0], 7, false);
    for (a, b) in pairs {
        comparison.runs.a.push(load(&specs[0], *a, "2.3.0"));
        comparison.runs.b.push(load(&specs[0], *b, "2.4.0"));
    }
    comparison
}

fn sentences(comparison: &AbComparison) -> Vec<String> {
    let claims = comparison.claims();
    claims.iter().map(ToString::to_string).collect()
}

#[test]
fn pairs_with_too_few_samples_are_not_judged() {
    let mut comparison = compared(&[(100_000, 110_000); 7]);
    assert_eq!(comparison.outcome(), AbOutcome::NotProven);
    let short = Arc::make_mut(&mut comparison.runs.b[3]);
    short.measured[1].samples = (0..58).collect();
    assert_eq!(comparison.outcome(), AbOutcome::Unjudged);
}

#[test]
fn a_version_that_is_slower_in_every_pair_has_regressed() {
    let found = compared(&[(100_000, 290_000); 7]);
    assert_eq!(found.outcome(), AbOutcome::Regressed);
    assert_eq!(
        sentences(&found),
        [
            "p50 of inventory-check: REGRESSED: 2.90x (290 ms against 100 ms in the median of 7 pairs, which are 2.90x to 2.90x; slower in 7, within the limit in 0), limit 1.2x",
            "p99 of inventory-check: NOT JUDGED: a run of pair 1 has 200 samples, and this quantile needs 299; use `--requests 299`, or compare a lower quantile",
            "p95 of response time: REGRESSED: 2.90x (290 ms against 100 ms in the median of 7 pairs, which are 2.90x to 2.90x; slower in 7, within the limit in 0), limit 1.5x",
        ]
    );
    let table = found.tables()[0].headed(["A", "B"]).to_string();
    assert_eq!(
        table,
        "
              v2.3.0 (A, n=1,400)     v2.4.0 (B, n=1,400)
inventory-check   p50=100 ms          p50=290 ms   ← REGRESSED at p50
response time     p95=100 ms          p95=290 ms   ← REGRESSED at p95"
            .trim_start_matches('\n')
    );
}

#[test]
fn the_columns_are_those_of_the_pair_with_the_median_ratio() {
    let found = compared(&[
        (100_000, 290_000),
        (200_000, 400_000),
        (50_000, 152_000),
        (100_000, 280_000),
        (100_000, 310_000),
        (100_000, 320_000),
        (100_000, 330_000),
    ]);
    let row = &found.tables()[0].rows[0];
    let values = (row.before[0].1.round(), row.now[0].1.round());
    assert_eq!(values, (50_099.0, 152_099.0));
    assert!(
        sentences(&found)[0].contains("REGRESSED: 3.04x (152 ms against 50.1 ms in the median")
    );
}

#[test]
fn the_same_version_twice_passes_and_is_proven_if_each_quantile_is() {
    let pairs = [
        (100_000, 104_000),
        (104_000, 100_000),
        (1, 1),
        (9, 8),
        (5, 6),
        (7, 7),
        (8, 8),
    ];
    let found = compared(&pairs);
    // Nothing is known of p99.
    assert_eq!(found.outcome(), AbOutcome::NotProven);
    let mut all = compared(&pairs);
    for load in all.runs.a.iter_mut().chain(&mut all.runs.b) {
        for measured in &mut Arc::make_mut(load).measured {
            let more = measured.samples.clone();
            measured.samples.merge(&more);
        }
    }
    assert_eq!(all.outcome(), AbOutcome::Ok);
}

#[test]
fn too_few_pairs_are_not_judged_and_an_interrupt_is_not_an_error() {
    let mut found = compared(&[(100_000, 290_000); 4]);
    assert_eq!(found.outcome(), AbOutcome::Unjudged);
    found.ended = Some(EarlyEnd {
        side: AbSide::A,
        why: Unmeasured::Interrupted,
    });
    assert_eq!(found.outcome(), AbOutcome::Interrupted);
}

#[test]
fn the_default_number_of_pairs_depends_on_the_quantiles_that_the_requests_can_measure() {
    let pair = &paired(both(TEXT, TEXT)).unwrap()[0];
    let plan = |requests| AbPlan {
        pairs: None,
        requests,
        is_strict: false,
    };
    let pairs = |requests| plan(requests).pairs_of(pair);
    // p50; p50 and p95; p50, p95 and p99.
    assert_eq!([20, 200, 300].map(pairs), [5, 7, 7]);
    assert_eq!(plan(200).least_pairs(pair), 6);
}

#[test]
fn a_budget_without_samples_is_not_judged() {
    let mut found = compared(&[(100_000, 100_000); 7]);
    let mut empty = Load::clone(&found.runs.b[2]);
    empty.measured[0].samples = Samples::default();
    found.runs.b[2] = Arc::new(empty);
    assert_eq!(found.outcome(), AbOutcome::Unjudged);
    assert_eq!(
        sentences(&found)[0],
        "p50 of inventory-check: NOT JUDGED: a run of pair 3 found nothing to measure"
    );
}

#[test]
fn a_run_has_the_planned_requests_and_warms_up_once() {
    let pair = &paired(both(TEXT, TEXT)).unwrap()[0];
    let runs: Vec<(Pace, u64)> = turns(2)
        .map(|turn| pair.run_of(turn, 200).repeat.unwrap())
        .map(|repeat| (repeat.pace, repeat.warmup))
        .collect();
    let pace = Pace::Closed {
        times: 200,
        concurrency: 2,
    };
    let expected = [10, 10, 0, 0].map(|warmup| (pace.clone(), warmup));
    assert_eq!(runs, expected);
}

#[test]
fn the_share_of_permitted_failures_is_that_of_the_spec() {
    let text = TEXT.replace("warmup: 10", "failures: 4");
    let pair = &paired(both(&text, &text)).unwrap()[0];
    let turn = turns(1).next().unwrap();
    let failures = |requests| pair.run_of(turn, requests).repeat.unwrap().failures;
    assert_eq!(failures(200), Allowance::Count(20));
    assert_eq!(failures(5), Allowance::Count(0));
}

#[test]
fn an_open_loop_is_not_changed() {
    let text = TEXT.replace("times: 40, concurrency: 2", "rate: 50/s, for: 2s");
    let pair = &paired(both(&text, &text)).unwrap()[0];
    let turn = turns(1).next().unwrap();
    assert_eq!(pair.run_of(turn, 200).repeat.unwrap().pace.requests(), 100);
}

#[test]
fn a_spec_of_one_side_only_is_an_error_with_its_name() {
    let other = TEXT.replace("placing an order", "paying");
    let two = format!("{TEXT}---{other}");
    let error = paired(both(TEXT, &two)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the spec specs/order.yaml › paying exists in v2.yaml and not in v1.yaml: both projects need the same specs"
    );
    let error = paired(both(&other, TEXT)).unwrap_err();
    assert!(error.to_string().contains(" exists in v1.yaml"), "{error}");
}

#[test]
fn budgets_must_measure_the_same_on_both_sides() {
    let other = TEXT.replace("inventory-check", "reserve_stock");
    let error = paired(both(TEXT, &other)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the spec specs/order.yaml › placing an order measures inventory-check, response time in v1.yaml, and reserve_stock, response time in v2.yaml: its budgets must be the same"
    );
}

#[test]
fn triggers_that_do_not_depend_on_the_version_are_equal() {
    let pair = &paired(both(TEXT, TEXT)).unwrap()[0];
    assert!(!fires_alike(pair));
    let fixed = TEXT.replace("${BASE_URL}", "http://127.0.0.1:1");
    let pair = &paired(both(&fixed, &fixed)).unwrap()[0];
    assert!(fires_alike(pair));
}

#[test]
fn a_spec_is_comparable_if_a_quantile_is_compared() {
    let is_comparable = |text: &str| super::is_comparable(&specs_at("http://x", text)[0]);
    assert!(is_comparable(TEXT));
    let start = "request: GET http://x\nexpect: { errors: 0 }\nrepeat: { times: 9 }\nbudgets: [{ measure: response_time, ";
    assert!(is_comparable(&format!("{start}p99: < 1s }}]\n")));
    assert!(!is_comparable(&format!(
        "{start}p50: < 1s, regression: none }}]\n"
    )));
}

/// A comparison in which all quantiles have enough samples.
fn long(micros: (u64, u64)) -> AbComparison {
    let mut found = compared(&[micros; 7]);
    for load in found.runs.a.iter_mut().chain(&mut found.runs.b) {
        for measured in &mut Arc::make_mut(load).measured {
            let more = measured.samples.clone();
            measured.samples.merge(&more);
        }
    }
    found
}

#[test]
fn a_run_in_which_too_many_traces_lack_the_span_proves_nothing_within_the_limit() {
    let lacking = |micros, side, missing, allowed| {
        let mut found = long(micros);
        let load = Arc::make_mut(&mut found.runs.of_mut(side)[2]);
        load.allowed = allowed;
        load.measured[0].missing = missing;
        found
    };
    let same = (100_000, 100_000);
    assert_eq!(long(same).outcome(), AbOutcome::Ok);
    for side in [AbSide::A, AbSide::B] {
        let found = lacking(same, side, 3_600, 10);
        assert_eq!(found.outcome(), AbOutcome::NotProven);
        let said = sentences(&found);
        let reason = format!(
            ". In run 3 of {side}, 3,600 of 4,000 traces have no such span (10 allowed): find out why, or raise `failures`."
        );
        assert!(
            said[0].starts_with("p50 of inventory-check: NOT PROVEN: "),
            "{}",
            said[0]
        );
        assert!(said[0].ends_with(&reason), "{}", said[0]);
        assert!(
            said[2].starts_with("p95 of response time: OK: "),
            "{}",
            said[2]
        );
    }
    assert_eq!(lacking(same, AbSide::B, 10, 10).outcome(), AbOutcome::Ok);
    let slower = lacking((100_000, 290_000), AbSide::B, 3_600, 10);
    assert_eq!(slower.outcome(), AbOutcome::Regressed);
}

/// The response times of this version, with all requests sent late.
fn sent_late(mut found: AbComparison, side: AbSide, delayed: u64) -> AbComparison {
    for load in found.runs.of_mut(side) {
        let measured = &mut Arc::make_mut(load).measured[1];
        let late = (0..400).map(|at| delayed + at / 2).collect();
        measured.punctual = Some(std::mem::replace(&mut measured.samples, late));
    }
    found
}

#[test]
fn the_delay_of_the_load_generator_excludes_ok_and_causes_no_alarm() {
    let b_late = sent_late(long((100_000, 100_000)), AbSide::B, 300_000);
    assert_eq!(b_late.outcome(), AbOutcome::NotProven);
    let said = &sentences(&b_late)[2];
    assert!(
        said.starts_with("p95 of response time: NOT PROVEN: "),
        "{said}"
    );
    assert!(
        said.ends_with(". 7 pairs are above the limit only with the delay of the load generator: reduce the load, or use a less busy machine."),
        "{said}"
    );
    let both_late = sent_late(b_late, AbSide::A, 300_000);
    assert_eq!(both_late.outcome(), AbOutcome::Ok);
}

#[test]
fn the_delay_of_the_load_generator_does_not_hide_a_slower_version() {
    let found = sent_late(long((100_000, 290_000)), AbSide::A, 300_000);
    let said = &sentences(&found)[2];
    assert!(
        said.starts_with("p95 of response time: REGRESSED: "),
        "{said}"
    );
    let mut open = found;
    for at in 0..4 {
        open.runs.b[at] = Arc::clone(&long((100_000, 100_000)).runs.b[0]);
    }
    let said = &sentences(&open)[2];
    assert!(
        said.starts_with("p95 of response time: NOT PROVEN: "),
        "{said}"
    );
}
