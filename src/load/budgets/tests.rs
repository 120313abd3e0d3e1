use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use super::*;
use crate::budget::baseline::{Baseline, Mismatch, Run, accept, pending_path, read, write};
use crate::budget::{ClaimVerdict, Quantile, Samples};
use crate::check::Outcome;
use crate::machine::{Disturbance, Machine};
use crate::result::{Load, Measured, Versions};
use crate::secret::Secrets;
use crate::source::Receiver;
use crate::spec::{Context, Pace, Source};
use crate::step::{Budgeting, Options, Shared, Update};
use tokio::sync::watch;

mod confirmation;
mod files;

const SPEC: &str = "\
name: order
request: http://127.0.0.1:1/orders
expect: { status: 2xx }
repeat: { times: 500, concurrency: 4 }
budgets:
  - find: inventory-check
    p50: < 150ms
    p99: < 1s
    regression: 20%
";

const COMPARED: &str = "\
name: order
request: http://127.0.0.1:1/orders
expect: { status: 2xx }
repeat: { times: 500, concurrency: 4 }
budgets:
  - find: inventory-check
    regression: { p50: 20% }
";

/// A temporary project with one spec.
struct TestProject {
    folder: tempfile::TempDir,
    spec: &'static str,
    budgeting: Budgeting,
    machine: Machine,
    secrets: Vec<String>,
    started: i64,
    retry: RetryState,
}

/// The result of a spec.
struct TestReport {
    result: Result<(), Trouble>,
    load: Load,
    checks: Vec<Judged>,
    root: String,
}

impl TestProject {
    fn new(spec: &'static str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("specs")).unwrap();
        Self {
            budgeting: Budgeting {
                root: folder.path().to_owned(),
                update: Update::Proposed,
                ..Budgeting::default()
            },
            folder,
            spec,
            machine: Machine {
                cpu: "AMD EPYC 7763".to_owned(),
                cores: 4,
                memory_mib: 16_000,
                os: "Linux 6.8".to_owned(),
                probe: 8_000,
            },
            secrets: Vec::new(),
            started: 1_700_000_000,
            retry: RetryState::Exhausted,
        }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("specs/baselines/order.yaml.json")
    }

    fn baseline(&self) -> Baseline {
        read(&self.file()).unwrap().unwrap()
    }

    fn has_baselines(&self) -> bool {
        self.folder.path().join("specs/baselines").exists()
    }

    fn pending(&self) -> Option<Baseline> {
        read(&pending_path(&self.file())).unwrap()
    }

    /// A run in which each request takes about this long.
    fn run(&mut self, version: &str, micros: u64) -> TestReport {
        self.judge(measured(Some(version), samples(micros, 500)))
    }

    /// As [`Self::run`], with `--update-baselines always`.
    fn record(&mut self, version: &str, micros: u64) -> TestReport {
        let update = std::mem::replace(&mut self.budgeting.update, Update::Always);
        let outcomes = self.run(version, micros);
        self.budgeting.update = update;
        outcomes
    }

    fn judge(&mut self, load: Load) -> TestReport {
        self.judge_all([load])
    }

    /// Judges a spec that was run several times.
    fn judge_all<const N: usize>(&mut self, loads: [Load; N]) -> TestReport {
        let is_strict = self.budgeting.is_strict;
        let runs = loads.map(|load| {
            self.started += 60;
            let started = jiff::Timestamp::from_second(self.started).unwrap();
            (started, Load { is_strict, ..load })
        });
        let file = self.folder.path().join("specs/order.yaml");
        let source = Source::new(file.to_string_lossy(), self.spec);
        let spec = Spec::read_all(&source, self.folder.path(), &Context::default())
            .unwrap()
            .remove(0);
        let options = Options {
            budgets: self.budgeting.clone(),
            secrets: Secrets::new(self.secrets.iter().cloned()),
            shared: Shared::on(self.machine.clone()),
            ..Options::default()
        };
        let mut checks = Vec::new();
        let (result, load) = crate::block_on(async {
            let receiver = Receiver::builder()
                .listen(["127.0.0.1:0".parse().unwrap()])
                .start()
                .await
                .unwrap();
            let (_stop, stop) = watch::channel(None);
            let setting = RunContext::new(&receiver, &options, stop);
            let judge = BudgetJudge::new(&setting, &spec, &runs[0].1.pace).await;
            let mut runs: Vec<JudgedRun<'_>> = runs
                .into_iter()
                .map(|(started, load)| JudgedRun {
                    started,
                    decided: judge.decide(&load),
                    load,
                })
                .collect();
            let mut last = runs.pop().unwrap();
            let result = judge
                .conclude(&runs, &mut last, self.retry, None, &mut checks)
                .await;
            (result, last.load)
        });
        TestReport {
            result: result.map(drop),
            load,
            checks,
            root: self.folder.path().to_string_lossy().into_owned(),
        }
    }
}

