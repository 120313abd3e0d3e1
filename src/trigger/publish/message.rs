//! A message on its way to a broker, and its acknowledgement.

#![cfg_attr(
    not(any(feature = "kafka", feature = "nats", feature = "amqp")),
    allow(dead_code, reason = "only clients of brokers use it")
)]

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use super::error::{PublishError, PublishProblem, Step};
use crate::spec::Publish;
use crate::trace::Value;
use crate::trigger::TriggerError;

/// Default time until the acknowledgement.
pub(super) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// A message as it is sent.
pub(super) struct Message<'a> {
    pub(super) publish: &'a Publish,
    /// `None` if the spec has no content.
    pub(super) body: Option<Bytes>,
    pub(super) content_type: Option<&'static str>,
    /// Those of the spec, then those of the trace context.
    pub(super) headers: Vec<(String, String)>,
    pub(super) progress: Progress,
}

/// The last step that a publication reached, for the error at its timeout.
#[derive(Debug, Default)]
pub(super) struct Progress(Mutex<Step>);

impl Progress {
    pub(super) fn reach(&self, step: Step) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = step;
    }

    pub(super) fn step(&self) -> Step {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The parts of an acknowledgement, by name.
#[derive(Default)]
pub(super) struct Receipt {
    pub(super) parts: Vec<(String, Value)>,
    /// A missing guarantee of the broker.
    pub(super) note: Option<String>,
}

impl FromIterator<(&'static str, Value)> for Receipt {
    fn from_iter<T: IntoIterator<Item = (&'static str, Value)>>(parts: T) -> Self {
        let parts = parts.into_iter();
        Self {
            parts: parts
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
            note: None,
        }
    }
}

impl Message<'_> {
    pub(super) fn failed(&self, problem: PublishProblem) -> TriggerError {
        TriggerError::Publish(Box::new(PublishError {
            broker: self.publish.to.broker(),
            place: self.publish.to.place(),
            problem,
        }))
    }
}
