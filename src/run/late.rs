//! Spans that arrive after the verdict, also those that services export during shutdown.
//!
//! A run stays open until its services have ended. Then each trace that got further spans is
//! judged again: a pass that they contradict becomes errored. The same holds for spans that are
//! known to be lost. `effect` compares with the first verdict, `many` does so for the requests of a
//! `repeat`, `words` has the texts.

mod effect;
mod many;
mod words;

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use self::effect::{Effect, Harmless, contradict, would_pass};
use self::words::When;
use super::saved_traces::SavedTraces;
use crate::load::{TakeBack, WatchedRequests};
use crate::result::{Report, RunEvent, SpecReport, StepReport, Telemetry, Trouble, Verdict};
use crate::secret::Secrets;
use crate::source::Refusal;
use crate::source::SourceDiagnostics;
use crate::step::{ExportDelays, LateSpans, Rejudged, WatchedTrace, diagnosis};
use crate::trace::TraceId;

/// A run whose verdicts late spans may still change. [`close`](Self::close) makes them final.
#[must_use = "its verdicts are not final"]
pub struct OpenRun {
    report: Report,
    watched: VecDeque<WatchedStep>,
    /// Judged traces that are not followed any more.
    unwatched: HashSet<TraceId>,
    secrets: Secrets,
    saved_traces: SavedTraces,
}

/// The traces of a step that are still followed.
pub(super) enum WatchedTraces {
    None,
    One(Box<WatchedTrace>),
    /// Those of a `repeat`.
    Many(Box<WatchedRequests>),
}

/// A step with traces that are still followed.
pub(super) struct WatchedStep {
    /// Number of the spec in the report.
    spec: usize,
    /// Number of the step in the last attempt.
    step: usize,
    traces: WatchedTraces,
}

/// The end of a run, as far as it concerns late spans.
#[derive(Clone, Debug, Default)]
pub struct RunEnd {
    /// The state of the source.
    pub diagnostics: SourceDiagnostics,
    /// When the services were asked to end; `None` if they were not.
    pub stopping_since: Option<Instant>,
}

impl WatchedTraces {
    pub(super) fn of(watched: Option<WatchedTrace>) -> Self {
        watched.map_or(Self::None, |watched| Self::One(Box::new(watched)))
    }
}

impl WatchedTraces {
    /// Number of traces that are followed.
    fn number(&self) -> usize {
        match self {
            Self::None => 0,
            Self::One(_) => 1,
            Self::Many(requests) => requests.number(),
        }
    }
}

/// Continues to watch the traces of a spec's steps. Drops the oldest of more than `max`.
pub(super) fn watch(
    all: &mut VecDeque<WatchedStep>,
    max: usize,
    spec: usize,
    steps: Vec<WatchedTraces>,
) {
    for (step, traces) in steps.into_iter().enumerate() {
        if !matches!(traces, WatchedTraces::None) {
            all.push_back(WatchedStep { spec, step, traces });
        }
    }
    // As many steps as requests: each follows a trace.
    let followed =
        |all: &VecDeque<WatchedStep>| -> usize { all.iter().map(|one| one.traces.number()).sum() };
    while all.len() > max || all.len() > 1 && followed(all) > 2 * max {
        all.pop_front();
    }
}

/// Records the delays of late spans of judged traces, for the waits that are under way.
pub(super) fn record_delays(all: &mut VecDeque<WatchedStep>, delays: &ExportDelays) {
    for one in all {
        if let WatchedTraces::One(watched) = &mut one.traces {
            watched.record_late_spans(delays);
        }
    }
}

impl OpenRun {
    pub(super) fn new(
        report: Report,
        watched: VecDeque<WatchedStep>,
        saved_traces: SavedTraces,
    ) -> Self {
        Self {
            unwatched: unwatched(&report, &watched),
            secrets: report.secrets.clone(),
            report,
            watched,
            saved_traces,
        }
    }

    /// The report so far.
    #[must_use]
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// The report if no further span arrives. Traces are not judged again.
    #[must_use]
    pub fn provisional(&self, diagnostics: &SourceDiagnostics) -> Report {
        completed(
            self.report.clone(),
            &self.unwatched,
            &self.secrets,
            diagnostics,
        )
    }

    /// Returns `true` if a further span could change a verdict.
    #[must_use]
    pub fn is_watching(&self) -> bool {
        !self.watched.is_empty()
    }

    /// Adds an error that does not belong to a spec.
    pub(crate) fn add_trouble(&mut self, trouble: Trouble) {
        self.report.trouble.push(trouble);
    }

