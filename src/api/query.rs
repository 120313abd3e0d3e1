//! Query parameters. Unknown and invalid ones are errors.

use std::time::Duration;

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::Uri;

use super::problem::Problem;
use crate::spec::parse_duration;
use crate::trace::{NoTrace, TraceRef};

/// Maximum of `wait`.
const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// Query parameters with known names.
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads the parameters of a request with these names.
    pub(super) fn of(uri: &Uri, known: &[&str]) -> Result<Self, Problem> {
        let text = uri.query().unwrap_or_default();
        let pairs: Vec<(String, String)> = url::form_urlencoded::parse(text.as_bytes())
            .into_owned()
            .collect();
        for (at, (name, _)) in pairs.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                return Err(unknown(name, known));
            }
            if pairs[..at].iter().any(|(other, _)| other == name) {
                return Err(Problem::bad_request(
                    format!("`{name}` stands there twice"),
                    "give each parameter once",
                ));
            }
        }
        Ok(Self(pairs))
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The value as a duration.
    pub(super) fn duration(&self, name: &str) -> Result<Option<Duration>, Problem> {
        let text = self.text(name);
        text.map(|text| duration(name, text)).transpose()
    }

    /// The value as one of these words. The first one is the default.
    pub(super) fn one_of<T: Copy>(&self, name: &str, words: &[(&str, T)]) -> Result<T, Problem> {
        let Some(text) = self.text(name) else {
            return Ok(words[0].1);
        };
        let found = words.iter().find(|(word, _)| *word == text);
        found.map(|(_, meant)| *meant).ok_or_else(|| {
            let accepted: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            Problem::bad_request(
                format!("`{name}` is `{text}`"),
                format!("it may be {}", accepted.join(", ")),
            )
        })
    }
}

/// Rejects all parameters.
pub(super) fn none(uri: &Uri) -> Result<(), Problem> {
    Query::of(uri, &[]).map(drop)
}

/// Reads a duration such as `wait=10s`.
pub(super) fn duration(name: &str, text: &str) -> Result<Duration, Problem> {
    let help = format!("write it with a unit, as in {name}=10s or {name}=500ms");
    let duration = parse_duration(text)
        .map_err(|error| Problem::bad_request(format!("`{name}` is `{text}`: {error}"), help))?;
    if duration > LONGEST_WAIT {
        return Err(Problem::bad_request(
            format!("`{name}` is {text}"),
            "10m is the most",
        ));
    }
    Ok(duration)
}

/// Reads a trace from the path.
pub(super) fn trace_in_path(
    part: Result<Path<String>, PathRejection>,
) -> Result<TraceRef, Problem> {
    match part {
        Ok(Path(text)) => trace(&text),
        Err(wrong) => Err(Problem::unread(wrong.status(), &wrong.body_text())),
    }
}

/// Reads a trace id or `traceparent`.
pub(super) fn trace(text: &str) -> Result<TraceRef, Problem> {
    text.parse()
        .map_err(|error: NoTrace| Problem::bad_request(error.to_string(), NoTrace::HELP))
}

fn unknown(name: &str, known: &[&str]) -> Problem {
    let help = match known {
        [] => "none is known here".to_owned(),
        known => format!("known here are {}", known.join(", ")),
    };
    Problem::bad_request(format!("the parameter `{name}` is unknown"), help)
}
