//! Writes the measured values to a baseline or to a proposal.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::decide::{Decisions, JudgedRun};
use super::place::BaselinePlace;
use super::requirement::{Requirement, is_compared};
use crate::budget::JudgedClaim;
use crate::budget::baseline::{
    BaselineError, Budget, Case, FactDifference, Fingerprint, Joined, NewRuns, Quantity,
    ReplacedRuns, Run, Undo, lock, pending_path, propose, read, write,
};
use crate::check::{self, CheckRef, Outcome};
use crate::result::{Load, Measured};
use crate::spec;
use crate::step::{RunContext, Update};

/// The consequence of an attempt that does not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RetryState {
    /// Another attempt follows if this one does not pass.
    OnFailure,
    /// Another attempt follows in any case: an earlier step of this one did not pass.
    Certain,
    /// No further attempt follows.
    Exhausted,
}

/// The decision about writing the values of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WriteDecision {
    Write(WriteTarget),
    Skip(SkipReason),
}

/// The file that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WriteTarget {
    /// The proposal, if there is a reason for one.
    Proposal,
    Baseline,
}

/// The reason why nothing is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SkipReason {
    /// No budget is compared with a baseline.
    NothingCompared,
    /// The options forbid it.
    Disabled,
    /// It is not usual in CI.
    InCi,
    /// The baseline cannot be read.
    Unreadable,
    /// More requests failed than permitted.
    TooManyFailures,
    /// The run ended early.
    EndedEarly,
    /// A budget has no samples.
    NothingMeasured,
    /// The attempt did not pass, and another one follows.
    RetryFollows,
    /// The load generator fell behind noticeably.
    SentLate,
    /// Several versions of a service answered.
    SeveralVersions,
}

/// A file that was written.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct WrittenFile {
    pub(super) path: PathBuf,
    pub(super) target: WriteTarget,
    /// The largest number of runs that a budget got.
    pub(super) added: usize,
    /// The largest number of runs of a budget.
    pub(super) runs: usize,
    pub(super) replaced: Vec<ReplacedRuns>,
    pub(super) undo: Undo,
}

