//! Reads log records in the lines that a service prints: ids in the spellings of logging libraries, lines of JSON,
//! and other text.
//!
//! The result is OTLP, as if a logging bridge had sent it.

mod ids;
mod severity;
mod stack;
#[cfg(test)]
mod tests;

use std::time::{Duration, SystemTime};

use prost::Message;

pub(super) use self::ids::WrittenTrace;
use self::ids::{SPAN_KEYS, TRACE_KEYS};
use self::stack::StackTrace;
use super::otlp::message::{
    AnyValue, ArrayValue, KeyValue, KeyValueList, LogRecordMessage, LogsData, ResourceLogs,
    ResourceMessage, ScopeLogs, ScopeMessage, ValueKind,
};
use crate::process::LONGEST_LINE;
use crate::trace::{Nanos, SpanId, TraceId, Value, nanos_of, unix_nanos};

const SEVERITY_KEYS: [&str; 10] = [
    LEVEL,
    "severity",
    "log.level",
    "levelname",
    "severity_text",
    "SeverityText",
    "LogLevel",
    "Level",
    "@l",
    "lvl",
];

/// The key of the number in OpenTelemetry's data model.
const NUMBER_KEYS: [&str; 3] = ["severity_number", "SeverityNumber", "severityNumber"];

/// The only key whose numbers are levels of pino and bunyan.
const LEVEL: &str = "level";

/// `event` is the message of structlog.
const BODY_KEYS: [&str; 6] = ["message", "msg", "body", "Message", "@m", "event"];

const TIME_KEYS: [&str; 6] = ["time", "timestamp", "@timestamp", "ts", "Timestamp", "@t"];

/// Keys of maps in which libraries keep the context of a line.
const CONTEXT_KEYS: [&str; 3] = ["mdc", "contextMap", "Properties"];

/// Maximum difference between a time in a line and the time at which the line was read.
const DAY: Nanos = 86_400_000_000_000;

/// The stream of one output of a service.
pub(crate) struct TextLog {
    /// `service.name` of the records.
    service: String,
    /// The name of the scope: `stdout` or `stderr`.
    scope: &'static str,
    /// The state of a stack trace.
    stack: StackTrace,
    /// There was a record to which a stack trace can belong.
    has_record: bool,
    /// The last line was cut, so that the next one is its rest.
    was_cut: bool,
}

/// A line of an output.
pub(crate) enum TextLine {
    /// A record, as an `ExportLogsServiceRequest`.
    Record(Vec<u8>),
    /// A part of an earlier record.
    Part,
    /// A part of a record that is too long to be read.
    Cut,
    /// Records of several traces, which threads printed without a line break between them.
    Joined,
}

impl TextLog {
    pub(crate) fn new(service: String, scope: &'static str) -> Self {
        Self {
            service,
            scope,
            stack: StackTrace::default(),
            has_record: false,
            was_cut: false,
        }
    }

    /// Reads a line at this time. `kept` returns the trace with this id, or these lower 64 bits, if its records are
    /// kept.
    pub(crate) fn read(
        &mut self,
        line: &str,
        read: SystemTime,
        kept: impl Fn(WrittenTrace) -> Option<TraceId>,
    ) -> TextLine {
        let is_rest = std::mem::replace(&mut self.was_cut, line.len() >= LONGEST_LINE);
        match (is_rest, self.was_cut) {
            (_, true) => TextLine::Cut,
            (true, false) => TextLine::Part,
            (false, false) if json(content(line)).is_none() && ids::is_joined(line, &kept) => {
                TextLine::Joined
            }
            (false, false) => self
                .request(line, read, kept)
                .map_or(TextLine::Part, TextLine::Record),
        }
    }

    /// The service that prints the lines.
    pub(crate) fn service(&self) -> &str {
        &self.service
    }

    /// The record of a line. `None` for a line that continues a record.
    fn request(
        &mut self,
        line: &str,
        read: SystemTime,
        kept: impl Fn(WrittenTrace) -> Option<TraceId>,
    ) -> Option<Vec<u8>> {
        let observed = unix_nanos(read);
        let written = match json(content(line)) {
            Some(entries) => of_json(&entries, line),
            None => of_text(line),
        };
        let is_part = self.stack.takes(content(line));
        let is_record = written.trace.is_some() || written.record.severity_number > 0;
        if is_part && !is_record && (self.has_record || content(line).trim().is_empty()) {
            return None;
        }
        self.has_record = true;
        let (trace_id, after) = match written.trace {
            Some(WrittenTrace::Whole(id)) => (Some(id), None),
            Some(WrittenTrace::Half(half)) => {
                let padded = TraceId::from_bytes(u128::from(half).to_be_bytes());
                (kept(WrittenTrace::Half(half)).or(padded), None)
            }
            None => ids::of_kept_trace(line, kept).unzip(),
        };
        let span_id = written.span.or(after.flatten());
        let trace_id = trace_id.map(|id| id.as_bytes().to_vec());
        let span_id = span_id.map(|id| id.as_bytes().to_vec());
        let record = written.record;
        let is_now = observed.abs_diff(record.time_unix_nano) < DAY;
        let record = LogRecordMessage {
            observed_time_unix_nano: observed,
            time_unix_nano: if is_now { record.time_unix_nano } else { 0 },
            trace_id: trace_id.unwrap_or_default().into(),
            span_id: span_id.unwrap_or_default().into(),
            ..record
        };
        Some(self.export(record).encode_to_vec())
    }

