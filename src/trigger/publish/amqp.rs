//! AMQP 0.9.1: a persistent message to an exchange, with publisher confirms and `mandatory`, so that
//! a message that reaches no queue is an error.
//!
//! <https://www.rabbitmq.com/resources/specs/amqp0-9-1.pdf>, and for confirms
//! <https://www.rabbitmq.com/docs/confirms>.

mod wire;

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use url::Url;

use self::wire::{Fields, Frame, Method, Payload, frame};
use super::connections::{Connections, Peer};
use super::error::{PublishProblem, Step};
use super::message::{Message, Receipt};
use super::stream::{self, Address, Stream};
use crate::spec::Tls;
use crate::trace::Value;
use crate::trigger::TriggerError;

/// Maximum size of a frame that we send or accept.
const FRAME: u32 = 128 * 1024;

/// The lowest maximum that a broker may ask for.
const SMALLEST_FRAME: u32 = 4096;

/// The only channel.
const CHANNEL: u16 = 1;

/// A connection with a channel that confirms messages.
pub(super) struct Connection {
    stream: Stream,
    frame_max: u32,
}

/// The place of a message.
#[derive(Clone, Copy)]
pub(super) struct Route<'a> {
    pub(super) server: &'a Url,
    pub(super) exchange: &'a str,
    pub(super) key: &'a str,
}

pub(super) async fn send(
    route: Route<'_>,
    message: &Message<'_>,
    connections: &Connections,
) -> Result<Receipt, TriggerError> {
    let host = route.server.host_str().unwrap_or_default();
    let publish = message.publish;
    let is_secure = route.server.scheme() == "amqps";
    let peer = Peer {
        address: format!("{host}:{}", route.server.port().unwrap_or(5672)),
        login: publish.login.clone(),
        tls: publish.tls.clone().or_else(|| is_secure.then(Tls::default)),
        of: virtual_host(route.server),
    };
    let pool = connections;
    let is_alive = |connection: &mut Connection| stream::is_idle(&mut connection.stream);
    let mut connection = match pool.take(&peer, is_alive) {
        Some(connection) => connection,
        None => Connection::open(&peer, message).await?,
    };
    connection.publish(route, message).await?;
    pool.keep(peer, connection);
    Ok(Receipt::from_iter([("acknowledged", Value::Bool(true))]))
}

/// The path of a URL; that of RabbitMQ's default host without one.
fn virtual_host(server: &Url) -> String {
    let path = server.path().trim_start_matches('/');
    let decoded = percent_encoding::percent_decode_str(path).decode_utf8_lossy();
    match decoded.as_ref() {
        "" => "/".to_owned(),
        name => name.to_owned(),
    }
}

impl Connection {
    async fn open(peer: &Peer, message: &Message<'_>) -> Result<Self, TriggerError> {
        message.progress.reach(Step::Connecting);
        let address = Address::Written(&peer.address);
        let stream = stream::connect(address, peer.tls.as_ref(), message).await?;
        message.progress.reach(Step::Greeting);
        let mut connection = Self {
            stream,
            frame_max: FRAME,
        };
        let opened = connection.start(peer, message).await;
        opened.map_err(|error| error.before_message(message))?;
        Ok(connection)
    }

    async fn start(&mut self, peer: &Peer, message: &Message<'_>) -> Result<(), Failure> {
        self.stream.write_all(b"AMQP\x00\x00\x09\x01").await?;
        self.stream.flush().await?;
        self.expect(Method::START).await?;
        let (user, password) = match &message.publish.login {
            Some(login) => (login.user.as_str(), login.password.as_str()),
            None => ("guest", "guest"),
        };
        let mut start = Fields::of(Method::START_OK);
        start.table(|properties| {
            properties.text("product", "spanspec");
            properties.flags(
                "capabilities",
                &[
                    "publisher_confirms",
                    "basic.nack",
                    "authentication_failure_close",
                ],
            );
        });
        start.short("PLAIN");
        start.long(format!("\0{user}\0{password}").as_bytes());
        start.short("en_US");
        self.method(0, start).await?;
        let tune = self.expect(Method::TUNE).await?;
        let mut tune = Payload(&tune);
        let (_, frame_max, _) = (tune.u16()?, tune.u32()?, tune.u16()?);
        if frame_max > 0 {
            self.frame_max = frame_max.clamp(SMALLEST_FRAME, FRAME);
        }
        let mut tuned = Fields::of(Method::TUNE_OK);
        // No heartbeat: the timeout of the message is shorter.
        tuned.u16(CHANNEL).u32(self.frame_max).u16(0);
        self.method(0, tuned).await?;
        let mut open = Fields::of(Method::OPEN);
        open.short(&peer.of).short("").u8(0);
        self.method(0, open).await?;
        self.expect(Method::OPEN_OK).await?;
        let mut channel = Fields::of(Method::CHANNEL_OPEN);
        channel.short("");
        self.method(CHANNEL, channel).await?;
        self.expect(Method::CHANNEL_OPEN_OK).await?;
        let mut confirm = Fields::of(Method::CONFIRM_SELECT);
        confirm.u8(0);
        self.method(CHANNEL, confirm).await?;
        self.expect(Method::CONFIRM_SELECT_OK).await?;
        Ok(())
    }

