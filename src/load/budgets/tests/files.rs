//! What a run leaves in files.

use super::*;

#[test]
fn a_second_run_of_the_same_version_joins_what_waits() {
    let mut stage = Stage::new(COMPARED);
    stage.run("2.3.0", 120_000);
    let second = stage.run("2.3.0", 121_000);
    assert_eq!(
        second.notices(),
        [
            "no baseline of p50 of inventory-check yet: added this run to specs/baselines/order.yaml.json.new, which has 2 now; `spanspec baseline accept` takes it as the baseline"
        ]
    );
    assert_eq!(runs(&stage.pending().unwrap()), 2);
    let third = stage.run("2.4.0", 121_000);
    assert_eq!(
        third.notices(),
        [
            "no baseline of p50 of inventory-check yet: wrote specs/baselines/order.yaml.json.new, in place of what waited there: service.version was 2.3.0, is 2.4.0; `spanspec baseline accept` takes it as the baseline"
        ]
    );
    assert_eq!(runs(&stage.pending().unwrap()), 1);
}

#[test]
fn where_nothing_is_written_the_user_is_told_what_to_do() {
    let mut stage = Stage::new(COMPARED);
    stage.budgeting.update = Update::Never;
    let first = stage.run("2.3.0", 120_000);
    assert_eq!(
        first.notices(),
        [
            "no baseline of p50 of inventory-check yet, and none is written here: a run where `CI` is not set writes specs/baselines/order.yaml.json.new, and one with `--update-baselines always` writes specs/baselines/order.yaml.json; commit that"
        ]
    );
    assert!(!stage.folder.path().join("specs/baselines").exists());
}

#[test]
fn a_run_whose_requests_failed_or_that_ended_early_is_not_written() {
    for update in [Update::Proposed, Update::Always] {
        let mut stage = Stage::new(COMPARED);
        stage.budgeting.update = update;
        let mut load = measured(None, samples(120_000, 400));
        load.failed = 1;
        let failed = stage.judge(load.clone());
        assert_eq!(
            failed.notices(),
            [
                "no baseline of p50 of inventory-check yet, and none was written, for too many requests failed"
            ]
        );
        load.failed = 0;
        load.stopped = Some("interrupted".to_owned());
        let stopped = stage.judge(load.clone());
        assert_eq!(
            stopped.notices(),
            [
                "no baseline of p50 of inventory-check yet, and none was written, for the run ended early"
            ]
        );
        assert!(!stage.folder.path().join("specs/baselines").exists());
        load.stopped = None;
        (load.failed, load.allowed) = (1, 1);
        stage.judge(load);
        assert!(stage.folder.path().join("specs/baselines").exists());
    }
}

#[test]
fn always_adds_what_is_alike_and_keeps_the_newest_twenty() {
    let mut stage = Stage::new(COMPARED);
    let first = stage.record("2.3.0", 120_000);
    assert_eq!(
        first.notices(),
        [
            "no baseline of p50 of inventory-check yet: this run is the first in specs/baselines/order.yaml.json"
        ]
    );
    let second = stage.record("2.3.0", 121_000);
    assert_eq!(
        second.notices(),
        ["this run is one of 2 in specs/baselines/order.yaml.json"]
    );
    for _ in 0..20 {
        stage.record("2.3.0", 120_500);
    }
    let baseline = stage.baseline();
    assert_eq!(runs(&baseline), 20);
    let oldest = &baseline.cases["order"].budgets["inventory-check"].runs[0];
    assert_eq!(oldest.start().as_second(), 1_700_000_000 + 3 * 60);
}

#[test]
fn always_puts_another_version_or_machine_in_the_place_of_the_old() {
    let mut stage = Stage::new(COMPARED);
    stage.record("2.3.0", 120_000);
    stage.record("2.3.0", 120_000);
    let next = stage.record("2.4.0", 350_000);
    assert_eq!(
        next.notices(),
        [
            "p50 of inventory-check REGRESSED, and this run took the place of those in specs/baselines/order.yaml.json: service.version was 2.3.0, is 2.4.0"
        ]
    );
    assert_eq!(runs(&stage.baseline()), 1);
    stage.machine.cores = 8;
    let elsewhere = stage.record("2.4.0", 350_000);
    assert_eq!(
        elsewhere.notices(),
        ["this run took the place of those in specs/baselines/order.yaml.json: cores was 4, is 8"]
    );
    assert_eq!(stage.baseline().cases["order"].fingerprint.cores, 8);
}

