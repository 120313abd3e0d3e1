//! The verdict about a case.

use super::cases::{Case, Rule};
use super::expand::{Ids, expand, header_lines};
use super::format::Format;
use super::observation::{Answer, EchoCall, Observation, Observers, members};
use crate::trace::{CaseResult, CaseVerdict, Requirement, SpanId, TraceId};

/// The longest text of an observation, in characters.
const LONGEST: usize = 300;

/// The fate of the trace context, as one observer saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Fate {
    /// The trace of this context of the request goes on.
    Continued(usize),
    /// A trace goes on whose id has parts of one that was sent.
    Mangled(String),
    /// Another trace began.
    Restarted(TraceId),
    /// The service called the echo without `traceparent`.
    Headerless,
    /// The service sent a `traceparent` that is not valid.
    Broken(String),
}

/// A requirement that the service did not meet.
struct Violation {
    requirement: Requirement,
    expected: String,
    found: String,
    help: &'static str,
}

/// Judges what was observed about a case.
pub(crate) fn judge(
    case: &Case,
    level: u8,
    ids: &Ids,
    seen: &Observation,
    can: Observers,
) -> CaseResult {
    let judgement = Judgement {
        case,
        ids,
        seen,
        can,
    };
    let (verdict, requirement, expected, found, help) = match judgement.outcome() {
        Ok(found) => (
            CaseVerdict::Conforming,
            case.requirement,
            judgement.expected(),
            found,
            None,
        ),
        Err(Outcome::Violated(violation)) => (
            CaseVerdict::Nonconforming,
            violation.requirement,
            violation.expected,
            violation.found,
            Some(violation.help.to_owned()),
        ),
        Err(Outcome::Masked(found)) => (
            CaseVerdict::Masked,
            case.requirement,
            judgement.expected(),
            found,
            Some(
                "send the requests to the application itself, without the proxy that refuses them"
                    .to_owned(),
            ),
        ),
        Err(Outcome::Unobserved(found, help)) => (
            CaseVerdict::Unobservable,
            case.requirement,
            judgement.expected(),
            found,
            Some(help.to_owned()),
        ),
    };
    CaseResult {
        verdict,
        requirement,
        expected,
        found: shortened(&found),
        help,
        ..blank(case, level, ids)
    }
}

/// The result of a case that was not sent, or that no observer could see.
pub(crate) fn unobservable(
    case: &Case,
    level: u8,
    ids: &Ids,
    reason: &str,
    help: &str,
) -> CaseResult {
    CaseResult {
        found: reason.to_owned(),
        help: Some(help.to_owned()),
        ..blank(case, level, ids)
    }
}

fn blank(case: &Case, level: u8, ids: &Ids) -> CaseResult {
    CaseResult {
        name: case.name,
        verdict: CaseVerdict::Unobservable,
        requirement: case.requirement,
        level: case.level,
        section: case.section.place(level),
        sent: escaped(&header_lines(&case.headers, ids)),
        expected: String::new(),
        found: String::new(),
        help: None,
        trace_ids: ids.traces[..case.contexts()].to_vec(),
        is_legal: case.is_legal,
        is_allowed: false,
    }
}

/// Header lines as text, with escapes for what is not printable.
fn escaped(lines: &[String]) -> String {
    let lines = lines.iter();
    let lines: Vec<String> = lines
        .map(|line| line.as_bytes().escape_ascii().to_string())
        .collect();
    match lines.is_empty() {
        true => "no header".to_owned(),
        false => lines.join("\\r\\n"),
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}… ({} characters)", &text[..end], text.chars().count()),
        None => text.to_owned(),
    }
}

enum Outcome {
    Violated(Violation),
    Masked(String),
    /// The reason, and help.
    Unobserved(String, &'static str),
}

struct Judgement<'a> {
    case: &'a Case,
    ids: &'a Ids,
    seen: &'a Observation,
    can: Observers,
}

const ADD_ECHO: &str =
    "add `--echo PATH` (`echo:` in a spec), a path on which the service calls the echo";
const READ_IT: &str =
    "read the header with the W3C propagator of the SDK, and start the SERVER span in its context";
