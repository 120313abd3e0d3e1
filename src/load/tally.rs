//! What all requests came to. Of each only numbers are kept, and of a few all that is known.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use super::measure;
use super::request::Done;
use crate::budget::Samples;
use crate::check::{CheckRef, Judged, Outcome, Unjudged};
use crate::result::{Exemplar, Failing, Measured, Versions};
use crate::spec::{Budget, Location, Measure, Pace};
use crate::step::WaitEnd;

/// So many different things that went wrong are told apart.
const MOST_FAILING: usize = 1_000;

/// The requests that count, so far.
pub(super) struct Tally<'a> {
    budgets: &'a [Budget],
    /// Whether a trace that is not complete tells nothing.
    measures: bool,
    pub(super) requests: u64,
    pub(super) failed: u64,
    pub(super) errored: u64,
    pub(super) response_times: Samples,
    /// In an open loop, without the lateness of this machine.
    pub(super) punctual_times: Option<Samples>,
    pub(super) failing: Vec<Failing>,
    measured: Vec<Measured>,
    /// What may not be shown of the slowest of each budget.
    pub(super) secrets: Vec<Vec<String>>,
    pub(super) first_failed: Option<Done<'a>>,
    pub(super) first_errored: Option<Done<'a>>,
    slowest: Option<(Rank, Done<'a>)>,
    first: Option<Instant>,
    last: Option<Instant>,
}

/// The slowest of the requests that are well stands for all; one that is not only where there is
/// no other.
type Rank = (bool, Option<u64>);

/// What became of a request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Well,
    Failed,
    Errored,
}

impl<'a> Tally<'a> {
    pub(super) fn new(budgets: &'a [Budget], pace: &Pace) -> Self {
        let punctual = || matches!(pace, Pace::Open { .. }).then(Samples::default);
        let measured = budgets.iter().map(|budget| Measured {
            subject: budget.subject.clone(),
            at: budget.at.clone(),
            quantiles: budget.quantiles.iter().map(|one| one.quantile).collect(),
            samples: Samples::default(),
            missing: 0,
            punctual: match budget.measure {
                Measure::ResponseTime => punctual(),
                _ => None,
            },
            version: None,
            versions: Versions::default(),
            slowest: None,
            before: None,
            judged: Vec::new(),
        });
        Self {
            budgets,
            measures: measure::any_looks_at_trace(budgets),
            requests: 0,
            failed: 0,
            errored: 0,
            response_times: Samples::default(),
            punctual_times: punctual(),
            failing: Vec::new(),
            measured: measured.collect(),
            secrets: vec![Vec::new(); budgets.len()],
            first_failed: None,
            first_errored: None,
            slowest: None,
            first: None,
            last: None,
        }
    }

    /// What was measured, one for each budget.
    pub(super) fn measured(&mut self) -> Vec<Measured> {
        let mut measured = std::mem::take(&mut self.measured);
        for one in &mut measured {
            one.version = one.versions.in_a_line();
        }
        measured
    }

    /// How many were not well.
    pub(super) fn not_well(&self) -> u64 {
        self.failed + self.errored
    }

    /// From the first request to the last answer.
    pub(super) fn duration(&self) -> Duration {
        match (self.first, self.last) {
            (Some(first), Some(last)) => last.saturating_duration_since(first),
            _ => Duration::ZERO,
        }
    }

