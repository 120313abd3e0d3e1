//! NATS.

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// The server that a test plays.
#[derive(Clone)]
struct Server {
    info: &'static str,
    /// The answer to the question for the streams of a subject.
    streams: Answer,
    /// The answers to the message, before that to the `PING` that follows it.
    answers: Vec<Answer>,
}

#[derive(Clone)]
enum Answer {
    /// A message with this content.
    Message(&'static str),
    /// The status for a subject without a subscriber.
    NoResponders,
    /// A line of the protocol.
    Line(&'static str),
    /// The end of the connection.
    Close,
}

const WITH_STREAM: Answer = Answer::Message(r#"{"total":1,"streams":["ORDERS"]}"#);
const WITHOUT_STREAM: Answer = Answer::Message(r#"{"total":0,"streams":null}"#);
const STORED: Answer = Answer::Message(r#"{"stream":"ORDERS","seq":7}"#);

impl Server {
    fn new(streams: Answer, answers: impl Into<Vec<Answer>>) -> Self {
        Self {
            info: r#"{"headers":true,"max_payload":1000}"#,
            streams,
            answers: answers.into(),
        }
    }

    /// The receipt or error of a message to it, and the server's address.
    async fn receives(self, more: &str) -> (Result<String, String>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(self.clone().serve(stream));
            }
        });
        let message = format!("{{ nats: '{address}', subject: orders, json: 1{more} }}");
        (send(message).await, address)
    }

    /// Returns at the end of the connection.
    async fn serve(self, stream: TcpStream) -> Option<()> {
        let mut stream = BufReader::new(stream);
        stream
            .write_all(format!("INFO {}\r\n", self.info).as_bytes())
            .await
            .ok()?;
        let mut line = String::new();
        while stream.read_line(&mut line).await.ok()? > 0 {
            let words: Vec<String> = line.split_ascii_whitespace().map(str::to_owned).collect();
            line.clear();
            match words.first()?.as_str() {
                "PING" => stream.write_all(b"PONG\r\n").await.ok()?,
                operation @ ("PUB" | "HPUB") => {
                    let size: usize = words.last()?.parse().ok()?;
                    stream.read_exact(&mut vec![0; size + 2]).await.ok()?;
                    let one = [self.streams.clone()];
                    let answers = match operation {
                        "PUB" => &one[..],
                        _ => &self.answers[..],
                    };
                    for answer in answers {
                        let to = &words[2];
                        let text = match answer {
                            Answer::Message(text) => {
                                format!("MSG {to} 1 {}\r\n{text}\r\n", text.len())
                            }
                            Answer::NoResponders => {
                                format!("HMSG {to} 1 16 16\r\nNATS/1.0 503\r\n\r\n\r\n")
                            }
                            Answer::Line(line) => format!("{line}\r\n"),
                            Answer::Close => return None,
                        };
                        stream.write_all(text.as_bytes()).await.ok()?;
                    }
                }
                _ => {}
            }
        }
        Some(())
    }
}

#[tokio::test]
async fn the_acknowledgement_is_that_of_the_stream_and_not_of_a_subscriber() {
    let answers = [
        Answer::Message("hello"),
        Answer::Message(r#"{"error":"no"}"#),
        STORED,
    ];
    let (receipt, _) = Server::new(WITH_STREAM, answers).receives("").await;
    assert_eq!(receipt.unwrap(), r#"{"stream":"ORDERS","sequence":7}"#);
}

#[tokio::test]
async fn a_message_that_a_stream_does_not_acknowledge_is_an_error() {
    let server = Server::new(WITH_STREAM, [Answer::Message("hello")]);
    let (error, address) = server.receives(", timeout: 200ms").await;
    assert_eq!(
        error.unwrap_err(),
        format!(
            "NATS at {address} did not acknowledge the message within 200 ms (subject orders) (help: check the state of the broker, or increase `timeout` of `publish`)"
        )
    );
    for (answer, found) in [
        (
            Answer::Close,
            "does not serve this connection: it closed the connection",
        ),
        (
            Answer::Message(
                r#"{"error":{"code":503,"err_code":10077,"description":"maximum messages exceeded"}}"#,
            ),
            "rejected the message: maximum messages exceeded",
        ),
        (
            Answer::Message(r#"{"stream":"ORDERS","seq":3,"duplicate":true}"#),
            "took the message, but its stream did not store it: it has a message with the same `Nats-Msg-Id`",
        ),
        (
            Answer::Line("-ERR 'Permissions Violation for Publish to \"orders\"'"),
            "rejected the message: Permissions Violation for Publish to \"orders\"",
        ),
    ] {
        let (error, _) = Server::new(WITH_STREAM, [answer]).receives("").await;
        let error = error.unwrap_err();
        assert!(error.contains(found), "{error}");
    }
}

#[tokio::test]
async fn a_message_without_a_stream_is_not_acknowledged_and_needs_a_subscriber() {
    let not_enabled = r#"{"error":{"code":503,"err_code":10039,"description":"JetStream not enabled for account"}}"#;
    let forbidden = "-ERR 'Permissions Violation for Publish to \"$JS.API.STREAM.NAMES\"'";
    for streams in [
        WITHOUT_STREAM,
        Answer::NoResponders,
        Answer::Message(not_enabled),
        Answer::Line(forbidden),
    ] {
        let (receipt, _) = Server::new(streams.clone(), []).receives("").await;
        assert_eq!(receipt.unwrap(), r#"{"acknowledged":false}"#);
        let (error, _) = Server::new(streams, [Answer::NoResponders])
            .receives("")
            .await;
        let error = error.unwrap_err();
        assert!(
            error.contains("no one subscribes to the subject"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn an_unknown_stream_is_an_error() {
    let no_leader = r#"{"error":{"code":503,"err_code":10008,"description":"JetStream system temporarily unavailable"}}"#;
    let (error, _) = Server::new(Answer::Message(no_leader), [])
        .receives("")
        .await;
    let error = error.unwrap_err();
    assert!(
        error.contains(
            "does not name the stream of the subject: JetStream system temporarily unavailable"
        ),
        "{error}"
    );
}

#[tokio::test]
async fn a_server_without_headers_or_with_a_small_limit_gets_no_message() {
    let mut server = Server::new(WITHOUT_STREAM, []);
    server.info = r#"{"max_payload":1000}"#;
    let (error, _) = server.clone().receives("").await;
    let error = error.unwrap_err();
    assert!(error.contains("its messages have no headers"), "{error}");
    server.info = r#"{"headers":true,"max_payload":20}"#;
    let (error, _) = server.receives("").await;
    let error = error.unwrap_err();
    assert!(error.contains("bytes (20 allowed)"), "{error}");
}
