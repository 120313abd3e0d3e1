//! Assertions about a trace: judged and reported as the checks of a spec, at the line of the test.

use std::sync::Arc;

use super::impossible;
use super::late::{self, Passed};
use super::log_pattern::LogPattern;
use super::pattern::SpanPattern;
use super::value::IntoCount;
use crate::check::{
    self, CheckRef, EntryCheck, Evidence, Finality, Judged, Judgement, NearMiss, Outcome, Unjudged,
};
use crate::report::{Look, text};
use crate::result::{Phase, StepReport};
use crate::spec::{
    Expect, Limits, Location, LogCondition, LogEntry, Place, Selector, Source, SpanCondition,
    SpanEntry, SpanType, Syntax,
};
use crate::trace::{Field, Origin, Response, Span, SpanId, SpanKind, Trace};

/// The place of a macro: file, line and column.
pub type Caller = (&'static str, u32, u32);

/// The implementation of [`assert_span!`](crate::assert_span) and
/// [`assert_no_span!`](crate::assert_no_span).
#[doc(hidden)]
pub type SpanAssertion<'t> = Assertion<'t, SpanPattern>;

/// The implementation of [`assert_log!`](crate::assert_log) and
/// [`assert_no_log!`](crate::assert_no_log).
#[doc(hidden)]
pub type LogAssertion<'t> = Assertion<'t, LogPattern>;

/// An assertion about what this pattern describes. It joins the text of the macro again, so that a
/// failure can point into it.
#[doc(hidden)]
#[derive(Debug)]
pub struct Assertion<'t, P> {
    trace: &'t Trace,
    name: &'static str,
    file: &'static str,
    text: String,
    find: P,
    find_at: Place,
    each: Vec<(P, Place)>,
    count: Option<(Limits<u64>, Place)>,
}

impl<'t, P> Assertion<'t, P> {
    /// Takes the texts of the expressions for the trace and for what is looked for.
    pub fn new(
        name: &'static str,
        (file, line, column): Caller,
        (trace, trace_text): (&'t Trace, &str),
        (find, find_text): (impl Into<P>, &str),
    ) -> Self {
        let mut text = "\n".repeat(line.saturating_sub(1) as usize);
        text.push_str(&" ".repeat(column.saturating_sub(1) as usize));
        text.push_str(&format!("{name}({}, ", one_line(trace_text)));
        let find_at = append(&mut text, find_text);
        Self {
            trace,
            name,
            file,
            text,
            find: find.into(),
            find_at,
            each: Vec::new(),
            count: None,
        }
    }

    /// A condition on each of them.
    pub fn key(&mut self, key: &str, value: &str, ask: P) {
        self.text.push_str(&format!(", {key}: "));
        let at = append(&mut self.text, value);
        self.each.push((ask, at));
    }

    /// Opens a map of attributes.
    pub fn open(&mut self, key: &str) {
        self.text.push_str(&format!(", {key}: {{"));
    }

    /// An entry of that map.
    pub fn entry(&mut self, key: &str, value: &str, ask: P) {
        let comma = if self.text.ends_with('{') { "" } else { "," };
        self.text
            .push_str(&format!("{comma} {} => ", one_line(key)));
        let at = append(&mut self.text, value);
        self.each.push((ask, at));
    }

    /// Closes that map.
    pub fn close(&mut self) {
        self.text.push_str(" }");
    }

    /// Sets their number.
    pub fn count(&mut self, value: &str, count: impl IntoCount) {
        self.text.push_str(", count: ");
        let at = append(&mut self.text, value);
        self.count = Some((count.into_count(), at));
    }

    fn source(&self) -> Source {
        Source::new(self.file, format!("{})", self.text))
    }
}

impl SpanAssertion<'_> {
    /// Such spans are there, and each meets every condition.
    ///
    /// # Panics
    /// With everything that does not hold, or if no span can be like what is looked for.
    #[track_caller]
    pub fn each_holds(self) {
        let (name, trace) = (self.name, self.trace);
        let source = self.source();
        let find_at = source.at(self.find_at);
        let (count, count_at) = match self.count {
            Some((count, at)) => (count, source.at(at)),
            None => (Limits::at_least(1), find_at.clone()),
        };
        let each = self.each.into_iter();
        let each: Vec<SpanCondition> = each
            .flat_map(|(ask, at)| ask.conditions(&source.at(at)))
            .collect();
        let entry = SpanEntry {
            receiver: None,
            count,
            count_at,
            each,
            aggregates: Vec::new(),
            at: find_at.clone(),
            find: self.find.outermost().selector(&find_at),
        };
        report_spans(name, trace, across_links(entry));
    }

