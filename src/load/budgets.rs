//! Judges measured values by the budgets of a spec.
//!
//! The statistics are in [`budget`](crate::budget). This module connects them with a run: the
//! baseline file, the environment, and the checks and notes of the report.

mod checks;
mod decide;
mod environment;
mod notices;
mod place;
mod record;
mod requirement;
#[cfg(test)]
mod tests;

use self::checks::BudgetChecks;
use self::decide::decide;
pub(super) use self::decide::{Decisions, JudgedRun};
pub use self::environment::fingerprint;
use self::place::BaselinePlace;
pub use self::place::{case_name, case_of};
pub(crate) use self::record::RetryState;
use self::record::{SkipReason, WriteDecision, WriteTarget};
use self::requirement::{Accepted, Requirement};
use crate::budget::baseline::{BaselineError, Case, FactDifference, Fingerprint, Undo, Undone};
use crate::check::Judged;
use crate::result::{Load, Trouble};
use crate::spec::{Pace, Spec};
use crate::step::RunContext;
use crate::trace::Trace;

/// A file that a run wrote, to be restored if late spans contradict the run.
pub(crate) struct TakeBack {
    undo: Undo,
    /// The note about the file.
    notice: Option<String>,
}

impl TakeBack {
    /// Restores the file and replaces the note; `masked` hides secrets in it.
    pub(crate) fn take_back(&self, load: &mut Load, masked: impl Fn(&str) -> String) {
        let notice = self.notice.as_deref().map(masked);
        load.notices.retain(|one| Some(one) != notice.as_ref());
        let file = self.undo.file().display();
        load.notices.push(match self.undo.undo() {
            Ok(Undone::Restored) => format!("late spans contradict this run: {file} was restored"),
            Ok(Undone::ChangedSince) => format!(
                "late spans contradict this run, and {file} has changed since it was written: restore that file"
            ),
            Err(error) => {
                format!("late spans contradict this run: restore {file} ({error})")
            }
        });
    }
}

/// The standard for the budgets of a spec: their requirements, and the baseline.
pub(super) struct BudgetJudge<'a> {
    setting: &'a RunContext<'a>,
    spec: &'a Spec,
    place: BaselinePlace,
    required: Vec<Requirement<'a>>,
    case: Option<Case>,
    /// The names of the cases in the file, if none is of this spec.
    others: Vec<String>,
    /// The reason why the baseline cannot be read.
    unread: Option<Trouble>,
    accepted: Vec<Option<Accepted>>,
    /// This environment, if there is a baseline.
    here: Option<Fingerprint>,
    differs: Vec<FactDifference>,
}

impl<'a> BudgetJudge<'a> {
    /// Reads the baseline, and examines the environment.
    pub(super) async fn new(setting: &'a RunContext<'a>, spec: &'a Spec, pace: &Pace) -> Self {
        let place = BaselinePlace::of(setting, spec);
        let required = requirement::all(&spec.budgets);
        let ((case, others), unread) = match place.read(&required) {
            Ok(read) => (read, None),
            Err(error) => ((None, Vec::new()), Some(trouble(&required, &error))),
        };
        let here = match &case {
            Some(_) => Some(fingerprint(setting.options, spec, pace).await),
            None => None,
        };
        Self {
            accepted: Accepted::of_all(setting, case.as_ref(), &spec.budgets),
            differs: differences(setting, case.as_ref(), here.as_ref()),
            setting,
            spec,
            place,
            required,
            case,
            others,
            unread,
            here,
        }
    }

