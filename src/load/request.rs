//! One request of a `repeat`: sends it, and judges its trace.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::measure;
use super::pace::Due;
use super::stalls::Stalls;
use crate::check::HeadEvidence;
use crate::result::{Phase, StepReport, Trouble, cookies_of, credentials_of};
use crate::secret::Secrets;
use crate::source::Follow;
use crate::spec::{Called, Pace, Scope};
use crate::step::{
    self, DecidedStep, JudgeWhen, Observation, RunContext, StepContext, StepReader, TraceUse,
    WaitEnd, WatchedTrace,
};
use crate::trace::{Origin, Response, TraceId};
use crate::trigger::{Session, TraceContext, TriggerError};

/// A request with an answer or an error, whose trace is not judged yet.
pub(super) struct AnsweredRequest {
    pub(super) counts: bool,
    /// The scheduled moment, or that at which it was sent.
    pub(super) fired: Instant,
    pub(super) lateness: SendDelay,
    pub(super) responded: Instant,
    pub(super) answer: Result<Response, TriggerError>,
    /// Size of the answer in bytes. The answer is kept until the trace is judged.
    pub(super) size: usize,
    sent: Box<InFlightRequest>,
}

/// The delay between the scheduled moment of a request and its sending, by cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SendDelay {
    /// Caused by this machine.
    pub(super) own: Duration,
    /// Stalls of this process while it waited for the answer.
    pub(super) stalled: Duration,
    /// Caused by the limit of unanswered requests.
    pub(super) held_back: Duration,
}

impl SendDelay {
    /// `crowded` is the last moment at which the limit of unanswered requests was reached.
    fn new(intended: Instant, crowded: Option<Instant>, sent: Instant) -> Self {
        let possible = crowded.map_or(intended, |crowded| crowded.max(intended));
        let possible = possible.min(sent);
        Self {
            own: sent.saturating_duration_since(possible),
            stalled: Duration::ZERO,
            held_back: possible.saturating_duration_since(intended),
        }
    }

    /// The total delay.
    fn whole(self) -> Duration {
        self.own + self.held_back
    }
}

/// A request that waits for its answer.
struct InFlightRequest {
    scope: Scope,
    context: TraceContext,
    follow: Follow,
    called: Called,
    report: Box<StepReport>,
    /// Credentials. They become secrets of the run only if a report shows the request.
    secrets: Vec<String>,
}

/// A request with its verdict.
pub(super) struct JudgedRequest<'a> {
    pub(super) counts: bool,
    pub(super) report: Box<StepReport>,
    pub(super) end: Option<WaitEnd>,
    /// Its trace, if a further span could change the verdict.
    pub(super) watched: Option<Box<WatchedTrace>>,
    /// Its credentials, cookies and secret captures.
    pub(super) secrets: Vec<String>,
    pub(super) context: StepContext<'a>,
    pub(super) is_refused: bool,
    pub(super) waited: Option<Duration>,
    pub(super) lateness: SendDelay,
    pub(super) fired: Instant,
    pub(super) responded: Instant,
    pub(super) size: usize,
}

/// The common parts of all requests.
pub(super) struct RequestTemplate<'a> {
    pub(super) run: &'a RunContext<'a>,
    pub(super) reader: StepReader<'a>,
    pub(super) scope: Scope,
    pub(super) session: Arc<Session>,
    /// A budget measures the traces.
    pub(super) measures: bool,
    /// Limits the requests whose traces are awaited although no check needs them.
    pub(super) gathering: Semaphore,
    /// The longest response time of a request that counts, in microseconds.
    pub(super) slowest: AtomicU64,
    /// Stalls of this process.
    pub(super) stalls: Arc<Stalls>,
    pub(super) pace: &'a Pace,
    /// The service has answered a request.
    pub(super) has_answers: AtomicBool,
}