impl WriteDecision {
    pub(super) fn new(
        update: Update,
        required: &[Requirement<'_>],
        earlier: &[JudgedRun<'_>],
        load: &Load,
    ) -> Self {
        let target = match update {
            _ if !required.iter().any(Requirement::is_compared) => {
                return Self::Skip(SkipReason::NothingCompared);
            }
            Update::Never => return Self::Skip(SkipReason::Disabled),
            Update::NeverInCi => return Self::Skip(SkipReason::InCi),
            Update::Proposed => WriteTarget::Proposal,
            Update::Always => WriteTarget::Baseline,
        };
        let mut runs = earlier.iter().map(|run| &run.load).chain([load]);
        Self::Skip(if load.stopped.is_some() {
            SkipReason::EndedEarly
        } else if !load.has_permitted_failures() {
            SkipReason::TooManyFailures
        } else if load.measured.iter().any(Measured::found_nothing) {
            SkipReason::NothingMeasured
        } else if runs.clone().any(|run| run.late_budget().is_some()) {
            SkipReason::SentLate
        } else if runs.any(|run| has_several_versions(required, run, load)) {
            SkipReason::SeveralVersions
        } else {
            return Self::Write(target);
        })
    }

    /// The decision after the result of the attempt is known.
    pub(super) fn after(self, retry: RetryState, checks: &[check::Judged]) -> Self {
        let has_failed = |one: &check::Judged| matches!(one.outcome, Outcome::Fail(_));
        let is_retried = match retry {
            RetryState::Certain => true,
            RetryState::OnFailure => checks.iter().any(has_failed),
            RetryState::Exhausted => false,
        };
        match self {
            Self::Write(_) if is_retried => Self::Skip(SkipReason::RetryFollows),
            _ => self,
        }
    }
}

/// Returns `true` if several versions answered a run, or another one than answered the last run.
fn has_several_versions(required: &[Requirement<'_>], run: &Load, last: &Load) -> bool {
    let both = run.measured.iter().zip(&last.measured).enumerate();
    let mut compared = both.filter(|(number, _)| is_compared(required, *number));
    compared.any(|(_, (one, last))| one.versions.are_several() || one.version != last.version)
}

/// The measured values of all budgets that are compared with a baseline, in all runs. A run in which
/// a claim of the budget is above its limit is left out if the others do not confirm that, and so is one
/// that lacks spans or of which a disturbance hides the result.
pub(super) fn new_runs(
    setting: &RunContext<'_>,
    fingerprint: Fingerprint,
    runs: &[&JudgedRun<'_>],
    required: &[Requirement<'_>],
    budgets: &[spec::Budget],
    decided: &Decisions<'_>,
) -> NewRuns {
    let masked = |text: &str| setting.secrets.text(text);
    let is_unconfirmed = |check: CheckRef, judged: &JudgedClaim, allowed: u64| {
        let over_all = decided.of(check);
        let is_refuted = over_all.is_some_and(JudgedClaim::is_unconfirmed);
        let is_confirmed = over_all.is_some_and(JudgedClaim::exceeds);
        judged.exceeds() && !is_confirmed || judged.evidence(allowed).is_above() && is_refuted
    };
    let is_doubtful = |run: &JudgedRun<'_>, budget: usize| {
        let of = |(required, _): &&(Requirement<'_>, _)| required.budget == budget;
        let lacks_spans = run.load.measured[budget].missing > run.load.allowed;
        let mut claims = run.decided.claims.iter().filter(of);
        let mut over_all = decided.claims.iter().filter(of);
        lacks_spans
            || over_all.any(|(_, judged)| !judged.is_recordable())
            || claims.any(|(required, judged)| {
                !judged.is_recordable() || is_unconfirmed(required.check, judged, run.load.allowed)
            })
    };
    let mut new = NewRuns {
        fingerprint,
        runs: BTreeMap::new(),
        regressed: decided.regressed().map(|one| masked(one.subject)).collect(),
    };
    for run in runs {
        for (number, one) in run.load.measured.iter().enumerate() {
            if !is_compared(required, number) || is_doubtful(run, number) {
                continue;
            }
            let version = one.version.as_deref().map(masked);
            if let Some(recorded) = Run::new(run.started, version, one.samples.clone()) {
                let recorded = recorded.on(run.load.machine.clone());
                let measure = Quantity::of(&budgets[number].measure, masked);
                let budget = new.runs.entry(masked(&one.subject));
                let budget = budget.or_insert_with(|| Budget::of(measure));
                budget.runs.push(recorded);
            }
        }
    }
    new
}

/// The part of new runs that is worth a proposal: all of them if the environment differs or a budget
/// REGRESSED, otherwise those that no baseline has.
pub(super) fn proposed(
    setting: &RunContext<'_>,
    mut new: NewRuns,
    decided: &Decisions<'_>,
    differs: &[FactDifference],
) -> NewRuns {
    if differs.is_empty() && new.regressed.is_empty() {
        let missing = decided.missing.iter();
        let missing: BTreeSet<String> = missing
            .map(|one| setting.secrets.text(one.subject))
            .collect();
        new.runs.retain(|subject, _| missing.contains(subject));
    }
    // Regressions are relative to the baseline, not to the pending proposal.
    new.regressed.clear();
    new
}

/// Writes new runs. Concurrent writers of one file keep the cases of each other. Returns `None` if
/// there are no runs.
///
/// # Errors
/// The existing file is not a baseline, the file system fails, or another process is writing.
pub(super) async fn record(
    target: WriteTarget,
    place: &BaselinePlace,
    new: NewRuns,
) -> Result<Option<WrittenFile>, BaselineError> {
    if new.runs.is_empty() {
        return Ok(None);
    }
    let (path, case) = (place.path.clone(), place.case.clone());
    let write = move || add(target, path, case, new);
    match tokio::task::spawn_blocking(write).await {
        Ok(written) => written.map(Some),
        // The runtime is shutting down.
        Err(_) => Ok(None),
    }
}

fn add(
    target: WriteTarget,
    baseline: PathBuf,
    case: String,
    new: NewRuns,
) -> Result<WrittenFile, BaselineError> {
    let _lock = lock(&baseline)?;
    let path = match target {
        WriteTarget::Proposal => pending_path(&baseline),
        WriteTarget::Baseline => baseline.clone(),
    };
    let mut all = read(&path)?.unwrap_or_default();
    let subjects: Vec<String> = new.runs.keys().cloned().collect();
    let added = new.runs.values().map(|budget| budget.runs.len()).max();
    let Joined {
        case: joined,
        replaced,
    } = Case::join(all.cases.get(&case), new);
    let counts = subjects.iter().filter_map(|one| joined.budgets.get(one));
    let runs = counts.map(|budget| budget.runs.len()).max();
    all.cases.insert(case, joined);
    let undo = Undo::around(&path, || match target {
        WriteTarget::Proposal => propose(&baseline, &all),
        WriteTarget::Baseline => write(&baseline, &all),
    })?;
    Ok(WrittenFile {
        path,
        target,
        added: added.unwrap_or_default(),
        runs: runs.unwrap_or_default(),
        replaced,
        undo,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::baseline::tests::fingerprint;

    #[test]
    fn concurrent_writers_of_a_file_keep_all_cases() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("baselines/order.yaml.json");
        let run = Run::new(jiff::Timestamp::UNIX_EPOCH, None, (1..=100).collect()).unwrap();
        let budget = Budget {
            runs: vec![run],
            ..Budget::default()
        };
        let new = NewRuns {
            fingerprint: fingerprint(),
            runs: BTreeMap::from([("response time".to_owned(), budget)]),
            regressed: BTreeSet::new(),
        };
        let names: Vec<String> = (1..=8).map(|number| format!("case {number}")).collect();
        std::thread::scope(|scope| {
            for name in &names {
                scope.spawn(|| {
                    for target in [WriteTarget::Proposal, WriteTarget::Baseline] {
                        add(target, path.clone(), name.clone(), new.clone()).unwrap();
                    }
                });
            }
        });
        for file in [path.clone(), pending_path(&path)] {
            let written = read(&file).unwrap().unwrap();
            assert!(written.cases.keys().eq(&names), "{:?}", written.cases);
        }
    }
}