    /// The claims of one run.
    pub(super) fn decide(&self, load: &Load) -> Decisions<'a> {
        decide(&self.required, &self.accepted, &self.differs, load)
    }

    /// Completes the report, which is that of the last run: adds the verdicts over all runs, a check
    /// for each claim, and writes the durations to a file if the options permit it. `seen` is the
    /// trace of any request, for failures of budgets that found no span. Returns the file that was
    /// written.
    ///
    /// # Errors
    /// A baseline cannot be read or written. Limits are judged nevertheless.
    pub(super) async fn conclude(
        self,
        earlier: &[JudgedRun<'a>],
        last: &mut JudgedRun<'a>,
        retry: RetryState,
        seen: Option<&Trace>,
        checks: &mut Vec<Judged>,
    ) -> Result<Option<TakeBack>, Trouble> {
        let update = self.setting.options.budgets.update;
        let place = &self.place;
        let decision = match &self.unread {
            Some(_) => WriteDecision::Skip(SkipReason::Unreadable),
            None => WriteDecision::new(update, &self.required, earlier, &last.load),
        };
        let decided = last.confirmed_by(earlier);
        let load = &mut last.load;
        for (required, judged) in &decided.claims {
            load.measured[required.budget].judged.push(judged.clone());
        }
        let compared = requirement::compared(&self.accepted, load);
        for (measured, compared) in load.measured.iter_mut().zip(compared) {
            let is_version = measured
                .before
                .as_ref()
                .is_some_and(|before| before.path.is_none());
            if !is_version {
                measured.before = compared.map(|one| one.report(&place.path));
            }
        }
        let masked = |subject: &str| self.setting.secrets.text(subject);
        let case = self.case.as_ref();
        let widened = notices::widened_limits(&self.spec.budgets, &decided, case, masked);
        load.notices.extend(widened);
        load.notices.extend(notices::disturbed(&decided, load));
        let other = notices::other_quantities(case, &self.spec.budgets, &decided, masked);
        load.notices.extend(other);
        let text = self.spec.at.source.text();
        load.notices
            .extend(notices::renamed(&self.others, text, place));
        let budget_checks = BudgetChecks {
            budgets: &self.spec.budgets,
            load,
            seen,
        };
        checks.extend(budget_checks.all(&decided));
        if let Some(trouble) = self.unread {
            return Err(trouble);
        }
        if load.is_strict {
            checks.extend(checks::without_baseline(&decided, place, decision, load));
        }
        let decision = decision.after(retry, checks);
        let written = match decision {
            WriteDecision::Write(target) => {
                let here = match self.here {
                    Some(here) => here,
                    None => fingerprint(self.setting.options, self.spec, &last.load.pace).await,
                };
                let runs: Vec<&JudgedRun<'_>> = earlier.iter().chain([&*last]).collect();
                let mut new = record::new_runs(
                    self.setting,
                    here,
                    &runs,
                    &self.required,
                    &self.spec.budgets,
                    &decided,
                );
                if target == WriteTarget::Proposal {
                    new = record::proposed(self.setting, new, &decided, &self.differs);
                }
                record::record(target, place, new).await
            }
            WriteDecision::Skip(_) => Ok(None),
        };
        let written = written.map_err(|error| trouble(&self.required, &error))?;
        let (written, load) = (written.as_ref(), &mut last.load);
        let notice = notices::written(&decided, decision, written, place, update, load);
        load.notices.extend(notice.clone());
        // A proposal from another environment, or for a missing baseline, is pending for a reason.
        if self.differs.is_empty() && decided.missing.is_empty() {
            let pending = notices::pending(decision, written, checks, place, load);
            load.notices.extend(pending);
        }
        Ok(written.map(|written| TakeBack {
            undo: written.undo.clone(),
            notice,
        }))
    }
}

/// An error of the baseline file.
fn trouble(required: &[Requirement<'_>], error: &BaselineError) -> Trouble {
    Trouble::from_error(error).with_location(requirement::first_compared(required))
}

/// Differences between the environment of the baseline and this one.
fn differences(
    setting: &RunContext<'_>,
    case: Option<&Case>,
    here: Option<&Fingerprint>,
) -> Vec<FactDifference> {
    let mismatch = setting.options.budgets.mismatch;
    case.zip(here).map_or_else(Vec::new, |(case, here)| {
        case.fingerprint.differences(here, mismatch)
    })
}
