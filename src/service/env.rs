//! The environment variables of services that concern telemetry.

use std::time::Duration;

use super::Service;

/// Default export delay of SDKs for spans.
const SDK_SCHEDULE_DELAY: Duration = Duration::from_secs(5);

/// Default export delay of SDKs for log records.
const SDK_LOG_SCHEDULE_DELAY: Duration = Duration::from_secs(1);

/// Default export interval of SDKs for metrics.
const SDK_METRIC_INTERVAL: Duration = Duration::from_mins(1);

const SCHEDULE_DELAY: &str = "OTEL_BSP_SCHEDULE_DELAY";
const LOG_SCHEDULE_DELAY: &str = "OTEL_BLRP_SCHEDULE_DELAY";
const METRIC_INTERVAL: &str = "OTEL_METRIC_EXPORT_INTERVAL";

/// Variables with a configuration file. If one is set, an SDK ignores all other variables.
pub(crate) const CONFIG_FILES: [&str; 2] = ["OTEL_CONFIG_FILE", "OTEL_EXPERIMENTAL_CONFIG_FILE"];

/// Variables that would send the spans elsewhere, or disable them.
const NOT_INHERITED: [&str; 30] = [
    "OTEL_SDK_DISABLED",
    "OTEL_CONFIG_FILE",
    "OTEL_EXPERIMENTAL_CONFIG_FILE",
    "OTEL_TRACES_SAMPLER_ARG",
    "OTEL_EXPORTER_OTLP_HEADERS",
    "OTEL_EXPORTER_OTLP_INSECURE",
    "OTEL_EXPORTER_OTLP_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_CLIENT_KEY",
    "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
    "OTEL_EXPORTER_OTLP_TRACES_INSECURE",
    "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY",
    "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
    "OTEL_EXPORTER_OTLP_METRICS_HEADERS",
    "OTEL_EXPORTER_OTLP_METRICS_INSECURE",
    "OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY",
    "OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
    "OTEL_EXPORTER_OTLP_LOGS_HEADERS",
    "OTEL_EXPORTER_OTLP_LOGS_INSECURE",
    "OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_LOGS_CLIENT_KEY",
    "OTEL_EXPORTER_OTLP_LOGS_CLIENT_CERTIFICATE",
    "TRACEPARENT",
    "TRACESTATE",
    "BAGGAGE",
];

/// The destination of the telemetry of services.
///
/// The `env` of a service takes precedence over the variables that this sets. The environment of
/// spanspec does not, since the exporter settings of a CI or a shell profile would send the spans
/// elsewhere. For the same reason, a service does not inherit endpoints, headers or certificates of
/// exporters, `OTEL_SDK_DISABLED` and `TRACEPARENT`. Set them in `env` if a service needs them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TelemetryTarget {
    /// A URL such as `http://127.0.0.1:4318`. Its port accepts OTLP over gRPC and HTTP.
    pub endpoint: String,
    /// The token of the receiver, if it has one.
    pub token: Option<String>,
    /// If the receiver has TLS, the file with the certificate that clients must trust.
    pub certificate: Option<String>,
}

impl TelemetryTarget {
    /// The variables of a service. Its `env` comes last and takes precedence.
    #[must_use]
    pub fn variables(&self, service: &Service) -> Vec<(String, String)> {
        // Python keeps lines for long if no terminal reads them.
        let unbuffered = (!service.logs.is_empty()).then_some(("PYTHONUNBUFFERED", "1"));
        let own = |name: &str| service.env.iter().any(|(own, _)| own == name);
        let access = self.access().into_iter().filter(|(name, _)| !own(name));
        self.defaults()
            .into_iter()
            .filter(|(name, _)| !own(name))
            .chain(unbuffered.into_iter().filter(|(name, _)| !own(name)))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .chain(access.map(|(name, value)| (name.to_owned(), value)))
            .chain(service.env.iter().cloned())
            .collect()
    }

    /// The variables with the token and the certificate.
    pub(crate) fn access(&self) -> Vec<(&'static str, String)> {
        let headers = self.token.as_deref().map(|token| {
            let encoded: String = url::form_urlencoded::byte_serialize(token.as_bytes()).collect();
            let value = format!("authorization=Bearer%20{}", encoded.replace('+', "%20"));
            ("OTEL_EXPORTER_OTLP_HEADERS", value)
        });
        let certificate = self.certificate.clone();
        let certificate = certificate.map(|file| ("OTEL_EXPORTER_OTLP_CERTIFICATE", file));
        headers.into_iter().chain(certificate).collect()
    }

