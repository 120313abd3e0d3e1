//! `spanspec baseline calibrate`: measures the variation between runs on this machine.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::budget::baseline::{
    self, BaselineError, Case, NewRuns, Quantity, Run, lock, path_of, read, write,
};
use crate::load::{case_name, fingerprint};
use crate::measure::{Measurement, Unmeasured, measure};
use crate::report::{Look, ab::unwell, baseline as report};
use crate::result::{Load, Measured, masked};
use crate::session::Session;
use crate::spec::{Budget, Spec};
use crate::step::Options;
use crate::workspace::{Ports, Workspace, shown, with_timeout};

use super::super::budget_arguments::CalibrateArguments;
use super::super::exit::{Exit, fail};
use super::super::judging_arguments::kept;
use super::super::live::Live;
use super::super::load::load;
use super::super::selection::{nothing_to_measure, select};
use super::super::session::{NotStarted, Start, block_on, fail_with, with_session};
use super::{fail_baseline, print, worse};

/// Runs the specs, and writes their variation to baselines.
pub(super) fn calibrate(arguments: &CalibrateArguments) -> Exit {
    let mut workspace = match load(&arguments.specs, Ports::Allocated) {
        Ok(workspace) => workspace,
        Err(exit) => return exit,
    };
    let specs = selected(&workspace, arguments);
    if specs.is_empty() {
        let why = nothing_to_measure(&workspace, &arguments.specs, "calibrated");
        return fail(Exit::Nothing, &why);
    }
    workspace.start_for(&specs);
    let options = options(&workspace, arguments);
    let work = CalibrationRun {
        workspace: &workspace,
        specs: &specs,
        arguments,
        options: &options,
        live: Live::new(arguments.session.verbose),
    };
    block_on(work.run())
}

fn selected(workspace: &Workspace, arguments: &CalibrateArguments) -> Vec<Spec> {
    let mut specs = select(
        workspace.specs.clone(),
        &workspace.project.dir,
        &arguments.specs,
    );
    let is_measured =
        |spec: &Spec| !spec.is_search() && spec.budgets.iter().any(Budget::is_compared);
    specs.retain(|spec| spec.skip.is_none() && is_measured(spec));
    with_timeout(specs, arguments.session.timeout)
}

fn options(workspace: &Workspace, arguments: &CalibrateArguments) -> Options {
    let (folder, machine) = (&arguments.baseline, &arguments.machine);
    Options {
        budgets: kept(folder.as_deref(), machine.as_deref(), &workspace.project),
        ..Options::default()
    }
}

const NOTHING_WRITTEN: &str = "no baseline was written";

/// The settings of a calibration.
struct CalibrationRun<'a> {
    workspace: &'a Workspace,
    specs: &'a [Spec],
    arguments: &'a CalibrateArguments,
    options: &'a Options,
    live: Live,
}

/// The runs of one spec.
struct MeasuredCase {
    path: PathBuf,
    case: String,
    new: NewRuns,
}

