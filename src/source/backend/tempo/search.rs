//! Searches in Tempo, in TraceQL.

use serde::Deserialize;
use url::Url;

use super::Tempo;
use crate::source::backend::adapter::{FetchError, SearchAnswer, SearchQuery};
use crate::source::jaeger_json;
use crate::trace::{Nanos, Value};

const SECOND: Nanos = 1_000_000_000;

/// Tempo refuses longer windows by default (`max_duration`).
const LONGEST_WINDOW: Nanos = 168 * 3_600 * SECOND;

/// The service of a resource without `service.name`.
const NO_SERVICE: &str = "unknown_service";

#[derive(Deserialize)]
struct Found {
    #[serde(default)]
    traces: Option<Vec<FoundTrace>>,
}

#[derive(Deserialize)]
struct FoundTrace {
    #[serde(rename = "traceID")]
    trace_id: String,
}

impl Tempo {
    pub(super) async fn find(&self, query: &SearchQuery) -> Result<SearchAnswer, FetchError> {
        let (start, end) = (query.from / SECOND, query.to.div_ceil(SECOND));
        if (end - start).saturating_mul(SECOND) > LONGEST_WINDOW {
            return Ok(SearchAnswer {
                traces: Vec::new(),
                is_cut: true,
            });
        }
        let url = self.search_url(query, (start, end));
        let answer = self.client.get(url, "application/json").await?;
        if answer.status == reqwest::StatusCode::NOT_FOUND {
            return Err(self.client.refused(
                "answers 404 to a search",
                "check the address of `source`, and the version of Tempo: TraceQL needs 2.0",
            ));
        }
        let read: Result<Found, _> = serde_json::from_slice(&answer.body);
        let found = read.map_err(|error| self.client.unreadable(&error, &answer.body))?;
        let mut traces = Vec::new();
        for found in found.traces.into_iter().flatten() {
            // Leading zeros are missing.
            let id = jaeger_json::trace_id(&found.trace_id).map_err(|why| {
                let what = format!("found a trace that cannot be read: {why}");
                self.client.refused(&what, "check the version of Tempo")
            })?;
            traces.push(id);
        }
        traces.sort_unstable();
        traces.dedup();
        Ok(SearchAnswer {
            is_cut: traces.len() >= query.limit,
            traces,
        })
    }

    fn search_url(&self, query: &SearchQuery, (start, end): (u64, u64)) -> Url {
        let mut url = self.settings.address(&["api", "search"]);
        url.query_pairs_mut()
            .append_pair("q", &trace_ql(query))
            .append_pair("start", &start.to_string())
            .append_pair("end", &end.to_string())
            .append_pair("limit", &query.limit.to_string())
            .append_pair("spss", "1");
        url
    }
}

/// The conditions on one span in TraceQL.
fn trace_ql(query: &SearchQuery) -> String {
    let service = query.service.as_deref().filter(|name| *name != NO_SERVICE);
    let service = service.map(|name| format!("resource.service.name = {}", quoted(name)));
    let name = query.name.as_deref();
    let name = name.map(|name| format!("name = {}", quoted(name)));
    let of = |scope: &'static str, attributes: &[(String, Value)]| -> Vec<String> {
        let each = attributes.iter();
        each.filter_map(|(key, value)| equals(&format!("{scope}.{}", attribute(key)), value))
            .collect()
    };
    let least = query.at_least.map(|nanos| format!("duration >= {nanos}ns"));
    let most = query.at_most.map(|nanos| format!("duration <= {nanos}ns"));
    let error = query.is_error.then(|| "status = error".to_owned());
    let all: Vec<String> = service
        .into_iter()
        .chain(name)
        .chain(of("span", &query.attributes))
        .chain(of("resource", &query.resource))
        .chain(least)
        .chain(most)
        .chain(error)
        .collect();
    format!("{{ {} }}", all.join(" && "))
}

/// A comparison; None for values that TraceQL compares in another way.
fn equals(attribute: &str, value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(format!("{attribute} = {}", quoted(text))),
        // In a spec, an integer also equals a double.
        Value::Int(int) => Some(format!("({attribute} = {int} || {attribute} = {int}.0)")),
        Value::Bool(bool) => Some(format!("{attribute} = {bool}")),
        _ => None,
    }
}

