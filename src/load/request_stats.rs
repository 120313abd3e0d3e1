//! Statistics of all requests. Keeps counts and samples of all, and the reports of a few.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::measure::{self, Side, micros};
use super::request::JudgedRequest;
use super::share::ShareCount;
use super::sides::{ChosenSides, Sides};
use crate::budget::Samples;
use crate::check::{CheckRef, Judged, Outcome, Unjudged};
use crate::number::Unit;
use crate::result::{
    Before, Exemplar, FailedTrace, Failing, KeptShare, Measured, Trouble, Versions,
};
use crate::spec::{Budget, ExpectedShare, Location, Measure, Pace};
use crate::trace::Nanos;

/// Maximum number of distinct errors.
const MAX_ERRORS: usize = 1_000;

/// Statistics of the requests after the warm-up.
pub(super) struct RequestStats<'a> {
    budgets: &'a [Budget],
    /// A budget or a share measures the traces, so an incomplete trace makes a request errored.
    measures: bool,
    share: Option<ShareCount>,
    pub(super) requests: u64,
    pub(super) failed: u64,
    pub(super) errored: u64,
    pub(super) response_times: Samples,
    /// Response times without delays that this machine caused; only in an open loop.
    pub(super) punctual_times: Option<Samples>,
    pub(super) failing: Vec<Failing>,
    /// Notes about the traces that a search found.
    pub(super) search_notes: Vec<String>,
    measured: Vec<Measured>,
    /// The values of each version, one entry for each budget; empty if it does not compare versions.
    sides: Vec<Sides>,
    /// The secrets of the slowest request of each budget.
    pub(super) secrets: Vec<Vec<String>>,
    pub(super) first_failed: Option<JudgedRequest<'a>>,
    /// The failed traces of a search, the worst first; `first_failed` remains empty.
    worst: Vec<(Badness, JudgedRequest<'a>)>,
    is_search: bool,
    pub(super) first_errored: Option<JudgedRequest<'a>>,
    slowest: Option<(Rank, JudgedRequest<'a>)>,
    first: Option<Instant>,
    last: Option<Instant>,
}

/// The order of requests for the representative one: those that passed before others, then the
/// slowest.
type Rank = (bool, Option<f64>);

/// The order of the failed traces of a search: the number of failed checks, then the duration.
type Badness = (usize, Nanos);

/// Maximum number of failed traces of a search that a report shows.
const MOST_SHOWN: usize = 3;

/// The outcome of a request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum RequestOutcome {
    Passed,
    Failed,
    Errored,
}

impl<'a> RequestStats<'a> {
    pub(super) fn new(
        budgets: &'a [Budget],
        share: Option<Arc<ExpectedShare>>,
        pace: &Pace,
    ) -> Self {
        let punctual = || matches!(pace, Pace::Open { .. }).then(Samples::default);
        let measured = budgets.iter().map(|budget| Measured {
            subject: budget.subject.clone(),
            at: budget.at.clone(),
            quantiles: budget.quantiles.iter().map(|one| one.quantile).collect(),
            measure: budget.measure.name(),
            samples: Samples::of(budget.measure.unit()),
            is_found: false,
            expects_none: budget.expects_none(),
            missing: 0,
            punctual: match budget.measure {
                Measure::ResponseTime => punctual(),
                _ => None,
            },
            version: None,
            versions: Versions::default(),
            largest: None,
            before: None,
            judged: Vec::new(),
        });
        Self {
            budgets,
            measures: measure::any_looks_at_trace(budgets) || share.is_some(),
            share: share.map(ShareCount::new),
            requests: 0,
            failed: 0,
            errored: 0,
            response_times: Samples::default(),
            punctual_times: punctual(),
            failing: Vec::new(),
            search_notes: Vec::new(),
            measured: measured.collect(),
            sides: budgets
                .iter()
                .map(|budget| Sides::of(budget.measure.unit()))
                .collect(),
            secrets: vec![Vec::new(); budgets.len()],
            first_failed: None,
            worst: Vec::new(),
            is_search: matches!(pace, Pace::Search { .. }),
            first_errored: None,
            slowest: None,
            first: None,
            last: None,
        }
    }

