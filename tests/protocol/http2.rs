//! HTTP/2: frames of wrong sizes, in a wrong order, with wrong headers, and many of them.

use std::io::{Read, Write};

use crate::target::{End, TRACES, Target};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PUSH_PROMISE: u8 = 5;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const PADDED: u8 = 8;
const PRIORITIZED: u8 = 0x20;

/// A frame, perhaps with a length that lies.
fn frame_of(length: usize, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (length as u32).to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    frame_of(payload.len(), kind, flags, stream, payload)
}

/// A header that is not in a table.
pub(crate) fn literal(name: &str, value: &str) -> Vec<u8> {
    let text = |text: &str| {
        let mut bytes = match text.len() {
            short @ 0..127 => vec![short as u8],
            long => [vec![0x7f], crate::wire::varint(long as u64 - 127)].concat(),
        };
        bytes.extend_from_slice(text.as_bytes());
        bytes
    };
    [vec![0], text(name), text(value)].concat()
}

/// What a client sends on a connection.
pub(crate) struct Connection(pub(crate) Vec<u8>);

impl Connection {
    /// The preface, and empty settings.
    pub(crate) fn new() -> Self {
        Self([PREFACE, &frame(SETTINGS, 0, 0, &[])].concat())
    }

    /// A call on the first stream.
    pub(crate) fn call(&mut self, path: &str, head: &[Vec<u8>], body: &[u8]) {
        let headers = [pseudo(path), head.concat()].concat();
        self.0.extend(frame(HEADERS, END_HEADERS, 1, &headers));
        for chunk in body.chunks(16_384) {
            self.0.extend(frame(DATA, 0, 1, chunk));
        }
        self.0.extend(frame(DATA, END_STREAM, 1, &[]));
    }
}

/// `:method: POST`, `:scheme: http`, `:path` and `:authority`.
fn pseudo(path: &str) -> Vec<u8> {
    let path = literal(":path", path);
    [
        &[0x83, 0x86][..],
        &path,
        &literal(":authority", "localhost"),
    ]
    .concat()
}

/// The headers of a valid call.
fn valid() -> Vec<u8> {
    let kind = literal("content-type", "application/grpc");
    [pseudo(TRACES), kind, literal("te", "trailers")].concat()
}

fn sizes() -> Vec<(String, Vec<u8>)> {
    let mut cases = Vec::new();
    for kind in 0..=12_u8 {
        for length in [0, 1, 3, 4, 5, 7, 8, 9, 16] {
            for stream in [0, 1] {
                let payload = vec![0; length];
                let name = format!("a frame of type {kind} with {length} bytes on stream {stream}");
                cases.push((name, frame(kind, 0, stream, &payload)));
            }
        }
        let name = format!("a frame of type {kind} that is too large");
        cases.push((name, frame(kind, 0, 1, &vec![0; 16_385])));
        let name = format!("a frame of type {kind} that is cut off");
        cases.push((name, frame_of(0xff_ffff, kind, 0, 1, &[0; 100])));
        let name = format!("a frame of type {kind} with all flags");
        cases.push((name, frame(kind, 0xff, 1, &[0; 8])));
        let name = format!("a frame of type {kind} on the largest stream");
        cases.push((name, frame(kind, 0, u32::MAX, &[0; 8])));
    }
    cases
}

fn settings() -> Vec<(String, Vec<u8>)> {
    let one = |id: u16, value: u32| [&id.to_be_bytes()[..], &value.to_be_bytes()].concat();
    let mut cases = Vec::new();
    for id in [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0xffff] {
        for value in [0, 1, 2, 16_383, 16_384, 1 << 24, 1 << 31, u32::MAX] {
            let name = format!("the setting {id} is {value}");
            let bytes = [
                frame(SETTINGS, 0, 0, &one(id, value)),
                frame(HEADERS, END_HEADERS | END_STREAM, 1, &valid()),
            ];
            cases.push((name, bytes.concat()));
        }
    }
    cases.push((
        "an answer with settings".into(),
        frame(SETTINGS, 1, 0, &one(3, 1)),
    ));
    cases.push((
        "settings of a stream".into(),
        frame(SETTINGS, 0, 1, &one(3, 1)),
    ));
    cases.push(("answers".into(), frame(SETTINGS, 1, 0, &[]).repeat(100)));
    cases
}

