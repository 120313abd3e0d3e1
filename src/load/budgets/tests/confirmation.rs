//! Several runs of a spec whose budgets exceed their limits.

use super::*;

fn run(version: &str, micros: u64) -> Load {
    measured(Some(version), samples(micros, 500))
}

fn sentence(report: &TestReport) -> String {
    report.load.measured[0].judged[0].to_string()
}

#[test]
fn a_regression_in_each_run_fails_and_shows_all_runs() {
    let mut project = TestProject::new(COMPARED);
    project.record("2.3.0", 120_000);
    let slow = project.judge_all([
        run("2.4.0", 350_000),
        run("2.4.0", 320_000),
        run("2.4.0", 360_000),
    ]);
    assert_eq!(slow.verdicts(), [ClaimVerdict::Regressed]);
    assert_eq!(
        sentence(&slow),
        "p50 of inventory-check: REGRESSED in 3 of 3 runs: at least 2.65x slower (2.92x, 2.67x, 3.00x seen, limit 1.2x)"
    );
    assert_eq!(
        slow.checks(),
        [
            "p50 of inventory-check FAILS: p50 of inventory-check: expected at most 1.2x of the 120 ms of v2.3.0 (n=500), found 360 ms in v2.4.0 (n=500), at least 2.65x in each of 3 runs"
        ]
    );
    assert_eq!(
        slow.notices(),
        [
            "wrote 3 runs to specs/baselines/order.yaml.json.new; if the change is intended, accept it with `spanspec baseline accept`"
        ]
    );
    assert_eq!(runs(&project.pending().unwrap()), 3);
}

#[test]
fn a_regression_that_another_run_does_not_confirm_is_not_proven_and_never_ok() {
    let mut project = TestProject::new(COMPARED);
    project.record("2.3.0", 120_000);
    let both = || [run("2.4.0", 350_000), run("2.4.0", 121_000)];
    let once = project.judge_all(both());
    assert_eq!(once.verdicts(), [ClaimVerdict::NotProven]);
    assert_eq!(once.checks(), ["p50 of inventory-check"]);
    assert_eq!(
        sentence(&once),
        "p50 of inventory-check: NOT PROVEN: 1 of 2 runs exceeded the limit 1.2x (2.92x, 1.01x seen). `spanspec ab`, or a less busy machine, would decide."
    );
    let slow: Vec<String> = once
        .load
        .possible_slowdowns()
        .map(|(.., text)| text)
        .collect();
    assert_eq!(
        slow,
        ["p50 of inventory-check is NOT PROVEN: 2.92x, 1.01x seen, limit 1.2x"]
    );
    assert_eq!(project.pending(), None);
    project.budgeting.is_strict = true;
    assert_eq!(
        project.judge_all(both()).checks(),
        [
            "p50 of inventory-check FAILS: p50 of inventory-check: expected at most 1.2x of the 120 ms of v2.3.0 (n=500), found 121 ms in v2.4.0 (n=500), above the limit in 1 of 2 runs"
        ]
    );
}

#[test]
fn a_run_that_confirms_nothing_leaves_the_regression_open() {
    let mut project = TestProject::new(COMPARED);
    project.record("2.3.0", 120_000);
    let mut failed = run("2.4.0", 350_000);
    failed.failed = 1;
    let open = project.judge_all([run("2.4.0", 350_000), failed]);
    assert_eq!(open.verdicts(), [ClaimVerdict::NotProven]);
    assert_eq!(project.pending(), None);
}

#[test]
fn an_unconfirmed_regression_is_no_part_of_a_baseline() {
    let mut project = TestProject::new(COMPARED);
    project.record("2.3.0", 120_000);
    project.budgeting.update = Update::Always;
    project.judge_all([run("2.3.0", 350_000), run("2.3.0", 121_000)]);
    let baseline = project.baseline();
    assert_eq!(runs(&baseline), 2);
    let longest = |run: &Run| run.samples().max();
    let kept = &baseline.cases["order"].budgets["inventory-check"].runs;
    assert!(
        kept.iter()
            .map(longest)
            .all(|longest| longest < Some(150_000.0))
    );
}

#[test]
fn no_run_above_a_limit_that_another_run_refutes_is_part_of_a_baseline() {
    let mut project = TestProject::new(COMPARED);
    project.record("2.3.0", 120_000);
    project.budgeting.update = Update::Always;
    // The second run is above the limit too, but proves nothing.
    let report = project.judge_all([
        run("2.3.0", 350_000),
        run("2.3.0", 144_300),
        run("2.3.0", 121_000),
    ]);
    assert_eq!(report.verdicts(), [ClaimVerdict::NotProven]);
    assert_eq!(runs(&project.baseline()), 2);
}

#[test]
fn claims_are_confirmed_separately() {
    let mut project = TestProject::new(SPEC);
    project.record("2.3.0", 120_000);
    // Only p99 exceeds its ratio in both runs.
    let mut tail = samples(121_000, 480);
    (0..20).for_each(|_| tail.add(400_000.0));
    let report = project.judge_all([run("2.4.0", 350_000), measured(Some("2.4.0"), tail)]);
    let seen = report.load.measured[0].judged.iter();
    let verdicts: Vec<String> = seen.map(|one| one.verdict_over_runs()).collect();
    assert_eq!(
        verdicts,
        ["NOT PROVEN", "NOT PROVEN", "OK", "REGRESSED in 2 of 2 runs"]
    );
}

