//! Suites and outputs.

use snapbox::str;

use super::{import_of, imported};
use crate::import::Level;

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
