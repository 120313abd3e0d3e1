//! `each_trace`: waits for each trace that begins in a window, and judges it.
//!
//! A trace that began shortly before the end of the window is waited for as any other, so that it neither fails nor
//! passes because it was cut.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};

use super::context::StepContext;
use super::settle::{Expected, JudgeWhen, TraceUse, TraceWait};
use super::wait_end::WaitEnd;
use crate::check::{self, CheckRef, Failure, Judged, Outcome, Subject, Unjudged};
use crate::number::{count, counted};
use crate::source::Follow;
use crate::spec::{Check, EachTrace, Expect, Location};
use crate::trace::{Origin, Response, Trace, TraceId};

/// Maximum number of traces of a window that are judged.
const MOST_TRACES: u64 = 20_000;

/// Maximum number of failed checks that a failure names.
const MOST_NAMED: usize = 8;

/// Judges the traces of a window as they begin.
pub(super) struct EachTraceJudge<'e> {
    context: StepContext<'e>,
    /// The check that stands for all of them.
    check: CheckRef,
    at: Location,
    what: String,
    each: &'e EachTrace,
    known: HashSet<TraceId>,
    judging: FuturesUnordered<BoxFuture<'e, JudgedTrace>>,
    tally: Tally,
}

/// A trace with its verdict.
enum JudgedTrace {
    /// `find` does not mean it.
    NotMeant,
    /// It is not known whether `find` means it.
    Unknown(Unjudged),
    /// Its checks.
    Judged(Arc<Trace>, Vec<Judged>),
}

/// The verdicts so far.
#[derive(Default)]
struct Tally {
    judged: u64,
    failed: u64,
    /// Traces without a verdict.
    unjudged: u64,
    first_reason: Option<Unjudged>,
    /// Traces for which there was no room.
    skipped: u64,
    /// The checks of the first trace.
    checks: Vec<Judged>,
    /// The first failure of each check, and the number of traces in which it failed.
    failing: Vec<(Judged, u64)>,
    /// The trace with most failures.
    worst: Option<(usize, Arc<Trace>)>,
}

/// The verdict about all traces of a window.
pub(super) struct JudgedTraces {
    /// The check that stands for all of them.
    pub(super) check: CheckRef,
    /// This check, and those of the traces.
    pub(super) checks: Vec<Judged>,
    pub(super) notices: Vec<String>,
    /// The trace that fails worst.
    pub(super) trace: Option<Arc<Trace>>,
}

impl<'e> EachTraceJudge<'e> {
    pub(super) fn new(
        context: StepContext<'e>,
        identity: CheckRef,
        check: &Check,
        each: &'e EachTrace,
    ) -> Self {
        Self {
            context,
            check: identity,
            at: check.at.clone(),
            what: check.ask.to_string(),
            each,
            known: HashSet::new(),
            judging: FuturesUnordered::new(),
            tally: Tally::default(),
        }
    }

    /// Follows traces whose entry has just arrived; `unlisted` is the number of others.
    pub(super) fn follow(&mut self, (entered, unlisted): (Vec<TraceId>, u64)) {
        self.tally.skipped += unlisted;
        let source = self.context.run.source;
        for id in entered {
            if self.known.contains(&id) {
                continue;
            }
            let is_full = self.judging.len() >= source.most_watched();
            if is_full || self.known.len() as u64 >= MOST_TRACES {
                self.tally.skipped += 1;
                continue;
            }
            self.known.insert(id);
            let follow = source.follow(id, Origin::Foreign);
            let judged = judge_trace(self.context.clone(), self.each, follow);
            self.judging.push(judged.boxed());
        }
    }

    /// Waits for the verdict about a trace; for ever if none is waited for. Cancel-safe.
    pub(super) async fn advance(judge: Option<&mut Self>) {
        if let Some(judge) = judge
            && let Some(done) = judge.judging.next().await
        {
            judge.tally.add(done);
        } else {
            std::future::pending::<()>().await;
        }
    }