    /// Judges each trace again that got further spans, and completes the report. Sends an event for
    /// each spec that does not pass any more.
    pub fn close(mut self, end: &RunEnd, mut on_event: impl FnMut(&RunEvent<'_>)) -> Report {
        let mut harmless = Harmless::default();
        let mut overturned = BTreeSet::new();
        let mut written = Vec::new();
        for mut one in std::mem::take(&mut self.watched) {
            let (spec, step) = (one.spec, one.step);
            if let WatchedTraces::Many(requests) = &mut one.traces {
                written.extend(
                    requests
                        .take_back
                        .take()
                        .map(|written| (spec, step, written)),
                );
            }
            let effect = match one.traces {
                WatchedTraces::None => Effect::None,
                WatchedTraces::One(watched) => self.judge_again(spec, step, *watched, end),
                WatchedTraces::Many(requests) => self.judge_many_again(spec, step, *requests, end),
            };
            match effect {
                Effect::Contradicts => {
                    overturned.insert(spec);
                }
                Effect::Harmless(late, when) => harmless.add(&late, when),
                Effect::None => {}
            }
        }
        for spec in overturned {
            self.take_back(spec, &mut written);
            self.overturn(spec);
            on_event(&RunEvent::Overturned(&self.report.specs[spec]));
        }
        let notices = harmless.notices();
        let notices = notices.iter().map(|notice| self.secrets.text(notice));
        self.report.notices.extend(notices);
        completed(
            self.report,
            &self.unwatched,
            &self.secrets,
            &end.diagnostics,
        )
    }

    fn judge_again(
        &mut self,
        spec: usize,
        step: usize,
        mut watched: WatchedTrace,
        end: &RunEnd,
    ) -> Effect {
        let Some(again) = watched.judge_again() else {
            return Effect::None;
        };
        self.secrets.add(again.secrets.iter().cloned());
        let when = end.when(&again);
        if when != When::AfterEarlyVerdict {
            self.report.telemetry.late_spans += again.late.number() as u64;
        }
        let spec = &mut self.report.specs[spec];
        let Some(step) = step_of(spec, step) else {
            return Effect::None;
        };
        step.withdraw_shapes();
        let fresh = self.secrets.step(StepReport {
            checks: again.checks,
            trace: Some(again.trace),
            ..step.clone()
        });
        if contradict(&mut step.checks, &fresh.checks) {
            let trouble = self.secrets.trouble(words::overturned(&again.late, when));
            step.trouble.get_or_insert(trouble);
            step.trace = fresh.trace;
            if again.late.number() > 0 {
                step.timing.last_span = again.late.since_fired(&step.timing);
            }
            return Effect::Contradicts;
        }
        if when == When::AfterEarlyVerdict || again.late.number() == 0 {
            return Effect::None;
        }
        if would_pass(step, &fresh.checks) {
            let note = self.secrets.text(&words::would_pass(&again.late, when));
            step.notices.push(note.clone());
            self.report.notices.push(format!("`{}`: {note}", spec.name));
            return Effect::None;
        }
        Effect::Harmless(again.late, when)
    }

    fn judge_many_again(
        &mut self,
        spec: usize,
        step: usize,
        mut requests: WatchedRequests,
        end: &RunEnd,
    ) -> Effect {
        let again = requests.again();
        self.unwatched.extend(requests.unwatched());
        let late = again.iter().map(|one| one.again.late.number() as u64);
        self.report.telemetry.late_spans += late.sum::<u64>();
        let spec = &mut self.report.specs[spec];
        let Some(step) = step_of(spec, step) else {
            return Effect::None;
        };
        if !again.is_empty() {
            step.withdraw_shapes();
        }
        for one in again.iter().filter(|one| one.contradicts()) {
            self.secrets.add(one.secrets.iter().cloned());
        }
        let secrets = &self.secrets;
        let Some(found) = many::contradictions(again, |text| secrets.text(text)) else {
            return Effect::None;
        };
        let when = end.when_spans(&found.late);
        let Some(load) = step.load.as_mut().map(Arc::make_mut) else {
            return Effect::None;
        };
        if found.requests == 0 {
            return Effect::Harmless(found.late, when);
        }
        let is_permitted = many::count(load, &found);
        if is_permitted {
            let note = secrets.text(&words::some_contradicted(&found, load, when));
            load.notices.push(note.clone());
            self.report.notices.push(format!("`{}`: {note}", spec.name));
            return Effect::None;
        }
        let trouble = words::too_many_contradicted(&found, load, when);
        step.trouble.get_or_insert(secrets.trouble(trouble));
        many::disprove(step);
        Effect::Contradicts
    }

    /// Restores the baselines that a spec has written.
    fn take_back(&mut self, spec: usize, written: &mut Vec<(usize, usize, TakeBack)>) {
        for (_, step, written) in written.extract_if(.., |(of, ..)| *of == spec) {
            let step = step_of(&mut self.report.specs[spec], step);
            if let Some(load) = step.and_then(|step| step.load.as_mut()) {
                let secrets = &self.secrets;
                written.take_back(Arc::make_mut(load), |text| secrets.text(text));
            }
        }
    }

    /// Makes a spec errored, and saves its traces with the new verdict.
    fn overturn(&mut self, spec: usize) {
        let spec = &mut self.report.specs[spec];
        let (name, file) = (spec.name.clone(), spec.at.source.name().to_owned());
        let Some(last) = spec.attempts.last_mut() else {
            return;
        };
        last.verdict = Verdict::of_steps(&last.steps);
        if spec.verdict == Verdict::Passed {
            spec.verdict = last.verdict.clone();
        }
        self.saved_traces.save_again(&name, &file, last);
        for trouble in self.saved_traces.troubles() {
            if !self.report.trouble.contains(&trouble) {
                self.report.trouble.push(trouble);
            }
        }
    }
}

impl RunEnd {
    fn when(&self, again: &Rejudged) -> When {
        match again.was_early {
            true => When::AfterEarlyVerdict,
            false => self.when_spans(&again.late),
        }
    }