impl TestReport {
    /// The name of each check, with its failure.
    fn checks(&self) -> Vec<String> {
        let each = self.checks.iter().map(|judged| match &judged.outcome {
            Outcome::Fail(failure) => self.plain(&format!("{} FAILS: {failure}", judged.what)),
            _ => judged.what.clone(),
        });
        each.collect()
    }

    fn verdicts(&self) -> Vec<ClaimVerdict> {
        let measured = self.load.measured.iter();
        measured
            .flat_map(|one| one.judged.iter().map(|judged| judged.verdict))
            .collect()
    }

    fn notices(&self) -> Vec<String> {
        let notices = self.load.notices.iter();
        notices.map(|notice| self.plain(notice)).collect()
    }

    fn trouble(&self) -> String {
        self.plain(&self.result.as_ref().unwrap_err().what)
    }

    /// Removes the temporary folder from a text.
    fn plain(&self, text: &str) -> String {
        text.replace(&format!("{}/", self.root), "")
    }
}

/// Durations within two percent of `micros`.
fn samples(micros: u64, count: u64) -> Samples {
    (0..count)
        .map(|at| micros - micros / 50 + micros * at / (25 * count.max(1)))
        .collect()
}

fn measured(version: Option<&str>, samples: Samples) -> Load {
    let at = Source::new("specs/order.yaml", SPEC).at(crate::spec::Place::default());
    Load {
        pace: Pace::Closed {
            times: 500,
            concurrency: 4,
        },
        warmup: 0,
        requests: 500,
        failed: 0,
        errored: 0,
        allowed: 0,
        duration: Duration::from_secs(10),
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
        measured: vec![Measured {
            missing: 0,
            subject: "inventory-check".to_owned(),
            at,
            samples,
            quantiles: Vec::new(),
            punctual: None,
            versions: Versions::default(),
            version: version.map(str::to_owned),
            measure: "duration",
            is_found: true,
            expects_none: false,
            largest: None,
            before: None,
            judged: Vec::new(),
        }],
        notices: Vec::new(),
    }
}

fn runs(baseline: &Baseline) -> usize {
    baseline.cases["order"].budgets["inventory-check"]
        .runs
        .len()
}

#[test]
fn a_first_run_is_proposed_and_limits_are_judged() {
    let mut project = TestProject::new(SPEC);
    let first = project.run("2.3.0", 120_000);
    assert_eq!(first.result, Ok(()));
    assert_eq!(
        first.checks(),
        ["p50 of inventory-check", "p99 of inventory-check"]
    );
    assert_eq!(first.verdicts(), [ClaimVerdict::Ok, ClaimVerdict::Ok]);
    assert_eq!(
        first.notices(),
        [
            "no baseline for p50, p99 of inventory-check: wrote this run to specs/baselines/order.yaml.json.new; accept it with `spanspec baseline accept`"
        ]
    );
    assert!(!project.file().exists());
    assert_eq!(runs(&project.pending().unwrap()), 1);
}

#[test]
fn a_regression_fails_with_both_versions_and_is_proposed() {
    let mut project = TestProject::new(COMPARED);
    project.record("2.3.0", 120_000);
    let slow = project.run("2.4.0", 350_000);
    assert_eq!(slow.verdicts(), [ClaimVerdict::Regressed]);
    assert_eq!(
        slow.checks(),
        [
            "p50 of inventory-check FAILS: p50 of inventory-check: expected at most 1.2x of the 120 ms of v2.3.0 (n=500), found 350 ms in v2.4.0 (n=500), at least 2.90x"
        ]
    );
    assert_eq!(
        slow.notices(),
        [
            "wrote this run to specs/baselines/order.yaml.json.new; if the change is intended, accept it with `spanspec baseline accept`"
        ]
    );
    let before = slow.load.measured[0].before.as_ref().unwrap();
    assert_eq!(
        (
            before.version.as_deref(),
            before.samples.len(),
            &before.path
        ),
        (Some("2.3.0"), 500, &Some(project.file()))
    );
    assert_eq!(slow.checks[0].at.text(), "20%");
    let version = |baseline: &Baseline| {
        let budget = &baseline.cases["order"].budgets["inventory-check"];
        budget.service_version().map(str::to_owned)
    };
    assert_eq!(version(&project.baseline()).as_deref(), Some("2.3.0"));
    assert_eq!(
        version(&project.pending().unwrap()).as_deref(),
        Some("2.4.0")
    );
}