    /// The measurements, one for each budget.
    pub(super) fn measured(&mut self) -> Vec<Measured> {
        let mut measured = std::mem::take(&mut self.measured);
        for one in &mut measured {
            one.version = one.version.take().or_else(|| one.versions.in_a_line());
        }
        measured
    }

    /// Replaces the values of a budget.
    pub(super) fn replace_samples(&mut self, budget: usize, samples: Samples) {
        self.measured[budget].is_found = !samples.is_empty();
        self.measured[budget].samples = samples;
        self.measured[budget].missing = 0;
    }

    /// Replaces the values of the versions that a budget compares.
    pub(super) fn replace_sides(&mut self, budget: usize, samples: BTreeMap<String, Samples>) {
        self.sides[budget].replace(samples);
        self.measured[budget].missing = 0;
    }

    /// Chooses the versions of budgets that compare them: the older becomes the baseline, the newer is
    /// judged.
    ///
    /// # Errors
    /// A version is missing, or it is not known which ones are meant.
    pub(super) fn compare_versions(&mut self) -> Result<(), Trouble> {
        let parts = self.budgets.iter().zip(&mut self.measured);
        for ((budget, measured), sides) in parts.zip(&mut self.sides) {
            let Some(compare) = &budget.compare else {
                continue;
            };
            let chosen = std::mem::take(sides).choose(compare);
            let ChosenSides { from, to } = chosen.map_err(|why| {
                Trouble::new(&format!("the versions of {} cannot be compared: {why}", budget.subject))
                    .with_location(Some(compare.at.clone()))
                    .with_help(["name both, as in `compare: { resource: service.version, from: v2.3.0, to: v2.4.0 }`, and choose `since` so that both ran"])
            })?;
            measured.before = Some(Before {
                samples: from.1.samples,
                version: Some(from.0),
                path: None,
            });
            measured.samples = to.1.samples;
            measured.largest = to.1.largest;
            measured.versions = Versions::default();
            measured.version = Some(to.0);
        }
        Ok(())
    }

    /// The secrets of the requests that a report may show.
    pub(super) fn shown_secrets(&self) -> Vec<String> {
        let slowest = self.slowest.as_ref().map(|(_, done)| done);
        let shown = [
            slowest,
            self.first_failed.as_ref(),
            self.first_errored.as_ref(),
        ];
        let worst = self.worst.iter().map(|(_, done)| done);
        let shown = shown
            .into_iter()
            .flatten()
            .chain(worst)
            .map(|done| &done.secrets);
        shown.chain(&self.secrets).flatten().cloned().collect()
    }

    /// Number of requests that failed or could not be judged.
    pub(super) fn not_passed(&self) -> u64 {
        self.failed + self.errored
    }

    /// The time from the first request to the last answer.
    pub(super) fn duration(&self) -> Duration {
        match (self.first, self.last) {
            (Some(first), Some(last)) => last.saturating_duration_since(first),
            _ => Duration::ZERO,
        }
    }

