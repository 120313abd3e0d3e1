//! One of many requests: it is fired, and its trace judged.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::pace::Due;
use super::pulse::Stalls;
use crate::result::{Phase, StepReport, Trouble, cookies_of, credentials_of};
use crate::secret::Secrets;
use crate::source::receiver::Follow;
use crate::spec::{Called, Scope};
use crate::step::{
    self, DecidedStep, JudgeWhen, Observation, RunContext, StepContext, StepReader, WaitEnd,
    WatchedTrace,
};
use crate::trace::Response;
use crate::trigger::{Session, TraceContext, TriggerError};

/// A request that was answered, or that could not be, and whose trace is not judged yet.
pub(super) struct Answered {
    pub(super) counts: bool,
    /// When it was sent, or should have been; how much later it was; when the answer was there.
    pub(super) fired: Instant,
    pub(super) lateness: Lateness,
    pub(super) responded: Instant,
    pub(super) answer: Result<Response, TriggerError>,
    /// Of the answer, in bytes: it is kept until the trace is judged.
    pub(super) size: usize,
    sent: Sent,
}

/// How much later than intended a request was sent, and whose work that is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Lateness {
    /// This machine was not quick enough.
    pub(super) own: Duration,
    /// Nor was it while the answer was waited for: it stood still for so long.
    pub(super) stalled: Duration,
    /// So many others were unanswered that it had to wait.
    pub(super) held_back: Duration,
}

impl Lateness {
    /// `crowded` is when there was last no room for another request, for those before it were
    /// unanswered.
    fn new(intended: Instant, crowded: Option<Instant>, sent: Instant) -> Self {
        let possible = crowded.map_or(intended, |crowded| crowded.max(intended));
        let possible = possible.min(sent);
        Self {
            own: sent.saturating_duration_since(possible),
            stalled: Duration::ZERO,
            held_back: possible.saturating_duration_since(intended),
        }
    }

    /// How much later it was sent.
    fn whole(self) -> Duration {
        self.own + self.held_back
    }
}

/// What of a request waits for the answer.
struct Sent {
    scope: Scope,
    context: TraceContext,
    follow: Follow,
    called: Called,
    report: StepReport,
    /// Credentials: they become secrets of the run only if the request is told of.
    secrets: Vec<String>,
}

/// A request and all that became of it.
pub(super) struct Done<'a> {
    pub(super) counts: bool,
    pub(super) report: StepReport,
    pub(super) end: Option<WaitEnd>,
    /// Its trace, if a further span could change the verdict.
    pub(super) watched: Option<WatchedTrace>,
    /// What may not be shown of it.
    pub(super) secrets: Vec<String>,
    pub(super) context: StepContext<'a>,
    pub(super) is_refused: bool,
    pub(super) waited: Option<Duration>,
    pub(super) lateness: Lateness,
    pub(super) fired: Instant,
    pub(super) responded: Instant,
    pub(super) size: usize,
}

/// What all requests have in common.
pub(super) struct Pattern<'a> {
    pub(super) run: &'a RunContext<'a>,
    pub(super) reader: StepReader<'a>,
    pub(super) scope: Scope,
    pub(super) session: Arc<Session>,
    /// Whether something of the traces is measured.
    pub(super) measures: bool,
    /// How well this machine does.
    pub(super) stalls: Arc<Stalls>,
}

