use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

mod files;
mod fingerprints;

pub(super) const CASE: &str = "placing an order [size=big]";

pub(crate) fn fingerprint() -> Fingerprint {
    Fingerprint {
        cores: 4,
        cpu: "AMD EPYC 7763".to_owned(),
        load: LoadModel::Concurrency(4),
        machine: None,
        memory_mib: 16_000,
        os: "Linux 6.8".to_owned(),
        probe: 41_000,
        received_by: ReceivedBy::Itself,
        spanspec: "0.1.0".to_owned(),
        spec_hash: "9f3c".to_owned(),
    }
}

pub(super) fn run_at(second: i64, samples: Samples) -> Run {
    let start = jiff::Timestamp::from_second(second).unwrap();
    Run::new(start, Some("2.3.0".to_owned()), samples).unwrap()
}

pub(super) fn with_runs(runs: Vec<Run>) -> Baseline {
    let budget = Budget {
        calibration: Some(Calibrated {
            runs: 5,
            spread: 0.031,
        }),
        runs,
        ..Budget::default()
    };
    let case = Case {
        fingerprint: fingerprint(),
        budgets: BTreeMap::from([("inventory-check".to_owned(), budget)]),
    };
    Baseline {
        cases: BTreeMap::from([(CASE.to_owned(), case)]),
    }
}

fn sample() -> Baseline {
    with_runs(vec![
        run_at(1_700_000_000, (100..140).collect()),
        run_at(1_700_000_100, (0..2_100).collect()),
        run_at(1_700_000_200, (0..50).collect::<Samples>().with_unknown(3)),
    ])
}

fn small() -> Baseline {
    with_runs(vec![run_at(1_700_000_000, (101..=105).collect())])
}

#[test]
fn a_baseline_is_json_with_sorted_keys() {
    assert_eq!(
        render(&small()),
        r#"{
  "cases": {
    "placing an order [size=big]": {
      "budgets": {
        "inventory-check": {
          "calibration": {
            "runs": 5,
            "s_run": 0.031
          },
          "runs": [
            {
              "max_us": 105,
              "min_us": 101,
              "n": 5,
              "p50_us": 103,
              "p95_us": 105,
              "p99_us": 105,
              "samples_us": [101, 102, 103, 104, 105],
              "service_version": "2.3.0",
              "start": "2023-11-14T22:13:20Z"
            }
          ]
        }
      },
      "fingerprint": {
        "cores": 4,
        "cpu": "AMD EPYC 7763",
        "load": {
          "concurrency": 4
        },
        "memory_mib": 16000,
        "os": "Linux 6.8",
        "probe": 41000,
        "spanspec": "0.1.0",
        "spec_hash": "9f3c"
      }
    }
  },
  "format": "spanspec baseline",
  "schema_version": 1
}
"#
    );
}

#[test]
fn requests_without_measurement_are_stored_and_summed() {
    let baseline = sample();
    let text = render(&baseline);
    assert_eq!(text.matches("\"unknown\": 3").count(), 1);
    assert_eq!(text.matches("\"unknown\"").count(), 1);
    let again = parse(Path::new("a.json"), text.as_bytes()).unwrap();
    assert_eq!(again, baseline);
    let case = again.cases.values().next().unwrap();
    assert_eq!(case.budgets["inventory-check"].samples().unknown(), 3);
}

fn refusal(text: &str) -> String {
    let error = parse(Path::new("baselines/a.yaml.json"), text.as_bytes()).unwrap_err();
    error.to_string()
}

#[test]
fn runs_with_more_than_a_million_requests_without_measurement_are_neither_written_nor_read() {
    let run = |unknown| {
        let samples: Samples = (1..=100).collect();
        Run::new(
            jiff::Timestamp::UNIX_EPOCH,
            None,
            samples.with_unknown(unknown),
        )
    };
    assert!(run(MOST_UNKNOWN).is_some() && run(MOST_UNKNOWN + 1).is_none());
    let text = render(&with_runs(vec![run(777_777).unwrap()]));
    let damaged = text.replace("777777", "18446744073709551615");
    let error = parse(Path::new("a.yaml.json"), damaged.as_bytes()).unwrap_err();
    assert!(error.to_string().contains("too many `unknown`"), "{error}");
}

