//! Judges measured durations by the budgets of a spec.
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
pub use self::environment::fingerprint;
use self::place::BaselinePlace;
pub use self::place::{case_name, case_of};
use self::record::{SkipReason, WriteDecision, WriteTarget};
use self::requirement::Accepted;
use crate::budget::baseline::{BaselineError, Case, FactDifference, Fingerprint, Undo, Undone};
use crate::check::Judged;
use crate::result::{Load, Trouble};
use crate::spec::Spec;
use crate::step::RunContext;
use crate::trace::Trace;

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

/// The attempt in which the durations were measured.
#[derive(Clone, Copy)]
pub(crate) struct MeasuredAttempt {
    pub(crate) started: jiff::Timestamp,
    /// The consequence if the attempt does not pass.
    pub(crate) retry: RetryState,
}

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

/// Judges the measured durations: completes `load`, adds a check for each claim, and writes the
/// durations to a file if the options permit it. `seen` is the trace of any request, for failures of
/// budgets that found no span. Returns the file that was written.
///
/// # Errors
/// A baseline cannot be read or written. Limits are judged nevertheless.
pub(super) async fn judge(
    setting: &RunContext<'_>,
    spec: &Spec,
    attempt: MeasuredAttempt,
    seen: Option<&Trace>,
    load: &mut Load,
    checks: &mut Vec<Judged>,
) -> Result<Option<TakeBack>, Trouble> {
    let update = setting.options.budgets.update;
    let place = BaselinePlace::of(setting, spec);
    let required = requirement::all(&spec.budgets);
    let trouble = |error: &BaselineError| {
        Trouble::from_error(error).with_location(requirement::first_compared(&required))
    };
    let (case, unread) = match place.read(&required) {
        Ok(case) => (case, None),
        Err(error) => (None, Some(trouble(&error))),
    };
    let decision = match &unread {
        Some(_) => WriteDecision::Skip(SkipReason::Unreadable),
        None => WriteDecision::new(update, &required, load),
    };
    let here = match (&case, decision) {
        (Some(_), _) | (None, WriteDecision::Write(_)) => {
            Some(fingerprint(setting.options, spec, &load.pace).await)
        }
        (None, _) => None,
    };
    let differs = differences(setting, case.as_ref(), here.as_ref());
    let accepted = Accepted::of_all(setting, case.as_ref(), load);
    let decided = decide(&required, &accepted, &differs, load);
    Accepted::report(accepted, &place.path, load);
    let masked = |subject: &str| setting.secrets.text(subject);
    let widened = notices::widened_limits(&spec.budgets, &decided, case.as_ref(), masked);
    load.notices.extend(widened);
    let budget_checks = BudgetChecks {
        budgets: &spec.budgets,
        load,
        seen,
    };
    checks.extend(budget_checks.all(&decided));
    if let Some(trouble) = unread {
        return Err(trouble);
    }
    if load.is_strict {
        checks.extend(checks::without_baseline(&decided, &place));
    }
    let decision = decision.after(attempt.retry, checks);
    let written = match (decision, here) {
        (WriteDecision::Write(target), Some(here)) => {
            let started = attempt.started;
            let mut new = record::new_runs(setting, here, started, &required, &decided, load);
            if target == WriteTarget::Proposal {
                new = record::proposed(setting, new, &decided, &differs);
            }
            record::record(target, &place, new).await
        }
        _ => Ok(None),
    };
    let written = written.map_err(|error| trouble(&error))?;
    let written = written.as_ref();
    let notice = notices::written(&decided, decision, written, &place, update);
    load.notices.extend(notice.clone());
    // A proposal from another environment, or for a missing baseline, is pending for a reason.
    if differs.is_empty() && decided.missing.is_empty() {
        let pending = notices::pending(decision, written, checks, &place, load);
        load.notices.extend(pending);
    }
    Ok(written.map(|written| TakeBack {
        undo: written.undo.clone(),
        notice,
    }))
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
