//! One exchange over HTTP/1.1 whose request is sent byte by byte as it is given.
//!
//! Clients normalise header lines. The status of the response is all that callers need; the body is read, so that
//! the server is not interrupted.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use url::Url;

#[cfg(feature = "tls")]
use super::tls;
use crate::spec::Tls;

/// Most bytes of a response that are read.
const MOST_BYTES: usize = 1 << 20;

/// Number of bytes that are shown of a response that is not HTTP/1.1.
const SHOWN: usize = 40;

/// The result of an exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RawAnswer {
    /// A response with this status.
    Status(u16),
    /// The connection was closed without a response.
    Closed,
    /// There was no response in time.
    TimedOut,
    /// The first bytes are not HTTP/1.1; contains them, escaped.
    NotHttp(String),
    /// There is no connection, for this reason.
    Unconnected(Unconnected),
}

/// The reason why there is no connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unconnected {
    /// The reason.
    pub(crate) why: String,
    /// The remedy.
    pub(crate) help: String,
    /// Nothing listens on the port.
    pub(crate) is_refused: bool,
}

/// Sends the bytes of a request to the server of a URL, and reads the response. Takes at most `limit`.
pub(crate) async fn exchange(url: &Url, tls: &Tls, request: &[u8], limit: Duration) -> RawAnswer {
    let mut received = Vec::new();
    let exchanged = timeout(limit, exchange_on(url, tls, request, &mut received)).await;
    match exchanged {
        Ok(Err(unconnected)) => RawAnswer::Unconnected(unconnected),
        Ok(Ok(())) => answer(&received).unwrap_or(match received.is_empty() {
            true => RawAnswer::Closed,
            false => not_http(&received),
        }),
        Err(_) => answer(&received).unwrap_or(RawAnswer::TimedOut),
    }
}

async fn exchange_on(
    url: &Url,
    tls: &Tls,
    request: &[u8],
    received: &mut Vec<u8>,
) -> Result<(), Unconnected> {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let port = url.port_or_known_default().unwrap_or(80);
    let stream = TcpStream::connect((host, port)).await;
    let stream = stream.map_err(|error| unconnected(host, port, &error))?;
    // Without an effect on the bytes.
    let _ = stream.set_nodelay(true);
    match url.scheme() {
        "https" => {
            let stream = secured(stream, host, tls).await?;
            transfer(stream, request, received).await;
        }
        _ => transfer(stream, request, received).await,
    }
    Ok(())
}

fn unconnected(host: &str, port: u16, error: &io::Error) -> Unconnected {
    let is_refused = error.kind() == io::ErrorKind::ConnectionRefused;
    let why = match is_refused {
        true => format!("connection refused by {host}:{port}"),
        false => format!("failed to connect to {host}:{port}: {error}"),
    };
    Unconnected {
        why,
        help: "start the service, or check host and port".to_owned(),
        is_refused,
    }
}

#[cfg(feature = "tls")]
async fn secured(
    stream: TcpStream,
    host: &str,
    tls: &Tls,
) -> Result<tokio_rustls::client::TlsStream<TcpStream>, Unconnected> {
    use rustls::pki_types::ServerName;

    let failed = |why: String, help: &str| Unconnected {
        why,
        help: help.to_owned(),
        is_refused: false,
    };
    let config = tls::client_config(tls).map_err(|error| {
        let help = "check the files that `tls` names";
        failed(error.to_string(), help)
    })?;
    let name = ServerName::try_from(host.to_owned()).map_err(|_| {
        let why = format!("`{host}` is no name of a certificate");
        failed(why, "use the name of the host")
    })?;
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    connector.connect(name, stream).await.map_err(|error| {
        let help = tls::remedy(&error)
            .unwrap_or("check that the port uses TLS and HTTP/1.1: HTTP/2 alone cannot carry these header lines");
        failed(format!("the TLS handshake failed: {error}"), help)
    })
}

