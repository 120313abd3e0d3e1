//! Version 3 of Jaeger's API over gRPC.

use std::collections::{BTreeSet, HashMap};

use prost::Message;
use url::Url;

use super::Jaeger;
use crate::source::backend::adapter::{FetchError, Fetched, SearchQuery};
use crate::trace::{Nanos, TraceId};

const SECOND: Nanos = 1_000_000_000;

#[derive(Clone, PartialEq, Message)]
struct GetTraceRequest {
    #[prost(string, tag = "1")]
    trace_id: String,
    #[prost(bool, tag = "4")]
    raw_traces: bool,
}

#[derive(Clone, PartialEq, Message)]
struct FindTracesRequest {
    #[prost(message, optional, tag = "1")]
    query: Option<TraceQueryParameters>,
}

#[derive(Clone, PartialEq, Message)]
struct TraceQueryParameters {
    #[prost(string, tag = "1")]
    service_name: String,
    #[prost(string, tag = "2")]
    operation_name: String,
    #[prost(map = "string, string", tag = "3")]
    attributes: HashMap<String, String>,
    #[prost(message, optional, tag = "4")]
    start_time_min: Option<SecondsAndNanos>,
    #[prost(message, optional, tag = "5")]
    start_time_max: Option<SecondsAndNanos>,
    #[prost(message, optional, tag = "6")]
    duration_min: Option<SecondsAndNanos>,
    #[prost(message, optional, tag = "7")]
    duration_max: Option<SecondsAndNanos>,
    #[prost(int32, tag = "8")]
    search_depth: i32,
    #[prost(bool, tag = "9")]
    raw_traces: bool,
}

/// `google.protobuf.Timestamp`, and `Duration`.
#[derive(Clone, Copy, PartialEq, Message)]
struct SecondsAndNanos {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

#[derive(Clone, PartialEq, Message)]
struct GetServicesRequest {}

#[derive(Clone, PartialEq, Message)]
struct GetServicesResponse {
    #[prost(string, repeated, tag = "1")]
    services: Vec<String>,
}

impl Jaeger {
    pub(super) async fn read_by_grpc(&self, trace: TraceId) -> Result<Fetched, FetchError> {
        let request = GetTraceRequest {
            trace_id: trace.to_string(),
            raw_traces: true,
        };
        let mut all = Fetched::default();
        for chunk in self.call("GetTrace", &request).await? {
            let Fetched { spans, holes, .. } = self.spans(&chunk)?;
            all.spans.extend(spans);
            all.holes.extend(holes);
        }
        Ok(all)
    }

    pub(super) async fn find_by_grpc(
        &self,
        query: &SearchQuery,
        service: Option<&str>,
        limit: usize,
    ) -> Result<BTreeSet<TraceId>, FetchError> {
        let request = FindTracesRequest {
            query: Some(parameters(query, service, limit)),
        };
        let mut all = BTreeSet::new();
        for chunk in self.call("FindTraces", &request).await? {
            all.extend(self.trace_ids(&chunk)?);
        }
        Ok(all)
    }

    pub(super) async fn services_by_grpc(&self) -> Result<Vec<String>, FetchError> {
        let mut all = Vec::new();
        for answer in self.call("GetServices", &GetServicesRequest {}).await? {
            let read = GetServicesResponse::decode(answer.as_slice());
            let read = read.map_err(|error| self.client.unreadable(&error, b""))?;
            all.extend(read.services);
        }
        Ok(all)
    }

    async fn call(&self, method: &str, request: &impl Message) -> Result<Vec<Vec<u8>>, FetchError> {
        let address = self
            .settings
            .address(&["jaeger.api_v3.QueryService", method]);
        let http = address.as_str().replacen("grpc", "http", 1);
        match Url::parse(&http) {
            Ok(url) => self.client.call(url, request).await,
            Err(error) => Err(self.client.unreadable(&error, b"")),
        }
    }
}

fn parameters(query: &SearchQuery, service: Option<&str>, limit: usize) -> TraceQueryParameters {
    TraceQueryParameters {
        service_name: service.unwrap_or_default().to_owned(),
        operation_name: super::search::indexed(query.name.as_deref())
            .unwrap_or_default()
            .to_owned(),
        attributes: HashMap::new(),
        start_time_min: Some(parts(query.from)),
        start_time_max: Some(parts(query.to)),
        duration_min: query.at_least.map(parts),
        duration_max: query.at_most.map(parts),
        search_depth: i32::try_from(limit).unwrap_or(i32::MAX),
        raw_traces: true,
    }
}

fn parts(nanos: Nanos) -> SecondsAndNanos {
    SecondsAndNanos {
        seconds: i64::try_from(nanos / SECOND).unwrap_or(i64::MAX),
        nanos: i32::try_from(nanos % SECOND).unwrap_or_default(),
    }
}
