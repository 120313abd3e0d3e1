//! The load of a spec as text: its numbers, budgets, failed requests, and one request in full.
//!
//! `table` renders the numbers of budgets, and `step` the request.

mod table;

use std::collections::BTreeSet;
use std::path::Path;

use super::super::look::{FAINT, LEFT_OUT, Look, STRONG, printable};
use super::super::remarks;
use super::super::snippet::snippet;
use super::detail::Detail;
use super::failure::failure;
use super::lines::{indented, narrower, paragraph, with_head};
use super::step;
use super::trouble::trouble;
use crate::budget::{self, ClaimVerdict, Compared};
use crate::check::{CheckRef, Failure, Judged};
use crate::number::{Rounding, count, counted, duration, figure};
use crate::result::{Exemplar, Load, Measured, StepReport};
use crate::spec::Pace;
use crate::trace::TraceId;

/// Maximum number of failed checks that are listed.
const MOST_FAILING: usize = 10;

/// The facts after the name: `500 requests, 50 at a time, 214/s, p50 121 ms`.
pub(super) fn facts(load: &Load) -> String {
    let mut facts = vec![requests(load.requests, load)];
    match &load.pace {
        Pace::Search { since, .. } => facts.push(format!("found in the last {}", duration(*since))),
        Pace::Closed { concurrency, .. } => {
            facts.push(format!("{} at a time", count(*concurrency)));
            facts.extend(rate(load.rate()));
        }
        Pace::Open { rate, period, .. } => {
            facts.push(format!("{} for {}", rate.written, duration(*period)));
        }
    }
    facts.extend(remarks::median(load).map(|median| format!("p50 {}", duration(median))));
    facts.join(", ")
}

/// The load of a spec that passed. Empty if there are no budgets and no notes.
pub(super) fn passed(load: &Load, look: &Look, detail: Detail) -> String {
    let text = overview(load, None, look, detail).join("");
    if text.is_empty() {
        return text;
    }
    text + "\n"
}

/// Parts that even a quiet report of a passed spec shows: that its baseline is from another
/// environment, and notes about the baseline.
pub(super) fn loud(load: &Load, look: &Look) -> String {
    let elsewhere = |one: &&budget::JudgedClaim| match &one.compared {
        Compared::Baseline { differs, .. } => !differs.is_empty(),
        Compared::Limit(_) => false,
    };
    let claims = load.measured.iter().flat_map(|of| &of.judged);
    let mut said: String = told(load, claims.filter(elsewhere))
        .iter()
        .map(|sentence| paragraph(sentence, 3, anstyle::Style::new(), look))
        .collect();
    said.extend(load.notices.iter().map(|text| step::note(text, look)));
    if !said.is_empty() {
        said.push('\n');
    }
    said
}

/// A step with a load.
pub(super) fn section(step: &StepReport, load: &Load, look: &Look, detail: Detail) -> String {
    let mut parts = overview(load, failures_check(step), look, detail);
    let mut one = one_of(step);
    if load.failed + load.errored == 0 {
        // The trouble is about the baseline, not about the request.
        parts.extend(one.trouble.take().map(|of| trouble(&of, look)));
    }
    let is_shown = one.has_failed() || detail == Detail::Verbose;
    if is_shown {
        parts.push(title_of_one(&one, load, look) + "\n" + &step::section(&one, look, detail));
    }
    parts.extend(other_failed(load, look));
    let (budgets, failures) = budget_failures(step);
    parts.extend(causes(step, look));
    let measured = budgets
        .iter()
        .filter_map(|&budget| load.measured.get(budget));
    let failing: Vec<&Measured> = measured.collect();
    let has_slowest = failing.iter().any(|of| of.largest.is_some());
    if !is_shown && !failing.is_empty() && !has_slowest {
        parts.push(where_nothing_was_found(step, &failures, look));
    }
    let drawn = step.trace_id.filter(|_| is_shown);
    parts.push(slowest(&failing, &failures, drawn, look));
    parts.retain(|part| !part.is_empty());
    parts.join("\n")
}

/// A single check of a step with a load.
pub(super) fn check(step: &StepReport, load: &Load, judged: &Judged, look: &Look) -> String {
    let parts = match (judged.outcome.failure(), measured_of(load, judged.check)) {
        (Some(of), _) if judged.check == CheckRef::Failures => vec![failed(load, Some(of), look)],
        (Some(of), None) if judged.check == CheckRef::KeptShare => vec![failure(of, look)],
        (Some(of), Some(measured)) => vec![
            table::table(load, std::slice::from_ref(measured), look),
            failure(of, look),
            slowest(&[measured], &[of], None, look),
        ],
        _ => vec![step::check(&one_of(step), judged, look)],
    };
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join("\n")
}

/// Sentences for claims that do not fail: all with [`Detail::Verbose`], else those that are not
/// proven. Claims with the same reason share a sentence.
pub(super) fn sentences(load: &Load, detail: Detail) -> Vec<String> {
    let claims = load.measured.iter().flat_map(|of| &of.judged);
    let is_told =
        |one: &&budget::JudgedClaim| one.verdict != ClaimVerdict::Ok || detail == Detail::Verbose;
    told(load, claims.filter(is_told))
}