impl CalibrationRun<'_> {
    async fn run(&self) -> Exit {
        let start = Start {
            workspace: self.workspace,
            listen: &self.arguments.session.listen,
            connection: None,
            listener: self.live.listener(""),
        };
        let ran = with_session(start, async |session| {
            let measured = self.all(session).await;
            session.stop_services().await;
            self.live.clear();
            match measured {
                Ok(cases) => tokio::select! {
                    kept = tokio::task::spawn_blocking(|| keep_all(cases)) => kept.unwrap_or(Exit::Errored),
                    () = session.interrupted() => interrupted("cases that are not listed above were not written"),
                },
                Err(exit) => exit,
            }
        });
        ran.await.unwrap_or_else(|reason| {
            self.live.clear();
            match reason {
                NotStarted::Interrupted => interrupted(NOTHING_WRITTEN),
                NotStarted::Failed(trouble) => fail_with(&trouble),
            }
        })
    }

    /// Runs all specs in turn, with pauses, so that the runs of a spec are far apart in time.
    async fn all(&self, session: &Session) -> Result<Vec<MeasuredCase>, Exit> {
        let runs = self.arguments.runs;
        self.live.expect(runs * self.specs.len());
        let mut measurements: Vec<Vec<Measurement>> =
            self.specs.iter().map(|_| Vec::new()).collect();
        for number in 1..=runs {
            if number > 1 {
                tokio::select! {
                    biased;
                    () = session.interrupted() => return Err(interrupted(NOTHING_WRITTEN)),
                    () = tokio::time::sleep(self.arguments.pause) => {}
                }
            }
            for (spec, of_spec) in self.specs.iter().zip(&mut measurements) {
                let measured = measure(session, spec, self.options.clone()).await;
                let measured = measured.map_err(|why| self.unmeasured(why))?;
                self.expect_fit(spec, &measured, number)?;
                of_spec.push(measured);
            }
        }
        let mut all = Vec::new();
        for (spec, of_spec) in self.specs.iter().zip(measurements) {
            all.extend(self.measured(spec, of_spec).await);
        }
        Ok(all)
    }

    fn unmeasured(&self, why: Unmeasured) -> Exit {
        match why {
            Unmeasured::Interrupted => interrupted(NOTHING_WRITTEN),
            Unmeasured::Unwell { report, .. } => {
                self.live.print(&unwell(&report, &Look::of_stdout()));
                let exit = Exit::of(&report);
                fail(exit, "no baseline was written because a run did not pass")
            }
        }
    }

    /// Rejects runs that are not used for a baseline.
    fn expect_fit(&self, spec: &Spec, of: &Measurement, number: usize) -> Result<(), Exit> {
        let mut compared = compared(spec, &of.load).into_iter();
        let why = if compared.any(|(_, one)| one.versions.are_several()) {
            "has several versions of a service".to_owned()
        } else if let Some(late) = of.load.late_budget() {
            format!("sent requests too late: {late}")
        } else {
            return Ok(());
        };
        let text = format!(
            "run {number} of `{}` {why}; no baseline was written",
            of.name
        );
        Err(fail(Exit::Errored, &text))
    }

    async fn measured(&self, spec: &Spec, measurements: Vec<Measurement>) -> Option<MeasuredCase> {
        let first = measurements.first()?;
        let budgets = &self.options.budgets;
        let file = Path::new(spec.at.source.name());
        let mut runs: BTreeMap<String, baseline::Budget> = BTreeMap::new();
        for one in &measurements {
            for (budget, measured) in compared(spec, &one.load) {
                let samples = measured.samples.clone();
                let run = Run::new(one.started, measured.version.clone(), samples)
                    .map(|run| run.on(one.load.machine.clone()));
                let recorded = runs.entry(measured.subject.clone()).or_insert_with(|| {
                    let masked = |key: &str| masked(key, spec);
                    baseline::Budget::of(Quantity::of(&budget.measure, masked))
                });
                recorded.runs.extend(run);
            }
        }
        Some(MeasuredCase {
            path: path_of(file, budgets.folder.as_deref(), &budgets.root),
            case: case_name(spec, &first.name),
            new: NewRuns {
                fingerprint: fingerprint(self.options, spec, &first.load.pace).await,
                runs,
                regressed: BTreeSet::new(),
            },
        })
    }
}

/// The budgets that are compared with a baseline, with their values.
fn compared<'a>(spec: &'a Spec, load: &'a Load) -> Vec<(&'a Budget, &'a Measured)> {
    let both = spec.budgets.iter().zip(&load.measured);
    both.filter(|(budget, _)| budget.is_compared()).collect()
}

fn interrupted(what: &str) -> Exit {
    fail(Exit::Interrupted, &format!("interrupted: {what}"))
}

fn keep_all(cases: Vec<MeasuredCase>) -> Exit {
    let kept = cases.into_iter().map(|measured| {
        let path = PathBuf::from(shown(&measured.path));
        keep(&path, measured).err()
    });
    kept.flatten().fold(Exit::Passed, worse)
}

/// Prints the calibration, and writes it to the baseline. It is printed even if it cannot be written.
fn keep(path: &Path, measured: MeasuredCase) -> Result<(), Exit> {
    let failed = |error: BaselineError| fail_baseline(&error);
    let there = lock(path).and_then(|lock| Ok((lock, read(path)?.unwrap_or_default())));
    let known = there.as_ref().ok();
    let known = known.and_then(|(_, all)| all.cases.get(&measured.case));
    let found = Case::recalibrate(known, measured.new);
    let found = found.map_err(|error| {
        let text = format!("error: {}: {error}", measured.case);
        fail(Exit::Errored, &text)
    })?;
    let text = report::calibrated(&measured.case, &found, &Look::of_stdout());
    print(&format!("{}\n{text}", shown(path)));
    let (_lock, mut all) = there.map_err(failed)?;
    all.cases.insert(measured.case, found.joined.case);
    write(path, &all).map_err(failed)
}
