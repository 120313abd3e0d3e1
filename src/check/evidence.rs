//! The evidence on which checks are judged.

use std::cell::OnceCell;

use super::{HeadEvidence, MetricEvidence, WindowEvidence};
use crate::instrumentation::Surroundings;
use crate::trace::{LogsWithoutTrace, Response, Trace, Value};

/// The evidence about one step.
pub struct Evidence<'a> {
    /// The response to the trigger.
    pub response: &'a Response,
    /// The trace so far; `None` if the step does not follow one.
    pub trace: Option<&'a Trace>,
    /// The sampled flag of the trace context. An unsampled trace may have no spans.
    pub sampled: bool,
    /// The log records without a trace id that arrived since the trigger; `None` if they are not known.
    pub logs_without_trace: Option<&'a LogsWithoutTrace>,
    /// The metrics around the request; `None` if the source has none.
    pub metrics: Option<&'a MetricEvidence>,
    /// The evidence on head sampling; `None` if the request is not known.
    pub(crate) head: Option<&'a HeadEvidence>,
    /// Other traces of the same time; `None` if they are not known.
    pub(crate) surroundings: Option<&'a Surroundings>,
    /// Other traces, peers and the first hop; `None` if they are not known.
    pub(crate) window: Option<&'a WindowEvidence>,
    json: OnceCell<Result<Value, String>>,
}

impl<'a> Evidence<'a> {
    /// Creates evidence with a response and, if the step follows one, a trace.
    #[must_use]
    pub fn new(response: &'a Response, trace: Option<&'a Trace>, sampled: bool) -> Self {
        Self {
            response,
            trace,
            sampled,
            logs_without_trace: None,
            metrics: None,
            head: None,
            surroundings: None,
            window: None,
            json: OnceCell::new(),
        }
    }

    /// Adds the log records without a trace id.
    #[must_use]
    pub fn with_logs_without_trace(mut self, logs: Option<&'a LogsWithoutTrace>) -> Self {
        self.logs_without_trace = logs;
        self
    }

    /// Adds the evidence on head sampling.
    #[cfg(feature = "run")]
    #[must_use]
    pub(crate) fn with_head(mut self, head: Option<&'a HeadEvidence>) -> Self {
        self.head = head;
        self
    }

    /// Adds what arrived beside the trace.
    #[cfg(feature = "run")]
    #[must_use]
    pub(crate) fn with_surroundings(mut self, surroundings: Option<&'a Surroundings>) -> Self {
        self.surroundings = surroundings;
        self
    }

    /// Adds what else arrived at the time of the trace.
    #[cfg(feature = "run")]
    #[must_use]
    pub fn with_window(mut self, window: Option<&'a WindowEvidence>) -> Self {
        self.window = window;
        self
    }

    /// Adds the metrics.
    #[must_use]
    pub fn with_metrics(mut self, metrics: Option<&'a MetricEvidence>) -> Self {
        self.metrics = metrics;
        self
    }

    /// The body as JSON, or the reason why it is not JSON.
    pub(super) fn json(&self) -> Result<&Value, &str> {
        let parsed = self.json.get_or_init(|| match self.response {
            Response::Grpc(grpc) => grpc.json().ok_or_else(|| "there is no message".to_owned()),
            response => match response.body() {
                Some(body) => Value::from_json(body),
                None => Err("there is no body".to_owned()),
            },
        });
        parsed.as_ref().map_err(String::as_str)
    }
}
