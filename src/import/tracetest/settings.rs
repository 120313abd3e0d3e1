//! Variable sets and settings of Tracetest as a project file.

use crate::import::http_request::with_scheme;
use crate::import::matcher::syntax;
use crate::import::template::variable_name;
use crate::import::{Import, Map, Node, Remarks, Written, file_stem};
use crate::spec::Location;

/// Writes `spanspec.yaml`, if there is something in it.
pub(super) fn write(settings: &[(String, Node)], import: &mut Import) {
    let mut project = Map::new();
    let mut sets = Vec::new();
    for (kind, document) in settings {
        let spec = document.get("spec").unwrap_or(document);
        match kind.as_str() {
            "VariableSet" | "Environment" if spec.get("values").is_some() => sets.push(spec),
            "PollingProfile" => polling(spec, &mut project, &mut import.remarks),
            "TestRunner" => gates(spec, &mut import.remarks),
            "DataStore" => source(spec, &mut project, &mut import.remarks),
            "Analyzer" => import.remarks.note(
                &document.at,
                "the analyzer is left out: spanspec has no score and no rules for spans of a whole trace",
            ),
            "Config" | "Demo" | "Environment" | "EnvironmentToken" | "VariableSet" | "Organization" | "Invite"
            | "Monitor" | "RunGroup" => {
                let text = format!("`{kind}` is left out: it is a setting of Tracetest itself");
                import.remarks.note(&document.at, text);
            }
            kind if document.get("spec").is_some() => {
                let text = format!("the document is not imported: the type {kind} is unknown");
                import.remarks.lost(&document.at, text);
            }
            _ => import.remarks.note(&document.at, "the document is left out: it is not of Tracetest"),
        }
    }
    match sets.as_slice() {
        [] => {}
        [set] => project.put("vars", values(set, &mut import.remarks)),
        sets => {
            for set in sets {
                let name = set
                    .text_of("id")
                    .or_else(|| set.text_of("name"))
                    .unwrap_or("variables");
                let vars = values(set, &mut import.remarks);
                project
                    .map("profiles")
                    .map(&file_stem(name))
                    .put("vars", vars);
                let text = format!(
                    "the variable set is the profile {}: `spanspec run --profile {0}`",
                    file_stem(name)
                );
                import.remarks.note(&set.at, text);
            }
        }
    }
    if project.is_empty() {
        return;
    }
    let mut file = Map::new();
    file.put("specs", vec![Written::from(".")]);
    project
        .values()
        .for_each(|(key, value)| file.put(key, value.clone()));
    import.add("spanspec.yaml", file.document());
}

/// Variables are texts.
fn values(set: &Node, remarks: &mut Remarks) -> Map {
    let mut vars = Map::new();
    for item in set.get("values").map(Node::items).unwrap_or_default() {
        let name = item.text_of("key").unwrap_or_default();
        let value = item.text_of("value").unwrap_or_default();
        if name.is_empty() {
            remarks.lost(&item.at, "a variable has no name");
            continue;
        }
        if item.text_of("type") == Some("secret") {
            let text = format!(
                "{name} is a secret, and its value is not copied: set the variable in the environment"
            );
            remarks.note(&item.at, text);
            continue;
        }
        vars.put(&variable_name(name), Written::literal(value));
    }
    vars
}

fn polling(spec: &Node, project: &mut Map, remarks: &mut Remarks) {
    let Some(periodic) = spec.get("periodic") else {
        return;
    };
    if let Some(timeout) = periodic.get("timeout") {
        let text = timeout.text().unwrap_or_default();
        match crate::spec::parse_duration(text) {
            Ok(_) => project
                .map("defaults")
                .map("wait")
                .put("timeout", syntax(text)),
            Err(_) => remarks.lost(
                &timeout.at,
                format!("the timeout {text} is not a duration such as `90s`"),
            ),
        }
    }
    remarks.note(
        &periodic.at,
        "`retryDelay` and `selectorMatchRetries` are left out: spanspec waits until the trace is complete",
    );
}

