//! Checks of the log records that an entry of `logs` selects.

use std::collections::HashMap;
#[cfg(feature = "run")]
use std::sync::Arc;

use super::attributes::{attribute, is_doubtful_key};
#[cfg(feature = "run")]
use super::correlated::{has_id_of_span, of_other_traces, other_trace};
use super::facts::found_attribute;
use super::forest::TraceReach;
use super::judgement::{FailureDetail, Finality, Judgement, Standing};
use super::matching::{MatchInput, answer, meets, meets_text, would_match};
use super::nearest::similarity;
use super::present::all_of;
use super::record::{body, event_name, name_of, text_of, unknown_service};
use super::select::{Evaluator, Types};
use super::truth::{Count, Truth};
use super::uncertain::or_uncertain;
use super::unjudged::DroppedPart;
use super::{
    Candidate, CheckRef, EntryCheck, Failure, Rejection, RejectionForm, Subject, Unjudged, Witness,
    words,
};
#[cfg(feature = "run")]
use crate::spec::LogSelector;
use crate::spec::{AttributeKey, LogAsk, LogCondition, LogEntry, Matcher, severity_name};
#[cfg(feature = "run")]
use crate::trace::Trace;
use crate::trace::{Attributes, LogRecord, SpanId, TraceId, Value};

/// Upper limit of the records that are shown for a selector that found nothing.
const MOST_NEAREST: usize = 3;

/// Judges an entry: the number of log records, and each condition on all of them.
pub(super) fn judge(number: usize, entry: &LogEntry, evaluator: &Evaluator<'_>) -> Vec<Judgement> {
    let identity = |part| CheckRef::Log {
        entry: number,
        part,
    };
    let find = LogSelection::new(entry, evaluator);
    let name = entry.find.to_string();
    let mut judged = vec![Judgement::new(
        identity(EntryCheck::Count),
        format!("{} of {name}", entry.count.in_words()),
        entry.count_at.clone(),
        find.count(),
    )];
    let has_any = find.mask(Types::Sent).into_iter().any(Truth::seems);
    // Without records, the count decides alone. If the count allows 0, a later record can violate
    // the conditions.
    if has_any || entry.count.contains(0) {
        judged.extend(entry.each.iter().enumerate().map(|(index, condition)| {
            let (part, expected) = (condition.ask.subject(), condition.ask.expected());
            let what = format!("{part} of {name}: {expected}");
            let standing = find.each(condition);
            Judgement::new(
                identity(EntryCheck::Each(index)),
                what,
                condition.at.clone(),
                standing,
            )
        }));
    }
    judged
}

/// The spans that the pattern of `on` selects, by trace and id. Empty for other conditions.
type SelectedSpans = HashMap<(TraceId, SpanId), Truth>;

/// The log records within reach, and the conditions that select them.
struct LogSelection<'e, 't> {
    entry: &'e LogEntry,
    evaluator: &'e Evaluator<'t>,
    records: Vec<&'t LogRecord>,
    spans: Vec<SelectedSpans>,
}

impl<'e, 't> LogSelection<'e, 't> {
    fn new(entry: &'e LogEntry, evaluator: &'e Evaluator<'t>) -> Self {
        let mut patterns = entry.find.conditions.iter().filter_map(pattern_of);
        let is_linked = patterns.any(|of| evaluator.reach_of_pattern(of) == TraceReach::Links);
        let reach = match is_linked {
            true => TraceReach::Links,
            false => evaluator.least_reach,
        };
        let traces = evaluator.forest.traces(reach);
        let records = traces.flat_map(|(_, trace)| trace.logs());
        let conditions = entry.find.conditions.iter();
        Self {
            entry,
            evaluator,
            records: records.map(|record| &**record).collect(),
            spans: conditions.map(|one| spans_of(one, evaluator)).collect(),
        }
    }

    /// For each record, the answer to the selector. A record that it excludes only because of the type of
    /// a value is in doubt.
    fn mask(&self, types: Types) -> Vec<Truth> {
        let of_record = |record: &&LogRecord| {
            let conditions = self.entry.find.conditions.iter().zip(&self.spans);
            let answers = conditions.map(|(condition, spans)| {
                let answer = meets_record(&condition.ask, spans, record);
                let is_doubtful = types == Types::Any && is_in_doubt(&condition.ask, record);
                answer.unless(answer == Truth::No && is_doubtful)
            });
            let answer = answers.min().unwrap_or(Truth::Yes);
            match record.is_repeated {
                true => answer.min(Truth::Seems),
                false => answer,
            }
        };
        self.records.iter().map(of_record).collect()
    }

