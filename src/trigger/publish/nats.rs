//! NATS: a message to a subject. A stream of JetStream acknowledges it; otherwise the server passes
//! it to the subscribers, and a message without a subscriber is an error.
//!
//! <https://docs.nats.io/reference/reference-protocols/nats-protocol>. The client is ours, because the
//! order of answers is the proof: the server reports a message without subscribers before it answers
//! the `PING` that follows.

use std::io;

use serde_json::{Value as Json, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use url::Url;

use super::connections::{Connections, Peer};
use super::error::{PublishProblem, Step};
use super::message::{Message, Receipt};
use super::stream::{self, Address, Stream};
use crate::trace::Value;
use crate::trigger::TriggerError;

/// Answers are small.
const LONGEST: usize = 4 * 1024 * 1024;

/// The status of an answer if there is no subscriber.
const NO_RESPONDERS: &str = "503";

/// The note about a message that no stream stores.
const NOT_STORED: &str = "no stream of JetStream stores this subject, so that nothing acknowledges the message: the server passed it to subscribers, and does not know if they received it";

/// The note about a message that a stream may have stored.
const NOT_KNOWN: &str = "this user must not ask JetStream for the stream that stores this subject, so that nothing acknowledges the message; permit to publish to `$JS.API.STREAM.NAMES`";

/// The codes of errors of JetStream if it is not enabled, for the server or for the account.
const NOT_ENABLED: [i64; 2] = [10_039, 10_076];

/// A connection after the login.
pub(super) struct Connection {
    stream: BufReader<Stream>,
    /// The prefix of the subjects of answers.
    inbox: String,
    /// Maximum size of a message.
    max_payload: usize,
    /// Counts the messages, so that late answers to earlier ones do not count.
    messages: u64,
}

/// The stream that stores messages to a subject.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Storage {
    /// There is one, which acknowledges them.
    Stream,
    /// There is none.
    Nothing,
    /// The user must not ask.
    Unknown,
}

/// An operation that the server sends.
enum Operation {
    Info(Json),
    Pong,
    Error(String),
    /// A message: the last token of its subject, its status and its content.
    Message {
        to: String,
        status: Option<String>,
        content: Vec<u8>,
    },
}

pub(super) async fn send(
    server: &Url,
    subject: &str,
    message: &Message<'_>,
    connections: &Connections,
) -> Result<Receipt, TriggerError> {
    let host = server.host_str().unwrap_or_default();
    let address = format!("{host}:{}", server.port().unwrap_or(4222));
    let publish = message.publish;
    let peer = Peer {
        address: address.clone(),
        login: publish.login.clone(),
        tls: publish.tls.clone(),
        of: server.scheme().to_owned(),
    };
    let pool = connections;
    let mut connection = match pool.take(&peer, Connection::is_alive) {
        Some(connection) => connection,
        None => Connection::open(&address, server.scheme() == "tls", message).await?,
    };
    let receipt = connection.publish(subject, message).await?;
    pool.keep(peer, connection);
    Ok(receipt)
}

impl Connection {
    async fn open(
        address: &str,
        wants_tls: bool,
        message: &Message<'_>,
    ) -> Result<Self, TriggerError> {
        message.progress.reach(Step::Connecting);
        let written = Address::Written(address);
        let plain = stream::connect(written, None, message).await?;
        message.progress.reach(Step::Greeting);
        let mut stream = BufReader::new(plain);
        let info = match next(&mut stream).await {
            Ok(Operation::Info(info)) => info,
            Ok(_) => return Err(lost(&io::Error::from(io::ErrorKind::InvalidData), message)),
            Err(error) => return Err(lost(&error, message)),
        };
        let is = |key: &str| info[key].as_bool().unwrap_or_default();
        if !is("headers") {
            return Err(message.failed(PublishProblem::NotServed {
                why: "its messages have no headers, which contain the trace context".to_owned(),
                help: "use a server from version 2.2 on",
            }));
        }
        let publish = message.publish;
        if wants_tls || publish.tls.is_some() || is("tls_required") {
            let tls = publish.tls.clone().unwrap_or_default();
            let secure = stream::secure(stream.into_inner(), written, &tls, message).await?;
            stream = BufReader::new(secure);
        }
        let max_payload = info["max_payload"].as_u64().unwrap_or(1024 * 1024);
        let mut connection = Self {
            stream,
            inbox: format!("_INBOX.{:016x}", rand::random::<u64>()),
            max_payload: usize::try_from(max_payload).unwrap_or(usize::MAX),
            messages: 0,
        };
        connection.log_in(message).await?;
        Ok(connection)
    }

    fn is_alive(&mut self) -> bool {
        self.stream.buffer().is_empty() && stream::is_idle(self.stream.get_mut())
    }

