//! What was measured, held against limits and baselines.
//!
//! What a quantile is worth is decided in [`budget`](crate::budget); here is what that takes and
//! what becomes of it: the baseline's file, what machine this is, and the checks of the report.

mod asked;
mod checks;
mod decide;
mod environment;
mod notices;
mod place;
mod raised;
mod record;
mod revise;
#[cfg(test)]
mod tests;
mod waiting;

use self::asked::Known;
use self::checks::Told;
use self::decide::decide;
pub use self::environment::fingerprint;
use self::place::Place;
pub use self::place::{case_name, case_of};
use self::record::{Fresh, Wish, Written};
use crate::budget::baseline::{
    BaselineError, Case, Difference, Fingerprint, PATIENCE, Undo, Undone,
};
use crate::check::Judged;
use crate::result::{Load, Trouble};
use crate::spec::Spec;
use crate::step::Setting;
use crate::trace::Trace;

/// What comes after an attempt that does not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chance {
    /// Another attempt.
    Another,
    /// Another attempt, and it is known already that this one does not pass.
    Lost,
    /// The report.
    Last,
}

/// The attempt that measured.
#[derive(Clone, Copy)]
pub(crate) struct OfAttempt {
    pub(crate) started: jiff::Timestamp,
    /// What follows where it does not pass.
    pub(crate) chance: Chance,
}

/// What a run wrote, to be taken back if its verdict does not stand.
pub(crate) struct TakeBack {
    undo: Undo,
    /// The notices about it.
    notices: Vec<String>,
}

impl TakeBack {
    fn of(written: Option<&Written>, notices: &[String]) -> Option<Self> {
        Some(Self {
            undo: written?.undo.clone(),
            notices: notices.to_vec(),
        })
    }

    /// Restores the file, and replaces the notices, in which `masked` has hidden secrets.
    pub(crate) fn take_back(&self, load: &mut Load, masked: impl Fn(&str) -> String) {
        let told: Vec<String> = self.notices.iter().map(|text| masked(text)).collect();
        load.notices.retain(|notice| !told.contains(notice));
        let file = self.undo.file().display();
        load.notices.push(match self.undo.undo() {
            Ok(Undone::Restored) => format!("late spans contradict this run: {file} was restored"),
            Ok(Undone::ChangedSince) => format!(
                "late spans contradict this run, and {file} has changed since it was added: restore that file"
            ),
            Err(error) => {
                format!("late spans contradict this run: restore {file} ({error})")
            }
        });
    }
}

/// Judges what was measured: fills in what of `load` is known of baselines and verdicts, and adds
/// a check for each claim of a budget. What was measured is written down where the options say so.
/// `seen` is the trace of any of the requests, to show what there is where a budget finds nothing.
///
/// Returns what was written.
///
/// # Errors
/// A baseline that cannot be read or written; limits are judged all the same.
pub(super) async fn judge(
    setting: &Setting<'_>,
    spec: &Spec,
    attempt: OfAttempt,
    seen: Option<&Trace>,
    load: &mut Load,
    checks: &mut Vec<Judged>,
) -> Result<Option<TakeBack>, Trouble> {
    let place = Place::of(setting, spec);
    let asked = asked::all(&spec.budgets);
    let trouble = |error: &BaselineError| Trouble::of(error, asked::first_compared(&asked));
    let (case, unread) = match place.read(&asked) {
        Ok(case) => (case, None),
        Err(error) => (None, Some(trouble(&error))),
    };
    let wish = match &unread {
        Some(_) => Wish::Unread,
        None => Wish::new(setting.options.budgets.update, &asked, load),
    };
    let here = match (&case, wish) {
        (Some(_), _) | (None, Wish::Write(_)) => {
            Some(fingerprint(setting.options, spec, &load.pace).await)
        }
        (None, _) => None,
    };
    let differs = differences(setting, case.as_ref(), here.as_ref());
    let known = Known::of_all(setting, case.as_ref(), load);
    let decided = decide(&asked, &known, &differs, load);
    Known::tell(known, &place.path, load);
    let masked = |subject: &str| setting.secrets.text(subject);
    let raised = raised::all(&spec.budgets, &decided, case.as_ref(), masked);
    load.notices.extend(raised);
    let told = Told {
        budgets: &spec.budgets,
        load,
        seen,
    };
    checks.extend(told.claims(&decided));
    if let Some(trouble) = unread {
        return Err(trouble);
    }
    if load.is_strict {
        checks.extend(checks::without_baseline(&decided, &place));
    }
    let wish = wish.after(attempt.chance, checks);
    let written = match (wish, here) {
        (Wish::Write(way), Some(here)) => {
            let fresh = Fresh::new(
                setting,
                &place,
                here,
                attempt.started,
                &asked,
                &decided,
                load,
            );
            let why = record::why(setting, &decided, &differs);
            record::record(setting, PATIENCE, way, place.path.clone(), fresh, why).await
        }
        _ => Ok(None),
    };
    let written = written.map_err(|error| trouble(&error))?;
    let told = notices::all(&decided, wish, written.as_ref(), &place);
    let take_back = TakeBack::of(written.as_ref(), &told);
    load.notices.extend(told);
    // What is not compared with the baseline may wait for a good reason.
    if differs.is_empty() && decided.missing.is_empty() {
        let waiting = waiting::told(wish, written.as_ref(), checks, &place, load);
        load.notices.extend(waiting);
    }
    Ok(take_back)
}

/// What is not as it was when the baseline was measured.
fn differences(
    setting: &Setting<'_>,
    case: Option<&Case>,
    here: Option<&Fingerprint>,
) -> Vec<Difference> {
    let mismatch = setting.options.budgets.mismatch;
    case.zip(here).map_or_else(Vec::new, |(case, here)| {
        case.fingerprint.differences(here, mismatch)
    })
}