#[test]
fn always_puts_a_slower_run_in_the_place_of_the_others_never_beside_them() {
    let mut stage = Stage::new(COMPARED);
    stage.record("2.3.0", 120_000);
    stage.record("2.3.0", 120_000);
    let slower = stage.record("2.3.0", 350_000);
    assert_eq!(slower.verdicts(), [Verdict::Regressed]);
    assert_eq!(
        slower.notices(),
        [
            "p50 of inventory-check REGRESSED, and this run took the place of 2 runs in specs/baselines/order.yaml.json, for it is slower"
        ]
    );
    assert_eq!(runs(&stage.baseline()), 1);
    let slowest = stage.record("2.3.0", 900_000);
    assert_eq!(
        slowest.notices(),
        [
            "p50 of inventory-check REGRESSED, and this run took the place of the one in specs/baselines/order.yaml.json, for it is slower"
        ]
    );
    let budget = &stage.baseline().cases["order"].budgets["inventory-check"];
    assert!(budget.spread() < 0.01, "{}", budget.spread());
}

#[test]
fn a_budget_with_a_secret_in_its_name_gets_its_baseline() {
    let mut stage = Stage::new(COMPARED);
    stage.secrets = vec!["inventory".to_owned()];
    stage.record("2.3.0", 120_000);
    let mut baseline = stage.baseline();
    let budgets = &mut baseline.cases.get_mut("order").unwrap().budgets;
    let known = budgets.remove("[masked]-check").unwrap();
    budgets.insert("another".to_owned(), known);
    write(&stage.file(), &baseline).unwrap();
    stage.run("2.3.0", 120_000);
    let pending = stage.pending().unwrap();
    assert_eq!(
        pending.cases["order"].budgets.keys().collect::<Vec<_>>(),
        ["[masked]-check"]
    );
    accept(&stage.file(), None).unwrap();
    assert_eq!(
        stage.baseline().cases["order"]
            .budgets
            .keys()
            .collect::<Vec<_>>(),
        ["[masked]-check", "another"]
    );
}

#[test]
fn only_what_is_proposed_waits_and_is_accepted_though_the_baseline_is_of_a_later_time() {
    let mut stage = Stage::new(COMPARED);
    stage.record("2.3.0", 120_000);
    let mut baseline = stage.baseline();
    let mut case = baseline.cases["order"].clone();
    let budget = case.budgets.get_mut("inventory-check").unwrap();
    let later = jiff::Timestamp::from_second(1_800_000_000).unwrap();
    budget.runs = vec![Run::new(later, Some("2.3.0".to_owned()), samples(120_000, 500)).unwrap()];
    baseline.cases.insert("another".to_owned(), case.clone());
    baseline.cases.insert("order".to_owned(), case.clone());
    write(&stage.file(), &baseline).unwrap();
    stage.run("2.4.0", 350_000);
    stage.run("2.4.0", 350_000);
    let pending = stage.pending().unwrap();
    assert_eq!(pending.cases.keys().collect::<Vec<_>>(), ["order"]);
    assert_eq!(runs(&pending), 2);
    accept(&stage.file(), None).unwrap();
    let accepted = stage.baseline();
    assert_eq!(accepted.cases["order"], pending.cases["order"]);
    assert_eq!(accepted.cases["another"], case);
    assert_eq!(stage.pending(), None);
}

