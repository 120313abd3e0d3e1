//! Observations of one request.

use crate::trace::{SpanId, TraceId};

/// The answer to a request, as bytes on the connection show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// A response with this status.
    Status(u16),
    /// The connection was closed without a response.
    Closed,
    /// There was no response in time.
    TimedOut,
    /// The first bytes are not HTTP/1.1; contains them, escaped.
    NotHttp(String),
    /// The connection failed, for this reason.
    Failed(String),
}

impl Answer {
    /// The answer in words.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Status(status) => format!("the response has the status {status}"),
            Self::Closed => "the connection was closed without a response".to_owned(),
            Self::TimedOut => "there was no response in time".to_owned(),
            Self::NotHttp(bytes) => format!("the response is not HTTP/1.1: `{bytes}`"),
            Self::Failed(reason) => reason.clone(),
        }
    }
}

/// A request that the service sent to the echo.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct EchoCall {
    /// Names and values in the order received, as they were written.
    pub(crate) headers: Vec<(String, String)>,
}

impl EchoCall {
    /// All values of a header, without white space around them.
    pub(crate) fn values(&self, name: &str) -> Vec<&str> {
        let named = self.headers.iter();
        let named = named.filter(|(key, _)| key.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.trim()).collect()
    }

    /// The members of a list in several headers. Empty ones are left out.
    pub(crate) fn members(&self, name: &str) -> Vec<String> {
        let values = self.values(name).join(",");
        members(&values)
    }
}

/// The members of a list, without white space around them. Empty ones are left out.
pub(crate) fn members(list: &str) -> Vec<String> {
    let members = list
        .split(',')
        .map(|member| member.trim_matches([' ', '\t']));
    members
        .filter(|member| !member.is_empty())
        .map(str::to_owned)
        .collect()
}

/// A span that belongs to a request: its trace has an id of the request, or its URL has the nonce.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SeenSpan {
    pub(crate) trace_id: TraceId,
    pub(crate) parent_id: Option<SpanId>,
    pub(crate) service: String,
    pub(crate) name: String,
    pub(crate) trace_state: String,
}

/// Everything that was observed about one request.
#[derive(Clone, Debug)]
pub(crate) struct Observation {
    pub(crate) answer: Answer,
    /// The calls of the echo with the nonce of the request.
    pub(crate) echo: Vec<EchoCall>,
    pub(crate) spans: Vec<SeenSpan>,
}

/// The abilities of the observers, as the control showed them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Observers {
    /// The service exports spans.
    pub(crate) spans: bool,
    /// The spans contain the URL of the request, so that those of a new trace are found.
    pub(crate) urls: bool,
    /// The spans contain the `tracestate`.
    pub(crate) states: bool,
    /// The service calls the echo.
    pub(crate) echo: bool,
}