    /// The representative request.
    pub(super) fn slowest(&mut self) -> Option<JudgedRequest<'a>> {
        let slowest = self.slowest.take().map(|(_, done)| done);
        slowest
            .or_else(|| self.take_failed())
            .or_else(|| self.first_errored.take())
    }

    /// Counts a request.
    pub(super) fn add(&mut self, mut done: JudgedRequest<'a>) {
        self.requests += 1;
        self.first = Some(self.first.map_or(done.fired, |at| at.min(done.fired)));
        self.last = self.last.max(Some(done.responded));
        let time = done.waited.map(|time| micros(time) as f64);
        time.into_iter()
            .for_each(|time| self.response_times.add(time));
        let punctual = done.waited_if_punctual().map(micros);
        let all = self.punctual_times.as_mut();
        if let Some((all, time)) = all.zip(punctual) {
            all.add(time as f64);
        }
        let first_duration = self.measure(&mut done);
        self.count_kept(&mut done);
        let outcome = self.outcome(&done);
        match outcome {
            RequestOutcome::Passed => {}
            RequestOutcome::Failed => self.failed += 1,
            RequestOutcome::Errored => self.errored += 1,
        }
        self.note_what_failed(&done, outcome);
        let speed = match self.first_of_time() {
            None => time,
            Some(_) => first_duration,
        };
        self.keep(done, outcome, speed);
    }

    fn outcome(&self, done: &JudgedRequest<'_>) -> RequestOutcome {
        let is_unmeasured = self.measures && !done.report.was_closed;
        if done.report.failures().next().is_some() {
            RequestOutcome::Failed
        } else if done.report.has_failed() || is_unmeasured {
            RequestOutcome::Errored
        } else {
            RequestOutcome::Passed
        }
    }

    /// The first budget that measures a duration.
    fn first_of_time(&self) -> Option<usize> {
        let mut budgets = self.budgets.iter();
        budgets.position(|budget| budget.measure.unit() == Unit::Micros)
    }

    /// Adds the samples of a request to each budget. Returns that of the first budget of durations.
    fn measure(&mut self, done: &mut JudgedRequest<'_>) -> Option<f64> {
        let trace = done.report.trace.clone();
        let (mut first, timed) = (None, self.first_of_time());
        for (at, budget) in self.budgets.iter().enumerate() {
            let is_usable = done.report.was_closed || !budget.is_about_trace();
            let trace_seen = trace.as_ref().filter(|_| is_usable);
            let sample = match measure::sample(budget, done.waited, trace_seen.map(AsRef::as_ref)) {
                Ok(Some(sample)) => sample,
                Ok(None) if !is_usable => {
                    self.measured[at].samples.add_unknown();
                    self.sides[at].add_unknown();
                    continue;
                }
                Ok(None) => {
                    self.measured[at].missing += u64::from(budget.is_about_trace());
                    continue;
                }
                Err(why) => {
                    self.measured[at].samples.add_unknown();
                    self.sides[at].add_unknown();
                    done.report.checks.push(unmeasured(at, budget, why));
                    continue;
                }
            };
            if Some(at) == timed {
                first = Some(sample.value);
            }
            let measured = &mut self.measured[at];
            measured.samples.add(sample.value);
            measured.is_found |= sample.is_found;
            match &sample.side {
                Side::None => {}
                Side::Version(version) => self.sides[at].add(version, sample.value, trace_seen),
                Side::Unknown => self.sides[at].add_unknown(),
            }
            let punctual = done.waited_if_punctual().map(micros);
            if let Some((all, time)) = measured.punctual.as_mut().zip(punctual) {
                all.add(time as f64);
            }
            if let Some((service, version)) = &sample.version {
                measured.versions.add(service, version);
            }
            let largest = measured.largest.as_ref().map(|largest| largest.value);
            if let Some(trace) = trace_seen
                && largest < Some(sample.value)
            {
                self.secrets[at].clone_from(&done.secrets);
                measured.largest = Some(Exemplar {
                    trace_id: trace.id(),
                    value: sample.value,
                    trace: trace.clone(),
                    saved: None,
                });
            }
        }
        first
    }

    /// Adds the decision of the sampler about a request.
    fn count_kept(&mut self, done: &mut JudgedRequest<'_>) {
        let Some(share) = &mut self.share else {
            return;
        };
        let trace = done.report.trace.as_deref();
        let unjudged = share.add(trace.filter(|_| done.report.was_closed));
        done.report.checks.extend(unjudged);
    }

    /// The share of traces that a sampler keeps.
    pub(super) fn kept_share(&self) -> Option<KeptShare> {
        self.share.as_ref().map(ShareCount::share)
    }

    fn note_what_failed(&mut self, done: &JudgedRequest<'_>, outcome: RequestOutcome) {
        match outcome {
            RequestOutcome::Passed => {}
            RequestOutcome::Failed => {
                let failed = |judged: &&Judged| judged.outcome.failure().is_some();
                for judged in done.report.checks.iter().filter(failed) {
                    self.count_failed(judged, done);
                }
            }
            RequestOutcome::Errored => {
                let (what, at) = why_errored(done);
                self.count_errored(&done.masked(&what), at);
            }
        }
    }

    fn count_failed(&mut self, judged: &Judged, done: &JudgedRequest<'_>) {
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
        let is_full = self.failing.len() >= MAX_ERRORS;
        // With too many distinct texts, errors are grouped by location.
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

    fn keep_worst(&mut self, done: JudgedRequest<'a>) {
        let trace = done.report.trace.as_ref();
        let duration = trace.map_or(0, |trace| trace.least_duration());
        let badness = (done.report.failures().count(), duration);
        let at = self.worst.partition_point(|(of, _)| *of >= badness);
        self.worst.insert(at, (badness, done));
        self.worst.truncate(MOST_SHOWN);
    }

    /// The request that represents those that failed.
    pub(super) fn take_failed(&mut self) -> Option<JudgedRequest<'a>> {
        match self.worst.is_empty() {
            true => self.first_failed.take(),
            false => Some(self.worst.remove(0).1),
        }
    }

    /// The other failed traces of a search that a report shows.
    pub(super) fn other_failed(&self) -> Vec<FailedTrace> {
        let shown = self.worst.iter().skip(1).filter_map(|(_, done)| {
            let failed = done.report.checks.iter();
            let failed = failed.filter(|judged| judged.outcome.failure().is_some());
            Some(FailedTrace {
                trace: done.report.trace.clone()?,
                failed: failed.map(|judged| judged.what.clone()).collect(),
                saved: None,
            })
        });
        shown.collect()
    }

    fn keep(&mut self, done: JudgedRequest<'a>, outcome: RequestOutcome, speed: Option<f64>) {
        let rank = (outcome == RequestOutcome::Passed, speed);
        match outcome {
            RequestOutcome::Failed if self.is_search => self.keep_worst(done),
            RequestOutcome::Failed if self.first_failed.is_none() => self.first_failed = Some(done),
            RequestOutcome::Errored if self.first_errored.is_none() => {
                self.first_errored = Some(done)
            }
            _ if self.slowest.as_ref().is_none_or(|(known, _)| *known < rank) => {
                self.slowest = Some((rank, done));
            }
            _ => {}
        }
    }
}

