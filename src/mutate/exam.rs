//! Judges the evidence of a step again, with each fault.

use super::edit::FaultyEvidence;
use super::mutant::Mutant;
use super::sample::Sample;
use super::site::Tree;
use super::subject::Subject;
use super::{list, of_checks, of_response};
use crate::check::{self, CheckRef, EntryCheck, Evidence, Judged, Outcome};
use crate::spec::{Ask, Condition, Expect, Limits, Location, Matcher, SpanEntry};
use crate::trace::Value;

/// Maximum number of faults of a step that are judged.
const MOST_FAULTS: usize = 3_000;

/// Maximum number of spans and log records that are judged for one step, over all faults, which limits the time.
pub(crate) const MOST_RECORDS: usize = 1_000_000;

/// Minimum number of faults of a step that are judged.
const FEWEST_FAULTS: usize = 20;

/// The result of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// A check fails.
    Caught,
    /// No check fails, and the spec is errored: a check is unjudged, or the trace incomplete.
    Errored,
    /// All checks pass.
    Missed,
}

/// The faults of a step, judged.
pub(super) struct StepExam {
    pub(super) mutants: Vec<(Mutant, Fate)>,
    /// The number of faults that were not judged, because there are too many.
    pub(super) left_out: usize,
    /// The number of faults that were not judged because of an interruption.
    pub(super) interrupted: usize,
    pub(super) checks: Vec<CheckExam>,
}

impl StepExam {
    /// The number of faults that were not judged.
    pub(super) fn not_judged(&self) -> usize {
        self.left_out + self.interrupted
    }
}

/// A check, and what faults did to it.
pub(super) struct CheckExam {
    pub(super) what: String,
    pub(super) at: Location,
    pub(super) effect: Effect,
}

/// The effect of faults on a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// At least one makes it fail.
    Fails,
    /// None makes it fail, for this reason.
    None(&'static str),
    /// None makes it fail, and some were not judged.
    Unknown,
    /// It does not pass without faults either when it is judged again.
    NotJudged,
}

/// The checks of a step without a fault.
struct Basis {
    judged: Vec<Judged>,
    passes: Vec<bool>,
    captured: Vec<Option<Value>>,
}

/// Judges each fault of a step, and at most this number of spans and log records. Ends early if
/// `is_stopped` returns `true`.
///
/// # Errors
/// The first check that does not pass without a fault, if none passes.
pub(super) fn examine(
    subject: &Subject<'_>,
    records: usize,
    is_stopped: &dyn Fn() -> bool,
) -> Result<StepExam, String> {
    let basis = Basis::new(subject);
    if !basis.passes.contains(&true) {
        let first = basis.judged.first();
        return Err(first.map_or_else(
            || "it has no check that can be judged again".to_owned(),
            |one| format!("{} does not pass when it is judged again", one.what),
        ));
    }
    let (mutants, left_out) = mutants(subject, records).taken();
    let mut faulty = FaultyEvidence::new(subject.evidence);
    let mut fails = vec![false; basis.judged.len()];
    let mut judged = Vec::with_capacity(mutants.len());
    let mut interrupted = 0;
    for mutant in mutants {
        if is_stopped() {
            interrupted += 1;
            continue;
        }
        let fate = basis.fate(subject, &mut faulty, &mutant, &mut fails);
        judged.push((mutant, fate));
    }
    let is_sample = left_out + interrupted > 0;
    Ok(StepExam {
        mutants: judged,
        left_out,
        interrupted,
        checks: basis.checks(subject, &fails, is_sample),
    })
}

/// The faults of a step, or a sample of them.
fn mutants(subject: &Subject<'_>, records: usize) -> Sample {
    let most = records / subject.size().max(1);
    let mut sample = Sample::of(most.clamp(FEWEST_FAULTS, MOST_FAULTS));
    sample.add(&"response", of_response::faults(subject));
    // A step whose checks are about the response only is judged before its trace is complete.
    if subject.evidence.expect.is_about_trace() {
        for tree in Tree::all(&subject.evidence.trace) {
            list::faults(subject, tree, &mut sample);
        }
        sample.add(&"checks", of_checks::faults(subject));
    }
    sample
}