    fn export(&self, record: LogRecordMessage) -> LogsData {
        let name = key_value("service.name", &Value::from(self.service.as_str()));
        let scope = ScopeMessage {
            name: self.scope.into(),
            ..ScopeMessage::default()
        };
        let block = ScopeLogs {
            scope: Some(scope),
            log_records: vec![record],
        };
        LogsData {
            resource_logs: vec![ResourceLogs {
                resource: Some(ResourceMessage {
                    attributes: vec![name.encode_to_vec().into()],
                    dropped_attributes_count: 0,
                }),
                scope_logs: vec![block],
            }],
        }
    }
}

type Entries = Vec<(String, Value)>;

/// The record of a line, without ids, and the ids that the line has.
struct WrittenRecord {
    record: LogRecordMessage,
    trace: Option<WrittenTrace>,
    span: Option<SpanId>,
}

/// The line without the container that Docker Compose writes before it: `web-1  | `.
fn content(line: &str) -> &str {
    let is_container = |name: &str| {
        let number = name.rsplit_once(['-', '_']).map(|(_, number)| number);
        name.chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
            && number.is_some_and(|number| number.parse::<u32>().is_ok())
    };
    match line.split_once(" |") {
        Some((name, text)) if is_container(name.trim_end()) => {
            text.strip_prefix(' ').unwrap_or(text)
        }
        _ => line,
    }
}

/// The entries of a line that is a JSON object.
fn json(line: &str) -> Option<Entries> {
    if !line.trim_start().starts_with('{') {
        return None;
    }
    match Value::from_json(line.as_bytes()) {
        Ok(Value::Map(entries)) => Some(entries),
        _ => None,
    }
}

fn of_json(entries: &Entries, line: &str) -> WrittenRecord {
    let of = |keys| first_of(entries, keys);
    let severity = of(&SEVERITY_KEYS);
    let level = found(entries, LEVEL).next().and_then(level);
    let number = severity.and_then(Value::as_str).and_then(severity::of_json);
    let number = number.or_else(|| of(&NUMBER_KEYS).and_then(severity_number));
    let body_key = BODY_KEYS
        .iter()
        .filter(|key| found(entries, key).next().is_some());
    let body_key = body_key.copied().take(1).collect::<Vec<_>>();
    let known: [&[&str]; 6] = [
        &TRACE_KEYS,
        &SPAN_KEYS,
        &SEVERITY_KEYS,
        &NUMBER_KEYS,
        &body_key,
        &TIME_KEYS,
    ];
    let others = entries
        .iter()
        .filter(|(key, _)| !known.iter().any(|keys| keys.contains(&key.as_str())));
    let body = of(&body_key).map_or_else(|| any_value(&Value::from(line)), any_value);
    let record = LogRecordMessage {
        time_unix_nano: of(&TIME_KEYS).and_then(time).unwrap_or_default(),
        severity_number: number.or(level).unwrap_or_default(),
        severity_text: severity.map(Value::to_text).unwrap_or_default().into(),
        body: Some(body),
        attributes: others
            .map(|(key, value)| key_value(key, value).encode_to_vec().into())
            .collect(),
        ..LogRecordMessage::default()
    };
    WrittenRecord {
        record,
        trace: first_id(entries, &TRACE_KEYS, ids::trace),
        span: first_id(entries, &SPAN_KEYS, ids::span),
    }
}

