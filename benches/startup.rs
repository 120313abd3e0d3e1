//! Measures the start of the command: `cargo bench --bench startup`.
//!
//! Time and memory of `--version` and of reading a thousand specs, and the size of the program. The
//! size that counts is that of a release archive: `cargo build --profile dist` first.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]
#![expect(clippy::cast_precision_loss, reason = "sizes are rounded anyway")]

mod figures;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use figures::{Times, head, line, rounds};

const SPECS: usize = 1_000;

/// Alike what people write: a request, a dozen checks, variables.
const SPEC: &str = "name: placing order number
tags: [orders]
request:
  post: ${BASE_URL}/orders
  json: { sku: A1, quantity: 2 }
capture: { order_id: $.order.id }
expect:
  status: 201
  errors: 0
  services: [api-gateway, order, inventory, payment, shipping]
  edges:
    - api-gateway -> order
    - order -> payment
  sequence: [reserve_stock, process_payment, ship]
  spans:
    - find: process_payment
      count: 1
      below: { service: order }
      attributes: { payment.method: card, order.id: \"${order_id}\" }
      duration: < 600ms
    - find: { type: db }
";

fn main() {
    let program = Path::new(env!("CARGO_BIN_EXE_spanspec"));
    let folder = tempfile::tempdir().expect("a folder");
    write_specs(folder.path());
    let folder = folder.path().to_str().expect("a name in UTF-8");
    head("spanspec", "peak memory");
    for (name, arguments) in [
        ("--version", vec!["--version"]),
        ("--help", vec!["--help"]),
        (
            "lint, 1,000 specs",
            vec!["lint", "--var", "BASE_URL=http://127.0.0.1:1", folder],
        ),
    ] {
        let times = Times::of(rounds(50, 3), || call(program, &arguments));
        line(name, &times, &peak_memory(program, &arguments));
    }
    println!("\n{:44}{:>11}", "program", "size");
    size("this build, with symbols", Some(program.to_owned()));
    size("profile dist", dist(program));
}

fn write_specs(folder: &Path) {
    for number in 0..SPECS {
        let text = SPEC.replace("number", &number.to_string());
        std::fs::write(folder.join(format!("{number:04}.yaml")), text).expect("written");
    }
}

fn call(program: &Path, arguments: &[&str]) {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("our own program");
    assert!(output.status.success(), "{output:?}");
}

/// Peak memory as GNU time reports it, if it is installed.
fn peak_memory(program: &Path, arguments: &[&str]) -> String {
    let output = Command::new("/usr/bin/time")
        .args(["-f", "%M", "--"])
        .arg(program)
        .args(arguments)
        .output();
    let kilobytes = output.ok().and_then(|output| {
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        text.trim().lines().next_back()?.parse::<f64>().ok()
    });
    kilobytes.map_or_else(
        || "(needs GNU time)".to_owned(),
        |kilobytes| format!("{:.1} MB", kilobytes / 1e3),
    )
}

/// The program that `cargo build --profile dist` writes, beside our own folder.
fn dist(program: &Path) -> Option<PathBuf> {
    let target = program.parent()?.parent()?;
    Some(target.join("dist").join(program.file_name()?))
}

fn size(name: &str, program: Option<PathBuf>) {
    let bytes = program.and_then(|program| std::fs::metadata(program).ok());
    let size = bytes.map_or_else(
        || "not built".to_owned(),
        |bytes| format!("{:.1} MB", bytes.len() as f64 / 1e6),
    );
    println!("{name:44}{size:>11}");
}