#[cfg(not(feature = "tls"))]
async fn secured(_: TcpStream, _: &str, _: &Tls) -> Result<TcpStream, Unconnected> {
    Err(Unconnected {
        why: "this build of spanspec has no TLS".to_owned(),
        help: "build it with the feature `tls`".to_owned(),
        is_refused: false,
    })
}

/// Writes the request and reads the response. An error ends the response: the caller sees what arrived.
async fn transfer(
    mut stream: impl AsyncReadExt + AsyncWriteExt + Unpin,
    request: &[u8],
    received: &mut Vec<u8>,
) {
    // A server that refuses the request early may have answered already.
    let _ = stream.write_all(request).await;
    let _ = stream.flush().await;
    let mut buffer = [0; 8_192];
    while received.len() < MOST_BYTES && !is_complete(received) {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(number) => received.extend_from_slice(&buffer[..number]),
        }
    }
}

/// The head of the final response, and the bytes after it. Interim responses are skipped.
fn head(received: &[u8]) -> Option<(&str, &[u8])> {
    let mut rest = received;
    loop {
        let end = rest.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
        let head = std::str::from_utf8(&rest[..end]).ok();
        let body = &rest[end + 4..];
        match status(rest) {
            Some(100..200) => rest = body,
            _ => return Some((head.unwrap_or_default(), body)),
        }
    }
}

/// Returns `true` if nothing more of the response is to be read.
fn is_complete(received: &[u8]) -> bool {
    let Some((head, body)) = head(received) else {
        // A server with HTTP/2 alone sends its settings, and waits.
        return !received.is_empty() && !b"HTTP/".starts_with(&received[..received.len().min(5)]);
    };
    let field = |name: &str| {
        head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    };
    if let Some(length) = field("content-length") {
        return length.parse().is_ok_and(|length| body.len() >= length);
    }
    match field("transfer-encoding") {
        Some(_) => body.ends_with(b"0\r\n\r\n"),
        None => false,
    }
}

/// The status of the first response line.
fn status(bytes: &[u8]) -> Option<u16> {
    let line = bytes.strip_prefix(b"HTTP/1.")?;
    let digits = std::str::from_utf8(line.get(2..5)?).ok()?;
    digits.parse().ok()
}

/// The answer, if a final response has begun.
fn answer(received: &[u8]) -> Option<RawAnswer> {
    let (head, _) = head(received)?;
    match status(head.as_bytes()) {
        Some(status) => Some(RawAnswer::Status(status)),
        None => Some(not_http(received)),
    }
}

fn not_http(received: &[u8]) -> RawAnswer {
    let shown = &received[..received.len().min(SHOWN)];
    RawAnswer::NotHttp(shown.escape_ascii().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_final_response_counts_and_its_length_ends_the_wait() {
        let interim = b"HTTP/1.1 100 Continue\r\n\r\n";
        assert_eq!(answer(interim), None);
        let whole = [
            &interim[..],
            b"HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\nno",
        ]
        .concat();
        assert_eq!(answer(&whole), Some(RawAnswer::Status(400)));
        assert!(is_complete(&whole));
        assert!(!is_complete(&whole[..whole.len() - 1]));
        let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";
        assert!(is_complete(chunked));
        assert!(!is_complete(
            b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nok"
        ));
    }

    #[test]
    fn settings_of_http_2_are_no_response() {
        let settings = b"\0\0\x12\x04\0\0\0\0\0\0\x03";
        assert!(is_complete(settings));
        assert_eq!(answer(settings), None);
        assert_eq!(
            not_http(settings),
            RawAnswer::NotHttp(r"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03".to_owned())
        );
        assert!(!is_complete(b"HT"));
    }

    #[tokio::test]
    async fn a_port_without_a_server_is_refused() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        drop(listener);
        let url = Url::parse(&url).unwrap();
        let answer = exchange(&url, &Tls::default(), b"", Duration::from_secs(5)).await;
        let RawAnswer::Unconnected(unconnected) = answer else {
            panic!("{answer:?}");
        };
        assert!(unconnected.is_refused, "{unconnected:?}");
    }
}