/// A check for a budget whose quantity a request does not determine.
fn unmeasured(index: usize, budget: &Budget, why: Unjudged) -> Judged {
    Judged {
        check: CheckRef::Measurement(index),
        what: format!("measurement of {}", budget.subject),
        at: budget.at.clone(),
        outcome: Outcome::Unjudged(why),
    }
}

/// The reason why a request could not be judged, without details that differ between requests.
fn why_errored<'d>(done: &'d JudgedRequest<'_>) -> (Cow<'d, str>, Option<&'d Location>) {
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
            | Unjudged::Dropped(..)
            | Unjudged::OtherType(..)
            | Unjudged::SeveralKeys(..)
            | Unjudged::NoNumber(..)
            | Unjudged::NotUtf8
            | Unjudged::StillOpen
            | Unjudged::UnknownDetail(_)
            | Unjudged::Sampling { .. }
            | Unjudged::Rule { .. }
            | Unjudged::Propagation { .. }
            | Unjudged::Undecoded(_)),
            at,
        )) => (Cow::Owned(why.to_string()), Some(at)),
        // Without the number of bytes, which differs between requests.
        Some((Unjudged::Truncated(_), at)) => (
            Cow::Borrowed("the start of the output was dropped"),
            Some(at),
        ),
        // Without the sender, whose port differs between requests.
        Some((Unjudged::Hole(hole), at)) => (Cow::Borrowed(&*hole.reason), Some(at)),
        _ if done
            .report
            .trace
            .as_ref()
            .is_none_or(|trace| trace.is_empty()) =>
        {
            (Cow::Owned(Unjudged::NoSpans.to_string()), at)
        }
        _ => (Cow::Borrowed("the trace is not complete"), at),
    }
}
