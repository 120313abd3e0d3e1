use serde_json::{Value, json};

use snapbox::{assert_data_eq, str};

use super::super::sample;
use super::*;
use crate::check::Outcome;
use crate::report::conforms::wrong;

const SCHEMA: &str = include_str!("../../../docs/report.schema.json");

fn rendered(report: &Report) -> Value {
    serde_json::from_str(&render(report)).unwrap()
}

#[test]
fn the_report_matches_the_published_schema() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let mut report = sample::report();
    report.specs.extend(sample::load::report().specs);
    report.trouble = vec![sample::refused_step().trouble.unwrap()];
    let found = wrong(&rendered(&report), &schema, &schema, "$");
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn the_schema_rejects_wrong_reports() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let mut report = rendered(&sample::report());
    report["specs"][0]["verdict"] = json!("fine");
    report["telemetry"]["more"] = json!(1);
    let found = wrong(&report, &schema, &schema, "$");
    assert_eq!(found.len(), 2, "{found:?}");
}

#[test]
fn a_failure_keeps_its_facts() {
    let report = rendered(&sample::report());
    let failure = &report["specs"][1]["attempts"][0]["steps"][0]["checks"][1]["failure"];
    assert_eq!(failure["found"], "\"paypal\"");
    assert_eq!(failure["location"]["line"], 12);
    assert_eq!(failure["witnesses"][0]["span_id"], "00f067aa00000005");
    assert_eq!(report["exit_code"], 1);
    assert_eq!(report["counts"]["flaky"], 1);
}

#[test]
fn keys_have_the_order_of_the_format() {
    let text = render(&sample::report());
    let keys = [
        "schema_version",
        "tool",
        "started",
        "duration_ms",
        "exit_code",
        "specs",
    ];
    let places: Vec<_> = keys
        .iter()
        .map(|key| text.find(&format!("\"{key}\"")))
        .collect();
    assert!(places.is_sorted() && places[0].is_some(), "{places:?}");
}

#[test]
fn the_exit_code_is_that_of_the_worst_verdict() {
    let mut report = sample::report();
    report.specs.retain(|spec| spec.verdict != Verdict::Failed);
    assert_eq!(rendered(&report)["exit_code"], 3);
    report.specs.retain(|spec| spec.verdict != Verdict::Errored);
    assert_eq!(rendered(&report)["exit_code"], 0);
    report.specs.clear();
    assert_eq!(rendered(&report)["exit_code"], 4);
    report.interrupted = true;
    assert_eq!(rendered(&report)["exit_code"], 130);
}

#[test]
fn a_check_that_passed_has_no_failure() {
    let step = sample::passing_step();
    assert!(matches!(step.checks[0].outcome, Outcome::Pass));
    let report = rendered(&sample::report());
    let check = &report["specs"][0]["attempts"][0]["steps"][0]["checks"][0];
    assert_eq!(
        (&check["outcome"], &check["failure"]),
        (&json!("pass"), &Value::Null)
    );
}