#[test]
fn an_unchanged_version_passes_and_is_not_written() {
    let mut project = TestProject::new(COMPARED);
    project.record("2.3.0", 120_000);
    let again = project.run("2.4.0", 121_000);
    assert_eq!(again.verdicts(), [ClaimVerdict::Ok]);
    assert_eq!(again.checks(), ["p50 of inventory-check"]);
    assert_eq!((again.notices().len(), project.pending()), (0, None));
}

#[test]
fn a_limit_and_a_baseline_of_one_quantile_are_two_checks() {
    let mut project = TestProject::new(SPEC);
    project.record("2.3.0", 120_000);
    let slow = project.run("2.4.0", 350_000);
    assert_eq!(
        slow.checks(),
        [
            "p50 of inventory-check FAILS: p50 of inventory-check: expected at most 150 ms, found 350 ms (at least 349 ms)",
            "p50 of inventory-check against the baseline FAILS: p50 of inventory-check: expected at most 1.2x of the 120 ms of v2.3.0 (n=500), found 350 ms in v2.4.0 (n=500), at least 2.90x",
            "p99 of inventory-check",
            "p99 of inventory-check against the baseline FAILS: p99 of inventory-check: expected at most 1.2x of the 122 ms of v2.3.0 (n=500), found 357 ms in v2.4.0 (n=500), at least 2.91x",
        ]
    );
}

/// The name of each check, and that of the check with the same cause, which stands for it.
fn causes(judged: &TestReport) -> Vec<(&str, Option<&str>)> {
    let of = |check: &Judged| {
        let cause = check.outcome.failure()?.cause?;
        let named = judged.checks.iter().find(|one| one.check == cause)?;
        Some(named.what.as_str())
    };
    judged
        .checks
        .iter()
        .map(|one| (one.what.as_str(), of(one)))
        .collect()
}

#[test]
fn claims_of_one_budget_that_fail_have_one_cause() {
    let mut project = TestProject::new(SPEC);
    project.record("2.3.0", 120_000);
    let slow = project.run("2.4.0", 350_000);
    let first = Some("p50 of inventory-check");
    assert_eq!(
        causes(&slow),
        [
            ("p50 of inventory-check", None),
            ("p50 of inventory-check against the baseline", first),
            ("p99 of inventory-check", None),
            ("p99 of inventory-check against the baseline", first),
        ]
    );
}

#[test]
fn a_response_time_that_a_span_explains_has_the_cause_of_the_span() {
    const BOTH: &str = "\
name: order
request: http://127.0.0.1:1/orders
expect: { status: 2xx }
repeat: { times: 500, concurrency: 4 }
budgets:
  - measure: response_time
    regression: { p50: 20% }
  - find: inventory-check
    regression: { p50: 20% }
";
    let load = |version, response, span| {
        let mut load = measured(Some(version), samples(span, 500));
        let mut answer = load.measured[0].clone();
        answer.subject = "response time".to_owned();
        answer.samples = samples(response, 500);
        load.response_times = answer.samples.clone();
        load.measured.insert(0, answer);
        load
    };
    let mut project = TestProject::new(BOTH);
    project.budgeting.update = Update::Always;
    project.judge(load("2.3.0", 200_000, 120_000));
    project.budgeting.update = Update::Never;
    let (response, span) = ("p50 of response time", "p50 of inventory-check");
    let explained = project.judge(load("2.4.0", 420_000, 320_000));
    assert_eq!(causes(&explained), [(response, Some(span)), (span, None)]);
    let own_cause = project.judge(load("2.4.0", 620_000, 320_000));
    assert_eq!(causes(&own_cause), [(response, None), (span, None)]);
    // A claim that fails only because it is open explains nothing and is not explained.
    project.budgeting.is_strict = true;
    for (answer, found) in [(240_000, 320_000), (240_000, 144_000), (420_000, 144_000)] {
        let open = project.judge(load("2.4.0", answer, found));
        assert_eq!(causes(&open), [(response, None), (span, None)]);
    }
}

