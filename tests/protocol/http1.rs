//! HTTP/1.1: requests that are none, that differ in what they say, or that are too large.

use crate::target::{End, Target};

/// A request for the traces with these header lines and this body.
fn with(lines: &str, body: &str) -> Vec<u8> {
    let head = "POST /v1/traces HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n";
    let kind = "content-type: application/json\r\n";
    format!("{head}{kind}{lines}\r\n{body}").into_bytes()
}

fn chunked(body: &str) -> Vec<u8> {
    with("transfer-encoding: chunked\r\n", body)
}

/// The first line, with the rest of a valid request.
fn line(line: &str) -> Vec<u8> {
    format!("{line}\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
        .into_bytes()
}

fn lengths() -> Vec<Vec<u8>> {
    let mut requests: Vec<Vec<u8>> = [
        "-1",
        "+2",
        "2 ",
        " 2",
        "0x2",
        "2,2",
        "2, 3",
        "1e1",
        "",
        "٢",
        "18446744073709551616",
        "99999999999999999999999",
        "9223372036854775808",
        "two",
        "2\t",
        "2;",
    ]
    .iter()
    .map(|length| with(&format!("content-length: {length}\r\n"), "{}"))
    .collect();
    requests.extend([
        with("content-length: 2\r\ncontent-length: 2\r\n", "{}"),
        with("content-length: 2\r\ncontent-length: 3\r\n", "{}"),
        with(
            "content-length: 2\r\ntransfer-encoding: chunked\r\n",
            "2\r\n{}\r\n0\r\n\r\n",
        ),
        with(
            "transfer-encoding: chunked\r\ncontent-length: 200\r\n",
            "2\r\n{}\r\n0\r\n\r\n",
        ),
        with("transfer-encoding: gzip\r\n", "{}"),
        with("transfer-encoding: chunked, gzip\r\n", "{}"),
        with(
            "transfer-encoding: gzip, chunked\r\n",
            "2\r\n{}\r\n0\r\n\r\n",
        ),
        with(
            "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n",
            "0\r\n\r\n",
        ),
        with("transfer-encoding: xchunked\r\n", "0\r\n\r\n"),
        with("transfer-encoding:\r\n", "0\r\n\r\n"),
        with("content-length: 9\r\n", "{}"),
    ]);
    requests
}

fn chunks() -> Vec<Vec<u8>> {
    let mut requests: Vec<Vec<u8>> = [
        "2\r\n{}\r\n0\r\n",
        "2\r\n{}\r\n",
        "2\r\n{",
        "2\r\n{}0\r\n\r\n",
        "2\n{}\n0\n\n",
        "-2\r\n{}\r\n0\r\n\r\n",
        "+2\r\n{}\r\n0\r\n\r\n",
        "0x2\r\n{}\r\n0\r\n\r\n",
        "\r\n{}\r\n0\r\n\r\n",
        "g\r\n{}\r\n0\r\n\r\n",
        "ffffffffffffffff\r\n{}\r\n0\r\n\r\n",
        "fffffffffffffffff\r\n{}\r\n0\r\n\r\n",
        "8000000000000000\r\n{}\r\n0\r\n\r\n",
        "00000000000000000000000000002\r\n{}\r\n0\r\n\r\n",
        "2 \r\n{}\r\n0\r\n\r\n",
        " 2\r\n{}\r\n0\r\n\r\n",
        "2;a=b\r\n{}\r\n0\r\n\r\n",
        "2;\"\r\n{}\r\n0\r\n\r\n",
        "1\r\n{}\r\n0\r\n\r\n",
        "3\r\n{}\r\n0\r\n\r\n",
        "0\r\ntrailer: 1\r\n\r\n",
        "0\r\nbroken\r\n\r\n",
        "0\r\ncontent-length: 5\r\n\r\n",
        "2\r{}\r\n0\r\n\r\n",
    ]
    .iter()
    .map(|body| chunked(body))
    .collect();
    let extension = format!("2;{}\r\n{{}}\r\n0\r\n\r\n", "x".repeat(1 << 20));
    let extensions = format!("{}0\r\n\r\n", "1;aaaaaaaaaaaaaaaa\r\n \r\n".repeat(20_000));
    let trailers = format!("0\r\n{}\r\n", "trailer: 1\r\n".repeat(5_000));
    let tiny = format!("{}0\r\n\r\n", "1\r\n \r\n".repeat(50_000));
    requests.extend([extension, extensions, trailers, tiny].map(|body| chunked(&body)));
    requests
}

fn lines() -> Vec<Vec<u8>> {
    let mut requests: Vec<Vec<u8>> = [
        "POST /v1/traces",
        "POST /v1/traces HTTP/0.9",
        "POST /v1/traces HTTP/1.0",
        "POST /v1/traces HTTP/1.9",
        "POST /v1/traces HTTP/2.0",
        "POST /v1/traces HTTP/9.9",
        "POST /v1/traces HTTP/11",
        "POST /v1/traces http/1.1",
        "POST  /v1/traces HTTP/1.1",
        "POST /v1/ traces HTTP/1.1",
        " POST /v1/traces HTTP/1.1",
        "POST\t/v1/traces\tHTTP/1.1",
        "post /v1/traces HTTP/1.1",
        "P\u{f6}ST /v1/traces HTTP/1.1",
        "/v1/traces HTTP/1.1",
        "POST v1/traces HTTP/1.1",
        "POST * HTTP/1.1",
        "OPTIONS * HTTP/1.1",
        "CONNECT localhost:1 HTTP/1.1",
        "CONNECT /v1/traces HTTP/1.1",
        "TRACE / HTTP/1.1",
        "PATCH /v1/traces HTTP/1.1",
        "GET /v1/traces HTTP/1.1",
        "HEAD /v1/traces HTTP/1.1",
        "DELETE /v1/traces HTTP/1.1",
        "PROPFIND / HTTP/1.1",
        "BREW / HTTP/1.1",
        "POST http://localhost/v1/traces HTTP/1.1",
        "POST http://evil.example/v1/traces HTTP/1.1",
        "POST http:///v1/traces HTTP/1.1",
        "POST //v1/traces HTTP/1.1",
        "POST /v1/traces/ HTTP/1.1",
        "POST /v1/../v1/traces HTTP/1.1",
        "POST /%2e%2e/%00 HTTP/1.1",
        "POST /%zz HTTP/1.1",
        "POST /v1/traces?a=%ff#x HTTP/1.1",
        "POST /v1/traces\u{0} HTTP/1.1",
        "POST /\u{fc} HTTP/1.1",
        "GET /\\..\\x HTTP/1.1",
        "",
        "\r\n\r\nGET / HTTP/1.1",
        "GET / HTTP/1.1 x",
        "SSH-2.0-OpenSSH_9.9",
        "*1",
        "\u{0}\u{0}\u{0}",
    ]
    .iter()
    .map(|text| line(text))
    .collect();
    requests.push(line(&format!("GET /{} HTTP/1.1", "x".repeat(70_000))));
    requests.push(line(&format!("GET /{} HTTP/1.1", "x".repeat(2 << 20))));
    requests.push(line(&format!("{} / HTTP/1.1", "X".repeat(200_000))));
    requests
}

fn headers() -> Vec<Vec<u8>> {
    let mut requests: Vec<Vec<u8>> = [
        "no colon\r\n",
        ": empty\r\n",
        "a b: c\r\n",
        "a : b\r\n",
        "a\u{0}: b\r\n",
        "a: b\u{0}c\r\n",
        "a: b\rc\r\n",
        "a: b\n c\r\n",
        "a: b\r\n folded\r\n",
        "\u{fc}: b\r\n",
        "a: \u{fc}\r\n",
        "host: localhost\r\n",
        "host:\r\n",
        "host: evil.example\r\n",
        "host: a b\r\n",
        "host: [::1\r\n",
        "origin: http://evil.example\r\n",
        "origin: null\r\n",
        "content-type: application/x-protobuf\r\n",
        "content-type:\r\n",
        "content-type: \u{fc}\r\n",
        "content-type: ;;\r\n",
        "expect: 100-continue\r\n",
        "expect: 200-ok\r\n",
        "upgrade: h2c\r\nconnection: upgrade\r\n",
        "upgrade: websocket\r\nconnection: upgrade\r\n",
        "http2-settings: AAMAAABk\r\nupgrade: h2c\r\n",
        "connection: content-length\r\n",
        "connection: \u{0}\r\n",
        "te: trailers\r\n",
        "range: bytes=0-\r\n",
        "accept-encoding: \u{ff}\r\n",
        "authorization: Bearer\r\n",
        "traceparent: 00-zz\r\n",
        "user-agent: \u{fc}\u{fc}\r\n",
        "cookie: a=b; a=c\r\n",
        "x-forwarded-for: \r\n",
        "proxy-connection: keep-alive\r\n",
    ]
    .iter()
    .map(|lines| with(&format!("content-length: 2\r\n{lines}"), "{}"))
    .collect();
    for (count, size) in [
        (99, 10),
        (101, 1),
        (200, 10),
        (5_000, 10),
        (1, 300_000),
        (1, 4 << 20),
        (90, 5_000),
    ] {
        let lines: String = (0..count)
            .map(|n| format!("x-{n}: {}\r\n", "v".repeat(size)))
            .collect();
        requests.push(with(&lines, "{}"));
    }
    requests.push(format!("GET / HTTP/1.1\r\n{}", "x".repeat(1 << 20)).into_bytes());
    requests
}

/// Requests in one piece, of which one is malformed.
fn pipelines() -> Vec<Vec<u8>> {
    let good = "POST /v1/traces HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
    let get = "GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let last = "GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    let bad = "POST /v1/traces HTTP/1.1\r\nhost: localhost\r\ncontent-length: x\r\n\r\n";
    [
        [&good.repeat(500), last].concat(),
        [&get.repeat(2_000), last].concat(),
        [&good.repeat(50), bad, &good.repeat(50)].concat(),
        [good, "garbage\r\n\r\n", good].concat(),
        [good, "\r\n\r\n\r\n", last].concat(),
        [&"\r\n".repeat(100_000), last].concat(),
        [&good.replace(": 2", ": 3"), last].concat(),
    ]
    .map(String::into_bytes)
    .into()
}

pub(crate) fn send(target: &Target) -> usize {
    let groups = [
        ("a length", lengths()),
        ("chunks", chunks()),
        ("a first line", lines()),
        ("headers", headers()),
        ("a pipeline", pipelines()),
    ];
    let mut cases = 0;
    for (name, requests) in groups {
        for request in requests {
            let start = String::from_utf8_lossy(&request[..request.len().min(300)]).into_owned();
            target.refuses(&request, End::Shutdown, &format!("{name}: {start:?}"));
            cases += 1;
        }
    }
    let whole = with("content-length: 2\r\n", "{}");
    for end in 0..whole.len() {
        target.refuses(
            &whole[..end],
            End::Shutdown,
            &format!("cut off after {end} bytes"),
        );
        cases += 1;
    }
    cases
}
