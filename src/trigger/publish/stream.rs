//! Connections to brokers over TCP, with TLS if the spec asks for it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::error::PublishProblem;
use super::message::Message;
use crate::spec::Tls;
use crate::trigger::{TriggerError, tls};

/// A connection to a broker.
pub(super) type Stream = Box<dyn Duplex>;

/// Bytes in both directions.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// The address of a broker.
#[derive(Clone, Copy)]
pub(super) enum Address<'a> {
    /// An address of the spec.
    Written(&'a str),
    /// An address that the broker gives for another one of its cluster.
    Advertised(&'a str),
}

impl Address<'_> {
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Written(text) | Self::Advertised(text) => text,
        }
    }

    fn problem(self, source: io::Error) -> PublishProblem {
        match self {
            Self::Written(_) if source.kind() == io::ErrorKind::ConnectionRefused => {
                PublishProblem::Refused
            }
            Self::Written(_) => PublishProblem::Unreachable {
                advertised: None,
                source,
            },
            Self::Advertised(text) => PublishProblem::Unreachable {
                advertised: Some(text.to_owned()),
                source,
            },
        }
    }
}

/// Connects to `host:port`.
pub(super) async fn connect(
    address: Address<'_>,
    tls: Option<&Tls>,
    message: &Message<'_>,
) -> Result<Stream, TriggerError> {
    let stream = TcpStream::connect(address.text()).await;
    let stream = stream.map_err(|source| message.failed(address.problem(source)))?;
    // Messages are small, and each waits for its answer.
    let _ = stream.set_nodelay(true);
    match tls {
        None => Ok(Box::new(stream)),
        Some(tls) => secure(stream, address, tls, message).await,
    }
}

/// Starts TLS on a connection.
pub(super) async fn secure(
    stream: impl Duplex + 'static,
    address: Address<'_>,
    tls: &Tls,
    message: &Message<'_>,
) -> Result<Stream, TriggerError> {
    let config = tls::client_config(tls)?;
    let text = address.text();
    let host = text.rsplit_once(':').map_or(text, |(host, _)| host);
    let host = host.trim_matches(['[', ']']).to_owned();
    let name = ServerName::try_from(host).map_err(|_| {
        message.failed(address.problem(io::Error::from(io::ErrorKind::InvalidInput)))
    })?;
    let connected = TlsConnector::from(Arc::new(config)).connect(name, stream);
    match connected.await {
        Ok(stream) => Ok(Box::new(stream)),
        Err(source) => {
            let help = tls::remedy(&source).unwrap_or(
                "check that the port uses TLS; if the broker requires a client certificate, set `tls: { cert: …, key: … }`",
            );
            let why = format!("the TLS handshake failed: {source}");
            Err(message.failed(PublishProblem::NotServed { why, help }))
        }
    }
}

/// Returns `true` if the connection is open, and nothing is to be read.
pub(super) fn is_idle(stream: &mut Stream) -> bool {
    let mut byte = [0];
    let mut buffer = ReadBuf::new(&mut byte);
    let mut context = Context::from_waker(Waker::noop());
    let read = Pin::new(stream).poll_read(&mut context, &mut buffer);
    read.is_pending()
}
