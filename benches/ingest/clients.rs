//! Clients that export as fast as the server answers.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::raw_codec::Raw;
use super::requests::Template;
use super::servers::Server;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Http,
    /// HTTP with JSON.
    Json,
    Grpc,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    None,
    Gzip,
}

/// Exports of one kind.
#[derive(Clone)]
pub(super) struct Load {
    pub(super) protocol: Protocol,
    pub(super) coding: Coding,
    /// The path over HTTP.
    pub(super) path: &'static str,
    pub(super) template: Template,
    /// Number of records in a request.
    pub(super) records: usize,
}

/// When a client ends.
#[derive(Clone, Copy)]
enum Until {
    Time(Instant),
    Number(usize),
}

impl Until {
    fn is_reached(self, number: usize) -> bool {
        match self {
            Self::Time(end) => Instant::now() >= end,
            Self::Number(most) => number >= most,
        }
    }
}

/// Each client has span ids of its own.
static CLIENTS: AtomicU64 = AtomicU64::new(1);

impl Load {
    /// Sends over several connections for this time. Returns the time that each export took; none if the server
    /// refuses one.
    pub(super) async fn send(
        &self,
        server: &Server,
        connections: usize,
        time: Duration,
    ) -> Vec<Duration> {
        let until = Until::Time(Instant::now() + time);
        let clients: Vec<_> = (0..connections)
            .map(|_| tokio::spawn(self.clone().client(server.address(self.protocol), until)))
            .collect();
        let mut exports = Vec::new();
        for client in clients {
            exports.extend(client.await.expect("a client"));
        }
        exports
    }

    /// Sends this number of requests over one connection.
    pub(super) async fn send_number(&self, server: &Server, number: usize) {
        let address = server.address(self.protocol);
        self.clone().client(address, Until::Number(number)).await;
    }

    async fn client(self, address: SocketAddr, until: Until) -> Vec<Duration> {
        match self.protocol {
            Protocol::Http | Protocol::Json => self.http(address, until).await,
            Protocol::Grpc => self.grpc(address, until).await,
        }
    }

    fn body(&self, last: &mut u64) -> Vec<u8> {
        let bytes = self.template.fresh(last);
        match self.coding {
            Coding::None => bytes,
            Coding::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
                encoder.write_all(&bytes).expect("it is in memory");
                encoder.finish().expect("it is in memory")
            }
        }
    }

    async fn http(self, address: SocketAddr, until: Until) -> Vec<Duration> {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        stream.set_nodelay(true).expect("an option of TCP");
        let (mut exports, mut response, mut last) = (Vec::new(), [0; 4096], first_id());
        let content_type = match self.protocol {
            Protocol::Json => "json",
            Protocol::Http | Protocol::Grpc => "x-protobuf",
        };
        let coding = match self.coding {
            Coding::None => "",
            Coding::Gzip => "content-encoding: gzip\r\n",
        };
        while !until.is_reached(exports.len()) {
            let body = self.body(&mut last);
            let head = format!(
                "POST {} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/{content_type}\r\n{coding}\
                 content-length: {}\r\n\r\n",
                self.path,
                body.len()
            );
            let request = [head.into_bytes(), body].concat();
            let start = Instant::now();
            stream.write_all(&request).await.expect("sent");
            let length = stream.read(&mut response).await.expect("an answer");
            exports.push(start.elapsed());
            if !response[..length].starts_with(b"HTTP/1.1 200") {
                return Vec::new();
            }
        }
        exports
    }

    async fn grpc(self, address: SocketAddr, until: Until) -> Vec<Duration> {
        const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let http = Client::builder(TokioExecutor::new())
            .http2_only(true)
            .build(connector);
        let origin = format!("http://{address}").parse().expect("a URI");
        let client: tonic::client::Grpc<Client<_, tonic::body::Body>> =
            tonic::client::Grpc::with_origin(http, origin);
        let mut client = match self.coding {
            Coding::None => client,
            Coding::Gzip => client.send_compressed(tonic::codec::CompressionEncoding::Gzip),
        };
        let (mut exports, mut last) = (Vec::new(), first_id());
        while !until.is_reached(exports.len()) {
            // The client compresses.
            let message = Bytes::from(self.template.fresh(&mut last));
            client.ready().await.expect("a connection");
            let path = http::uri::PathAndQuery::from_static(EXPORT);
            let start = Instant::now();
            let answer = client.unary(tonic::Request::new(message), path, Raw).await;
            if answer.is_err() {
                // Most servers accept 4 MiB.
                return Vec::new();
            }
            exports.push(start.elapsed());
        }
        exports
    }
}

fn first_id() -> u64 {
    CLIENTS.fetch_add(1, Ordering::Relaxed) << 40
}
