//! Triggers.

use snapbox::str;

use super::{import, imported};

#[test]
fn a_grpc_call_gets_its_proto_file_and_its_names_of_fields() {
    let proto = "syntax = \"proto3\";\npackage shop;\nimport \"money.proto\";\nmessage Reply { string transaction_id = 1; }\nservice Payment { rpc Charge(.Charge) returns (Reply); }\n";
    let money = "syntax = \"proto3\";\nmessage Charge { int64 amount = 1; string note = 2; }\n";
    let test = r#"
type: Test
spec:
  name: grpc
  trigger:
    type: grpc
    grpc:
      protobufFile: ../pb/shop.proto
      address: ${var:ADDR}
      method: shop.Payment.Charge
      request: '{ "amount": 5, "note": "${var:NOTE}" }'
      metadata: [{ key: X-Tenant, value: a }]
  specs:
  - selector: span[name="Tracetest trigger"]
    assertions:
    - attr:tracetest.response.status = 0
    - attr:tracetest.response.body | json_path '$.transactionId' != ""
"#;
    let (text, remarks) = imported(
        &[("a/test.yaml", test)],
        &[("../pb/shop.proto", proto), ("protos/money.proto", money)],
    );
    snapbox::assert_data_eq!(
        text,
        str![[r##"
# protos/shop.proto
syntax = "proto3";
package shop;
import "money.proto";
message Reply { string transaction_id = 1; }
service Payment { rpc Charge(.Charge) returns (Reply); }
# grpc.yaml
name: grpc
grpc:
  call: http://${ADDR}/shop.Payment/Charge
  message: { amount: 5, note: "${NOTE}" }
  proto: protos/shop.proto
  metadata:
    x-tenant: a
expect:
  status: OK
  json:
    $.transaction_id: { not: ["", null] }

"##]]
    );
    assert_eq!(
        remarks,
        "a/test.yaml:8:21: lost: shop.proto imports money.proto, which is not copied: put it into the folder protos\n"
    );
}

#[test]
fn a_file_that_is_not_found_is_lost() {
    let (text, remarks) = import(
        r#"
type: Test
spec:
  name: grpc
  trigger: { type: grpc, grpc: { protobufFile: ./gone.proto, address: "localhost:80", method: shop.Payment/Charge } }
  specs: [{ selector: 'span[name="x"]', assertions: ['attr:tracetest.selected_spans.count = 0'] }]
---
type: Test
spec:
  name: body
  trigger: { type: http, httpRequest: { url: http://a, method: POST, body: ./gone.json } }
  specs: [{ selector: 'span[name="x"]', assertions: ['attr:a = "1"'] }]
"#,
    );
    snapbox::assert_data_eq!(
        text,
        str![[r#"
# grpc.yaml
name: grpc
grpc: localhost:80/shop.Payment/Charge
expect:
  spans:
    - find: x
      count: 0
# body.yaml
name: body
request:
  post: http://a
  body: "./gone.json"
expect:
  spans:
    - find: x
      attributes:
        a: [1, "1"]

"#]]
    );
    snapbox::assert_data_eq!(
        remarks,
        str![[r#"
test.yaml:5:48: lost: the proto file ./gone.proto is not read (there is no ./gone.proto): the call needs the server's reflection service
test.yaml:11:76: lost: the file ./gone.json is not read (there is no ./gone.json): the text is its path

"#]]
    );
}

#[test]
fn a_graphql_operation_is_read_from_its_file() {
    let test = r#"
type: Test
spec:
  name: graphql
  trigger:
    type: graphql
    graphql:
      url: https://shop.example/graphql
      body: { query: ./order.graphql, variables: { id: 5 }, operationName: "" }
  specs: [{ selector: 'span[name="Tracetest trigger"]', assertions: ["attr:tracetest.response.body | json_path '$.data.id' = 5"] }]
"#;
    let query = "query Q($id: Int) { order(id: $id) { id } }";
    let (text, remarks) = imported(&[("test.yaml", test)], &[("./order.graphql", query)]);
    snapbox::assert_data_eq!(
        text,
        str![[r#"
name: graphql
graphql:
  url: https://shop.example/graphql
  query: "query Q($id: Int) { order(id: $id) { id } }"
  variables:
    id: 5
expect:
  json:
    $.data.id: [5, "5"]

"#]]
    );
    snapbox::assert_data_eq!(
        remarks,
        str![[r#"
test.yaml:8:7: note: `graphql_errors: 0` is implied: Tracetest accepts a response with errors
test.yaml:8:7: note: the certificate is verified, unlike in Tracetest: add `tls: { ca: … }` or `tls: { verify: false }` if it is self-signed

"#]]
    );
}

#[test]
fn a_trigger_without_a_response_requires_a_span() {
    let (text, remarks) = import(
        r#"
type: Test
spec:
  name: given
  trigger: { type: traceid, traceid: { id: "${env:TRACE}" } }
  specs: [{ selector: 'span[name="Tracetest trigger"]', assertions: ['attr:tracetest.response.status = 0'] }]
---
type: Test
spec:
  name: browser
  trigger: { type: cypress }
"#,
    );
    snapbox::assert_data_eq!(
        text,
        str![[r#"
# given.yaml
name: given
trace_id: ${TRACE}
expect:
  span_count: 1..
# browser.yaml
name: browser
run: npx cypress run
expect:
  span_count: 1..

"#]]
    );
    snapbox::assert_data_eq!(
        remarks,
        str![[r#"
test.yaml:4:3: note: the test has no assertions that are imported: the spec requires only that the trigger succeeds (also line 10)
test.yaml:6:70: lost: the assertion has no equivalent: the response of a trigger that has none
test.yaml:11:12: note: the file has no command for cypress: adapt `run: npx cypress run`, and send TRACEPARENT of its environment with the requests

"#]]
    );
}

#[test]
fn a_message_to_kafka_is_published() {
    let (text, remarks) = import(
        r#"
type: Test
spec:
  name: kafka
  trigger:
    type: kafka
    kafka:
      brokerUrls: ["kafka-1:9092", "kafka-2:9092"]
      topic: orders
      messageKey: k
      messageValue: '{"id": 1}'
      headers: [{ key: h, value: v }, { key: h, value: w }, { key: traceparent, value: x }]
      authentication: { type: plain, plain: { username: alice, password: t0psecret } }
  specs: [{ selector: 'span[name="orders process"]', assertions: ['attr:tracetest.selected_spans.count > 0'] }]
"#,
    );
    snapbox::assert_data_eq!(
        text,
        str![[r#"
name: kafka
publish:
  kafka: kafka-1:9092,kafka-2:9092
  topic: orders
  key: k
  json: { id: 1 }
  headers:
    h: v
  user: alice
  password: ${KAFKA_PASSWORD}
expect:
  spans: [orders process]

"#]]
    );
    snapbox::assert_data_eq!(
        remarks,
        str![[r#"
test.yaml:8:7: lost: the header `h` is left out: it occurs twice
test.yaml:12:61: note: `traceparent` is left out: spanspec sets it
test.yaml:13:74: note: the credential is not copied: set the variable KAFKA_PASSWORD, and list it in `secrets`

"#]]
    );
}

#[test]
fn credentials_are_not_copied() {
    let (text, remarks) = import(
        r#"
type: Test
spec:
  name: t
  trigger:
    type: http
    httpRequest:
      url: https://a.example/x
      method: PURGE
      auth: { type: bearer, bearer: { token: t0psecret } }
---
type: Test
spec:
  name: u
  trigger:
    type: http
    httpRequest:
      url: localhost:8080/x
      method: GET
      authentication: { type: apiKey, apiKey: { key: k, value: "${env:KEY}", in: query } }
"#,
    );
    assert!(!text.contains("t0psecret"));
    snapbox::assert_data_eq!(
        text,
        str![[r#"
# t.yaml
name: t
request:
  method: PURGE
  url: https://a.example/x
  headers:
    Authorization: ${TOKEN}
expect:
  status: < 400
# u.yaml
name: u
request:
  get: http://localhost:8080/x
  query:
    k: ${KEY}
expect:
  status: < 400

"#]]
    );
    snapbox::assert_data_eq!(
        remarks,
        str![[r#"
test.yaml:4:3: note: the test has no assertions that are imported: the spec requires only that the trigger succeeds (also line 14)
test.yaml:8:7: note: the certificate is verified, unlike in Tracetest: add `tls: { ca: … }` or `tls: { verify: false }` if it is self-signed
test.yaml:10:13: note: the token is sent without `Bearer` before it, as Tracetest does: add it if the service expects it
test.yaml:10:46: note: the credential is not copied: set the variable TOKEN, and list it in `secrets`

"#]]
    );
}

#[test]
fn functions_in_texts_are_kept_or_constants() {
    let (text, remarks) = import(
        r#"
type: Test
spec:
  name: t
  trigger:
    type: http
    httpRequest:
      url: http://a/${randomInt(1, 5)}
      method: POST
      body: '${firstName()} ${email()} ${date("YYYY")} ${env:A | length} ${B} $${var:C} ${'
"#,
    );
    snapbox::assert_data_eq!(
        text,
        str![[r#"
name: t
request:
  post: http://a/${random(1,5)}
  body: Ada ada@example.com ${now()}  B ${dollar:-$}${C} $${
expect:
  status: < 400

"#]]
    );
    snapbox::assert_data_eq!(
        remarks,
        str![[r#"
test.yaml:4:3: note: the test has no assertions that are imported: the spec requires only that the trigger succeeds
test.yaml:10:13: lost: an expression in the trigger has no equivalent, and is left out: set a variable instead
test.yaml:10:13: note: `date()` is the time in RFC 3339 and UTC
test.yaml:10:13: note: `email()` is the constant ada@example.com: Tracetest generates a random one
test.yaml:10:13: note: `firstName()` is the constant Ada: Tracetest generates a random one

"#]]
    );
}

#[test]
fn a_url_that_no_spec_can_have_is_named() {
    let text = "type: Test\nspec:\n  name: t\n  trigger: { type: http, httpRequest: { url: htti://a/b, method: GET } }\n";
    let import = super::import_of(&[("test.yaml", text)], &[]);
    assert_eq!(import.files.len(), 1);
    snapbox::assert_data_eq!(
        import.remarks.to_string(),
        str![[r#"
test.yaml:3:3: lost: a spec is not valid, and must be corrected: t.yaml:2:10: `htti://a/b` is not an http or https URL (did you mean `http`?)
test.yaml:3:3: note: the test has no assertions that are imported: the spec requires only that the trigger succeeds

"#]]
    );
}

#[test]
fn a_variable_may_be_a_duration_but_no_url_of_another_scheme() {
    let test = |url: &str| {
        let text = format!(
            "type: Test\nspec:\n  name: t\n  trigger: {{ type: http, httpRequest: {{ url: \"{url}\", method: GET }} }}\n  specs:\n  - selector: span[name=\"x\"]\n    assertions: [\"attr:tracetest.span.duration < var:MAX\"]\n"
        );
        super::import_of(&[("test.yaml", &text)], &[])
            .remarks
            .to_string()
    };
    assert!(!test("http://a/${var:PATH}").contains("must be corrected"));
    assert!(test("htti://a/${var:PATH}").contains("must be corrected"));
}