fn told<'l>(load: &Load, claims: impl Iterator<Item = &'l budget::JudgedClaim>) -> Vec<String> {
    let mut reasons: Vec<(String, Vec<String>)> = Vec::new();
    for one in claims.filter(|one| !load.fails(one.verdict)) {
        let (claim, reason) = (one.claim(), one.explained());
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, claims)) => claims.push(claim),
            None => reasons.push((reason, vec![claim])),
        }
    }
    reasons
        .into_iter()
        .map(|(reason, claims)| format!("{}: {reason}", in_short(&claims)))
        .collect()
}

fn in_short(claims: &[String]) -> String {
    match claims.split_at_checked(2) {
        Some((first, more)) if more.len() > 1 => {
            format!("{} and {} more", first.join(", "), more.len())
        }
        _ => claims.join(", "),
    }
}

/// Notes about the load, without claims of budgets.
pub(super) fn notes(load: &Load) -> Vec<String> {
    let mut notes: Vec<String> = load.stopped.iter().cloned().collect();
    notes.extend(remarks::of(load));
    notes.extend(load.notices.iter().cloned());
    notes
}

/// The numbers of budgets, their sentences, notes, and failed requests.
fn overview(load: &Load, check: Option<&Failure>, look: &Look, detail: Detail) -> Vec<String> {
    let sentences: String = sentences(load, detail)
        .iter()
        .map(|sentence| paragraph(sentence, 3, anstyle::Style::new(), look))
        .collect();
    let notes: String = notes(load)
        .iter()
        .map(|text| step::note(text, look))
        .collect();
    let budgets = table::table(load, &load.measured, look) + &sentences + &notes;
    let failed = failed(load, check, look);
    // If too many requests failed, the measurements matter less.
    let mut parts = match check {
        Some(_) => vec![failed, budgets],
        None => vec![budgets, failed],
    };
    parts.retain(|part| !part.is_empty());
    parts
}

/// The number of failed requests, the line of the spec with the limit, and the failed checks.
fn failed(load: &Load, check: Option<&Failure>, look: &Look) -> String {
    let of = format!("of {}", requests(load.requests, load));
    let mut parts = Vec::new();
    if load.failed > 0 {
        let (failed, allowed) = (count(load.failed), count(load.allowed));
        parts.push(format!("{failed} {of} failed ({allowed} allowed)"));
    }
    if load.errored > 0 {
        let of = if parts.is_empty() {
            of + " "
        } else {
            String::new()
        };
        parts.push(format!("{} {of}could not be judged", count(load.errored)));
    }
    if parts.is_empty() {
        return String::new();
    }
    let mut text = paragraph(&parts.join("; "), 2, STRONG, look);
    if let Some(check) = check {
        text.push_str(&indented(&snippet(&check.at, "", &narrower(look, 1)), 1));
    }
    text + &failing(load, look)
}

fn failing(load: &Load, look: &Look) -> String {
    let shown = load.failing.iter().take(MOST_FAILING);
    let widest = shown.clone().map(|of| count(of.requests).len()).max();
    let widest = widest.unwrap_or_default();
    let mut text: String = shown
        .map(|of| {
            let head = format!("{:>widest$}x", count(of.requests));
            let line = match &of.at {
                Some(at) => format!("{} ({at})", of.what),
                None => of.what.clone(),
            };
            with_head(&head, FAINT, &line, look)
        })
        .collect();
    let more = load.failing.len().saturating_sub(MOST_FAILING);
    if more > 0 {
        text.push_str(&format!("   … {} more\n", count(more)));
    }
    text
}

/// The request that the step shows, without failures of the whole load.
fn one_of(step: &StepReport) -> StepReport {
    let mut one = step.clone();
    one.load = None;
    one.checks
        .retain(|judged| !judged.check.is_of_all_requests());
    one
}

fn title_of_one(one: &StepReport, load: &Load, look: &Look) -> String {
    let unit = load.pace.unit();
    let which = if one.failures().next().is_some() {
        match load.pace {
            Pace::Search { .. } => "the worst trace".to_owned(),
            Pace::Closed { .. } | Pace::Open { .. } => "the first request that failed".to_owned(),
        }
    } else if one.has_failed() {
        format!("the first {unit} that could not be judged")
    } else {
        format!("the slowest {unit}")
    };
    let id = one.trace_id.map(|id| format!(": trace {id}"));
    let title = format!("{which}{}", id.unwrap_or_default());
    paragraph(&title, 2, LEFT_OUT, look)
}

/// Further failed traces of a search, each with its first failed check.
fn other_failed(load: &Load, look: &Look) -> Option<String> {
    let each = load.other_failed.iter().map(|of| {
        let more = match of.failed.len() {
            0 | 1 => String::new(),
            all => format!(" and {} more", all - 1),
        };
        let first = of.failed.first().map_or("", String::as_str);
        let line = format!("also failed: trace {}: {first}{more}", of.trace.id());
        paragraph(&line, 2, LEFT_OUT, look) + &saved(of.saved.as_deref(), look)
    });
    let text: String = each.collect();
    (!text.is_empty()).then_some(text)
}

