//! Fires the trigger of a step: once, or with `poll` until the response meets `until`.
//!
//! Each try has a trace of its own, so that no span of an earlier try counts for the last one.

use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use super::completeness::LONGEST;
use super::conformance::run_cases;
use super::fire::{fire_when_possible, follow, prepare};
use super::run_context::RunContext;
use super::step_reader::StepReader;
use crate::check::{self, Judged, Outcome};
use crate::number::duration;
use crate::result::{Phase, StepReport, Tries, Trouble, cookies_of, credentials_of};
use crate::source::Follow;
use crate::spec::{Poll, Scope, Trigger};
use crate::trace::Response;
use crate::trigger::{Session, TraceContext, TriggerError};

/// The parts of a step that all tries share.
pub(super) struct Tryout<'a> {
    pub(super) run: &'a RunContext<'a>,
    pub(super) reader: &'a StepReader<'a>,
    pub(super) phase: Phase,
    pub(super) session: &'a Session,
}

/// A trigger that was fired.
pub(super) struct FiredTry {
    pub(super) trigger: Arc<Trigger>,
    pub(super) trace_context: TraceContext,
    pub(super) follow: Follow,
    pub(super) fired: Instant,
    pub(super) responded: Instant,
    pub(super) answer: TryAnswer,
}

/// The answer to a try.
pub(super) enum TryAnswer {
    /// A response to judge.
    Response(Response),
    /// A response that does not meet `until`, with the conditions that it does not meet.
    Unmet(Response, Vec<Judged>),
    /// No response.
    Error(TriggerError),
    /// No response before the timeout of the poll.
    TooLate,
}

impl Tryout<'_> {
    /// Fires the trigger, and again until a response meets `until` or the time is over. Records the
    /// reported try in the report.
    ///
    /// # Errors
    /// The step cannot be read, or the run was stopped.
    pub(super) async fn fire(
        &self,
        scope: &mut Scope,
        report: &mut StepReport,
    ) -> Result<FiredTry, Trouble> {
        let step = self.reader.step;
        let poll = step.poll(scope);
        match poll.map_err(|errors| Trouble::from(&errors))? {
            None => self.fire_once(scope, report, None).await,
            Some(poll) => self.fire_until_met(&poll, scope, report).await,
        }
    }

    async fn fire_until_met(
        &self,
        poll: &Poll,
        scope: &mut Scope,
        report: &mut StepReport,
    ) -> Result<FiredTry, Trouble> {
        let mut started = Instant::now();
        let deadline = started + poll.timeout.min(LONGEST);
        let mut reported = self.fire_and_compare(scope, report, deadline).await?;
        let mut is_last = reported.ends_poll();
        let mut tries = Tries::one();
        let mut in_vain = 0;
        loop {
            let next = Instant::now().max(started + poll.every.min(LONGEST));
            if is_last || next >= deadline {
                break;
            }
            let pause = tokio::time::sleep_until(next.into());
            let paused = self.unless_stopped(pause).await;
            started = Instant::now();
            let fired = match paused {
                // The pause can take longer than intended.
                Ok(()) if started >= deadline => break,
                Ok(()) => self.fire_and_compare(scope, report, deadline).await,
                Err(stopped) => Err(stopped),
            };
            let fired = fired.map_err(|trouble| reported.last_seen(trouble, &tries))?;
            is_last = fired.ends_poll();
            let other = match fired.shows_less_than(&reported) {
                true => {
                    in_vain += 1;
                    fired
                }
                false => {
                    in_vain = 0;
                    std::mem::replace(&mut reported, fired)
                }
            };
            tries.add(other.trace_context.trace_id);
        }
        reported.explain(poll, &tries, in_vain, report);
        report.trigger = reported.trigger.describe();
        report.trace_id = Some(reported.trace_context.trace_id);
        report.tries = Some(tries);
        Ok(reported)
    }

    async fn fire_and_compare(
        &self,
        scope: &mut Scope,
        report: &mut StepReport,
        deadline: Instant,
    ) -> Result<FiredTry, Trouble> {
        let fired = self.fire_once(scope, report, Some(deadline)).await?;
        self.compare(fired, scope)
    }

    /// Sends the trigger with a fresh trace context.
    async fn fire_once(
        &self,
        scope: &mut Scope,
        report: &mut StepReport,
        deadline: Option<Instant>,
    ) -> Result<FiredTry, Trouble> {
        let run = self.run;
        let prepared = prepare(run, self.reader, scope);
        let (trigger, trace_context) = prepared.map_err(|errors| Trouble::from(&errors))?;
        run.secrets.add(credentials_of(&trigger));
        report.trigger = trigger.describe();
        report.trace_id = Some(trace_context.trace_id);
        let follow = follow(run, &trigger, &trace_context);
        let fired = Instant::now();
        // A poll tries again itself, and then reports the refused connection.
        let starting_until = run.options.starting_until.filter(|_| deadline.is_none());
        let step = self.reader.step;
        let answer = async {
            match &*trigger {
                Trigger::Conformance(suite) => {
                    let cases = Box::pin(run_cases(run, step, suite, &trace_context)).await;
                    Ok(Response::Conformance(Box::new(cases)))
                }
                trigger => {
                    let (in_flight, context) = (Some(&*run.in_flight), &trace_context);
                    fire_when_possible(starting_until, in_flight, trigger, context, self.session)
                        .await
                }
            }
        };
        let answer = async {
            match deadline {
                None => Some(answer.await),
                Some(deadline) => tokio::time::timeout_at(deadline.into(), answer).await.ok(),
            }
        };
        let answer = match self.unless_stopped(answer).await? {
            Some(Ok(response)) => {
                run.secrets.add(cookies_of(&response));
                TryAnswer::Response(response)
            }
            Some(Err(error)) => TryAnswer::Error(error),
            None => TryAnswer::TooLate,
        };
        Ok(FiredTry {
            trigger,
            trace_context,
            follow,
            fired,
            responded: Instant::now(),
            answer,
        })
    }

    /// Judges the response against `until`, which may contain the trace id of the try.
    fn compare(&self, mut fired: FiredTry, scope: &Scope) -> Result<FiredTry, Trouble> {
        let poll = self.reader.step.poll(scope);
        let poll = poll.map_err(|errors| Trouble::from(&errors))?;
        fired.answer = match (fired.answer, poll) {
            (TryAnswer::Response(response), Some(poll)) => {
                let mut judged = check::until(&poll.until, &response);
                judged.retain(|judged| judged.outcome != Outcome::Pass);
                match judged.is_empty() {
                    true => TryAnswer::Response(response),
                    false => TryAnswer::Unmet(response, judged),
                }
            }
            (answer, _) => answer,
        };
        Ok(fired)
    }

    /// The result of `work`, unless the run is stopped before. Teardown runs also when the user ends
    /// the run.
    pub(super) async fn unless_stopped<T>(
        &self,
        work: impl Future<Output = T>,
    ) -> Result<T, Trouble> {
        tokio::select! {
            done = work => Ok(done),
            stop = self.run.stopped(), if self.phase != Phase::Teardown => {
                Err(stop.trouble(self.reader.step))
            }
        }
    }
}