#[test]
fn a_run_that_lacks_spans_neither_refutes_a_regression_nor_becomes_a_baseline() {
    let mut project = TestProject::new(COMPARED);
    project.record("2.3.0", 120_000);
    project.budgeting.update = Update::Always;
    let mut unknown = measured(Some("2.4.0"), samples(345_000, 10));
    unknown.measured[0].missing = 490;
    let report = project.judge_all([run("2.4.0", 350_000), unknown]);
    assert_eq!(report.verdicts(), [ClaimVerdict::Regressed]);
    assert_eq!(runs(&project.baseline()), 1);
}

/// A run during which others used these cores of four.
fn beside(used: f64, micros: u64) -> Load {
    Load {
        machine: Some(Disturbance {
            other_processes: used,
            ..Disturbance::default()
        }),
        ..run("2.3.0", micros)
    }
}

/// A run with too few samples.
fn short() -> Load {
    Load {
        machine: beside(0.0, 1_000).machine,
        ..measured(Some("2.3.0"), samples(110_000, 3))
    }
}

/// A project with a baseline of an undisturbed run.
fn quiet_project() -> TestProject {
    let mut project = TestProject::new(COMPARED);
    project.budgeting.update = Update::Always;
    project.judge(beside(0.0, 120_000));
    project.budgeting.update = Update::Never;
    project
}

#[test]
fn runs_that_show_nothing_are_not_counted() {
    let mut project = quiet_project();
    let slow = |micros| beside(0.0, micros);
    let refuted = project.judge_all([slow(350_000), short(), slow(121_000)]);
    assert_eq!(
        sentence(&refuted),
        "p50 of inventory-check: NOT PROVEN: 1 of 2 runs exceeded the limit 1.2x (2.92x, 1.01x seen). `spanspec ab`, or a less busy machine, would decide."
    );
    let disturbed = project.judge_all([slow(350_000), short(), beside(2.0, 200_000)]);
    assert_eq!(
        sentence(&disturbed),
        "p50 of inventory-check: REGRESSED in 2 of 2 runs: at least 1.66x slower (2.92x, 1.67x seen, limit 1.2x)"
    );
    let unknown = project.judge_all([slow(350_000), slow(320_000), short()]);
    assert_eq!(
        sentence(&unknown),
        "p50 of inventory-check: REGRESSED in 2 of 2 runs: at least 2.65x slower (2.92x, 2.67x seen, limit 1.2x)"
    );
    let above = project.judge_all([slow(350_000), slow(144_300), short()]);
    assert_eq!(
        sentence(&above),
        "p50 of inventory-check: REGRESSED in 2 of 2 runs: 2.92x, 1.20x slower, limit 1.2x, proven in 1 of them"
    );
}

#[test]
fn a_last_run_without_spans_fails_for_that_reason() {
    let mut project = quiet_project();
    let nothing = measured(Some("2.3.0"), Samples::default());
    let report = project.judge_all([beside(0.0, 350_000), nothing]);
    assert_eq!(
        sentence(&report),
        "p50 of inventory-check: NOTHING FOUND: the budget has no samples"
    );
}

#[test]
fn each_run_is_compared_with_its_own_runs_of_the_baseline() {
    let mut project = quiet_project();
    project.budgeting.update = Update::Always;
    project.judge(beside(2.0, 140_000));
    assert_eq!(runs(&project.baseline()), 2);
    project.budgeting.update = Update::Never;
    let slow = project.judge_all([beside(0.0, 240_000), beside(2.0, 300_000)]);
    assert_eq!(
        sentence(&slow),
        "p50 of inventory-check: REGRESSED in 2 of 2 runs: at least 1.99x slower (2.00x, 2.14x seen, limit 1.2x)"
    );
    let before = slow.load.measured[0].before.as_ref().unwrap();
    assert_eq!(before.samples.len(), 500);
}

#[test]
fn a_baseline_gets_an_excess_only_if_all_runs_confirm_it() {
    let mut tail = samples(121_000, 480);
    (0..20).for_each(|_| tail.add(1_400_000.0));
    let mut project = TestProject::new(SPEC);
    project.record("2.3.0", 120_000);
    // p99 REGRESSED in both runs, p50 only in the first.
    project.judge_all([
        run("2.4.0", 1_350_000),
        measured(Some("2.4.0"), tail.clone()),
    ]);
    assert_eq!(runs(&project.pending().unwrap()), 1);
    // The first run is over its limit.
    let mut project = TestProject::new(SPEC);
    project.judge_all([run("2.3.0", 350_000), run("2.3.0", 121_000)]);
    assert_eq!(runs(&project.pending().unwrap()), 1);
    // All are.
    let mut project = TestProject::new(SPEC);
    project.judge_all([run("2.3.0", 350_000), run("2.3.0", 350_000)]);
    assert_eq!(runs(&project.pending().unwrap()), 2);
}