fn failures_check(step: &StepReport) -> Option<&Failure> {
    let mut checks = step.checks.iter();
    checks
        .find(|judged| judged.check == CheckRef::Failures)?
        .outcome
        .failure()
}

/// The indices of the budgets that failed, and all failures of budgets.
fn budget_failures(step: &StepReport) -> (BTreeSet<usize>, Vec<&Failure>) {
    let failed = step.checks.iter().filter_map(|judged| match judged.check {
        CheckRef::Budget { budget, .. } => Some((budget, judged.outcome.failure()?)),
        _ => None,
    });
    failed.unzip()
}

/// The failures of budgets and of the share of kept traces. Those with the same cause as another are listed below it.
fn causes(step: &StepReport, look: &Look) -> Vec<String> {
    let cause = |judged: &Judged| {
        let of = judged.outcome.failure()?;
        let is_of_load = matches!(judged.check, CheckRef::Budget { .. } | CheckRef::KeptShare);
        let is_cause = is_of_load && of.cause.is_none();
        is_cause.then(|| {
            let effects = remarks::effects(step, judged.check);
            let effects = effects.map(|of| with_head("also:", STRONG, &of, look));
            failure(of, look) + &effects.collect::<String>()
        })
    };
    step.checks.iter().filter_map(cause).collect()
}

fn measured_of(load: &Load, check: CheckRef) -> Option<&Measured> {
    match check {
        CheckRef::Budget { budget, .. } => load.measured.get(budget),
        _ => None,
    }
}

/// The requests with the largest values, and the first of them as a waterfall, unless it was already drawn.
fn slowest(of: &[&Measured], failures: &[&Failure], drawn: Option<TraceId>, look: &Look) -> String {
    let mut requests: Vec<(&Exemplar, String)> = Vec::new();
    for measured in of {
        let Some(slowest) = &measured.largest else {
            continue;
        };
        let title = title_of_slowest(measured, slowest, look);
        let mut known = requests.iter_mut();
        match known.find(|(other, _)| other.trace_id == slowest.trace_id) {
            Some((_, titles)) => titles.push_str(&title),
            None => requests.push((slowest, title)),
        }
    }
    let mut undrawn = requests
        .iter()
        .filter(|(slowest, _)| Some(slowest.trace_id) != drawn);
    let to_draw = undrawn.next().map(|(slowest, _)| slowest.trace_id);
    let parts: Vec<String> = requests
        .iter()
        .map(|(slowest, titles)| match Some(slowest.trace_id) {
            id if id == drawn => titles.clone(),
            id if id == to_draw => {
                let picture = step::picture(Some(&slowest.trace), failures, look);
                format!(
                    "{titles}\n{picture}\n{}",
                    saved(slowest.saved.as_deref(), look)
                )
            }
            _ => titles.clone() + &saved(slowest.saved.as_deref(), look),
        })
        .collect();
    parts.join("\n")
}

fn title_of_slowest(measured: &Measured, slowest: &Exemplar, look: &Look) -> String {
    let unit = measured.unit();
    let shown = |of| unit.rounded(of, Rounding::Nearest);
    let (took, largest) = (shown(slowest.value), unit.largest());
    let (subject, id) = (&measured.subject, slowest.trace_id);
    let title = match measured.slowest_unseen() {
        None => format!("{largest} of {subject}: {took}, trace {id}"),
        Some(longest) => format!(
            "{largest} of {subject} with a trace: {took}, trace {id}; the slowest request took {} and left no trace",
            shown(longest),
        ),
    };
    paragraph(&title, 2, LEFT_OUT, look)
}

/// A trace to compare with the selector that found nothing.
fn where_nothing_was_found(step: &StepReport, failures: &[&Failure], look: &Look) -> String {
    let picture = step::picture(step.trace.as_deref(), failures, look);
    if picture.is_empty() {
        return picture;
    }
    let id = step.trace_id.map(|id| format!(", trace {id}"));
    let title = format!("one of the requests{}", id.unwrap_or_default());
    paragraph(&title, 2, LEFT_OUT, look) + "\n" + &picture
}

fn saved(path: Option<&Path>, look: &Look) -> String {
    let Some(path) = path else {
        return String::new();
    };
    // On one line, so that it can be copied.
    let line = format!("trace saved: {}", path.display());
    format!("   {}\n", look.paint(FAINT, &printable(&line)))
}

/// `200 requests`, or `200 traces` of a search.
fn requests(of: u64, load: &Load) -> String {
    counted(of, load.pace.unit())
}

/// `214/s`, `3.5/s`. `None` if nothing was measured.
fn rate(of: f64) -> Option<String> {
    (of.is_finite() && of > 0.0).then(|| format!("{}/s", figure(of)))
}

#[cfg(test)]
mod tests;