    async fn publish(
        &mut self,
        route: Route<'_>,
        message: &Message<'_>,
    ) -> Result<(), TriggerError> {
        message.progress.reach(Step::Sent);
        let sent = self.send_content(route, message).await;
        sent.map_err(|error| Failure::from(error).of_message(message))?;
        let mut returned = None;
        loop {
            let frame = self
                .next()
                .await
                .map_err(|error| error.of_message(message))?;
            let Frame::Method(method, content) = frame else {
                continue;
            };
            match method {
                Method::RETURN => returned = Some(answer_of(&content)),
                Method::ACK => {
                    return match returned {
                        None => Ok(()),
                        Some(answer) => Err(unroutable(&answer, route, message)),
                    };
                }
                Method::NACK => {
                    return Err(message.failed(PublishProblem::Rejected {
                        answer: "it did not store it (basic.nack)".to_owned(),
                        help: Some("check the limits of the queue, and the log of the broker"),
                    }));
                }
                _ => {}
            }
        }
    }

    /// Sends the method, the header and the body of a message.
    async fn send_content(&mut self, route: Route<'_>, message: &Message<'_>) -> io::Result<()> {
        const MANDATORY: u8 = 1;
        let mut publish = Fields::of(Method::PUBLISH);
        publish.u16(0).short(route.exchange).short(route.key);
        publish.u8(MANDATORY);
        let body = message.body.as_deref().unwrap_or_default();
        let mut bytes = frame(wire::METHOD, CHANNEL, &publish.0);
        let header = wire::content_header(body.len(), message.content_type, &message.headers);
        bytes.extend(frame(wire::HEADER, CHANNEL, &header));
        let most = usize::try_from(self.frame_max).unwrap_or(usize::MAX) - wire::OVERHEAD;
        for part in body.chunks(most) {
            bytes.extend(frame(wire::BODY, CHANNEL, part));
        }
        self.stream.write_all(&bytes).await?;
        self.stream.flush().await
    }

    async fn method(&mut self, channel: u16, fields: Fields) -> io::Result<()> {
        let bytes = frame(wire::METHOD, channel, &fields.0);
        self.stream.write_all(&bytes).await?;
        self.stream.flush().await
    }

    /// Waits for this method. Returns its fields.
    async fn expect(&mut self, wanted: Method) -> Result<Vec<u8>, Failure> {
        loop {
            match self.next().await? {
                Frame::Method(method, fields) if method == wanted => return Ok(fields),
                _ => {}
            }
        }
    }

    /// The next frame.
    ///
    /// # Errors
    /// The broker closed the channel or the connection.
    async fn next(&mut self) -> Result<Frame, Failure> {
        let kind = self.stream.read_u8().await?;
        let _channel = self.stream.read_u16().await?;
        let size = self.stream.read_u32().await?;
        // `AMQP` and a version are the answer to a client of another version.
        if kind == b'A' || size > FRAME.max(self.frame_max) || !(1..=8).contains(&kind) {
            return Err(Failure::Connection(io::ErrorKind::InvalidData.into()));
        }
        let mut payload = vec![0; usize::try_from(size).unwrap_or_default() + 1];
        self.stream.read_exact(&mut payload).await?;
        if payload.pop() != Some(wire::END) {
            return Err(Failure::Connection(io::ErrorKind::InvalidData.into()));
        }
        let frame = Frame::read(kind, payload)?;
        match &frame {
            Frame::Method(Method::CLOSE | Method::CHANNEL_CLOSE, content) => {
                Err(Failure::Closed(answer_of(content)))
            }
            _ => Ok(frame),
        }
    }
}

/// The code and the text of a closed channel, a closed connection, or a returned message.
struct Answer {
    code: u16,
    text: String,
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (code {})", self.text, self.code)
    }
}

fn answer_of(content: &[u8]) -> Answer {
    let mut content = Payload(content);
    Answer {
        code: content.u16().unwrap_or_default(),
        text: content.short().unwrap_or_default(),
    }
}

/// The reason why a message is not confirmed.
enum Failure {
    Connection(io::Error),
    Closed(Answer),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Connection(error)
    }
}

impl Failure {
    fn before_message(&self, message: &Message<'_>) -> TriggerError {
        let why = self.to_string();
        let help = match self {
            Self::Closed(answer) => match answer.code {
                403 => {
                    "check `user` and `password`; without them, they are `guest`, whom RabbitMQ accepts from its own machine only"
                }
                530 => {
                    "create the virtual host, which is the path of the URL, or give the user the right to it"
                }
                _ => "look up the code in the log of the broker",
            },
            Self::Connection(_) => {
                "check the port, which can be one of AMQP 1.0, of TLS or of another protocol, and the log of the broker"
            }
        };
        message.failed(PublishProblem::NotServed { why, help })
    }

    fn of_message(&self, message: &Message<'_>) -> TriggerError {
        let help = match self {
            Self::Closed(answer) => match answer.code {
                403 => "give the user the right to write to the exchange",
                404 => "create the exchange, or correct `exchange`",
                406 => "publish a smaller message, or look up the code in the log of the broker",
                _ => "look up the code in the log of the broker",
            },
            Self::Connection(_) => "check the log of the broker",
        };
        message.failed(PublishProblem::Rejected {
            answer: self.to_string(),
            help: Some(help),
        })
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Closed(answer) => answer.fmt(f),
            Self::Connection(error) => match error.kind() {
                io::ErrorKind::UnexpectedEof
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::BrokenPipe => f.write_str("it closed the connection"),
                io::ErrorKind::InvalidData => f.write_str("its answer is not AMQP 0.9.1"),
                _ => error.fmt(f),
            },
        }
    }
}

/// The exchange has no queue for the message, which the broker returned.
fn unroutable(answer: &Answer, route: Route<'_>, message: &Message<'_>) -> TriggerError {
    let help = match route.exchange {
        "" => {
            "create the queue, or correct `routing_key`: without `exchange`, it is the name of a queue"
        }
        _ => "bind a queue to the exchange with this routing key, or correct `routing_key`",
    };
    message.failed(PublishProblem::Rejected {
        answer: format!("no queue takes it: {answer}"),
        help: Some(help),
    })
}
