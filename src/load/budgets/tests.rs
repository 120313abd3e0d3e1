use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use super::*;
use crate::budget::baseline::{
    Baseline, Mismatch, Run, accept, lock, pending_path, read, reject, write,
};
use crate::budget::{Samples, Verdict};
use crate::check::Outcome;
use crate::machine::Machine;
use crate::result::{Load, Measured, Versions};
use crate::secret::Secrets;
use crate::source::Receiver;
use crate::spec::{Context, Pace, Source};
use crate::step::{Budgeting, Options, Shared, Stop, Update};
use tokio::sync::watch;

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

/// A project of one spec, in a folder of its own.
struct Stage {
    folder: tempfile::TempDir,
    spec: &'static str,
    budgeting: Budgeting,
    machine: Machine,
    secrets: Vec<String>,
    started: i64,
    chance: Chance,
    stop: Option<Stop>,
}

/// What became of a run.
struct Outcomes {
    result: Result<(), Trouble>,
    load: Load,
    checks: Vec<Judged>,
    root: String,
}

impl Stage {
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
            chance: Chance::Last,
            stop: None,
        }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("specs/baselines/order.yaml.json")
    }

    fn baseline(&self) -> Baseline {
        read(&self.file()).unwrap().unwrap()
    }

    fn pending(&self) -> Option<Baseline> {
        read(&pending_path(&self.file())).unwrap()
    }

    /// A run in which each request took about so long.
    fn run(&mut self, version: &str, micros: u64) -> Outcomes {
        self.judge(measured(Some(version), samples(micros, 500)))
    }

    /// The same, into the baseline.
    fn record(&mut self, version: &str, micros: u64) -> Outcomes {
        let update = std::mem::replace(&mut self.budgeting.update, Update::Always);
        let outcomes = self.run(version, micros);
        self.budgeting.update = update;
        outcomes
    }

    fn judge(&mut self, load: Load) -> Outcomes {
        self.started += 60;
        let started = jiff::Timestamp::from_second(self.started).unwrap();
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
        let is_strict = self.budgeting.is_strict;
        let (mut load, mut checks) = (Load { is_strict, ..load }, Vec::new());
        let result = crate::block_on(async {
            let receiver = Receiver::builder()
                .listen(["127.0.0.1:0".parse().unwrap()])
                .start()
                .await
                .unwrap();
            let (_stop, stop) = watch::channel(self.stop.clone());
            let setting = Setting::new(&receiver, &options, stop);
            let attempt = OfAttempt {
                started,
                chance: self.chance,
            };
            judge(&setting, &spec, attempt, None, &mut load, &mut checks).await
        });
        Outcomes {
            result: result.map(drop),
            load,
            checks,
            root: self.folder.path().to_string_lossy().into_owned(),
        }
    }
}

impl Outcomes {
    /// Each check: its name, and how it failed.
    fn checks(&self) -> Vec<String> {
        let each = self.checks.iter().map(|judged| match &judged.outcome {
            Outcome::Fail(failure) => self.plain(&format!("{} FAILS: {failure}", judged.what)),
            _ => judged.what.clone(),
        });
        each.collect()
    }

