use snapbox::{assert_data_eq, file};

use crate::import::Import;
use crate::import::loads::loads;
use crate::spec::Source;

/// The text of the spec, and the remarks.
#[track_caller]
fn import(text: &str) -> (String, String) {
    let mut import = Import::default();
    super::import(&Source::new("orders.hurl", text), "", &mut import);
    let Import { files, remarks } = import;
    let text = files.into_iter().map(|file| file.text).collect::<String>();
    if !text.is_empty() {
        loads(&text);
    }
    (text, remarks.to_string())
}

const ORDERS: &str = include_str!("../../../tests/fixtures/import/orders.hurl");

#[test]
fn entries_become_steps_with_captures_and_assertions() {
    let (text, remarks) = import(ORDERS);
    assert_data_eq!(
        format!(
            "{text}== report
{remarks}"
        ),
        file!["../../../tests/fixtures/import/orders.hurl.txt"].raw()
    );
}

#[test]
fn bodies_of_all_kinds_are_kept_or_reported() {
    let (text, remarks) = import(
        "POST http://a/form
[Form]
name: a b
[Cookies]
theme: light
HTTP 200
[1, {\"a\": null}]

POST http://a/text
```
one
two
```
HTTP 200
`Hello {{name}}!`
POST http://a/graphql
```graphql
query Q($id: ID!) {
  order(id: $id) { id }
}
variables { \"id\": \"{{id}}\" }
```
POST http://a/upload
[Multipart]
note: fragile
label: file,README.md; image/png
HTTP 200
file,expected.bin;
PUT http://a/raw
hex,00ff;
",
    );
    assert!(text.contains("form:\n        name: a b\n"), "{text}");
    assert!(text.contains("$: { equals: [1, { a: null }] }"), "{text}");
    assert!(
        text.contains("body: |\n        one\n        two\n"),
        "{text}"
    );
    assert!(text.contains("equals: \"Hello ${name}!\""), "{text}");
    assert!(
        text.contains("variables: { id: \"${text(id)}\" }"),
        "{text}"
    );
    assert!(
        text.contains("{ name: label, file: README.md, content_type: image/png }"),
        "{text}"
    );
    assert_eq!(
        remarks,
        "orders.hurl:7:1: note: the body is compared as JSON, not as text
orders.hurl:28:1: lost: the bytes of a body cannot be checked
orders.hurl:30:1: lost: bytes cannot be sent from a spec: save them to a file, and set `body_file`
"
    );
}

#[test]
fn assertions_without_a_response_are_lost() {
    let (_, remarks) = import("GET http://a/\n[Asserts]\nstatus == 200\n");
    assert_eq!(
        remarks,
        "orders.hurl:3:1: lost: the section [Asserts] has no line such as `HTTP 200` above\n"
    );
}

#[test]
fn another_format_is_an_error_with_its_line() {
    let (text, remarks) = import("\n{ \"info\": {} }\n");
    assert_eq!(text, "");
    assert_eq!(
        remarks,
        "orders.hurl:2:1: lost: `{ \"info\": {} }` is not a request of a hurl file: expected a method and a URL, such as `GET http://127.0.0.1:8080/health`\n"
    );
    assert_eq!(
        import("").1,
        "orders.hurl:1:1: lost: this file has no request\n"
    );
}