    /// No span meets all of it.
    ///
    /// # Panics
    /// With the spans that do.
    #[track_caller]
    pub fn none_is_there(self) {
        let (name, trace) = (self.name, self.trace);
        let source = self.source();
        let find_at = source.at(self.find_at);
        let mut find = self.find.outermost().selector(&find_at);
        let each = self.each.into_iter();
        find.conditions.extend(
            each.flat_map(|(ask, at)| -> Vec<SpanCondition> { ask.conditions(&source.at(at)) }),
        );
        if let Some(why) = impossible::together(find.conditions.iter().map(|one| &one.ask)) {
            panic!("{why}, so {name} would pass for every trace");
        }
        let near = check::near_misses(&find, trace).into_iter().next();
        let at = find_at.clone();
        let is_there = !check::select(&find, trace).is_empty();
        let entry = SpanEntry {
            receiver: None,
            count: 0.into_count(),
            count_at: find_at.clone(),
            each: Vec::new(),
            aggregates: Vec::new(),
            at: find_at,
            find,
        };
        // A span that is nearly such a span is described by its own message.
        if let Some(near) = near.filter(|_| !is_there) {
            panic!("\n{}", nearly(name, trace, near, at));
        }
        report_spans(name, trace, vec![entry]);
    }
}

impl LogAssertion<'_> {
    /// Such log records are there, and each meets every condition.
    ///
    /// # Panics
    /// With everything that does not hold.
    #[track_caller]
    pub fn each_holds(self) {
        let source = self.source();
        let find_at = source.at(self.find_at);
        let (count, count_at) = match self.count {
            Some((count, at)) => (count, source.at(at)),
            None => (Limits::at_least(1), find_at.clone()),
        };
        let each = self.each.into_iter();
        let each: Vec<LogCondition> = each
            .flat_map(|(ask, at)| ask.conditions(&source.at(at)))
            .collect();
        let entry = LogEntry {
            receiver: None,
            count,
            count_at,
            each,
            find: self.find.selector(&find_at),
            at: find_at,
            awaits: Vec::new(),
        };
        report_logs(self.name, self.trace, entry);
    }

    /// No log record meets all of it.
    ///
    /// # Panics
    /// With the log records that do.
    #[track_caller]
    pub fn none_is_there(self) {
        let source = self.source();
        let find_at = source.at(self.find_at);
        let mut find = self.find.selector(&find_at);
        let each = self.each.into_iter();
        find.conditions.extend(
            each.flat_map(|(ask, at)| -> Vec<LogCondition> { ask.conditions(&source.at(at)) }),
        );
        if let Some(why) = impossible::logs_together(&find.conditions) {
            panic!("{why}, so {} would pass for every trace", self.name);
        }
        let entry = LogEntry {
            receiver: None,
            find,
            count: 0.into_count(),
            count_at: find_at.clone(),
            each: Vec::new(),
            at: find_at,
            awaits: Vec::new(),
        };
        report_logs(self.name, self.trace, entry);
    }
}

/// Adds what stands in the macro, on one line, and says where it is now.
fn append(text: &mut String, what: &str) -> Place {
    let start = text.len();
    text.push_str(&one_line(what));
    Place {
        start,
        end: text.len(),
    }
}

fn one_line(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines.join(" ")
}

/// The entries of an assertion. A condition that follows links makes spans of linked traces
/// candidates, as in `find` of a spec and in `assert_no_span!`; the spans of this trace must meet
/// it all the same.
fn across_links(mut entry: SpanEntry) -> Vec<SpanEntry> {
    let follows_links = |condition: &SpanCondition| {
        let only = Selector {
            take: None,
            conditions: vec![condition.clone()],
        };
        only.follows_links()
    };
    let (linked, each): (Vec<SpanCondition>, Vec<SpanCondition>) =
        entry.each.into_iter().partition(follows_links);
    entry.each = each;
    if linked.is_empty() || entry.find.follows_links() {
        entry.each.extend(linked);
        return vec![entry];
    }
    let here = SpanEntry {
        receiver: None,
        count: Limits::range(None, None, "0.."),
        each: linked.clone(),
        ..entry.clone()
    };
    entry.find.conditions.extend(linked);
    vec![entry, here]
}

#[track_caller]
fn report_spans(name: &str, trace: &Trace, entries: Vec<SpanEntry>) {
    let Some(first) = entries.first() else { return };
    let at = first.at.clone();
    let expect = Expect {
        spans_await: vec![Vec::new(); entries.len()],
        spans: entries,
        syntax: Syntax::Rust,
        ..Expect::default()
    };
    report(name, trace, expect, at);
}

#[track_caller]
fn report_logs(name: &str, trace: &Trace, entry: LogEntry) {
    let at = entry.at.clone();
    let expect = Expect {
        logs: vec![entry],
        syntax: Syntax::Rust,
        ..Expect::default()
    };
    report(name, trace, expect, at);
}

