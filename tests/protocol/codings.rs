//! Content codings: bombs, damaged streams, and names that do not exist.

use std::io::Write;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};

use crate::target::{TRACES, Target};

const CODINGS: [&str; 3] = ["gzip", "deflate", "zstd"];

/// Statuses of a body that cannot be decoded.
const REFUSED: [u16; 3] = [400, 413, 415];

fn encode(coding: &str, bytes: &[u8]) -> Vec<u8> {
    match coding {
        "gzip" => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        "deflate" => {
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        _ => zstd::encode_all(bytes, 1).unwrap(),
    }
}

fn headers(coding: &str) -> String {
    format!("content-type: application/x-protobuf\r\ncontent-encoding: {coding}\r\n")
}

/// Streams that are no valid ones.
fn damaged(coding: &str) -> Vec<(String, Vec<u8>)> {
    let whole = encode(coding, &crate::wire::export());
    let mut damaged: Vec<(String, Vec<u8>)> = (1..whole.len())
        .map(|end| (format!("cut off after {end} bytes"), whole[..end].to_vec()))
        .collect();
    let more: [(&str, Vec<u8>); 4] = [
        ("garbage after it", [&whole[..], b"garbage"].concat()),
        ("zeros after it", [&whole[..], &[0; 16]].concat()),
        ("no stream", vec![0x41; 300]),
        ("plain protobuf", crate::wire::export()),
    ];
    damaged.extend(more.map(|(name, bytes)| (name.to_owned(), bytes)));
    damaged
}

/// Frames of zstd that ask for much memory, or lie about their content.
fn frames_of_zstd() -> [(&'static str, Vec<u8>); 4] {
    const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
    let frame = |rest: &[u8]| [&MAGIC[..], rest].concat();
    [
        // The largest window, 3.75 TiB.
        ("a huge window", frame(&[0x00, 0xff, 0x01, 0, 0])),
        // 2^63 bytes.
        (
            "a huge content",
            frame(&[0xe0, 0, 0, 0, 0, 0, 0, 0, 0x80, 1, 0, 0]),
        ),
        ("a reserved block", frame(&[0x00, 0x58, 0x07, 0, 0])),
        ("a dictionary", frame(&[0x03, 0x58, 1, 2, 3, 4, 1, 0, 0])),
    ]
}

pub(crate) fn send(target: &Target) -> usize {
    let mut cases = 0;
    let bomb = vec![0; 80 << 20];
    for coding in CODINGS {
        let mut posts = target.posts("/v1/traces", &headers(coding));
        for (name, bytes) in damaged(coding) {
            posts.expect(&bytes, &REFUSED, &format!("{coding}, {name}"));
            cases += 1;
        }
        let bomb = encode(coding, &bomb);
        posts.expect(&bomb, &[413], &format!("a bomb in {coding}"));
        let twice = encode(coding, &bomb);
        posts.expect(&twice, &REFUSED, &format!("a bomb in {coding}, twice"));
        let named = format!("{coding}, {coding}");
        let mut posts = target.posts("/v1/traces", &headers(&named));
        posts.expect(&twice, &REFUSED, &named);
        let call = crate::calls::compressed(&bomb);
        let more = format!(
            "content-type: application/grpc\r\nte: trailers\r\ngrpc-encoding: {coding}\r\n"
        );
        let mut calls = target.posts(TRACES, &more);
        calls.expect(&call, &[200], &format!("a call with a bomb in {coding}"));
        cases += 4;
    }
    let mut posts = target.posts("/v1/traces", &headers("zstd"));
    for (name, frame) in frames_of_zstd() {
        posts.expect(&frame, &REFUSED, name);
        cases += 1;
    }
    for name in [
        "br",
        "compress",
        "gzip;q=1",
        "\u{fc}",
        "gz ip",
        "*",
        "gzip,,,br",
    ] {
        let mut posts = target.posts("/v1/traces", &headers(name));
        posts.expect(&crate::wire::export(), &REFUSED, name);
        cases += 1;
    }
    cases
}
