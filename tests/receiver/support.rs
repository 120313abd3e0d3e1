//! Receivers, requests and clients for the tests.

use std::time::Duration;

use bytes::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::Link;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use spanspec::{Origin, Receiver, Store, TraceId};
use tonic::codec::CompressionEncoding;

use crate::raw_codec::Raw;

pub(crate) const PROTOBUF: &str = "application/x-protobuf";
pub(crate) const JSON: &str = "application/json";
pub(crate) const TRACES: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/// A receiver on a free port.
pub(crate) async fn receiver() -> Receiver {
    Receiver::builder()
        .listen([([127, 0, 0, 1], 0).into()])
        .start()
        .await
        .expect("a free port")
}

pub(crate) fn url(receiver: &Receiver, path: &str) -> String {
    format!("http://{}{path}", receiver.addresses()[0])
}

/// Fails instead of hanging.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future)
        .await
        .expect("it should have happened by now")
}

pub(crate) fn trace_id(n: u8) -> TraceId {
    TraceId::from_bytes([n; 16]).unwrap()
}

/// A span of the trace with this number.
pub(crate) fn span(trace: u8, span: u8, name: &str) -> Span {
    Span {
        trace_id: vec![trace; 16],
        span_id: vec![span; 8],
        name: name.to_owned(),
        ..Span::default()
    }
}

pub(crate) fn linked(mut span: Span, trace: u8) -> Span {
    span.links.push(Link {
        trace_id: vec![trace; 16],
        span_id: vec![1; 8],
        ..Link::default()
    });
    span
}

/// An export of these spans by this service.
pub(crate) fn request(service: &str, spans: Vec<Span>) -> Vec<u8> {
    let service = AnyValue {
        value: Some(Value::StringValue(service.to_owned())),
    };
    let resource = Resource {
        attributes: vec![KeyValue {
            key: "service.name".to_owned(),
            value: Some(service),
            ..KeyValue::default()
        }],
        ..Resource::default()
    };
    let block = ResourceSpans {
        resource: Some(resource),
        scope_spans: vec![ScopeSpans {
            spans,
            ..ScopeSpans::default()
        }],
        ..ResourceSpans::default()
    };
    ExportTraceServiceRequest {
        resource_spans: vec![block],
    }
    .encode_to_vec()
}

pub(crate) fn ingest(store: &Store, service: &str, spans: Vec<Span>) {
    store.ingest(&request(service, spans)).unwrap();
}

/// Posts a request and returns the response as status, content type and body.
pub(crate) async fn post(
    receiver: &Receiver,
    path: &str,
    content_type: &str,
    body: impl Into<reqwest::Body>,
) -> (u16, String, Bytes) {
    let request = reqwest::Client::new()
        .post(url(receiver, path))
        .header("content-type", content_type)
        .body(body);
    answer(request).await
}

pub(crate) async fn answer(request: reqwest::RequestBuilder) -> (u16, String, Bytes) {
    let response = soon(request.send()).await.unwrap();
    let content_type = response.headers().get("content-type");
    let content_type = content_type.map_or("", |value| value.to_str().unwrap());
    (
        response.status().as_u16(),
        content_type.to_owned(),
        soon(response.bytes()).await.unwrap(),
    )
}

type GrpcClient = tonic::client::Grpc<Client<HttpConnector, tonic::body::Body>>;

/// tonic's client over hyper: what the Rust SDK's exporter uses, without the SDK.
pub(crate) fn grpc_client(receiver: &Receiver) -> GrpcClient {
    let http = Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http();
    tonic::client::Grpc::with_origin(http, url(receiver, "").parse().unwrap())
}

pub(crate) async fn call(
    receiver: &Receiver,
    path: &'static str,
    message: impl Into<Bytes>,
) -> Result<Bytes, tonic::Status> {
    call_with(grpc_client(receiver), path, message).await
}

pub(crate) async fn call_compressed(
    receiver: &Receiver,
    encoding: CompressionEncoding,
    message: impl Into<Bytes>,
) -> Result<Bytes, tonic::Status> {
    call_with(
        grpc_client(receiver).send_compressed(encoding),
        TRACES,
        message,
    )
    .await
}

pub(crate) async fn call_with(
    mut client: GrpcClient,
    path: &'static str,
    message: impl Into<Bytes>,
) -> Result<Bytes, tonic::Status> {
    soon(client.ready()).await.unwrap();
    let request = tonic::Request::new(message.into());
    let path = http::uri::PathAndQuery::from_static(path);
    let response = soon(client.unary(request, path, Raw)).await?;
    Ok(response.into_inner())
}

/// The names of the spans of a trace, in order of arrival.
pub(crate) fn names(receiver: &Receiver, trace: u8) -> Vec<String> {
    let mut follow = receiver.follow(trace_id(trace), Origin::Foreign);
    let spans = follow.snapshot().trace.spans().to_vec();
    spans.into_iter().map(|span| span.name).collect()
}
