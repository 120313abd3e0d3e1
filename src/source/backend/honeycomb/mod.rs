//! Honeycomb, whose API answers with groups of events: the existence of spans, their tree and their services.
//! Its counts and sketches of durations are information only.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use reqwest::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};

use super::adapter::{Adapter, AddressForm, FetchError, Fetched, Kind, SearchAnswer, SearchQuery};
use super::http::{HttpAnswer, HttpClient};
use super::otlp_answer;
use super::settings::SourceSettings;
use crate::number::{counted, duration};
use crate::spec::keys::key;
use crate::trace::{Field, Nanos, Resource, Span, TraceId};

pub(super) const KIND: Kind = Kind {
    key: key(
        "honeycomb",
        "text",
        "The URL of the API of Honeycomb, such as https://api.honeycomb.io.",
    ),
    title: "Honeycomb",
    example: "https://api.honeycomb.io",
    address: AddressForm::Url,
    // `dataset` is that of Dash0, too.
    options: &[key(
        "dataset",
        "text",
        "The dataset of Dash0 or Honeycomb; of Dash0 its default one, of Honeycomb all unless given.",
    )],
    variables: &["HONEYCOMB_API_KEY", "HONEYCOMB_API_ENDPOINT"],
    adapter: |settings| Ok(Box::new(Honeycomb::new(settings)?)),
};

/// Maximum number of groups of an answer.
const MOST_ROWS: usize = 10_000;
/// The age of the oldest trace that is found, in seconds: a day. Honeycomb permits a week.
const OLDEST: u64 = 24 * 3_600;
/// Maximum number of requests for a result.
const MOST_TRIES: usize = 20;
/// The pause between them.
const PAUSE: Duration = Duration::from_millis(500);

const ID: &str = "trace.span_id";
const PARENT: &str = "trace.parent_id";
const SERVICE: &str = "service.name";
const NAME: &str = "name";
const DURATION: &str = "duration_ms";

const SECOND: Nanos = 1_000_000_000;

#[derive(Debug)]
struct Honeycomb {
    settings: SourceSettings,
    client: HttpClient,
}

#[derive(Deserialize)]
struct Created {
    id: String,
}

#[derive(Deserialize)]
struct QueryResult {
    complete: bool,
    #[serde(default)]
    data: ResultData,
}

#[derive(Default, Deserialize)]
struct ResultData {
    #[serde(default)]
    results: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    data: serde_json::Map<String, Json>,
}

impl Honeycomb {
    fn new(settings: &SourceSettings) -> Result<Self, FetchError> {
        if let Some(endpoint) = settings.variable("HONEYCOMB_API_ENDPOINT")
            && endpoint.trim_end_matches('/') != settings.url.as_str().trim_end_matches('/')
        {
            return Err(FetchError::Refused {
                why: format!(
                    "the address of Honeycomb is {} by `source`, and {endpoint} by HONEYCOMB_API_ENDPOINT",
                    settings.url
                ),
                help: "make them equal: the key belongs to one region".to_owned(),
            });
        }
        let mut client = HttpClient::new(settings)?;
        if let Some(key) = settings.variable("HONEYCOMB_API_KEY") {
            client = client.with_credential("x-honeycomb-team", key)?;
        }
        Ok(Self {
            settings: settings.clone(),
            client,
        })
    }

    fn dataset(&self) -> &str {
        self.settings.option("dataset").unwrap_or("__all__")
    }

    fn parse<T: DeserializeOwned>(&self, answer: &HttpAnswer) -> Result<T, FetchError> {
        match answer.status {
            StatusCode::NOT_FOUND => Err(self.client.refused(
                "answers 404 Not Found",
                "check the address and `dataset` of `source`, and that the plan of the team has the Query Data API",
            )),
            _ => serde_json::from_slice(&answer.body)
                .map_err(|error| self.client.unreadable(&error, &answer.body)),
        }
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, body: &Json) -> Result<T, FetchError> {
        let url = self.settings.address(&["1", path, self.dataset()]);
        let answer = self.client.post_json(url, body, &[]).await?;
        self.parse(&answer)
    }

    async fn read(&self, trace: TraceId) -> Result<Fetched, FetchError> {
        let query = json!({
            "breakdowns": [ID, PARENT, SERVICE, NAME],
            "calculations": [{ "op": "COUNT" }],
            "filters": [is("trace.trace_id", &trace.to_string())],
            "time_range": OLDEST,
        });
        let rows = self.rows(&query).await?;
        self.fetched(trace, &rows)
    }

