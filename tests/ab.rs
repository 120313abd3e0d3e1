//! Compares two versions of the example shop's inventory, and calibrates baselines.

use std::path::Path;
use std::process::{Command, Output};

const SPEC: &str = "
name: placing an order
request:
  post: ${BASE_URL}/orders
  json: { sku: A1, quantity: 1 }
repeat: { times: 1000, concurrency: 2, warmup: 5 }
budgets:
  - find: inventory-check
    regression: { p50: 50%, p99: 50% }
expect: { status: 201 }
";

/// A project file that starts the shop with this version of its inventory.
fn version(version: &str, latency: &str) -> String {
    let root = env!("CARGO_MANIFEST_DIR");
    format!(
        r#"
vars: {{ BASE_URL: "http://127.0.0.1:${{services.shop.http}}" }}
services:
  shop:
    dir: {root}
    build: cargo build --workspace
    run: ${{CARGO_TARGET_DIR:-target}}/debug/shop
    ports: {{ http: auto }}
    env:
      PORT: "${{services.shop.http}}"
      SHOP_INVENTORY_VERSION: {version}
      SHOP_INVENTORY_P50_MS: "{latency}"
    ready: "http://127.0.0.1:${{services.shop.http}}/health"
"#
    )
}

/// A project with two project files for v2.3.0, and one for a slower v2.4.0.
fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    std::fs::create_dir(folder.path().join("specs")).unwrap();
    write("specs/order.yaml", SPEC);
    write("v2.3.0.yaml", &version("2.3.0", "4"));
    write("same.yaml", &version("2.3.0", "4"));
    write("v2.4.0.yaml", &version("2.4.0", "24"));
    folder
}

fn spanspec(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spanspec"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("SPANSPEC_") {
            command.env_remove(name);
        }
    }
    command
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

/// Panics with the whole output unless it contains all of these texts.
#[track_caller]
fn expect(output: &Output, code: i32, texts: &[&str]) {
    let out = String::from_utf8_lossy(&output.stdout);
    let all = format!("{out}{}", String::from_utf8_lossy(&output.stderr));
    for text in texts {
        assert!(all.contains(text), "`{text}` is missing in:\n{all}");
    }
    assert_eq!(output.status.code(), Some(code), "{all}");
}

#[test]
fn a_slower_version_has_regressed_and_the_same_one_has_not() {
    let folder = project();
    let ab = |b: &str| {
        let arguments = ["ab", "v2.3.0.yaml", b, "--requests", "20"];
        let summary = ["--markdown", "out/summary.md"];
        spanspec(folder.path(), &[&arguments[..], &summary].concat())
    };
    let summary = || std::fs::read_to_string(folder.path().join("out/summary.md")).unwrap();
    expect(
        &ab("v2.4.0.yaml"),
        1,
        &[
            "FAIL  placing an order   specs/order.yaml, 5 pairs of 20 requests",
            "v2.3.0 (A, n=100)",
            "v2.4.0 (B, n=100)",
            "← REGRESSED at p50",
            "p50 of inventory-check: REGRESSED: ",
            "median of 5 pairs",
            "p99 of inventory-check: NOT JUDGED: a run of pair 1 has 20 samples, and this quantile",
            "FAIL  B (v2.4.0.yaml) against A (v2.3.0.yaml): 1 spec regressed\n",
        ],
    );
    let page = summary();
    assert!(page.contains("ms (v2.4.0)"), "{page}");
    assert!(page.contains("| **REGRESSED** |"), "{page}");
    expect(
        &ab("same.yaml"),
        0,
        &[
            "v2.3.0 (B, n=100)",
            "PASS  B (same.yaml) against A (v2.3.0.yaml): 1 spec not proven\n",
        ],
    );
    let page = summary();
    assert!(
        page.contains("ms (v2.3.0) | ") && !page.contains("REGRESSED"),
        "{page}"
    );
}

#[test]
fn a_version_that_does_not_start_is_named_in_the_summary() {
    let folder = project();
    let broken = "services: { inventory: { run: 'false', ready: 'tcp://127.0.0.1:1' } }\n";
    let broken = format!("vars: {{ BASE_URL: 'http://127.0.0.1:1' }}\n{broken}");
    std::fs::write(folder.path().join("broken.yaml"), broken).unwrap();
    let arguments = ["ab", "v2.3.0.yaml", "broken.yaml", "--markdown", "ab.md"];
    let said = spanspec(folder.path(), &arguments);
    expect(&said, 3, &["service `inventory` ended"]);
    let page = std::fs::read_to_string(folder.path().join("ab.md")).unwrap();
    assert!(page.contains("1 spec not run"), "{page}");
    assert!(page.contains("service `inventory` ended"), "{page}");
}

#[test]
fn failed_requests_end_the_comparison_and_name_the_version() {
    let folder = project();
    let failing =
        version("2.4.0", "4").replace("SHOP_INVENTORY_P50_MS: \"4\"", "SHOP_FAIL: inventory");
    std::fs::write(folder.path().join("failing.yaml"), failing).unwrap();
    let arguments = ["ab", "v2.3.0.yaml", "failing.yaml", "--requests", "20"];
    expect(
        &spanspec(folder.path(), &arguments),
        1,
        &[
            "0 of 5 pairs",
            "run 1 of B did not pass:",
            "20 of 20 requests failed",
            "FAIL  B (failing.yaml) against A (v2.3.0.yaml): 1 spec failed\n",
        ],
    );
}

#[test]
fn a_calibration_writes_its_runs_and_replaces_those_of_another_version() {
    let folder = project();
    let spec = SPEC.replace("times: 1000", "times: 20");
    std::fs::write(folder.path().join("specs/order.yaml"), spec).unwrap();
    let calibrate = |file: &str| {
        let arguments = ["baseline", "calibrate", "-c", file, "--machine", "here"];
        let pause = ["--pause", "0s"];
        spanspec(folder.path(), &[&arguments[..], &pause].concat())
    };
    expect(
        &calibrate("v2.3.0.yaml"),
        0,
        &[
            "specs/baselines/order.yaml.json\n  placing an order\n    inventory-check\n",
            "p50 of 5 runs of one version varies by ",
            "The smallest change that this machine can detect with 20",
        ],
    );
    let arguments = ["baseline", "show", "-c", "v2.3.0.yaml"];
    expect(
        &spanspec(folder.path(), &arguments),
        0,
        &["machine here, ", "calibrated with 5 runs: ", "2.3.0     20"],
    );
    expect(
        &calibrate("v2.4.0.yaml"),
        0,
        &["5 earlier runs of inventory-check replaced: service.version was 2.3.0, is 2.4.0"],
    );
}
