//! Combines the results of tests that ran the same spec.
//!
//! A test runner such as nextest retries a failed test in another process, and two macros may name
//! the same file. Both produce several results of one spec.

use std::collections::HashMap;

use serde_json::{Map, Value as Json, json};

/// A result of a spec, in the document of a test.
struct TestResult<'d> {
    document: usize,
    file: &'d str,
    name: &'d str,
    /// The test, if the test runner identifies and retries it.
    test: Option<&'d str>,
    attempt: u64,
    spec: Json,
}

/// The documents, with each spec of tests in only one of them. Other documents are unchanged.
pub(super) fn joined(documents: &[Json]) -> Vec<Json> {
    let mut cases: Vec<Vec<TestResult<'_>>> = Vec::new();
    let mut known = HashMap::new();
    for run in documents.iter().enumerate().flat_map(runs) {
        let at = *known.entry((run.file, run.name)).or_insert(cases.len());
        match cases.get_mut(at) {
            Some(case) => case.push(run),
            None => cases.push(vec![run]),
        }
    }
    let mut kept: Vec<Vec<Json>> = vec![Vec::new(); documents.len()];
    for run in cases.into_iter().filter_map(one_of) {
        kept[run.document].push(run.spec);
    }
    let documents = documents.iter().zip(kept);
    documents
        .map(|(document, specs)| match document["test"].is_object() {
            true => with_specs(document, specs),
            false => document.clone(),
        })
        .collect()
}

fn runs((at, document): (usize, &Json)) -> Vec<TestResult<'_>> {
    let test = &document["test"];
    let specs = document["specs"].as_array().filter(|_| test.is_object());
    let specs = specs.into_iter().flatten();
    specs
        .map(|spec| TestResult {
            document: at,
            file: spec["location"]["file"].as_str().unwrap_or_default(),
            name: spec["name"].as_str().unwrap_or_default(),
            test: test["id"].as_str(),
            attempt: test["attempt"].as_u64().unwrap_or(1),
            spec: spec.clone(),
        })
        .collect()
}

/// The worst of the last results of all tests.
fn one_of(mut runs: Vec<TestResult<'_>>) -> Option<TestResult<'_>> {
    runs.sort_by_key(|run| run.attempt);
    let mut tests: Vec<TestResult<'_>> = Vec::new();
    let mut known = HashMap::new();
    for run in runs {
        let new = tests.len();
        let at = run
            .test
            .map_or(new, |test| *known.entry(test).or_insert(new));
        match tests.get_mut(at) {
            Some(known) if known.attempt < run.attempt => retry(known, run),
            Some(known) if rank(&known.spec) < rank(&run.spec) => *known = run,
            Some(_) => {}
            None => tests.push(with_lost_attempts(run)),
        }
    }
    let worst = tests.iter().map(|run| rank(&run.spec)).max()?;
    tests.into_iter().find(|run| rank(&run.spec) == worst)
}

/// The later attempt replaces the earlier one, which is kept as an attempt if it did not pass, as
/// with `--retries`.
fn retry<'d>(known: &mut TestResult<'d>, later: TestResult<'d>) {
    let earlier = std::mem::replace(known, later);
    if !matches!(verdict(&earlier.spec), "failed" | "errored") && attempts(&earlier.spec) < 2 {
        return;
    }
    let more = earlier.spec["attempts"].as_array().cloned();
    prepend(&mut known.spec, more.unwrap_or_default());
    let duration = |spec: &Json| spec["duration_ms"].as_f64().unwrap_or_default();
    known.spec["duration_ms"] = (duration(&earlier.spec) + duration(&known.spec)).into();
}

/// The first result may be from a second attempt, if the process of the first was killed before it
/// wrote one.
fn with_lost_attempts(mut run: TestResult<'_>) -> TestResult<'_> {
    let started = run.spec["attempts"][0]["started"].clone();
    let lost = (1..run.attempt).map(|number| {
        json!({
            "verdict": "errored",
            "started": started,
            "duration_ms": 0.0,
            "message": format!("attempt {number} left no result: its process ended too early"),
            "kind": "trouble",
            "text": null,
            "steps": [],
        })
    });
    if started.is_string() {
        prepend(&mut run.spec, lost.collect());
    }
    run
}

fn prepend(spec: &mut Json, mut attempts: Vec<Json>) {
    if let Some(own) = spec["attempts"].as_array_mut() {
        attempts.append(own);
        *own = attempts;
    }
    spec["flaky"] = (verdict(spec) == "passed" && self::attempts(spec) > 1).into();
}

fn attempts(spec: &Json) -> usize {
    spec["attempts"].as_array().map_or(0, Vec::len)
}

fn verdict(spec: &Json) -> &str {
    spec["verdict"].as_str().unwrap_or_default()
}

/// Rank of a verdict, the worst first. A spec that only some tests skip is not skipped.
fn rank(spec: &Json) -> u8 {
    match verdict(spec) {
        "failed" => 5,
        "passed" if spec["flaky"] == true => 3,
        "passed" => 2,
        "not_run" => 1,
        "skipped" => 0,
        _ => 4,
    }
}

fn with_specs(document: &Json, specs: Vec<Json>) -> Json {
    let count = |is: &dyn Fn(&Json) -> bool| specs.iter().filter(|spec| is(spec)).count();
    let mut counts = Map::new();
    for known in ["passed", "failed", "errored", "skipped", "not_run"] {
        let number = count(&|spec: &Json| verdict(spec) == known);
        counts.insert(known.to_owned(), number.into());
    }
    let flaky = count(&|spec: &Json| spec["flaky"] == true);
    counts.insert("flaky".to_owned(), flaky.into());
    let has_trouble = document["trouble"]
        .as_array()
        .is_some_and(|trouble| !trouble.is_empty());
    let exit_code = if document["interrupted"] == true {
        130
    } else if counts["failed"] != 0 {
        1
    } else if counts["errored"] != 0 || has_trouble {
        3
    } else if specs.is_empty() {
        4
    } else {
        0
    };
    let mut document = document.clone();
    document["counts"] = Json::Object(counts);
    document["exit_code"] = exit_code.into();
    document["specs"] = specs.into();
    document
}