impl<'a> RequestTemplate<'a> {
    /// Sends a request, and adds it to `in_flight`. `crowded` is the last moment at which the limit of
    /// unanswered requests was reached.
    ///
    /// # Errors
    /// The request cannot be read; it is returned with its errors.
    pub(super) fn send(
        &self,
        due: Due,
        crowded: Option<Instant>,
        in_flight: &mut JoinSet<AnsweredRequest>,
    ) -> Result<(), Box<JudgedRequest<'a>>> {
        let mut scope = self.scope.clone();
        let mut report = step::blank(self.reader.step, Phase::Test);
        let (trigger, context) = match step::prepare(self.run, &self.reader, &mut scope) {
            Ok(prepared) => prepared,
            Err(errors) => {
                let report = report.with_trouble(Trouble::from(&errors));
                return Err(Box::new(self.unsent(due, report)));
            }
        };
        report.trigger = trigger.describe();
        report.trace_id = Some(context.trace_id);
        let sent = Box::new(InFlightRequest {
            scope,
            follow: step::follow(self.run, &trigger, &context),
            called: trigger.called(),
            report,
            secrets: credentials_of(&trigger),
            context: context.clone(),
        });
        let session = self.session.with_own_cookies();
        let stalls = Arc::clone(&self.stalls);
        let starting_until = self.run.options.starting_until;
        in_flight.spawn(async move {
            let now = Instant::now();
            let fired = due.intended.unwrap_or(now);
            let mut lateness = SendDelay::new(fired, crowded, now);
            let before = stalls.until(now);
            let answer =
                step::fire_when_possible(starting_until, None, &trigger, &context, &session).await;
            lateness.stalled = stalls.until(Instant::now()).saturating_sub(before);
            sent.answered(due.counts, fired, lateness, answer)
        });
        Ok(())
    }

    /// Reads a trace that exists, and judges it.
    pub(super) async fn judge_found(&self, id: TraceId) -> JudgedRequest<'a> {
        let mut scope = self.scope.clone();
        scope.set_trace_id(id);
        let mut report = step::blank(self.reader.step, Phase::Test);
        report.trigger = format!("trace {id}");
        report.trace_id = Some(id);
        let follow = self.run.source.follow(id, Origin::Foreign);
        let now = Instant::now();
        let found = Box::new(InFlightRequest {
            scope,
            context: TraceContext {
                trace_id: id,
                ..TraceContext::random()
            },
            follow,
            called: Called::Found,
            report,
            secrets: Vec::new(),
        });
        let nothing = Ok(Response::None);
        let answered = found.answered(true, now, SendDelay::default(), nothing);
        self.settle(answered).await
    }

    fn unsent(&self, due: Due, report: Box<StepReport>) -> JudgedRequest<'a> {
        let now = Instant::now();
        JudgedRequest {
            counts: due.counts,
            report,
            end: None,
            watched: None,
            secrets: Vec::new(),
            context: self.context(Called::Nothing, now),
            is_refused: false,
            waited: None,
            lateness: SendDelay::default(),
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
            sent: None,
            fired,
        }
    }

    /// The remedy of an error whose cause is the load.
    fn advice(&self, error: &TriggerError) -> Option<String> {
        let is_open = matches!(self.pace, Pace::Open { .. });
        let load = if is_open { "`rate`" } else { "`concurrency`" };
        match error {
            TriggerError::TooManyFiles { .. } => Some(format!(
                "reduce {load}, or raise the limit: `ulimit -n 8192`"
            )),
            // The port is the right one, since other requests have answers.
            TriggerError::Closed { .. } if self.has_answers.load(Ordering::Relaxed) => {
                Some(format!(
                    "reduce {load}, or check the service: it crashed or restarted, has a limit of connections, or closes idle ones"
                ))
            }
            _ => None,
        }
    }

    /// Returns `true` if a trace that no check needs is awaited nevertheless: the report shows that of
    /// the slowest request, and counts the versions in a share of all.
    fn gathers(&self, answered: &AnsweredRequest, is_permitted: bool) -> bool {
        let waited = answered.waited().map_or(0, measure::micros).max(1);
        let is_slowest =
            answered.counts && self.slowest.fetch_max(waited, Ordering::Relaxed) < waited;
        is_slowest || is_permitted
    }

    /// Waits until the trace of an answered request is complete, and judges it.
    pub(super) async fn settle(&self, answered: AnsweredRequest) -> JudgedRequest<'a> {
        let waited = answered.waited();
        let gathering = self.gathering.try_acquire();
        let when = JudgeWhen::WhenComplete(if self.measures {
            TraceUse::Measured
        } else if self.gathers(&answered, gathering.is_ok()) {
            TraceUse::Shown
        } else {
            TraceUse::Unused
        });
        let AnsweredRequest {
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
            metrics: None,
            head: HeadEvidence {
                trace_state: request.context.trace_state.clone(),
                ..HeadEvidence::default()
            },
            context: context.clone(),
            reader: &self.reader,
            scope: &mut request.scope,
            trace_context: request.context,
            follow: request.follow,
            responded,
            when,
            secrets: request.secrets,
        };
        let DecidedStep { report, end, basis } = match answer {
            Ok(response) => {
                self.has_answers.store(true, Ordering::Relaxed);
                let cookies = cookies_of(&response);
                walk.secrets.extend(cookies);
                request
                    .report
                    .notices
                    .extend(step::response_notes(&response));
                walk.decide(request.report, response).await
            }
            Err(error) => {
                let mut report = Box::pin(walk.report_error(request.report, &error)).await;
                if let Some((trouble, advice)) = report.trouble.as_mut().zip(self.advice(&error)) {
                    trouble.help = vec![advice];
                }
                DecidedStep {
                    report,
                    end: None,
                    basis: None,
                }
            }
        };
        let watched = basis.map(|basis| Box::new(WatchedTrace::new(basis, walk.follow)));
        JudgedRequest {
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

impl InFlightRequest {
    fn answered(
        self: Box<Self>,
        counts: bool,
        fired: Instant,
        lateness: SendDelay,
        mut answer: Result<Response, TriggerError>,
    ) -> AnsweredRequest {
        // The caller has waited since the scheduled moment.
        let late = lateness.whole();
        if let Ok(response) = &mut answer {
            response.add_time(late);
        }
        AnsweredRequest {
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

impl AnsweredRequest {
    /// The response time. A timeout counts as its length, since otherwise requests during a stall of
    /// the service would be missing from the measurement.
    pub(super) fn waited(&self) -> Option<Duration> {
        match &self.answer {
            Ok(response) => response.time(),
            Err(error) if error.is_timeout() => Some(self.responded - self.fired),
            Err(_) => None,
        }
    }
}

impl JudgedRequest<'_> {
    /// The response time without delays that this machine caused.
    pub(super) fn waited_if_punctual(&self) -> Option<Duration> {
        let waited = self.waited?;
        let SendDelay { own, stalled, .. } = self.lateness;
        Some(waited.saturating_sub(own + stalled))
    }

    /// Masks the secrets of the request in a text.
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
            let lateness = SendDelay::new(at(intended), crowded.map(at), at(sent));
            (lateness.own.as_millis(), lateness.held_back.as_millis())
        };
        assert_eq!(late(10, None, 10), (0, 0));
        assert_eq!(late(10, None, 25), (15, 0));
        // The limit was reached until shortly before.
        assert_eq!(late(10, Some(24), 25), (1, 14));
        // The limit was not reached any more when it was due.
        assert_eq!(late(10, Some(5), 25), (15, 0));
    }
}