    /// Waits for the verdicts about all traces.
    pub(super) async fn finish(mut self) -> JudgedTraces {
        while let Some(done) = self.judging.next().await {
            self.tally.add(done);
        }
        let outcome = self.outcome();
        let parts = match &outcome {
            Outcome::Unjudged(_) => Vec::new(),
            outcome => self.tally.parts(outcome),
        };
        let judged = counted(self.tally.judged, "trace");
        let what = format!("{} ({judged})", self.what);
        let notices = self.notice(&outcome);
        let trace = self.tally.worst.take().map(|(_, trace)| trace);
        let whole = Judged {
            check: self.check,
            what,
            at: self.at.clone(),
            outcome,
        };
        JudgedTraces {
            check: self.check,
            trace: trace.filter(|_| whole.outcome != Outcome::Pass),
            checks: std::iter::once(whole).chain(parts).collect(),
            notices: notices.into_iter().collect(),
        }
    }

    fn outcome(&self) -> Outcome {
        let tally = &self.tally;
        let all = tally.judged + tally.unjudged + tally.skipped;
        let allowed = self.each.failures.of(all);
        if tally.failed > allowed {
            return Outcome::Fail(Box::new(self.failure(allowed)));
        }
        if all == 0 {
            return Outcome::Unjudged(Unjudged::Traffic {
                reason: "no such trace began in the window".to_owned(),
                remedy: "let a client use the services; only traces whose first span arrives here count, so not those that spanspec starts"
                    .to_owned(),
            });
        }
        let unknown = tally.unjudged + tally.skipped;
        if tally.failed + unknown > allowed {
            return Outcome::Unjudged(self.why_unknown(unknown, all));
        }
        Outcome::Pass
    }

    fn failure(&self, allowed: u64) -> Failure {
        let tally = &self.tally;
        let expected = match allowed {
            0 => "none".to_owned(),
            allowed => format!("at most {} ({})", count(allowed), self.each.failures),
        };
        let found = format!("{} of {}", count(tally.failed), count(tally.judged));
        let at = self.each.failures_at.clone();
        let mut failure = Failure::new(Subject::EachTrace, at, expected, found);
        let failing = tally.failing.iter().take(MOST_NAMED);
        failure.hints = failing
            .map(|(judged, traces)| {
                format!("{} failed in {}", judged.what, counted(*traces, "trace"))
            })
            .collect();
        failure
    }

    fn why_unknown(&self, unknown: u64, all: u64) -> Unjudged {
        let tally = &self.tally;
        let first = tally.first_reason.as_ref();
        let (reason, remedy) = match first {
            Some(why) => (why.to_string(), why.help().unwrap_or_default()),
            None => (
                format!(
                    "more than {} at the same time",
                    counted(self.context.run.source.most_watched(), "trace")
                ),
                "observe a shorter time, or select traces with `find`".to_owned(),
            ),
        };
        Unjudged::Traffic {
            reason: format!(
                "{} of {} have no verdict: {reason}",
                count(unknown),
                counted(all, "trace")
            ),
            remedy,
        }
    }

    /// The failures that are permitted, and traces without a verdict.
    fn notice(&self, outcome: &Outcome) -> Option<String> {
        let Tally {
            judged,
            failed,
            unjudged,
            skipped,
            ..
        } = self.tally;
        let is_noted = *outcome == Outcome::Pass && failed + unjudged + skipped > 0;
        is_noted.then(|| {
            format!(
                "`each_trace`: {} of {} failed, and {} have no verdict ({} permitted)",
                count(failed),
                counted(judged, "trace"),
                count(unjudged + skipped),
                self.each.failures
            )
        })
    }
}

