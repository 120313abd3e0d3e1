//! A step that observes: it watches everything that arrives in a window, and judges it.
//!
//! The window opens when the spec begins, so that what its earlier steps cause is seen. `for` counts from the
//! step itself.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::completeness::WaitStart;
use super::context::StepContext;
use super::diagnosis::{self, Listening};
use super::each_trace::EachTraceJudge;
use super::fire::blank;
use super::metrics::metrics_of_window;
use super::run_context::RunContext;
use crate::check::{self, CheckRef, Evidence, Finality, Judged, Outcome};
use crate::number::duration;
use crate::result::{Phase, StepReport, Trouble};
use crate::source::{MetricWatch, TrafficInterest, TrafficWatch};
use crate::spec::{
    Called, Check, Condition, Expect, Observe, ObserveUntil, Scope, Step, TrafficAsk, Trigger,
};
use crate::trace::{Response, Signal, Trace, Traffic};

/// Least time between two judgements in a window. Exports of many services arrive together.
const LEAST_PAUSE: Duration = Duration::from_millis(5);

/// The pause after a judgement, as a multiple of its time.
const PAUSE_FACTOR: u32 = 4;

/// An open window.
pub(crate) struct Window {
    traffic: TrafficWatch,
    metrics: Option<MetricWatch>,
    began: Instant,
}

impl Window {
    /// Opens a window for the next step of these that observes; `None` if there is none, or if the source is not
    /// the receiver.
    pub(crate) fn open(run: &RunContext<'_>, steps: &[Step], scope: &Scope) -> Option<Self> {
        let step = steps.iter().find(|step| step.observes())?;
        if run.source.backend().is_some() {
            return None;
        }
        // They cannot be read before the captures that they contain.
        let expect = step.expect(scope);
        let interest = expect.map_or_else(|_| all_records(), |expect| interest(&expect));
        let metrics = match step.needs_metrics {
            true => run.source.watch_metrics(),
            false => None,
        };
        Some(Self {
            traffic: run.source.watch_traffic(interest)?,
            metrics,
            began: Instant::now(),
        })
    }
}

/// The records that the expectations need.
fn interest(expect: &Expect) -> TrafficInterest {
    let asks = || expect.checks.iter().filter_map(asked);
    let services = asks().flat_map(TrafficAsk::services);
    TrafficInterest {
        services: services.map(str::to_owned).collect(),
        // A log record can refer to its span.
        keeps_spans: needs_records(expect),
        keeps_logs: expect.needs_logs(),
        lists_entries: asks().any(|ask| matches!(ask, TrafficAsk::EachTrace(_))),
    }
}

/// Returns `true` if a check needs more than facts.
fn needs_records(expect: &Expect) -> bool {
    let has_rules = expect.lint_rules().next().is_some();
    has_rules || !expect.spans.is_empty() || !expect.logs.is_empty()
}

/// All records, for expectations that are not known yet.
fn all_records() -> TrafficInterest {
    TrafficInterest {
        services: BTreeSet::new(),
        keeps_spans: true,
        keeps_logs: true,
        lists_entries: true,
    }
}

/// Runs a step that observes.
pub(crate) async fn run_observation(
    run: &RunContext<'_>,
    step: &Step,
    scope: &Scope,
    window: Option<Window>,
) -> Box<StepReport> {
    let mut report = blank(step, Phase::Test);
    let read = step.trigger(scope).and_then(|trigger| {
        let expect = step.expect(scope)?;
        Ok((trigger, expect))
    });
    let (trigger, expect) = match read {
        Ok(read) => read,
        Err(errors) => return report.with_trouble(Trouble::from(&errors)),
    };
    report.trigger = trigger.describe();
    let (Trigger::Observe(observe), Some(window)) = (trigger, window) else {
        return report.with_trouble(not_the_receiver(run, step));
    };
    let observation = TrafficObservation {
        run,
        step,
        observe,
        expect: &expect,
        fired: Instant::now(),
    };
    tokio::select! {
        observed = Box::pin(observation.judge(window, report.clone())) => observed,
        stop = run.stopped() => report.with_trouble(stop.trouble(step)),
    }
}