    fn verdicts(&self) -> Vec<Verdict> {
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

    /// Without the folder of this test.
    fn plain(&self, text: &str) -> String {
        text.replace(&format!("{}/", self.root), "")
    }
}

/// Around a duration, within some percent.
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
        failing: Vec::new(),
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
            slowest: None,
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
fn a_first_run_is_proposed_and_limits_are_judged_all_the_same() {
    let mut stage = Stage::new(SPEC);
    let first = stage.run("2.3.0", 120_000);
    assert_eq!(first.result, Ok(()));
    assert_eq!(
        first.checks(),
        ["p50 of inventory-check", "p99 of inventory-check"]
    );
    assert_eq!(first.verdicts(), [Verdict::Ok, Verdict::Ok]);
    assert_eq!(
        first.notices(),
        [
            "no baseline of p50, p99 of inventory-check yet: wrote specs/baselines/order.yaml.json.new; `spanspec baseline accept` takes it as the baseline"
        ]
    );
    assert!(!stage.file().exists());
    assert_eq!(runs(&stage.pending().unwrap()), 1);
}

#[test]
fn a_regression_fails_with_both_versions_and_is_proposed() {
    let mut stage = Stage::new(COMPARED);
    stage.record("2.3.0", 120_000);
    let slow = stage.run("2.4.0", 350_000);
    assert_eq!(slow.verdicts(), [Verdict::Regressed]);
    assert_eq!(
        slow.checks(),
        [
            "p50 of inventory-check FAILS: p50 of inventory-check: expected at most 1.2x of the 120 ms of v2.3.0 (n=500), found 350 ms in v2.4.0 (n=500), at least 2.9x"
        ]
    );
    assert_eq!(
        slow.notices(),
        [
            "wrote specs/baselines/order.yaml.json.new; `spanspec baseline accept` takes it as the baseline, if it is meant to be slower"
        ]
    );
    let before = slow.load.measured[0].before.as_ref().unwrap();
    assert_eq!(
        (
            before.version.as_deref(),
            before.samples.len(),
            &before.path
        ),
        (Some("2.3.0"), 500, &stage.file())
    );
    assert_eq!(slow.checks[0].at.text(), "20%");
    let version = |baseline: &Baseline| {
        let budget = &baseline.cases["order"].budgets["inventory-check"];
        budget.service_version().map(str::to_owned)
    };
    assert_eq!(version(&stage.baseline()).as_deref(), Some("2.3.0"));
    assert_eq!(version(&stage.pending().unwrap()).as_deref(), Some("2.4.0"));
}

#[test]
fn the_same_again_holds_and_is_not_written() {
    let mut stage = Stage::new(COMPARED);
    stage.record("2.3.0", 120_000);
    let again = stage.run("2.4.0", 121_000);
    assert_eq!(again.verdicts(), [Verdict::Ok]);
    assert_eq!(again.checks(), ["p50 of inventory-check"]);
    assert_eq!((again.notices().len(), stage.pending()), (0, None));
}

#[test]
fn a_limit_and_a_baseline_of_one_quantile_are_two_checks() {
    let mut stage = Stage::new(SPEC);
    stage.record("2.3.0", 120_000);
    let slow = stage.run("2.4.0", 350_000);
    assert_eq!(
        slow.checks(),
        [
            "p50 of inventory-check FAILS: p50 of inventory-check: expected at most 150 ms, found 350 ms (at least 349 ms)",
            "p50 of inventory-check against the baseline FAILS: p50 of inventory-check: expected at most 1.2x of the 120 ms of v2.3.0 (n=500), found 350 ms in v2.4.0 (n=500), at least 2.9x",
            "p99 of inventory-check",
            "p99 of inventory-check against the baseline FAILS: p99 of inventory-check: expected at most 1.2x of the 122 ms of v2.3.0 (n=500), found 357 ms in v2.4.0 (n=500), at least 2.9x",
        ]
    );
}

#[test]
fn what_is_not_proven_passes_unless_it_must_be() {
    let mut stage = Stage::new(COMPARED);
    stage.record("2.3.0", 120_000);
    let unsure = |stage: &mut Stage| stage.judge(measured(None, samples(144_000, 500)));
    let passes = unsure(&mut stage);
    assert_eq!(passes.verdicts(), [Verdict::NotProven]);
    assert_eq!(passes.checks(), ["p50 of inventory-check"]);
    stage.budgeting.is_strict = true;
    assert_eq!(
        unsure(&mut stage).checks(),
        [
            "p50 of inventory-check FAILS: p50 of inventory-check: expected at most 1.2x of the 120 ms of v2.3.0 (n=500), found 144 ms (n=500), between 1.19x and 1.21x"
        ]
    );
    let few = stage.judge(measured(None, samples(120_000, 4)));
    assert_eq!(few.verdicts(), [Verdict::TooFew]);
    assert_eq!(
        few.checks(),
        [
            "p50 of inventory-check FAILS: p50 of inventory-check: expected at most 1.2x of the 120 ms of v2.3.0 (n=500), found 119 ms (n=4), too few to tell"
        ]
    );
}

#[test]
fn a_budget_that_finds_nothing_fails_once_with_and_without_a_baseline() {
    let mut stage = Stage::new(SPEC);
    let nothing = |stage: &mut Stage| stage.judge(measured(None, Samples::default()));
    let text = [
        "p50 of inventory-check FAILS: p50 of inventory-check: expected durations to measure, found no span that matches in 500 traces",
    ];
    let first = nothing(&mut stage);
    assert_eq!(first.checks(), text);
    assert_eq!(first.verdicts(), [Verdict::NothingFound; 4]);
    assert_eq!(first.notices().len(), 0);
    assert_eq!(stage.pending(), None);
    stage.record("2.3.0", 120_000);
    assert_eq!(nothing(&mut stage).checks(), text);
}

#[test]
fn nothing_passes_strictly_for_lack_of_a_baseline() {
    let mut stage = Stage::new(COMPARED);
    stage.budgeting.is_strict = true;
    stage.budgeting.update = Update::Never;
    let first = stage.run("2.3.0", 120_000);
    assert_eq!(
        first.checks(),
        [
            "p50 of inventory-check FAILS: p50 of inventory-check: expected a baseline to compare with, found none of it in specs/baselines/order.yaml.json"
        ]
    );
}

#[test]
fn another_machine_proves_nothing_and_its_run_is_proposed() {
    let mut stage = Stage::new(COMPARED);
    stage.record("2.3.0", 120_000);
    stage.machine.cpu = "Intel Xeon 8370C".to_owned();
    let elsewhere = stage.run("2.4.0", 350_000);
    assert_eq!(elsewhere.verdicts(), [Verdict::NotProven]);
    let said = elsewhere.load.measured[0].judged[0].to_string();
    assert!(
        said.contains("CPU was AMD EPYC 7763, is Intel Xeon 8370C"),
        "{said}"
    );
    let pending = stage.pending().unwrap();
    assert_eq!(pending.cases["order"].fingerprint.cpu, "Intel Xeon 8370C");
    stage.budgeting.is_strict = true;
    let strict = stage.run("2.4.0", 350_000);
    let found = "found 350 ms in v2.4.0 (n=500), in another environment: CPU was AMD EPYC 7763, is Intel Xeon 8370C";
    assert!(strict.checks()[0].ends_with(found), "{:?}", strict.checks());
}

#[test]
fn another_machine_is_compared_if_that_is_allowed_or_both_have_one_name() {
    let mut stage = Stage::new(COMPARED);
    stage.budgeting.machine = Some("ci".to_owned());
    stage.record("2.3.0", 120_000);
    stage.machine.probe = 20_000;
    let named = stage.run("2.4.0", 350_000);
    assert_eq!(named.verdicts(), [Verdict::Regressed]);
    stage.budgeting.machine = None;
    let unnamed = stage.run("2.4.0", 350_000);
    assert_eq!(unnamed.verdicts(), [Verdict::NotProven]);
    stage.budgeting.mismatch = Mismatch::Allowed;
    let allowed = stage.run("2.4.0", 350_000);
    assert_eq!(allowed.verdicts(), [Verdict::Regressed]);
}