fn gates(spec: &Node, remarks: &mut Remarks) {
    let gates = spec
        .get("requiredGates")
        .map(Node::items)
        .unwrap_or_default();
    for gate in gates
        .iter()
        .filter(|gate| gate.text() != Some("test-specs"))
    {
        let text = format!(
            "the gate {} has no equivalent: only the specs decide",
            gate.text().unwrap_or_default()
        );
        remarks.lost(&gate.at, text);
    }
    if !gates.is_empty() && gates.iter().all(|gate| gate.text() != Some("test-specs")) {
        remarks.note(
            &spec.at,
            "the specs decide, although they are not a required gate",
        );
    }
}

/// A store of traces as `source`. Those to which Tracetest's own receiver sends are no source.
fn source(spec: &Node, project: &mut Map, remarks: &mut Remarks) {
    let kind = spec.text_of("type").unwrap_or_default();
    let part = spec.get(kind).unwrap_or(spec);
    let at = &spec.at;
    if project.get("source").is_some() {
        remarks.note(
            at,
            format!("the store {kind} is left out: there is another one before it"),
        );
        return;
    }
    let Some((key, address)) = store(kind, part, at, remarks) else {
        return;
    };
    let source = project.map("source");
    source.put(key, Written::literal(&address));
    if let Some(index) = part.text_of("index").filter(|index| !index.is_empty()) {
        source.put("index", Written::literal(index));
    }
    let secrets = [
        "username",
        "password",
        "accessKeyId",
        "secretAccessKey",
        "sessionToken",
        "headers",
        "auth",
    ];
    if secrets
        .iter()
        .any(|key| part.get(key).is_some() || within(part, "http").get(key).is_some())
    {
        remarks.note(at, "the credentials of the store are not copied: see docs/backends.md for its variables and `headers`");
    }
}

/// The kind and the address of a source. `None` if the store is none, which is reported.
fn store(
    kind: &str,
    part: &Node,
    at: &Location,
    remarks: &mut Remarks,
) -> Option<(&'static str, String)> {
    let found = match kind {
        "jaeger" => {
            let grpc = within(part, "grpc");
            let is_plain = grpc
                .get("tls")
                .is_none_or(|tls| tls.text_of("insecure") == Some("true"));
            let scheme = if is_plain { "grpc" } else { "grpcs" };
            let endpoint = grpc.text_of("endpoint");
            endpoint.map(|endpoint| ("jaeger", format!("{scheme}://{endpoint}")))
        }
        "tempo" => match part.get("http").and_then(|http| http.text_of("url")) {
            Some(url) => Some(("tempo", with_scheme(url))),
            None => {
                remarks.lost(at, "the gRPC endpoint of Tempo is not used: write `source: { tempo: http://HOST:3200 }`");
                return None;
            }
        },
        "opensearch" => first_address(part).map(|address| ("opensearch", address)),
        "elasticapm" => first_address(part).map(|address| ("elasticsearch", address)),
        "awsxray" => part
            .text_of("region")
            .map(|region| ("xray", region.to_owned())),
        "otlp" | "lightstep" | "newrelic" | "datadog" | "honeycomb" | "dynatrace" | "instana"
        | "signoz" | "dash0" | "agent" | "collector" | "otelcollector" => {
            let text = format!(
                "the store {kind} is left out: the Collector sends the spans to spanspec's receiver, port 4317, as it did to Tracetest"
            );
            remarks.note(at, text);
            return None;
        }
        _ => {
            remarks.lost(
                at,
                format!("the store {kind} has no equivalent: see the backends in docs/backends.md"),
            );
            return None;
        }
    };
    if found.is_none() {
        remarks.lost(at, format!("the store {kind} has no address"));
    }
    found
}

/// The settings of a protocol, which can also be those of the store.
fn within<'a>(part: &'a Node, protocol: &str) -> &'a Node {
    part.get(protocol).unwrap_or(part)
}

fn first_address(part: &Node) -> Option<String> {
    let first = part.get("addresses")?.items().first()?;
    first.text().map(with_scheme)
}