/// The traces are read elsewhere.
fn not_the_receiver(run: &RunContext<'_>, step: &Step) -> Trouble {
    let at = Some(step.at.clone());
    match run.source.backend() {
        Some(backend) => Trouble::new(&format!(
            "`observe` sees what arrives here, and traces are read from {}",
            backend.name
        ))
        .with_location(at)
        .with_help(["use `search`, which checks traces that the backend has"]),
        None => Trouble::new("`observe` needs the receiver, which is in another process")
            .with_location(at)
            .with_help(["run the spec with `spanspec run` alone, not inside of `spanspec exec` or beside `spanspec collect`"]),
    }
}

/// A step that observes.
struct TrafficObservation<'e> {
    run: &'e RunContext<'e>,
    step: &'e Step,
    observe: Observe,
    expect: &'e Expect,
    fired: Instant,
}

/// The end of a window.
#[derive(Clone, Copy, PartialEq, Eq)]
enum WindowEnd {
    /// No further arrival could change a verdict.
    Decided,
    /// The time was over.
    Over,
}

impl<'e> TrafficObservation<'e> {
    async fn judge(&self, mut window: Window, mut report: Box<StepReport>) -> Box<StepReport> {
        let mut each = self.each_trace();
        let end = self.watch(&mut window, each.as_mut()).await;
        // The facts of the window, before the rest of its traces is waited for.
        let traffic = self.facts(&window);
        report.timing.response = Some(self.fired.elapsed());
        if end == WindowEnd::Over {
            self.wait_for_rest(&window).await;
        }
        let trace = self.trace(&window);
        let metrics = window.metrics.as_mut();
        let metrics = metrics.map(|watch| metrics_of_window(watch, window.began));
        let response = Response::Traffic(Box::new(traffic.clone()));
        let evidence = Evidence::new(&response, Some(&trace), true);
        let evidence = evidence.with_metrics(metrics.as_ref());
        report
            .notices
            .extend(check::lint_remarks(self.expect, &evidence));
        let judgements = check::judge(self.expect, &evidence).into_iter();
        let mut checks: Vec<Judged> = judgements.map(|one| one.judged).collect();
        if let Some(each) = each {
            let judged = each.finish().await;
            checks.retain(|one| one.check != judged.check);
            checks.extend(judged.checks);
            report.notices.extend(judged.notices);
            report.trace = judged.trace;
        }
        if let Some(why) = check::nothing_arrived(&traffic) {
            let why = Outcome::Unjudged(why);
            checks.iter_mut().for_each(|one| one.outcome = why.clone());
            report.trouble = Some(self.nothing_arrived(&traffic));
        }
        report.trace = report.trace.or_else(|| first_failing(&checks, &trace));
        report.checks = checks;
        Judged::sort(&mut report.checks);
        report.timing.verdict = Some(self.fired.elapsed());
        report.response = Some(response);
        report
    }