#[test]
fn a_file_that_cannot_be_read_gives_an_error_with_its_name() {
    assert_eq!(
        refusal("{ \"cases\": "),
        "the baseline baselines/a.yaml.json is damaged: EOF while parsing a value at line 1 column 11; restore it, or delete it and record a new one"
    );
    for foreign in ["[1, 2]", "{}", "3", "{ \"format\": \"insta\" }"] {
        assert_eq!(
            refusal(foreign),
            "baselines/a.yaml.json is not a baseline of spanspec and was not changed; name another file, or move it away"
        );
    }
    assert_eq!(
        refusal(r#"{ "format": "spanspec baseline", "schema_version": 3, "more": [] }"#),
        "the baseline baselines/a.yaml.json has schema version 3, and this spanspec reads up to 2; update spanspec"
    );
}

#[test]
fn a_file_that_contradicts_itself_is_damaged() {
    let good = render(&small());
    for (right, wrong, what) in [
        ("\"n\": 5", "\"n\": 6", "`n`, minimum"),
        ("\"p50_us\": 103", "\"p50_us\": 99", "or a quantile differs"),
        ("[101, 102, 103, 104, 105]", "[]", "`n`"),
        ("\"s_run\": 0.031", "\"s_run\": -1", "`s_run` is negative"),
        ("2023-11-14T22:13:20Z", "yesterday", "`start` is not a time"),
        (
            "\"cores\": 4",
            "\"cores\": 4, \"more\": 1",
            "unknown field `more`",
        ),
        ("\"n\": 5,", "", "missing field `n`"),
        (
            "\"schema_version\": 1",
            "\"schema_version\": 0",
            "`schema_version`",
        ),
    ] {
        assert!(good.contains(right), "{right}");
        let said = refusal(&good.replace(right, wrong));
        assert!(said.contains("is damaged") && said.contains(what), "{said}");
    }
}

#[test]
fn runs_are_sorted_by_start_without_duplicates() {
    let mut budget = Budget::default();
    let earlier = run_at(100, (2..60).collect());
    for run in [run_at(200, (1..50).collect()), earlier.clone(), earlier] {
        budget.add(run);
    }
    let starts: Vec<i64> = (budget.runs.iter())
        .map(|run| run.start().as_second())
        .collect();
    assert_eq!(starts, [100, 200]);
    assert_eq!(budget.samples().len(), 58 + 49);
    assert_eq!(budget.service_version(), Some("2.3.0"));
}

#[test]
fn fewer_than_five_runs_have_no_variation() {
    let mut budget = Budget::default();
    let median = |at: u64| 95_000 + 5_000 * at;
    for at in 1..5 {
        budget.add(run_at(at as i64, [median(at)].into_iter().collect()));
        assert_eq!((budget.spread(4), budget.variation(4)), (0.0, None));
    }
    budget.add(run_at(5, [median(5)].into_iter().collect()));
    let observed = "p50 varies by 8.7 % between the 5 runs of the baseline";
    assert_eq!(budget.variation(4).unwrap().to_string(), observed);
    let mut calibrate = |spread| {
        budget.calibration = Some(Calibrated { runs: 6, spread });
        budget.variation(4).unwrap().to_string()
    };
    assert_eq!(calibrate(0.05), observed);
    assert_eq!(
        calibrate(0.2),
        "p50 varies by 20.0 % between the 6 runs of the calibration"
    );
}

#[test]
fn the_disturbance_of_a_run_is_kept_and_older_files_have_none() {
    let disturbed = |other_processes| {
        run_at(other_processes as i64, (1..=100).collect()).on(Some(Disturbance {
            other_processes,
            steal: 0.25,
            pressure: Some(0.5),
            ..Disturbance::default()
        }))
    };
    let all = with_runs(vec![
        run_at(0, (1..=100).collect()),
        disturbed(1.0),
        disturbed(2.0),
    ]);
    let text = render(&all);
    let expected = r#""machine": {"other_processes": 1.0, "pressure": 0.5, "steal": 0.25}"#;
    let compact = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        compact
            .replace("{ ", "{")
            .replace(" }", "}")
            .contains(expected),
        "{text}"
    );
    assert_eq!(violations(&serde_json::from_str(&text).unwrap()), None);
    let parsed = parse(Path::new("a.json"), text.as_bytes()).unwrap();
    assert_eq!(parsed, all);
    let budget = &parsed.cases[CASE].budgets["inventory-check"];
    assert_eq!(budget.disturbed_by(), Some(1.75));
}

/// Violations of the published schema.
fn violations(file: &Value) -> Option<String> {
    let schema = include_str!("../../../docs/baseline.schema.json");
    let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
    let schema = serde_json::from_str(schema).unwrap();
    compiler.add_resource("baseline.json", schema).unwrap();
    let index = compiler.compile("baseline.json", &mut schemas).unwrap();
    let valid = schemas.validate(file, index);
    valid.err().map(|error| error.to_string())
}

#[test]
fn the_file_conforms_to_the_published_schema() {
    let mut baseline = sample();
    let mut other = baseline.cases.values().next().unwrap().clone();
    other.fingerprint.load = LoadModel::Rate("50/s".to_owned());
    other.fingerprint.machine = Some("ci".to_owned());
    baseline.cases.insert("other".to_owned(), other);
    let file: Value = serde_json::from_str(&render(&baseline)).unwrap();
    assert_eq!(violations(&file), None);
}

