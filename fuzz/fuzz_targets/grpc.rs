//! The frame of a gRPC call has exactly one message.
//!
//! The first byte chooses the `grpc-encoding`. An accepted message is as long as its frame says, is bounded, and is the
//! same whether it is compressed or not; a longer or shorter body is refused.

#![no_main]

use std::io::Write;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use libfuzzer_sys::fuzz_target;
use spanspec::Store;
use spanspec::internal::fuzzing::grpc_message;

const ENCODINGS: [Option<&str>; 5] = [
    None,
    Some("gzip"),
    Some("deflate"),
    Some("identity"),
    Some("br"),
];

/// The limit of a message.
const LONGEST: usize = 64 << 20;

fuzz_target!(|data: &[u8]| {
    let Some((&choice, body)) = data.split_first() else {
        return;
    };
    let encoding = ENCODINGS[usize::from(choice) % ENCODINGS.len()];
    any_body(body, encoding);
    framed(body);
});

fn any_body(body: &[u8], encoding: Option<&str>) {
    let Ok(message) = grpc_message(body, encoding) else {
        return;
    };
    assert!(message.len() <= LONGEST);
    let length = u32::from_be_bytes(body[1..5].try_into().unwrap()) as usize;
    assert_eq!(body.len(), 5 + length);
    if body[0] == 0 {
        assert_eq!(message, &body[5..]);
    }
    let longer = [body, &[0]].concat();
    grpc_message(&longer, encoding).expect_err("it has more than one message");
    grpc_message(&body[..body.len() - 1], encoding).expect_err("it is cut off");
    let store = Store::new();
    let _ = (
        store.ingest(&message),
        store.ingest_logs(&message),
        store.ingest_metrics(&message),
    );
}

fn framed(message: &[u8]) {
    let frame = |flag: u8, bytes: &[u8]| {
        let length = u32::try_from(bytes.len()).unwrap().to_be_bytes();
        [&[flag], &length[..], bytes].concat()
    };
    let plain = frame(0, message);
    for encoding in ENCODINGS {
        assert_eq!(grpc_message(&plain, encoding).unwrap(), message);
    }
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(message).unwrap();
    let mut deflate = ZlibEncoder::new(Vec::new(), Compression::fast());
    deflate.write_all(message).unwrap();
    for (encoding, bytes) in [
        ("gzip", gzip.finish().unwrap()),
        ("deflate", deflate.finish().unwrap()),
    ] {
        let compressed = frame(1, &bytes);
        assert_eq!(grpc_message(&compressed, Some(encoding)).unwrap(), message);
        grpc_message(&compressed, None).expect_err("it does not name its encoding");
        let cut = frame(1, &bytes[..bytes.len() - 1]);
        grpc_message(&cut, Some(encoding)).expect_err("it is cut off");
    }
}
