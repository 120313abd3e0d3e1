mod checks;
mod read_back;
mod suites;
mod triggers;

use snapbox::str;

use super::Files;
use crate::import::loads::loads_in;
use crate::import::{Import, Level};
use crate::spec::Source;

/// The written files and the remarks. Each spec is read without errors, with the other files whose names begin
/// with `protos/` beside it.
#[track_caller]
fn import(text: &str) -> (String, String) {
    imported(&[("test.yaml", text)], &[])
}

#[track_caller]
fn imported(sources: &[(&str, &str)], others: &[(&str, &str)]) -> (String, String) {
    let import = import_of(sources, others);
    let folder = tempfile::tempdir().unwrap();
    let written = import
        .files
        .iter()
        .map(|file| (file.path.as_str(), file.text.as_str()));
    let by_hand = others
        .iter()
        .filter(|(name, _)| name.starts_with("protos/"));
    for (name, text) in written.chain(by_hand.copied()) {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let mut text = String::new();
    for file in &import.files {
        if file.path.ends_with(".yaml") && file.path != "spanspec.yaml" {
            loads_in(folder.path(), &file.text);
        }
        if import.files.len() > 1 {
            text.push_str(&format!("# {}\n", file.path));
        }
        text.push_str(&file.text);
    }
    (text, import.remarks.to_string())
}

fn import_of(sources: &[(&str, &str)], others: &[(&str, &str)]) -> Import {
    let sources: Vec<Source> = sources
        .iter()
        .map(|(name, text)| Source::new(*name, *text))
        .collect();
    let read = |_: &str, path: &str| {
        let other = others.iter().find(|(name, _)| *name == path);
        let text = other.map(|(_, text)| (*text).to_owned());
        text.ok_or_else(|| format!("there is no {path}"))
    };
    let mut import = Import::default();
    super::import(&sources, &Files { read: &read }, &mut import);
    import
}

/// The entries of `expect` of a test with one selector and these assertions, and the remarks.
#[track_caller]
fn expect(selector: &str, assertions: &[&str]) -> String {
    let mut text = "type: Test\nspec:\n  name: t\n  trigger: { type: http, httpRequest: { url: http://a/b, method: GET } }\n  specs:\n".to_owned();
    text.push_str(&format!(
        "  - selector: {}\n    assertions:\n",
        serde_json::Value::from(selector)
    ));
    for assertion in assertions {
        text.push_str(&format!("    - {}\n", serde_json::Value::from(*assertion)));
    }
    let (spec, remarks) = import(&text);
    let expect = spec
        .split_once("expect:\n")
        .map_or("", |(_, expect)| expect);
    format!("{expect}{remarks}")
}

#[test]
fn a_request_and_its_assertions_become_a_spec() {
    let (spec, remarks) = import(
        r#"
type: Test
spec:
  id: place-order
  name: 'Orders: place one'
  description: A customer places an order.
  trigger:
    type: http
    httpRequest:
      url: ${var:BASE_URL}/orders
      method: POST
      headers:
      - key: Content-Type
        value: application/json
      - key: X-Run
        value: run-${uuid()}
      body: |
        { "sku": "${env:SKU}", "quantity": 2, "price": "$5" }
  specs:
  - name: It answers with the order
    selector: span[tracetest.span.type="general" name="Tracetest trigger"]
    assertions:
    - attr:tracetest.response.status = 201
    - attr:tracetest.response.body | json_path '$.id' != ""
    - attr:tracetest.span.duration < 1s
  - name: The card is charged once
    selector: span[tracetest.span.type="rpc" name="Payment/Charge" rpc.method="Charge"]
    assertions:
    - attr:tracetest.selected_spans.count = 1
    - attr:rpc.grpc.status_code = 0
    - attr:payment.method = "card"
"#,
    );
    snapbox::assert_data_eq!(
        spec,
        str![[r#"
name: "Orders: place one"
description: A customer places an order.
request:
  post: ${BASE_URL}/orders
  headers:
    X-Run: run-${uuid()}
  json: { sku: "${SKU}", quantity: 2, price: "$5" }
expect:
  status: 201
  json:
    $.id: { not: ["", null] }
  response_time: < 1s
  spans:
    # The card is charged once
    - find: { name: Payment/Charge, attributes: { rpc.method: Charge } }
      attributes:
        rpc.grpc.status_code: [0, "0"]
        payment.method: card
      count: 1

"#]]
    );
    snapbox::assert_data_eq!(
        remarks,
        str![[r#"
test.yaml:25:7: note: durations are compared exactly; Tracetest rounds them to whole ms, or tenths of a second

"#]]
    );
}

#[test]
fn nothing_is_lost_silently() {
    let import = import_of(
        &[(
            "a.yaml",
            "type: Test\nspec:\n  name: t\n  trigger: { type: carrier-pigeon }\n---\ntype: Unknown\nspec: {}\n---\n[1\n",
        )],
        &[],
    );
    assert_eq!(import.files, []);
    assert_eq!(import.remarks.count(Level::Lost), 3, "{}", import.remarks);
}

#[test]
fn settings_become_a_project_file() {
    let (text, remarks) = import(
        r#"
type: VariableSet
spec: { id: staging, name: Staging, values: [{ key: BASE_URL, value: "https://s.example" }, { key: PORT, value: "80" }] }
---
type: Environment
spec: { id: local, name: Local, values: [{ key: BASE_URL, value: "http://127.0.0.1:1" }] }
---
type: PollingProfile
spec: { strategy: periodic, periodic: { timeout: 90s, retryDelay: 1s } }
---
type: TestRunner
spec: { requiredGates: [analyzer-score, test-specs] }
---
type: Analyzer
spec: { enabled: true }
---
type: DataStore
spec: { type: jaeger, jaeger: { endpoint: "jaeger:16685", tls: { insecure: true } } }
---
type: DataStore
spec: { type: otlp }
---
type: DataStore
spec: { type: sumologic, sumologic: { url: "https://x" } }
---
type: Demo
spec: { name: x }
"#,
    );
    snapbox::assert_data_eq!(
        text,
        str![[r#"
specs: ["."]
defaults:
  wait:
    timeout: 90s
source:
  jaeger: grpc://jaeger:16685
profiles:
  staging:
    vars:
      BASE_URL: https://s.example
      PORT: "80"
  local:
    vars:
      BASE_URL: http://127.0.0.1:1

"#]]
    );
    snapbox::assert_data_eq!(
        remarks,
        str![[r#"
test.yaml:3:7: note: the variable set is the profile staging: `spanspec run --profile staging`
test.yaml:6:7: note: the variable set is the profile local: `spanspec run --profile local`
test.yaml:9:39: note: `retryDelay` and `selectorMatchRetries` are left out: spanspec waits until the trace is complete
test.yaml:12:25: lost: the gate analyzer-score has no equivalent: only the specs decide
test.yaml:14:1: note: the analyzer is left out: spanspec has no score and no rules for spans of a whole trace
test.yaml:21:7: note: the store otlp is left out: there is another one before it
test.yaml:24:7: note: the store sumologic is left out: there is another one before it
test.yaml:26:1: note: `Demo` is left out: it is a setting of Tracetest itself

"#]]
    );
}

#[test]
fn a_file_without_a_document_is_a_loss() {
    let empty = "test.yaml:1:1: lost: the file is empty\n";
    // `&X` is a null with an anchor.
    for text in ["", "# nothing", "null", "--- ~\n---\n", "&X"] {
        assert_eq!(import(text), (String::new(), empty.to_owned()), "{text}");
    }
}