#[test]
fn the_schema_rejects_an_invalid_file() {
    let valid: Value = serde_json::from_str(&render(&small())).unwrap();
    for (pointer, value) in [
        ("/schema_version", json!(3)),
        ("/format", json!("insta")),
        ("/cases/placing an order [size=big]/fingerprint", json!({})),
        ("/cases/placing an order [size=big]/more", json!(1)),
    ] {
        let mut file = valid.clone();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        file.pointer_mut(parent).unwrap()[key] = value;
        assert!(violations(&file).is_some(), "{pointer}");
    }
}

/// A baseline of counts, which are plain numbers.
fn of_counts(number: usize) -> Baseline {
    let samples = Samples::of(Unit::Number).with((0..number).map(|at| (4 + at % 3) as f64));
    let mut baseline = with_runs(vec![run_at(100, samples)]);
    let budgets = &mut baseline.cases.values_mut().next().unwrap().budgets;
    let mut budget = budgets.remove("inventory-check").unwrap();
    budget.measure = Quantity::Count;
    budgets.insert("count of SELECT".to_owned(), budget);
    baseline
}

#[test]
fn counts_are_written_as_plain_numbers() {
    let text = render(&of_counts(5));
    let expected = [
        "\"measure\": \"count\"",
        "\"max\": 6,",
        "\"samples\": [4, 4, 5, 5, 6]",
        "\"schema_version\": 2",
    ];
    for part in expected {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(violations(&serde_json::from_str(&text).unwrap()), None);
    let many = of_counts(6_000);
    let text = render(&many);
    assert!(
        text.contains("\"counts\": [[4, 2000], [5, 2000], [6, 2000]]"),
        "{text}"
    );
    assert_eq!(violations(&serde_json::from_str(&text).unwrap()), None);
    assert_eq!(parse(Path::new("a.json"), text.as_bytes()).unwrap(), many);
}

#[test]
fn a_file_with_durations_alone_is_read_by_the_first_version() {
    let text = render(&small());
    assert!(text.contains("\"schema_version\": 1"), "{text}");
    assert!(!text.contains("measure"), "{text}");
}

#[test]
fn a_run_with_the_values_of_another_quantity_is_damaged() {
    let text = render(&of_counts(5)).replace("\"measure\": \"count\",", "");
    let error = parse(Path::new("a.json"), text.as_bytes()).unwrap_err();
    let expected = "a run of `count of SELECT` has other values than a duration";
    assert!(error.to_string().contains(expected), "{error}");
    for (from, to) in [("\"max\": 6", "\"max_us\": 6"), ("[4, 4,", "[-4, 4,")] {
        let text = render(&of_counts(5)).replace(from, to);
        assert!(parse(Path::new("a.json"), text.as_bytes()).is_err(), "{to}");
    }
}

#[test]
fn runs_of_another_quantity_replace_the_earlier_ones() {
    let attribute = |key: &str| {
        let mut budget = of_counts(5).cases[CASE].budgets["count of SELECT"].clone();
        budget.measure = Quantity::Attribute(key.to_owned());
        NewRuns {
            fingerprint: fingerprint(),
            runs: BTreeMap::from([("x".to_owned(), budget)]),
            regressed: BTreeSet::new(),
        }
    };
    let known = Case::join(None, attribute("a")).case;
    let joined = Case::join(Some(&known), attribute("b"));
    assert_eq!(joined.case.budgets["x"].runs.len(), 1);
    assert_eq!(
        joined.replaced[0].reason,
        "it measured `a`, and this is `b`"
    );
}

fn baselines() -> impl Strategy<Value = Baseline> {
    let samples = prop::collection::vec(0_u64..1 << 40, 1..2_200);
    let run = (0_i64..2_000_000_000, samples)
        .prop_map(|(start, samples)| run_at(start, samples.into_iter().collect()));
    prop::collection::vec(run, 0..3).prop_map(|mut runs| {
        runs.sort_by_key(Run::start);
        with_runs(runs)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn reading_returns_what_was_written(baseline in baselines()) {
        let text = render(&baseline);
        let again = parse(Path::new("a.json"), text.as_bytes()).unwrap();
        prop_assert_eq!(render(&again), text);
        prop_assert_eq!(again, baseline);
    }
}

proptest! {
    #[test]
    fn random_bytes_are_rejected(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(parse(Path::new("a.json"), &bytes).is_err());
    }

    #[test]
    fn a_damaged_file_never_causes_a_panic(
        at in 0_usize..100_000,
        bytes in prop::collection::vec(any::<u8>(), 0..4),
        cut in 0_usize..20,
    ) {
        let mut text = render(&small()).into_bytes();
        let at = at % text.len();
        let end = (at + cut).min(text.len());
        text.splice(at..end, bytes);
        // A file that is still valid can be written again.
        if let Ok(read) = parse(Path::new("a.json"), &text) {
            prop_assert!(!render(&read).is_empty());
        }
    }
}