fn orders() -> Vec<(&'static str, Vec<u8>)> {
    let start = || frame(HEADERS, END_HEADERS, 1, &valid());
    let whole = || frame(HEADERS, END_HEADERS | END_STREAM, 1, &valid());
    let open = || frame(HEADERS, 0, 1, &valid());
    let continued = || frame(CONTINUATION, END_HEADERS, 1, &[]);
    let all = |frames: &[Vec<u8>]| frames.concat();
    vec![
        ("data before headers", frame(DATA, END_STREAM, 1, b"x")),
        ("data on stream 0", frame(DATA, 0, 0, b"x")),
        (
            "headers on stream 0",
            frame(HEADERS, END_HEADERS, 0, &valid()),
        ),
        ("an even stream", frame(HEADERS, END_HEADERS, 2, &valid())),
        (
            "an earlier stream",
            all(&[frame(HEADERS, END_HEADERS, 5, &valid()), start()]),
        ),
        ("a stream twice", all(&[whole(), whole()])),
        (
            "data after the end",
            all(&[whole(), frame(DATA, 0, 1, b"x")]),
        ),
        ("headers after the end", all(&[whole(), start()])),
        ("trailers without end", all(&[start(), start()])),
        ("trailers with a path", all(&[start(), whole()])),
        ("a continuation alone", continued()),
        ("a continuation after the end", all(&[start(), continued()])),
        (
            "a continuation of another stream",
            all(&[open(), frame(CONTINUATION, 4, 3, &[])]),
        ),
        (
            "data within headers",
            all(&[open(), frame(DATA, 0, 1, b"x")]),
        ),
        (
            "a ping within headers",
            all(&[open(), frame(PING, 0, 0, &[0; 8])]),
        ),
        ("headers that do not end", open()),
        (
            "a reset of an idle stream",
            frame(RST_STREAM, 0, 1, &[0, 0, 0, 8]),
        ),
        (
            "a reset of stream 0",
            frame(RST_STREAM, 0, 0, &[0, 0, 0, 8]),
        ),
        (
            "a reset within a body",
            all(&[
                start(),
                frame(DATA, 0, 1, b"x"),
                frame(RST_STREAM, 0, 1, &[0; 4]),
            ]),
        ),
        ("a window of 0", frame(WINDOW_UPDATE, 0, 0, &[0; 4])),
        (
            "a window of 0 of a stream",
            all(&[start(), frame(WINDOW_UPDATE, 0, 1, &[0; 4])]),
        ),
        (
            "a window that overflows",
            frame(WINDOW_UPDATE, 0, 0, &[0x7f, 0xff, 0xff, 0xff]).repeat(2),
        ),
        (
            "a window of an idle stream",
            frame(WINDOW_UPDATE, 0, 7, &[0, 0, 0, 1]),
        ),
        (
            "a stream that depends on itself",
            frame(PRIORITY, 0, 1, &[0, 0, 0, 1, 0]),
        ),
        (
            "headers that depend on themselves",
            frame(
                HEADERS,
                END_HEADERS | PRIORITIZED,
                1,
                &[&[0, 0, 0, 1, 0][..], &valid()].concat(),
            ),
        ),
        (
            "a push by the client",
            frame(PUSH_PROMISE, END_HEADERS, 1, &[0, 0, 0, 2]),
        ),
        ("a farewell", frame(GOAWAY, 0, 0, &[0; 8])),
        (
            "a farewell, and more",
            all(&[frame(GOAWAY, 0, 0, &[0; 8]), start()]),
        ),
        ("a farewell of a stream", frame(GOAWAY, 0, 1, &[0; 8])),
        (
            "padding beyond the data",
            all(&[start(), frame(DATA, PADDED, 1, &[9, 0, 0])]),
        ),
        (
            "padding beyond the headers",
            frame(HEADERS, END_HEADERS | PADDED, 1, &[255, 0x83]),
        ),
        (
            "padding without length",
            all(&[start(), frame(DATA, PADDED, 1, &[])]),
        ),
        (
            "only padding",
            all(&[
                start(),
                frame(
                    DATA,
                    PADDED | END_STREAM,
                    1,
                    &[[200].as_slice(), &[0; 200]].concat(),
                ),
            ]),
        ),
        ("another preface", PREFACE.to_vec()),
        (
            "HTTP/1.1",
            b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n".to_vec(),
        ),
        ("zeros", vec![0; 1_000]),
        ("ones", vec![0xff; 1_000]),
    ]
}

