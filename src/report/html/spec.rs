//! The data of a spec that the scripts of the page read.

use serde::Serialize;

use super::graph::GraphLayout;
use super::shared::PageValues;
use super::spans::{PageTrace, numbers};
use crate::check::{Judged, Outcome};
use crate::report::json::parts::{
    self, JsonFailure, JsonResponse, JsonTiming, JsonTrouble, millis,
};
use crate::result::{self, EarlierTrace, Load, Phase, SpecReport, StepReport};
use crate::spec::Location;
use crate::trace::{Change, Trace, TraceId, structural_changes};

/// Maximum number of structural changes that are shown.
const MOST_CHANGES: usize = 300;

#[derive(Serialize)]
pub(super) struct PageSpec<'a> {
    at: PageLocation,
    reason: Option<&'a str>,
    attempts: Vec<PageAttempt<'a>>,
}

/// File index, first line, first column, last line, last column.
#[derive(Serialize)]
struct PageLocation(usize, usize, usize, usize, usize);

#[derive(Serialize)]
struct PageAttempt<'a> {
    verdict: &'static str,
    started: String,
    duration_ms: f64,
    steps: Vec<PageStep<'a>>,
}

#[derive(Serialize)]
struct PageStep<'a> {
    phase: &'static str,
    name: Option<&'a str>,
    trigger: &'a str,
    trace_id: Option<String>,
    saved_trace: Option<String>,
    response: Option<JsonResponse<'a>>,
    timing: JsonTiming,
    checks: Vec<PageCheck<'a>>,
    trouble: Option<JsonTrouble<'a>>,
    trouble_at: Option<PageLocation>,
    notices: &'a [String],
    /// The judged trace, then the traces that are linked to it.
    traces: Vec<PageTrace>,
    graph: Option<GraphLayout>,
    earlier: Option<PageEarlierTrace>,
    load: Option<PageRequests>,
}

/// The requests of a load whose traces are shown. `page` renders the rest of the load.
#[derive(Serialize)]
struct PageRequests {
    requests: u64,
    shown: &'static str,
    /// Each request once, without the one that the step shows.
    traces: Vec<PageTrace>,
}

#[derive(Serialize)]
struct PageCheck<'a> {
    what: &'a str,
    at: PageLocation,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<JsonFailure<'a>>,
    /// Location of the failed expectation within the check.
    #[serde(skip_serializing_if = "Option::is_none")]
    failed_at: Option<PageLocation>,
}

/// The trace of the last run in which the step passed.
#[derive(Serialize)]
struct PageEarlierTrace {
    path: String,
    started: String,
    trace: PageTrace,
    changes: Vec<PageChange>,
    more_changes: usize,
}

#[derive(Serialize)]
struct PageChange {
    what: &'static str,
    service: String,
    name: String,
    path: Vec<(String, String)>,
    was_below: Vec<(String, String)>,
    before: Vec<usize>,
    after: Vec<usize>,
    below: usize,
}

impl<'a> PageSpec<'a> {
    pub(super) fn of(spec: &'a SpecReport, shared: &mut PageValues) -> Self {
        Self {
            at: PageLocation::of(&spec.at, shared),
            reason: parts::verdict(&spec.verdict).1,
            attempts: spec
                .attempts
                .iter()
                .map(|attempt| PageAttempt::of(attempt, shared))
                .collect(),
        }
    }
}

impl PageLocation {
    fn of(at: &Location, shared: &mut PageValues) -> Self {
        let (end_line, end_column) = at.source.position(at.place.end);
        let source = shared.source(&at.source);
        Self(source, at.line(), at.column(), end_line, end_column)
    }
}

impl<'a> PageAttempt<'a> {
    fn of(attempt: &'a result::Attempt, shared: &mut PageValues) -> Self {
        Self {
            verdict: parts::verdict(&attempt.verdict).0,
            started: attempt.started.to_string(),
            duration_ms: millis(attempt.duration),
            steps: attempt
                .steps
                .iter()
                .map(|step| PageStep::of(step, shared))
                .collect(),
        }
    }
}

impl<'a> PageStep<'a> {
    fn of(step: &'a StepReport, shared: &mut PageValues) -> Self {
        let trace = own_trace(step);
        let traces = shown_traces(step).into_iter();
        let traces = traces.map(|trace| PageTrace::of(trace, &step.exemplars, shared));
        Self {
            traces: traces.collect(),
            phase: match step.phase {
                Phase::Setup => "setup",
                Phase::Test => "test",
                Phase::Teardown => "teardown",
            },
            name: step.name.as_deref(),
            trigger: &step.trigger,
            trace_id: step.trace_id.map(|id| id.to_string()),
            saved_trace: step
                .saved_trace
                .as_ref()
                .map(|path| path.display().to_string()),
            response: step.response.as_ref().and_then(parts::response),
            timing: JsonTiming::from(step.timing),
            checks: step
                .checks
                .iter()
                .map(|judged| PageCheck::of(judged, shared))
                .collect(),
            trouble: step.trouble.as_ref().map(JsonTrouble::from),
            trouble_at: step
                .trouble
                .as_ref()
                .and_then(|trouble| trouble.at.as_ref())
                .map(|at| PageLocation::of(at, shared)),
            notices: &step.notices,
            graph: trace.map(|trace| GraphLayout::from(trace.service_graph())),
            earlier: step
                .earlier
                .as_ref()
                .map(|earlier| PageEarlierTrace::of(earlier, trace, shared)),
            load: step
                .load
                .as_ref()
                .map(|load| PageRequests::of(load, &request_traces(step), shared)),
        }
    }
}