#[test]
fn claims_that_are_not_proven_fail_only_with_strict() {
    let mut project = TestProject::new(COMPARED);
    project.record("2.3.0", 120_000);
    let unsure = |project: &mut TestProject| project.judge(measured(None, samples(144_000, 500)));
    let passes = unsure(&mut project);
    assert_eq!(passes.verdicts(), [ClaimVerdict::NotProven]);
    assert_eq!(passes.checks(), ["p50 of inventory-check"]);
    project.budgeting.is_strict = true;
    assert_eq!(
        unsure(&mut project).checks(),
        [
            "p50 of inventory-check FAILS: p50 of inventory-check: expected at most 1.2x of the 120 ms of v2.3.0 (n=500), found 144 ms (n=500), between 1.19x and 1.21x"
        ]
    );
    let few = project.judge(measured(None, samples(120_000, 4)));
    assert_eq!(few.verdicts(), [ClaimVerdict::TooFew]);
    assert_eq!(
        few.checks(),
        [
            "p50 of inventory-check FAILS: p50 of inventory-check: expected at most 1.2x of the 120 ms of v2.3.0 (n=500), found 119 ms (n=4), too few samples for bounds"
        ]
    );
}

#[test]
fn a_budget_that_finds_nothing_fails_once_with_and_without_a_baseline() {
    let mut project = TestProject::new(SPEC);
    let nothing = |project: &mut TestProject| project.judge(measured(None, Samples::default()));
    let text = [
        "p50 of inventory-check FAILS: p50 of inventory-check: expected durations to measure, found no span that matches in 500 traces",
    ];
    let first = nothing(&mut project);
    assert_eq!(first.checks(), text);
    assert_eq!(first.verdicts(), [ClaimVerdict::NothingFound; 4]);
    assert_eq!(first.notices().len(), 0);
    assert_eq!(project.pending(), None);
    project.record("2.3.0", 120_000);
    assert_eq!(nothing(&mut project).checks(), text);
}

#[test]
fn a_missing_baseline_fails_with_strict() {
    let mut project = TestProject::new(COMPARED);
    project.budgeting.is_strict = true;
    project.budgeting.update = Update::Never;
    let first = project.run("2.3.0", 120_000);
    assert_eq!(
        first.checks(),
        [
            "p50 of inventory-check FAILS: p50 of inventory-check: expected a baseline to compare with, found none in specs/baselines/order.yaml.json"
        ]
    );
}

#[test]
fn a_baseline_of_another_machine_proves_nothing_and_the_run_is_proposed() {
    let mut project = TestProject::new(COMPARED);
    project.record("2.3.0", 120_000);
    project.machine.cpu = "Intel Xeon 8370C".to_owned();
    let elsewhere = project.run("2.4.0", 350_000);
    assert_eq!(elsewhere.verdicts(), [ClaimVerdict::NotProven]);
    let said = elsewhere.load.measured[0].judged[0].to_string();
    assert!(
        said.contains("CPU was AMD EPYC 7763, is Intel Xeon 8370C"),
        "{said}"
    );
    let pending = project.pending().unwrap();
    assert_eq!(pending.cases["order"].fingerprint.cpu, "Intel Xeon 8370C");
    project.budgeting.is_strict = true;
    let strict = project.run("2.4.0", 350_000);
    let found = "found 350 ms in v2.4.0 (n=500), in another environment: CPU was AMD EPYC 7763, is Intel Xeon 8370C";
    assert!(strict.checks()[0].ends_with(found), "{:?}", strict.checks());
}

#[test]
fn baselines_of_another_machine_are_compared_if_allowed_or_if_the_names_are_equal() {
    let mut project = TestProject::new(COMPARED);
    project.budgeting.machine = Some("ci".to_owned());
    project.record("2.3.0", 120_000);
    project.machine.probe = 20_000;
    let named = project.run("2.4.0", 350_000);
    assert_eq!(named.verdicts(), [ClaimVerdict::Regressed]);
    project.budgeting.machine = None;
    let unnamed = project.run("2.4.0", 350_000);
    assert_eq!(unnamed.verdicts(), [ClaimVerdict::NotProven]);
    project.budgeting.mismatch = Mismatch::Allowed;
    let allowed = project.run("2.4.0", 350_000);
    assert_eq!(allowed.verdicts(), [ClaimVerdict::Regressed]);
}