/// The key of an attribute, in quotes if it has special characters.
fn attribute(key: &str) -> String {
    let is_plain = |char: char| char.is_ascii_alphanumeric() || matches!(char, '.' | '_');
    match !key.is_empty() && key.chars().all(is_plain) {
        true => key.to_owned(),
        false => quoted(key),
    }
}

/// A string in TraceQL, which has the escapes of Go.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for char in text.chars() {
        match char {
            '"' | '\\' => quoted.extend(['\\', char]),
            '\n' => quoted.push_str("\\n"),
            char if char.is_control() => quoted.push_str(&format!("\\u{:04x}", u32::from(char))),
            char => quoted.push(char),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::backend::replay::{Replay, answer};

    fn query() -> SearchQuery {
        SearchQuery {
            from: 1_500_000_000,
            to: 3_000_000_001,
            limit: 2,
            ..SearchQuery::default()
        }
    }

    #[test]
    fn each_part_of_a_query_is_a_condition_on_one_span() {
        assert_eq!(trace_ql(&query()), "{  }");
        let query = SearchQuery {
            service: Some("shop \"a\"\\".to_owned()),
            name: Some("POST /orders\n\u{1}".to_owned()),
            attributes: vec![
                ("http.response.status_code".to_owned(), Value::Int(500)),
                ("my key}".to_owned(), Value::from("a")),
                ("is.retry".to_owned(), Value::Bool(true)),
            ],
            resource: vec![("service.version".to_owned(), Value::from("v2"))],
            at_least: Some(1_500_000),
            at_most: Some(2_000_000_000),
            is_error: true,
            ..query()
        };
        let conditions = [
            r#"resource.service.name = "shop \"a\"\\""#,
            r#"name = "POST /orders\n\u0001""#,
            "(span.http.response.status_code = 500 || span.http.response.status_code = 500.0)",
            r#"span."my key}" = "a""#,
            "span.is.retry = true",
            r#"resource.service.version = "v2""#,
            "duration >= 1500000ns",
            "duration <= 2000000000ns",
            "status = error",
        ];
        assert_eq!(
            trace_ql(&query),
            format!("{{ {} }}", conditions.join(" && "))
        );
    }

    #[tokio::test]
    async fn a_search_finds_ids_without_leading_zeros_and_is_cut_at_its_limit() {
        let found = |ids: &[&str]| {
            let traces: Vec<_> = ids
                .iter()
                .map(|id| serde_json::json!({ "traceID": id, "durationMs": 5 }))
                .collect();
            answer(200, serde_json::json!({ "traces": traces }).to_string())
        };
        let both = [
            "f067aa0ba902b7d269b633813fc60d",
            "5b8efff798038103d269b633813fc60c",
        ];
        let answers = vec![found(&both), found(&both[..1]), answer(200, "{}")];
        let tempo = Replay::of([("/api/search", answers)]).await;
        let backend = tempo.backend("tempo");
        let cut = backend.adapter.search(&query()).await.unwrap();
        let ids: Vec<String> = cut.traces.iter().map(ToString::to_string).collect();
        assert_eq!(ids, ["00f067aa0ba902b7d269b633813fc60d", both[1]]);
        assert!(cut.is_cut);
        let one = backend.adapter.search(&query()).await.unwrap();
        assert_eq!((one.traces.len(), one.is_cut), (1, false));
        let none = backend.adapter.search(&query()).await.unwrap();
        assert_eq!(none, SearchAnswer::default());
        let asked = tempo.paths();
        assert!(
            asked[0].ends_with("&start=1&end=4&limit=2&spss=1"),
            "{asked:?}"
        );
    }

    #[tokio::test]
    async fn a_window_that_tempo_refuses_is_divided_first() {
        let tempo = Replay::of([]).await;
        let month = SearchQuery {
            to: 30 * 24 * 3_600 * SECOND,
            ..query()
        };
        let answer = tempo.backend("tempo").adapter.search(&month).await.unwrap();
        assert!(answer.is_cut);
        assert!(tempo.paths().is_empty());
    }
}