#[test]
fn a_claim_keeps_its_numbers_and_both_versions() {
    let mut report = sample::report();
    report.specs = vec![sample::load::regressed()];
    let report = rendered(&report);
    let load = &report["specs"][0]["attempts"][0]["steps"][0]["load"];
    assert_data_eq!(
        format!("{:#}", load["budgets"][0]),
        str![[r#"
{
  "subject": "inventory-check",
  "measure": "duration",
  "location": {
    "file": "specs/ordering.yaml",
    "line": 5,
    "column": 5,
    "end_line": 5,
    "end_column": 26
  },
  "version": "2.4.0",
  "versions": [],
  "values": {
    "unit": "us",
    "samples": 500,
    "unknown": 0,
    "min": 175000.0,
    "max": 2700000.0,
    "quantiles": [
      {
        "quantile": "p50",
        "estimate": 350047.0,
        "lower": 337393.0,
        "upper": 363404.0
      },
      {
        "quantile": "p90",
        "estimate": 490647.0,
        "lower": 482914.0,
        "upper": 499083.0
      },
      {
        "quantile": "p95",
        "estimate": 508222.0,
        "lower": 502598.0,
        "upper": 514549.0
      },
      {
        "quantile": "p99",
        "estimate": 2400000.0,
        "lower": 2160000.0,
        "upper": 2640000.0
      }
    ]
  },
  "missing": 0,
  "baseline": {
    "path": "specs/baselines/ordering.yaml.json",
    "version": "2.3.0",
    "values": {
      "unit": "us",
      "samples": 500,
      "unknown": 0,
      "min": 60000.0,
      "max": 900000.0,
      "quantiles": [
        {
          "quantile": "p50",
          "estimate": 120009.0,
          "lower": 115671.0,
          "upper": 124588.0
        },
        {
          "quantile": "p90",
          "estimate": 168209.0,
          "lower": 165558.0,
          "upper": 171101.0
        },
        {
          "quantile": "p95",
          "estimate": 174234.0,
          "lower": 172306.0,
          "upper": 176403.0
        },
        {
          "quantile": "p99",
          "estimate": 800000.0,
          "lower": 720000.0,
          "upper": 880000.0
        }
      ]
    }
  },
  "claims": [
    {
      "quantile": "p50",
      "verdict": "regressed",
      "sentence": "p50 of inventory-check: REGRESSED: at least 2.66x slower (2.92x seen, limit 1.2x)",
      "confidence": 0.975,
      "now": {
        "estimate": 350047.0,
        "lower": 334581.0,
        "upper": 366216.0
      },
      "earlier_runs": [],
      "warning": null,
      "baseline": {
        "estimate": 120009.0,
        "lower": 114707.0,
        "upper": 125552.0
      },
      "limit": null,
      "limit_is_exclusive": false,
      "limit_factor": 1.2,
      "differs": [],
      "needed_samples": null
    },
    {
      "quantile": "p99",
      "verdict": "not_proven",
      "sentence": "p99 of inventory-check: NOT PROVEN: 3.00x slower (97.5 % bounds 0.57x to 15.2x), limit 2.50x. About 41,000 samples per side would decide.",
      "confidence": 0.975,
      "now": {
        "estimate": 2400000.0,
        "lower": 518767.0,
        "upper": 2700000.0
      },
      "earlier_runs": [],
      "warning": "p99 of inventory-check is NOT PROVEN: 3.00x seen, limit 2.5x",
      "baseline": {
        "estimate": 800000.0,
        "lower": 177849.0,
        "upper": 900000.0
      },
      "limit": null,
      "limit_is_exclusive": false,
      "limit_factor": 2.5,
      "differs": [],
      "needed_samples": 41000
    }
  ],
  "largest": {
    "trace_id": "a3ce929d0e0e47364bf92f3577b34da6",
    "value": 2700000.0,
    "saved_trace": "target/spanspec/a3ce929d0e0e47364bf92f3577b34da6.json"
  }
}
"#]]
    );
    assert_data_eq!(
        format!("{:#}", load["pace"]),
        str![[r#"
{
  "kind": "closed",
  "times": 500,
  "concurrency": 50,
  "rate": null,
  "rate_per_second": null,
  "for_ms": null,
  "arrivals": null,
  "limit": null,
  "since_ms": null
}
"#]]
    );
}

#[test]
fn without_samples_numbers_are_null() {
    let mut report = sample::report();
    let plan = sample::load::inventory(
        Some(sample::load::fast()),
        crate::budget::Samples::default(),
        "2.4.0",
    );
    let of = sample::load::with("nothing", &[plan], |load| {
        load.duration = std::time::Duration::ZERO;
    });
    report.specs = vec![of];
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let report = rendered(&report);
    assert_eq!(wrong(&report, &schema, &schema, "$"), Vec::<String>::new());
    let load = &report["specs"][0]["attempts"][0]["steps"][0]["load"];
    assert_eq!(load["rate_per_second"], 0.0);
    let budget = &load["budgets"][0];
    assert_eq!(budget["values"]["quantiles"], json!([]));
    assert_eq!(budget["claims"][0]["now"], Value::Null);
    assert_eq!(budget["largest"], Value::Null);
}
