//! The errors of starting the system under test.

use std::time::Duration;

use super::ending::LastLines;
use super::{ExitReason, UnexpectedExit, remedy};
use crate::number::duration;
use crate::process::LaunchError;

/// The system under test could not be started. All services have been stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A name is not unique.
    #[error("two services have the name `{service}`")]
    Twice {
        /// The name.
        service: String,
    },
    /// A dependency is not a service.
    #[error(
        "service `{service}` depends on `{dependency}`, which is not a service: there are {}",
        known.join(", ")
    )]
    UnknownDependency {
        /// The service with the dependency.
        service: String,
        /// The unknown name.
        dependency: String,
        /// The existing services, sorted.
        known: Vec<String>,
    },
    /// Services wait for each other.
    #[error(
        "services wait for each other in a circle, so none can start: {}",
        services.join(" -> ")
    )]
    Circle {
        /// The circle. Its first name is also its last.
        services: Vec<String>,
    },
    /// Two services have the same port.
    #[error(
        "service `{service}` and service `{other}` both have port {port}: write `auto` for one of \
         them"
    )]
    PortShared {
        /// One of the services.
        service: String,
        /// The other service.
        other: String,
        /// The port.
        port: u16,
    },
    /// Another process listens on a port of a service.
    #[error(
        "port {port} of service `{service}` is taken{}: stop that process, or give the service a \
         free port with `ports: {{ … : auto }}`",
        owner.as_ref().map(|owner| format!(" by {owner}")).unwrap_or_default()
    )]
    PortTaken {
        /// The service.
        service: String,
        /// The port.
        port: u16,
        /// The process, in the format of `port_owner`.
        owner: Option<String>,
    },
    /// The build could not be started.
    #[error("failed to build service `{service}`")]
    Build {
        /// The service.
        service: String,
        /// The cause.
        #[source]
        source: LaunchError,
    },
    /// The build failed.
    #[error(
        "the build of service `{service}` (`{command}`) ended with {ending}{}",
        LastLines(tail)
    )]
    BuildFailed {
        /// The service.
        service: String,
        /// The command.
        command: String,
        /// The reason for its end.
        ending: ExitReason,
        /// The last lines of both outputs.
        tail: Vec<String>,
    },
    /// The service could not be started.
    #[error("failed to start service `{service}`")]
    Launch {
        /// The service.
        service: String,
        /// The cause.
        #[source]
        source: LaunchError,
    },
    /// A service ended before all were ready.
    #[error("{0}")]
    Died(UnexpectedExit),
    /// A service is not ready in time.
    #[error(
        "service `{service}` was not ready within {} ({tried}){}",
        duration(*limit),
        LastLines(tail)
    )]
    NotReady {
        /// The service.
        service: String,
        /// The maximum time to become ready.
        limit: Duration,
        /// The last attempt and its result.
        tried: String,
        /// The last lines of both outputs.
        tail: Vec<String>,
        /// Likely remedies.
        help: Vec<String>,
    },
}

impl StartError {
    /// Likely remedies, as far as the text does not contain them.
    #[must_use]
    pub fn help(&self) -> Vec<String> {
        match self {
            Self::Died(exit) => exit.help(),
            Self::NotReady { help, .. } => help.clone(),
            Self::BuildFailed { ending, .. } => remedy::ended(*ending, &[]),
            _ => Vec::new(),
        }
    }
}
