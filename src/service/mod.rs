//! Starts, watches and stops the system under test.
//!
//! Which services there are is for the project file to say, and where their spans go is for
//! `source`; both come in as values. Our own environment is never changed.

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
mod running;
mod start;
mod system;

use std::path::PathBuf;
use std::time::Duration;

pub use command::CommandLine;
pub use ending::{Death, Ending};
pub(crate) use env::CONFIG_FILES;
pub use env::Telemetry;
pub use error::StartError;
pub use event::ServiceEvent;
pub use port::{PortSpec, free_port, port_owner};
pub use ready::Ready;
pub use start::start;
pub use system::System;

/// How long a service may take to become ready if the project file does not say it: 60 s.
pub const START_TIMEOUT: Duration = Duration::from_secs(60);

/// One service of the system under test, all variables filled in.
#[derive(Clone, Debug)]
pub struct Service {
    /// How the project file calls it; unique.
    pub name: String,
    /// Runs to its end before any service starts, in our own environment. A build that several
    /// services share runs once.
    pub build: Option<CommandLine>,
    /// What keeps running until it is stopped.
    pub run: CommandLine,
    /// The ports that it will listen on, by name; they have to be free before it starts.
    pub ports: Vec<(String, u16)>,
    /// Added to the environment that spanspec has; wins over [`Telemetry`].
    pub env: Vec<(String, String)>,
    /// How to see that it can be used; without it, started is ready.
    pub ready: Option<Ready>,
    /// Names of services that have to be ready before this one starts.
    pub depends_on: Vec<String>,
    /// Where it is built and runs.
    pub dir: PathBuf,
    /// How long it may take to become ready, its build not counted.
    pub start_timeout: Duration,
}

/// The longest delay after which these services export a span, by the environment that they will
/// get; None if there are no services.
#[must_use]
pub fn schedule_delay(services: &[Service]) -> Option<Duration> {
    let telemetry = Telemetry {
        endpoint: String::new(),
    };
    let delay = |service| env::schedule_delay(&telemetry.variables(service));
    services.iter().map(delay).max()
}

impl Service {
    /// A service that runs a command in the working directory and is ready when started.
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
}
