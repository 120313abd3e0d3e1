//! The README's first command: the example shop is built, started and checked against `specs/`.

use std::path::Path;
use std::process::Command;

#[test]
fn the_specs_of_this_repository_pass_against_the_example_shop() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.json");
    let output = Command::new(env!("CARGO_BIN_EXE_spanspec"))
        .args(["run", "specs", "--update-baselines", "never", "--report"])
        .arg(format!("json={}", report.display()))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let report = std::fs::read_to_string(report).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    let specs = report["specs"].as_array().unwrap();
    assert!(specs.len() >= 15, "{said}");
}

/// The blocks of a page that are run, one after the other.
fn scripts(page: &str) -> String {
    let mut script = String::new();
    let mut is_open = false;
    for line in page.lines() {
        match (is_open, line.strip_prefix("```")) {
            (false, info) => is_open = info == Some("sh api"),
            (true, Some(_)) => is_open = false,
            (true, None) => script.extend([line, "\n"]),
        }
    }
    script
}

#[test]
fn the_examples_of_the_http_api_do_what_the_page_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/api.md")).unwrap();
    // Without jq, whole answers are compared.
    let script = format!(
        "command -v jq >/dev/null || jq() {{ cat; }}\n{}",
        scripts(&page)
    );
    let output = Command::new(env!("CARGO_BIN_EXE_spanspec"))
        .args(["exec", "--", "sh", "-euc", &script])
        .current_dir(root)
        .output()
        .unwrap();
    let out = String::from_utf8_lossy(&output.stdout);
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{out}{err}");
    for said in [
        "\"resourceSpans\"",
        "\"card\"",
        "\npassed\n",
        "\nok\n",
        "openapi: ",
    ] {
        assert!(out.contains(said), "`{said}` is missing in:\n{out}{err}");
    }
}

#[test]
fn a_draft_recorded_of_the_shop_passes_against_it() {
    let folder = tempfile::tempdir().unwrap();
    let draft = folder.path().join("draft.yaml");
    let spanspec = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_spanspec"))
            .args(arguments)
            .arg(&draft)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
    };
    let body = r#"{"sku": "A1", "quantity": 2}"#;
    spanspec(&["record", "POST", "${BASE_URL}/orders", body, "--out"]);
    let text = std::fs::read_to_string(&draft).unwrap();
    for expected in [
        "    - find: process_payment\n      service: payment\n      below: POST /payments\n      count: 1\n",
        "        payment.method: card\n",
        "      # left out, because they vary: order.id, payment.id\n",
        "  services: [api-gateway, inventory, order, payment, shipping]\n",
        "    - { find: { service: order, severity: info, body: order placed } }\n",
    ] {
        assert!(text.contains(expected), "{text}");
    }
    assert!(
        !text.contains("ord-") && !text.contains("127.0.0.1"),
        "{text}"
    );
    spanspec(&["run"]);
}
