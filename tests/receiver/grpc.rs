//! OTLP/gRPC, point by point.

use std::io::Write;

use bytes::Bytes;
use http_body_util::BodyExt;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;
use spanspec::{Origin, Receiver};
use tonic::Code;
use tonic::codec::CompressionEncoding;

use crate::support::{
    TRACES, call, call_compressed, names, receiver, request, soon, span, trace_id, url,
};

/// A gRPC call by hand: returns the HTTP status, the `grpc-status` and the `grpc-message`.
async fn raw_call(
    receiver: &Receiver,
    path: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> (u16, Option<i32>, String) {
    let client = reqwest::Client::builder()
        .http2_prior_knowledge()
        .build()
        .unwrap();
    let mut request = client
        .post(url(receiver, path))
        .header("te", "trailers")
        .body(body);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response: http::Response<reqwest::Body> = soon(request.send()).await.unwrap().into();
    let (parts, body) = response.into_parts();
    let trailers = soon(body.collect())
        .await
        .unwrap()
        .trailers()
        .cloned()
        .unwrap_or_default();
    let header = |name: &str| {
        let value = parts.headers.get(name).or_else(|| trailers.get(name));
        value.map(|value| value.to_str().unwrap().to_owned())
    };
    let code = header("grpc-status").map(|code| code.parse().unwrap());
    (
        parts.status.as_u16(),
        code,
        header("grpc-message").unwrap_or_default(),
    )
}

const GRPC: (&str, &str) = ("content-type", "application/grpc");

fn framed(flag: u8, message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[flag], &length[..], message].concat()
}

fn last_reason(receiver: &Receiver) -> String {
    let stats = receiver.stats();
    let refusal = stats.refusals.back().unwrap();
    assert!(refusal.sender.peer.is_some());
    refusal.reason.clone()
}

#[tokio::test]
async fn a_call_is_answered_with_an_empty_message() {
    let receiver = receiver().await;
    let answer = call(&receiver, TRACES, request("s", vec![span(1, 1, "GET /")])).await;
    assert_eq!(answer.unwrap(), Bytes::new());
    assert_eq!(call(&receiver, TRACES, "").await.unwrap(), Bytes::new());
    assert_eq!(names(&receiver, 1), ["GET /"]);
}

#[tokio::test]
async fn gzip_zstd_and_deflate_are_decoded() {
    let receiver = receiver().await;
    let encodings = [
        CompressionEncoding::Gzip,
        CompressionEncoding::Zstd,
        CompressionEncoding::Deflate,
    ];
    for (n, encoding) in (1..).zip(encodings) {
        let message = request("s", vec![span(1, n, &format!("{encoding}"))]);
        call_compressed(&receiver, encoding, message).await.unwrap();
    }
    assert_eq!(names(&receiver, 1), ["gzip", "zstd", "deflate"]);
}

#[tokio::test]
async fn spans_with_invalid_ids_are_a_partial_success() {
    let receiver = receiver().await;
    let message = request("s", vec![span(0, 1, "no trace"), span(1, 1, "fine")]);
    let answer = call(&receiver, TRACES, message).await.unwrap();
    let partial = ExportTraceServiceResponse::decode(answer)
        .unwrap()
        .partial_success
        .unwrap();
    assert_eq!(partial.rejected_spans, 1);
    assert_eq!(names(&receiver, 1), ["fine"]);
}

#[tokio::test]
async fn bad_data_is_invalid_argument() {
    let receiver = receiver().await;
    let error = call(&receiver, TRACES, "no protobuf").await.unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    assert!(error.message().starts_with("no OTLP protobuf: "), "{error}");
    assert_eq!(last_reason(&receiver), error.message());
}

#[tokio::test]
async fn a_message_over_64_mib_is_resource_exhausted_and_not_retried() {
    let receiver = receiver().await;
    let name = "x".repeat(63 << 20);
    call(&receiver, TRACES, request("s", vec![span(1, 1, &name)]))
        .await
        .unwrap();

    let mut claimed = framed(0, b"");
    claimed[1..].copy_from_slice(&u32::MAX.to_be_bytes());
    let (status, code, _) = raw_call(&receiver, TRACES, &[GRPC], claimed).await;
    assert_eq!((status, code), (200, Some(Code::ResourceExhausted as i32)));

    let zeros = vec![0; 80 << 20];
    let bomb = framed(1, &zstd::encode_all(&zeros[..], 1).unwrap());
    let zstd = ("grpc-encoding", "zstd");
    let (_, code, message) = raw_call(&receiver, TRACES, &[GRPC, zstd], bomb).await;
    assert_eq!(code, Some(Code::ResourceExhausted as i32), "{message}");
    assert_eq!(receiver.stats().refused, 2);
}