fn headers() -> Vec<(&'static str, Vec<u8>)> {
    let with = |more: &[u8]| [valid(), more.to_vec()].concat();
    let many = |count: usize, size: usize| {
        let value = "v".repeat(size);
        let lines: Vec<u8> = (0..count)
            .flat_map(|n| literal(&format!("x-{n}"), &value))
            .collect();
        with(&lines)
    };
    let indexed = [
        &[0x40, 1, b'x', 0x7f][..],
        &crate::wire::varint(4_000 - 127),
        &[b'v'; 4_000],
        &[0xbe; 12_000],
    ];
    vec![
        ("none", vec![]),
        ("index 0", vec![0x80]),
        ("an index beyond the table", vec![0xff, 0x80, 1]),
        (
            "an index without end",
            vec![0xff, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80],
        ),
        (
            "a table that is too large",
            vec![0x3f, 0xff, 0xff, 0xff, 0x7f],
        ),
        ("a table after a header", with(&[0x20])),
        ("a length beyond the block", vec![0, 0x7f, 0xff, 0x7f]),
        ("bad Huffman padding", with(&[0, 1, b'x', 0x81, 0x00])),
        (
            "the end of Huffman",
            with(&[0, 1, b'x', 0x84, 0xff, 0xff, 0xff, 0xff]),
        ),
        ("an empty name", with(&literal("", "x"))),
        ("upper case", with(&literal("X-Y", "x"))),
        ("a space in a name", with(&literal("a b", "x"))),
        ("a line end in a value", with(&literal("a", "b\r\nc: d"))),
        ("NUL in a value", with(&literal("a", "b\0c"))),
        ("connection", with(&literal("connection", "close"))),
        (
            "transfer-encoding",
            with(&literal("transfer-encoding", "chunked")),
        ),
        ("keep-alive", with(&literal("keep-alive", "1"))),
        ("te", with(&literal("te", "chunked"))),
        ("host and authority", with(&literal("host", "evil.example"))),
        ("a pseudo header at the end", with(&literal(":path", "/"))),
        (
            "an unknown pseudo header",
            [literal(":x", "y"), valid()].concat(),
        ),
        ("a status", [literal(":status", "200"), valid()].concat()),
        (
            "a protocol",
            [literal(":protocol", "websocket"), valid()].concat(),
        ),
        ("two methods", [vec![0x82], valid()].concat()),
        (
            "no path",
            [vec![0x83, 0x86], literal(":authority", "localhost")].concat(),
        ),
        ("no method", [vec![0x86], literal(":path", "/")].concat()),
        ("no scheme", [vec![0x83], literal(":path", "/")].concat()),
        ("an empty path", pseudo("")),
        ("a path without slash", pseudo("v1/traces")),
        ("a long path", pseudo(&format!("/{}", "x".repeat(15_000)))),
        (
            "a bad method",
            [
                literal(":method", "PO ST"),
                vec![0x86],
                literal(":path", "/"),
            ]
            .concat(),
        ),
        (
            "CONNECT",
            [literal(":method", "CONNECT"), literal(":authority", "x:1")].concat(),
        ),
        (
            "a bad authority",
            [
                &[0x83, 0x86][..],
                &literal(":path", TRACES),
                &literal(":authority", "a|b||c"),
            ]
            .concat(),
        ),
        (
            "a bad scheme",
            [
                &[0x83][..],
                &literal(":scheme", "::"),
                &literal(":path", TRACES),
            ]
            .concat(),
        ),
        ("2,000 headers", many(2_000, 1)),
        ("a header of 15,000 bytes", many(1, 15_000)),
        (
            "a header that is repeated from the table",
            with(&indexed.concat()),
        ),
    ]
}

/// Headers in frames of the largest size.
fn block(stream: u32, headers: &[u8]) -> Vec<u8> {
    let mut chunks = headers.chunks(16_384).peekable();
    let first = chunks.next().unwrap_or_default();
    let end = |is_last: bool| if is_last { END_HEADERS } else { 0 };
    let mut bytes = frame(
        HEADERS,
        END_STREAM | end(chunks.peek().is_none()),
        stream,
        first,
    );
    while let Some(chunk) = chunks.next() {
        let is_last = chunks.peek().is_none();
        bytes.extend(frame(CONTINUATION, end(is_last), stream, chunk));
    }
    bytes
}

pub(crate) fn send(target: &Target) -> usize {
    let orders = orders().into_iter();
    let headers = headers().into_iter();
    let headers = headers.map(|(name, headers)| (name.to_owned(), block(1, &headers)));
    let groups = sizes()
        .into_iter()
        .chain(settings())
        .chain(orders.map(|(name, bytes)| (name.to_owned(), bytes)))
        .chain(headers);
    let mut cases = 0;
    for (name, frames) in groups {
        let mut connection = Connection::new();
        connection.0.extend(&frames);
        target.refuses(&connection.0, End::Shutdown, &name);
        // The same without the settings that come first.
        target.refuses(&[PREFACE, &frames].concat(), End::Shutdown, &name);
        cases += 2;
    }
    for end in 0..PREFACE.len() {
        target.refuses(&PREFACE[..end], End::Shutdown, "a cut preface");
        let changed = [&PREFACE[..end], b"x", &PREFACE[end + 1..]].concat();
        target.refuses(&changed, End::Shutdown, "another preface");
        cases += 2;
    }
    cases
}

