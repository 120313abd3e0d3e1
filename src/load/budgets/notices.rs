//! Notes of a report about its baseline.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::decide::Decisions;
use super::place::BaselinePlace;
use super::record::{SkipReason, WriteDecision, WriteTarget, WrittenFile};
use super::requirement::Requirement;
use crate::budget::baseline::{Case, Quantity, Run, pending_path, read};
use crate::budget::{Compared, JudgedClaim, OpenReason, noise};
use crate::check::{Judged, Outcome};
use crate::number::{Rounding, Unit, permitted_ratio};
use crate::result::Load;
use crate::spec::Budget;
use crate::step::Update;

/// The note about the file that was written, or the reason why none was.
pub(super) fn written(
    decided: &Decisions<'_>,
    decision: WriteDecision,
    written: Option<&WrittenFile>,
    place: &BaselinePlace,
    update: Update,
    load: &Load,
) -> Option<String> {
    let missing = quantiles(&decided.missing);
    let done = written.map(|written| done(decided, written, place));
    match (missing.is_empty(), done) {
        (true, Some(done)) => Some(done),
        (false, Some(done)) => Some(format!("no baseline for {missing}: {done}")),
        (true, None) => unwritten(decided, decision, update, load),
        (false, None) => {
            let reason = no_first_baseline(decision, place, load)?;
            Some(format!("no baseline for {missing}: {reason}"))
        }
    }
}

fn done(decided: &Decisions<'_>, written: &WrittenFile, place: &BaselinePlace) -> String {
    let path = written.path.display();
    let replaced = written.replaced.iter();
    let most = replaced.max_by_key(|replaced| replaced.runs);
    let these = match written.added {
        0 | 1 => "this run".to_owned(),
        runs => format!("{runs} runs"),
    };
    let done = match (most, written.runs) {
        (Some(one), _) => {
            let runs = match one.runs {
                1 => "1 earlier run".to_owned(),
                runs => format!("{runs} earlier runs"),
            };
            format!("wrote {these} to {path}, replacing {runs}: {}", one.reason)
        }
        (None, runs) if runs <= written.added => format!("wrote {these} to {path}"),
        (None, runs) => format!("added {these} to {path}, which has {runs} runs now"),
    };
    let accept = &place.accept;
    match written.target {
        WriteTarget::Baseline => done,
        WriteTarget::Proposal if decided.regressed().next().is_some() => {
            format!("{done}; if the change is intended, accept it with `{accept}`")
        }
        WriteTarget::Proposal => format!("{done}; accept it with `{accept}`"),
    }
}

/// The note that a run is not used which otherwise would be.
fn unwritten(
    decided: &Decisions<'_>,
    decision: WriteDecision,
    update: Update,
    load: &Load,
) -> Option<String> {
    let WriteDecision::Skip(reason @ (SkipReason::SentLate | SkipReason::SeveralVersions)) =
        decision
    else {
        return None;
    };
    let is_due = update == Update::Always || decided.regressed().next().is_some();
    is_due.then(|| format!("no new baseline was written because {}", text(reason, load)))
}

fn no_first_baseline(
    decision: WriteDecision,
    place: &BaselinePlace,
    load: &Load,
) -> Option<String> {
    let path = place.path.display();
    Some(match decision {
        // The last attempt has the note.
        WriteDecision::Skip(SkipReason::RetryFollows) => return None,
        WriteDecision::Skip(SkipReason::InCi) => format!(
            "this run writes none, because `CI` is set; run the spec elsewhere to get {path}.new, or with `--update-baselines always` to get {path}, and commit the baseline"
        ),
        WriteDecision::Skip(SkipReason::Disabled) => format!(
            "`--update-baselines never` writes none; run the spec with `always` to get {path}, and commit it"
        ),
        WriteDecision::Skip(reason) => format!("none was written because {}", text(reason, load)),
        WriteDecision::Write(_) => "none was written".to_owned(),
    })
}

pub(super) fn text(reason: SkipReason, load: &Load) -> Cow<'static, str> {
    Cow::Borrowed(match reason {
        SkipReason::NothingCompared => "no budget is compared with a baseline",
        SkipReason::Disabled => "the options forbid it",
        SkipReason::InCi => "`CI` is set",
        SkipReason::Unreadable => "the present one cannot be read",
        SkipReason::TooManyFailures => "too many requests failed",
        SkipReason::EndedEarly => "the run ended early",
        SkipReason::NothingMeasured => "a budget has no samples",
        SkipReason::RetryFollows => "the attempt did not pass and is repeated",
        SkipReason::SentLate => {
            // Perhaps an earlier run was late.
            return load
                .late_budget()
                .map_or("the load generator fell behind".into(), |late| {
                    late.to_string().into()
                });
        }
        SkipReason::SeveralVersions => "several versions of the service answered",
    })
}