#[tokio::test]
async fn a_message_that_cannot_be_decompressed_is_invalid_argument() {
    let receiver = receiver().await;
    let gzip = ("grpc-encoding", "gzip");
    let (_, code, _) = raw_call(&receiver, TRACES, &[GRPC, gzip], framed(1, b"no gzip")).await;
    assert_eq!(code, Some(Code::InvalidArgument as i32));
    let (_, code, _) = raw_call(&receiver, TRACES, &[GRPC], vec![0, 0, 0, 0, 9, 1]).await;
    assert_eq!(
        code,
        Some(Code::InvalidArgument as i32),
        "a message cut short"
    );
    let (_, code, _) = raw_call(&receiver, TRACES, &[GRPC], framed(1, b"x")).await;
    assert_eq!(code, Some(Code::InvalidArgument as i32), "no grpc-encoding");
}

#[tokio::test]
async fn all_streams_of_a_compressed_message_are_read() {
    let receiver = receiver().await;
    let gzip = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let parts = [1, 2].map(|id| gzip(&request("s", vec![span(1, id, &format!("span {id}"))])));
    let headers = [GRPC, ("grpc-encoding", "gzip")];
    let joined = framed(1, &parts.concat());
    let (_, code, message) = raw_call(&receiver, TRACES, &headers, joined).await;
    assert_eq!((code, &*message), (Some(0), ""));
    assert_eq!(names(&receiver, 1), ["span 1", "span 2"]);
}

#[tokio::test]
async fn a_call_with_another_number_of_messages_than_one_is_refused() {
    let receiver = receiver().await;
    let mut follow = receiver.follow(trace_id(1), Origin::Foreign);
    let message = framed(0, &request("s", vec![span(1, 1, "it")]));
    let two = [message.clone(), message].concat();
    let (_, code, _) = raw_call(&receiver, TRACES, &[GRPC], two).await;
    assert_eq!(code, Some(Code::InvalidArgument as i32));
    assert_eq!(last_reason(&receiver), "the call has more than one message");
    let holes = follow.snapshot().trace.holes().len();
    let (_, code, _) = raw_call(&receiver, TRACES, &[GRPC], Vec::new()).await;
    assert_eq!(code, Some(Code::InvalidArgument as i32));
    assert_eq!(last_reason(&receiver), "the call has no message");
    // The latter is a probe.
    assert_eq!((holes, follow.snapshot().trace.holes().len()), (1, 1));
}

#[tokio::test]
async fn an_unknown_encoding_is_unimplemented_with_the_known_ones_named() {
    let receiver = receiver().await;
    let snappy = ("grpc-encoding", "snappy");
    let (_, code, message) = raw_call(&receiver, TRACES, &[GRPC, snappy], framed(1, b"x")).await;
    assert_eq!(code, Some(Code::Unimplemented as i32));
    assert!(message.contains("snappy"), "{message}");
}

#[tokio::test]
async fn an_unknown_method_is_grpc_status_12_and_no_bare_404() {
    let receiver = receiver().await;
    let profiles = "/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export";
    let error = call(&receiver, profiles, "").await.unwrap_err();
    assert_eq!(error.code(), Code::Unimplemented);
    let (status, code, _) = raw_call(&receiver, "/v1/traces/x", &[GRPC], framed(0, b"")).await;
    assert_eq!((status, code), (200, Some(12)));
    assert_eq!(last_reason(&receiver), "there is no such endpoint");
}

#[tokio::test]
async fn another_content_type_is_415() {
    let receiver = receiver().await;
    for content_type in [
        "application/json",
        "application/grpc+json",
        "application/grpc-web",
    ] {
        let headers = [("content-type", content_type)];
        let (status, _, _) = raw_call(&receiver, TRACES, &headers, framed(0, b"")).await;
        assert_eq!(status, 415, "{content_type}");
        let remedy = &receiver.stats().refusals.back().unwrap().remedy.clone();
        assert!(
            remedy.contains("OTEL_EXPORTER_OTLP_PROTOCOL=grpc"),
            "{remedy}"
        );
    }
    let proto = [("content-type", "application/grpc+proto")];
    assert_eq!(
        raw_call(&receiver, TRACES, &proto, framed(0, b"")).await.1,
        Some(0)
    );
}

#[tokio::test]
async fn many_calls_share_one_connection() {
    let receiver = receiver().await;
    let client = crate::support::grpc_client(&receiver);
    let calls = (1..=50).map(|n| {
        let message = request("s", vec![span(1, n, "parallel")]);
        tokio::spawn(crate::support::call_with(client.clone(), TRACES, message))
    });
    for call in calls.collect::<Vec<_>>() {
        soon(call).await.unwrap().unwrap();
    }
    assert_eq!(names(&receiver, 1).len(), 50);
}
