//! One spec as the page's scripts read it.

use serde::Serialize;

use super::graph::Picture;
use super::shared::Shared;
use super::spans::{Spans, numbers};
use crate::check::{Judged, Outcome};
use crate::report::json::parts::{self, Failed, Response, Times, Trouble, millis};
use crate::result::{self, EarlierTrace, Load, Phase, SpecReport, StepReport};
use crate::spec::Location;
use crate::trace::{Change, Trace, TraceId, structural_changes};

/// So many changes of structure are told.
const MOST_CHANGES: usize = 300;

#[derive(Serialize)]
pub(super) struct Spec<'a> {
    at: At,
    reason: Option<&'a str>,
    attempts: Vec<Attempt<'a>>,
}

/// The number of the file, first line, first column, last line, last column.
#[derive(Serialize)]
struct At(usize, usize, usize, usize, usize);

#[derive(Serialize)]
struct Attempt<'a> {
    verdict: &'static str,
    started: String,
    duration_ms: f64,
    steps: Vec<Step<'a>>,
}

#[derive(Serialize)]
struct Step<'a> {
    phase: &'static str,
    name: Option<&'a str>,
    trigger: &'a str,
    trace_id: Option<String>,
    saved_trace: Option<String>,
    response: Option<Response<'a>>,
    timing: Times,
    checks: Vec<Check<'a>>,
    trouble: Option<Trouble<'a>>,
    trouble_at: Option<At>,
    notices: &'a [String],
    /// The judged trace first, then those that are linked to it.
    traces: Vec<Spans>,
    graph: Option<Picture>,
    earlier: Option<Earlier>,
    load: Option<Slowest>,
}

/// Of many requests, those whose traces stand for others. What else is known of them, `page` has.
#[derive(Serialize)]
struct Slowest {
    requests: u64,
    /// Which one all else in the step is of.
    shown: &'static str,
    /// Each once, and none that is the step's own.
    traces: Vec<Spans>,
}

#[derive(Serialize)]
struct Check<'a> {
    what: &'a str,
    at: At,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<Failed<'a>>,
    /// Of the expectation within the check that did not come true.
    #[serde(skip_serializing_if = "Option::is_none")]
    failed_at: Option<At>,
}

/// The trace of the last time when the step passed.
#[derive(Serialize)]
struct Earlier {
    path: String,
    started: String,
    trace: Spans,
    changes: Vec<Changed>,
    more_changes: usize,
}

#[derive(Serialize)]
struct Changed {
    what: &'static str,
    service: String,
    name: String,
    path: Vec<(String, String)>,
    was_below: Vec<(String, String)>,
    before: Vec<usize>,
    after: Vec<usize>,
    below: usize,
}

impl<'a> Spec<'a> {
    pub(super) fn of(spec: &'a SpecReport, shared: &mut Shared) -> Self {
        Self {
            at: At::of(&spec.at, shared),
            reason: parts::verdict(&spec.verdict).1,
            attempts: spec
                .attempts
                .iter()
                .map(|attempt| Attempt::of(attempt, shared))
                .collect(),
        }
    }
}

impl At {
    fn of(at: &Location, shared: &mut Shared) -> Self {
        let (end_line, end_column) = at.source.position(at.place.end);
        let source = shared.source(&at.source);
        Self(source, at.line(), at.column(), end_line, end_column)
    }
}

impl<'a> Attempt<'a> {
    fn of(attempt: &'a result::Attempt, shared: &mut Shared) -> Self {
        Self {
            verdict: parts::verdict(&attempt.verdict).0,
            started: attempt.started.to_string(),
            duration_ms: millis(attempt.duration),
            steps: attempt
                .steps
                .iter()
                .map(|step| Step::of(step, shared))
                .collect(),
        }
    }
}

impl<'a> Step<'a> {
    fn of(step: &'a StepReport, shared: &mut Shared) -> Self {
        let trace = step.trace.as_deref().filter(|trace| !trace.is_empty());
        let traces = trace.into_iter().flat_map(|trace| {
            let all = std::iter::once(trace).chain(trace.linked());
            all.map(|trace| Spans::of(trace, shared))
                .collect::<Vec<_>>()
        });
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
            timing: Times::from(step.timing),
            checks: step
                .checks
                .iter()
                .map(|judged| Check::of(judged, shared))
                .collect(),
            trouble: step.trouble.as_ref().map(Trouble::from),
            trouble_at: step
                .trouble
                .as_ref()
                .and_then(|trouble| trouble.at.as_ref())
                .map(|at| At::of(at, shared)),
            notices: &step.notices,
            graph: trace.map(|trace| Picture::from(trace.service_graph())),
            earlier: step
                .earlier
                .as_ref()
                .map(|earlier| Earlier::of(earlier, trace, shared)),
            load: step
                .load
                .as_ref()
                .map(|load| Slowest::of(load, trace, shared)),
        }
    }
}

impl Slowest {
    fn of(load: &Load, own: Option<&Trace>, shared: &mut Shared) -> Self {
        let mut seen: Vec<TraceId> = own.map(Trace::id).into_iter().collect();
        let mut traces = Vec::new();
        let slowest = load.measured.iter().flat_map(|one| &one.slowest);
        for exemplar in slowest {
            if !seen.contains(&exemplar.trace_id) && !exemplar.trace.is_empty() {
                seen.push(exemplar.trace_id);
                traces.push(Spans::of(&exemplar.trace, shared));
            }
        }
        Self {
            requests: load.requests,
            shown: shown(load),
            traces,
        }
    }
}

/// As the run chooses it.
fn shown(load: &Load) -> &'static str {
    if load.failed > load.allowed {
        "the first that failed"
    } else if load.failed + load.errored > load.allowed {
        "the first that could not be judged"
    } else {
        "the slowest"
    }
}

impl<'a> Check<'a> {
    fn of(judged: &'a Judged, shared: &mut Shared) -> Self {
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
            at: At::of(&judged.at, shared),
            outcome,
            reason,
            failure: failure.map(Failed::from),
            failed_at: failure.map(|failure| At::of(&failure.at, shared)),
        }
    }
}

impl Earlier {
    fn of(earlier: &EarlierTrace, now: Option<&Trace>, shared: &mut Shared) -> Self {
        let mut changes = now.map_or_else(Vec::new, |now| changes(&earlier.trace, now));
        let more_changes = changes.len().saturating_sub(MOST_CHANGES);
        changes.truncate(MOST_CHANGES);
        Self {
            path: earlier.path.display().to_string(),
            started: earlier.started.to_string(),
            trace: Spans::of(&earlier.trace, shared),
            changes,
            more_changes,
        }
    }
}

/// Spans are numbered as the page has them.
fn changes(before: &Trace, after: &Trace) -> Vec<Changed> {
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
            Changed {
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