const IGNORE_IT: &str = "validate the header before its ids are used, and start a new trace: update the SDK, or replace the parser";
const SEND_IT: &str =
    "let the client's instrumentation inject the context that the server extracted";
const STATE: &str = "use the `tracestate` implementation of an SDK of the level that is tested";
const BAGGAGE: &str =
    "activate the W3C baggage propagator (`OTEL_PROPAGATORS=tracecontext,baggage`), or update it";

impl Judgement<'_> {
    /// The observation, if the case conforms.
    fn outcome(&self) -> Result<String, Outcome> {
        let fates = self.fates();
        self.refuse_silence(&fates)?;
        if let Answer::Status(status @ 500..) = self.seen.answer {
            let found = format!("the service answered with the status {status}");
            return Err(self.violated(
                Requirement::Must,
                "a request that is processed as without the header",
                found,
                "catch the error of the parser: an invalid header must not fail the request",
            ));
        }
        let rule = &self.case.rule;
        if rule.needs_echo() && self.seen.echo.is_empty() {
            return Err(self.no_echo());
        }
        if let Rule::Baggage(expected) = rule {
            return self.baggage(expected);
        }
        for (who, fate) in &fates {
            self.judge_fate(who, fate)?;
        }
        let of_rule = match rule {
            Rule::Continued | Rule::Restarted | Rule::Wins | Rule::Baggage(_) => None,
            Rule::NewParent => Some(self.new_parent()?),
            Rule::Flags { mask, value } => Some(self.flags(*mask, *value)?),
            Rule::RestartedWithout(list) | Rule::Kept(list) | Rule::Discarded(list) => {
                Some(self.states(list)?)
            }
            Rule::AnyOf(lists) => Some(self.states(lists.first().copied().unwrap_or_default())?),
            Rule::AtMost(_) => Some(self.states("")?),
        };
        let mut found: Vec<String> = fates
            .iter()
            .map(|(who, fate)| self.describe(who, fate))
            .collect();
        found.extend(of_rule);
        Ok(found.join("; "))
    }

    fn violated(
        &self,
        requirement: Requirement,
        expected: impl Into<String>,
        found: impl Into<String>,
        help: &'static str,
    ) -> Outcome {
        Outcome::Violated(Violation {
            requirement,
            expected: expected.into(),
            found: found.into(),
            help,
        })
    }

    /// The answer decides if no observer saw the request.
    fn refuse_silence(&self, fates: &[(&'static str, Fate)]) -> Result<(), Outcome> {
        if !fates.is_empty() {
            return Ok(());
        }
        let answer = self.seen.answer.describe();
        match self.seen.answer {
            Answer::Status(500..) => Ok(()),
            Answer::Status(400..500) => Err(Outcome::Masked(format!(
                "{answer}, and no observer saw the request: it was refused before the application"
            ))),
            Answer::Closed => Err(Outcome::Masked(format!(
                "{answer}, and no observer saw the request"
            ))),
            Answer::Status(_) if self.is_restart() && self.can.spans && !self.can.urls => {
                Err(Outcome::Unobserved(
                    format!(
                        "{answer}, and no span has a trace id that was sent; a new trace cannot be found, because spans do not contain the query of the URL"
                    ),
                    ADD_ECHO,
                ))
            }
            Answer::Status(_) => Err(Outcome::Unobserved(
                format!("{answer}, and no observer saw the request"),
                match self.can.echo {
                    true => {
                        "let the service call the echo for every request on this path, and export its spans to spanspec"
                    }
                    false => ADD_ECHO,
                },
            )),
            Answer::TimedOut | Answer::NotHttp(_) | Answer::Failed(_) => Err(Outcome::Unobserved(
                answer,
                "let the service answer every request, also one with an invalid header, or raise `timeout`",
            )),
        }
    }

    fn is_restart(&self) -> bool {
        matches!(self.case.rule, Rule::Restarted | Rule::RestartedWithout(_))
    }

    fn no_echo(&self) -> Outcome {
        let reason = "only the echo shows this, and it got no call for this request";
        Outcome::Unobserved(reason.to_owned(), ADD_ECHO)
    }

    /// The fates that the observers saw. Observers that saw nothing are left out.
    fn fates(&self) -> Vec<(&'static str, Fate)> {
        let of_echo = self
            .seen
            .echo
            .iter()
            .map(|call| ("the echo got", self.fate_of_call(call)));
        let of_spans = self
            .seen
            .spans
            .iter()
            .map(|span| ("spans show", self.fate_of_id(span.trace_id)));
        let mut fates: Vec<(&'static str, Fate)> = Vec::new();
        for fate in of_echo.chain(of_spans) {
            if !fates.contains(&fate) {
                fates.push(fate);
            }
        }
        fates
    }

    fn fate_of_call(&self, call: &EchoCall) -> Fate {
        match call.values("traceparent").as_slice() {
            [] => Fate::Headerless,
            [value] => match parsed(value) {
                Some((trace, _, _)) => self.fate_of_id(trace),
                None => Fate::Broken((*value).to_owned()),
            },
            several => Fate::Broken(several.join(" and ")),
        }
    }

    fn fate_of_id(&self, id: TraceId) -> Fate {
        if let Some(index) = self.ids.traces.iter().position(|sent| *sent == id) {
            return Fate::Continued(index);
        }
        let (text, sent) = (id.to_string(), self.ids.traces[0].to_string());
        let has_part =
            text[..28] == sent[..28] || text[4..] == sent[4..] || text[16..] == sent[16..];
        let is_shifted = text[1..] == sent[..31] || text[..31] == sent[1..];
        match has_part || is_shifted {
            true => Fate::Mangled(text),
            false => Fate::Restarted(id),
        }
    }

    fn describe(&self, who: &str, fate: &Fate) -> String {
        match fate {
            Fate::Continued(0) => format!("{who} the trace that was sent"),
            Fate::Continued(index) => match self.format(*index) {
                Some(format) => format!("{who} the trace of {}", format.name()),
                None => format!("{who} the trace of the second header"),
            },
            Fate::Mangled(id) => format!("{who} trace {id}, which is made of the id that was sent"),
            Fate::Restarted(id) => format!("{who} the new trace {id}"),
            Fate::Headerless => format!("{who} no `traceparent`"),
            Fate::Broken(value) => format!("{who} the invalid `traceparent` `{value}`"),
        }
    }

    fn format(&self, context: usize) -> Option<Format> {
        let is_format = self.case.rule == Rule::Wins;
        let format = Format::ALL
            .into_iter()
            .find(|format| format.context() == context);
        format.filter(|_| is_format)
    }

    fn judge_fate(&self, who: &str, fate: &Fate) -> Result<(), Outcome> {
        let found = self.describe(who, fate);
        let must = Requirement::Must;
        if let Fate::Broken(_) = fate {
            let expected = "one valid `traceparent` in each request that the service sends";
            return Err(self.violated(must, expected, found, SEND_IT));
        }
        let is_right = match (&self.case.rule, fate) {
            (Rule::Restarted | Rule::RestartedWithout(_), Fate::Headerless) => {
                !self.case.headers.is_empty()
            }
            (Rule::Restarted | Rule::RestartedWithout(_), Fate::Restarted(_)) => true,
            (Rule::Restarted | Rule::RestartedWithout(_), _) => false,
            (_, fate) => *fate == Fate::Continued(0),
        };
        if is_right {
            return Ok(());
        }
        let help = match (self.is_restart(), fate, &self.case.rule) {
            (_, _, Rule::Wins) => {
                "list `tracecontext` last in `OTEL_PROPAGATORS`, or remove the format that no caller sends"
            }
            (true, _, _) => IGNORE_IT,
            (false, Fate::Headerless, _) => SEND_IT,
            (false, ..) => READ_IT,
        };
        // Of a case about `tracestate`, the continuation of the trace is not optional.
        let requirement = match &self.case.rule {
            Rule::Kept(_) | Rule::Discarded(_) | Rule::AnyOf(_) | Rule::AtMost(_) => must,
            _ => self.case.requirement,
        };
        Err(self.violated(requirement, self.expected_trace(), found, help))
    }

    fn expected_trace(&self) -> &'static str {
        match self.case.rule {
            Rule::Restarted if self.case.headers.is_empty() => "a new trace, which is sent on",
            Rule::Restarted | Rule::RestartedWithout(_) => {
                "a new trace, without the ids that were sent"
            }
            Rule::Wins => "the trace of `traceparent`",
            _ => "the trace that was sent",
        }
    }

    fn expected(&self) -> String {
        let trace = self.expected_trace();
        let list = |template: &str| shortened(&expand(template, self.ids));
        match &self.case.rule {
            Rule::Continued | Rule::Restarted | Rule::Wins => trace.to_owned(),
            Rule::NewParent => format!("{trace}, with another parent id"),
            Rule::Flags { mask, value } => format!("{trace}, with {}", bits(*mask, *value)),
            Rule::RestartedWithout(_) => format!("{trace}, and without the `tracestate`"),
            Rule::Kept(template) => format!("{trace}, with the tracestate `{}`", list(template)),
            Rule::Discarded(template) => format!("{trace}, without `{}`", list(template)),
            Rule::AtMost(number) => format!("{trace}, with at most {number} members"),
            Rule::AnyOf(templates) => {
                let lists: Vec<String> = templates
                    .iter()
                    .map(|of| format!("`{}`", list(of)))
                    .collect();
                format!("{trace}, with the tracestate {}", lists.join(" or "))
            }
            Rule::Baggage(template) => format!("the baggage `{}`", list(template)),
        }
    }

    fn new_parent(&self) -> Result<String, Outcome> {
        for (_, parent, _) in self.sent_on() {
            // A proxy without spans may pass the header on as it is.
            if parent == self.ids.parents[0] && self.can.spans {
                let found =
                    "the echo got the parent id that was sent, although the service records spans";
                return Err(self.violated(Requirement::Must, self.expected(), found, SEND_IT));
            }
        }
        Ok("the parent id that was sent on".to_owned())
    }

    fn flags(&self, mask: u8, value: u8) -> Result<String, Outcome> {
        for (_, _, flags) in self.sent_on() {
            if flags & mask != value {
                let found = format!("the echo got the flags {flags:02x}");
                let help = "test and set single bits of the flags: sampled is 01, random is 02, and others are 0";
                return Err(self.violated(self.case.requirement, self.expected(), found, help));
            }
        }
        Ok(format!("the echo got {}", bits(mask, value)))
    }

    /// The contexts that the echo got.
    fn sent_on(&self) -> impl Iterator<Item = (TraceId, SpanId, u8)> {
        let calls = self.seen.echo.iter();
        calls.filter_map(|call| parsed(call.values("traceparent").first()?))
    }

    /// Judges each `tracestate` that an observer saw.
    fn states(&self, list: &str) -> Result<String, Outcome> {
        let expected = members(&expand(list, self.ids));
        let mut seen: Vec<(&str, Vec<String>)> = Vec::new();
        let of_echo = self.seen.echo.iter();
        seen.extend(of_echo.map(|call| ("the echo got", call.members("tracestate"))));
        if self.can.states {
            let entries = self.seen.spans.iter();
            let entries = entries
                .filter(|span| self.is_restart() || span.parent_id == Some(self.ids.parents[0]));
            seen.extend(entries.map(|span| ("spans show", members(&span.trace_state))));
        }
        if seen.is_empty() {
            let reason = "no observer saw the `tracestate`: the spans do not contain it";
            return Err(Outcome::Unobserved(reason.to_owned(), ADD_ECHO));
        }
        for (who, state) in &seen {
            if let Some(requirement) = self.wrong_state(state, &expected) {
                let found = format!("{who} {}", quoted(state));
                return Err(self.violated(requirement, self.expected(), found, STATE));
            }
        }
        Ok(format!("{} {}", seen[0].0, quoted(&seen[0].1)))
    }

    /// The requirement that a `tracestate` violates.
    fn wrong_state(&self, state: &[String], expected: &[String]) -> Option<Requirement> {
        let own = self.case.requirement;
        match &self.case.rule {
            Rule::Kept(_) if !keeps(state, expected) => Some(own),
            // A vendor adds its member at the beginning.
            Rule::Kept(_) if !state.ends_with(expected) => Some(Requirement::Must),
            Rule::AnyOf(templates) => {
                let lists = templates.iter().map(|of| members(&expand(of, self.ids)));
                let is_one = lists.into_iter().any(|list| state.ends_with(&list));
                (!is_one).then_some(own)
            }
            Rule::AtMost(number) => (state.len() > *number).then_some(own),
            Rule::Discarded(_) | Rule::RestartedWithout(_) => {
                let has_key = |member: &String| {
                    let key = key(member);
                    expected.iter().any(|other| self::key(other) == key)
                };
                state.iter().any(has_key).then_some(own)
            }
            _ => None,
        }
    }

    fn baggage(&self, template: &str) -> Result<String, Outcome> {
        let expected: Vec<BaggageMember> = members(&expand(template, self.ids))
            .iter()
            .map(|member| BaggageMember::of(member))
            .collect();
        for call in &self.seen.echo {
            let sent: Vec<String> = call.members("baggage");
            let found: Vec<BaggageMember> = sent
                .iter()
                .map(|member| BaggageMember::of(member))
                .collect();
            let is_there = |member: &&BaggageMember| found.contains(member);
            if expected.iter().filter(is_there).count() < expected.len() {
                let found = format!("the echo got {}", quoted(&sent));
                return Err(self.violated(self.case.requirement, self.expected(), found, BAGGAGE));
            }
        }
        Ok("the echo got the same members".to_owned())
    }
}

/// Returns `true` if these members are in the list, in this order.
fn keeps(state: &[String], expected: &[String]) -> bool {
    let mut rest = state.iter();
    expected
        .iter()
        .all(|member| rest.any(|other| other == member))
}

fn key(member: &str) -> &str {
    member.split_once('=').map_or(member, |(key, _)| key)
}

fn quoted(members: &[String]) -> String {
    match members.is_empty() {
        true => "none".to_owned(),
        false => format!("`{}`", members.join(",")),
    }
}

fn bits(mask: u8, value: u8) -> String {
    let state = |is_set| if is_set { "set" } else { "not set" };
    match mask {
        0b01 => format!("the sampled flag {}", state(value != 0)),
        0b10 => format!("the random flag {}", state(value != 0)),
        _ => "unknown flags not set".to_owned(),
    }
}

/// A valid `traceparent` of version 00.
fn parsed(value: &str) -> Option<(TraceId, SpanId, u8)> {
    let fields: Vec<&str> = value.split('-').collect();
    let is_lower_hex = |text: &&str| {
        text.bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let ["00", trace, parent, flags] = fields.as_slice() else {
        return None;
    };
    if ![trace, parent, flags].into_iter().all(is_lower_hex) || flags.len() != 2 {
        return None;
    }
    Some((
        trace.parse().ok()?,
        parent.parse().ok()?,
        u8::from_str_radix(flags, 16).ok()?,
    ))
}

/// A member of a baggage, decoded.
#[derive(Debug, PartialEq, Eq)]
struct BaggageMember {
    key: String,
    value: Vec<u8>,
    properties: Vec<(String, Vec<u8>)>,
}

impl BaggageMember {
    fn of(member: &str) -> Self {
        let mut parts = member.split(';').map(|part| {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            (key.trim().to_owned(), decoded(value.trim()))
        });
        let (key, value) = parts.next().unwrap_or_default();
        Self {
            key,
            value,
            properties: parts.collect(),
        }
    }
}

/// Percent-encoded octets become bytes. A plus stays a plus.
fn decoded(value: &str) -> Vec<u8> {
    let bytes = value.as_bytes();
    let mut text = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let octet = value
            .get(at + 1..at + 3)
            .filter(|_| bytes[at] == b'%')
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        text.push(octet.unwrap_or(bytes[at]));
        at += if octet.is_some() { 3 } else { 1 };
    }
    text
}