    async fn log_in(&mut self, message: &Message<'_>) -> Result<(), TriggerError> {
        let mut connect = json!({
            "verbose": false, "pedantic": false, "headers": true, "no_responders": true,
            "lang": "rust", "version": env!("CARGO_PKG_VERSION"), "name": "spanspec", "protocol": 1,
        });
        match &message.publish.login {
            // As in the URL of other clients: `nats://token@host`.
            Some(login) if login.password.is_empty() => connect["auth_token"] = json!(login.user),
            Some(login) => {
                connect["user"] = json!(login.user);
                connect["pass"] = json!(login.password);
            }
            None => {}
        }
        let text = format!("CONNECT {connect}\r\nSUB {}.* 1\r\nPING\r\n", self.inbox);
        self.write(text.as_bytes(), message).await?;
        loop {
            match next(&mut self.stream).await {
                Ok(Operation::Pong) => return Ok(()),
                Ok(Operation::Error(why)) => {
                    return Err(message.failed(PublishProblem::NotServed {
                        why,
                        help: "check `user` and `password`; a token is the user of the URL, as in `nats://token@host`",
                    }));
                }
                Ok(Operation::Info(_) | Operation::Message { .. }) => {}
                Err(error) => return Err(lost(&error, message)),
            }
        }
    }

    async fn publish(
        &mut self,
        subject: &str,
        message: &Message<'_>,
    ) -> Result<Receipt, TriggerError> {
        let body = message.body.as_deref().unwrap_or_default();
        let mut headers = "NATS/1.0\r\n".to_owned();
        for (name, value) in &message.headers {
            if let Some(problem) = invalid(name, value) {
                let help = Some("remove line breaks, and colons of names");
                return Err(message.failed(PublishProblem::Rejected {
                    answer: problem,
                    help,
                }));
            }
            headers.push_str(&format!("{name}: {value}\r\n"));
        }
        headers.push_str("\r\n");
        let size = headers.len() + body.len();
        if size > self.max_payload {
            return Err(message.failed(PublishProblem::Rejected {
                answer: format!("it has {size} bytes ({} allowed)", self.max_payload),
                help: Some("raise `max_payload` of the server, or publish a smaller message"),
            }));
        }
        message.progress.reach(Step::Greeting);
        let storage = self.storage(subject, message).await?;
        message.progress.reach(Step::Sent);
        self.messages += 1;
        let reply = format!("m{}", self.messages);
        let head = format!(
            "HPUB {subject} {}.{reply} {} {size}\r\n{headers}",
            self.inbox,
            headers.len()
        );
        let sent = [head.as_bytes(), body, b"\r\nPING\r\n"].concat();
        self.write(&sent, message).await?;
        let mut is_passed_on = false;
        loop {
            let note = match storage {
                Storage::Stream => None,
                Storage::Nothing => Some(NOT_STORED),
                Storage::Unknown => Some(NOT_KNOWN),
            };
            if let (true, Some(note)) = (is_passed_on, note) {
                return Ok(Receipt {
                    note: Some(note.to_owned()),
                    ..Receipt::from_iter([("acknowledged", Value::Bool(false))])
                });
            }
            match next(&mut self.stream)
                .await
                .map_err(|error| lost(&error, message))?
            {
                Operation::Pong => is_passed_on = true,
                Operation::Error(answer) => {
                    let help = Some("give the user the right to publish to the subject");
                    return Err(message.failed(PublishProblem::Rejected { answer, help }));
                }
                Operation::Message {
                    to,
                    status,
                    content,
                } if to == reply => match status.as_deref() {
                    Some(NO_RESPONDERS) => return Err(no_subscriber(message)),
                    _ if storage == Storage::Stream => {
                        if let Some(answered) = receipt(&content, message) {
                            return answered;
                        }
                    }
                    // That of a subscriber, although nothing was asked.
                    _ => {}
                },
                Operation::Info(_) | Operation::Message { .. } => {}
            }
        }
    }

    /// Asks which stream takes messages to this subject.
    async fn storage(
        &mut self,
        subject: &str,
        message: &Message<'_>,
    ) -> Result<Storage, TriggerError> {
        self.messages += 1;
        let reply = format!("s{}", self.messages);
        let content = json!({ "subject": subject }).to_string();
        let text = format!(
            "PUB $JS.API.STREAM.NAMES {}.{reply} {}\r\n{content}\r\n",
            self.inbox,
            content.len()
        );
        self.write(text.as_bytes(), message).await?;
        loop {
            match next(&mut self.stream)
                .await
                .map_err(|error| lost(&error, message))?
            {
                Operation::Message {
                    to,
                    status,
                    content,
                } if to == reply => {
                    return match status.as_deref() {
                        Some(NO_RESPONDERS) => Ok(Storage::Nothing),
                        _ => storage_of(&content, message),
                    };
                }
                Operation::Error(_) => return Ok(Storage::Unknown),
                Operation::Info(_) | Operation::Pong | Operation::Message { .. } => {}
            }
        }
    }

    async fn write(&mut self, bytes: &[u8], message: &Message<'_>) -> Result<(), TriggerError> {
        let stream = self.stream.get_mut();
        let written = async {
            stream.write_all(bytes).await?;
            stream.flush().await
        };
        written.await.map_err(|error| lost(&error, message))
    }
}