impl Basis {
    fn new(subject: &Subject<'_>) -> Self {
        let of = subject.evidence;
        let evidence = of.evidence();
        // Metrics are not among them.
        let judged = judged(&of.expect, &evidence);
        let captures = of.captures.iter();
        Self {
            passes: judged.iter().map(passes).collect(),
            captured: captures
                .map(|capture| check::capture(capture, &evidence).ok())
                .collect(),
            judged,
        }
    }

    /// Judges the evidence with a fault, and marks the checks that it makes fail.
    fn fate(
        &self,
        subject: &Subject<'_>,
        faulty: &mut FaultyEvidence<'_>,
        mutant: &Mutant,
        fails: &mut [bool],
    ) -> Fate {
        faulty.with(mutant.site, &mutant.edit, |evidence, is_incomplete| {
            let mut fate = self.compared(&subject.evidence.expect, evidence, fails);
            if fate != Fate::Caught && !self.captured.is_empty() {
                fate = self.with_captures(subject, evidence, fails, fate);
            }
            match fate {
                Fate::Missed if is_incomplete => Fate::Errored,
                fate => fate,
            }
        })
    }

    fn compared(&self, expect: &Expect, evidence: &Evidence<'_>, fails: &mut [bool]) -> Fate {
        let now = judged(expect, evidence);
        let mut fate = Fate::Missed;
        for (number, before) in self.judged.iter().enumerate() {
            if !self.passes[number] {
                continue;
            }
            match outcome_of(before, number, &now) {
                Some(Outcome::Pass) => {}
                Some(Outcome::Unjudged(_)) => {
                    fails[number] = true;
                    fate = if fate == Fate::Caught {
                        fate
                    } else {
                        Fate::Errored
                    };
                }
                // The check is one of spans that are not there now: their entry fails.
                None => {}
                Some(Outcome::Fail(_)) => {
                    fails[number] = true;
                    fate = Fate::Caught;
                }
            }
        }
        let is_new = |one: &&Judged| !self.judged.iter().any(|known| known.check == one.check);
        for one in now.iter().filter(is_new) {
            match (&one.outcome, fate) {
                (Outcome::Fail(_), _) => fate = Fate::Caught,
                // No part of an entry can be judged.
                (Outcome::Unjudged(_), Fate::Missed) => fate = Fate::Errored,
                _ => {}
            }
        }
        fate
    }

    /// Captures that get no value fail, and checks use other values.
    fn with_captures(
        &self,
        subject: &Subject<'_>,
        evidence: &Evidence<'_>,
        fails: &mut [bool],
        fate: Fate,
    ) -> Fate {
        let mut scope = None;
        for (capture, before) in subject.evidence.captures.iter().zip(&self.captured) {
            let Some(before) = before else { continue };
            match check::capture(capture, evidence) {
                Ok(now) if now == *before => {}
                Ok(now) => scope
                    .get_or_insert_with(|| subject.evidence.scope.clone())
                    .set(capture.name.clone(), now),
                Err(Outcome::Fail(_)) => return Fate::Caught,
                Err(_) => return Fate::Errored,
            }
        }
        let Some(scope) = scope else { return fate };
        match subject.evidence.step.expect(&scope) {
            Ok(expect) => self.compared(&expect, evidence, fails),
            Err(_) => Fate::Errored,
        }
    }