impl<'a> Pattern<'a> {
    /// Sends a request; the answer will be among those in flight. `crowded` is when there was last no
    /// room for it.
    ///
    /// # Errors
    /// The request itself if it cannot be read.
    pub(super) fn send(
        &self,
        due: Due,
        crowded: Option<Instant>,
        in_flight: &mut JoinSet<Answered>,
    ) -> Result<(), Box<Done<'a>>> {
        let mut scope = self.scope.clone();
        let mut report = step::blank(self.reader.step, Phase::Test);
        let (trigger, context) = match step::prepare(&self.reader, &mut scope) {
            Ok(prepared) => prepared,
            Err(errors) => {
                let report = report.with_trouble(Trouble::from(&errors));
                return Err(Box::new(self.unsent(due, report)));
            }
        };
        report.trigger = trigger.describe();
        report.trace_id = Some(context.trace_id);
        let sent = Sent {
            scope,
            follow: step::follow(self.run, &trigger, &context),
            called: trigger.called(),
            report,
            secrets: credentials_of(&trigger),
            context: context.clone(),
        };
        let session = self.session.with_own_cookies();
        let stalls = Arc::clone(&self.stalls);
        let starting_until = self.run.options.starting_until;
        in_flight.spawn(async move {
            let now = Instant::now();
            let fired = due.intended.unwrap_or(now);
            let mut lateness = Lateness::new(fired, crowded, now);
            let before = stalls.until(now);
            let answer =
                step::fire_when_possible(starting_until, None, &trigger, &context, &session).await;
            lateness.stalled = stalls.until(Instant::now()).saturating_sub(before);
            sent.answered(due.counts, fired, lateness, answer)
        });
        Ok(())
    }

    fn unsent(&self, due: Due, report: StepReport) -> Done<'a> {
        let now = Instant::now();
        Done {
            counts: due.counts,
            report,
            end: None,
            watched: None,
            secrets: Vec::new(),
            context: self.context(Called::Nothing, now),
            is_refused: false,
            waited: None,
            lateness: Lateness::default(),
            fired: now,
            responded: now,
            size: 0,
        }
    }

    fn context(&self, called: Called, fired: Instant) -> StepContext<'a> {
        StepContext {
            run: self.run,
            step: self.reader.step,
            called,
            fired,
        }
    }

    /// Waits until the trace of an answered request is complete, and judges it.
    pub(super) async fn settle(&self, answered: Answered) -> Done<'a> {
        let waited = answered.waited();
        let Answered {
            counts,
            fired,
            lateness,
            responded,
            answer,
            size,
            sent: mut request,
        } = answered;
        let context = self.context(request.called, fired);
        request.report.timing.response = Some(responded - fired);
        let is_refused = answer.as_ref().is_err_and(TriggerError::is_refused);
        let mut walk = Observation {
            context: context.clone(),
            reader: &self.reader,
            scope: &mut request.scope,
            trace_context: request.context,
            follow: request.follow,
            responded,
            when: JudgeWhen::WhenComplete {
                measures: self.measures,
            },
            secrets: request.secrets,
        };
        let DecidedStep { report, end, basis } = match answer {
            Ok(response) => {
                let cookies = cookies_of(&response);
                walk.secrets.extend(cookies);
                walk.decide(request.report, response).await
            }
            Err(error) => DecidedStep {
                report: walk.report_error(request.report, &error).await,
                end: None,
                basis: None,
            },
        };
        let watched = basis.map(|basis| WatchedTrace::new(basis, walk.follow));
        Done {
            counts,
            report,
            end,
            watched,
            secrets: walk.secrets,
            context,
            is_refused,
            waited,
            lateness,
            fired,
            responded,
            size,
        }
    }
}

impl Sent {
    fn answered(
        self,
        counts: bool,
        fired: Instant,
        lateness: Lateness,
        mut answer: Result<Response, TriggerError>,
    ) -> Answered {
        // Whoever was to be served at a time has waited since then.
        let late = lateness.whole();
        if let Ok(response) = &mut answer {
            response.add_time(late);
        }
        Answered {
            counts,
            fired,
            lateness,
            responded: Instant::now(),
            size: answer.as_ref().map_or(0, Response::size),
            answer,
            sent: self,
        }
    }
}

impl Answered {
    /// How long the caller waited. Where no answer came in time, so long at the least: whoever left
    /// that out would measure a service that stalls by the requests that it served.
    pub(super) fn waited(&self) -> Option<Duration> {
        match &self.answer {
            Ok(response) => response.time(),
            Err(error) if error.is_timeout() => Some(self.responded - self.fired),
            Err(_) => None,
        }
    }
}

impl Done<'_> {
    /// How long the caller would have waited, had this machine sent in time.
    pub(super) fn waited_if_punctual(&self) -> Option<Duration> {
        let waited = self.waited?;
        let Lateness { own, stalled, .. } = self.lateness;
        Some(waited.saturating_sub(own + stalled))
    }

    /// Makes a text safe that is told of a request which is not itself.
    pub(super) fn masked(&self, text: &str) -> String {
        if self.secrets.is_empty() {
            return text.to_owned();
        }
        let known = &self.context.run.secrets;
        if known.has_all(&self.secrets) {
            return known.text(text);
        }
        Secrets::new(self.secrets.iter().cloned()).text(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_else_held_back_is_the_lateness_of_this_machine() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let late = |intended, crowded: Option<u64>, sent| {
            let lateness = Lateness::new(at(intended), crowded.map(at), at(sent));
            (lateness.own.as_millis(), lateness.held_back.as_millis())
        };
        assert_eq!(late(10, None, 10), (0, 0));
        assert_eq!(late(10, None, 25), (15, 0));
        // There was no room until shortly before.
        assert_eq!(late(10, Some(24), 25), (1, 14));
        // There had been room again when it was due.
        assert_eq!(late(10, Some(5), 25), (15, 0));
    }
}
