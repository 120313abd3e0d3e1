//! Judges evidence against the expectations of a step.

use std::collections::BTreeMap;

#[cfg(feature = "run")]
use super::Judged;
use super::forest::{Forest, TraceReach};
use super::judgement::{FailureDetail, Finality, Judgement, Standing};
use super::lost::{lost_candidates, lost_in, lost_in_find, lost_of, lost_of_trace};
use super::select::Evaluator;
use super::{
    CheckRef, EntryCheck, Evidence, Outcome, Unjudged, conformance, conservation, continued,
    correlated, head_sampling, lint, logs, metrics, response, shape, span_sampling, spans,
    tail_sampling, traffic, whole,
};
use crate::spec::{Check, Condition, Expect, LogEntry, SpanEntry};
use crate::trace::{Field, Losses, Response, Trace};

/// Judges all expectations, in the order of the spec.
///
/// While spans can arrive, only judgements with [`Finality::Final`] are valid. When the trace is
/// closed, all are.
#[must_use]
pub fn judge(expect: &Expect, evidence: &Evidence<'_>) -> Vec<Judgement> {
    judge_all(expect, evidence, FailureDetail::Explained)
}

/// Like [`judge`], without witnesses, nearest spans and hints. Much faster, for a trace that is
/// judged again with the next span.
#[must_use]
pub fn outcomes(expect: &Expect, evidence: &Evidence<'_>) -> Vec<Judgement> {
    judge_all(expect, evidence, FailureDetail::Outcome)
}

/// Judges the conditions of `until` of a poll on a response.
#[cfg(feature = "run")]
pub(crate) fn until(checks: &[Check], response: &Response) -> Vec<Judged> {
    let evidence = Evidence::new(response, None, true);
    let judged = checks.iter().enumerate().map(|(index, check)| Judged {
        check: CheckRef::Until(index),
        what: check.ask.to_string(),
        at: check.at.clone(),
        outcome: response::judge(check, &evidence)
            .unwrap_or(Outcome::Unjudged(Unjudged::NotReached)),
    });
    judged.collect()
}

fn judge_all(expect: &Expect, evidence: &Evidence<'_>, detail: FailureDetail) -> Vec<Judgement> {
    let empty;
    let trace = match evidence.trace {
        Some(trace) => trace,
        None => {
            empty = no_trace();
            &empty
        }
    };
    let forest = Forest::new(trace);
    let evaluator = Evaluator::new(&forest, &expect.spans, detail).with_hints_in(expect.syntax);
    let evaluator = match evidence.response.traffic() {
        Some(_) => evaluator.over_all_traces(),
        None => evaluator,
    };
    let parts = PartialTraces::of(expect, trace);
    let forests = parts.forests();
    let evaluators = parts.evaluators(&forests, expect, detail);
    let evaluator_of = |receiver: &Option<String>| {
        let of = |name: &String| evaluators.get(name.as_str());
        receiver.as_ref().and_then(of).unwrap_or(&evaluator)
    };
    let empty_trace = match evidence.response {
        Response::Sent(_) | Response::Traffic(_) => EmptyTrace::IsOutput,
        _ => EmptyTrace::ProvesNothing,
    };
    let checks = CheckRef::of_all(&expect.checks);
    let mut all: Vec<Judgement> = checks
        .flat_map(|(identity, check)| {
            let of_receiver = evaluator_of(&check.receiver);
            let judged = judge_checks(identity, check, evidence, of_receiver).into_iter();
            judged.map(move |one| at_receiver(one, check.receiver.as_deref(), trace))
        })
        .collect();
    let entries = expect.spans.iter().zip(&expect.spans_await);
    for (number, (entry, awaits)) in entries.enumerate() {
        let of_receiver = evaluator_of(&entry.receiver);
        let judged = judge_entry(number, entry, awaits, empty_trace, of_receiver).into_iter();
        all.extend(judged.map(|one| at_receiver(one, entry.receiver.as_deref(), trace)));
    }
    for (number, entry) in expect.logs.iter().enumerate() {
        let of_receiver = evaluator_of(&entry.receiver);
        let judged = judge_logs(number, entry, empty_trace, of_receiver).into_iter();
        all.extend(judged.map(|one| at_receiver(one, entry.receiver.as_deref(), trace)));
    }
    if forest.may_change() {
        let of_response = |one: &Judgement| {
            matches!(
                one.judged.check,
                CheckRef::Response(_) | CheckRef::Case(_) | CheckRef::Traffic(_)
            )
        };
        for judgement in all.iter_mut().filter(|one| !of_response(one)) {
            judgement.finality = Finality::Open;
        }
    }
    if let Some(hole) = trace.holes().first() {
        let all = all.iter_mut();
        let of_spans = all.filter(|one| one.judged.check.needs_spans(expect));
        of_spans.for_each(|judgement| judgement.mark(|| Unjudged::Hole(Box::new(hole.clone()))));
    }
    if let Some(hole) = trace.log_holes().first() {
        let all = all.iter_mut();
        let of_logs = all.filter(|one| one.judged.check.needs_logs(expect));
        of_logs.for_each(|judgement| judgement.mark(|| Unjudged::LogHole(Box::new(hole.clone()))));
    }
    // Metrics do not arrive with the trace: they are judged once, when the wait for them is over.
    if detail == FailureDetail::Explained {
        let entries = expect.metrics.iter().enumerate();
        all.extend(entries.flat_map(|(number, entry)| {
            metrics::judge(number, entry, evidence.metrics, &evaluator)
        }));
    }
    all
}