    fn checks(&self, subject: &Subject<'_>, fails: &[bool], is_sample: bool) -> Vec<CheckExam> {
        let expect = &subject.evidence.expect;
        let checks = self.judged.iter().zip(&self.passes).zip(fails);
        let checks = checks.filter(|((judged, _), _)| !is_implied(judged.check, expect));
        let checks = checks.map(|((judged, passes), fails)| CheckExam {
            what: judged.what.clone(),
            at: judged.at.clone(),
            effect: match (passes, fails) {
                (false, _) => Effect::NotJudged,
                (true, true) => Effect::Fails,
                (true, false) if is_sample => Effect::Unknown,
                (true, false) => Effect::None(reason(judged.check, expect)),
            },
        });
        checks.collect()
    }
}

fn judged(expect: &Expect, evidence: &Evidence<'_>) -> Vec<Judged> {
    let judgements = check::outcomes(expect, evidence).into_iter();
    judgements.map(|one| one.judged).collect()
}

fn passes(judged: &Judged) -> bool {
    judged.outcome == Outcome::Pass
}

/// The outcome of the same check; usually it has the same number.
fn outcome_of<'j>(before: &Judged, number: usize, now: &'j [Judged]) -> Option<&'j Outcome> {
    let at_number = now.get(number).filter(|one| one.check == before.check);
    let found = at_number.or_else(|| now.iter().find(|one| one.check == before.check));
    found.map(|one| &one.outcome)
}

const OF_TIME: &str = "no fault exceeds this limit of time";
const OF_ABSENCE: &str = "it excludes something, and no fault adds that";
const OF_OTHERS: &str =
    "no fault contradicts it: another check already requires it, or it accepts everything";

/// Returns `true` for the check that a span exists, beside others of the same entry.
fn is_implied(check: CheckRef, expect: &Expect) -> bool {
    let CheckRef::Span {
        entry,
        part: EntryCheck::Count,
    } = check
    else {
        return false;
    };
    let entry = &expect.spans[entry];
    let has_others = !entry.each.is_empty() || !entry.aggregates.is_empty();
    has_others && entry.count == Limits::at_least(1)
}

/// The probable reason why no fault makes a check fail.
fn reason(check: CheckRef, expect: &Expect) -> &'static str {
    match check {
        CheckRef::Response(_) | CheckRef::Trace(_) => match check.condition(expect) {
            Some(Condition::ResponseTime(_) | Condition::TraceDuration(_)) => OF_TIME,
            Some(Condition::Header(_, Matcher::Absent) | Condition::Json(_, Matcher::Absent)) => {
                OF_ABSENCE
            }
            _ => OF_OTHERS,
        },
        CheckRef::Span { entry, part } => of_span_entry(&expect.spans[entry], part),
        CheckRef::Log { entry, .. } if expect.logs[entry].count.contains(0) => OF_ABSENCE,
        _ => OF_OTHERS,
    }
}

fn of_span_entry(entry: &SpanEntry, part: EntryCheck) -> &'static str {
    match part {
        EntryCheck::Count | EntryCheck::Entry if entry.count.contains(0) => OF_ABSENCE,
        EntryCheck::Each(index) => match &entry.each[index].ask {
            Ask::Duration(_) | Ask::SelfTime(_) => OF_TIME,
            Ask::Attribute(_, Matcher::Absent) => OF_ABSENCE,
            Ask::Event(event) if event.count.contains(0) => OF_ABSENCE,
            Ask::Relation(relation) if relation.count.contains(0) => OF_ABSENCE,
            _ => OF_OTHERS,
        },
        _ => OF_OTHERS,
    }
}

/// Returns `true` if not all checks pass with a fault.
pub(super) fn is_noticed(
    expect: &Expect,
    faulty: &mut FaultyEvidence<'_>,
    mutant: &Mutant,
) -> bool {
    faulty.with(mutant.site, &mutant.edit, |evidence, _| {
        !judged(expect, evidence).iter().all(passes)
    })
}

/// Returns `true` if all checks pass without a fault.
pub(super) fn holds(expect: &Expect, subject: &Subject<'_>) -> bool {
    judged(expect, &subject.evidence.evidence())
        .iter()
        .all(passes)
}
