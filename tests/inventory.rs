//! The classic: a version of the shop's inventory that has become slow fails, and the same version
//! does not.

use std::path::Path;
use std::process::{Command, Output};

/// A version that the inventory imitates, with p50 and p99 in milliseconds.
struct Version(&'static str, u32, u32);

const USUAL: Version = Version("v2.3.0", 120, 800);
const SLOW: Version = Version("v2.4.0", 350, 2_400);

fn measured(version: &Version, baselines: &Path, update: &str) -> Output {
    let Version(name, p50, p99) = version;
    Command::new(env!("CARGO_BIN_EXE_spanspec"))
        .args(["run", "specs/inventory-budget.yaml"])
        .args(["--update-baselines", update, "--baseline"])
        .arg(baselines)
        .args(["--confirm-pause", "0s"])
        // A test machine has other things to do at times, and is the same one all the same.
        .args(["--machine", "here"])
        .env("INVENTORY_VERSION", name)
        .env("INVENTORY_P50_MS", p50.to_string())
        .env("INVENTORY_P99_MS", p99.to_string())
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap()
}

/// The output of a run, if it has this exit code.
fn said(output: &Output, exit: i32) -> String {
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(exit), "{said}{errors}");
    said
}

/// Without a baseline, nothing is slower.
fn assert_compared_and_not_slower(said: &str) {
    assert!(said.contains("v2.3.0 (baseline, n=500)"), "{said}");
    for text in ["REGRESSED", "ANOTHER ENVIRONMENT"] {
        assert!(!said.contains(text), "{said}");
    }
}

#[test]
fn a_version_that_has_become_slow_fails_and_the_same_version_does_not() {
    let baselines = tempfile::tempdir().unwrap();
    let first = measured(&USUAL, baselines.path(), "always");
    assert!(said(&first, 0).contains("v2.3.0 (n=500)"));
    let slow = said(&measured(&SLOW, baselines.path(), "never"), 1);
    for text in [
        "v2.3.0 (baseline, n=500)  ",
        "  v2.4.0 (n=500)\n",
        "inventory-check   p50=",
        "← REGRESSED in 3 of 3 runs: at least ",
        "slower at p50 (",
        "1 failed in ",
    ] {
        assert!(slow.contains(text), "`{text}` is missing in:\n{slow}");
    }
    let again = said(&measured(&USUAL, baselines.path(), "never"), 0);
    assert_compared_and_not_slower(&again);
}

#[test]
fn a_version_that_reads_the_stock_in_a_loop_fails_at_the_line_of_its_count() {
    let baselines = tempfile::tempdir().unwrap();
    let run = |version: &str, queries: &str, update: &str| {
        Command::new(env!("CARGO_BIN_EXE_spanspec"))
            .args(["run", "specs/queries-budget.yaml", "--machine", "here"])
            .args(["--update-baselines", update, "--baseline"])
            .arg(baselines.path())
            .env("INVENTORY_VERSION", version)
            .env("STOCK_QUERIES", queries)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .unwrap()
    };
    said(&run("v2.3.0", "1", "always"), 0);
    said(&run("v2.3.0", "1", "never"), 0);
    let looped = said(&run("v2.4.0", "9", "never"), 1);
    for text in [
        "specs/queries-budget.yaml:17:24\n",
        "expected at most 1.1x of the 2 of v2.3.0 (n=40)",
        "found 10 in v2.4.0 (n=40), at least 5.00x",
        "SELECT stock",
    ] {
        assert!(looped.contains(text), "`{text}` is missing in:\n{looped}");
    }
}

#[test]
#[ignore = "half a minute; .ci/run runs it"]
fn the_same_version_does_not_fail_ten_times_in_a_row() {
    let baselines = tempfile::tempdir().unwrap();
    said(&measured(&USUAL, baselines.path(), "always"), 0);
    for _ in 0..10 {
        let again = said(&measured(&USUAL, baselines.path(), "never"), 0);
        assert_compared_and_not_slower(&again);
    }
}
