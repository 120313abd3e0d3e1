//! The README's first command: the example shop is built, started, and held against `specs/`.

use std::process::Command;

#[test]
fn the_specs_of_this_repository_pass_against_the_example_shop() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.json");
    let output = Command::new(env!("CARGO_BIN_EXE_spanspec"))
        .args(["run", "specs", "--report"])
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
