//! Warnings about Collectors that spanspec starts: an exporter to a fixed port of this machine, where
//! no part of the project listens.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use url::{Host, Url};

use super::{Workspace, read};
use crate::service::{CommandLine, Service};
use crate::spec::{ErrorList, Kind, Node, SpecError, parse_documents};

/// The names of the exporters of OTLP, before a `/` with a name of the user.
const EXPORTERS: [&str; 4] = ["otlp", "otlphttp", "otlp_grpc", "otlp_http"];

/// The keys with the endpoints of an exporter.
const ENDPOINTS: [&str; 2] = ["endpoint", "traces_endpoint"];

impl Workspace {
    /// A warning for each OTLP exporter of a Collector among the services whose spans reach nothing.
    #[must_use]
    pub fn lost_exports(&self) -> Vec<SpecError> {
        // It may export to the backend from which traces are read.
        if self.backend.is_some() {
            return Vec::new();
        }
        let services = self.project.services(&self.globals).unwrap_or_default();
        let of_services = services.iter().flat_map(|service| &service.ports);
        let listen = self.project.listen.iter().flatten().map(SocketAddr::port);
        let named = self.named_receivers().into_iter();
        let named = named.map(|(_, address)| address.port());
        let of_services = of_services.map(|(_, port)| *port);
        let ports: Vec<u16> = of_services.chain(listen).chain(named).collect();
        let files = services.iter().flat_map(|service| {
            let files = configurations(service).into_iter();
            files.map(move |file| (service, file))
        });
        files
            .flat_map(|(service, file)| of_file(&service.name, &file, &ports))
            .collect()
    }
}

/// The YAML files that the command of a service names with `--config`.
fn configurations(service: &Service) -> Vec<PathBuf> {
    let words = match &service.run {
        CommandLine::Words(words) => words.clone(),
        CommandLine::Shell(line) => shell_words::split(line).unwrap_or_default(),
    };
    let mut words = words.into_iter();
    let mut files = Vec::new();
    while let Some(word) = words.next() {
        let Some(rest) = word.strip_prefix("--config") else {
            continue;
        };
        let value = match rest.strip_prefix('=') {
            Some(value) => Some(value.to_owned()),
            None if rest.is_empty() => words.next(),
            None => None,
        };
        let file = value.map(|value| value.strip_prefix("file:").unwrap_or(&value).to_owned());
        let is_yaml = |file: &String| file.ends_with(".yaml") || file.ends_with(".yml");
        files.extend(file.filter(is_yaml).map(|file| service.dir.join(file)));
    }
    files
}

/// The warnings for one file. One that cannot be read, or is not YAML, has none: the Collector
/// reports that.
fn of_file(service: &str, file: &Path, ports: &[u16]) -> Vec<SpecError> {
    let Ok(source) = read(file) else {
        return Vec::new();
    };
    let errors = ErrorList::new(&source);
    let documents = parse_documents(&errors);
    let exporters = documents.first().and_then(|root| root.get("exporters"));
    let Some(Kind::Map(exporters)) = exporters.map(|node| &node.kind) else {
        return Vec::new();
    };
    let exporters = exporters.iter().filter(|entry| {
        let kind = entry.key.text.split('/').next().unwrap_or_default();
        EXPORTERS.contains(&kind)
    });
    let endpoints = exporters.flat_map(|entry| {
        let of_key = move |key: &str| Some((entry.key.text.as_str(), entry.value.get(key)?));
        ENDPOINTS.into_iter().filter_map(of_key)
    });
    let is_lost = |(_, node): &(&str, &Node)| {
        let port = node.scalar().and_then(|scalar| local_port(&scalar.text));
        port.is_some_and(|port| !ports.contains(&port))
    };
    let warning = |(exporter, node): (&str, &Node)| SpecError {
        what: format!(
            "the exporter `{exporter}` of the service `{service}` sends to a port that no part of this project listens on"
        ),
        at: source.at(node.place),
        label: "not a port of `receiver` or of a service".to_owned(),
        help: Some(
            "write `${env:OTEL_EXPORTER_OTLP_ENDPOINT}`, which spanspec sets for each service"
                .to_owned(),
        ),
    };
    endpoints.filter(is_lost).map(warning).collect::<Vec<_>>()
}

/// The port of an endpoint on this machine, if it is fixed.
fn local_port(endpoint: &str) -> Option<u16> {
    let url = match endpoint.contains("://") {
        true => Url::parse(endpoint),
        false => Url::parse(&format!("http://{endpoint}")),
    };
    let url = url.ok()?;
    let is_here = match url.host()? {
        Host::Ipv4(address) => address.is_loopback() || address.is_unspecified(),
        Host::Ipv6(address) => address.is_loopback() || address.is_unspecified(),
        Host::Domain(name) => name == "localhost",
    };
    url.port_or_known_default().filter(|_| is_here)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_fixed_port_of_this_machine_counts() {
        for (endpoint, port) in [
            ("127.0.0.1:4317", Some(4317)),
            ("localhost:4317", Some(4317)),
            ("http://[::1]:4318/v1/traces", Some(4318)),
            ("https://localhost", Some(443)),
            ("tempo:4317", None),
            ("${env:OTEL_EXPORTER_OTLP_ENDPOINT}", None),
            ("127.0.0.1:${env:PORT}", None),
        ] {
            assert_eq!(local_port(endpoint), port, "{endpoint}");
        }
    }

    #[test]
    fn the_files_of_a_command_are_relative_to_its_folder() {
        let files = |run: CommandLine| {
            let service = Service {
                dir: PathBuf::from("otel"),
                ..Service::new("collector", run)
            };
            let files = configurations(&service);
            files
                .iter()
                .map(|file| file.display().to_string())
                .collect::<Vec<_>>()
        };
        let line =
            "exec otelcol --config a.yaml --config=file:b.yml --config env:C --configs d.yaml";
        assert_eq!(
            files(CommandLine::Shell(line.to_owned())),
            ["otel/a.yaml", "otel/b.yml"]
        );
    }
}
