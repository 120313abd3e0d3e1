//! Files that a run writes, and the notes about them.

use super::*;

const NEW: &str = "specs/baselines/order.yaml.json.new";

#[test]
fn a_second_run_of_the_same_version_joins_the_proposal() {
    let mut project = TestProject::new(COMPARED);
    project.run("2.3.0", 120_000);
    let second = project.run("2.3.0", 121_000);
    assert_eq!(
        second.notices(),
        [
            "no baseline for p50 of inventory-check: added this run to specs/baselines/order.yaml.json.new, which has 2 runs now; accept it with `spanspec baseline accept`"
        ]
    );
    assert_eq!(runs(&project.pending().unwrap()), 2);
    let third = project.run("2.4.0", 121_000);
    assert_eq!(
        third.notices(),
        [
            "no baseline for p50 of inventory-check: wrote this run to specs/baselines/order.yaml.json.new, replacing 2 earlier runs: service.version was 2.3.0, is 2.4.0; accept it with `spanspec baseline accept`"
        ]
    );
    assert_eq!(runs(&project.pending().unwrap()), 1);
}

#[test]
fn a_first_run_that_was_slow_is_replaced_by_the_second() {
    let mut project = TestProject::new(COMPARED);
    project.run("2.3.0", 15_000);
    let second = project.run("2.3.0", 5_000);
    assert_eq!(
        second.notices(),
        [
            "no baseline for p50 of inventory-check: wrote this run to specs/baselines/order.yaml.json.new, replacing 1 earlier run: p50 was 15 ms, is 5 ms; accept it with `spanspec baseline accept`"
        ]
    );
    assert_eq!(runs(&project.pending().unwrap()), 1);
    accept(&project.file()).unwrap();
    let slow = project.run("2.3.0", 45_000);
    assert_eq!(slow.verdicts(), [ClaimVerdict::Regressed]);
}

#[test]
fn a_run_that_may_not_write_explains_how_to_get_a_baseline() {
    let mut project = TestProject::new(COMPARED);
    for (update, reason) in [
        (
            Update::NeverInCi,
            "this run writes none, because `CI` is set; run the spec elsewhere to get specs/baselines/order.yaml.json.new, or with `--update-baselines always` to get specs/baselines/order.yaml.json, and commit the baseline",
        ),
        (
            Update::Never,
            "`--update-baselines never` writes none; run the spec with `always` to get specs/baselines/order.yaml.json, and commit it",
        ),
    ] {
        project.budgeting.update = update;
        let first = project.run("2.3.0", 120_000);
        let notice = format!("no baseline for p50 of inventory-check: {reason}");
        assert_eq!(first.notices(), [notice]);
        assert!(!project.has_baselines());
    }
}

/// Runs a load that must not be written, with each way to write, and expects this reason.
fn expect_unwritten(load: &Load, reason: &str) {
    for update in [Update::Proposed, Update::Always] {
        let mut project = TestProject::new(COMPARED);
        project.budgeting.update = update;
        assert_eq!(
            project.judge(load.clone()).notices(),
            [format!(
                "no baseline for p50 of inventory-check: none was written because {reason}"
            )]
        );
        assert!(!project.has_baselines());
    }
}

#[test]
fn a_run_that_proves_nothing_is_not_written() {
    let usual = || measured(None, samples(120_000, 400));
    let mut failed = usual();
    failed.failed = 1;
    expect_unwritten(&failed, "too many requests failed");
    let mut stopped = usual();
    stopped.stopped = Some("interrupted".to_owned());
    expect_unwritten(&stopped, "the run ended early");
    let mut late = usual();
    late.measured[0].quantiles = vec![Quantile::P50];
    late.measured[0].punctual = Some(samples(106_000, 400));
    expect_unwritten(
        &late,
        "14 ms of the p50 of the response times (120 ms) are delay of the load generator (10.5 ms permitted)",
    );
    let mut mixed = usual();
    mixed.measured[0].versions = [("2.3.0", 212), ("2.4.0", 188)].into_iter().collect();
    expect_unwritten(&mixed, "several versions of the service answered");
}

#[test]
fn permitted_failures_and_small_lateness_do_not_prevent_writing() {
    let mut load = measured(None, samples(120_000, 400));
    (load.failed, load.allowed) = (1, 1);
    load.measured[0].quantiles = vec![Quantile::P50];
    load.measured[0].punctual = Some(samples(111_000, 400));
    let mut project = TestProject::new(COMPARED);
    project.judge(load);
    assert!(project.has_baselines());
}

