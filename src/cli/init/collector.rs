//! A project for the configuration of a Collector.

use std::path::Path;

use crate::schema::{PROJECT_URL, SPEC_URL};
use crate::spec::{ErrorList, Source, parse_documents};

const SITE: &str = "https://github.com/spanspec/spanspec/blob/main/docs";

/// The usual names of a configuration.
const NAMES: [&str; 8] = [
    "collector.yaml",
    "collector-config.yaml",
    "otel-collector.yaml",
    "otel-collector-config.yaml",
    "otelcol.yaml",
    "otelcol-config.yaml",
    "otel-config.yaml",
    "config.yaml",
];

/// The name of the configuration in a folder.
pub(super) fn configuration(dir: &Path) -> Option<&'static str> {
    let mut names = NAMES.into_iter();
    names.find(|name| {
        let text = std::fs::read_to_string(dir.join(name)).unwrap_or_default();
        let source = Source::new(*name, text);
        let documents = parse_documents(&ErrorList::new(&source));
        documents.first().is_some_and(|root| {
            let pipelines = root
                .get("service")
                .and_then(|service| service.get("pipelines"));
            root.get("receivers").is_some() && pipelines.is_some()
        })
    })
}

/// The project file.
pub(super) fn project(configuration: &str) -> String {
    format!(
        "# yaml-language-server: $schema={PROJECT_URL}
# Tests of a Collector configuration: {SITE}/pipelines.md
specs: [specs]
services:
  collector:
    # Let its OTLP receiver listen on `127.0.0.1:${{env:OTLP_PORT}}` (HTTP), and its exporter send to
    # `${{env:OTEL_EXPORTER_OTLP_ENDPOINT}}`, which spanspec sets for each service.
    run: otelcol-contrib --config {configuration}
    ports: {{ otlp: auto }}
    env: {{ OTLP_PORT: \"${{services.collector.otlp}}\" }}
    ready: \"tcp://127.0.0.1:${{services.collector.otlp}}\"
"
    )
}

/// A first spec.
pub(super) fn spec() -> String {
    format!(
        "# yaml-language-server: $schema={SPEC_URL}
# A first spec; {SITE}/pipelines.md has checks for filters, samplers, transformations and routes.
name: a request passes the pipeline once and unchanged
send:
  spans:
    - name: POST /orders
      service: shop
      kind: server
      attributes: {{ http.response.status_code: 201 }}
      children: [{{ name: charge, service: payment, duration: 20ms }}]
  to: http://127.0.0.1:${{services.collector.otlp}}
expect:
  lost: 0
  duplicated: 0
  spans:
    - {{ find: POST /orders, service: shop, attributes: {{ http.response.status_code: 201 }} }}
"
    )
}