/// Notes about a response that had not ended, about a message that is not stored, or about cases.
pub(crate) fn response_notes(response: &Response) -> Vec<String> {
    match response {
        Response::Conformance(conformance) => conformance.all_notes(),
        response => response_note(response).into_iter().collect(),
    }
}

fn response_note(response: &Response) -> Option<String> {
    if let Response::Message(message) = response {
        return message.note.clone();
    }
    if let Response::Sent(sent) = response {
        return sent.note.clone();
    }
    let http = response.http().filter(|http| http.is_open)?;
    Some(format!(
        "the response is an event stream that had not ended after {}; its body is what arrived until then (`request.timeout` sets the time)",
        duration(http.time)
    ))
}

impl FiredTry {
    /// Notes about the response.
    pub(super) fn response_notes(&self) -> Vec<String> {
        match &self.answer {
            TryAnswer::Response(response) | TryAnswer::Unmet(response, _) => {
                response_notes(response)
            }
            TryAnswer::Error(_) | TryAnswer::TooLate => Vec::new(),
        }
    }

    /// Returns `true` if no further try can follow.
    fn ends_poll(&self) -> bool {
        match &self.answer {
            TryAnswer::Response(_) | TryAnswer::TooLate => true,
            TryAnswer::Unmet(..) => false,
            TryAnswer::Error(error) => !error.is_transient(),
        }
    }

    /// Returns `true` if this try has no response for a reason that passes, and `other` has one, or at
    /// least an error if this one was cut off.
    fn shows_less_than(&self, other: &Self) -> bool {
        match (&self.answer, &other.answer) {
            (TryAnswer::TooLate, TryAnswer::Unmet(..) | TryAnswer::Error(_)) => true,
            (TryAnswer::Error(error), TryAnswer::Unmet(..)) => error.is_transient(),
            _ => false,
        }
    }

    /// Adds what `until` misses so far to the trouble that ends the tries.
    fn last_seen(&self, trouble: Trouble, tries: &Tries) -> Trouble {
        let TryAnswer::Unmet(_, unmet) = &self.answer else {
            return trouble;
        };
        let failures = unmet.iter().filter_map(|judged| judged.outcome.failure());
        let failures = failures.map(|failure| format!("{}: {failure}", failure.at));
        let so_far = format!("`until` was not met so far ({tries})");
        trouble.with_details([so_far].into_iter().chain(failures))
    }

    /// Adds the number of tries to the failures, or to the notices if there is no response.
    fn explain(&mut self, poll: &Poll, tries: &Tries, in_vain: usize, report: &mut StepReport) {
        let within = duration(poll.timeout);
        let mut notes = vec![format!("`until` was not met within {within} ({tries})")];
        match in_vain {
            0 => {}
            1 => notes.push("there was no response to a further try".to_owned()),
            _ => notes.push(format!("there was no response to {in_vain} further tries")),
        }
        let first = match &mut self.answer {
            TryAnswer::Response(_) => return,
            TryAnswer::Error(error) if !error.is_transient() => return,
            TryAnswer::Error(_) | TryAnswer::TooLate => None,
            TryAnswer::Unmet(_, judged) => judged.iter_mut().find_map(Judged::failure_mut),
        };
        match first {
            Some(failure) => failure.hints.splice(0..0, notes).for_each(drop),
            None => report.notices.extend(notes),
        }
    }
}
