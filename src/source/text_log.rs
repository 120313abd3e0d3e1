//! Reads log records in the lines that a service prints: ids in the spellings of logging libraries, lines of JSON,
//! and other text.
//!
//! The result is OTLP, as if a logging bridge had sent it.

use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use prost::Message;
use regex::Regex;

use super::otlp::message::{
    AnyValue, ArrayValue, KeyValue, KeyValueList, LogRecordMessage, LogsData, ResourceLogs,
    ResourceMessage, ScopeLogs, ScopeMessage, ValueKind,
};
use crate::process::LONGEST_LINE;
use crate::trace::{Nanos, SpanId, TraceId, Value, nanos_of, unix_nanos};

/// Spellings of the key of the trace id.
const TRACE_KEYS: [&str; 6] = [
    "trace_id",
    "traceId",
    "trace.id",
    "TraceId",
    "otelTraceID",
    "dd.trace_id",
];

/// Spellings of the key of the span id.
const SPAN_KEYS: [&str; 6] = [
    "span_id",
    "spanId",
    "span.id",
    "SpanId",
    "otelSpanID",
    "dd.span_id",
];

const SEVERITY_KEYS: [&str; 7] = [
    "severity",
    "level",
    "log.level",
    "levelname",
    "severity_text",
    "LogLevel",
    "lvl",
];

const BODY_KEYS: [&str; 4] = ["message", "msg", "body", "Message"];

const TIME_KEYS: [&str; 5] = ["time", "timestamp", "@timestamp", "ts", "Timestamp"];

/// Words of severity, each with its number.
const SEVERITIES: [(&str, i32); 16] = [
    ("trace", 1),
    ("verbose", 1),
    ("debug", 5),
    ("info", 9),
    ("information", 9),
    ("notice", 10),
    ("warn", 13),
    ("warning", 13),
    ("error", 17),
    ("err", 17),
    ("severe", 17),
    ("fatal", 21),
    ("critical", 21),
    ("crit", 21),
    ("panic", 21),
    ("emergency", 21),
];

/// A number that differs more from the time at which the line was read is no time.
const DAY: Nanos = 86_400_000_000_000;

/// The stream of one output of a service.
pub(crate) struct TextLog {
    /// `service.name` of the records.
    service: String,
    /// The name of the scope: `stdout` or `stderr`.
    scope: &'static str,
    /// The line belongs to the stack trace of an exception.
    in_stack_trace: bool,
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
}

impl TextLog {
    pub(crate) fn new(service: String, scope: &'static str) -> Self {
        Self {
            service,
            scope,
            in_stack_trace: false,
            was_cut: false,
        }
    }

    /// Reads a line at this time.
    pub(crate) fn read(&mut self, line: &str, read: SystemTime) -> TextLine {
        let is_rest = std::mem::replace(&mut self.was_cut, line.len() >= LONGEST_LINE);
        match (is_rest, self.was_cut) {
            (_, true) => TextLine::Cut,
            (true, false) => TextLine::Part,
            (false, false) => self
                .request(line, read)
                .map_or(TextLine::Part, TextLine::Record),
        }
    }

    /// The service that prints the lines.
    pub(crate) fn service(&self) -> &str {
        &self.service
    }

    /// The record of a line. `None` for a line that continues a record.
    fn request(&mut self, line: &str, read: SystemTime) -> Option<Vec<u8>> {
        let observed = unix_nanos(read);
        let record = match json(line) {
            Some(entries) => of_json(&entries, line),
            None => of_text(line),
        };
        let is_record = !record.trace_id.is_empty() || record.severity_number > 0;
        if self.continues(line) && !is_record {
            return None;
        }
        let is_now = observed.abs_diff(record.time_unix_nano) < DAY;
        let record = LogRecordMessage {
            observed_time_unix_nano: observed,
            time_unix_nano: if is_now { record.time_unix_nano } else { 0 },
            ..record
        };
        Some(self.export(record).encode_to_vec())
    }