#[track_caller]
fn report(name: &str, trace: &Trace, expect: Expect, at: Location) {
    if let Some(text) = unmet(name, trace, &expect, at.clone()) {
        panic!("\n{text}");
    }
    late::passed(
        trace.id(),
        Passed {
            name: name.to_owned(),
            expect,
            at,
        },
    );
}

/// The error for an assertion that passes only because of a near miss.
fn nearly(name: &str, trace: &Trace, near: NearMiss, at: Location) -> String {
    let NearMiss { span, reasons } = near;
    let judged = Judged {
        check: CheckRef::Span {
            entry: 0,
            part: EntryCheck::Count,
        },
        what: "no such span".to_owned(),
        at: at.clone(),
        outcome: Outcome::Unjudged(Unjudged::NearMiss { span, reasons }),
    };
    told(name, trace, vec![judged], at)
}

/// Everything that does not hold, as the command would show it. Of an incomplete trace, nothing is
/// known that a further span could change.
pub(super) fn unmet(name: &str, trace: &Trace, expect: &Expect, at: Location) -> Option<String> {
    let missing: Vec<SpanId> = trace.missing_spans().into_iter().collect();
    let is_whole = trace.origin() == Origin::Foreign || late::is_taken(trace.id());
    let why = match missing.is_empty() {
        false if !is_whole => Some(Unjudged::Incomplete(missing)),
        _ => late::why_incomplete(trace),
    };
    unmet_of(name, trace, expect, at, why.as_ref())
}

/// Everything that does not hold of a trace that is complete, or incomplete for this reason.
pub(super) fn unmet_of(
    name: &str,
    trace: &Trace,
    expect: &Expect,
    at: Location,
    why: Option<&Unjudged>,
) -> Option<String> {
    let judged = judgements(trace, expect).into_iter();
    let checks = judged.map(|judgement| match (judgement.finality, why) {
        (Finality::Open, Some(why))
            if judgement.judged.outcome == Outcome::Pass
                || matches!(why, Unjudged::Incomplete(_)) =>
        {
            Judged {
                outcome: Outcome::Unjudged(why.clone()),
                ..judgement.judged
            }
        }
        _ => judgement.judged,
    });
    told_unless_met(name, trace, checks.collect(), at)
}

fn judgements(trace: &Trace, expect: &Expect) -> Vec<Judgement> {
    let without_logs;
    let trace = match expect.needs_logs() && is_without_logs(trace) {
        false => trace,
        true => {
            let lost = [Field::LogRecords].into_iter().collect();
            without_logs = trace.clone().with_losses(lost);
            &without_logs
        }
    };
    check::judge(expect, &Evidence::new(&Response::None, Some(trace), true))
}

/// A trace that no call gave, such as that of a file with spans only.
fn is_without_logs(trace: &Trace) -> bool {
    let mut all = std::iter::once(trace).chain(trace.linked());
    trace.origin() == Origin::Foreign && all.all(|trace| trace.logs().is_empty())
}

fn told_unless_met(name: &str, trace: &Trace, checks: Vec<Judged>, at: Location) -> Option<String> {
    let is_met = checks.iter().all(|judged| judged.outcome == Outcome::Pass);
    (!is_met).then(|| told(name, trace, checks, at))
}

/// Calls that were made, and of which the called service has no span.
fn unanswered(trace: &Trace) -> Vec<String> {
    let spans = trace.spans().iter().enumerate();
    let is_call = |span: &Span| {
        let is_of_type = [SpanType::Http, SpanType::Rpc].iter().any(|kind| {
            let mut keys = kind.identified_by().iter();
            keys.any(|key| span.attributes.get(key).is_some())
        });
        span.kind == SpanKind::Client && is_of_type
    };
    let has_server = |index: usize| {
        let mut children = trace.children(index).iter();
        children.any(|&child| trace.spans()[child].kind == SpanKind::Server)
    };
    let unanswered = spans.filter(|(index, span)| is_call(span) && !has_server(*index));
    unanswered
        .take(3)
        .map(|(_, span)| {
            format!(
                "the call `{}` of {} has no server span: does the called service export to this receiver?",
                span.name,
                span.service()
            )
        })
        .collect()
}

/// The text of an assertion that does not hold.
fn told(name: &str, trace: &Trace, checks: Vec<Judged>, at: Location) -> String {
    let has_failed = checks.iter().any(|one| one.outcome.failure().is_some());
    let step = StepReport {
        trigger: at.to_string(),
        trace_id: Some(trace.id()),
        trace: Some(Arc::new(trace.clone())).filter(|trace| !trace.is_empty()),
        checks,
        notices: unanswered(trace),
        was_closed: true,
        ..StepReport::blank(Phase::Test)
    };
    let word = if has_failed { "FAIL " } else { "ERROR" };
    let look = Look::plain();
    format!(
        "{word} {name}   trace {}…   {}\n{}",
        trace.id().short(),
        text::size(trace),
        text::step(&step, &look),
    )
}