impl PageRequests {
    fn of(load: &Load, traces: &[&Trace], shared: &mut PageValues) -> Self {
        let traces = traces.iter();
        let traces = traces.map(|trace| PageTrace::of(trace, &[], shared));
        Self {
            requests: load.requests,
            shown: shown(load),
            traces: traces.collect(),
        }
    }
}

/// The judged trace of a step, if it has spans.
fn own_trace(step: &StepReport) -> Option<&Trace> {
    step.trace.as_deref().filter(|trace| !trace.is_empty())
}

/// The judged trace of a step, then the traces that are linked to it.
pub(super) fn shown_traces(step: &StepReport) -> Vec<&Trace> {
    let own = own_trace(step).into_iter();
    own.flat_map(|trace| std::iter::once(trace).chain(trace.linked()))
        .collect()
}

/// The traces of the slowest requests of a load, each once, without the one that the step shows.
pub(super) fn request_traces(step: &StepReport) -> Vec<&Trace> {
    let mut seen: Vec<TraceId> = own_trace(step).map(Trace::id).into_iter().collect();
    let mut traces: Vec<&Trace> = Vec::new();
    let measured = step.load.iter().flat_map(|load| &load.measured);
    for exemplar in measured.flat_map(|one| &one.largest) {
        if !seen.contains(&exemplar.trace_id) && !exemplar.trace.is_empty() {
            seen.push(exemplar.trace_id);
            traces.push(&exemplar.trace);
        }
    }
    traces
}

/// The trace of the last run in which the step passed.
pub(super) fn earlier_trace(step: &StepReport) -> Option<&Trace> {
    step.earlier.as_ref().map(|earlier| &*earlier.trace)
}

/// Describes the request that the step shows.
fn shown(load: &Load) -> &'static str {
    if load.failed > load.allowed {
        "the first that failed"
    } else if !load.has_permitted_failures() {
        "the first that could not be judged"
    } else {
        "the slowest"
    }
}

impl<'a> PageCheck<'a> {
    fn of(judged: &'a Judged, shared: &mut PageValues) -> Self {
        let (outcome, reason) = match &judged.outcome {
            Outcome::Pass => ("pass", None),
            Outcome::Fail(_) => ("fail", None),
            Outcome::Unjudged(reason) => {
                let help = reason
                    .help()
                    .map_or_else(String::new, |help| format!("; {help}"));
                ("unjudged", Some(format!("{reason}{help}")))
            }
        };
        let failure = judged.outcome.failure();
        Self {
            what: &judged.what,
            at: PageLocation::of(&judged.at, shared),
            outcome,
            reason,
            failure: failure.map(JsonFailure::from),
            failed_at: failure.map(|failure| PageLocation::of(&failure.at, shared)),
        }
    }
}

impl PageEarlierTrace {
    fn of(earlier: &EarlierTrace, now: Option<&Trace>, shared: &mut PageValues) -> Self {
        let mut changes = now.map_or_else(Vec::new, |now| changes(&earlier.trace, now));
        let more_changes = changes.len().saturating_sub(MOST_CHANGES);
        changes.truncate(MOST_CHANGES);
        Self {
            path: earlier.path.display().to_string(),
            started: earlier.started.to_string(),
            trace: PageTrace::of(&earlier.trace, &[], shared),
            changes,
            more_changes,
        }
    }
}

/// Converts span indices to those of the page.
fn changes(before: &Trace, after: &Trace) -> Vec<PageChange> {
    let number_before = numbers(before.top_down());
    let number_after = numbers(after.top_down());
    let renumbered =
        |spans: &[usize], by: &[usize]| spans.iter().map(|&span| by[span]).collect::<Vec<_>>();
    structural_changes(before, after)
        .into_iter()
        .map(|change| {
            let (what, was_below) = match change.what {
                Change::Added => ("added", Vec::new()),
                Change::Missing => ("missing", Vec::new()),
                Change::Count => ("count", Vec::new()),
                Change::Moved(from) => ("moved", from),
            };
            PageChange {
                what,
                was_below,
                before: renumbered(&change.group.before, &number_before),
                after: renumbered(&change.group.after, &number_after),
                service: change.group.service,
                name: change.group.name,
                path: change.group.path,
                below: change.below,
            }
        })
        .collect()
}