#[test]
fn a_file_that_cannot_be_read_is_named_and_kept_and_limits_are_judged() {
    let newer = r#"{ "format": "spanspec baseline", "schema_version": 7 }"#;
    for (text, why) in [
        ("{ \"format\": \"spanspec ba", "is damaged"),
        (newer, "has schema version 7"),
        ("{ \"name\": \"mine\" }", "is not a baseline of spanspec"),
    ] {
        for update in [Update::Proposed, Update::Always, Update::Never] {
            let mut stage = Stage::new(SPEC);
            stage.budgeting.update = update;
            fs::create_dir(stage.file().parent().unwrap()).unwrap();
            fs::write(stage.file(), text).unwrap();
            let run = stage.run("2.4.0", 350_000);
            let trouble = run.trouble();
            assert!(
                trouble.contains("specs/baselines/order.yaml.json") && trouble.contains(why),
                "{trouble}"
            );
            assert_eq!(run.verdicts(), [Verdict::OverLimit, Verdict::Ok]);
            assert_eq!(fs::read_to_string(stage.file()).unwrap(), text);
            assert_eq!(
                fs::read_dir(stage.file().parent().unwrap())
                    .unwrap()
                    .count(),
                1
            );
        }
    }
}

#[test]
fn a_damaged_proposal_is_named_and_kept() {
    let mut stage = Stage::new(COMPARED);
    stage.run("2.3.0", 120_000);
    let pending = pending_path(&stage.file());
    fs::write(&pending, "{").unwrap();
    let trouble = stage.run("2.3.0", 120_000).trouble();
    assert!(
        trouble.contains("order.yaml.json.new is damaged"),
        "{trouble}"
    );
    assert_eq!(fs::read_to_string(&pending).unwrap(), "{");
}

#[test]
fn a_folder_for_baselines_has_them_under_the_names_of_their_specs() {
    let mut stage = Stage::new(COMPARED);
    let folder = stage.folder.path().join("kept");
    stage.budgeting.folder = Some(folder.clone());
    let first = stage.run("2.3.0", 120_000);
    let command = format!("`spanspec baseline accept --baseline {}`", folder.display());
    assert!(
        first.load.notices[0].contains(&command),
        "{:?}",
        first.load.notices
    );
    stage.record("2.3.0", 120_000);
    assert!(folder.join("specs/order.yaml.json").exists());
    let again = stage.run("2.4.0", 350_000);
    assert_eq!(again.verdicts(), [Verdict::Regressed]);
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
    let mut stage = Stage::new(LIMITED);
    fs::create_dir(stage.file().parent().unwrap()).unwrap();
    fs::write(stage.file(), "{").unwrap();
    let run = stage.record("2.3.0", 120_000);
    assert_eq!((run.result.clone(), run.checks().len()), (Ok(()), 1));
    assert_eq!(run.notices().len(), 0);
}

#[test]
fn no_secret_comes_into_a_file() {
    let mut stage = Stage::new(COMPARED);
    stage.secrets = ["order", "inventory", "2.3"].map(str::to_owned).into();
    stage.record("2.3.0", 120_000);
    let case = &stage.baseline().cases["[masked]"];
    let budget = &case.budgets["[masked]-check"];
    assert_eq!(budget.service_version(), Some("[masked].0"));
    assert_eq!(stage.run("2.3.0", 350_000).verdicts(), [Verdict::Regressed]);
}

#[test]
fn a_run_of_several_versions_is_not_written() {
    let mut stage = Stage::new(COMPARED);
    let mut load = measured(Some("2.3.0, 2.4.0"), samples(120_000, 400));
    load.measured[0].versions = [("2.3.0", 212), ("2.4.0", 188)].into_iter().collect();
    assert_eq!(
        stage.judge(load.clone()).notices(),
        [
            "no baseline of p50 of inventory-check yet, and none was written, for the run was of several versions"
        ]
    );
    assert!(!stage.folder.path().join("specs/baselines").exists());
    stage.record("2.3.0", 120_000);
    assert_eq!(stage.judge(load.clone()).notices(), [""; 0]);
    stage.budgeting.update = Update::Always;
    assert_eq!(
        stage.judge(load).notices(),
        ["no new baseline was written, for the run was of several versions"]
    );
    assert_eq!(runs(&stage.baseline()), 1);
}

