//! Merging of our JSON reports as JSON values, which keeps unknown keys of newer versions.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Map, Value as Json, json};

use super::{MergeError, tests_of_specs};
use crate::report::json::SCHEMA_VERSION;

/// Reports in the order of the arguments.
#[derive(Debug, Default)]
pub(super) struct Documents(Vec<Json>);

/// Reads a JSON report of ours.
pub(super) fn read(bytes: &[u8]) -> Result<Json, MergeError> {
    let document: Json = serde_json::from_slice(bytes)?;
    let is_ours = document["tool"]["name"] == env!("CARGO_PKG_NAME");
    match document["schema_version"].as_u64() {
        Some(version) if is_ours && version == u64::from(SCHEMA_VERSION) => Ok(document),
        Some(version) if is_ours => Err(MergeError::Version(version)),
        _ => Err(MergeError::Foreign("JSON, but not a report of spanspec")),
    }
}

impl Documents {
    pub(super) fn push(&mut self, document: Json) {
        self.0.push(document);
    }

    /// All documents, with each spec of tests in only one of them.
    pub(super) fn joined(&self) -> Self {
        Self(tests_of_specs::joined(&self.0))
    }

    /// All documents.
    pub(super) fn all_of(&self) -> &[Json] {
        &self.0
    }

    pub(super) fn any_interrupted(&self) -> bool {
        self.0
            .iter()
            .any(|document| document["interrupted"] == true)
    }

    /// One report, as indented JSON.
    pub(super) fn render(&self) -> String {
        let merged = json!({
            "schema_version": SCHEMA_VERSION,
            "tool": { "name": env!("CARGO_PKG_NAME"), "version": env!("CARGO_PKG_VERSION") },
            "started": self.started(),
            "duration_ms": self.duration(),
            "exit_code": self.exit_code(),
            "interrupted": self.any_interrupted(),
            "counts": sums(self.0.iter().map(|document| &document["counts"])),
            "specs": self.all("specs"),
            "trouble": once(self.all("trouble")),
            "notices": once(self.all("notices")),
            "telemetry": self.telemetry(),
            "test": null,
        });
        format!("{merged:#}\n")
    }

    fn all(&self, key: &str) -> Vec<Json> {
        let lists = self
            .0
            .iter()
            .filter_map(|document| document[key].as_array());
        lists.flatten().cloned().collect()
    }

    fn started(&self) -> String {
        let moments = self.0.iter().filter_map(started);
        let first = moments.min().unwrap_or_else(jiff::Timestamp::now);
        first.to_string()
    }

    /// From the first start to the last end, in milliseconds.
    fn duration(&self) -> f64 {
        let Some(first) = self.0.iter().filter_map(started).min() else {
            return 0.0;
        };
        let ends = self.0.iter().filter_map(|document| {
            let begun = started(document)?.duration_since(first).as_secs_f64() * 1_000.0;
            Some(begun + document["duration_ms"].as_f64()?)
        });
        let longest = ends.fold(0.0, f64::max);
        // Microseconds, as in every report.
        (longest * 1_000.0).round() / 1_000.0
    }

    /// The exit code of a run with all of these specs.
    fn exit_code(&self) -> u64 {
        let codes: Vec<u64> = self
            .0
            .iter()
            .filter_map(|document| document["exit_code"].as_u64())
            .collect();
        let worst = [130, 1, 3].into_iter().find(|code| codes.contains(code));
        match worst {
            Some(code) => code,
            None if codes.contains(&0) => 0,
            None => 4,
        }
    }

    /// Runs that shared a receiver counted the same spans, so the maximum of their counts is used.
    fn telemetry(&self) -> Json {
        let mut receivers: BTreeMap<String, Vec<&Json>> = BTreeMap::new();
        for telemetry in self.0.iter().map(|document| &document["telemetry"]) {
            let listened = telemetry["listened"].to_string();
            receivers.entry(listened).or_default().push(telemetry);
        }
        let each: Vec<Json> = receivers
            .values()
            .map(|shared| folded(shared.iter().copied(), u64::max))
            .collect();
        let mut all = sums(each.iter());
        let lists = |key: &str| {
            let lists = self
                .0
                .iter()
                .filter_map(|document| document["telemetry"][key].as_array());
            once(lists.flatten().cloned().collect())
        };
        all["listened"] = lists("listened").into();
        all["refused"] = lists("refused").into();
        all
    }
}

fn started(document: &Json) -> Option<jiff::Timestamp> {
    document["started"].as_str()?.parse().ok()
}

fn sums<'a>(objects: impl Iterator<Item = &'a Json>) -> Json {
    folded(objects, u64::saturating_add)
}

/// An object with the numbers of all objects; `join` combines numbers of the same key.
fn folded<'a>(objects: impl Iterator<Item = &'a Json>, join: impl Fn(u64, u64) -> u64) -> Json {
    let mut all = Map::new();
    for (key, value) in objects.filter_map(Json::as_object).flatten() {
        let Some(number) = value.as_u64() else {
            continue;
        };
        let known = all.get(key).and_then(Json::as_u64);
        let joined = known.map_or(number, |known| join(known, number));
        all.insert(key.clone(), joined.into());
    }
    Json::Object(all)
}

fn once(mut list: Vec<Json>) -> Vec<Json> {
    let mut seen = HashSet::new();
    list.retain(|one| seen.insert(one.to_string()));
    list
}