/// The parts of a trace that arrived at the receivers that checks name.
struct PartialTraces(BTreeMap<String, Trace>);

impl PartialTraces {
    fn of(expect: &Expect, trace: &Trace) -> Self {
        let parts = expect.receivers().into_iter().map(|name| {
            let part = trace.at(&name);
            (name, part)
        });
        Self(parts.collect())
    }

    fn forests(&self) -> BTreeMap<&str, Forest<'_>> {
        let parts = self.0.iter();
        parts
            .map(|(name, trace)| (name.as_str(), Forest::new(trace)))
            .collect()
    }

    /// The entries of `spans` of one receiver stand together, and refer only to each other.
    fn evaluators<'a>(
        &self,
        forests: &'a BTreeMap<&'a str, Forest<'a>>,
        expect: &'a Expect,
        detail: FailureDetail,
    ) -> BTreeMap<&'a str, Evaluator<'a>> {
        let evaluator = |(name, forest): (&&'a str, &'a Forest<'a>)| {
            let is_own = |entry: &SpanEntry| entry.receiver.as_deref() == Some(name);
            let first = expect.spans.iter().position(is_own);
            let last = expect.spans.iter().rposition(is_own);
            let entries = match (first, last) {
                (Some(first), Some(last)) => &expect.spans[first..=last],
                _ => &[],
            };
            let evaluator = Evaluator::new(forest, entries, detail);
            (*name, evaluator.with_hints_in(expect.syntax))
        };
        forests.iter().map(evaluator).collect()
    }
}

/// Names the receiver, and makes what depends on absence unjudged if no marker arrived there.
fn at_receiver(mut one: Judgement, receiver: Option<&str>, trace: &Trace) -> Judgement {
    let Some(receiver) = receiver else {
        return one;
    };
    one.judged.what.push_str(&format!(" at `{receiver}`"));
    if let Outcome::Fail(failure) = &mut one.judged.outcome {
        failure.found.push_str(&format!(" at `{receiver}`"));
    }
    let is_marked = trace
        .delivery()
        .is_none_or(|delivery| delivery.is_marked(receiver));
    if !is_marked {
        one.mark(|| Unjudged::MarkerElsewhere(receiver.to_owned()));
    }
    one
}

/// The meaning of a trace without spans.
#[derive(Clone, Copy, PartialEq, Eq)]
enum EmptyTrace {
    /// No service may have exported.
    ProvesNothing,
    /// A pipeline dropped all spans, if it is through.
    IsOutput,
}

fn judge_logs(
    number: usize,
    entry: &LogEntry,
    empty: EmptyTrace,
    evaluator: &Evaluator<'_>,
) -> Vec<Judgement> {
    let trace = evaluator.forest.trace();
    let why = if let Some(name) = entry.awaits.first() {
        Unjudged::NotCaptured(name.clone())
    } else if trace.losses().contains(Field::LogRecords) {
        Unjudged::Lost(Field::LogRecords)
    } else if let Some(why) = evaluator.why_no_logs() {
        why
    } else if trace.is_empty() && trace.logs().is_empty() && empty == EmptyTrace::ProvesNothing {
        Unjudged::NoSpans
    } else {
        return logs::judge(number, entry, evaluator);
    };
    let check = CheckRef::Log {
        entry: number,
        part: EntryCheck::Entry,
    };
    let what = format!("log records that match {}", entry.find);
    vec![Judgement::unjudged(check, what, entry.at.clone(), why)]
}