    fn only_grows(&self) -> bool {
        let mut patterns = self.entry.find.conditions.iter().filter_map(pattern_of);
        patterns.all(|pattern| self.evaluator.pattern_only_grows(pattern))
    }

    fn count(&self) -> Standing {
        let limits = &self.entry.count;
        let mask = self.mask(Types::Sent);
        let number = Count::of(mask.iter().copied());
        let finality = |is_final: bool| match is_final && self.only_grows() {
            true => Finality::Final,
            false => Finality::Open,
        };
        match number.within(limits) {
            Truth::Yes => self.in_doubt(&mask, number.seen).unwrap_or_else(|| {
                Standing::holds(finality(limits.holds_for_all_above(number.least)))
            }),
            Truth::Seems => Standing::unjudged(self.why_uncertain(&mask)),
            Truth::SeemsNot if limits.has_no_greatest() => {
                let failed = Standing::fails(self.wrong_number(&mask), Finality::Open);
                or_uncertain(Some(self.why_uncertain(&mask)), failed)
            }
            Truth::SeemsNot => Standing::unjudged(self.why_uncertain(&mask)),
            Truth::No => Standing::fails(
                self.wrong_number(&mask),
                finality(limits.fails_for_all_above(number.least)),
            ),
        }
    }

    /// The failure of a count that is met without the doubtful records and not with them.
    fn in_doubt(&self, strict: &[Truth], number: u64) -> Option<Standing> {
        let limits = &self.entry.count;
        if limits.holds_for_all_above(number) {
            return None;
        }
        let any = self.mask(Types::Any);
        let pairs = self.records.iter().zip(strict.iter().zip(&any));
        let doubtful =
            pairs.filter(|(_, (strict, any))| **strict == Truth::No && **any != Truth::No);
        let doubtful: Vec<&LogRecord> = doubtful.map(|(record, _)| *record).collect();
        let more = (1..=doubtful.len() as u64).find(|more| !limits.contains(number + more))?;
        let noun = if more == 1 {
            "one log record"
        } else {
            "log records"
        };
        let some = if more == 1 {
            String::new()
        } else {
            format!("{more} ")
        };
        let found = format!(
            "{} and {some}{noun} that `find` cannot judge",
            words::count(number)
        );
        let mut failure = self.failure(found);
        failure
            .hints
            .extend(doubtful.first().and_then(|record| self.doubt(record)));
        self.show(&mut failure, doubtful.into_iter());
        Some(Standing::fails(failure, Finality::Open))
    }

    /// The reason why `find` cannot judge a record.
    fn doubt(&self, record: &LogRecord) -> Option<String> {
        let mut conditions = self.entry.find.conditions.iter();
        let open = conditions.find(|one| is_in_doubt(&one.ask, record))?;
        Some(format!(
            "the {} of {} is {}, of a type that the matcher cannot judge",
            open.ask.subject(),
            name_of(record),
            found(&open.ask, record, self.evaluator)
        ))
    }

    fn failure(&self, found: String) -> Failure {
        let entry = self.entry;
        Failure::new(
            Subject::SelectedLogs(entry.find.to_string()),
            entry.count_at.clone(),
            entry.count.in_words(),
            found,
        )
    }

    fn wrong_number(&self, mask: &[Truth]) -> Failure {
        let selected = self
            .records
            .iter()
            .zip(mask)
            .filter(|(_, truth)| truth.seems());
        let selected: Vec<&LogRecord> = selected.map(|(record, _)| *record).collect();
        let mut failure = self.failure(words::count(selected.len() as u64));
        if selected.is_empty() && self.evaluator.detail == FailureDetail::Explained {
            failure.nearest = self.nearest();
            failure.hints.extend(self.nothing_hint());
        }
        self.show(&mut failure, selected.into_iter());
        failure
    }

    /// The probable reason why no record was found, if it is not in the selector.
    fn nothing_hint(&self) -> Option<String> {
        let of_service = self.entry.find.exact_service();
        let is_its =
            |record: &&LogRecord| of_service.is_none_or(|service| record.service() == service);
        if self.records.iter().any(is_its) {
            return None;
        }
        let whose = of_service.map_or_else(String::new, |name| format!(" of `{name}`"));
        Some(format!(
            "no log record{whose} arrived with the id of this trace: the service needs a logging bridge of OpenTelemetry, OTEL_LOGS_EXPORTER=otlp, and a level that lets the record through"
        ))
    }