    fn each_trace(&self) -> Option<EachTraceJudge<'e>> {
        let mut checks = CheckRef::of_all(&self.expect.checks);
        let (identity, check, each) = checks.find_map(|(identity, check)| match asked(check)? {
            TrafficAsk::EachTrace(each) => Some((identity, check, &**each)),
            _ => None,
        })?;
        Some(EachTraceJudge::new(self.context(), identity, check, each))
    }

    fn context(&self) -> StepContext<'e> {
        StepContext {
            run: self.run,
            step: self.step,
            called: Called::Nothing,
            fired: self.fired,
            sent: None,
        }
    }

    /// Watches until the end of the window.
    async fn watch(
        &self,
        window: &mut Window,
        mut each: Option<&mut EachTraceJudge<'e>>,
    ) -> WindowEnd {
        let deadline = self.fired + self.observe.longest;
        let ends_early = self.observe.until == ObserveUntil::Satisfied;
        // Something arrived since the last judgement, and the earliest moment of the next one.
        let (mut is_new, mut next) = (true, self.fired);
        loop {
            if let Some(each) = each.as_deref_mut() {
                each.follow(window.traffic.take_entered());
            }
            let now = Instant::now();
            if now >= deadline {
                return WindowEnd::Over;
            }
            if ends_early && is_new && now >= next {
                if self.is_decided(window) {
                    return WindowEnd::Decided;
                }
                is_new = false;
                next = Instant::now() + LEAST_PAUSE.max(now.elapsed() * PAUSE_FACTOR);
            }
            let wake = match ends_early && is_new {
                true => next.min(deadline),
                false => deadline,
            };
            tokio::select! {
                () = window.traffic.changed() => is_new = true,
                () = tokio::time::sleep_until(wake.into()) => {}
                () = EachTraceJudge::advance(each.as_deref_mut()) => {}
            }
        }
    }

    /// Returns `true` if no further arrival can change a verdict.
    fn is_decided(&self, window: &Window) -> bool {
        // Metrics are judged at the end.
        if !self.expect.metrics.is_empty() {
            return false;
        }
        let trace = self.trace(window);
        let response = Response::Traffic(Box::new(self.facts(window)));
        let judged = check::outcomes(self.expect, &Evidence::new(&response, Some(&trace), true));
        judged.iter().all(|one| one.finality == Finality::Final)
    }

    fn facts(&self, window: &Window) -> Traffic {
        Traffic {
            longest: self.observe.longest,
            ..window.traffic.facts()
        }
    }

    /// Waits for the spans and log records of traces that had begun at the end of the window.
    async fn wait_for_rest(&self, window: &Window) {
        let expect = self.expect;
        if !needs_records(expect) {
            return;
        }
        window.traffic.keep_known_traces();
        let context = self.context();
        let mut policy = context.policy(WaitStart::Watch(Instant::now()));
        if expect.needs_logs() {
            policy.wait_for_logs(context.log_bound());
        }
        self.run.record_wait(policy.flush);
        let until = policy.quiet_after().min(policy.deadline());
        tokio::time::sleep_until(until.into()).await;
    }

    /// The spans and log records of the window, as far as a check needs them.
    fn trace(&self, window: &Window) -> Trace {
        let expect = self.expect;
        if !needs_records(expect) {
            return check::trace_of_window(Vec::new(), Vec::new(), [], []);
        }
        let records = window.traffic.records();
        let refused = window.traffic.facts().refused;
        let lost = |signal: Signal| {
            let of_signal = refused.iter();
            let of_signal = of_signal.filter(move |export| export.signals.contains(&signal));
            of_signal.map(|export| export.hole.clone())
        };
        check::trace_of_window(
            records.traces,
            records.other_logs,
            records.span_hole.into_iter().chain(lost(Signal::Traces)),
            records.log_hole.into_iter().chain(lost(Signal::Logs)),
        )
    }

    /// Nothing arrived, with the remedies.
    fn nothing_arrived(&self, traffic: &Traffic) -> Trouble {
        let listening = Listening::of(self.run.source);
        let services = self.run.options.services;
        let mut trouble = diagnosis::nothing_at_all(listening, services, Some(&self.step.at));
        trouble.what = format!("nothing arrived in {}", duration(traffic.observed));
        if listening.addresses.is_empty() {
            return trouble;
        }
        trouble.help.push(
            "`observe` sends no request, and no other spec runs beside it: let `setup`, an earlier step or a load generator use the services".to_owned(),
        );
        trouble
    }
}

/// The trace of the first span that violates a check.
fn first_failing(checks: &[Judged], window: &Trace) -> Option<Arc<Trace>> {
    let failures = checks.iter().filter_map(|one| one.outcome.failure());
    let mut witnesses = failures.flat_map(|failure| &failure.witnesses);
    let first = witnesses.next()?.trace_id;
    let mut traces = window.linked().iter();
    let found = traces.find(|trace| trace.id() == first)?;
    Some(Arc::new(found.clone()))
}

/// The expectation of a check for a window.
fn asked(check: &Check) -> Option<&TrafficAsk> {
    match &check.ask {
        Condition::Traffic(ask) => Some(ask),
        _ => None,
    }
}
