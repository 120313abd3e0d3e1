//! The echo: a server on loopback that the tested service calls, and that records the headers it gets.
//!
//! Dropping it ends the server.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::conformance::EchoCall;

/// Most bytes of a request.
const MOST_BYTES: usize = 1 << 20;

/// Maximum time for one request.
const LIMIT: Duration = Duration::from_secs(10);

/// Most calls that are recorded for one request, for a service in a loop.
const MOST_CALLS: usize = 64;

const RESPONSE: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";

type Calls = Arc<Mutex<HashMap<String, Vec<EchoCall>>>>;

/// A running echo.
pub(super) struct Echo {
    address: SocketAddr,
    calls: Calls,
    _server: JoinSet<()>,
}

impl Echo {
    /// Starts it on a free port of 127.0.0.1.
    pub(super) async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let calls = Calls::default();
        let mut server = JoinSet::new();
        server.spawn(serve(listener, Arc::clone(&calls)));
        Ok(Self {
            address,
            calls,
            _server: server,
        })
    }

    /// The URL that identifies a request.
    pub(super) fn url(&self, nonce: &str) -> String {
        format!("http://{}/{nonce}", self.address)
    }

    /// The calls with this nonce so far.
    pub(super) fn calls(&self, nonce: &str) -> Vec<EchoCall> {
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.get(nonce).cloned().unwrap_or_default()
    }
}

async fn serve(listener: TcpListener, calls: Calls) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    let calls = Arc::clone(&calls);
                    connections.spawn(async move {
                        // A slow client must not keep the connection.
                        let _ = timeout(LIMIT, answer(stream, &calls)).await;
                    });
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Records one request, and answers it.
async fn answer(mut stream: TcpStream, calls: &Calls) -> io::Result<()> {
    let mut received = Vec::new();
    let mut buffer = [0; 8_192];
    while !is_complete(&received) {
        let number = stream.read(&mut buffer).await?;
        if number == 0 || received.len() > MOST_BYTES {
            return Ok(());
        }
        received.extend_from_slice(&buffer[..number]);
    }
    if let Some((nonce, call)) = parsed(&received) {
        let mut calls = calls.lock().unwrap_or_else(PoisonError::into_inner);
        let known = calls.entry(nonce).or_default();
        if known.len() < MOST_CALLS {
            known.push(call);
        }
    }
    stream.write_all(RESPONSE).await?;
    stream.shutdown().await
}

fn head(received: &[u8]) -> Option<(String, usize)> {
    let end = received.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&received[..end]).into_owned();
    Some((head, received.len() - end - 4))
}

fn is_complete(received: &[u8]) -> bool {
    let Some((head, after)) = head(received) else {
        return false;
    };
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse().ok())?
    });
    after >= length.unwrap_or(0)
}

/// The nonce in the path, and the headers.
fn parsed(received: &[u8]) -> Option<(String, EchoCall)> {
    let (head, _) = head(received)?;
    let mut lines = head.split("\r\n");
    let target = lines.next()?.split(' ').nth(1)?;
    let path = target.split(['?', '#']).next()?;
    let nonce = path.trim_matches('/').split('/').next()?.to_owned();
    let headers = lines.filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_owned(), value.to_owned()))
    });
    let call = EchoCall {
        headers: headers.collect(),
    };
    Some((nonce, call))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn repeated_headers_are_recorded_for_the_nonce_of_the_path() {
        let echo = Echo::start().await.unwrap();
        let mut stream = TcpStream::connect(echo.address).await.unwrap();
        let request = b"POST /abc/more?x=1 HTTP/1.1\r\nTraceParent: a\r\ntraceparent:b\r\ncontent-length: 2\r\n\r\nhi";
        stream.write_all(request).await.unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).await.unwrap();
        assert!(response.starts_with("HTTP/1.1 200 OK"), "{response}");
        let calls = echo.calls("abc");
        assert_eq!(calls.len(), 1);
        assert_eq!(calls[0].values("traceparent"), ["a", "b"]);
        assert_eq!(echo.calls("other"), []);
    }
}