    /// Marks the spans in which these records were written.
    fn show<'r>(&self, failure: &mut Failure, records: impl Iterator<Item = &'r LogRecord>) {
        if self.evaluator.detail == FailureDetail::Explained {
            let witnesses = records.filter_map(|record| witness(record, self.evaluator));
            failure.show(witnesses, |witness| witness);
        }
    }

    /// Judges a condition on each selected record.
    fn each(&self, condition: &LogCondition) -> Standing {
        let spans = spans_of(condition, self.evaluator);
        let (mut wrong, mut open) = (Vec::new(), None);
        for (record, selected) in self.records.iter().zip(self.mask(Types::Any)) {
            if selected == Truth::No {
                continue;
            }
            match (selected, meets_record(&condition.ask, &spans, record)) {
                (_, Truth::Yes) => {}
                // A repeated record was certainly written once.
                (Truth::Yes | Truth::Seems, Truth::No) => wrong.push(*record),
                (Truth::Yes | Truth::Seems, _) => {
                    open.get_or_insert_with(|| why_unmet(&condition.ask, record, self.evaluator));
                }
                _ => {
                    open.get_or_insert_with(|| self.why_selected(record));
                }
            }
        }
        let Some(first) = wrong.first() else {
            return match open {
                None => Standing::holds(Finality::Open),
                Some(why) => Standing::unjudged(why),
            };
        };
        let is_final = self.only_grows() && pattern_of(condition).is_none();
        let finality = match is_final {
            true => Finality::Final,
            false => Finality::Open,
        };
        let subject = Subject::Record {
            part: condition.ask.subject(),
            name: text_of(first),
        };
        let found = found(&condition.ask, first, self.evaluator);
        let expected = condition.ask.expected();
        let mut failure = Failure::new(subject, condition.at.clone(), expected, found);
        self.show(&mut failure, wrong.into_iter());
        Standing::fails(failure, finality)
    }

    /// The reason why the selection is uncertain.
    fn why_uncertain(&self, mask: &[Truth]) -> Unjudged {
        let mut open = self
            .records
            .iter()
            .zip(mask)
            .filter(|(_, truth)| !truth.is_known());
        let open = open.next().map(|(record, _)| self.why_selected(record));
        open.unwrap_or(Unjudged::NotReached)
    }

    /// The reason why it is uncertain if a record is selected.
    fn why_selected(&self, record: &LogRecord) -> Unjudged {
        let conditions = self.entry.find.conditions.iter().zip(&self.spans);
        let mut open =
            conditions.filter(|(one, spans)| !meets_record(&one.ask, spans, record).is_known());
        let of_condition = open.next().map(|(one, _)| &one.ask);
        let in_doubt = || {
            let mut conditions = self.entry.find.conditions.iter();
            let doubtful = conditions.find(|one| is_in_doubt(&one.ask, record))?;
            Some(Unjudged::OtherType(name_of(record), doubtful.ask.subject()))
        };
        match of_condition {
            Some(ask) => why_unmet(ask, record, self.evaluator),
            None if record.is_repeated => Unjudged::Repeated(name_of(record)),
            None => in_doubt().unwrap_or(Unjudged::NotReached),
        }
    }

    /// The closest records, best first, each with the conditions that it does not meet.
    fn nearest(&self) -> Vec<Candidate> {
        let conditions = &self.entry.find.conditions;
        let mut ranked: Vec<(f64, &LogRecord)> = self
            .records
            .iter()
            .map(|record| {
                let scores = conditions.iter().zip(&self.spans);
                let score = scores
                    .map(|(one, spans)| closeness(&one.ask, spans, record))
                    .sum();
                (score, *record)
            })
            .filter(|(score, _)| *score > 0.0)
            .collect();
        ranked.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        ranked.truncate(MOST_NEAREST);
        let candidate = |record: &LogRecord| Candidate {
            span_id: record.span_id,
            service: record.service().to_owned(),
            name: text_of(record),
            rejected: conditions
                .iter()
                .zip(&self.spans)
                .filter(|(one, spans)| !meets_record(&one.ask, spans, record).seems())
                .map(|(one, _)| Rejection {
                    key: one.ask.subject(),
                    expected: one.ask.expected(),
                    found: found(&one.ask, record, self.evaluator),
                    form: form(&one.ask, record),
                })
                .collect(),
        };
        let candidates = ranked.into_iter().map(|(_, record)| candidate(record));
        candidates.filter(|one| !one.rejected.is_empty()).collect()
    }
}