/// The value of the first key that the line has.
fn first_of<'v>(entries: &'v Entries, keys: &[&'static str]) -> Option<&'v Value> {
    keys.iter().find_map(|key| found(entries, key).next())
}

/// The first valid id.
fn first_id<T>(
    entries: &Entries,
    keys: &[&'static str],
    read: impl Fn(&str, &str) -> Option<T>,
) -> Option<T> {
    keys.iter().find_map(|key| {
        let mut values = found(entries, key);
        values.find_map(|value| read(key, &value.to_text()))
    })
}

/// The values of a key, which can also be a path of nested maps, or in the context of the line.
fn found<'v>(entries: &'v Entries, key: &'v str) -> impl Iterator<Item = &'v Value> {
    let own = at_path(entries, key);
    let in_context = CONTEXT_KEYS.iter().filter_map(move |context| {
        let context = entries.iter().find(|(own, _)| own == context);
        match context {
            Some((_, Value::Map(inner))) => Some(at_path(inner, key)),
            _ => None,
        }
    });
    let scopes = entries.iter().find(|(own, _)| own == "Scopes");
    let scopes = match scopes {
        Some((_, Value::Array(scopes))) => scopes.as_slice(),
        _ => &[],
    };
    let in_scopes = scopes.iter().filter_map(move |scope| match scope {
        Value::Map(inner) => Some(at_path(inner, key)),
        _ => None,
    });
    own.chain(in_context.flatten()).chain(in_scopes.flatten())
}

/// The values at a key, and at the path of its parts.
fn at_path<'v>(entries: &'v Entries, key: &'v str) -> Box<dyn Iterator<Item = &'v Value> + 'v> {
    let of = |name: &str| entries.iter().find(|(own, _)| own == name);
    let own = of(key).map(|(_, value)| value).into_iter();
    let nested = key
        .split_once('.')
        .and_then(|(first, rest)| match of(first)? {
            (_, Value::Map(inner)) => Some(at_path(inner, rest)),
            _ => None,
        });
    Box::new(own.chain(nested.into_iter().flatten()))
}

fn of_text(line: &str) -> WrittenRecord {
    let (trace, span) = ids::in_text(line);
    let (word, number) = severity::of_line(content(line)).unwrap_or_default();
    let record = LogRecordMessage {
        severity_number: number,
        severity_text: word.to_owned().into(),
        body: Some(any_value(&Value::from(line))),
        ..LogRecordMessage::default()
    };
    WrittenRecord {
        record,
        trace,
        span,
    }
}

fn severity_number(value: &Value) -> Option<i32> {
    match value {
        Value::Int(number @ 1..=24) => i32::try_from(*number).ok(),
        _ => None,
    }
}

/// The number of a level of pino or bunyan.
fn level(value: &Value) -> Option<i32> {
    match value {
        Value::Int(10..20) => Some(1),
        Value::Int(20..30) => Some(5),
        Value::Int(30..40) => Some(9),
        Value::Int(40..50) => Some(13),
        Value::Int(50..60) => Some(17),
        Value::Int(60..70) => Some(21),
        _ => None,
    }
}

/// A time with a zone, or a number of seconds or milliseconds. Times without a zone are ambiguous.
fn time(value: &Value) -> Option<Nanos> {
    /// In seconds, this is the year 5138; in milliseconds, 1973.
    const MILLISECONDS: i64 = 100_000_000_000;
    match value {
        Value::String(text) => {
            let time: jiff::Timestamp = text.parse().ok()?;
            Nanos::try_from(time.as_nanosecond()).ok()
        }
        Value::Int(number) => {
            let is_millis = *number >= MILLISECONDS;
            let unit = if is_millis { 1_000_000 } else { 1_000_000_000 };
            Nanos::try_from(number.checked_mul(unit)?).ok()
        }
        Value::Number(_) => {
            let seconds = value.to_text().parse().ok()?;
            Duration::try_from_secs_f64(seconds).ok().map(nanos_of)
        }
        _ => None,
    }
}

fn key_value(key: &str, value: &Value) -> KeyValue {
    KeyValue {
        key: key.to_owned().into(),
        value: Some(any_value(value)),
    }
}

fn any_value(value: &Value) -> AnyValue {
    let text = || ValueKind::String(value.to_text().into());
    let kind = match value {
        Value::Null => return AnyValue { kind: None },
        Value::Bool(bool) => ValueKind::Bool(*bool),
        Value::Int(int) => ValueKind::Int(*int),
        Value::Double(double) => ValueKind::Double(*double),
        Value::Number(number) => number
            .to_string()
            .parse()
            .map_or_else(|_| text(), ValueKind::Double),
        Value::String(_) => text(),
        Value::Bytes(bytes) => ValueKind::Bytes(bytes.clone().into()),
        Value::Array(items) => ValueKind::Array(ArrayValue {
            values: items.iter().map(any_value).collect(),
        }),
        Value::Map(entries) => ValueKind::Map(KeyValueList {
            values: entries
                .iter()
                .map(|(key, value)| key_value(key, value))
                .collect(),
        }),
    };
    AnyValue { kind: Some(kind) }
}