#[test]
fn a_budget_of_spans_is_written_though_the_load_generator_was_late() {
    let mut load = measured(None, samples(1_000, 400));
    load.response_times = samples(1_600, 400);
    load.punctual_times = Some(samples(1_100, 400));
    load.behind = Duration::from_millis(3);
    assert!(load.lateness().is_some());
    let mut project = TestProject::new(COMPARED);
    project.judge(load);
    assert!(project.has_baselines());
}

#[test]
fn strict_does_not_advise_to_run_again_as_before_where_that_gives_no_baseline() {
    let mut late = measured(None, samples(1_600, 400));
    late.measured[0].quantiles = vec![Quantile::P50];
    late.measured[0].punctual = Some(samples(1_100, 400));
    let hint = |load: &Load| {
        let mut project = TestProject::new(COMPARED);
        project.budgeting.is_strict = true;
        let judged = project.judge(load.clone());
        judged.checks[0].outcome.failure().unwrap().hints[0].clone()
    };
    assert_eq!(
        hint(&late),
        "500 µs of the p50 of the response times (1.6 ms) are delay of the load generator (200 µs permitted), so this run is no baseline: reduce the load, or use a less busy machine"
    );
    late.measured[0].punctual = None;
    let said = hint(&late);
    assert!(
        said.starts_with("accept the baseline of this run with "),
        "{said}"
    );
}

#[test]
fn a_run_of_several_versions_is_noted_if_it_would_have_been_written() {
    let mut load = measured(None, samples(120_000, 400));
    load.measured[0].versions = [("2.3.0", 212), ("2.4.0", 188)].into_iter().collect();
    let mut project = TestProject::new(COMPARED);
    project.record("2.3.0", 120_000);
    assert_eq!(project.judge(load.clone()).notices(), [""; 0]);
    project.budgeting.update = Update::Always;
    assert_eq!(
        project.judge(load).notices(),
        ["no new baseline was written because several versions of the service answered"]
    );
    assert_eq!(runs(&project.baseline()), 1);
}

#[test]
fn always_adds_comparable_runs_up_to_twenty() {
    let mut project = TestProject::new(COMPARED);
    let first = project.record("2.3.0", 120_000);
    assert_eq!(
        first.notices(),
        [
            "no baseline for p50 of inventory-check: wrote this run to specs/baselines/order.yaml.json"
        ]
    );
    let second = project.record("2.3.0", 121_000);
    assert_eq!(
        second.notices(),
        ["added this run to specs/baselines/order.yaml.json, which has 2 runs now"]
    );
    for _ in 0..20 {
        project.record("2.3.0", 120_500);
    }
    let baseline = project.baseline();
    assert_eq!(runs(&baseline), 20);
    let oldest = &baseline.cases["order"].budgets["inventory-check"].runs[0];
    assert_eq!(oldest.start().as_second(), 1_700_000_000 + 3 * 60);
}

#[test]
fn always_replaces_runs_that_are_not_comparable() {
    let mut project = TestProject::new(COMPARED);
    let mut expect_replaced = |version, micros, cores, reason: &str| {
        for _ in 0..2 {
            project.record("2.3.0", 120_000);
        }
        project.machine.cores = cores;
        let next = project.record(version, micros);
        assert_eq!(
            next.notices(),
            [format!(
                "wrote this run to specs/baselines/order.yaml.json, replacing 2 earlier runs: {reason}"
            )]
        );
        assert_eq!(runs(&project.baseline()), 1);
        fs::remove_file(project.file()).unwrap();
        project.machine.cores = 4;
        next.verdicts()
    };
    let version = "service.version was 2.3.0, is 2.4.0";
    let verdicts = expect_replaced("2.4.0", 350_000, 4, version);
    assert_eq!(verdicts, [ClaimVerdict::Regressed]);
    expect_replaced("2.3.0", 120_000, 8, "cores was 4, is 8");
    let slower = expect_replaced("2.3.0", 350_000, 4, "p50 was 120 ms, is 350 ms");
    assert_eq!(slower, [ClaimVerdict::Regressed]);
    expect_replaced("2.3.0", 40_000, 4, "p50 was 120 ms, is 40 ms");
}