/// Returns `true` if a record meets a selector, apart from the span in which it was written.
#[cfg(feature = "run")]
pub(crate) fn meets_apart_from_span(find: &LogSelector, record: &LogRecord) -> bool {
    let no_spans = SelectedSpans::new();
    let conditions = find
        .conditions
        .iter()
        .filter(|one| pattern_of(one).is_none());
    let mut answers = conditions.map(|one| meets_record(&one.ask, &no_spans, record));
    answers.all(Truth::seems)
}

/// Shows the records that meet a selector and have the id of a span of this trace, but another trace id.
#[cfg(feature = "run")]
pub(crate) fn show_stray(
    failure: &mut Failure,
    find: &LogSelector,
    records: &[Arc<LogRecord>],
    trace: &Trace,
) {
    let found: Vec<&LogRecord> = of_other_traces(records, trace)
        .filter(|record| has_id_of_span(trace, record) && meets_apart_from_span(find, record))
        .take(MOST_NEAREST)
        .collect();
    let Some(first) = found.first() else {
        return;
    };
    // In place of the reasons why there is none.
    failure.hints = vec![other_trace(first)];
    let candidates = found.iter().map(|record| Candidate {
        span_id: record.span_id,
        service: record.service().to_owned(),
        name: text_of(record),
        rejected: vec![Rejection {
            key: "trace id".to_owned(),
            expected: trace.id().to_string(),
            found: record
                .trace_id
                .map_or_else(String::new, |id| id.to_string()),
            form: RejectionForm::Value,
        }],
    });
    failure.nearest.splice(0..0, candidates);
    failure.nearest.truncate(MOST_NEAREST);
}

fn pattern_of(condition: &LogCondition) -> Option<&crate::spec::Pattern> {
    match &condition.ask {
        LogAsk::On(pattern) => Some(pattern),
        _ => None,
    }
}

fn spans_of(condition: &LogCondition, evaluator: &Evaluator<'_>) -> SelectedSpans {
    let mut spans = SelectedSpans::new();
    let Some(pattern) = pattern_of(condition) else {
        return spans;
    };
    let mask = evaluator.pattern(pattern, evaluator.reach_of_pattern(pattern));
    for (at, truth) in mask.into_iter().enumerate() {
        let span = evaluator.forest.span(at);
        // The two ends of a call can share an id.
        let known = spans.entry((span.trace_id, span.span_id)).or_insert(truth);
        *known = truth.max(*known);
    }
    spans
}

/// The answer of a record to a condition.
fn meets_record(ask: &LogAsk, spans: &SelectedSpans, record: &LogRecord) -> Truth {
    let text = |matcher: &Matcher, text: &str| Truth::of(meets_text(matcher, text));
    match ask {
        LogAsk::Service(matcher) => {
            text(matcher, record.service()).unless(unknown_service(record).is_some())
        }
        LogAsk::Severity(limits) => {
            let number = record.severity.map(u64::from);
            number.map_or(Truth::SeemsNot, |number| Truth::of(limits.contains(number)))
        }
        LogAsk::Body(matcher) => Truth::of(meets(matcher, body(record))),
        LogAsk::Event(matcher) => text(matcher, event_name(record)),
        LogAsk::Scope(matcher) => text(matcher, &record.scope.name),
        LogAsk::Attribute(key, matcher) => attribute(&record.attributes, key, matcher),
        LogAsk::Resource(key, matcher) => attribute(&record.resource.attributes, key, matcher),
        LogAsk::On(_) => {
            let ids = record.trace_id.zip(record.span_id);
            // A span that did not arrive can be meant.
            ids.map_or(Truth::No, |ids| {
                spans.get(&ids).copied().unwrap_or(Truth::SeemsNot)
            })
        }
    }
}

/// Returns `true` if a record does not meet a condition because of the type of a value.
fn is_in_doubt(ask: &LogAsk, record: &LogRecord) -> bool {
    match ask {
        LogAsk::Body(matcher) => body(record).is_some_and(|body| {
            let input = MatchInput::Value(body);
            answer(matcher, input).misfit().is_some() && would_match(matcher, input)
        }),
        LogAsk::Attribute(key, matcher) => is_doubtful_key(&record.attributes, key, matcher),
        LogAsk::Resource(key, matcher) => {
            is_doubtful_key(&record.resource.attributes, key, matcher)
        }
        _ => false,
    }
}