fn floods() -> Vec<(&'static str, Vec<u8>)> {
    let streams = |count: u32| (0..count).map(|n| 2 * n + 1);
    let start = |stream| frame(HEADERS, END_HEADERS, stream, &valid());
    let reset = |stream| frame(RST_STREAM, 0, stream, &[0, 0, 0, 8]);
    let open = frame(HEADERS, 0, 1, &valid());
    let large = [valid(), literal("x", &"v".repeat(8 << 20))].concat();
    vec![
        (
            "resets",
            streams(20_000)
                .flat_map(|stream| [start(stream), reset(stream)].concat())
                .collect(),
        ),
        ("streams", streams(20_000).flat_map(start).collect()),
        (
            "malformed streams",
            streams(20_000)
                .flat_map(|stream| frame(HEADERS, END_HEADERS, stream, &literal("X", "")))
                .collect(),
        ),
        (
            "empty continuations",
            [open.clone(), frame(CONTINUATION, 0, 1, &[]).repeat(100_000)].concat(),
        ),
        (
            "continuations",
            [
                open,
                frame(CONTINUATION, 0, 1, &literal("x", &"v".repeat(16_000))).repeat(1_000),
            ]
            .concat(),
        ),
        ("a header of 8 MiB", block(1, &large)),
        ("pings", frame(PING, 0, 0, &[7; 8]).repeat(100_000)),
        (
            "settings",
            frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 1]).repeat(50_000),
        ),
        (
            "priorities",
            streams(50_000)
                .flat_map(|stream| frame(PRIORITY, 0, stream, &[0; 5]))
                .collect(),
        ),
        (
            "windows",
            frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1]).repeat(100_000),
        ),
        (
            "empty data",
            [start(1), frame(DATA, 0, 1, &[]).repeat(100_000)].concat(),
        ),
        (
            "padding",
            [
                start(1),
                frame(DATA, PADDED, 1, &[[255].as_slice(), &[0; 255]].concat()).repeat(20_000),
            ]
            .concat(),
        ),
        (
            "unknown frames",
            frame(0x77, 0, 0, &[0; 16]).repeat(100_000),
        ),
        (
            "answers of settings",
            frame(SETTINGS, 1, 0, &[]).repeat(50_000),
        ),
    ]
}

/// Each flood on a connection that stays open, while honest clients send.
pub(crate) fn flood(target: &Target) -> usize {
    let mut cases = 0;
    for (name, frames) in floods() {
        let mut connection = Connection::new();
        connection.0.extend(&frames);
        let mut stream = target.connect();
        let (mut writer, mut reader) = (stream.try_clone().unwrap(), stream.try_clone().unwrap());
        std::thread::scope(|scope| {
            scope.spawn(move || {
                let mut buffer = [0; 64 << 10];
                while reader.read(&mut buffer).is_ok_and(|read| read > 0) {}
            });
            let bytes = &connection.0;
            // The receiver may end the connection.
            let writing = scope.spawn(move || drop(writer.write_all(bytes)));
            target.serves_honest_clients(name);
            writing.join().unwrap();
            let _ = stream.flush();
            let _ = stream.shutdown(std::net::Shutdown::Both);
        });
        target.is_well(name);
        target.refuses(&connection.0, End::Shutdown, name);
        cases += 2;
    }
    cases
}

/// The statuses in the headers of a connection: 500 for every status of 5xx, and 200 for others.
pub(crate) fn statuses(mut bytes: &[u8]) -> Vec<u16> {
    let mut statuses = Vec::new();
    while bytes.len() >= 9 {
        let length = u32::from_be_bytes([0, bytes[0], bytes[1], bytes[2]]) as usize;
        let kind = bytes[3];
        let Some(payload) = bytes.get(9..9 + length) else {
            break;
        };
        if kind == HEADERS {
            statuses.extend(status(payload));
        }
        bytes = &bytes[9 + length..];
    }
    statuses
}

/// The status at the start of headers, without their table: it is the first one.
fn status(headers: &[u8]) -> Option<u16> {
    // Five, as the first digit of a text in the code of Huffman (RFC 7541).
    const FIVE: u8 = 0b0110_1100;
    let is_5xx = match headers {
        [0x8e, ..] => true,
        [0x08 | 0x48, length, first, ..] if length & 0x80 != 0 => first & 0b1111_1100 == FIVE,
        [0x08 | 0x48, _, first, ..] => *first == b'5',
        [0x88..=0x8d, ..] => false,
        _ => return None,
    };
    Some(if is_5xx { 500 } else { 200 })
}