#[test]
fn a_budget_with_a_secret_in_its_subject_gets_a_baseline() {
    let mut project = TestProject::new(COMPARED);
    project.secrets = vec!["inventory".to_owned()];
    project.record("2.3.0", 120_000);
    let mut baseline = project.baseline();
    let budgets = &mut baseline.cases.get_mut("order").unwrap().budgets;
    let known = budgets.remove("[masked]-check").unwrap();
    budgets.insert("another".to_owned(), known);
    write(&project.file(), &baseline).unwrap();
    project.run("2.3.0", 120_000);
    let subjects = |of: Baseline| {
        of.cases["order"]
            .budgets
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(subjects(project.pending().unwrap()), ["[masked]-check"]);
    accept(&project.file()).unwrap();
    assert_eq!(subjects(project.baseline()), ["[masked]-check", "another"]);
}

#[test]
fn secrets_are_masked_in_files() {
    let mut project = TestProject::new(COMPARED);
    project.secrets = ["order", "inventory", "2.3"].map(str::to_owned).into();
    project.record("2.3.0", 120_000);
    let case = &project.baseline().cases["[masked]"];
    let budget = &case.budgets["[masked]-check"];
    assert_eq!(budget.service_version(), Some("[masked].0"));
    assert_eq!(
        project.run("2.3.0", 350_000).verdicts(),
        [ClaimVerdict::Regressed]
    );
}

#[test]
fn a_proposal_holds_only_its_own_case() {
    let mut project = TestProject::new(COMPARED);
    project.record("2.3.0", 120_000);
    let mut baseline = project.baseline();
    let case = baseline.cases["order"].clone();
    baseline.cases.insert("another".to_owned(), case.clone());
    write(&project.file(), &baseline).unwrap();
    project.run("2.4.0", 350_000);
    project.run("2.4.0", 350_000);
    let pending = project.pending().unwrap();
    assert_eq!(pending.cases.keys().collect::<Vec<_>>(), ["order"]);
    assert_eq!(runs(&pending), 2);
    accept(&project.file()).unwrap();
    let accepted = project.baseline();
    assert_eq!(accepted.cases["order"], pending.cases["order"]);
    assert_eq!(accepted.cases["another"], case);
    assert_eq!(project.pending(), None);
}

#[test]
fn a_file_that_cannot_be_read_is_an_error_and_limits_are_judged() {
    let newer = r#"{ "format": "spanspec baseline", "schema_version": 7 }"#;
    for (text, why) in [
        ("{ \"format\": \"spanspec ba", "is damaged"),
        (newer, "has schema version 7"),
        ("{ \"name\": \"mine\" }", "is not a baseline of spanspec"),
    ] {
        for update in [Update::Proposed, Update::Always, Update::Never] {
            let mut project = TestProject::new(SPEC);
            project.budgeting.update = update;
            fs::create_dir(project.file().parent().unwrap()).unwrap();
            fs::write(project.file(), text).unwrap();
            let run = project.run("2.4.0", 350_000);
            let trouble = run.trouble();
            assert!(
                trouble.contains("specs/baselines/order.yaml.json") && trouble.contains(why),
                "{trouble}"
            );
            assert_eq!(run.verdicts(), [ClaimVerdict::OverLimit, ClaimVerdict::Ok]);
            assert_eq!(fs::read_to_string(project.file()).unwrap(), text);
            assert!(!pending_path(&project.file()).exists());
        }
    }
}

#[test]
fn a_damaged_proposal_is_an_error_and_is_kept() {
    let mut project = TestProject::new(COMPARED);
    project.run("2.3.0", 120_000);
    let pending = pending_path(&project.file());
    fs::write(&pending, "{").unwrap();
    let trouble = project.run("2.3.0", 120_000).trouble();
    assert!(
        trouble.contains("order.yaml.json.new is damaged"),
        "{trouble}"
    );
    assert_eq!(fs::read_to_string(&pending).unwrap(), "{");
}

#[test]
fn a_common_folder_has_baselines_under_the_names_of_their_specs() {
    let mut project = TestProject::new(COMPARED);
    let folder = project.folder.path().join("kept");
    project.budgeting.folder = Some(folder.clone());
    let first = project.run("2.3.0", 120_000);
    let command = format!("`spanspec baseline accept --baseline {}`", folder.display());
    assert!(
        first.load.notices[0].contains(&command),
        "{:?}",
        first.load.notices
    );
    project.record("2.3.0", 120_000);
    assert!(folder.join("specs/order.yaml.json").exists());
    let again = project.run("2.4.0", 350_000);
    assert_eq!(again.verdicts(), [ClaimVerdict::Regressed]);
}

#[test]
fn without_a_comparison_no_file_is_read_or_written() {
    const LIMITED: &str = "\
name: order
request: http://127.0.0.1:1/orders
expect: { status: 2xx }
repeat: { times: 500, concurrency: 4 }
budgets: [{ find: inventory-check, p50: < 150ms, regression: none }]
";
    let mut project = TestProject::new(LIMITED);
    fs::create_dir(project.file().parent().unwrap()).unwrap();
    fs::write(project.file(), "{").unwrap();
    let run = project.record("2.3.0", 120_000);
    assert_eq!((run.result.clone(), run.checks().len()), (Ok(()), 1));
    assert_eq!(run.notices().len(), 0);
}

#[test]
fn a_limit_that_is_widened_by_the_variation_between_runs_is_noted() {
    let mut project = TestProject::new(COMPARED);
    project.record("2.3.0", 120_000);
    let mut baseline = project.baseline();
    let case = baseline.cases.get_mut("order").unwrap();
    let budget = case.budgets.get_mut("inventory-check").unwrap();
    for at in 1..6 {
        let start = jiff::Timestamp::from_second(1_700_000_060 + at).unwrap();
        let median = 120_000 + 8_000 * u64::try_from(at).unwrap();
        let version = Some("2.3.0".to_owned());
        budget.add(Run::new(start, version, samples(median, 500)).unwrap());
    }
    write(&project.file(), &baseline).unwrap();
    let next = project.run("2.3.0", 130_000);
    assert_eq!(next.verdicts(), [ClaimVerdict::Ok]);
    assert_eq!(
        next.notices(),
        [
            "p50 of inventory-check is REGRESSED above 1.62x instead of 1.2x, because p50 varies by 14.3 % between the 6 runs of the baseline"
        ]
    );
    project.machine.cores = 8;
    let elsewhere = project.run("2.3.0", 130_000);
    assert_eq!(elsewhere.verdicts(), [ClaimVerdict::NotProven]);
    assert_eq!(elsewhere.notices().len(), 1, "{:?}", elsewhere.notices());
}

#[test]
fn an_attempt_that_is_repeated_writes_nothing() {
    for update in [Update::Always, Update::Proposed] {
        let mut project = TestProject::new(COMPARED);
        project.record("2.3.0", 120_000);
        let before = project.baseline();
        project.budgeting.update = update;
        project.retry = RetryState::OnFailure;
        for _ in 0..2 {
            let attempt = project.run("2.3.0", 350_000);
            assert_eq!(attempt.verdicts(), [ClaimVerdict::Regressed]);
            assert_eq!(attempt.notices().len(), 0);
            assert_eq!(
                (project.baseline(), project.pending()),
                (before.clone(), None)
            );
        }
        project.retry = RetryState::Exhausted;
        project.run("2.3.0", 350_000);
        let written = project.pending().unwrap_or_else(|| project.baseline());
        assert_eq!(runs(&written), 1);
        assert_ne!(written, before);
    }
}

#[test]
fn an_attempt_that_passes_is_not_repeated_and_writes() {
    let mut project = TestProject::new(COMPARED);
    project.retry = RetryState::OnFailure;
    project.run("2.3.0", 120_000);
    assert_eq!(runs(&project.pending().unwrap()), 1);
    project.record("2.3.0", 120_000);
    project.record("2.3.0", 120_000);
    assert_eq!(runs(&project.baseline()), 2);
}

#[test]
fn a_pending_proposal_is_noted_by_runs_that_pass_without_it() {
    let mut project = TestProject::new(COMPARED);
    project.run("2.3.0", 120_000);
    project.budgeting.update = Update::Never;
    let first = project.run("2.3.0", 120_000);
    assert!(!first.notices().concat().contains("has been pending"));
    accept(&project.file()).unwrap();
    project.budgeting.update = Update::Proposed;
    project.run("2.4.0", 350_000);
    let note = format!(
        "{NEW} has been pending since 2023-11-14 22:16:20Z, and this run passes without it; accept it with `spanspec baseline accept`, or delete it with `spanspec baseline reject specs/order.yaml`"
    );
    for update in [Update::Proposed, Update::Never] {
        project.budgeting.update = update;
        assert_eq!(
            project.run("2.3.0", 120_000).notices(),
            std::slice::from_ref(&note)
        );
    }
    let recorded = project.record("2.3.0", 120_000);
    assert_eq!(recorded.notices()[1..], [note]);
    let slow = project.run("2.4.0", 350_000);
    assert!(!slow.notices().concat().contains("pending"));
    fs::write(pending_path(&project.file()), "{").unwrap();
    let passes = project.run("2.3.0", 120_000);
    assert!(
        passes.notices()[0].contains("order.yaml.json.new is damaged"),
        "{:?}",
        passes.notices()
    );
    assert_eq!(passes.result, Ok(()));
    fs::remove_file(pending_path(&project.file())).unwrap();
    assert_eq!(project.run("2.3.0", 120_000).notices().len(), 0);
}

#[test]
fn a_run_without_a_verdict_does_not_mention_the_proposal() {
    for ended in [Some("interrupted after 400 of 500 requests"), None] {
        let mut project = TestProject::new(COMPARED);
        project.record("2.3.0", 120_000);
        project.run("2.4.0", 350_000);
        project.budgeting.update = Update::Never;
        let mut load = measured(Some("2.3.0"), samples(120_000, 400));
        load.stopped = ended.map(str::to_owned);
        load.errored = if ended.is_some() { 0 } else { 100 };
        let notes = project.judge(load).notices().concat();
        assert!(!notes.contains("pending"), "{notes}");
    }
}

#[test]
fn on_a_machine_that_others_slow_nothing_is_proven_that_they_explain() {
    let mut project = TestProject::new(COMPARED);
    let mut run = |micros, cores, update| {
        project.budgeting.update = update;
        let machine = Some(Disturbance {
            other_processes: cores,
            busiest: Some("rustc".to_owned()),
            ..Disturbance::default()
        });
        let measured = measured(Some("2.3.0"), samples(micros, 500));
        project.judge(Load {
            machine,
            ..measured
        })
    };
    run(120_000, 0.01, Update::Always);
    let disturbed = run(200_000, 2.0, Update::Never);
    assert_eq!(disturbed.verdicts(), [ClaimVerdict::NotProven]);
    assert_eq!(
        disturbed.notices(),
        ["during the run, other processes used 2.0 cores (most of it `rustc`)"]
    );
    let judged = disturbed.load.measured[0].judged[0].to_string();
    assert!(
        judged.ends_with(" Others used 2.0 cores, and 1 % of a core in the baseline, which can be the only cause: use `spanspec ab`, or a quiet machine."),
        "{judged}"
    );
    // Two of four cores explain twice the time.
    let slower = run(320_000, 2.0, Update::Never);
    assert_eq!(slower.verdicts(), [ClaimVerdict::Regressed]);
    let quiet = run(200_000, 0.01, Update::Never);
    assert_eq!(quiet.verdicts(), [ClaimVerdict::Regressed]);
    assert_eq!(quiet.notices(), [""; 0]);

    project = TestProject::new(COMPARED);
    let mut run = |cores, update| {
        project.budgeting.update = update;
        let machine = Some(Disturbance {
            other_processes: cores,
            ..Disturbance::default()
        });
        let measured = measured(Some("2.3.0"), samples(120_000, 500));
        project.judge(Load {
            machine,
            ..measured
        })
    };
    run(2.0, Update::Always);
    let after = run(0.01, Update::Never);
    assert_eq!(after.verdicts(), [ClaimVerdict::NotProven]);
    let judged = after.load.measured[0].judged[0].to_string();
    assert!(
        judged.ends_with(" Others used 1 % of a core, and 2.0 cores in the baseline, which can be too slow for that reason: record it again, or use `spanspec ab`."),
        "{judged}"
    );
}

#[test]
fn a_baseline_of_a_spec_that_was_renamed_is_noted_where_nothing_is_compared() {
    const RENAMED: &str = "\
name: orders
request: http://127.0.0.1:1/orders
expect: { status: 2xx }
repeat: { times: 500, concurrency: 4 }
budgets:
  - find: inventory-check
    regression: { p50: 20% }
";
    let mut project = TestProject::new(COMPARED);
    project.record("2.3.0", 120_000);
    project.spec = RENAMED;
    let slow = project.run("2.4.0", 2_400_000);
    let notices = slow.notices();
    let note = "nothing was compared, but specs/baselines/order.yaml.json has a baseline of `order`: if the spec was renamed, rename it in that file, too";
    assert!(notices.iter().any(|one| one == note), "{notices:?}");
}