#[test]
fn a_first_run_that_was_slow_for_once_is_not_pooled_with_the_second() {
    let mut stage = Stage::new(COMPARED);
    stage.run("2.3.0", 15_000);
    let second = stage.run("2.3.0", 5_000);
    assert_eq!(
        second.notices(),
        [
            "no baseline of p50 of inventory-check yet: wrote specs/baselines/order.yaml.json.new, in place of what waited there, which was 3.0x slower; `spanspec baseline accept` takes it as the baseline"
        ]
    );
    assert_eq!(runs(&stage.pending().unwrap()), 1);
    accept(&stage.file(), None).unwrap();
    let slow = stage.run("2.3.0", 45_000);
    assert_eq!(slow.verdicts(), [Verdict::Regressed]);
    let slower = stage.run("2.3.0", 90_000);
    assert_eq!(
        slower.notices(),
        [
            "wrote specs/baselines/order.yaml.json.new, in place of what waited there, which was 2.0x faster; `spanspec baseline accept` takes it as the baseline, if it is meant to be slower"
        ]
    );
}

#[test]
fn always_puts_a_faster_run_in_the_place_of_the_others_so_that_the_next_regression_is_seen() {
    let mut stage = Stage::new(COMPARED);
    stage.record("2.3.0", 350_000);
    stage.record("2.3.0", 350_000);
    let faster = stage.record("2.3.0", 120_000);
    assert_eq!(
        faster.notices(),
        ["this run took the place of 2 runs in specs/baselines/order.yaml.json, for it is faster"]
    );
    assert_eq!(runs(&stage.baseline()), 1);
    let slower = stage.record("2.3.0", 350_000);
    assert_eq!(slower.verdicts(), [Verdict::Regressed]);
}

#[test]
fn a_limit_that_the_baseline_raises_is_told() {
    let mut stage = Stage::new(COMPARED);
    stage.record("2.3.0", 120_000);
    let mut baseline = stage.baseline();
    let case = baseline.cases.get_mut("order").unwrap();
    let budget = case.budgets.get_mut("inventory-check").unwrap();
    for at in 1..6 {
        let start = jiff::Timestamp::from_second(1_700_000_060 + at).unwrap();
        let median = if at % 2 == 0 { 120_000 } else { 150_000 };
        let version = Some("2.3.0".to_owned());
        budget.add(Run::new(start, version, samples(median, 500)).unwrap());
    }
    write(&stage.file(), &baseline).unwrap();
    let next = stage.run("2.3.0", 130_000);
    assert_eq!(next.verdicts(), [Verdict::Ok]);
    assert_eq!(
        next.notices(),
        [
            "the limit of p50 of inventory-check is 1.51x rather than 1.2x, for p50 of the 6 runs of the baseline differs by 12.2 %"
        ]
    );
    stage.machine.cores = 8;
    let elsewhere = stage.run("2.3.0", 130_000);
    assert_eq!(elsewhere.verdicts(), [Verdict::NotProven]);
    assert_eq!(elsewhere.notices().len(), 1, "{:?}", elsewhere.notices());
}

#[test]
fn an_attempt_after_which_another_one_follows_writes_nothing() {
    for update in [Update::Always, Update::Proposed] {
        let mut stage = Stage::new(COMPARED);
        stage.record("2.3.0", 120_000);
        let before = stage.baseline();
        stage.budgeting.update = update;
        stage.chance = Chance::Another;
        for _ in 0..2 {
            let attempt = stage.run("2.3.0", 350_000);
            assert_eq!(attempt.verdicts(), [Verdict::Regressed]);
            assert_eq!(attempt.notices().len(), 0);
            assert_eq!((stage.baseline(), stage.pending()), (before.clone(), None));
        }
        stage.chance = Chance::Last;
        assert_eq!(stage.run("2.3.0", 350_000).verdicts(), [Verdict::Regressed]);
        let written = stage.pending().unwrap_or_else(|| stage.baseline());
        assert_eq!(runs(&written), 1);
        assert_ne!(written, before);
    }
}

#[test]
fn an_attempt_that_passes_is_the_last_and_writes() {
    let mut stage = Stage::new(COMPARED);
    stage.chance = Chance::Another;
    stage.run("2.3.0", 120_000);
    assert_eq!(runs(&stage.pending().unwrap()), 1);
    stage.record("2.3.0", 120_000);
    stage.record("2.3.0", 120_000);
    assert_eq!(runs(&stage.baseline()), 2);
}

