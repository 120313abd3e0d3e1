//! Dash0, whose API answers in OTLP.

#[cfg(test)]
mod tests;

use std::time::{Duration, SystemTime};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::adapter::{Adapter, AddressForm, FetchError, Fetched, Kind, SearchAnswer, SearchQuery};
use super::http::HttpClient;
use super::otlp_answer;
use super::settings::SourceSettings;
use crate::spec::keys::key;
use crate::trace::{Nanos, TraceId, Value};

pub(super) const KIND: Kind = Kind {
    key: key(
        "dash0",
        "text",
        "The region of Dash0, such as `eu-west-1`, or the URL of its API.",
    ),
    title: "Dash0",
    example: "eu-west-1",
    address: AddressForm::UrlOrName(|region| format!("https://api.{region}.aws.dash0.com")),
    options: &[key(
        "dataset",
        "text",
        "The dataset of Dash0 or Honeycomb; of Dash0 its default one, of Honeycomb all unless given.",
    )],
    variables: &["DASH0_AUTH_TOKEN"],
    adapter: |settings| Ok(Box::new(Dash0::new(settings)?)),
};

/// Number of spans of a page; the maximum.
const PAGE: usize = 200;
/// Maximum number of pages of one trace or search.
const MOST_PAGES: usize = 100;

/// The age of the oldest trace that is found by its id.
const OLDEST: Duration = Duration::from_hours(7 * 24);
/// The clock of a service may be ahead.
const AHEAD: Duration = Duration::from_hours(1);

#[derive(Debug)]
struct Dash0 {
    settings: SourceSettings,
    client: HttpClient,
}

/// The part of an answer that is not OTLP.
#[derive(Default, Deserialize)]
struct Rest {
    #[serde(default)]
    cursors: Option<Cursors>,
}

#[derive(Deserialize)]
struct Cursors {
    after: Option<String>,
}

impl Dash0 {
    fn new(settings: &SourceSettings) -> Result<Self, FetchError> {
        let mut client = HttpClient::new(settings)?;
        if let Some(token) = settings.variable("DASH0_AUTH_TOKEN") {
            client = client.with_credential("authorization", &format!("Bearer {token}"))?;
        }
        Ok(Self {
            settings: settings.clone(),
            client,
        })
    }

    /// A page of spans, and the cursor of the next one.
    async fn page(
        &self,
        (from, to): (Timestamp, Timestamp),
        filter: &Json,
        cursor: Option<&str>,
    ) -> Result<(Fetched, Option<String>), FetchError> {
        let url = self.settings.address(&["api", "spans"]);
        let body = json!({
            "timeRange": { "from": from.to_string(), "to": to.to_string() },
            // The default leaves spans out.
            "sampling": { "mode": "disabled" },
            "dataset": self.settings.option("dataset").unwrap_or("default"),
            "filter": filter,
            "pagination": { "limit": PAGE, "cursor": cursor },
        });
        let answer = self.client.post_json(url, &body, &[]).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Err(self.client.refused(
                "answers 404 Not Found",
                "check the region and `dataset` of `source`",
            ));
        }
        let unreadable =
            |error: &dyn std::error::Error| self.client.unreadable(error, &answer.body);
        let fetched = otlp_answer::spans(&answer.body).map_err(|error| unreadable(&error))?;
        let rest: Rest =
            serde_json::from_slice(&answer.body).map_err(|error| unreadable(&error))?;
        Ok((fetched, rest.cursors.and_then(|cursors| cursors.after)))
    }

    async fn read(&self, trace: TraceId) -> Result<Fetched, FetchError> {
        let now = SystemTime::now();
        let range = (time(now - OLDEST), time(now + AHEAD));
        let filter =
            json!([{ "key": "otel.trace.id", "operator": "is", "value": trace.to_string() }]);
        let mut all = Fetched::default();
        let mut cursor: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let (page, next) = self.page(range, &filter, cursor.as_deref()).await?;
            all.spans.extend(page.spans);
            all.holes.extend(page.holes);
            match next {
                Some(next) => cursor = Some(next),
                None => return Ok(all),
            }
        }
        let why = format!("it has more than {MOST_PAGES} pages");
        all.holes
            .push(otlp_answer::partial(&self.settings.name(), &why));
        Ok(all)
    }

    async fn find(&self, wanted: &SearchQuery) -> Result<SearchAnswer, FetchError> {
        let range = (moment(wanted.from), moment(wanted.to));
        let filter = filter(wanted);
        let mut answer = SearchAnswer::default();
        let mut cursor: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let (page, next) = self.page(range, &filter, cursor.as_deref()).await?;
            if let Some(hole) = page.holes.first() {
                return Err(self.client.refused(&hole.reason, &hole.remedy));
            }
            for span in page.spans {
                if !answer.traces.contains(&span.trace_id) {
                    answer.traces.push(span.trace_id);
                }
            }
            if answer.traces.len() > wanted.limit {
                answer.traces.truncate(wanted.limit);
                answer.is_cut = true;
                return Ok(answer);
            }
            match next {
                Some(next) => cursor = Some(next),
                None => return Ok(answer),
            }
        }
        answer.is_cut = true;
        Ok(answer)
    }
}

/// The conditions on strings. Others are left to the traces that are found.
fn filter(wanted: &SearchQuery) -> Json {
    let is = |key: &str, value: &str| json!({ "key": key, "operator": "is", "value": value });
    let service = wanted
        .service
        .iter()
        .filter(|name| *name != "unknown_service");
    let service = service.map(|name| is("service.name", name));
    let name = wanted.name.iter().map(|name| is("otel.span.name", name));
    let pairs = wanted.attributes.iter().chain(&wanted.resource);
    let strings = pairs.filter_map(|(key, value)| match value {
        Value::String(text) => Some(is(key, text)),
        _ => None,
    });
    service.chain(name).chain(strings).collect()
}

fn time(time: SystemTime) -> Timestamp {
    Timestamp::try_from(time).unwrap_or_default()
}

fn moment(nanos: Nanos) -> Timestamp {
    Timestamp::from_nanosecond(nanos.into()).unwrap_or(Timestamp::MAX)
}

impl Adapter for Dash0 {
    fn fetch(&self, trace: TraceId) -> BoxFuture<'_, Result<Fetched, FetchError>> {
        self.read(trace).boxed()
    }

    fn search<'a>(
        &'a self,
        query: &'a SearchQuery,
    ) -> BoxFuture<'a, Result<SearchAnswer, FetchError>> {
        self.find(query).boxed()
    }

    fn seconds_ahead(&self) -> Option<i64> {
        self.client.clock().seconds_ahead()
    }
}
