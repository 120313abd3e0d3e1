//! Reasons why a message was not acknowledged, with help.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use crate::number::duration;

/// A step of a publication.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Step {
    /// The connection is not established.
    #[default]
    Connecting,
    /// The broker accepted the connection and has not answered.
    Greeting,
    /// The message was sent and is not acknowledged.
    Sent,
}

/// A message that the broker did not acknowledge.
#[derive(Debug)]
pub struct PublishError {
    /// Such as `Kafka at 127.0.0.1:9092`.
    pub(super) broker: String,
    /// Such as `topic orders`.
    pub(super) place: String,
    pub(super) problem: PublishProblem,
}

/// The reason why a message was not acknowledged.
#[derive(Debug)]
pub enum PublishProblem {
    /// The build has no client for this broker.
    NoFeature(&'static str),
    /// Nothing listens on the port.
    Refused,
    /// A host name without an address, or another reason for a failed connection.
    Unreachable {
        /// The address, if it is not the one of the spec.
        advertised: Option<String>,
        /// The system error.
        source: io::Error,
    },
    /// The time is over.
    Timeout {
        /// The timeout.
        limit: Duration,
        /// The progress until then.
        step: Step,
    },
    /// The connection is established, but the broker does not serve it.
    NotServed {
        /// The answer, or the error of the connection.
        why: String,
        /// The remedy.
        help: &'static str,
    },
    /// There is no such place in the broker.
    NoPlace {
        /// The name in the spec: `orders`.
        name: String,
        /// The remedy.
        help: String,
    },
    /// The broker refused the message.
    Rejected {
        /// Its answer.
        answer: String,
        /// The remedy.
        help: Option<&'static str>,
    },
    /// The broker took the message, and gave it to no one.
    Lost {
        /// Its answer.
        answer: &'static str,
        /// The remedy.
        help: &'static str,
    },
}

impl fmt::Display for PublishError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            broker,
            place,
            problem,
        } = self;
        match problem {
            PublishProblem::NoFeature(feature) => {
                write!(f, "this build of spanspec has no client for {feature}")?;
            }
            PublishProblem::Refused => write!(f, "connection refused by {broker}")?,
            PublishProblem::Unreachable {
                advertised: Some(address),
                ..
            } => write!(
                f,
                "failed to connect to {address}, the address that {broker} gives"
            )?,
            PublishProblem::Unreachable { .. } => write!(f, "failed to connect to {broker}")?,
            PublishProblem::Timeout { limit, step } => {
                let limit = duration(*limit);
                match step {
                    Step::Connecting => write!(f, "no connection to {broker} within {limit}")?,
                    Step::Greeting => write!(
                        f,
                        "{broker} accepted the connection and did not answer within {limit}"
                    )?,
                    Step::Sent => {
                        write!(f, "{broker} did not acknowledge the message within {limit}")?
                    }
                }
            }
            PublishProblem::NotServed { why, .. } => {
                write!(f, "{broker} does not serve this connection: {why}")?;
            }
            PublishProblem::NoPlace { name, .. } => write!(f, "{broker} has no `{name}`")?,
            PublishProblem::Rejected { answer, .. } => {
                write!(f, "{broker} rejected the message: {answer}")?;
            }
            PublishProblem::Lost { answer, .. } => {
                write!(f, "{broker} took the message, but {answer}")?;
            }
        }
        write!(f, " ({place})")
    }
}

impl Error for PublishError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.problem {
            PublishProblem::Unreachable { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl PublishError {
    /// Nothing listened on the port.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        matches!(self.problem, PublishProblem::Refused)
    }

    /// The timeout of the spec expired.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(self.problem, PublishProblem::Timeout { .. })
    }

    /// The remedy, as an instruction.
    #[must_use]
    pub fn help(&self) -> Option<&str> {
        Some(match &self.problem {
            PublishProblem::NoFeature(_) => {
                "add the feature with this name of spanspec in Cargo.toml"
            }
            PublishProblem::Refused => {
                "start the broker, or let `services` in spanspec.yaml start it"
            }
            PublishProblem::Unreachable {
                advertised: Some(_),
                ..
            } => {
                "let the broker advertise an address that this machine can reach (`advertised.listeners`)"
            }
            PublishProblem::Unreachable { .. } => {
                "check the host name and the port, and that this machine can reach them"
            }
            PublishProblem::Timeout {
                step: Step::Greeting,
                ..
            } => {
                "check the port, which can be one of another protocol, and whether it requires TLS; or increase `timeout` of `publish`"
            }
            PublishProblem::Timeout { .. } => {
                "check the state of the broker, or increase `timeout` of `publish`"
            }
            PublishProblem::NoPlace { help, .. } => help,
            PublishProblem::Rejected { help, .. } => return *help,
            PublishProblem::NotServed { help, .. } | PublishProblem::Lost { help, .. } => help,
        })
    }
}
