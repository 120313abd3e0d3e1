//! Searches in Jaeger.
//!
//! Attributes and status are not passed on: version 2.13 ignores them over HTTP, and some storages keep only
//! a part of them for searches.

use std::collections::BTreeSet;

use serde::Deserialize;
use url::Url;

use super::{Jaeger, Read};
use crate::source::backend::adapter::{FetchError, Fetched, SearchAnswer, SearchQuery};
use crate::source::jaeger_json;
use crate::trace::{Nanos, TraceId};

/// Maximum number of traces of one answer, which has all their spans.
const MOST_TRACES: usize = 200;

/// Longer names are not indexed in Elasticsearch.
const LONGEST_NAME: usize = 256;

/// The service of a resource without `service.name`, which Jaeger names otherwise.
const NO_SERVICE: &str = "unknown_service";

#[derive(Deserialize)]
struct Services {
    #[serde(default, alias = "data")]
    services: Option<Vec<String>>,
}

/// The ids of an answer of the old API, which has whole traces.
#[derive(Deserialize)]
struct Traces {
    #[serde(default)]
    data: Option<Vec<TraceHead>>,
}

#[derive(Deserialize)]
struct TraceHead {
    #[serde(rename = "traceID")]
    trace_id: String,
}

impl Jaeger {
    pub(super) async fn find(&self, query: &SearchQuery) -> Result<SearchAnswer, FetchError> {
        if let Some(service) = query.service.as_deref().filter(|name| *name != NO_SERVICE) {
            return self.find_of(query, Some(service)).await;
        }
        let failed = match self.find_of(query, None).await {
            Ok(answer) => return Ok(answer),
            Err(failed) => failed,
        };
        // Most storages search one service only.
        let services = self.services().await?;
        if services.is_empty() {
            return Err(failed);
        }
        let mut all = SearchAnswer::default();
        for service in services {
            let SearchAnswer { traces, is_cut } = self.find_of(query, Some(&service)).await?;
            all.is_cut |= is_cut;
            all.traces.extend(traces);
        }
        all.traces.sort_unstable();
        all.traces.dedup();
        Ok(all)
    }

    async fn find_of(
        &self,
        query: &SearchQuery,
        service: Option<&str>,
    ) -> Result<SearchAnswer, FetchError> {
        let limit = query.limit.min(MOST_TRACES);
        let traces = match self.is_grpc() {
            true => self.find_by_grpc(query, service, limit).await?,
            false => self.find_by_http(query, service, limit).await?,
        };
        Ok(SearchAnswer {
            is_cut: traces.len() >= limit,
            traces: traces.into_iter().collect(),
        })
    }

    async fn find_by_http(
        &self,
        query: &SearchQuery,
        service: Option<&str>,
        limit: usize,
    ) -> Result<BTreeSet<TraceId>, FetchError> {
        match self.version_3(self.query_3(query, service, limit)).await? {
            Read::Answer(body) => self.trace_ids(&body),
            Read::NoVersion => {
                let body = self
                    .old_version(self.old_query(query, service, limit))
                    .await?;
                self.old_ids(&body)
            }
        }
    }

    /// Each parameter in both spellings: versions know one of them only.
    fn query_3(&self, query: &SearchQuery, service: Option<&str>, limit: usize) -> Url {
        let mut url = self.settings.address(&["api", "v3", "traces"]);
        let mut pairs = url.query_pairs_mut();
        let mut add = |old: &str, new: &str, value: &str| {
            pairs.append_pair(&format!("query.{old}"), value);
            pairs.append_pair(&format!("query.{new}"), value);
        };
        add("start_time_min", "startTimeMin", &time(query.from));
        add("start_time_max", "startTimeMax", &time(query.to));
        add("num_traces", "searchDepth", &limit.to_string());
        add("raw_traces", "rawTraces", "true");
        if let Some(service) = service {
            add("service_name", "serviceName", service);
        }
        if let Some(name) = indexed(query.name.as_deref()) {
            add("operation_name", "operationName", name);
        }
        if let Some(least) = query.at_least {
            add("duration_min", "durationMin", &format!("{least}ns"));
        }
        if let Some(most) = query.at_most {
            add("duration_max", "durationMax", &format!("{most}ns"));
        }
        drop(pairs);
        url
    }

    fn old_query(&self, query: &SearchQuery, service: Option<&str>, limit: usize) -> Url {
        let mut url = self.settings.address(&["api", "traces"]);
        let mut pairs = url.query_pairs_mut();
        let micros = |nanos: Nanos| (nanos / 1_000).to_string();
        pairs.append_pair("start", &micros(query.from));
        pairs.append_pair("end", &query.to.div_ceil(1_000).to_string());
        pairs.append_pair("limit", &limit.to_string());
        pairs.append_pair("raw", "true");
        if let Some(service) = service {
            pairs.append_pair("service", service);
        }
        if let Some(name) = indexed(query.name.as_deref()) {
            pairs.append_pair("operation", name);
        }
        if let Some(least) = query.at_least {
            pairs.append_pair("minDuration", &format!("{}us", micros(least)));
        }
        if let Some(most) = query.at_most {
            pairs.append_pair("maxDuration", &format!("{}us", most.div_ceil(1_000)));
        }
        drop(pairs);
        url
    }

    /// The ids of an answer, which has whole traces.
    pub(super) fn trace_ids(&self, body: &[u8]) -> Result<BTreeSet<TraceId>, FetchError> {
        let Fetched { spans, holes, .. } = self.spans(body)?;
        match holes.first() {
            // The id of its trace may be unknown.
            Some(hole) => Err(self.client.refused(&hole.reason, &hole.remedy)),
            None => Ok(spans.iter().map(|span| span.trace_id).collect()),
        }
    }

    fn old_ids(&self, body: &[u8]) -> Result<BTreeSet<TraceId>, FetchError> {
        let read: Result<Traces, _> = serde_json::from_slice(body);
        let traces = read.map_err(|error| self.client.unreadable(&error, body))?;
        let ids = traces.data.into_iter().flatten();
        ids.map(|head| {
            jaeger_json::trace_id(&head.trace_id).map_err(|why| {
                let what = format!("answers with a trace that cannot be read: {why}");
                self.client.refused(&what, "check what wrote the trace")
            })
        })
        .collect()
    }

    async fn services(&self) -> Result<Vec<String>, FetchError> {
        if self.is_grpc() {
            return self.services_by_grpc().await;
        }
        let url = self.settings.address(&["api", "v3", "services"]);
        let body = match self.version_3(url).await? {
            Read::Answer(body) if body.is_empty() => return Ok(Vec::new()),
            Read::Answer(body) => body,
            Read::NoVersion => {
                let url = self.settings.address(&["api", "services"]);
                self.old_version(url).await?
            }
        };
        let read: Result<Services, _> = serde_json::from_slice(&body);
        let services = read.map_err(|error| self.client.unreadable(&error, &body))?;
        Ok(services.services.unwrap_or_default())
    }
}

pub(super) fn indexed(name: Option<&str>) -> Option<&str> {
    name.filter(|name| name.len() <= LONGEST_NAME)
}

/// `2026-11-28T08:03:01.335000001Z`.
fn time(nanos: Nanos) -> String {
    let time = i128::from(nanos);
    jiff::Timestamp::from_nanosecond(time).map_or_else(|_| nanos.to_string(), |at| at.to_string())
}