    /// Returns `true` for a line of a stack trace, and for an empty one.
    fn continues(&mut self, line: &str) -> bool {
        let is_indented = line.starts_with([' ', '\t']);
        let was_in = self.in_stack_trace;
        self.in_stack_trace = match line {
            "Traceback (most recent call last):" => true,
            _ => was_in && is_indented,
        };
        // The line after a stack trace of Python names the exception.
        let is_part = line.trim().is_empty() || line.starts_with("Caused by: ");
        is_part || is_indented || was_in || self.in_stack_trace
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

fn of_json(entries: &Entries, line: &str) -> LogRecordMessage {
    let of = |keys: &[&str]| keys.iter().find_map(|key| found(entries, key));
    let text = |keys: &[&str]| of(keys).map(Value::to_text);
    let severity = of(&SEVERITY_KEYS);
    let body = of(&BODY_KEYS).cloned();
    let known = [
        &TRACE_KEYS[..],
        &SPAN_KEYS,
        &SEVERITY_KEYS,
        &BODY_KEYS,
        &TIME_KEYS,
    ]
    .concat();
    let others = entries
        .iter()
        .filter(|(key, _)| !known.contains(&key.as_str()));
    LogRecordMessage {
        time_unix_nano: of(&TIME_KEYS).and_then(time).unwrap_or_default(),
        severity_number: severity.and_then(severity_of).unwrap_or_default(),
        severity_text: severity.map(Value::to_text).unwrap_or_default().into(),
        body: Some(any_value(&body.unwrap_or_else(|| Value::from(line)))),
        attributes: others
            .map(|(key, value)| key_value(key, value).encode_to_vec().into())
            .collect(),
        trace_id: trace_id(&text(&TRACE_KEYS).unwrap_or_default()),
        span_id: span_id(&text(&SPAN_KEYS).unwrap_or_default()),
        ..LogRecordMessage::default()
    }
}

/// The value of a key, which can also be a path of nested maps, or in one of the scopes of .NET.
fn found<'v>(entries: &'v Entries, key: &str) -> Option<&'v Value> {
    let own = |entries: &'v Entries| {
        entries
            .iter()
            .find(|(own, _)| own == key)
            .map(|(_, value)| value)
    };
    let nested = || {
        let (first, rest) = key.split_once('.')?;
        match entries.iter().find(|(own, _)| own == first)? {
            (_, Value::Map(inner)) => found(inner, rest),
            _ => None,
        }
    };
    let in_scopes = || {
        let Value::Array(scopes) = &entries.iter().find(|(own, _)| own == "Scopes")?.1 else {
            return None;
        };
        scopes.iter().find_map(|scope| match scope {
            Value::Map(inner) => own(inner),
            _ => None,
        })
    };
    own(entries).or_else(nested).or_else(in_scopes)
}

