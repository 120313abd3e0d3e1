//! `spec_test!`: spec files as ordinary tests. Those that are ignored are run by the others, in a
//! process whose end can be looked at.

#[path = "harness/service.rs"]
mod service;
mod support;

use std::path::Path;
use std::process::{Command, Output};

spanspec::spec_test! {
    #[ignore = "run by another test"]
    card => "tests/fixtures/payments/card.yaml",
    #[ignore = "run by another test"]
    paypal => "tests/fixtures/payments/paypal.yaml",
    #[ignore = "run by another test"]
    refund => "tests/fixtures/payments/refund.yaml",
    #[ignore = "run by another test"]
    missing => "tests/fixtures/payments/misspelt.yaml",
}

/// The service of the project: this program again.
#[test]
#[ignore = "run by another test"]
fn serving() {
    if let Ok(port) = std::env::var(service::PORT) {
        service::serve(port.parse().unwrap());
    }
}

/// A project in a folder of its own, which the environment of the tests names.
fn project(folder: &Path) -> String {
    let program = std::env::current_exe().unwrap();
    let text = format!(
        "\
vars: {{ URL: \"http://127.0.0.1:${{services.api.http}}\" }}
services:
  api:
    run: ['{}', --ignored, --exact, serving]
    ports: {{ http: auto }}
    env: {{ {}: \"${{services.api.http}}\", {}: '{}' }}
    ready: \"http://127.0.0.1:${{services.api.http}}/health\"
",
        program.display(),
        service::PORT,
        service::PID_FILE,
        folder.join("pids").display(),
    );
    let file = folder.join("spanspec.yaml");
    std::fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

fn run(config: &str, tests: &[&str]) -> (Output, String) {
    run_with(config, tests, &[])
}

fn run_with(config: &str, tests: &[&str], env: &[(&str, &str)]) -> (Output, String) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact"])
        .args(tests)
        .env("SPANSPEC_CONFIG", config)
        .envs(env.iter().copied())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (output, text)
}

#[cfg(unix)]
#[tokio::test]
async fn tests_of_a_process_share_services_which_end_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let config = project(folder.path());
    let (output, text) = run(&config, &["card", "paypal", "refund"]);
    assert_eq!(output.status.code(), Some(101), "{text}");
    for said in [
        "test paypal",
        "2 passed; 1 failed",
        "panicked at tests/spec_test.rs:",
        "FAIL  paypal is no card\n      tests/fixtures/payments/paypal.yaml   trace ",
        "^^^^ found \"paypal\"",
    ] {
        assert!(text.contains(said), "`{said}` is missing in:\n{text}");
    }
    let pids = std::fs::read_to_string(folder.path().join("pids")).unwrap();
    let pids: Vec<&str> = pids.lines().collect();
    assert_eq!(pids.len(), 1, "{text}");
    support::eventually("the service ends", || {
        (!support::runs(pids[0])).then_some(())
    })
    .await;
}

#[test]
fn a_file_that_is_not_there_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let config = project(folder.path());
    let (_, text) = run(&config, &["missing"]);
    let said = "no file, folder or match for `tests/fixtures/payments/misspelt.yaml`";
    assert!(text.contains(said), "{text}");
}

#[test]
fn a_skipped_spec_is_printed_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let config = project(folder.path());
    let (output, text) = run(&config, &["refund"]);
    assert!(output.status.success(), "{text}");
    let err = String::from_utf8(output.stderr).unwrap();
    let reason = "tests/fixtures/payments/refund.yaml: skipped: waits for the new API\n";
    assert_eq!(err, reason);
}

#[test]
fn a_tag_skips_files_and_fails_if_it_selects_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let config = project(folder.path());
    let (output, text) = run_with(&config, &["card"], &[("SPANSPEC_TAG", "api")]);
    assert!(output.status.success(), "{text}");
    let err = String::from_utf8(output.stderr).unwrap();
    let reason = "tests/fixtures/payments/card.yaml: skipped: SPANSPEC_TAG=api selects no spec of this file\n";
    assert_eq!(err, reason);
    let (output, text) = run_with(&config, &["card"], &[("SPANSPEC_TAG", "apl")]);
    assert!(!output.status.success());
    let said = "error: SPANSPEC_TAG=apl selects none of 3 specs";
    assert!(text.contains(said), "{text}");
}