    /// The request that stands for all.
    pub(super) fn slowest(&mut self) -> Option<Done<'a>> {
        let slowest = self.slowest.take().map(|(_, done)| done);
        slowest
            .or_else(|| self.first_failed.take())
            .or_else(|| self.first_errored.take())
    }

    /// Counts a request.
    pub(super) fn add(&mut self, mut done: Done<'a>) {
        self.requests += 1;
        self.first = Some(self.first.map_or(done.fired, |at| at.min(done.fired)));
        self.last = self.last.max(Some(done.responded));
        let time = done.waited.map(micros);
        time.into_iter()
            .for_each(|time| self.response_times.add(time));
        let punctual = done.waited_if_punctual().map(micros);
        let all = self.punctual_times.as_mut();
        if let Some((all, time)) = all.zip(punctual) {
            all.add(time);
        }
        let first_sample = self.measure(&mut done);
        let fate = self.fate(&done);
        match fate {
            Fate::Well => {}
            Fate::Failed => self.failed += 1,
            Fate::Errored => self.errored += 1,
        }
        self.note_what_failed(&done, fate);
        let speed = match self.budgets {
            [] => time,
            _ => first_sample,
        };
        self.keep(done, fate, speed);
    }

    fn fate(&self, done: &Done<'_>) -> Fate {
        let has_holes = done
            .report
            .trace
            .iter()
            .any(|trace| !trace.holes().is_empty());
        let is_unmeasured =
            self.measures && (has_holes || matches!(done.end, Some(WaitEnd::TimedOut(_))));
        if done.report.failures().next().is_some() {
            Fate::Failed
        } else if done.report.has_failed() || is_unmeasured {
            Fate::Errored
        } else {
            Fate::Well
        }
    }

    /// Adds the samples of a request to those of each budget; gives the one of the first budget.
    fn measure(&mut self, done: &mut Done<'_>) -> Option<u64> {
        let trace = done.report.trace.clone();
        let mut first = None;
        for (at, budget) in self.budgets.iter().enumerate() {
            let is_usable = done.report.was_closed || !budget.is_about_trace();
            let trace_seen = trace.as_ref().filter(|_| is_usable);
            let sample = match measure::sample(budget, done.waited, trace_seen.map(AsRef::as_ref)) {
                Ok(Some(sample)) => sample,
                Ok(None) if !is_usable => {
                    self.measured[at].samples.add_unknown();
                    continue;
                }
                Ok(None) => {
                    self.measured[at].missing += u64::from(budget.is_about_trace());
                    continue;
                }
                Err(why) => {
                    self.measured[at].samples.add_unknown();
                    done.report.checks.push(unmeasured(at, budget, why));
                    continue;
                }
            };
            if at == 0 {
                first = Some(sample.micros);
            }
            let measured = &mut self.measured[at];
            measured.samples.add(sample.micros);
            let punctual = done.waited_if_punctual().map(micros);
            if let Some((all, time)) = measured.punctual.as_mut().zip(punctual) {
                all.add(time);
            }
            if let Some((service, version)) = &sample.version {
                measured.versions.add(service, version);
            }
            let longest = measured.slowest.as_ref().map(|slowest| slowest.micros);
            if let Some(trace) = trace_seen
                && longest < Some(sample.micros)
            {
                self.secrets[at].clone_from(&done.secrets);
                measured.slowest = Some(Exemplar {
                    trace_id: trace.id(),
                    micros: sample.micros,
                    trace: trace.clone(),
                    saved: None,
                });
            }
        }
        first
    }

    fn note_what_failed(&mut self, done: &Done<'_>, fate: Fate) {
        match fate {
            Fate::Well => {}
            Fate::Failed => {
                let failed = |judged: &&Judged| judged.outcome.failure().is_some();
                for judged in done.report.checks.iter().filter(failed) {
                    self.count_failed(judged, done);
                }
            }
            Fate::Errored => {
                let (what, at) = why_errored(done);
                self.count_errored(&done.masked(&what), at);
            }
        }
    }

    fn count_failed(&mut self, judged: &Judged, done: &Done<'_>) {
        let is_it = |known: &&mut Failing| known.check == Some(judged.check);
        match self.failing.iter_mut().find(is_it) {
            Some(known) => known.requests += 1,
            None => self.failing.push(Failing {
                check: Some(judged.check),
                what: done.masked(&judged.what),
                at: Some(judged.at.clone()),
                requests: 1,
            }),
        }
    }

    fn count_errored(&mut self, what: &str, at: Option<&Location>) {
        let is_full = self.failing.len() >= MOST_FAILING;
        // Where the words differ each time, the place in the spec has to do.
        let is_it = |known: &&mut Failing| {
            known.check.is_none() && known.at.as_ref() == at && (known.what == what || is_full)
        };
        match self.failing.iter_mut().find(is_it) {
            Some(known) => known.requests += 1,
            None if is_full => {}
            None => self.failing.push(Failing {
                check: None,
                what: what.to_owned(),
                at: at.cloned(),
                requests: 1,
            }),
        }
    }

    fn keep(&mut self, done: Done<'a>, fate: Fate, speed: Option<u64>) {
        let rank = (fate == Fate::Well, speed);
        match fate {
            Fate::Failed if self.first_failed.is_none() => self.first_failed = Some(done),
            Fate::Errored if self.first_errored.is_none() => self.first_errored = Some(done),
            _ if self.slowest.as_ref().is_none_or(|(known, _)| *known < rank) => {
                self.slowest = Some((rank, done));
            }
            _ => {}
        }
    }
}

/// The check that stands for a budget which a request leaves open.
fn unmeasured(index: usize, budget: &Budget, why: Unjudged) -> Judged {
    Judged {
        check: CheckRef::Measurement(index),
        what: format!("measurement of {}", budget.subject),
        at: budget.at.clone(),
        outcome: Outcome::Unjudged(why),
    }
}

pub(super) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// Why a request could not be judged, in words that are the same for all that have the same reason.
fn why_errored<'d>(done: &'d Done<'_>) -> (Cow<'d, str>, Option<&'d Location>) {
    if let Some(trouble) = &done.report.trouble {
        return (Cow::Borrowed(&trouble.what), trouble.at.as_ref());
    }
    let unjudged = done.report.checks.iter().find_map(|judged| {
        let Outcome::Unjudged(why) = &judged.outcome else {
            return None;
        };
        Some((why, &judged.at))
    });
    let at = Some(&done.context.step.at);
    match unjudged {
        Some((
            why @ (Unjudged::Lost(_)
            | Unjudged::NotCaptured(_)
            | Unjudged::NoDuration(..)
            | Unjudged::Dropped(..)),
            at,
        )) => (Cow::Owned(why.to_string()), Some(at)),
        // Without the sender, whose port differs each time.
        Some((Unjudged::Hole(hole), at)) => (Cow::Borrowed(&*hole.reason), Some(at)),
        _ if done.report.trace.is_none() => (Cow::Owned(Unjudged::NoSpans.to_string()), at),
        _ => (Cow::Borrowed("the trace is not complete"), at),
    }
}