/// A note about a baseline of a name that the spec file, with this text, does not have: the spec was
/// probably renamed, and is not compared now.
pub(super) fn renamed(others: &[String], text: &str, place: &BaselinePlace) -> Option<String> {
    let names = || {
        let values = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix("name:"));
        values.map(|value| value.trim().trim_matches(['"', '\'']))
    };
    let is_there = |case: &String| {
        // The name of a case of a matrix has the values at its end.
        let name = case.split(" [").next().unwrap_or(case);
        names().any(|one| one == name || one.contains("${"))
    };
    let unknown = others.iter().find(|case| !is_there(case))?;
    Some(format!(
        "nothing was compared, but {} has a baseline of `{unknown}`: if the spec was renamed, rename it in that file, too",
        place.path.display()
    ))
}

/// The advice for a missing baseline.
pub(super) fn how_to_record(decision: WriteDecision, place: &BaselinePlace, load: &Load) -> String {
    let accept = &place.accept;
    match decision {
        WriteDecision::Write(WriteTarget::Baseline) => {
            "commit the baseline that this run wrote, and run the spec again".to_owned()
        }
        WriteDecision::Write(WriteTarget::Proposal) => {
            format!("accept the baseline of this run with `{accept}`, and commit the file")
        }
        WriteDecision::Skip(SkipReason::SentLate) => format!(
            "{}, so this run is no baseline: reduce the load, or use a less busy machine",
            text(SkipReason::SentLate, load)
        ),
        WriteDecision::Skip(
            reason @ (SkipReason::TooManyFailures
            | SkipReason::EndedEarly
            | SkipReason::NothingMeasured
            | SkipReason::SeveralVersions),
        ) => format!(
            "run the spec again: this run is no baseline because {}",
            text(reason, load)
        ),
        WriteDecision::Skip(SkipReason::Disabled) => format!(
            "run the spec without `--update-baselines never`, accept the baseline with `{accept}`, and commit the file"
        ),
        WriteDecision::Skip(_) => format!(
            "run `spanspec run` where `CI` is not set, accept the baseline with `{accept}`, and commit the file"
        ),
    }
}

/// Notes about baselines that are not compared because they have values of another quantity; `masked`
/// is the name of a subject in the file.
pub(super) fn other_quantities(
    case: Option<&Case>,
    budgets: &[Budget],
    decided: &Decisions<'_>,
    masked: impl Fn(&str) -> String,
) -> Vec<String> {
    let Some(case) = case else {
        return Vec::new();
    };
    let subjects: BTreeSet<String> = budgets.iter().map(|one| masked(&one.subject)).collect();
    let idle = case.budgets.iter();
    let idle: Vec<_> = idle
        .filter(|(subject, _)| !subjects.contains(*subject))
        .collect();
    let missing: BTreeSet<usize> = decided.missing.iter().map(|one| one.budget).collect();
    let notes = missing.into_iter().filter_map(|number| {
        let budget = &budgets[number];
        let now = Quantity::of(&budget.measure, &masked);
        let (known, of) = match case.budgets.get_key_value(&masked(&budget.subject)) {
            Some(same) => same,
            // Another measure of the same spans.
            None => *idle
                .iter()
                .find(|(subject, _)| budget.is_of_same_spans(subject))?,
        };
        Some(format!(
            "the baseline of {known} has {} and is not compared with {}, {now}",
            of.measure, budget.subject,
        ))
    });
    notes.collect()
}

