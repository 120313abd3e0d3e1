//! A server as most peers in Rust have it: the types of opentelemetry-proto behind axum and tonic.

use std::future::{Ready, ready};
use std::hint::black_box;
use std::net::Ipv4Addr;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderMap, header};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message;
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::server::{Grpc, UnaryService};

/// Maximum size of a request in bytes, as that of the receiver.
const LARGEST: usize = 64 << 20;

/// Serves both protocols on one port, until the process ends.
pub(super) async fn serve() {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
    let listener = listener.expect("a free port");
    let address = listener.local_addr().expect("an address");
    println!("{address} {address}");
    let export_path = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    let routes = Router::new()
        .route("/v1/traces", post(over_http))
        .layer(DefaultBodyLimit::max(LARGEST))
        .route(export_path, post(over_grpc));
    axum::serve(listener, routes).await.expect("it serves");
}

async fn over_http(headers: HeaderMap, body: Bytes) -> &'static str {
    let is_json = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|found| found == "application/json");
    let request: ExportTraceServiceRequest = match is_json {
        true => serde_json::from_slice(&body).expect("a well-formed request"),
        false => ExportTraceServiceRequest::decode(body).expect("a well-formed request"),
    };
    black_box(request);
    ""
}

async fn over_grpc(request: http::Request<Body>) -> http::Response<tonic::body::Body> {
    let server = Grpc::new(ProstCodec);
    let mut server = server.max_decoding_message_size(LARGEST);
    server.unary(Export, request).await
}

struct Export;

impl UnaryService<ExportTraceServiceRequest> for Export {
    type Response = ExportTraceServiceResponse;
    type Future = Ready<Result<tonic::Response<Self::Response>, Status>>;

    fn call(&mut self, request: tonic::Request<ExportTraceServiceRequest>) -> Self::Future {
        black_box(request);
        ready(Ok(tonic::Response::new(
            ExportTraceServiceResponse::default(),
        )))
    }
}

/// Decodes and encodes with prost.
struct ProstCodec;

impl Codec for ProstCodec {
    type Encode = ExportTraceServiceResponse;
    type Decode = ExportTraceServiceRequest;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for ProstCodec {
    type Item = ExportTraceServiceResponse;
    type Error = Status;

    fn encode(&mut self, item: Self::Item, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        item.encode(into)
            .map_err(|error| Status::internal(error.to_string()))
    }
}

impl Decoder for ProstCodec {
    type Item = ExportTraceServiceRequest;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Self::Item>, Status> {
        let decoded = ExportTraceServiceRequest::decode(from);
        decoded
            .map(Some)
            .map_err(|error| Status::internal(error.to_string()))
    }
}