    fn when_spans(&self, late: &LateSpans) -> When {
        match self.stopping_since {
            Some(since) if late.last >= since => When::Stopping,
            _ => When::Running,
        }
    }
}

fn step_of(spec: &mut SpecReport, step: usize) -> Option<&mut StepReport> {
    spec.attempts.last_mut()?.steps.get_mut(step)
}

/// Traces whose verdict assumes that they are complete, and that are not followed any more, because
/// too many others came after them.
fn unwatched(report: &Report, watched: &VecDeque<WatchedStep>) -> HashSet<TraceId> {
    let watched: HashSet<(usize, usize)> = watched.iter().map(|of| (of.spec, of.step)).collect();
    let mut unwatched = HashSet::new();
    for (number, spec) in report.specs.iter().enumerate() {
        let last = spec.last_attempt().into_iter();
        let steps = last.flat_map(|last| last.steps.iter().enumerate());
        let steps = steps.filter(|(at, step)| step.was_closed && !watched.contains(&(number, *at)));
        unwatched.extend(steps.filter_map(|(_, step)| step.trace_id));
    }
    unwatched
}

/// The traces of the tries of polls that were not judged.
fn other_tries(report: &Report) -> HashSet<TraceId> {
    let attempts = report.specs.iter().flat_map(|spec| &spec.attempts);
    let steps = attempts.flat_map(|attempt| &attempt.steps);
    let tries = steps.filter_map(|step| step.tries.as_ref());
    tries
        .flat_map(|tries| tries.others.iter().copied())
        .collect()
}

/// Adds the counts of the source, and masks the report.
fn completed(
    mut report: Report,
    unwatched: &HashSet<TraceId>,
    secrets: &Secrets,
    diagnostics: &SourceDiagnostics,
) -> Report {
    let late = diagnostics.late.iter();
    let late = late.filter(|late| unwatched.contains(&late.trace_id));
    report.notices.extend(diagnosis::late(late));
    let dropped = diagnosis::dropped(&diagnostics.stats);
    let dropped = dropped.map(|text| secrets.text(&text));
    report.notices.extend(dropped);
    let before = std::mem::take(&mut report.telemetry);
    let other_tries = other_tries(&report);
    let judged = diagnostics.late.iter();
    let judged = judged.filter(|late| !other_tries.contains(&late.trace_id));
    let unwatched: usize = judged.map(|late| late.spans).sum();
    report.telemetry = Telemetry {
        listened: before.listened,
        late_spans: before.late_spans + unwatched as u64,
        ..telemetry(diagnostics, |text| secrets.text(text))
    };
    // Masks the secrets of all specs, also in the reports of specs that had ended before.
    secrets.report(report)
}

fn telemetry(diagnostics: &SourceDiagnostics, masked: impl Fn(&str) -> String) -> Telemetry {
    let stats = &diagnostics.stats;
    let refused = stats.refusals.iter().map(Refusal::in_full);
    Telemetry {
        listened: Vec::new(),
        spans: stats.spans,
        log_records: stats.log_records,
        metric_points: stats.metric_points,
        refused: refused.map(|text| masked(&text)).collect(),
        refused_count: stats.refused,
        late_spans: 0,
    }
}
