//! Grafana Tempo, over version 2 of its HTTP API, or version 1 where it has no other.

mod search;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use prost::Message;
use reqwest::StatusCode;

use super::adapter::{Adapter, AddressForm, FetchError, Fetched, Kind, SearchAnswer, SearchQuery};
use super::http::{HttpAnswer, HttpClient};
use super::otlp_answer;
use super::settings::SourceSettings;
use crate::spec::keys::key;
use crate::trace::TraceId;

pub(super) const KIND: Kind = Kind {
    key: key(
        "tempo",
        "text",
        "The URL of Grafana Tempo, or of the data source proxy of Grafana.",
    ),
    title: "Tempo",
    example: "http://127.0.0.1:3200",
    address: AddressForm::Url,
    options: &[],
    variables: &[],
    adapter: |settings| Ok(Box::new(Tempo::new(settings)?)),
};

/// `TraceByIDResponse.Status.PARTIAL`.
const PARTIAL: i32 = 1;

#[derive(Debug)]
struct Tempo {
    settings: SourceSettings,
    client: HttpClient,
}

/// The fields of an answer of version 2 beside the trace.
#[derive(Clone, PartialEq, Message)]
struct TraceByIdResponse {
    #[prost(int32, tag = "3")]
    status: i32,
    #[prost(string, tag = "4")]
    message: String,
}

impl Tempo {
    fn new(settings: &SourceSettings) -> Result<Self, FetchError> {
        let client =
            HttpClient::new(settings)?.of_tenant("x-scope-orgid", settings.tenant.as_deref())?;
        Ok(Self {
            settings: settings.clone(),
            client,
        })
    }

    async fn read(&self, trace: TraceId) -> Result<Fetched, FetchError> {
        let id = trace.to_string();
        let answer = self.get(&["api", "v2", "traces", &id]).await?;
        if answer.status != StatusCode::NOT_FOUND {
            return self.version_2(&answer.body);
        }
        // It has no such trace, or no version 2.
        let answer = self.get(&["api", "traces", &id]).await?;
        match answer.status {
            StatusCode::NOT_FOUND => Ok(Fetched::default()),
            _ => self.spans(&answer.body),
        }
    }

    async fn get(&self, path: &[&str]) -> Result<HttpAnswer, FetchError> {
        let url = self.settings.address(path);
        self.client.get(url, "application/protobuf").await
    }

    /// None for a proxy that does not pass this request on.
    async fn read_version(&self) -> Result<Option<String>, FetchError> {
        let url = self.settings.address(&["api", "status", "buildinfo"]);
        let Some(answer) = self.client.get_unless_page(url, "application/json").await? else {
            return Ok(None);
        };
        let build: Option<serde_json::Value> = serde_json::from_slice(&answer.body).ok();
        let version = build.as_ref().and_then(|build| build["version"].as_str());
        Ok(version.map(str::to_owned))
    }

    fn version_2(&self, body: &[u8]) -> Result<Fetched, FetchError> {
        let mut fetched = self.spans(body)?;
        if let Some(why) = partial(body) {
            let hole = otlp_answer::partial(&self.settings.name(), &why);
            fetched.holes.push(hole);
        }
        Ok(fetched)
    }

    fn spans(&self, body: &[u8]) -> Result<Fetched, FetchError> {
        let read = otlp_answer::spans(body);
        read.map_err(|error| self.client.unreadable(&error, body))
    }
}

/// The message of an answer of version 2 with a part of the trace only. A proxy may have asked for JSON.
fn partial(body: &[u8]) -> Option<String> {
    if let Ok(answer) = serde_json::from_slice::<serde_json::Value>(body) {
        let status = answer.get("status")?;
        let is_partial = status == PARTIAL || status == "PARTIAL";
        let message = answer.get("message").and_then(serde_json::Value::as_str);
        return is_partial.then(|| message.unwrap_or_default().to_owned());
    }
    let answer = TraceByIdResponse::decode(body).ok()?;
    (answer.status == PARTIAL).then_some(answer.message)
}

impl Adapter for Tempo {
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
        Some("Tempo's search is not exhaustive, and finds new traces late")
    }

    fn version(&self) -> BoxFuture<'_, Result<Option<String>, FetchError>> {
        self.read_version().boxed()
    }

    fn seconds_ahead(&self) -> Option<i64> {
        self.client.clock().seconds_ahead()
    }
}