    /// The variables that a service does not inherit.
    pub(super) fn withheld() -> Vec<String> {
        NOT_INHERITED.map(str::to_owned).into()
    }

    /// The variables that send all telemetry to the endpoint without delay.
    pub(crate) fn defaults(&self) -> [(&'static str, &str); 10] {
        [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &self.endpoint),
            ("OTEL_TRACES_EXPORTER", "otlp"),
            ("OTEL_METRICS_EXPORTER", "otlp"),
            ("OTEL_LOGS_EXPORTER", "otlp"),
            (SCHEDULE_DELAY, "100"),
            (LOG_SCHEDULE_DELAY, "100"),
            (METRIC_INTERVAL, "500"),
            // Some SDKs refuse a timeout that is longer than the interval.
            ("OTEL_METRIC_EXPORT_TIMEOUT", "500"),
            ("OTEL_TRACES_SAMPLER", "parentbased_always_on"),
            ("OTEL_PROPAGATORS", "tracecontext,baggage"),
        ]
    }
}

/// Export delays of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ScheduleDelays {
    pub(super) spans: Duration,
    pub(super) logs: Duration,
    pub(super) metrics: Duration,
}

/// Export delays of a process with these variables.
pub(super) fn schedule_delays(variables: &[(String, String)]) -> ScheduleDelays {
    let mut files = variables
        .iter()
        .filter(|(name, _)| CONFIG_FILES.contains(&name.as_str()));
    let ignores_variables = files.any(|(_, file)| !file.is_empty());
    let delay = |wanted: &str| {
        let mut last_first = variables.iter().rev().filter(|_| !ignores_variables);
        let (_, value) = last_first.find(|(name, _)| name == wanted)?;
        value.trim().parse().ok().map(Duration::from_millis)
    };
    ScheduleDelays {
        spans: delay(SCHEDULE_DELAY).unwrap_or(SDK_SCHEDULE_DELAY),
        logs: delay(LOG_SCHEDULE_DELAY).unwrap_or(SDK_LOG_SCHEDULE_DELAY),
        metrics: delay(METRIC_INTERVAL).unwrap_or(SDK_METRIC_INTERVAL),
    }
}

#[cfg(test)]
mod tests {
    use super::super::CommandLine;
    use super::*;

    fn variables(own: &[(&str, &str)]) -> Vec<(String, String)> {
        let mut service = Service::new("shop", CommandLine::Shell("true".into()));
        service.env = own
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let telemetry = TelemetryTarget {
            endpoint: "http://127.0.0.1:4318".into(),
            ..TelemetryTarget::default()
        };
        telemetry.variables(&service)
    }

    #[test]
    fn what_the_service_sets_stands_once_and_wins() {
        let variables = variables(&[("OTEL_TRACES_EXPORTER", "console"), ("PORT", "1")]);
        let of = |wanted: &str| {
            let found = variables.iter().filter(|(name, _)| name == wanted);
            found.map(|(_, value)| value.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(of("OTEL_TRACES_EXPORTER"), ["console"]);
        assert_eq!(of("PORT"), ["1"]);
        assert_eq!(of("OTEL_EXPORTER_OTLP_ENDPOINT"), ["http://127.0.0.1:4318"]);
    }

    #[test]
    fn the_schedule_delay_is_what_the_service_will_use() {
        let delay = |own: &[(&str, &str)]| schedule_delays(&variables(own)).spans;
        assert_eq!(delay(&[]), Duration::from_millis(100));
        assert_eq!(delay(&[(SCHEDULE_DELAY, "10")]), Duration::from_millis(10));
        assert_eq!(delay(&[(SCHEDULE_DELAY, "soon")]), SDK_SCHEDULE_DELAY);
        // An SDK with a configuration file ignores all other variables.
        for file in CONFIG_FILES {
            assert_eq!(delay(&[(file, "otel.yaml")]), SDK_SCHEDULE_DELAY);
            assert_eq!(delay(&[(file, "")]), Duration::from_millis(100));
        }
        let of_logs = |own: &[(&str, &str)]| schedule_delays(&variables(own)).logs;
        assert_eq!(of_logs(&[]), Duration::from_millis(100));
        assert_eq!(
            of_logs(&[(LOG_SCHEDULE_DELAY, "2000")]),
            Duration::from_secs(2)
        );
        assert_eq!(
            of_logs(&[("OTEL_CONFIG_FILE", "a")]),
            SDK_LOG_SCHEDULE_DELAY
        );
    }
}