fn judge_entry(
    number: usize,
    entry: &SpanEntry,
    awaits: &[String],
    empty: EmptyTrace,
    evaluator: &Evaluator<'_>,
) -> Vec<Judgement> {
    let trace = evaluator.forest.trace();
    let is_empty = match entry.find.follows_links() {
        true => evaluator.forest.len_within(TraceReach::Links) == 0,
        false => trace.is_empty(),
    };
    let why = if let Some(name) = awaits.first() {
        Unjudged::NotCaptured(name.clone())
    } else if let Some(why) = evaluator.why_no_spans() {
        why
    } else if is_empty && empty == EmptyTrace::ProvesNothing {
        Unjudged::NoSpans
    } else if let Some(field) = lost_in_find(&entry.find, trace.losses()) {
        Unjudged::Lost(field)
    } else {
        let mut judged = spans::judge(number, entry, evaluator);
        if let Some(why) = evaluator.why_tree_unknown(entry) {
            judged.iter_mut().for_each(|one| one.mark(|| why.clone()));
        }
        if let Some(field) = lost_candidates(&entry.find, trace.losses()) {
            let all = judged.iter_mut();
            all.for_each(|judgement| judgement.mark(|| Unjudged::Lost(field)));
        }
        return judged
            .into_iter()
            .map(|judgement| mark_lost(judgement, entry, trace.losses()))
            .collect();
    };
    vec![Judgement::unjudged_entry(number, entry, why)]
}

/// Each conformance case is a check.
fn judge_checks(
    identity: CheckRef,
    check: &Check,
    evidence: &Evidence<'_>,
    evaluator: &Evaluator<'_>,
) -> Vec<Judgement> {
    match (&check.ask, evidence.response.conformance()) {
        (Condition::Conformance, Some(response)) => conformance::judge(check, response),
        _ => vec![judge_check(identity, check, evidence, evaluator)],
    }
}

fn judge_check(
    identity: CheckRef,
    check: &Check,
    evidence: &Evidence<'_>,
    evaluator: &Evaluator<'_>,
) -> Judgement {
    let standing = standing_of(check, evidence, evaluator);
    Judgement::new(identity, check.ask.to_string(), check.at.clone(), standing)
}

fn standing_of(check: &Check, evidence: &Evidence<'_>, evaluator: &Evaluator<'_>) -> Standing {
    if let Some(name) = check.awaits.first() {
        return Standing::unjudged(Unjudged::NotCaptured(name.clone()));
    }
    if let Some(standing) = in_traffic(check, evidence, evaluator) {
        return standing;
    }
    if let Some(outcome) = response::judge(check, evidence) {
        let finality = Finality::Final;
        return Standing { outcome, finality };
    }
    match why_unjudged(check, evidence, evaluator.forest.trace()) {
        Some(why) => Standing::unjudged(why),
        None => in_trace(check, evidence, evaluator),
    }
}

/// The checks of all traffic in a window. `None` if it is another check, or there is no window.
fn in_traffic(
    check: &Check,
    evidence: &Evidence<'_>,
    evaluator: &Evaluator<'_>,
) -> Option<Standing> {
    let traffic = evidence.response.traffic()?;
    match &check.ask {
        Condition::Traffic(ask) => Some(traffic::judge(check, ask, traffic)),
        Condition::Lint(expected) => Some(match evaluator.why_no_spans() {
            Some(why) => Standing::unjudged(why),
            None => lint::judge(check, expected, evidence, evaluator.forest.trace()),
        }),
        _ => None,
    }
}

