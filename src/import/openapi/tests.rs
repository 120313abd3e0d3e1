use snapbox::{assert_data_eq, file};

use crate::import::Import;
use crate::import::loads::loads;
use crate::spec::Source;

/// Paths and texts of the files, and the remarks.
#[track_caller]
fn import(text: &str) -> (String, String) {
    let mut import = Import::default();
    super::import(&Source::new("shop.yaml", text), &mut import);
    let Import { files, remarks } = import;
    let mut all = String::new();
    for file in files {
        loads(&file.text);
        all.push_str(&format!("== {}\n{}", file.path, file.text));
    }
    (all, remarks.to_string())
}

const SHOP: &str = include_str!("../../../tests/fixtures/import/shop.openapi.yaml");

#[test]
fn each_operation_becomes_a_contract_spec() {
    let (text, remarks) = import(SHOP);
    assert_data_eq!(
        format!(
            "{text}== report
{remarks}"
        ),
        file!["../../../tests/fixtures/import/shop.openapi.txt"].raw()
    );
}

#[test]
fn json_is_read_too() {
    let (text, remarks) = import(
        "{\n\t\"openapi\": \"3.0.3\",\n\t\"paths\": { \"/health\": { \"get\": { \"responses\": { \"204\": { \"description\": \"ok\" } } } } }\n}",
    );
    assert!(text.contains("== get-health.yaml"), "{text}");
    assert!(text.contains("status: 204"), "{text}");
    assert_eq!(
        remarks,
        "shop.yaml:1:1: note: no server with an address: set BASE_URL, which is http://127.0.0.1:8080 by default\n"
    );
}

#[test]
fn another_format_is_an_error() {
    assert!(
        import("a: 1")
            .1
            .starts_with("shop.yaml:1:1: lost: not an OpenAPI description")
    );
    assert!(
        import("swagger: \"2.0\"")
            .1
            .contains("OpenAPI 2.0 is not supported")
    );
    assert!(
        import("openapi: 3.0.0\npaths: {}")
            .1
            .contains("no operation")
    );
}

fn description(schema: &str, schemas: &str) -> String {
    format!(
        "openapi: 3.1.0
servers: [{{ url: http://127.0.0.1:1 }}]
paths:
  /a:
    get:
      responses:
        \"200\":
          description: ok
          content: {{ application/json: {{ schema: {schema} }} }}
components:
  schemas:
{schemas}"
    )
}

#[test]
fn schemas_that_contain_themselves_end() {
    let (text, remarks) = import(&description(
        "{ $ref: '#/components/schemas/A' }",
        "    A: { $ref: '#/components/schemas/B' }\n    B: { $ref: '#/components/schemas/A' }\n",
    ));
    assert!(text.contains("$: exists"), "{text}");
    assert!(
        remarks.contains("lost: this reference leads to itself"),
        "{remarks}"
    );
    let (_, remarks) = import(&description(
        "{ $ref: '#/components/schemas/A' }",
        "    A: { allOf: [{ $ref: '#/components/schemas/A' }, { $ref: '#/components/schemas/A' }] }\n",
    ));
    assert!(
        remarks.contains("lost: this schema contains itself"),
        "{remarks}"
    );
    let (text, _) = import(&description(
        "{ $ref: '#/components/schemas/A' }",
        "    A: { type: object, properties: { next: { $ref: '#/components/schemas/A' }, all: { type: array, items: { $ref: '#/components/schemas/A' } } } }\n",
    ));
    assert!(text.contains("$.next: [absent, { type: map }]"), "{text}");
}

#[test]
fn rules_of_schemas_become_matchers_or_are_reported() {
    let (text, remarks) = import(&description(
        "{ $ref: '#/components/schemas/A' }",
        "    A:
      type: object
      required: [low, many, any, all, when]
      properties:
        low: { type: integer, exclusiveMinimum: 3, maximum: 9 }
        many: { type: array, minItems: 1, maxItems: 3, uniqueItems: true, items: { type: string, minLength: 2 } }
        few: { type: array, items: { type: object, required: [id], properties: { id: { const: 7 }, x: { type: number, multipleOf: 2 } } } }
        any: { anyOf: [{ type: string }, { type: integer }] }
        all: { allOf: [{ type: string, pattern: '^a' }, { minLength: 2, type: string }] }
        when: { type: string, format: date-time, pattern: '(?=x)' }
      additionalProperties: false
",
    ));
    for line in [
        "$.low: { type: int, gt: 3, lte: 9 }",
        "$.many: { all: { type: string, length: 2.. }, type: array, length: 1..3 }",
        "- { type: array, length: 0 }",
        "- { all: { type: map, json: { $.id: 7, $.x: [absent, { type: number }] } } }",
        "$.any: [{ type: string }, { type: int }]",
        "$.all: { not: [{ not: =~ ^a }, { not: { type: string, length: 2.. } }] }",
        "$.when: { type: string }",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    for key in [
        "uniqueItems",
        "multipleOf",
        "pattern",
        "additionalProperties",
    ] {
        assert!(
            remarks.contains(&format!("lost: `{key}` of a schema")),
            "{remarks}"
        );
    }
}

#[test]
fn rules_of_combined_schemas_are_kept_or_reported() {
    let (text, remarks) = import(&description(
        "{ $ref: '#/components/schemas/A' }",
        "    A:
      allOf:
        - { type: object, properties: { id: { type: string }, more: { type: object, allOf: [{ required: [a] }] } } }
        - { required: [id, undescribed], minProperties: 2 }
        - { properties: { id: { minLength: 3, type: string } }, oneOf: [{ required: [b] }] }
      properties:
        size: { type: integer, minimum: 1, anyOf: [{ maximum: 5, type: integer }, { const: 9 }] }
        free: { minimum: 3 }
        code: { minLength: 2, allOf: [{ type: string }] }
        beside: { $ref: '#/components/schemas/B', maxLength: 4 }
    B: { type: string }
",
    ));
    for line in [
        "$.id: { type: string, length: 3.. }",
        "$.undescribed: exists",
        "$.more: [absent, { type: map, json: { $.a: exists } }]",
        "- { type: int, lte: 5, gte: 1 }",
        "$.code: [absent, { type: string, length: 2.. }]",
        "$.beside: [absent, { type: string }]",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    for key in ["minProperties", "oneOf", "minimum", "maxLength"] {
        assert!(
            remarks.contains(&format!("lost: `{key}` of a schema")),
            "{key}\n{remarks}"
        );
    }
}

#[test]
fn rules_of_a_text_that_is_not_json_are_reported() {
    let schema = "{ type: string, pattern: '^a' }";
    let text = description(schema, "    A: {}\n").replace("application/json", "text/plain");
    let (_, remarks) = import(&text);
    assert!(
        remarks.contains("lost: the schema of text/plain is not checked"),
        "{remarks}"
    );
}

#[test]
fn empty_files_and_several_documents_are_reported() {
    assert_eq!(import("").1, "shop.yaml:1:1: lost: the file is empty\n");
    let (text, remarks) =
        import("a: 1\n---\nopenapi: 3.0.0\npaths: { /a: { get: { responses: { 200: {} } } } }\n");
    assert!(
        text.contains("GET /a") && remarks.contains("not an OpenAPI"),
        "{text}{remarks}"
    );
}
