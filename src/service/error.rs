//! Why the system under test could not be started.

use std::time::Duration;

use super::ending::LastWords;
use super::{Death, Ending};
use crate::number::duration;
use crate::process::LaunchError;

/// What kept the system under test from starting. Everything that was started has been stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A name is not unique.
    #[error("two services have the name `{service}`")]
    Twice {
        /// The name.
        service: String,
    },
    /// A dependency is no service.
    #[error(
        "service `{service}` depends on `{dependency}`, which is no service: there are {}",
        known.join(", ")
    )]
    UnknownDependency {
        /// Who depends.
        service: String,
        /// What is written.
        dependency: String,
        /// The services that there are, sorted.
        known: Vec<String>,
    },
    /// Services wait for each other.
    #[error(
        "services wait for each other in a circle, so none can start: {}",
        services.join(" -> ")
    )]
    Circle {
        /// The circle; its first name is also its last.
        services: Vec<String>,
    },
    /// Two ports of ours have the same number.
    #[error(
        "service `{service}` and service `{other}` both have port {port}: write `auto` for one of \
         them"
    )]
    PortShared {
        /// The one.
        service: String,
        /// The other.
        other: String,
        /// The number.
        port: u16,
    },
    /// Another process listens on a port of a service.
    #[error(
        "port {port} of service `{service}` is taken{}: stop that process, or give the service a \
         free port with `ports: {{ … : auto }}`",
        owner.as_ref().map(|owner| format!(" by {owner}")).unwrap_or_default()
    )]
    PortTaken {
        /// Whose port.
        service: String,
        /// The number.
        port: u16,
        /// The process, as `port_owner` names it.
        owner: Option<String>,
    },
    /// The build could not be started.
    #[error("failed to build service `{service}`")]
    Build {
        /// Whose build.
        service: String,
        /// Why.
        #[source]
        source: LaunchError,
    },
    /// The build ran, and failed.
    #[error(
        "the build of service `{service}` (`{command}`) ended with {ending}{}",
        LastWords(tail)
    )]
    BuildFailed {
        /// Whose build.
        service: String,
        /// What was run.
        command: String,
        /// How it ended.
        ending: Ending,
        /// Its last lines, of both outputs.
        tail: Vec<String>,
    },
    /// The service could not be started.
    #[error("failed to start service `{service}`")]
    Launch {
        /// Which.
        service: String,
        /// Why.
        #[source]
        source: LaunchError,
    },
    /// A service ended before all were ready.
    #[error("{0}")]
    Died(Death),
    /// A service runs, and is not ready.
    #[error(
        "service `{service}` was not ready within {} ({tried}): `start_timeout` gives it \
         longer{}",
        duration(*limit),
        LastWords(tail)
    )]
    NotReady {
        /// Which.
        service: String,
        /// What was waited.
        limit: Duration,
        /// What was tried last, and what came of it.
        tried: String,
        /// Its last lines, of both outputs.
        tail: Vec<String>,
    },
}