/// The note about limits that the variation between runs widens, one per budget; `masked` is the
/// name of a subject in the file.
pub(super) fn widened_limits(
    budgets: &[Budget],
    decided: &Decisions<'_>,
    case: Option<&Case>,
    masked: impl Fn(&str) -> String,
) -> Vec<String> {
    let numbered = budgets.iter().enumerate();
    let widened = numbered.filter_map(|(number, budget)| {
        let case = case?;
        let known = case.budgets.get(&masked(&budget.subject))?;
        let variation = known.variation(case.fingerprint.cores)?;
        let required = |quantile| {
            let mut quantiles = budget.quantiles.iter();
            let one = quantiles.find(|one| one.quantile == quantile)?;
            Some(1.0 + one.regression.as_ref()?.tolerance_at(quantile))
        };
        let claims = decided.claims.iter();
        let widened = claims.filter_map(|(of, judged)| match &judged.compared {
            Compared::Baseline { tau, differs, .. }
                if of.budget == number && differs.is_empty() =>
            {
                let limit = required(of.quantile)?;
                let noise = noise(variation.spread());
                (noise > limit).then(|| {
                    (
                        of.quantile.to_string(),
                        permitted_ratio(limit, Rounding::Nearest),
                        // With the error of sketches, without the effect of other processes.
                        noise * tau / limit,
                    )
                })
            }
            _ => None,
        });
        let widened: Vec<_> = widened.collect();
        // The same for all quantiles.
        let limit = permitted_ratio(widened.first()?.2, Rounding::Nearest);
        let quantiles: Vec<&str> = widened.iter().map(|(name, ..)| name.as_str()).collect();
        let mut instead: Vec<&str> = widened.iter().map(|(_, of, _)| of.as_str()).collect();
        instead.dedup();
        Some(format!(
            "{} of {} is REGRESSED above {limit} instead of {}, because {variation}",
            quantiles.join(", "),
            budget.subject,
            instead.join(", "),
        ))
    });
    widened.collect()
}

/// The note about the machine beside a verdict that it may explain.
pub(super) fn disturbed(decided: &Decisions<'_>, load: &Load) -> Option<String> {
    let is_doubtful = |judged: &JudgedClaim| {
        // The machine does not change a count.
        let is_disturbed = judged.unit == Unit::Micros;
        is_disturbed && judged.verdict.fails()
            || matches!(judged.doubt, Some(OpenReason::Contention { .. }))
    };
    let mut claims = decided.claims.iter();
    let facts = load.machine.as_ref()?.to_string();
    let is_shown = !facts.is_empty() && claims.any(|(_, judged)| is_doubtful(judged));
    is_shown.then(|| format!("during the run, {facts}"))
}

/// The note about a pending proposal that this run neither wrote nor needs. It stems from a slow run,
/// and would hide a regression if it were accepted by mistake.
pub(super) fn pending(
    decision: WriteDecision,
    written: Option<&WrittenFile>,
    checks: &[Judged],
    place: &BaselinePlace,
    load: &Load,
) -> Option<String> {
    let has_failed = |one: &Judged| matches!(one.outcome, Outcome::Fail(_));
    // After an early end it is unknown if the run would pass.
    let is_unknown = load.stopped.is_some() || !load.has_permitted_failures();
    let is_compared = matches!(
        decision,
        WriteDecision::Write(_) | WriteDecision::Skip(SkipReason::Disabled | SkipReason::InCi)
    );
    let proposes = written.is_some_and(|written| written.target == WriteTarget::Proposal);
    if is_unknown || !is_compared || proposes || checks.iter().any(has_failed) {
        return None;
    }
    let path = pending_path(&place.path);
    let since = match read(&path) {
        Ok(proposal) => since(proposal?.cases.get(&place.case)?)?,
        Err(error) => return Some(error.to_string()),
    };
    Some(format!(
        "{} has been pending since {since}, and this run passes without it; accept it with `{}`, or delete it with `{}`",
        path.display(),
        place.accept,
        place.reject,
    ))
}

/// The start of the first run.
fn since(case: &Case) -> Option<String> {
    let runs = case.budgets.values().flat_map(|budget| &budget.runs);
    let first = runs.map(Run::start).min()?;
    Some(first.strftime("%Y-%m-%d %H:%M:%SZ").to_string())
}

/// `p50, p99 of inventory-check and p95 of response time`
fn quantiles(required: &[Requirement<'_>]) -> String {
    let mut subjects: Vec<(&str, String)> = Vec::new();
    for one in required {
        match subjects.last_mut() {
            Some((subject, quantiles)) if *subject == one.subject => {
                *quantiles += &format!(", {}", one.quantile);
            }
            _ => subjects.push((one.subject, one.quantile.to_string())),
        }
    }
    let each = subjects.iter();
    let each: Vec<String> = each
        .map(|(subject, quantiles)| format!("{quantiles} of {subject}"))
        .collect();
    each.join(" and ")
}
