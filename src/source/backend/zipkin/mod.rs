//! Zipkin, over version 2 of its HTTP API.

#[cfg(test)]
mod tests;

use std::collections::HashSet;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use reqwest::StatusCode;
use serde::Deserialize;
use url::Url;

use super::adapter::{Adapter, AddressForm, FetchError, Fetched, Kind, SearchAnswer, SearchQuery};
use super::http::{HttpAnswer, HttpClient};
use super::settings::SourceSettings;
use crate::source::zipkin_json::{self, ZipkinSpans};
use crate::spec::keys::key;
use crate::trace::{Field, Hole, Sender, Span, TraceId, Value};

pub(super) const KIND: Kind = Kind {
    key: key("zipkin", "text", "The URL of Zipkin."),
    title: "Zipkin",
    example: "http://127.0.0.1:9411",
    address: AddressForm::Url,
    options: &[],
    variables: &[],
    adapter: |settings| Ok(Box::new(Zipkin::new(settings)?)),
};

/// Maximum number of traces of one search, which answers with whole traces.
const MOST_TRACES: usize = 100;

/// Maximum length of a tag that a search can find; Elasticsearch has no longer ones in the index.
const LONGEST_TAG: usize = 256;

/// The service of a resource without `service.name`, which the Collector names otherwise in Zipkin.
const NO_SERVICE: &str = "unknown_service";

#[derive(Debug)]
struct Zipkin {
    settings: SourceSettings,
    client: HttpClient,
}

impl Zipkin {
    fn new(settings: &SourceSettings) -> Result<Self, FetchError> {
        Ok(Self {
            settings: settings.clone(),
            client: HttpClient::new(settings)?,
        })
    }

    async fn read(&self, trace: TraceId) -> Result<Fetched, FetchError> {
        let id = trace.to_string();
        let answer = self
            .get(self.settings.address(&["api", "v2", "trace", &id]))
            .await?;
        if answer.status == StatusCode::NOT_FOUND {
            return self.unknown(trace, &answer.body);
        }
        let read = self.spans(&answer.body)?;
        let mut fetched = Fetched {
            spans: read.spans,
            holes: read.holes,
            ..Fetched::default()
        };
        fetched.holes.extend(cut_ids(&fetched.spans, trace));
        Ok(fetched)
    }

    async fn get(&self, url: Url) -> Result<HttpAnswer, FetchError> {
        self.client.get(url, "application/json").await
    }

    /// A 404 of Zipkin names the trace. Another one is of a proxy, or of a server without these paths.
    fn unknown(&self, trace: TraceId, body: &[u8]) -> Result<Fetched, FetchError> {
        let text = String::from_utf8_lossy(body).to_ascii_lowercase();
        let id = trace.to_string();
        if text.trim().is_empty() || text.contains(id.trim_start_matches('0')) {
            return Ok(Fetched::default());
        }
        Err(self.no_such_path())
    }

    fn no_such_path(&self) -> FetchError {
        self.client.refused(
            "has no API of Zipkin for reading",
            "check the address of `source`, and that Zipkin runs without QUERY_ENABLED=false and SEARCH_ENABLED=false",
        )
    }

    fn spans(&self, body: &[u8]) -> Result<ZipkinSpans, FetchError> {
        let text = String::from_utf8_lossy(body);
        zipkin_json::read(&text).map_err(|error| self.client.unreadable(&error, body))
    }

    async fn find(&self, query: &SearchQuery) -> Result<SearchAnswer, FetchError> {
        let limit = query.limit.min(MOST_TRACES);
        let mut url = self.settings.address(&["api", "v2", "traces"]);
        url.query_pairs_mut().extend_pairs(parameters(query, limit));
        let answer = self.get(url).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Err(self.no_such_path());
        }
        let ZipkinSpans { spans, holes } = self.spans(&answer.body)?;
        if let Some(hole) = holes.into_iter().next() {
            return Err(self.client.refused(&hole.reason, &hole.remedy));
        }
        let mut known = HashSet::new();
        let ids = spans.iter().map(|span| span.trace_id);
        let traces: Vec<TraceId> = ids.filter(|id| known.insert(*id)).collect();
        Ok(SearchAnswer {
            is_cut: traces.len() >= limit,
            traces,
        })
    }

    async fn read_version(&self) -> Result<Option<String>, FetchError> {
        #[derive(Deserialize)]
        struct Info {
            zipkin: Named,
        }
        #[derive(Deserialize)]
        struct Named {
            version: String,
        }
        let answer = self.get(self.settings.address(&["info"])).await?;
        let info: Option<Info> = serde_json::from_slice(&answer.body).ok();
        Ok(info.map(|info| info.zipkin.version))
    }
}

