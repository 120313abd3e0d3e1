//! Responses of triggers.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{ConformanceResponse, GrpcResponse, Trace, TraceId, Traffic};

/// The response to a request, or the result of a command.
#[derive(Clone, Debug, PartialEq)]
pub enum Response {
    /// The response to a `request` trigger.
    Http(HttpResponse),
    /// The response to a `grpc` trigger.
    Grpc(Box<GrpcResponse>),
    /// The result of a `run` trigger.
    Command(CommandResponse),
    /// The acknowledgement of a message, of a `publish` trigger.
    Message(MessageResponse),
    /// Telemetry that a pipeline accepted, of a `send` trigger.
    Sent(Box<SentTelemetry>),
    /// The results of a `conformance` trigger.
    Conformance(Box<ConformanceResponse>),
    /// The telemetry that arrived, of an `observe` trigger.
    Traffic(Box<Traffic>),
    /// No response: a `trace_id` trigger sends nothing.
    None,
}

/// An HTTP response with its whole body.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HttpResponse {
    /// The status code.
    pub status: u16,
    /// Headers in the order received, including repeated ones. Names are lowercase.
    pub headers: Vec<(String, String)>,
    /// The body, after decompression; text with a charset is converted to UTF-8.
    pub body: Vec<u8>,
    /// The unknown encoding of the body, which then has the bytes as they were received.
    pub undecoded: Option<Undecoded>,
    /// The body is a stream that had not ended at the timeout of the request.
    pub is_open: bool,
    /// From just before the first byte was sent until the whole body was read.
    pub time: Duration,
}

/// An encoding of a body that cannot be decoded, by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undecoded {
    /// The `content-encoding`.
    Encoding(String),
    /// The charset of the `content-type`.
    Charset(String),
}

impl fmt::Display for Undecoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encoding(name) => write!(f, "unknown content-encoding `{name}`"),
            Self::Charset(label) => write!(f, "unknown charset `{label}`"),
        }
    }
}

/// The result of a command.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CommandResponse {
    /// The exit code; `None` if a signal ended the command.
    pub exit_code: Option<i32>,
    /// The number of the signal that ended the command, if one did.
    pub signal: Option<i32>,
    /// Standard output. If the beginning was dropped, the first line is a note about it.
    pub stdout: String,
    /// Standard error, likewise.
    pub stderr: String,
    /// Number of dropped bytes of standard output.
    pub stdout_dropped: u64,
    /// Number of dropped bytes of standard error.
    pub stderr_dropped: u64,
    /// From its start until its end.
    pub time: Duration,
}

/// The acknowledgement of a message by its broker.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MessageResponse {
    /// The broker, such as `Kafka at 127.0.0.1:9092`.
    pub broker: String,
    /// The place in it, such as `topic orders`.
    pub place: String,
    /// The parts of the acknowledgement, as a JSON object: `{"partition":0,"offset":42}`.
    pub receipt: String,
    /// A missing guarantee of the broker.
    pub note: Option<String>,
    /// From before the message was sent until it was acknowledged.
    pub time: Duration,
}

/// Telemetry that a pipeline accepted.
#[derive(Clone, Debug)]
pub struct SentTelemetry {
    /// The spans as they were sent, with their fresh ids.
    pub trace: Arc<Trace>,
    /// The number of log records.
    pub logs: usize,
    /// The number of data points of metrics.
    pub points: usize,
    /// The traces of the markers, which were sent last.
    pub markers: Vec<TraceId>,
    /// The port of the pipeline.
    pub port: Option<u16>,
    /// A warning of the pipeline.
    pub note: Option<String>,
    /// From before the first export until the last one was accepted.
    pub time: Duration,
}

/// The spans are the same if they are those of one call.
impl PartialEq for SentTelemetry {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.trace, &other.trace) && self.markers == other.markers
    }
}

impl SentTelemetry {
    /// `3 spans, 2 log records and 5 data points`.
    #[must_use]
    pub fn amount(&self) -> String {
        let all = [
            (self.trace.len(), "span"),
            (self.logs, "log record"),
            (self.points, "data point"),
        ];
        let sent = all.iter().filter(|(number, _)| *number > 0);
        let sent: Vec<String> = sent
            .map(|(number, what)| crate::number::counted(*number as u64, what))
            .collect();
        match sent.as_slice() {
            [] => crate::number::counted(0, "span"),
            [one] => one.clone(),
            [first @ .., last] => format!("{} and {last}", first.join(", ")),
        }
    }
}