    /// The refusal of a search, with what Honeycomb counts and estimates.
    async fn statistics(&self, wanted: &SearchQuery) -> Result<FetchError, FetchError> {
        let parts = [(SERVICE, &wanted.service), (NAME, &wanted.name)];
        let parts = parts.map(|(column, text)| Some((column, text.as_deref()?)));
        let parts: Vec<(&str, &str)> = parts.into_iter().flatten().collect();
        let is_span = json!({ "column": ID, "op": "exists" });
        let filters = parts.iter().map(|(column, text)| is(column, text));
        let query = json!({
            "calculations": [
                { "op": "COUNT" },
                { "op": "P50", "column": DURATION },
                { "op": "P99", "column": DURATION },
            ],
            "filters": filters.chain([is_span]).collect::<Vec<_>>(),
            "start_time": wanted.from / SECOND,
            "end_time": wanted.to.div_ceil(SECOND),
        });
        let rows = self.rows(&query).await?;
        let value = |column: &str| rows.first()?.data.get(column);
        let time = |column: &str| {
            let millis = value(column)?.as_f64()?;
            Some(duration(
                Duration::try_from_secs_f64(millis / 1_000.0).ok()?,
            ))
        };
        let count = value("COUNT").and_then(Json::as_u64).unwrap_or_default();
        let mut what = format!(
            "cannot search for traces; for information, it counts {}",
            counted(count, "span")
        );
        if !parts.is_empty() {
            let parts = parts
                .iter()
                .map(|(column, text)| format!("{column} `{text}`"));
            what += &format!(" with {}", parts.collect::<Vec<_>>().join(" and "));
        }
        what += " in this time";
        if let (Some(p50), Some(p99)) = (time("P50(duration_ms)"), time("P99(duration_ms)")) {
            what += &format!(", with a p50 of about {p50} and a p99 of about {p99}");
        }
        let help = "use `trace_id` with the ids of traces";
        Ok(self.client.refused(&what, help))
    }

    /// The groups that a query finds.
    async fn rows(&self, query: &Json) -> Result<Vec<Row>, FetchError> {
        let query: Created = self.post("queries", query).await?;
        let run = json!({ "query_id": query.id, "disable_series": true, "limit": MOST_ROWS });
        let run: Created = self.post("query_results", &run).await?;
        let url = self
            .settings
            .address(&["1", "query_results", self.dataset(), &run.id]);
        for _ in 0..MOST_TRIES {
            let answer = self.client.get(url.clone(), "application/json").await?;
            let result: QueryResult = self.parse(&answer)?;
            if result.complete {
                return Ok(result.data.results);
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(FetchError::Later {
            why: format!("{} has not completed a query", self.settings.name()),
            after: None,
            help: "check that it is well".to_owned(),
        })
    }

    fn fetched(&self, trace: TraceId, rows: &[Row]) -> Result<Fetched, FetchError> {
        let mut fetched = Fetched::default();
        // Events and links have rows without an id of their own.
        for row in rows.iter().filter(|row| row.text(ID).is_some()) {
            let span = row.span(trace).ok_or_else(|| {
                let what = format!("has a span with an invalid id in the trace {trace}");
                self.client
                    .refused(&what, "check the ids of its spans in Honeycomb")
            })?;
            fetched.spans.push(span);
        }
        if rows.len() >= MOST_ROWS {
            let why = format!("it has {MOST_ROWS} spans or more");
            fetched
                .holes
                .push(otlp_answer::partial(&self.settings.name(), &why));
        }
        Ok(fetched)
    }
}

/// The filter of rows with this text in a column.
fn is(column: &str, text: &str) -> Json {
    json!({ "column": column, "op": "=", "value": text })
}

impl Row {
    fn text(&self, column: &str) -> Option<&str> {
        self.data
            .get(column)?
            .as_str()
            .filter(|text| !text.is_empty())
    }

    /// A span without times; none if an id is invalid.
    fn span(&self, trace: TraceId) -> Option<Span> {
        let id = self.text(ID)?.parse().ok()?;
        let mut span = Span::new(trace, id, self.text(NAME).unwrap_or_default());
        span.parent_id = match self.text(PARENT) {
            Some(parent) => Some(parent.parse().ok()?),
            None => None,
        };
        let service = self.text(SERVICE).map(|name| ("service.name", name));
        span.resource = Arc::new(Resource {
            attributes: service.into_iter().collect(),
        });
        Some(span)
    }
}

impl Adapter for Honeycomb {
    fn losses(&self) -> &'static [Field] {
        &[
            Field::Attributes,
            Field::Durations,
            Field::Kind,
            Field::Status,
            Field::StatusMessage,
            Field::Starts,
            Field::Nanoseconds,
            Field::Resource,
            Field::Scope,
            Field::Events,
            Field::Links,
        ]
    }

    fn fetch(&self, trace: TraceId) -> BoxFuture<'_, Result<Fetched, FetchError>> {
        self.read(trace).boxed()
    }

    fn search<'a>(
        &'a self,
        query: &'a SearchQuery,
    ) -> BoxFuture<'a, Result<SearchAnswer, FetchError>> {
        let refused = self.statistics(query);
        refused
            .map(|result| Err(result.unwrap_or_else(|error| error)))
            .boxed()
    }

    fn seconds_ahead(&self) -> Option<i64> {
        self.client.clock().seconds_ahead()
    }
}