fn of_text(line: &str) -> LogRecordMessage {
    static IDS: LazyLock<[Regex; 2]> = LazyLock::new(|| {
        [&TRACE_KEYS, &SPAN_KEYS].map(|keys| {
            let keys = keys.map(regex::escape).join("|");
            let expression = format!(r#"(?:^|[^\w.])"?(?:{keys})"?\s*[=:]\s*["']?([0-9a-fA-F]+)"#);
            Regex::new(&expression).expect("keys are escaped")
        })
    });
    let id = |at: usize| {
        let found = IDS[at].captures(line).and_then(|captures| captures.get(1));
        found.map_or("", |found| found.as_str())
    };
    let severity = severity_word(line);
    LogRecordMessage {
        severity_number: severity
            .and_then(|word| severity_of(&Value::from(word)))
            .unwrap_or_default(),
        severity_text: severity.unwrap_or_default().to_owned().into(),
        body: Some(any_value(&Value::from(line))),
        trace_id: trace_id(id(0)),
        span_id: span_id(id(1)),
        ..LogRecordMessage::default()
    }
}

/// The word of severity at the beginning of a line: in capitals, in brackets, or after `level=`.
fn severity_word(line: &str) -> Option<&str> {
    static WORD: LazyLock<Regex> = LazyLock::new(|| {
        let words = SEVERITIES.map(|(word, _)| word);
        let (any, capitals) = (words.join("|"), words.map(str::to_uppercase).join("|"));
        let expression = format!(
            r#"(?:(?:level|severity|lvl)=["']?|\[)(?i:({any}))\b|^(?i:({any})):|\b({capitals})\b"#
        );
        Regex::new(&expression).expect("words have letters only")
    });
    // Later words are part of the message.
    let end = line
        .char_indices()
        .nth(100)
        .map_or(line.len(), |(end, _)| end);
    let found = WORD.captures(&line[..end])?;
    let mut groups = found.iter().skip(1).flatten();
    groups.next().map(|group| group.as_str())
}

/// The number of a severity: a word, or a level of pino and bunyan.
fn severity_of(value: &Value) -> Option<i32> {
    match value {
        Value::Int(level) => Some(match level {
            10..20 => 1,
            20..30 => 5,
            30..40 => 9,
            40..50 => 13,
            50..60 => 17,
            60..70 => 21,
            _ => return None,
        }),
        Value::String(word) => {
            let word = word.to_lowercase();
            let mut known = SEVERITIES.iter();
            known
                .find(|(name, _)| *name == word)
                .map(|(_, number)| *number)
        }
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

fn trace_id(hex: &str) -> bytes::Bytes {
    let id: Option<TraceId> = hex.to_lowercase().parse().ok();
    id.map_or_else(bytes::Bytes::new, |id| id.as_bytes().to_vec().into())
}

fn span_id(hex: &str) -> bytes::Bytes {
    let id: Option<SpanId> = hex.to_lowercase().parse().ok();
    id.map_or_else(bytes::Bytes::new, |id| id.as_bytes().to_vec().into())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Store;
    use crate::trace::{LogRecord, Origin};

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    const SPAN: &str = "b7ad6b7169203331";

    /// The records of these lines: those of the trace first.
    fn records(lines: &[&str]) -> Vec<LogRecord> {
        let store = Store::remembering(1 << 20);
        let mut follow = store.follow(TRACE.parse().unwrap(), Origin::Foreign);
        let mut log = TextLog::new("shop".to_owned(), "stdout");
        for line in lines {
            let read = SystemTime::UNIX_EPOCH + Duration::from_secs(1_764_403_201);
            if let TextLine::Record(request) = log.read(line, read) {
                store
                    .ingest_logs_at(&request, std::time::Instant::now())
                    .unwrap();
            }
        }
        let trace = follow.snapshot().trace;
        let others = store.logs_without_trace(None).records;
        trace
            .logs()
            .iter()
            .chain(&others)
            .map(|record| LogRecord::clone(record))
            .collect()
    }

    fn record_of(line: &str) -> LogRecord {
        records(&[line])
            .pop()
            .unwrap_or_else(|| panic!("{line} is no record"))
    }

    #[test]
    fn ids_are_read_in_each_spelling() {
        let python = format!(
            "2026-11-29 08:00:00,123 INFO [shop] [app.py:7] [trace_id={TRACE} span_id={SPAN} resource.service.name=shop trace_sampled=True] - order placed"
        );
        for line in [
            python.as_str(),
            &format!("INFO traceId: {TRACE}, spanId: {SPAN} order placed"),
            &format!(
                "{{\"level\":30,\"trace_id\":\"{TRACE}\",\"span_id\":\"{SPAN}\",\"msg\":\"order placed\"}}"
            ),
            &format!(
                "{{\"trace\":{{\"id\":\"{TRACE}\"}},\"span\":{{\"id\":\"{SPAN}\"}},\"log.level\":\"INFO\",\"message\":\"x\"}}"
            ),
            &format!(
                "{{\"LogLevel\":\"Information\",\"Message\":\"x\",\"Scopes\":[{{\"SpanId\":\"{SPAN}\",\"TraceId\":\"{}\"}}]}}",
                TRACE.to_uppercase()
            ),
            &format!(
                "{{\"otelTraceID\":\"{TRACE}\",\"otelSpanID\":\"{SPAN}\",\"levelname\":\"INFO\",\"message\":\"x\"}}"
            ),
        ] {
            let record = record_of(line);
            assert_eq!(record.trace_id.unwrap().to_string(), TRACE, "{line}");
            assert_eq!(record.span_id.unwrap().to_string(), SPAN, "{line}");
            assert_eq!(record.severity, Some(9), "{line}");
            assert_eq!(record.service(), "shop");
        }
    }

    #[test]
    fn a_line_without_a_valid_id_has_no_trace() {
        let zeros = "0".repeat(32);
        for line in [
            "order placed",
            "INFO [trace_id=0 span_id=0] - order placed",
            &format!("INFO trace_id={zeros} order placed"),
            &format!("trace_id={}", &TRACE[1..]),
            &format!("my_trace_id={TRACE}"),
            &format!("for trace {TRACE}"),
            "{\"trace_id\":\"\",\"msg\":\"x\"}",
            "{\"trace_id\":7}",
        ] {
            assert_eq!(record_of(line).trace_id, None, "{line}");
        }
    }

    #[test]
    fn severity_and_text_are_those_of_the_line() {
        for (line, severity, text) in [
            ("WARNING:shop:low", Some(13), "WARNING"),
            ("2026-11-29T08:00:00Z ERROR failed", Some(17), "ERROR"),
            ("[warn] low", Some(13), "warn"),
            ("ts=1 level=error msg=x", Some(17), "error"),
            ("info: started", Some(9), "info"),
            ("no error here, information only", None, ""),
            ("{\"level\":\"notice\",\"msg\":\"x\"}", Some(10), "notice"),
            ("{\"level\":50,\"msg\":\"x\"}", Some(17), "50"),
            ("{\"level\":7,\"msg\":\"x\"}", None, "7"),
        ] {
            let record = record_of(line);
            assert_eq!(
                (record.severity, record.severity_text.as_str()),
                (severity, text),
                "{line}"
            );
        }
        let record = record_of("{\"time\":1764403200123,\"msg\":\"x\",\"order\":{\"id\":42}}");
        assert_eq!(
            (record.time, record.body.to_text()),
            (1_764_403_200_123_000_000, "x".to_owned())
        );
        assert_eq!(
            record.attributes.get("order").unwrap().to_string(),
            r#"{"id":42}"#
        );
        assert_eq!(record.scope.name, "stdout");
        // A duration is not a time.
        let read = record_of("{\"time\":12,\"msg\":\"x\"}").time;
        assert_eq!(read, 1_764_403_201_000_000_000);
    }

    #[test]
    fn a_stack_trace_is_a_part_of_its_record() {
        let lines = [
            "ERROR failed",
            "Traceback (most recent call last):",
            "  File \"a.py\", line 1",
            "ValueError: x",
            "INFO next",
            "java.lang.IllegalStateException: y",
            "\tat com.example.Main",
            "Caused by: z",
            "",
            "    WARN indented",
        ];
        let bodies: Vec<String> = records(&lines)
            .iter()
            .map(|one| one.body.to_text())
            .collect();
        let expected = [
            "ERROR failed",
            "INFO next",
            "java.lang.IllegalStateException: y",
            "    WARN indented",
        ];
        assert_eq!(bodies, expected);
    }
}
