//! Notes about a load, and failures with the same cause, for all reporters; claims of budgets are
//! elsewhere.

use std::time::Duration;

use crate::budget::{Quantile, trials_to_prove, version};
use crate::check::CheckRef;
use crate::number::{Unit, count, counted, duration, figure_up};
use crate::result::{FailureShare, Load, Measured, StepReport, Versions};
use crate::spec::Allowance;

/// Notes about the requests; notes about the baseline are in [`Load::notices`].
pub(super) fn of(load: &Load) -> Vec<String> {
    let mut remarks: Vec<String> = earlier_runs(load).into_iter().collect();
    remarks.extend(failure_share(load));
    let shares = load.kept_share.iter();
    let passing = shares.filter(|share| !load.fails_share(share.verdict()));
    remarks.extend(passing.map(ToString::to_string));
    remarks.extend(mixed(&load.measured));
    remarks.extend(not_measured(load));
    remarks.extend(not_found(&load.measured));
    remarks.extend(behind(load));
    remarks.extend(held_back(load));
    remarks
}

/// The numbers are those of the last run.
fn earlier_runs(load: &Load) -> Option<String> {
    let numbered = load.earlier.iter().enumerate();
    let unwell: Vec<String> = numbered
        .map(|(at, run)| (at + 1, run.failed + run.errored))
        .filter(|(_, unwell)| *unwell > 0)
        .map(|(run, unwell)| format!("; in run {run}, {} did not pass", count(unwell)))
        .collect();
    let runs = load.earlier.len() + 1;
    (runs > 1).then(|| {
        format!(
            "{runs} runs: a budget exceeded its limit, so all requests were sent again; the values are those of run {runs}{}",
            unwell.concat()
        )
    })
}

/// The share of failures that the requests prove.
fn failure_share(load: &Load) -> Option<String> {
    let share = load.failure_share?;
    let FailureShare { at_most, permitted } = share;
    let requests = counted(load.requests, load.pace.unit());
    let failed = match load.errored {
        0 => format!("{} of {requests} failed", count(load.failed)),
        errored => format!(
            "{} of {requests} failed and {} could not be judged",
            count(load.failed),
            count(errored)
        ),
    };
    let proves = match (permitted, share.unproven()) {
        (Allowance::Count(_), _) => String::new(),
        (Allowance::Share(_), None) => format!(", which proves `failures: {permitted}`"),
        (Allowance::Share(_), Some(of)) => format!(
            ", which does not prove `failures: {permitted}`: {} without a failure would",
            counted(trials_to_prove(of, FailureShare::ERROR), load.pace.unit())
        ),
    };
    Some(format!(
        "{failed}; the true share is at most {} % (95 % confidence){proves}",
        figure_up(100.0 * at_most)
    ))
}

/// Quantiles of several versions describe none of them, for example during a rollout.
fn mixed(measured: &[Measured]) -> Vec<String> {
    let mut groups: Vec<(&Versions, Vec<&str>)> = Vec::new();
    for one in measured.iter().filter(|one| one.versions.are_several()) {
        match groups.iter_mut().find(|(known, _)| **known == one.versions) {
            Some((_, subjects)) => subjects.push(&one.subject),
            None => groups.push((&one.versions, vec![&one.subject])),
        }
    }
    let groups = groups.into_iter();
    groups
        .map(|(versions, subjects)| {
            let were = if subjects.len() == 1 { "was" } else { "were" };
            format!(
                "{} {were} of {}",
                listed(&subjects),
                counted_versions(versions)
            )
        })
        .collect()
}

/// `2 versions: v2.3.0 in 212 traces, v2.4.0 in 188`
fn counted_versions(versions: &Versions) -> String {
    let mut parts: Vec<String> = versions
        .each()
        .map(|(name, traces)| format!("{} in {}", version(name), count(traces)))
        .collect();
    if let Some(first) = parts.first_mut() {
        first.push_str(" traces");
    }
    let many = versions.each().len();
    match versions.others() {
        0 => format!("{many} versions: {}", parts.join(", ")),
        others => format!(
            "more than {many} versions: {}, others in {}",
            parts.join(", "),
            count(others)
        ),
    }
}

/// Requests without a measurement, all requests, and the unit of the others.
type Unmeasured = (u64, u64, Unit);

/// Quantiles do not include requests without a measurement. Subjects with the same numbers share a
/// sentence.
fn not_measured(load: &Load) -> Vec<String> {
    let mut groups: Vec<(Unmeasured, Vec<&str>)> = Vec::new();
    let lacking = load.measured.iter().filter(|one| one.samples.unknown() > 0);
    for one in lacking {
        let unknown = one.samples.unknown();
        let of = one.samples.len().saturating_add(unknown);
        let key = (unknown, of, one.unit());
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, subjects)) => subjects.push(&one.subject),
            None => groups.push((key, vec![&one.subject])),
        }
    }
    let groups = groups.into_iter();
    groups
        .map(|((unknown, of, unit), subjects)| {
            let (why, any) = match unit {
                Unit::Micros => ("left no complete trace", "duration"),
                Unit::Number => ("have no value", "value"),
            };
            format!(
                "{} of {} {why}: quantiles of {} do not include them, and verdicts allow any {any} for them",
                count(unknown),
                counted(of, load.pace.unit()),
                listed(&subjects),
            )
        })
        .collect()
}

/// Budgets whose span is missing in some traces.
fn not_found(measured: &[Measured]) -> Vec<String> {
    let lacking = measured.iter().filter(|one| one.missing > 0);
    lacking
        .map(|one| {
            format!(
                "{} was found in {} of {} traces",
                one.subject,
                count(one.samples.len()),
                count(one.traces()),
            )
        })
        .collect()
}

/// In an open loop, response times include the delay with which this machine sent the requests.
fn behind(load: &Load) -> Option<String> {
    let late = load.lateness()?;
    let is_about_spans = !load.measured.is_empty() && load.late_budget().is_none();
    Some(match is_about_spans {
        true => format!("{late}; the durations of spans do not include it"),
        false => format!("{late}: reduce the load, or use a less busy machine"),
    })
}

/// If the system is slow to answer, the maximum number of unanswered requests delays others.
fn held_back(load: &Load) -> Option<String> {
    let held_back = load.held_back?;
    Some(format!(
        "{} requests were unanswered at the same time, and later requests waited up to {} for them; response times include this wait",
        count(held_back.unanswered),
        duration(held_back.longest),
    ))
}

/// The median of the response times.
pub(super) fn median(load: &Load) -> Option<Duration> {
    let micros = load.response_times.quantile(Quantile::P50)?;
    Duration::try_from_secs_f64(micros / 1e6).ok()
}

fn listed(subjects: &[&str]) -> String {
    match subjects {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// The failures with the same cause as that of `check`, each with its place.
pub(super) fn effects(step: &StepReport, check: CheckRef) -> impl Iterator<Item = String> {
    step.failures()
        .filter(move |failure| failure.cause == Some(check))
        .map(|failure| format!("{failure} ({})", failure.at))
}
