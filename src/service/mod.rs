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
mod outputs;
mod port;
mod ready;
mod remedy;
mod running;
mod start;
mod system;

use std::borrow::Cow;
use std::path::PathBuf;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use url::Url;

pub use command::CommandLine;
pub use ending::{ExitReason, UnexpectedExit};
pub(crate) use env::CONFIG_FILES;
pub use env::TelemetryTarget;
pub use error::StartError;
pub use event::{OutputStream, ServiceEvent};
pub use outputs::ServiceOutputs;
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
    /// The outputs of which each line is a log record.
    pub logs: Vec<OutputStream>,
    /// The URL of its metrics in a text format of Prometheus.
    pub scrape: Option<Url>,
}

/// The longest export delay of these services, by their environments. `None` if there are no
/// services.
#[must_use]
pub fn schedule_delay(services: &[Service]) -> Option<Duration> {
    let telemetry = TelemetryTarget::default();
    let delay = |service| env::schedule_delays(&telemetry.variables(service)).spans;
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
            logs: Vec::new(),
            scrape: None,
        }
    }

    /// The `service.name` of its spans, if `env` sets it: in `OTEL_SERVICE_NAME`, or else in
    /// `OTEL_RESOURCE_ATTRIBUTES`.
    #[must_use]
    pub fn telemetry_name(&self) -> Option<Cow<'_, str>> {
        let of = |wanted: &str| {
            let mut env = self.env.iter().rev();
            let (_, value) = env.find(|(name, _)| name == wanted)?;
            Some(value.as_str()).filter(|value| !value.is_empty())
        };
        of("OTEL_SERVICE_NAME")
            .map(Cow::Borrowed)
            .or_else(|| name_in(of("OTEL_RESOURCE_ATTRIBUTES")?))
    }
}

/// The `service.name` in a list such as `service.name=shop,service.version=1`. Values are
/// percent-encoded.
fn name_in(attributes: &str) -> Option<Cow<'_, str>> {
    let pairs = attributes
        .split(',')
        .filter_map(|pair| pair.split_once('='));
    let mut names = pairs.filter(|(key, _)| key.trim() == "service.name");
    let (_, name) = names.next_back()?;
    let name = percent_decode_str(name.trim()).decode_utf8_lossy();
    Some(name).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_service_is_that_of_its_spans() {
        for (env, name) in [
            (&[][..], None),
            (&[("OTEL_SERVICE_NAME", "shop")], Some("shop")),
            (
                &[(
                    "OTEL_RESOURCE_ATTRIBUTES",
                    "a=b, service.name = my%20shop,c",
                )],
                Some("my shop"),
            ),
            (
                &[
                    ("OTEL_RESOURCE_ATTRIBUTES", "service.name=other"),
                    ("OTEL_SERVICE_NAME", "shop"),
                ],
                Some("shop"),
            ),
            (
                &[
                    ("OTEL_SERVICE_NAME", ""),
                    ("OTEL_RESOURCE_ATTRIBUTES", "service.name=shop"),
                ],
                Some("shop"),
            ),
            (&[("OTEL_RESOURCE_ATTRIBUTES", "service.name=")], None),
        ] {
            let mut service = Service::new("app", CommandLine::Shell("true".into()));
            let pairs = env
                .iter()
                .map(|(key, value)| ((*key).into(), (*value).into()));
            service.env = pairs.collect();
            assert_eq!(service.telemetry_name().as_deref(), name, "{env:?}");
        }
    }
}
