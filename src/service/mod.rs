//! Starts, watches and stops the system under test.
//!
//! The services and the destination of their spans are parameters. The environment of this process is
//! never changed.

mod build;
mod command;
mod ending;
mod env;
mod error;
mod event;
mod order;
mod output;
mod port;
mod ready;
mod remedy;
mod running;
mod start;
mod system;

use std::path::PathBuf;
use std::time::Duration;

pub use command::CommandLine;
pub use ending::{ExitReason, UnexpectedExit};
pub(crate) use env::CONFIG_FILES;
pub use env::TelemetryTarget;
pub use error::StartError;
pub use event::ServiceEvent;
pub use port::{PortSpec, free_port, port_owner};
pub use ready::{GrpcHealth, Ready};
pub use start::start;
pub use system::System;

/// Default time for a service to become ready.
pub const START_TIMEOUT: Duration = Duration::from_secs(60);

/// A service of the system under test, with all variables filled in.
#[derive(Clone, Debug)]
pub struct Service {
    /// Its unique name in the project file.
    pub name: String,
    /// A command that ends before any service starts, in the environment of spanspec. A build that
    /// several services share runs once.
    pub build: Option<CommandLine>,
    /// The command that runs until it is stopped.
    pub run: CommandLine,
    /// The ports on which it will listen, by name. They must be free before it starts.
    pub ports: Vec<(String, u16)>,
    /// Variables that are added to the environment of spanspec. They take precedence over
    /// [`TelemetryTarget`].
    pub env: Vec<(String, String)>,
    /// The readiness check. Without one, the service is ready when it was started.
    pub ready: Option<Ready>,
    /// Names of services that must be ready before this one starts.
    pub depends_on: Vec<String>,
    /// The working directory of the build and the service.
    pub dir: PathBuf,
    /// Maximum time to become ready, without the build.
    pub start_timeout: Duration,
}

/// The longest export delay of these services, by their environments. `None` if there are no
/// services.
#[must_use]
pub fn schedule_delay(services: &[Service]) -> Option<Duration> {
    let telemetry = TelemetryTarget {
        endpoint: String::new(),
    };
    let delay = |service| env::schedule_delay(&telemetry.variables(service));
    services.iter().map(delay).max()
}

impl Service {
    /// A service that runs a command in the current directory, without a readiness check.
    #[must_use]
    pub fn new(name: impl Into<String>, run: CommandLine) -> Self {
        Self {
            name: name.into(),
            build: None,
            run,
            ports: Vec::new(),
            env: Vec::new(),
            ready: None,
            depends_on: Vec::new(),
            dir: PathBuf::from("."),
            start_timeout: START_TIMEOUT,
        }
    }

    /// The `service.name` of its spans, if `env` sets it.
    #[must_use]
    pub fn telemetry_name(&self) -> Option<&str> {
        let mut env = self.env.iter().rev();
        env.find(|(key, _)| key == "OTEL_SERVICE_NAME")
            .map(|(_, name)| name.as_str())
            .filter(|name| !name.is_empty())
    }
}