impl CommandResponse {
    /// `exit code 1`, or the signal: `signal 15 (SIGTERM)`.
    #[must_use]
    pub fn ending(&self) -> String {
        match (self.exit_code, self.signal) {
            (Some(code), _) => format!("exit code {code}"),
            (None, Some(signal)) => signal_in_words(signal),
            (None, None) => "an unknown exit code".to_owned(),
        }
    }
}

/// A signal with its name, and for SIGKILL the likely cause: `signal 15 (SIGTERM)`.
pub(crate) fn signal_in_words(signal: i32) -> String {
    // Numbers that are the same on all Unix systems.
    let name = match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        6 => "SIGABRT",
        8 => "SIGFPE",
        9 => "SIGKILL; perhaps out of memory",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        15 => "SIGTERM",
        _ => return format!("signal {signal}"),
    };
    format!("signal {signal} ({name})")
}

impl Response {
    /// The response time.
    #[must_use]
    pub fn time(&self) -> Option<Duration> {
        match self {
            Self::Http(http) => Some(http.time),
            Self::Grpc(grpc) => Some(grpc.time),
            Self::Command(command) => Some(command.time),
            Self::Message(message) => Some(message.time),
            Self::Sent(sent) => Some(sent.time),
            Self::Conformance(conformance) => Some(conformance.time),
            Self::Traffic(traffic) => Some(traffic.observed),
            Self::None => None,
        }
    }

    /// Adds a delay before the request was sent.
    #[cfg(feature = "run")]
    pub(crate) fn add_time(&mut self, delay: Duration) {
        match self {
            Self::Http(http) => http.time += delay,
            Self::Grpc(grpc) => grpc.time += delay,
            Self::Command(command) => command.time += delay,
            Self::Message(message) => message.time += delay,
            Self::Sent(sent) => sent.time += delay,
            Self::Conformance(conformance) => conformance.time += delay,
            Self::Traffic(_) | Self::None => {}
        }
    }

    /// Number of bytes of the body, or of the output of a command.
    #[cfg(feature = "run")]
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Http(http) => http.body.len(),
            Self::Grpc(grpc) => grpc.bytes,
            Self::Command(command) => command.stdout.len() + command.stderr.len(),
            Self::Message(message) => message.receipt.len(),
            Self::Sent(_) | Self::Conformance(_) | Self::Traffic(_) | Self::None => 0,
        }
    }

    /// The HTTP response, if it is one.
    #[must_use]
    pub fn http(&self) -> Option<&HttpResponse> {
        match self {
            Self::Http(http) => Some(http),
            _ => None,
        }
    }

    /// The response to a gRPC call, if it is one.
    #[must_use]
    pub fn grpc(&self) -> Option<&GrpcResponse> {
        match self {
            Self::Grpc(grpc) => Some(grpc),
            _ => None,
        }
    }

    /// The telemetry that a pipeline accepted, if it is that.
    #[must_use]
    pub fn sent(&self) -> Option<&SentTelemetry> {
        match self {
            Self::Sent(sent) => Some(sent),
            _ => None,
        }
    }

    /// The results of conformance cases, if it is that.
    #[must_use]
    pub fn conformance(&self) -> Option<&ConformanceResponse> {
        match self {
            Self::Conformance(conformance) => Some(conformance),
            _ => None,
        }
    }

    /// The telemetry that arrived during a window, if it is that.
    #[must_use]
    pub fn traffic(&self) -> Option<&Traffic> {
        match self {
            Self::Traffic(traffic) => Some(traffic),
            _ => None,
        }
    }

    /// The body that can contain JSON.
    #[must_use]
    pub fn body(&self) -> Option<&[u8]> {
        match self {
            Self::Http(http) => Some(&http.body),
            Self::Message(message) => Some(message.receipt.as_bytes()),
            Self::Grpc(_)
            | Self::Command(_)
            | Self::Sent(_)
            | Self::Conformance(_)
            | Self::Traffic(_)
            | Self::None => None,
        }
    }
}

impl HttpResponse {
    /// All values of a header. The case of the name does not matter.
    pub fn header<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers
            .iter()
            .filter(move |(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The body as a string; invalid UTF-8 becomes U+FFFD.
    #[must_use]
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }
}
