//! Grafana Tempo, over version 2 of its HTTP API, or version 1 where it has no other.

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use prost::Message;
use reqwest::StatusCode;

use super::adapter::{Adapter, FetchError, Fetched, Kind};
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
    adapter: |settings| Ok(Box::new(Tempo::new(settings)?)),
};

/// `TraceByIDResponse.Status.PARTIAL`.
const PARTIAL: i32 = 1;

#[derive(Debug)]
struct Tempo {
    settings: SourceSettings,
    client: HttpClient,
    /// Version 2 is unknown to it.
    is_old: AtomicBool,
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
        let mut client = HttpClient::new(settings)?;
        if let Some(tenant) = &settings.tenant {
            client = client.or_header("x-scope-orgid", tenant);
        }
        Ok(Self {
            settings: settings.clone(),
            client,
            is_old: AtomicBool::new(false),
        })
    }

    async fn read(&self, trace: TraceId) -> Result<Fetched, FetchError> {
        let id = trace.to_string();
        if !self.is_old.load(Ordering::Relaxed) {
            let answer = self.get(&["api", "v2", "traces", &id]).await?;
            if answer.status != StatusCode::NOT_FOUND {
                return self.version_2(&answer.body);
            }
        }
        let answer = self.get(&["api", "traces", &id]).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(Fetched::default());
        }
        // Version 2 answers 200 for a trace that it does not have.
        self.is_old.store(true, Ordering::Relaxed);
        self.spans(&answer.body)
    }

    async fn get(&self, path: &[&str]) -> Result<HttpAnswer, FetchError> {
        let url = self.settings.address(path);
        self.client.get(url, "application/protobuf").await
    }

    fn version_2(&self, body: &[u8]) -> Result<Fetched, FetchError> {
        let mut fetched = self.spans(body)?;
        if let Ok(answer) = TraceByIdResponse::decode(body)
            && answer.status == PARTIAL
        {
            let name = self.settings.name();
            fetched
                .holes
                .push(otlp_answer::partial(&name, &answer.message));
        }
        Ok(fetched)
    }

    fn spans(&self, body: &[u8]) -> Result<Fetched, FetchError> {
        let read = otlp_answer::spans(body);
        read.map_err(|error| self.client.unreadable(&error, body))
    }
}

impl Adapter for Tempo {
    fn fetch(&self, trace: TraceId) -> BoxFuture<'_, Result<Fetched, FetchError>> {
        self.read(trace).boxed()
    }
}
