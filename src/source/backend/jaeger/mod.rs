//! Jaeger, over version 3 of its API by HTTP or gRPC, or the old API where it has no other.

mod grpc;
mod search;
#[cfg(test)]
mod tests;

use std::sync::OnceLock;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use reqwest::StatusCode;
use serde_json::Value;
use url::Url;

use super::adapter::{Adapter, AddressForm, FetchError, Fetched, Kind, SearchAnswer, SearchQuery};
use super::http::HttpClient;
use super::otlp_answer;
use super::settings::SourceSettings;
use crate::source::jaeger_json;
use crate::spec::keys::key;
use crate::trace::{Span, TraceId};

pub(super) const KIND: Kind = Kind {
    key: key(
        "jaeger",
        "text",
        "The URL of Jaeger; `grpc://host:16685` or `grpcs://…` for gRPC.",
    ),
    title: "Jaeger",
    example: "http://127.0.0.1:16686",
    address: AddressForm::UrlWith(&["grpc", "grpcs"]),
    options: &[],
    variables: &[],
    adapter: |settings| Ok(Box::new(Jaeger::new(settings)?)),
};

/// An attribute that an adjusted read, such as that of the user interface, adds to stored spans.
const ADDED: &str = "@jaeger@warnings";

#[derive(Debug)]
struct Jaeger {
    settings: SourceSettings,
    client: HttpClient,
    /// Set by the first answer: `true` if there is only the old API.
    is_old: OnceLock<bool>,
}

/// The answer of one version of the API.
enum Read<T> {
    Answer(T),
    /// It does not have this version.
    NoVersion,
}

impl Jaeger {
    fn new(settings: &SourceSettings) -> Result<Self, FetchError> {
        let client =
            HttpClient::new(settings)?.of_tenant("x-tenant", settings.tenant.as_deref())?;
        Ok(Self {
            settings: settings.clone(),
            client,
            is_old: OnceLock::new(),
        })
    }

    async fn read(&self, trace: TraceId) -> Result<Fetched, FetchError> {
        if self.is_grpc() {
            return self.read_by_grpc(trace).await;
        }
        let id = trace.to_string();
        let mut url = self.settings.address(&["api", "v3", "traces", &id]);
        // Versions know one spelling or the other. Without it, Jaeger changes spans for its user interface.
        url.set_query(Some("raw_traces=true&rawTraces=true"));
        if let Read::Answer(body) = self.version_3(url).await? {
            return self.spans(&body);
        }
        let mut url = self.settings.address(&["api", "traces", &id]);
        url.set_query(Some("raw=true"));
        let body = self.old_version(url).await?;
        let read = jaeger_json::spans(&body);
        let read = read.map_err(|error| self.client.unreadable(&error, &body))?;
        Ok(Fetched {
            spans: read.spans,
            holes: read.holes,
            losses: read.losses,
            ..Fetched::default()
        })
    }

    fn is_grpc(&self) -> bool {
        self.settings.url.scheme().starts_with("grpc")
    }

    fn spans(&self, body: &[u8]) -> Result<Fetched, FetchError> {
        let read = otlp_answer::spans(body);
        let mut fetched = read.map_err(|error| self.client.unreadable(&error, body))?;
        fetched.spans.iter_mut().for_each(without_additions);
        Ok(fetched)
    }

    /// The body of an answer of version 3; empty if there is nothing.
    async fn version_3(&self, url: Url) -> Result<Read<Vec<u8>>, FetchError> {
        let is_old = self.is_old.get().copied();
        if is_old == Some(true) {
            return Ok(Read::NoVersion);
        }
        // Jaeger answers unknown paths with its user interface.
        let answer = self.client.get_unless_page(url, "application/json").await?;
        let body = match answer {
            Some(answer) if answer.status != StatusCode::NOT_FOUND => answer.body,
            Some(answer) if is_old.is_some() || has(&answer.body, "error") => Vec::new(),
            _ => return Ok(Read::NoVersion),
        };
        self.is_old.get_or_init(|| false);
        Ok(Read::Answer(body))
    }

    /// The body of an answer of the old API.
    async fn old_version(&self, url: Url) -> Result<Vec<u8>, FetchError> {
        let answer = self.client.get(url, "application/json").await?;
        if !has(&answer.body, "data") {
            let what = match answer.status {
                StatusCode::NOT_FOUND => "answers 404 to requests of its API",
                _ => "answers something other than its API",
            };
            let help =
                "check the address of `source`: does its API have another port, or a base path?";
            return Err(self.client.refused(what, help));
        }
        self.is_old.get_or_init(|| true);
        Ok(answer.body)
    }
}

/// Returns `true` for a JSON object with this key.
fn has(body: &[u8], key: &str) -> bool {
    let json: Option<Value> = serde_json::from_slice(body).ok();
    json.is_some_and(|json| json.get(key).is_some())
}

fn without_additions(span: &mut Span) {
    if span.attributes.get(ADDED).is_some() {
        let dropped = span.attributes.dropped();
        let kept = span.attributes.iter().filter(|(key, _)| *key != ADDED);
        let kept = kept.map(|(key, value)| (key.to_owned(), value.clone()));
        span.attributes = kept
            .collect::<crate::trace::Attributes>()
            .with_dropped(dropped);
    }
}

impl Adapter for Jaeger {
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
        Some("with some storages, such as Cassandra, the search of Jaeger is not exhaustive")
    }

    fn seconds_ahead(&self) -> Option<i64> {
        self.client.clock().seconds_ahead()
    }
}