/// Waits until a trace is complete, and judges it.
async fn judge_trace(
    context: StepContext<'_>,
    each: &EachTrace,
    mut follow: Follow,
) -> JudgedTrace {
    let when = JudgeWhen::WhenComplete(TraceUse::Measured);
    let mut wait = TraceWait::new(context.clone(), Instant::now(), when);
    wait.policy.tolerates_orphans = each.expect.tolerates_orphans();
    if each.expect.needs_logs() {
        wait.policy.wait_for_logs(context.log_bound());
    }
    let nothing = Expect::default();
    let response = Response::None;
    let whole = Expected {
        expect: &nothing,
        response: &response,
        awaits_span: false,
    };
    let Ok((snapshot, end)) = wait.settle(&mut follow, whole).await else {
        return JudgedTrace::Unknown(Unjudged::NotReached);
    };
    if let Some(find) = &each.find {
        let is_whole = end == WaitEnd::Closed && snapshot.trace.holes().is_empty();
        match check::is_found(find, &snapshot.trace) {
            Ok(true) => {}
            Ok(false) if is_whole => return JudgedTrace::NotMeant,
            Ok(false) => {
                let missing = Unjudged::missing_spans(&snapshot.trace);
                return JudgedTrace::Unknown(missing.unwrap_or(Unjudged::TimedOut));
            }
            Err(why) => return JudgedTrace::Unknown(why),
        }
    }
    let others = match each.expect.is_about_correlation() {
        true => context.logs_without_trace().await,
        false => None,
    };
    let evidence = wait.evidence(&response, &snapshot);
    let evidence = evidence.with_logs_without_trace(others.as_ref());
    let expected = Expected {
        expect: &each.expect,
        ..whole
    };
    let judged = wait.final_outcomes(expected, &evidence, end);
    drop(evidence);
    JudgedTrace::Judged(Arc::new(snapshot.trace), judged)
}

impl Tally {
    fn add(&mut self, trace: JudgedTrace) {
        let (trace, checks) = match trace {
            JudgedTrace::NotMeant => return,
            JudgedTrace::Unknown(why) => return self.add_unjudged(why),
            JudgedTrace::Judged(trace, checks) => (trace, checks),
        };
        let failures = checks.iter().filter(|one| one.outcome.failure().is_some());
        let failures = failures.count();
        let unjudged = checks.iter().find_map(|one| match &one.outcome {
            Outcome::Unjudged(why) => Some(why.clone()),
            _ => None,
        });
        if let Some(why) = unjudged.filter(|_| failures == 0) {
            return self.add_unjudged(why);
        }
        self.judged += 1;
        if failures > 0 {
            self.failed += 1;
            checks.iter().for_each(|one| self.count_failing(one));
        }
        let worst = self.worst.as_ref().map_or(0, |(failures, _)| *failures);
        if failures > worst {
            self.worst = Some((failures, trace));
        }
        if self.checks.is_empty() {
            self.checks = checks;
        }
    }

    fn add_unjudged(&mut self, why: Unjudged) {
        self.unjudged += 1;
        self.first_reason.get_or_insert(why);
    }

    fn count_failing(&mut self, judged: &Judged) {
        if judged.outcome.failure().is_none() {
            return;
        }
        let mut known = self.failing.iter_mut();
        match known.find(|(known, _)| known.check == judged.check) {
            Some((_, traces)) => *traces += 1,
            None => self.failing.push((judged.clone(), 1)),
        }
    }

    /// The checks of the traces. If too many traces fail, those that failed anywhere do.
    fn parts(&self, whole: &Outcome) -> Vec<Judged> {
        let of_first = self.checks.iter();
        let further = self.failing.iter().map(|(judged, _)| judged);
        let further =
            further.filter(|one| self.checks.iter().all(|known| known.check != one.check));
        let part = |one: &Judged| {
            let mut failing = self.failing.iter();
            let failed = failing.find(|(known, _)| known.check == one.check);
            let failed = failed.filter(|_| *whole != Outcome::Pass);
            Judged {
                what: format!("each trace: {}", one.what),
                outcome: failed.map_or(Outcome::Pass, |(known, _)| known.outcome.clone()),
                ..one.clone()
            }
        };
        of_first.chain(further).map(part).collect()
    }
}
