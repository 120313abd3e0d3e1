//! Spans that arrive after the verdict, also those that services flush while they are stopped.
//!
//! A run stays open until its services have ended. Then each trace that got further spans is
//! judged again: a pass that they contradict becomes errored. The same holds for spans that are
//! known to be lost. `watched` judges, `effect` compares
//! with the first verdict, `many` does so for the requests of a `repeat`, `words` has the texts.

mod effect;
mod many;
mod words;

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use self::effect::{Effect, Harmless, contradict, would_pass};
use self::words::When;
use super::attempt;
use super::earlier::Archive;
use super::keep::{self, About};
use crate::load::{TakeBack, WatchedRequests};
use crate::result::{
    Attempt, Report, RunEvent, SpecReport, StepReport, Telemetry, Trouble, Verdict,
};
use crate::secret::Secrets;
use crate::source::Sightings;
use crate::source::receiver::Refusal;
use crate::step::{Again, LateSpans, ProvenBound, SaveTraces, Setting, Watched, diagnosis};
use crate::trace::TraceId;

/// A run whose verdicts late spans may still change. [`close`](Self::close) makes them final.
#[must_use = "its verdicts are not final"]
pub struct OpenRun {
    report: Report,
    watched: VecDeque<OfStep>,
    /// The judged traces that are no longer followed.
    given_up: HashSet<TraceId>,
    secrets: Secrets,
    archive: Archive,
    save: SaveTraces,
}

/// The traces of a step that are still followed.
pub(super) enum Watching {
    Nothing,
    One(Box<Watched>),
    /// Those of many requests.
    Many(Box<WatchedRequests>),
}

/// A step with traces that are still followed.
pub(super) struct OfStep {
    /// Number of the spec in the report.
    spec: usize,
    /// Number of the step in the last attempt.
    step: usize,
    watching: Watching,
}

/// The end of a run, as far as it concerns late spans.
#[derive(Clone, Debug, Default)]
pub struct RunEnd {
    /// The state of the source.
    pub sightings: Sightings,
    /// When the services were asked to end, if they were.
    pub stopping_since: Option<Instant>,
}

impl Watching {
    pub(super) fn of(watched: Watched) -> Self {
        Self::One(Box::new(watched))
    }
}

/// Goes on watching the traces of a spec's steps; gives up the oldest of more than `most`.
pub(super) fn watch(all: &mut VecDeque<OfStep>, most: usize, spec: usize, steps: Vec<Watching>) {
    for (step, watching) in steps.into_iter().enumerate() {
        if !matches!(watching, Watching::Nothing) {
            all.push_back(OfStep {
                spec,
                step,
                watching,
            });
        }
    }
    while all.len() > most {
        all.pop_front();
    }
}

/// Notes the spans that came for judged traces by now, for those that are still waited for.
pub(super) fn note(all: &mut VecDeque<OfStep>, proven: &ProvenBound) {
    for one in all {
        if let Watching::One(watched) = &mut one.watching {
            watched.note(proven);
        }
    }
}

impl OpenRun {
    pub(super) fn new(report: Report, watched: VecDeque<OfStep>, setting: Setting<'_>) -> Self {
        let save = setting.options.save_traces.clone();
        Self {
            given_up: given_up(&report, &watched),
            report,
            watched,
            secrets: setting.secrets,
            archive: setting.archive,
            save,
        }
    }

    /// The report so far.
    #[must_use]
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// The report as it would be if no further span came. Traces are not judged again.
    #[must_use]
    pub fn provisional(&self, sightings: &Sightings) -> Report {
        completed(
            self.report.clone(),
            &self.given_up,
            &self.secrets,
            sightings,
        )
    }

    /// Whether a further span could change a verdict.
    #[must_use]
    pub fn is_watching(&self) -> bool {
        !self.watched.is_empty()
    }

    /// Adds something that went wrong around the specs.
    pub(crate) fn add_trouble(&mut self, trouble: Trouble) {
        self.report.trouble.push(trouble);
    }

