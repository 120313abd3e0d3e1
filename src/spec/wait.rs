//! Limits of the wait for a complete trace.

use std::time::Duration;

use crate::yaml::Entry;

/// `wait` of a spec, step or project file. `None` for the default of the project or the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wait {
    /// Maximum time between the response and the verdict.
    pub timeout: Option<Duration>,
    /// Maximum time that work continues after the response.
    pub tail: Option<Duration>,
    /// Maximum delay between the end of a span and its export.
    pub flush: Option<Duration>,
    /// Maximum delay between a measurement and the export of its metric.
    pub metrics: Option<Duration>,
}

/// Default of `tail` after a message: consumers ask for messages in intervals.
const TAIL_OF_MESSAGES: Duration = Duration::from_secs(5);

impl Wait {
    /// The defaults of the trigger under this key.
    pub(super) fn of_trigger(trigger: Option<&Entry>) -> Self {
        let is_message = trigger.is_some_and(|trigger| trigger.key.text == "publish");
        Self {
            tail: is_message.then_some(TAIL_OF_MESSAGES),
            ..Self::default()
        }
    }

    /// These limits, completed by those of `other`.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            timeout: self.timeout.or(other.timeout),
            tail: self.tail.or(other.tail),
            flush: self.flush.or(other.flush),
            metrics: self.metrics.or(other.metrics),
        }
    }
}