/// The reason why this trace says nothing about a check.
fn why_unjudged(check: &Check, evidence: &Evidence<'_>, trace: &Trace) -> Option<Unjudged> {
    let losses = trace.losses();
    let is_about_logs = matches!(check.ask, Condition::LogsCorrelated(_));
    if is_about_logs && !evidence.sampled && trace.is_empty() {
        return Some(Unjudged::UncorrelatedWithoutSpans);
    }
    if trace.is_empty() && !is_about_absence(check, evidence) {
        return Some(Unjudged::NoSpans);
    }
    let lost = match &check.ask {
        Condition::Order(pair) => lost_in(&pair.0, losses).or_else(|| lost_in(&pair.1, losses)),
        Condition::LogsCorrelated(_) if losses.contains(Field::LogRecords) => {
            Some(Field::LogRecords)
        }
        _ => None,
    };
    let lost = lost_of_trace(&check.ask, losses).or(lost);
    lost.map(Unjudged::Lost)
}

/// Returns `true` if a trace without any span can decide the check.
fn is_about_absence(check: &Check, evidence: &Evidence<'_>) -> bool {
    match (evidence.response.sent(), &check.ask) {
        // What a pipeline dropped is missing in its output. Of other checks, none would check anything.
        (Some(_), ask) => matches!(
            ask,
            Condition::SpanCount(_)
                | Condition::Service(_)
                | Condition::Edge(..)
                | Condition::Lost(_)
                | Condition::Duplicated(_)
        ),
        (None, Condition::SpanCount(limits)) => !evidence.sampled && limits.contains(0),
        (None, Condition::HeadSampling) => !evidence.sampled,
        // A service that begins a new trace leaves none in this one.
        (None, Condition::Continued(_)) => evidence.sampled,
        _ => false,
    }
}

fn in_trace(check: &Check, evidence: &Evidence<'_>, evaluator: &Evaluator<'_>) -> Standing {
    let trace = evaluator.forest.trace();
    match &check.ask {
        Condition::LogsCorrelated(service) => {
            correlated::judge(check, service.as_deref(), evidence, evaluator)
        }
        Condition::HeadSampling => head_sampling::judge(check, evidence, trace),
        Condition::Lint(expected) => lint::judge(check, expected, evidence, trace),
        Condition::Continued(restarted) => continued::judge(check, restarted, evidence, trace),
        Condition::SpanSampling(expected) => span_sampling::judge(check, expected, trace),
        Condition::KeptShare(_) => Standing::unjudged(Unjudged::Sampling {
            reason: "a share is about many traces, and this is one".to_owned(),
            remedy: "check it in a spec with `repeat` or `search`, or write `kept: true`"
                .to_owned(),
        }),
        Condition::TailSampling(expected) => tail_sampling::judge(check, expected, trace),
        Condition::Shape(expected) => {
            shape::judge(check, expected, evidence, trace, evaluator.detail)
        }
        _ => conservation::judge(check, evidence, evaluator)
            .or_else(|| in_whole(check, evaluator))
            .unwrap_or_else(|| Standing::unjudged(Unjudged::NotReached)),
    }
}

/// The checks of the whole trace. A service that fails to be found is in doubt if spans can have lost theirs.
fn in_whole(check: &Check, evaluator: &Evaluator<'_>) -> Option<Standing> {
    let standing = whole::judge(check, evaluator)?;
    let losses = evaluator.forest.trace().losses();
    let has_failed = matches!(standing.outcome, Outcome::Fail(_));
    Some(match has_failed && may_hide(&check.ask, losses) {
        true => Standing::unjudged(Unjudged::Lost(Field::Services)),
        false => standing,
    })
}

/// Returns `true` if the service that is missing can be that of a span which does not tell it.
fn may_hide(ask: &Condition, losses: &Losses) -> bool {
    matches!(ask, Condition::Service(_)) && losses.contains(Field::Services)
}

/// Makes a condition on a field that the source does not provide unjudged.
fn mark_lost(mut judgement: Judgement, entry: &SpanEntry, losses: &Losses) -> Judgement {
    if let CheckRef::Span {
        part: EntryCheck::Each(index),
        ..
    } = judgement.judged.check
        && let Some(field) = lost_of(&entry.each[index].ask, losses)
    {
        judgement.judged.outcome = Outcome::Unjudged(Unjudged::Lost(field));
    }
    judgement
}

/// An empty trace for evidence without one.
fn no_trace() -> Trace {
    use crate::trace::{Origin, TraceId};
    Trace::assemble(TraceId::random(), Origin::Foreign, [])
}
