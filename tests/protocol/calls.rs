//! gRPC: messages whose lengths and flags lie, and calls that are none.

use crate::http2::{Connection, literal};
use crate::target::{End, TRACES, Target};

/// A message with its frame.
pub(crate) fn framed(message: &[u8]) -> Vec<u8> {
    with_head(0, message.len() as u32, message)
}

/// A message that is compressed.
pub(crate) fn compressed(message: &[u8]) -> Vec<u8> {
    with_head(1, message.len() as u32, message)
}

fn with_head(flag: u8, length: u32, message: &[u8]) -> Vec<u8> {
    [&[flag][..], &length.to_be_bytes(), message].concat()
}

fn bodies() -> Vec<(String, Vec<u8>)> {
    let message = crate::wire::export();
    let length = message.len() as u32;
    let lying = [
        0,
        1,
        length - 1,
        length + 1,
        64 << 20,
        (64 << 20) + 1,
        1 << 31,
        u32::MAX,
    ];
    let mut bodies: Vec<(String, Vec<u8>)> = lying
        .iter()
        .map(|lie| (format!("a length of {lie}"), with_head(0, *lie, &message)))
        .collect();
    for flag in 1..=u8::MAX {
        bodies.push((format!("flag {flag}"), with_head(flag, length, &message)));
    }
    for end in 0..5 + message.len() {
        let cut = framed(&message)[..end].to_vec();
        bodies.push((format!("cut off after {end} bytes"), cut));
    }
    let two = [framed(&message), framed(&message)].concat();
    bodies.push(("two messages".to_owned(), two));
    bodies.push(("empty messages".to_owned(), framed(&[]).repeat(10_000)));
    bodies
}

/// Heads of calls: `content-type` and more.
fn heads() -> Vec<(&'static str, Vec<Vec<u8>>)> {
    let grpc = || literal("content-type", "application/grpc");
    vec![
        ("no content type", vec![]),
        (
            "JSON",
            vec![literal("content-type", "application/grpc+json")],
        ),
        (
            "gRPC-Web",
            vec![literal("content-type", "application/grpc-web")],
        ),
        ("text", vec![literal("content-type", "text/plain")]),
        (
            "two types",
            vec![grpc(), literal("content-type", "application/json")],
        ),
        (
            "an unknown coding",
            vec![grpc(), literal("grpc-encoding", "snappy")],
        ),
        (
            "two codings",
            vec![
                grpc(),
                literal("grpc-encoding", "gzip"),
                literal("grpc-encoding", "zstd"),
            ],
        ),
        (
            "a bad timeout",
            vec![grpc(), literal("grpc-timeout", "99999999999999H")],
        ),
        ("binary metadata", vec![grpc(), literal("x-bin", "===")]),
        ("no te", vec![grpc()]),
        ("a bad te", vec![grpc(), literal("te", "gzip")]),
        (
            "a content length that lies",
            vec![grpc(), literal("content-length", "1")],
        ),
        (
            "a large content length",
            vec![grpc(), literal("content-length", "99999999999")],
        ),
        (
            "a content coding",
            vec![grpc(), literal("content-encoding", "gzip")],
        ),
    ]
}

pub(crate) fn send(target: &Target) -> usize {
    let mut cases = 0;
    let grpc = "content-type: application/grpc\r\nte: trailers\r\n";
    for path in [
        TRACES,
        "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
    ] {
        // gRPC states its errors in a header, with status 200.
        let mut calls = target.posts(path, grpc);
        for (name, body) in bodies() {
            calls.expect(&body, &[200], &name);
            cases += 1;
        }
        for (name, head) in heads() {
            for body in [framed(&crate::wire::export()), Vec::new()] {
                let mut connection = Connection::new();
                connection.call(path, &head, &body);
                target.refuses(&connection.0, End::Shutdown, name);
                cases += 1;
            }
        }
    }
    for path in [
        "/",
        "/x",
        "/opentelemetry.proto.collector.trace.v1.TraceService/",
        "/a.B/C/D",
    ] {
        let mut calls = target.posts(path, grpc);
        calls.expect(&framed(&[]), &[200], "an unknown method");
        cases += 1;
    }
    cases
}