/// The mark of the span in which a record was written, if that span arrived.
pub(super) fn witness(record: &LogRecord, evaluator: &Evaluator<'_>) -> Option<Witness> {
    let (trace, id) = (record.trace_id?, record.span_id?);
    let mut traces = evaluator.forest.traces(TraceReach::Links);
    let (_, of) = traces.find(|(_, of)| of.id() == trace)?;
    let span = &of.spans()[of.find(id)?];
    let mark = format!("log {}", Value::from(text_of(record).as_str()));
    Some(Witness::new(span, mark))
}

/// The actual value of the part that a condition is about.
fn found(ask: &LogAsk, record: &LogRecord, evaluator: &Evaluator<'_>) -> String {
    let quoted = |text: &str| words::value(&Value::from(text));
    match ask {
        LogAsk::Service(_) => quoted(record.service()),
        LogAsk::Severity(_) => match (record.severity, record.severity_text.as_str()) {
            (Some(number), "") => severity_name(number),
            (Some(number), text) => format!("{} ({})", severity_name(number), quoted(text)),
            (None, "") => "none".to_owned(),
            (None, text) => format!("none, only the text {}", quoted(text)),
        },
        LogAsk::Body(_) => words::optional(body(record)),
        LogAsk::Event(_) => match event_name(record) {
            "" => "nothing".to_owned(),
            name => quoted(name),
        },
        LogAsk::Scope(_) => quoted(&record.scope.name),
        LogAsk::Attribute(key, _) => found_attribute(&record.attributes, key),
        LogAsk::Resource(key, _) => found_attribute(&record.resource.attributes, key),
        LogAsk::On(_) => {
            let span = witness(record, evaluator)
                .map(|span| format!("`{}` of {}", span.name, span.service));
            span.unwrap_or_else(|| match record.span_id {
                Some(id) => format!("span {id}, which did not arrive"),
                None => "no span".to_owned(),
            })
        }
    }
}

fn form(ask: &LogAsk, record: &LogRecord) -> RejectionForm {
    let has =
        |attributes: &Attributes, key: &AttributeKey| all_of(attributes, key).next().is_some();
    match ask {
        LogAsk::Attribute(key, _) if !has(&record.attributes, key) => RejectionForm::Missing,
        LogAsk::Resource(key, _) if !has(&record.resource.attributes, key) => {
            RejectionForm::Missing
        }
        _ => RejectionForm::Value,
    }
}

/// The reason why the answer about a record is uncertain.
fn why_unmet(ask: &LogAsk, record: &LogRecord, evaluator: &Evaluator<'_>) -> Unjudged {
    let dropped = |part, number| Unjudged::Dropped(name_of(record), part, number);
    match ask {
        LogAsk::Attribute(..) => dropped(DroppedPart::LogAttributes, record.attributes.dropped()),
        LogAsk::Resource(..) => {
            dropped(DroppedPart::Resource, record.resource.attributes.dropped())
        }
        LogAsk::Service(_) => unknown_service(record).unwrap_or(Unjudged::NotReached),
        LogAsk::Severity(_) => Unjudged::NoSeverity(name_of(record)),
        LogAsk::On(pattern) => {
            let reach = evaluator.reach_of_pattern(pattern);
            match witness(record, evaluator) {
                None => Unjudged::SpanOfRecord(name_of(record)),
                Some(_) => {
                    let why = evaluator.reason_of_pattern(pattern, reach);
                    why.unwrap_or(Unjudged::NotReached)
                }
            }
        }
        _ => Unjudged::NotReached,
    }
}

/// The weight of a condition that a record meets; of a similar text, a part of it.
fn closeness(ask: &LogAsk, spans: &SelectedSpans, record: &LogRecord) -> f64 {
    let weight = if matches!(ask, LogAsk::Body(_)) {
        3.0
    } else {
        1.0
    };
    if meets_record(ask, spans, record).seems() {
        return weight;
    }
    match ask {
        LogAsk::Body(matcher) => weight * similarity(matcher, &text_of(record)),
        LogAsk::Service(matcher) => similarity(matcher, record.service()),
        _ => 0.0,
    }
}