/// The next operation of the server; its pings are answered by the end of the connection.
async fn next(stream: &mut BufReader<Stream>) -> io::Result<Operation> {
    let invalid = || io::Error::from(io::ErrorKind::InvalidData);
    loop {
        let mut line = Vec::new();
        let read = (&mut *stream)
            .take(64 * 1024)
            .read_until(b'\n', &mut line)
            .await?;
        if read == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
        }
        let line = std::str::from_utf8(&line)
            .map_err(|_| invalid())?
            .trim_end();
        let (operation, rest) = line.split_once(' ').unwrap_or((line, ""));
        return Ok(match operation.to_ascii_uppercase().as_str() {
            "INFO" => Operation::Info(serde_json::from_str(rest).map_err(|_| invalid())?),
            "PONG" => Operation::Pong,
            "+OK" => continue,
            "PING" => {
                stream.get_mut().write_all(b"PONG\r\n").await?;
                stream.get_mut().flush().await?;
                continue;
            }
            "-ERR" => Operation::Error(rest.trim_matches('\'').to_owned()),
            kind @ ("MSG" | "HMSG") => {
                let words: Vec<&str> = rest.split_ascii_whitespace().collect();
                let to = words.first().and_then(|subject| subject.rsplit('.').next());
                let to = to.ok_or_else(invalid)?.to_owned();
                let number = |text: Option<&&str>| text.and_then(|text| text.parse::<usize>().ok());
                let size = number(words.last()).filter(|size| *size <= LONGEST);
                let size = size.ok_or_else(invalid)?;
                let head = match kind {
                    "HMSG" => number(words.iter().rev().nth(1)).unwrap_or(0).min(size),
                    _ => 0,
                };
                let mut content = vec![0; size + 2];
                stream.read_exact(&mut content).await?;
                content.truncate(size);
                let body = content.split_off(head);
                // `NATS/1.0 503`
                let first = String::from_utf8_lossy(&content);
                let first = first.lines().next().unwrap_or_default();
                let status = first.split_ascii_whitespace().nth(1).map(str::to_owned);
                Operation::Message {
                    to,
                    status,
                    content: body,
                }
            }
            _ => return Err(invalid()),
        });
    }
}

/// The answer of JetStream about the streams of a subject.
fn storage_of(content: &[u8], message: &Message<'_>) -> Result<Storage, TriggerError> {
    let answer: Json = serde_json::from_slice(content).unwrap_or_default();
    let error = &answer["error"];
    let code = error["err_code"].as_i64().unwrap_or_default();
    if NOT_ENABLED.contains(&code) {
        return Ok(Storage::Nothing);
    }
    match answer["streams"].as_array() {
        Some(streams) if !streams.is_empty() => Ok(Storage::Stream),
        // `null` if there is none.
        _ if error.is_null() && answer.get("streams").is_some() => Ok(Storage::Nothing),
        _ => {
            let why = error["description"].as_str().unwrap_or("an unknown answer");
            Err(message.failed(PublishProblem::NotServed {
                why: format!("JetStream does not name the stream of the subject: {why}"),
                help: "check the state of JetStream (`nats server report jetstream`)",
            }))
        }
    }
}

/// The acknowledgement of a stream; `None` for the answer of a subscriber.
fn receipt(content: &[u8], message: &Message<'_>) -> Option<Result<Receipt, TriggerError>> {
    let answer: Json = serde_json::from_slice(content).ok()?;
    let error = &answer["error"];
    if let (Some(_), Some(text)) = (error["code"].as_i64(), error["description"].as_str()) {
        return Some(Err(message.failed(PublishProblem::Rejected {
            answer: text.to_owned(),
            help: Some("check the limits and the state of the stream"),
        })));
    }
    let (stream, sequence) = (answer["stream"].as_str()?, answer["seq"].as_i64()?);
    if answer["duplicate"] == Json::Bool(true) {
        return Some(Err(message.failed(PublishProblem::Lost {
            answer: "its stream did not store it: it has a message with the same `Nats-Msg-Id`",
            help: "give each message an id of its own, such as one with `${uuid()}`, or remove the header",
        })));
    }
    Some(Ok(Receipt::from_iter([
        ("stream", Value::from(stream)),
        ("sequence", Value::Int(sequence)),
    ])))
}

fn no_subscriber(message: &Message<'_>) -> TriggerError {
    message.failed(PublishProblem::Lost {
        answer: "no one subscribes to the subject, and no stream stores it",
        help: "start the consumer before the spec, or create a stream for the subject",
    })
}

/// The reason why a header cannot be sent.
fn invalid(name: &str, value: &str) -> Option<String> {
    let is_invalid = name.contains([':', '\r', '\n', ' ']) || value.contains(['\r', '\n']);
    is_invalid.then(|| format!("the header `{}` is invalid", name.escape_debug()))
}

/// The connection failed before the message was acknowledged.
fn lost(error: &io::Error, message: &Message<'_>) -> TriggerError {
    let why = match error.kind() {
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::BrokenPipe => "it closed the connection".to_owned(),
        io::ErrorKind::InvalidData => "its answer is not the NATS protocol".to_owned(),
        _ => error.to_string(),
    };
    let help = "check the port, which can be one of another protocol, and the log of the server";
    message.failed(PublishProblem::NotServed { why, help })
}
