use snapbox::{assert_data_eq, file};

use crate::import::Import;
use crate::import::loads::loads;
use crate::spec::Source;

/// Paths and texts of the files, and the remarks.
#[track_caller]
fn import(text: &str) -> (String, String) {
    let mut import = Import::default();
    super::import(&Source::new("shop.json", text), "", &mut import);
    let Import { files, remarks } = import;
    let mut all = String::new();
    for file in files {
        if file.path.ends_with(".yaml") {
            loads(&file.text);
        }
        all.push_str(&format!("== {}\n{}", file.path, file.text));
    }
    (all, remarks.to_string())
}

const SHOP: &str = include_str!("../../../tests/fixtures/import/shop.postman.json");

#[test]
fn a_folder_whose_requests_share_a_variable_becomes_steps() {
    let (text, remarks) = import(SHOP);
    assert_data_eq!(
        format!(
            "{text}== report
{remarks}"
        ),
        file!["../../../tests/fixtures/import/shop.postman.txt"].raw()
    );
}

#[test]
fn an_environment_becomes_a_file_of_variables_without_its_secrets() {
    let (text, remarks) = import(
        r#"{ "name": "Local", "values": [
  { "key": "baseUrl", "value": "http://127.0.0.1:8080", "enabled": true },
  { "key": "password", "value": "hunter2", "type": "secret" },
  { "key": "old", "value": "x", "enabled": false }
] }"#,
    );
    assert_eq!(
        text,
        "== local.vars.json\n{\n  \"baseUrl\": \"http://127.0.0.1:8080\"\n}\n"
    );
    assert!(
        remarks.contains("shop.json:3:3: note: the value of `password` is not written"),
        "{remarks}"
    );
}

#[test]
fn another_format_is_an_error() {
    let (text, remarks) = import("{ \"openapi\": \"3.1.0\" }");
    assert_eq!(text, "");
    assert!(
        remarks.starts_with("shop.json:1:1: lost: neither a collection of Postman"),
        "{remarks}"
    );
    assert!(import("{ \"item\": [").1.contains("shop.json:"));
}

/// The spec and the remarks of a request with a script.
fn script(lines: &[&str]) -> (String, String) {
    let lines: Vec<String> = lines
        .iter()
        .map(|line| serde_json::Value::from(*line).to_string())
        .collect();
    import(&format!(
        r#"{{ "info": {{ "name": "a" }}, "item": [{{ "name": "r", "request": "http://a/",
  "event": [{{ "listen": "test", "script": {{ "exec": [{}] }} }}] }}] }}"#,
        lines.join(",\n")
    ))
}

#[test]
fn assertions_keep_their_meaning() {
    let (text, remarks) = script(&[
        "const body = pm.response.json();",
        "pm.expect(body.list).to.deep.include({ \"id\": 1, \"in\": { \"a\": 2 } });",
        "pm.expect(body).to.have.nested.property('a.b[0]', 'x');",
        "pm.expect(body.name).to.not.eql('empty');",
        "pm.expect(body.gone).to.not.exist;",
        "pm.expect(body).to.have.property('none');",
        "pm.expect(body.none).to.not.exist;",
        "pm.response.to.have.body('${x}');",
        "pm.expect(body.user).to.have.all.keys('id', 'name');",
    ]);
    assert_eq!(remarks, "");
    for line in [
        "- { contains: { id: 1, in: { a: 2 } } }",
        "- { json: { $.id: 1, $.in: { equals: { a: 2 } } } }",
        "\"$.a.b[0]\": x",
        "$.name: { not: \"empty\" }",
        "$.gone: [absent, null]",
        "$.none: exists",
        "\"$['none']\": [absent, null]",
        "body: { equals: \"$${x}\" }",
        "$.user: { type: map, length: 2 }",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[test]
fn what_a_script_does_otherwise_is_lost() {
    for line in [
        "body.list.forEach(x => pm.expect(x.id).to.exist)",
        "const check = () => { pm.expect(1).to.eql(2) }",
        "pm.expect(body.a, 'note').to.be.closeTo(1, 2)",
        "pm.response.to.have.jsonSchema(schema)",
        "pm.response.to.have.status(200).and.have.header('x')",
        "pm.response.to.be.ok.and.be.json",
        "pm.environment.set('at', Date.now())",
        "for (const x of body) { pm.expect(x).to.exist; }",
        "tests['a'] = body.a > 1 && body.b",
    ] {
        let (_, remarks) = script(&["const body = pm.response.json();", line]);
        assert!(remarks.contains("lost: `"), "{line}: {remarks}");
    }
}

#[test]
fn secrets_that_scripts_and_variables_contain_are_not_written() {
    let (text, remarks) = script(&["pm.environment.set('password', 'hunter22');"]);
    assert!(
        !text.contains("hunter22") && remarks.contains("note: the value of `password`"),
        "{text}{remarks}"
    );
}