/// The parameters of a search. Times of traces are in milliseconds, durations in microseconds.
fn parameters(query: &SearchQuery, limit: usize) -> Vec<(&'static str, String)> {
    const MILLISECOND: u64 = 1_000_000;
    let end = query.to.div_ceil(MILLISECOND);
    let lookback = end.saturating_sub(query.from / MILLISECOND).max(1);
    let mut all = vec![
        ("endTs", end.to_string()),
        ("lookback", lookback.to_string()),
        ("limit", limit.to_string()),
    ];
    let lower_case = |name: &Option<String>| Some(name.as_ref()?.to_lowercase());
    let service = lower_case(&query.service).filter(|name| name != NO_SERVICE);
    all.extend(service.map(|name| ("serviceName", name)));
    all.extend(lower_case(&query.name).map(|name| ("spanName", name)));
    // Rounding can make a duration shorter or longer by a microsecond. Spans without one are not found.
    if let Some(least) = query
        .at_least
        .map(|nanos| (nanos / 1_000).saturating_sub(1))
        && least > 0
    {
        all.push(("minDuration", least.to_string()));
        let most = query.at_most.map(|nanos| nanos.div_ceil(1_000) + 1);
        all.extend(most.map(|most| ("maxDuration", most.to_string())));
    }
    let tags = query.attributes.iter().filter_map(tag);
    let tags: Vec<String> = tags
        .chain(query.is_error.then(|| "error".to_owned()))
        .collect();
    if !tags.is_empty() {
        all.push(("annotationQuery", tags.join(" and ")));
    }
    all
}

/// `http.route=/orders`; `None` for a tag that the syntax of searches cannot express.
fn tag((key, value): &(String, Value)) -> Option<String> {
    let value = value.to_text();
    let is_plain = |text: &str| text.trim() == text && !text.is_empty() && !text.contains(" and ");
    let is_plain = is_plain(key) && is_plain(&value) && !key.contains('=');
    (is_plain && key.len() + value.len() < LONGEST_TAG).then(|| format!("{key}={value}"))
}

/// The hole of spans whose trace id was cut to its last 64 bits, with which Zipkin can be configured to answer.
fn cut_ids(spans: &[Span], trace: TraceId) -> Option<Hole> {
    let (high, low) = trace.as_bytes().split_at(8);
    let is_cut = |span: &&Span| {
        let id = span.trace_id.as_bytes();
        high.iter().any(|&byte| byte != 0) && id[..8] == [0; 8] && id[8..] == *low
    };
    let first = spans.iter().find(is_cut)?;
    Some(Hole {
        reason: format!(
            "the id of this trace has only 64 bits in the span `{}`",
            first.name
        ),
        sender: Sender {
            service: Some(first.service().to_owned()),
            ..Sender::default()
        },
        remedy: "turn on 128-bit ids in its tracer, and let it propagate all of them".to_owned(),
    })
}

impl Adapter for Zipkin {
    fn losses(&self) -> &'static [Field] {
        zipkin_json::LOSSES
    }

    fn fetch(&self, trace: TraceId) -> BoxFuture<'_, Result<Fetched, FetchError>> {
        self.read(trace).boxed()
    }

    fn search<'a>(
        &'a self,
        query: &'a SearchQuery,
    ) -> BoxFuture<'a, Result<SearchAnswer, FetchError>> {
        self.find(query).boxed()
    }

    fn search_gap(&self) -> Option<&'static str> {
        Some("Zipkin searches by the start of a trace, and does not find those that began before")
    }

    fn version(&self) -> BoxFuture<'_, Result<Option<String>, FetchError>> {
        self.read_version().boxed()
    }

    fn seconds_ahead(&self) -> Option<i64> {
        self.client.clock().seconds_ahead()
    }
}
