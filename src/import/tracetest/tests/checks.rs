//! Selectors and assertions.

use snapbox::{IntoData, str};

use super::expect;

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
fn a_maximum_of_spans_does_not_replace_a_minimum() {
    let (least, most) = (
        "attr:tracetest.selected_spans.count >= 1",
        "attr:tracetest.selected_spans.count <= 3",
    );
    for assertions in [[least, most], [most, least]] {
        assert_eq!(
            expect(r#"span[name = "ship"]"#, &assertions),
            "  spans:\n    - find: ship\n      count: <= 3\n    - ship\n"
        );
    }
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
                "\"${attr:t | json_path '$.u'}\" = 4",
                "\"${attr:t + 1}\" = 3",
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
        t:
          json:
            $.u: [4, "4"]
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
test.yaml:25:7: lost: the assertion has no equivalent: arithmetic with attributes (also line 38)
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
