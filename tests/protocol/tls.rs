//! TLS on a port without it, and everything but TLS on a port with it.

use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;

use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::target::{End, Target};

fn client() -> ClientConnection {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls/authority.pem");
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(path).unwrap())
        .unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap()
}

/// The first message of a client.
fn hello() -> Vec<u8> {
    let mut bytes = Vec::new();
    client().write_tls(&mut bytes).unwrap();
    bytes
}

fn records() -> Vec<Vec<u8>> {
    let hello = hello();
    let record = |kind: u8, version: u8, length: u16, content: &[u8]| {
        [&[kind, 3, version][..], &length.to_be_bytes(), content].concat()
    };
    let mut records = vec![
        hello.clone(),
        [&hello[..], &hello].concat(),
        record(22, 1, 0, &[]),
        record(22, 1, 0xffff, &[0; 100]),
        record(22, 3, 0x4000, &[1; 0x4000]),
        record(22, 3, 4, &[1, 0xff, 0xff, 0xff]),
        record(22, 3, 4, &[2, 0, 0, 0]),
        record(22, 3, 1, &[1]).repeat(10_000),
        record(22, 0, 4, &[1, 0, 0, 0]),
        record(22, 9, 4, &[1, 0, 0, 0]),
        vec![0x16; 60_000],
        vec![0x16],
    ];
    records.extend((0..hello.len()).step_by(7).map(|end| hello[..end].to_vec()));
    records
}

pub(crate) fn send_to_plain(target: &Target) -> usize {
    let records = records();
    for record in &records {
        let answer = target.send(record, End::Shutdown).text();
        let says_so = answer.contains("this receiver does not speak TLS: use http://");
        assert!(says_so || record.is_empty(), "{record:?}: {answer}");
    }
    records.len()
}

/// Sends bytes within TLS, and returns the answer.
fn within(target: &Target, bytes: &[u8]) -> String {
    let mut stream = StreamOwned::new(client(), target.connect());
    // The receiver may end the connection at any time.
    let _ = stream.write_all(bytes);
    stream.conn.send_close_notify();
    let _ = stream.flush();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

pub(crate) fn send_to_secure(target: &Target) -> usize {
    let mut cases = 0;
    let mut refuses = |bytes: &[u8]| {
        target.refuses(
            bytes,
            End::Shutdown,
            &format!("{:?}", &bytes[..bytes.len().min(40)]),
        );
        cases += 1;
    };
    for record in records() {
        refuses(&record);
    }
    let hello = hello();
    for at in (0..hello.len()).step_by(3) {
        for change in [0x00, 0xff] {
            let mut changed = hello.clone();
            changed[at] = change;
            refuses(&changed);
        }
    }
    for kind in (0..=255_u8).filter(|kind| *kind != 22) {
        refuses(&[&hello[..], &[kind, 3, 3, 0, 2, 2, 40]].concat());
        refuses(&[kind, 3, 3, 0, 2, 2, 40]);
    }
    for plain in [
        "GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
        "POST /v1/traces HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
        "GET /api/health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
    ] {
        let answer = target.send(plain.as_bytes(), End::Wait).text();
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        assert!(answer.contains("this receiver requires TLS"), "{answer}");
        cases += 1;
    }
    for bytes in [
        &b""[..],
        b"\x16\x03\x01\x00\x00",
        b"\0\0\0\0",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nnonsense, and more",
        b"POST /v1/traces HT",
        b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
        b"POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-length: x\r\n\r\n",
    ] {
        let answer = within(target, bytes);
        assert!(!answer.starts_with("HTTP/1.1 5"), "{answer}");
        cases += 1;
    }
    cases + hold(target, &hello)
}

/// Handshakes that do not go on, while honest clients send.
fn hold(target: &Target, hello: &[u8]) -> usize {
    const MANY: usize = 100;
    let mut open: Vec<_> = (0..MANY).map(|_| target.connect()).collect();
    for (at, stream) in open.iter_mut().enumerate() {
        stream.write_all(&hello[..hello.len() * at / MANY]).unwrap();
    }
    target.serves_honest_clients("handshakes that do not go on");
    MANY
}
