//! Connections that say nothing, too little, too slowly, or that do not listen.

use std::io::Write;
use std::net::TcpStream;

use crate::http2::Connection;
use crate::target::{TRACES, Target};

/// Fewer than this process can open.
const MANY: usize = 250;

/// Sends these bytes on many connections at once, which stay open while honest clients send.
fn hold(target: &Target, name: &str, connections: usize, bytes: &[u8], later: &[u8]) -> usize {
    let mut open: Vec<TcpStream> = (0..connections).map(|_| target.connect()).collect();
    for stream in &mut open {
        let _ = stream.write_all(bytes);
    }
    target.serves_honest_clients(name);
    for stream in &mut open {
        // The receiver may have ended it for another client.
        let _ = stream.write_all(later);
    }
    target.serves_honest_clients(name);
    drop(open);
    target.is_well(name);
    connections
}

/// Sends a request on many connections, and closes them when an answer has come, without reading it: a reset.
fn reset(target: &Target, bytes: &[u8]) -> usize {
    for _ in 0..MANY {
        let mut stream = target.connect();
        stream.write_all(bytes).unwrap();
        stream.peek(&mut [0]).unwrap();
    }
    MANY
}

pub(crate) fn send(target: &Target) -> usize {
    let post =
        "POST /v1/traces HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-protobuf\r\n";
    let slow = format!("{post}content-length: 100000\r\n\r\nshort");
    let chunk = format!("{post}transfer-encoding: chunked\r\n\r\n5\r\nsh");
    let large = format!("{post}content-length: 60000000\r\n\r\n");
    let large = [large.as_bytes(), &vec![0; 8 << 20]].concat();
    let get = "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let events = "GET /api/events HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let mut cases = 0;
    for (name, connections, bytes, later) in [
        ("silent", MANY, &b""[..], &b""[..]),
        ("a part of the preface", MANY, b"PRI * HT", b"T"),
        ("a part of a handshake", MANY, &[0x16, 3, 1], &[0]),
        ("a part of a line", MANY, b"POST /v1/tr", b"a"),
        ("a part of the headers", MANY, post.as_bytes(), b"x"),
        ("a part of a body", MANY, slow.as_bytes(), b"."),
        ("a part of a chunk", MANY, chunk.as_bytes(), b"."),
        ("idle after an answer", MANY, get.as_bytes(), b""),
        ("large unfinished bodies", 16, &large, b"."),
        ("streams without reader", 50, events.as_bytes(), b""),
    ] {
        cases += hold(target, name, connections, bytes, later);
    }
    // Answers that nobody reads.
    cases += hold(target, "unread answers", 8, get.repeat(400).as_bytes(), b"");
    let mut idle = Connection::new();
    cases += hold(target, "idle HTTP/2", MANY, &idle.0, b"");
    idle.call(TRACES, &[], &[0, 0, 0, 0, 9]);
    let unfinished = &idle.0[..idle.0.len() - 10];
    cases += hold(target, "unfinished calls", MANY, unfinished, b"");
    cases += reset(target, get.as_bytes());
    cases += reset(target, &idle.0);
    for _ in 0..MANY {
        drop(target.connect());
    }
    cases + MANY
}