    /// Judges every trace again that got further spans, and completes the report. Specs that do
    /// not pass any more are announced.
    pub fn close(mut self, end: &RunEnd, mut on_event: impl FnMut(&RunEvent<'_>)) -> Report {
        let mut harmless = Harmless::default();
        let mut overturned = BTreeSet::new();
        let mut written = Vec::new();
        for mut one in std::mem::take(&mut self.watched) {
            let (spec, step) = (one.spec, one.step);
            if let Watching::Many(requests) = &mut one.watching {
                written.extend(
                    requests
                        .take_back
                        .take()
                        .map(|written| (spec, step, written)),
                );
            }
            let effect = match one.watching {
                Watching::Nothing => Effect::None,
                Watching::One(watched) => self.judge_again(spec, step, *watched, end),
                Watching::Many(requests) => self.judge_many_again(spec, step, *requests, end),
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
        completed(self.report, &self.given_up, &self.secrets, &end.sightings)
    }

    fn judge_again(
        &mut self,
        spec: usize,
        step: usize,
        mut watched: Watched,
        end: &RunEnd,
    ) -> Effect {
        let Some(again) = watched.again() else {
            return Effect::None;
        };
        let when = end.when(&again);
        if when != When::AfterEarlyVerdict {
            self.report.telemetry.late_spans += again.late.number() as u64;
        }
        let spec = &mut self.report.specs[spec];
        let Some(step) = step_of(spec, step) else {
            return Effect::None;
        };
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
        self.given_up.extend(requests.given_up());
        let late = again.iter().map(|one| one.again.late.number() as u64);
        self.report.telemetry.late_spans += late.sum::<u64>();
        let spec = &mut self.report.specs[spec];
        let Some(step) = step_of(spec, step) else {
            return Effect::None;
        };
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

    /// Makes a spec errored, and saves its traces as those of such a spec.
    fn overturn(&mut self, spec: usize) {
        let spec = &mut self.report.specs[spec];
        let (name, file) = (spec.name.clone(), spec.at.source.name().to_owned());
        let Some(last) = spec.attempts.last_mut() else {
            return;
        };
        last.verdict = attempt::verdict(&last.steps);
        if spec.verdict == Verdict::Passed {
            spec.verdict = last.verdict.clone();
        }
        let about = OfAttempt {
            name: &name,
            file: &file,
            save: &self.save,
            archive: &self.archive,
            secrets: &self.secrets,
        };
        if let Err(error) = about.save_again(last) {
            let trouble = Trouble::told(&error.to_string(), None);
            if !self.report.trouble.contains(&trouble) {
                self.report.trouble.push(trouble);
            }
        }
    }
}

/// Where the traces of an attempt are saved.
struct OfAttempt<'a> {
    name: &'a str,
    file: &'a str,
    save: &'a SaveTraces,
    archive: &'a Archive,
    secrets: &'a Secrets,
}

impl OfAttempt<'_> {
    /// Saves all traces with the new verdict.
    fn save_again(&self, attempt: &mut Attempt) -> std::io::Result<()> {
        let (verdict, started) = (&attempt.verdict, attempt.started);
        for (at, step) in attempt.steps.iter_mut().enumerate() {
            let Some(trace) = &step.trace else { continue };
            let about = About::new(self.name, self.file, at, verdict, started, trace);
            step.saved_trace = keep::keep(self.save, &about, trace, self.secrets)?;
            if step.has_failed() && step.earlier.is_none() {
                step.earlier = self.archive.latest_passing(self.save, &about);
            }
        }
        Ok(())
    }
}

impl RunEnd {
    fn when(&self, again: &Again) -> When {
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

/// The traces that rest on being complete, and are not followed: too many came after them.
fn given_up(report: &Report, watched: &VecDeque<OfStep>) -> HashSet<TraceId> {
    let watched: HashSet<(usize, usize)> = watched.iter().map(|of| (of.spec, of.step)).collect();
    let mut given_up = HashSet::new();
    for (number, spec) in report.specs.iter().enumerate() {
        let last = spec.last_attempt().into_iter();
        let steps = last.flat_map(|last| last.steps.iter().enumerate());
        let steps = steps.filter(|(at, step)| step.was_closed && !watched.contains(&(number, *at)));
        given_up.extend(steps.filter_map(|(_, step)| step.trace_id));
    }
    given_up
}

/// Adds what the source has seen.
fn completed(
    mut report: Report,
    given_up: &HashSet<TraceId>,
    secrets: &Secrets,
    sightings: &Sightings,
) -> Report {
    let late = sightings.late.iter();
    let late = late.filter(|late| given_up.contains(&late.trace_id));
    report.notices.extend(diagnosis::late(late));
    let dropped = diagnosis::dropped(&sightings.census);
    let dropped = dropped.map(|text| secrets.text(&text));
    report.notices.extend(dropped);
    let before = std::mem::take(&mut report.telemetry);
    let unwatched: usize = sightings.late.iter().map(|late| late.spans).sum();
    report.telemetry = Telemetry {
        listened: before.listened,
        late_spans: before.late_spans + unwatched as u64,
        ..telemetry(sightings, |text| secrets.text(text))
    };
    // Secrets that a spec captured are masked also in the reports of those that ended before.
    secrets.report(report)
}

fn telemetry(sightings: &Sightings, masked: impl Fn(&str) -> String) -> Telemetry {
    let census = &sightings.census;
    let refused = census.refusals.iter().map(Refusal::in_full);
    Telemetry {
        listened: Vec::new(),
        spans: census.spans,
        log_records: census.log_records,
        metric_points: census.metric_points,
        refused: refused.map(|text| masked(&text)).collect(),
        refused_count: census.refused,
        late_spans: 0,
    }
}
