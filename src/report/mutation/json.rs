//! The result of `spanspec mutate` as JSON.
//!
//! `docs/mutate.schema.json` describes it. Every key is always present, and `null` if it has no value. New keys
//! do not change `schema_version`; removed keys and changed meanings do.

use serde::Serialize;

use crate::mutate::{ExaminedSpec, FaultsOfPlace, IdleCheck, NotExamined, Suite};
use crate::spec::Location;

/// The version of the format.
const SCHEMA_VERSION: u32 = 1;

#[derive(Serialize)]
struct JsonSuite<'a> {
    schema_version: u32,
    /// From 0 to 1; `null` if no fault counts.
    score: Option<f64>,
    caught: usize,
    caught_as_errored: usize,
    missed: usize,
    ignored: usize,
    judged: usize,
    not_judged: usize,
    interrupted: bool,
    places: Vec<JsonPlace<'a>>,
    checks_without_effect: Vec<JsonCheck<'a>>,
    specs: Vec<JsonSpec<'a>>,
    not_examined: Vec<JsonNotExamined<'a>>,
    unused_ignores: Vec<JsonLocation<'a>>,
}

#[derive(Serialize)]
struct JsonLocation<'a> {
    file: &'a str,
    line: usize,
    column: usize,
}

#[derive(Serialize)]
struct JsonPlace<'a> {
    place: &'a str,
    spec: &'a str,
    location: JsonLocation<'a>,
    faults: Vec<JsonFault<'a>>,
    suggestion: Option<&'a str>,
}

#[derive(Serialize)]
struct JsonFault<'a> {
    fault: &'static str,
    what: &'a str,
    equal: usize,
    noticed_by_suggestion: bool,
}

#[derive(Serialize)]
struct JsonCheck<'a> {
    spec: &'a str,
    check: &'a str,
    location: JsonLocation<'a>,
    reason: &'static str,
}

#[derive(Serialize)]
struct JsonSpec<'a> {
    name: &'a str,
    location: JsonLocation<'a>,
    caught: usize,
    counted: usize,
    notes: &'a [String],
}

#[derive(Serialize)]
struct JsonNotExamined<'a> {
    name: &'a str,
    location: JsonLocation<'a>,
    reason: &'a str,
}

/// Indented JSON with a final newline.
pub(crate) fn json(suite: &Suite) -> String {
    let all = JsonSuite {
        schema_version: SCHEMA_VERSION,
        score: suite.score.share(),
        caught: suite.score.caught,
        caught_as_errored: suite.errored,
        missed: suite.score.counted - suite.score.caught,
        ignored: suite.ignored,
        judged: suite.judged,
        not_judged: suite.left_out,
        interrupted: suite.is_interrupted,
        places: suite.missed.iter().map(JsonPlace::of).collect(),
        checks_without_effect: suite.idle.iter().map(JsonCheck::of).collect(),
        specs: suite.specs.iter().map(JsonSpec::of).collect(),
        not_examined: suite.not_examined.iter().map(JsonNotExamined::of).collect(),
        unused_ignores: suite
            .unused
            .iter()
            .map(|one| JsonLocation::of(&one.at))
            .collect(),
    };
    let text = serde_json::to_string_pretty(&all);
    text.unwrap_or_else(|error| format!("{{\"error\": \"{error}\"}}")) + "\n"
}

impl<'a> JsonLocation<'a> {
    fn of(at: &'a Location) -> Self {
        Self {
            file: at.source.name(),
            line: at.line(),
            column: at.column(),
        }
    }
}

impl<'a> JsonPlace<'a> {
    fn of(of: &'a FaultsOfPlace) -> Self {
        let faults = of.faults.iter().map(|fault| JsonFault {
            fault: fault.kind.name(),
            what: &fault.what,
            equal: fault.equal,
            noticed_by_suggestion: fault.is_covered,
        });
        Self {
            place: &of.place,
            spec: &of.spec,
            location: JsonLocation::of(&of.at),
            faults: faults.collect(),
            suggestion: of.remedy.as_deref(),
        }
    }
}

impl<'a> JsonCheck<'a> {
    fn of(of: &'a IdleCheck) -> Self {
        Self {
            spec: &of.spec,
            check: &of.what,
            location: JsonLocation::of(&of.at),
            reason: of.why,
        }
    }
}

impl<'a> JsonSpec<'a> {
    fn of(of: &'a ExaminedSpec) -> Self {
        Self {
            name: &of.name,
            location: JsonLocation::of(&of.at),
            caught: of.score.caught,
            counted: of.score.counted,
            notes: &of.notes,
        }
    }
}

impl<'a> JsonNotExamined<'a> {
    fn of(of: &'a NotExamined) -> Self {
        Self {
            name: &of.name,
            location: JsonLocation::of(&of.at),
            reason: &of.why,
        }
    }
}
