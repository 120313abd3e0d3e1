//! The environment of a command, which leads its tests to the system under test.

use std::collections::BTreeMap;
use std::path::Path;

use crate::service::TelemetryTarget;
use crate::source::remote::{CERTIFICATE_VARIABLE, RECEIVER_VARIABLE, TOKEN_VARIABLE};

/// The folder that each spanspec within the command writes its results to.
pub const RESULTS_VARIABLE: &str = "SPANSPEC_RESULTS";

/// Variables that mean us, and not a spanspec within the command.
const OURS: [&str; 5] = [
    "SPANSPEC_LISTEN",
    "SPANSPEC_REPORT",
    "SPANSPEC_MERGE",
    "SPANSPEC_READY_FILE",
    "SPANSPEC_VAR",
];

/// Variables that are added, and those that are taken away.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// Names and values.
    pub set: Vec<(String, String)>,
    /// Names.
    pub unset: Vec<String>,
}

impl Environment {
    /// Variables that direct spans and queries to this receiver, and tests to the
    /// system through the project's variables. Variables that the user set are kept, except
    /// `SPANSPEC_RECEIVER`.
    #[must_use]
    pub fn new(
        telemetry: &TelemetryTarget,
        variables: &[(String, String)],
        given: &BTreeMap<String, String>,
    ) -> Self {
        let access = telemetry.access();
        let access = access.iter().map(|(name, value)| (*name, value.as_str()));
        let defaults = telemetry.defaults();
        let defaults = defaults.iter().map(|(name, value)| (*name, *value));
        let variables = variables
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .filter(|(name, value)| can_be_set(name, value));
        let added = defaults
            .chain(access)
            .chain(variables)
            .filter(|(name, _)| !given.contains_key(*name))
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self {
            set: Self::of_receiver(telemetry).chain(added).collect(),
            unset: OURS.map(str::to_owned).into(),
        }
    }

    /// The variables that lead to the HTTP API of the receiver.
    fn of_receiver(telemetry: &TelemetryTarget) -> impl Iterator<Item = (String, String)> {
        [
            (RECEIVER_VARIABLE, Some(&telemetry.endpoint)),
            (TOKEN_VARIABLE, telemetry.token.as_ref()),
            (CERTIFICATE_VARIABLE, telemetry.certificate.as_ref()),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.clone())))
    }

    /// The same, with the folder for results.
    #[must_use]
    pub fn with_results(mut self, folder: &Path) -> Self {
        let folder = folder.to_string_lossy().into_owned();
        self.set.push((RESULTS_VARIABLE.to_owned(), folder));
        self
    }
}

fn can_be_set(name: &str, value: &str) -> bool {
    !name.is_empty() && !name.contains(['=', '\0']) && !value.contains('\0')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value<'a>(environment: &'a Environment, name: &str) -> Option<&'a str> {
        let mut set = environment.set.iter();
        set.find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    #[test]
    fn what_the_user_has_set_stays_but_the_receiver_is_ours() {
        let given = BTreeMap::from([
            ("BASE_URL".to_owned(), "http://mine".to_owned()),
            ("OTEL_TRACES_SAMPLER".to_owned(), "always_off".to_owned()),
            (RECEIVER_VARIABLE.to_owned(), "http://old".to_owned()),
        ]);
        let variables = [
            ("BASE_URL".to_owned(), "http://shop".to_owned()),
            ("SKU".to_owned(), "A1".to_owned()),
        ];
        let telemetry = TelemetryTarget {
            endpoint: "http://127.0.0.1:4711".to_owned(),
            ..TelemetryTarget::default()
        };
        let environment = Environment::new(&telemetry, &variables, &given);
        assert_eq!(value(&environment, "BASE_URL"), None);
        assert_eq!(value(&environment, "OTEL_TRACES_SAMPLER"), None);
        assert_eq!(value(&environment, "SKU"), Some("A1"));
        for name in [RECEIVER_VARIABLE, "OTEL_EXPORTER_OTLP_ENDPOINT"] {
            assert_eq!(value(&environment, name), Some("http://127.0.0.1:4711"));
        }
    }
}
