//! `ottl_condition`.

use super::cast::{Cast, Ground};
use super::input::Input;
use super::single;
use crate::sampling::ottl::{Condition, Context, Fidelity, Problem, ProblemKind, Record, Stop};
use crate::sampling::policy::{OttlConditions, Policy, Rule};
use crate::sampling::version::CollectorVersion;
use crate::sampling::vote::{Vote, Votes};
use crate::trace::{Field, Span};
use crate::yaml::Location;

/// A condition of a policy that is invalid, or that is not evaluated.
#[derive(Clone, Debug)]
pub(crate) struct WrongCondition {
    /// The name of the policy.
    pub(crate) policy: String,
    /// The condition, and its place.
    pub(crate) text: String,
    pub(crate) at: Location,
    pub(crate) problem: Problem,
}

impl WrongCondition {
    /// The place of the problem in the configuration.
    pub(crate) fn location(&self) -> Location {
        self.problem.location(&self.text, &self.at)
    }
}

/// Conditions on spans and on events; one that holds is enough.
#[derive(Debug)]
pub(super) struct Conditions {
    ignores_errors: bool,
    of_spans: Vec<Condition>,
    of_events: Vec<Condition>,
    fields: Vec<Field>,
    /// The reason that a condition is not evaluated.
    refused: Option<String>,
}

/// The value of all conditions for one record.
enum Found {
    Match(usize),
    NoMatch,
    Error(String),
    Unknown(String),
}

impl Conditions {
    pub(super) fn new(conditions: &OttlConditions, version: CollectorVersion) -> Self {
        let mut refused = None;
        let mut read = |texts: &[(String, Location)], context| -> Vec<Condition> {
            let conditions = texts.iter().filter_map(|(text, at)| {
                let problem = match Condition::parse(text, context, version) {
                    Ok(condition) => return Some(condition),
                    Err(problem) => problem,
                };
                refused.get_or_insert_with(|| refusal(&problem, text, at));
                None
            });
            conditions.collect()
        };
        let of_spans = read(&conditions.span, Context::Span);
        let of_events = read(&conditions.span_event, Context::SpanEvent);
        let all = of_spans.iter().chain(&of_events);
        Self {
            ignores_errors: conditions.ignores_errors,
            fields: all.flat_map(Condition::fields).collect(),
            of_spans,
            of_events,
            refused,
        }
    }

    pub(super) fn cast(&self, input: Input<'_>) -> Cast {
        if let Some(why) = &self.refused {
            return Cast::unknown(why.as_str());
        }
        if let Some(lost) = single::lost(&self.fields, input) {
            return lost;
        }
        let fidelity = match input.losses.iter().next() {
            None => Fidelity::Whole,
            Some(_) => Fidelity::Partial,
        };
        let mut walk = Walk::new(self.ignores_errors);
        for (at, span) in input.spans.iter().enumerate() {
            self.walk_span(&mut walk, at, span, fidelity);
        }
        walk.cast()
    }

    fn walk_span(&self, walk: &mut Walk, at: usize, span: &Span, fidelity: Fidelity) {
        let mut record = Record {
            span,
            event: None,
            fidelity,
        };
        if !self.of_spans.is_empty() {
            walk.add(self.first(&self.of_spans, record), at, None);
        }
        if !self.of_events.is_empty() {
            for (number, event) in span.events.iter().enumerate() {
                record.event = Some(event);
                walk.add(self.first(&self.of_events, record), at, Some(number));
            }
        }
    }

    /// The first condition that holds, or that fails if errors are not ignored.
    fn first(&self, conditions: &[Condition], record: Record<'_>) -> Found {
        let mut unknown = None;
        for (at, condition) in conditions.iter().enumerate() {
            match condition.holds(record) {
                Ok(true) => return Found::Match(at),
                Ok(false) => {}
                Err(Stop::Error(_)) if self.ignores_errors => {}
                Err(Stop::Error(error)) if unknown.is_none() => return Found::Error(error),
                Err(Stop::Error(error) | Stop::Unknown(error)) => {
                    unknown.get_or_insert(error);
                    // Without errors that are ignored, the unknown one might have ended here.
                    if !self.ignores_errors {
                        break;
                    }
                }
            }
        }
        unknown.map_or(Found::NoMatch, Found::Unknown)
    }
}

/// The votes that the records so far leave possible.
struct Walk {
    ignores_errors: bool,
    votes: Votes,
    /// A record has decided.
    is_over: bool,
    has_match: bool,
    has_error: bool,
    ground: Ground,
}

impl Walk {
    fn new(ignores_errors: bool) -> Self {
        Self {
            ignores_errors,
            votes: Votes::NONE,
            is_over: false,
            has_match: false,
            has_error: false,
            ground: Ground::NoMatch,
        }
    }

    fn add(&mut self, found: Found, span: usize, event: Option<usize>) {
        let (vote, ground) = match found {
            Found::NoMatch => return,
            Found::Unknown(why) => return self.add_unknown(why),
            Found::Match(condition) => {
                self.has_match = true;
                let ground = Ground::Condition {
                    condition,
                    span,
                    event,
                };
                (Vote::Sampled, ground)
            }
            Found::Error(error) => {
                self.has_error = true;
                (Vote::Error, Ground::Failed(error))
            }
        };
        if !self.is_over {
            self.votes = self.votes.with(vote);
            self.is_over = true;
            if matches!(self.ground, Ground::NoMatch) || self.votes.single().is_some() {
                self.ground = ground;
            }
        }
    }

    fn add_unknown(&mut self, why: String) {
        if self.is_over {
            return;
        }
        self.votes = self.votes.with(Vote::Sampled);
        if !self.ignores_errors {
            self.votes = self.votes.with(Vote::Error);
        }
        self.ground = Ground::Unknown(why);
    }

    fn cast(mut self) -> Cast {
        if !self.is_over {
            self.votes = self.votes.with(Vote::NotSampled);
        }
        let mut possible = self.votes;
        if self.has_match {
            possible = possible.with(Vote::Sampled);
        }
        if self.has_error {
            possible = possible.with(Vote::Error);
        }
        Cast {
            votes: self.votes,
            possible,
            ground: self.ground,
        }
    }
}

fn refusal(problem: &Problem, text: &str, at: &Location) -> String {
    let at = problem.location(text, at);
    match problem.kind {
        ProblemKind::Unsupported => format!("{} ({at})", problem.what),
        ProblemKind::Invalid => format!("the condition is invalid: {} ({at})", problem.what),
    }
}

/// Adds the conditions of a policy, and of those inside of it, that are not evaluated.
pub(super) fn find_wrong(
    policy: &Policy,
    name: &str,
    version: CollectorVersion,
    found: &mut Vec<WrongCondition>,
) {
    if let Rule::OttlCondition(conditions) = &policy.rule {
        let of_spans = conditions.span.iter().map(|one| (one, Context::Span));
        let of_events = conditions.span_event.iter();
        let all = of_spans.chain(of_events.map(|one| (one, Context::SpanEvent)));
        for ((text, at), context) in all {
            if let Err(problem) = Condition::parse(text, context, version) {
                found.push(WrongCondition {
                    policy: name.to_owned(),
                    text: text.clone(),
                    at: at.clone(),
                    problem,
                });
            }
        }
    }
    for inner in policy.inner() {
        find_wrong(inner, name, version, found);
    }
}
