use snapbox::{IntoData, str};

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
fn numbers_and_booleans_match_as_numbers_and_as_texts() {
    snapbox::assert_data_eq!(
        expect(
            r#"span[http.status_code = 200 service.name = "shop"]"#,
            &[
                "attr:a = 5",
                "attr:b != 5",
                "attr:c = true",
                "attr:d = 'x'",
                "attr:e > 5",
                "attr:f = \"\"",
                "attr:g != ''",
                "attr:h = '007'"
            ],
        ),
        str![[r#"
  spans:
    - find: { attributes: { http.status_code: [200, "200"] }, service: shop }
      attributes:
        a: [5, "5"]
        b: { not: [5, "5"] }
        c: [true, "true"]
        d: x
        e: { number: "> 5" }
        f: ""
        g: { not: ["", null] }
        h: "007"
test.yaml:10:7: note: Tracetest does not accept `true` without quotes: read as it was probably meant
test.yaml:12:7: note: numbers are compared exactly; Tracetest rounds doubles to integers, and fails for numbers with a fraction in a text
test.yaml:13:7: note: Tracetest takes an empty attribute as a missing one, so that this assertion never holds there

"#]]
    );
}

#[test]
fn the_empty_set_never_meets_conditions_on_spans() {
    snapbox::assert_data_eq!(
        expect(
            r#"span[name = "ship"]"#,
            &[
                "attr:a = 'x'",
                "attr:tracetest.selected_spans.count <= 3",
                "attr:tracetest.selected_spans.count >= 1"
            ],
        ),
        str![[r#"
  spans:
    - find: ship
      attributes:
        a: x
    - find: ship
      count: <= 3

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
fn descendants_alternatives_and_pseudo_classes_are_kept() {
    let check = ["attr:a = 'x'"];
    let selectors = [
        r#"span[name="A"] span[name="B" kind="server"] span[tracetest.span.type="http"]"#,
        r#"span[name="A"], span[service.name="b" name contains "B"]"#,
        r#"span[name="A"]:first span[tracetest.span.type="database"]"#,
        r#"span[name="A"] span[tracetest.span.type="database" db.system="redis"]:nth_child(2)"#,
        r#"span[name="Tracetest trigger"] span[tracetest.span.type="general" name="C"]:last"#,
        r#"span[name contains "a" name contains "b" x="" k8s.pod.name="p"]"#,
        r#"span[tracetest.span.type="general"]"#,
        "",
    ];
    let all: Vec<String> = selectors
        .iter()
        .map(|selector| format!("## {selector}\n{}", expect(selector, &check)))
        .collect();
    snapbox::assert_data_eq!(
        all.concat(),
        str![[r###"
## span[name="A"] span[name="B" kind="server"] span[tracetest.span.type="http"]
  spans:
    - find: { type: http, below: { name: B, kind: server, below: A } }
      attributes:
        a: x
test.yaml:6:15: note: `type` goes by attributes that the conventions require, such as http.request.method; in Tracetest each attribute `http.…` makes a span `http`
## span[name="A"], span[service.name="b" name contains "B"]
  spans:
    - find: { any_of: [{ name: A }, { service: b, name: { contains: B } }] }
      attributes:
        a: x
## span[name="A"]:first span[tracetest.span.type="database"]
  spans:
    - find: { type: db, below: A, take: first }
      attributes:
        a: x
test.yaml:6:15: note: `take` goes by the start time; Tracetest's pseudo-classes go by the order of the tree
test.yaml:6:15: note: `type` goes by attributes that the conventions require, such as http.request.method; in Tracetest each attribute `http.…` makes a span `http`
test.yaml:6:15: note: the pseudo-class of the ancestor picks among the selected spans, as Tracetest does
## span[name="A"] span[tracetest.span.type="database" db.system="redis"]:nth_child(2)
  spans:
    - find: A
      count: 1
    - find: { attributes: { db.system: redis }, below: A, take: 2 }
      attributes:
        a: x
test.yaml:6:15: note: Tracetest picks one span below each ancestor: the spec requires that there is one such ancestor
test.yaml:6:15: note: `take` goes by the start time; Tracetest's pseudo-classes go by the order of the tree
## span[name="Tracetest trigger"] span[tracetest.span.type="general" name="C"]:last
  spans:
    - find: { name: C, take: last }
      attributes:
        a: x
test.yaml:6:15: note: `take` goes by the start time; Tracetest's pseudo-classes go by the order of the tree
test.yaml:6:15: note: `tracetest.span.type="general"` is left out: the other conditions select the span
## span[name contains "a" name contains "b" x="" k8s.pod.name="p"]
  spans:
    - find:
        name: { not: [{ not: { contains: a } }, { not: { contains: b } }] }
        attributes: { x: ["", absent] }
        resource: { k8s.pod.name: p }
      attributes:
        a: x
test.yaml:6:15: note: `k8s.pod.name` is read as an attribute of the resource
## span[tracetest.span.type="general"]
  spans:
    - find: { type: { not: [http, rpc, db, messaging, faas] } }
      attributes:
        a: x
test.yaml:6:15: note: the trigger's own span is not one of the selected spans
## 
  spans:
    - find: {}
      attributes:
        a: x
test.yaml:6:15: note: the trigger's own span is not one of the selected spans

"###]]
    );
}

#[test]
fn a_selector_without_an_equivalent_is_lost() {
    let check = ["attr:a = 'x'"];
    let selectors = [
        r#"span[tracetest.span.type="exception"]"#,
        r#"span[tracetest.span.duration="5"]"#,
        r#"span[name="A"]:first, span[name="B"]:last"#,
        r#"span[name="A"]:last span[name="B"]:first span[name="C"]:first"#,
        "span[name='A'",
    ];
    let all: Vec<String> = selectors
        .iter()
        .map(|selector| expect(selector, &check))
        .collect();
    snapbox::assert_data_eq!(
        all.concat(),
        str![[r#"
  status: < 400
test.yaml:3:3: note: the test has no assertions that are imported: the spec requires only that the trigger succeeds
test.yaml:6:15: lost: the selector has no equivalent: the type `exception`
  status: < 400
test.yaml:3:3: note: the test has no assertions that are imported: the spec requires only that the trigger succeeds
test.yaml:6:15: lost: the selector has no equivalent: `tracetest.span.duration` in a selector
  status: < 400
test.yaml:3:3: note: the test has no assertions that are imported: the spec requires only that the trigger succeeds
test.yaml:6:15: lost: the selector has no equivalent: a pseudo-class in one of several selectors: write an assertion for each
  status: < 400
test.yaml:3:3: note: the test has no assertions that are imported: the spec requires only that the trigger succeeds
test.yaml:6:15: lost: the selector has no equivalent: several pseudo-classes in one selector
  status: < 400
test.yaml:3:3: note: the test has no assertions that are imported: the spec requires only that the trigger succeeds
test.yaml:6:15: lost: the selector is not read: expected the name of an attribute, or `]` at the end

"#]]
    );
}

#[test]
fn filters_operators_and_functions_are_kept_or_lost() {
    snapbox::assert_data_eq!(
        expect(
            r#"span[name = "A"]"#,
            &[
                "attr:a | json_path '$.x.y-z' = 5",
                "attr:a | json_path '$.list[*].id' contains var:ID",
                "attr:a | json_path '$.list[*].id' | length = 3",
                "attr:a | json_path '.list[*].id' | get_index 1 = 'q'",
                "attr:a | json_path '$.items' != \"[]\"",
                "attr:b | length >= 3",
                "attr:c | regex '[0-9]+' | length > 0",
                "attr:d | regex_group 'id=([0-9]+)' = 17",
                "attr:e | type = \"number\"",
                "attr:f not-contains 'x'",
                "attr:g startsWith 'x'",
                "attr:h <= 2 + 3 * 2",
                "attr:i contains '{\"a\": {\"b\": [1, \"x\"]}, \"c d\": true}'",
                "attr:j = \"${var:USER}-1\"",
                "'z' = attr:k",
                "5 < attr:l",
                "attr:m = attr:n",
                "attr:o + 1 = 3",
                "attr:p = uuid()",
                "attr:tracetest.span.status_code != \"STATUS_CODE_ERROR\"",
                "attr:tracetest.span.duration = 200ms",
                "attr:tracetest.span.duration > 1.5s",
                "attr:tracetest.span.start_time > 0",
                "attr:span.events contains 'exception'",
                "attr:name != \"exists\"",
                "http.status_code == 200",
                "attr:q = “smart”",
                "attr:r = [1, 'b']",
                "attr:s",
            ],
        ),
        str![[r#"
  spans:
    - find: A
      attributes:
        a:
          json:
            "$.x['y-z']": [5, "5"]
            "$.list[*].id": { any: "${ID}", length: 3 }
            "$.list[1].id": q
            $.items: { not: { equals: [] } }
        b:
          length: ">= 3"
        c: =~ [0-9]+
        d: { contains: "17" }
        e: [{ gte: 0 }, "=~ ^[0-9]+(\\.[0-9]+)?$"]
        f: { not: { contains: x } }
        g: { starts_with: x }
        h: { number: <= 10 }
        i: { json: { $.a.b: { equals: [1, x] }, "$['c d']": true } }
        j: ${USER}-1
        k: z
        l: { number: "> 5" }
        http.status_code: [200, "200"]
        q: smart
        r: "[1, \"b\"]"
      status: { not: error }
      duration: 199500us..200500us
      events: [{ name: { contains: exception } }]
      name: { not: "exists" }
    - find: A
      duration: "> 1500ms"
test.yaml:9:7: note: `contains` is `any`: an element is equal; Tracetest searches in the text if there is only one
test.yaml:9:7: note: a variable must have the type of the value: write `${number(X)}` or `${text(X)}` if it differs; Tracetest compares texts (also line 21)
test.yaml:10:7: note: `length` counts characters; Tracetest counts bytes (also line 13)
test.yaml:15:7: lost: `regex` and `regex_group` are imported as `contains`: write one `=~` with the expected text in it
test.yaml:18:7: note: Tracetest does not accept the comparator `startsWith`: read as it was probably meant
test.yaml:19:7: note: numbers are compared exactly; Tracetest rounds doubles to integers, and fails for numbers with a fraction in a text (also line 23)
test.yaml:24:7: lost: the assertion has no equivalent: comparing two attributes: capture `n` in an earlier step, or compare with its value
test.yaml:25:7: lost: the assertion has no equivalent: arithmetic with attributes
test.yaml:26:7: lost: the assertion has no equivalent: comparing with `uuid()`, which is random
test.yaml:28:7: note: durations are compared exactly; Tracetest rounds them to whole ms, or tenths of a second (also line 29)
test.yaml:30:7: lost: the assertion has no equivalent: `tracetest.span.start_time`
test.yaml:31:7: note: the name of an event must contain the text; Tracetest also searches their attributes
test.yaml:33:7: note: Tracetest does not accept `http.status_code` without `attr:`: read as it was probably meant
test.yaml:33:7: note: Tracetest does not accept the comparator `==`: read as it was probably meant
test.yaml:34:7: note: Tracetest does not accept the typographic quote `“`: read as it was probably meant
test.yaml:36:7: lost: the assertion is not read: expected a comparator at the end

"#]].raw()
    );
}

#[test]
fn the_response_is_checked_in_one_place() {
    snapbox::assert_data_eq!(
        expect(
            r#"span[tracetest.span.type="general" name="Tracetest trigger"]"#,
            &[
                "attr:tracetest.selected_spans.count = 1",
                "attr:tracetest.response.status >= 200",
                "attr:tracetest.response.status < 300",
                "attr:tracetest.response.body contains 'ok'",
                "attr:tracetest.response.body contains '{\"a\": 1}'",
                "attr:tracetest.response.body | json_path '$.items[*].id' contains 'x'",
                "attr:tracetest.response.headers | json_path '$[?(@.key == \"Content-Type\")].value' contains 'json'",
                "attr:tracetest.response.headers contains 'x'",
                "attr:tracetest.span.duration <= 500ms",
                "attr:name = \"Tracetest trigger\"",
                "attr:foo = 1",
                "attr:tracetest.selected_spans.count = 2",
            ],
        ),
        str![[r#"
  status: { gte: 200, lt: 300 }
  headers:
    content-type: { contains: json }
  json:
    $.a: 1
    "$.items[*].id": { any: x }
  body: { contains: ok }
  response_time: <= 500ms
test.yaml:13:7: note: `contains` is `any`: an element is equal; Tracetest searches in the text if there is only one
test.yaml:15:7: lost: the assertion has no equivalent: the text of all headers: compare one header
test.yaml:16:7: note: durations are compared exactly; Tracetest rounds them to whole ms, or tenths of a second
test.yaml:18:7: lost: the trigger's own span has no equivalent: its attributes are not those of the system
test.yaml:19:7: lost: the trigger has exactly one span in Tracetest, so that this assertion never holds

"#]]
    );
}

#[test]
fn all_spans_are_counted_without_the_one_of_the_trigger() {
    snapbox::assert_data_eq!(
        expect(
            "span[]",
            &[
                "attr:tracetest.selected_spans.count = 4",
                "attr:tracetest.span.duration < 2s"
            ]
        ),
        str![[r#"
  spans:
    - find: {}
      duration: < 2s
      count: 3
test.yaml:6:15: note: the trigger's own span is not one of the selected spans
test.yaml:9:7: note: durations are compared exactly; Tracetest rounds them to whole ms, or tenths of a second

"#]]
    );
}

#[test]
fn grpc_graphql_and_trace_ids_are_triggers_and_kafka_is_lost() {
    let proto = "syntax = \"proto3\";\npackage shop;\nimport \"money.proto\";\nmessage Reply { string transaction_id = 1; }\nservice Payment { rpc Charge(.Charge) returns (Reply); }\n";
    let (text, remarks) = imported(
        &[(
            "a/test.yaml",
            r#"
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
---
type: Test
spec:
  name: grpc without its proto
  trigger: { type: grpc, grpc: { protobufFile: ./gone.proto, address: "localhost:80", method: shop.Payment/Charge } }
  specs: [{ selector: 'span[name="x"]', assertions: ['attr:tracetest.selected_spans.count = 0'] }]
---
type: Test
spec:
  name: graphql
  trigger:
    type: graphql
    graphql:
      url: https://shop.example/graphql
      body: { query: ./order.graphql, variables: { id: 5 }, operationName: "" }
  specs: [{ selector: 'span[name="Tracetest trigger"]', assertions: ["attr:tracetest.response.body | json_path '$.data.id' = 5"] }]
---
type: Test
spec:
  name: kafka
  trigger:
    type: kafka
    kafka: { brokerUrls: ["kafka:9092"], topic: orders }
  specs: [{ selector: 'span[name="orders process"]', assertions: ['attr:tracetest.selected_spans.count > 0'] }]
---
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
        )],
        &[
            ("../pb/shop.proto", proto),
            (
                "protos/money.proto",
                "syntax = \"proto3\";\nmessage Charge { int64 amount = 1; string note = 2; }\n",
            ),
            (
                "./order.graphql",
                "query Q($id: Int) { order(id: $id) { id } }",
            ),
        ],
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
# grpc-without-its-proto.yaml
name: grpc without its proto
grpc: localhost:80/shop.Payment/Charge
expect:
  spans:
    - find: x
      count: 0
# graphql.yaml
name: graphql
graphql:
  url: https://shop.example/graphql
  query: "query Q($id: Int) { order(id: $id) { id } }"
  variables:
    id: 5
expect:
  json:
    $.data.id: [5, "5"]
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

"##]]
    );
    snapbox::assert_data_eq!(
        remarks,
        str![[r#"
a/test.yaml:8:21: lost: shop.proto imports money.proto, which is not copied: put it into the folder protos
a/test.yaml:22:48: lost: the proto file ./gone.proto is not read (there is no ./gone.proto): the call needs the server's reflection service
a/test.yaml:31:7: note: `graphql_errors: 0` is implied: Tracetest accepts a response with errors
a/test.yaml:31:7: note: the certificate is verified, unlike in Tracetest: add `tls: { ca: … }` or `tls: { verify: false }` if it is self-signed
a/test.yaml:39:5: lost: the trigger has no equivalent: its type is kafka
a/test.yaml:45:3: note: the test has no assertions that are imported: the spec requires only that the trigger succeeds (also line 51)
a/test.yaml:47:70: lost: the assertion has no equivalent: the response of a trigger that has none
a/test.yaml:52:12: note: the file has no command for cypress: adapt `run: npx cypress run`, and send TRACEPARENT of its environment with the requests

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
fn suites_are_specs_with_steps_and_outputs_are_captures() {
    let place = r#"
type: Test
spec:
  id: place
  name: place
  trigger: { type: http, httpRequest: { url: http://a/orders, method: POST } }
  outputs:
  - { name: ORDER_ID, selector: 'span[name="Tracetest trigger"]', value: "attr:tracetest.response.body | json_path '$.id'" }
  - { name: PAYMENT, selector: 'span[name="pay"]', value: "attr:payment.id" }
  - { name: WORD, selector: 'span[name="pay"]', value: "attr:payment.id | regex '[a-z]+'" }
"#;
    let look = r#"
type: Test
spec:
  name: look
  trigger: { type: http, httpRequest: { url: "http://a/orders/${var:ORDER_ID}", method: POST, headers: [{ key: content-type, value: application/json }], body: '{"id": "${var:ORDER_ID}"}' } }
  specs: [{ name: found, selector: 'span[name="load"]', assertions: ['attr:order.id = var:ORDER_ID'] }]
"#;
    let suite = r#"
type: TestSuite
spec:
  id: all
  name: Orders
  steps: [place, ./look.yaml, ./gone.yaml, unknown, all]
"#;
    let (text, remarks) = imported(
        &[("a/place.yaml", place), ("a/all.yaml", suite)],
        &[("./look.yaml", look)],
    );
    snapbox::assert_data_eq!(
        text,
        str![[r#"
name: Orders
steps:
  - name: place
    request: POST http://a/orders
    capture:
      ORDER_ID: $.id
      PAYMENT: { find: { name: pay, take: first }, attribute: payment.id }
    expect:
      status: < 400
  - name: look
    request:
      post: http://a/orders/${text(ORDER_ID)}
      json: { id: "${text(ORDER_ID)}" }
    expect:
      spans:
        # found
        - find: load
          attributes:
            order.id: ${ORDER_ID}

"#]]
    );
    snapbox::assert_data_eq!(
        remarks,
        str![[r#"
a/all.yaml:4:3: lost: the suite Orders contains itself: its steps are left out here
a/all.yaml:4:3: note: the steps end with the first that fails; Tracetest goes on to the next test
a/all.yaml:6:31: lost: the step ./gone.yaml is not among the files: import them together
a/all.yaml:6:44: lost: the step unknown is not among the files: import them together
a/look.yaml:6:70: note: a variable must have the type of the value: write `${number(X)}` or `${text(X)}` if it differs; Tracetest compares texts
a/place.yaml:4:3: note: the test has no assertions that are imported: the spec requires only that the trigger succeeds
a/place.yaml:9:59: note: an output is the first of the selected spans: `take: first`
a/place.yaml:10:56: lost: the output WORD has no equivalent: `regex` of an attribute

"#]]
    );
}

#[test]
fn suites_that_contain_each_other_are_both_written() {
    let suite = |id: &str, other: &str| {
        format!("type: TestSuite\nspec: {{ id: {id}, name: {id}, steps: [t, {other}] }}\n---\n")
    };
    let test =
        "type: Test\nspec: { id: t, trigger: { type: http, httpRequest: { url: http://a } } }\n";
    let import = import_of(
        &[(
            "a.yaml",
            &format!("{}{}{test}", suite("one", "two"), suite("two", "one")),
        )],
        &[],
    );
    let paths: Vec<&str> = import.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["one.yaml", "two.yaml"]);
    assert_eq!(import.remarks.count(Level::Lost), 2, "{}", import.remarks);
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