#[test]
fn a_proposal_that_waits_though_the_spec_passes_again_is_told() {
    let mut stage = Stage::new(COMPARED);
    stage.run("2.3.0", 120_000);
    stage.budgeting.update = Update::Never;
    let first = stage.run("2.3.0", 120_000);
    assert!(!first.notices().concat().contains("waits since"));
    accept(&stage.file(), None).unwrap();
    stage.budgeting.update = Update::Proposed;
    stage.run("2.4.0", 350_000);
    let told = "specs/baselines/order.yaml.json.new waits since 2023-11-14 22:16:20Z: v2.4.0, p50 of inventory-check 350 ms rather than 120 ms; this run passes without it: `spanspec baseline accept` takes it all the same, `spanspec baseline reject specs/order.yaml` deletes it";
    for update in [Update::Proposed, Update::Never] {
        stage.budgeting.update = update;
        assert_eq!(stage.run("2.3.0", 120_000).notices(), [told]);
    }
    let recorded = stage.record("2.3.0", 120_000);
    assert_eq!(
        recorded.notices(),
        [
            "this run is one of 2 in specs/baselines/order.yaml.json",
            told
        ]
    );
    let slow = stage.run("2.4.0", 350_000);
    assert!(!slow.notices().concat().contains("waits"));
    fs::write(pending_path(&stage.file()), "{").unwrap();
    let passes = stage.run("2.3.0", 120_000);
    assert!(
        passes.notices()[0].contains("order.yaml.json.new is damaged"),
        "{:?}",
        passes.notices()
    );
    assert_eq!(passes.result, Ok(()));
    reject(&stage.file(), None).unwrap_err();
    fs::remove_file(pending_path(&stage.file())).unwrap();
    assert_eq!(stage.run("2.3.0", 120_000).notices().len(), 0);
}

#[test]
fn a_run_of_a_machine_that_sent_too_late_is_not_written() {
    for update in [Update::Proposed, Update::Always] {
        let mut stage = Stage::new(COMPARED);
        stage.budgeting.update = update;
        let mut load = measured(None, samples(120_000, 400));
        load.behind = Duration::from_millis(14);
        load.punctual_times = Some(samples(106_000, 400));
        let late = stage.judge(load.clone());
        assert_eq!(
            late.notices(),
            [
                "no baseline of p50 of inventory-check yet, and none was written, for this machine sent requests too late"
            ]
        );
        assert!(!stage.folder.path().join("specs/baselines").exists());
        // A tenth is not seen.
        load.punctual_times = Some(samples(111_000, 400));
        stage.judge(load);
        assert!(stage.folder.path().join("specs/baselines").exists());
    }
}

#[test]
fn a_run_that_is_stopped_while_another_process_writes_says_that_it_wrote_nothing() {
    let mut stage = Stage::new(COMPARED);
    stage.stop = Some(Stop::Interrupted);
    stage.budgeting.update = Update::Always;
    let another = lock(&stage.file()).unwrap();
    assert_eq!(
        stage.run("2.3.0", 120_000).notices(),
        [
            "no baseline of p50 of inventory-check yet, and none was written, for the run ended while another process was writing"
        ]
    );
    drop(another);
    stage.record("2.3.0", 120_000);
    let _another = lock(&stage.file()).unwrap();
    assert_eq!(
        stage.run("2.3.0", 120_000).notices(),
        [
            "specs/baselines/order.yaml.json: nothing was written, for the run ended while another process was writing"
        ]
    );
}

#[test]
fn a_run_of_which_nobody_knows_whether_it_would_pass_says_nothing_of_what_waits() {
    for ended in [Some("interrupted after 400 of 500 requests"), None] {
        let mut stage = Stage::new(COMPARED);
        stage.record("2.3.0", 120_000);
        stage.run("2.4.0", 350_000);
        stage.budgeting.update = Update::Never;
        let mut load = measured(Some("2.3.0"), samples(120_000, 400));
        load.stopped = ended.map(str::to_owned);
        load.errored = if ended.is_some() { 0 } else { 100 };
        let told = stage.judge(load).notices().concat();
        assert!(!told.contains("waits since"), "{told}");
    }
}
