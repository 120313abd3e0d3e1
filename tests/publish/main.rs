//! Messages, against brokers that a test plays. `.ci/brokers.py` runs real ones.

mod amqp;
mod kafka;
mod nats;
mod sqs;
#[path = "../support/mod.rs"]
mod support;

use std::path::Path;

use spanspec::internal::spec::Trigger;
use spanspec::internal::trigger::{Session, TraceContext, TriggerError, fire};
use spanspec::{Context, Response, Source, Spec};
use support::ClosedPort;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

fn trigger(publish: &str) -> Trigger {
    let text = format!("publish: {publish}\nexpect: {{ errors: 0 }}\n");
    let specs = Spec::read_all(
        &Source::new("a.yaml", text),
        Path::new("."),
        &Context::default(),
    );
    let spec = specs.unwrap().remove(0);
    spec.steps[0].trigger(&spec.scope()).unwrap()
}

/// The receipt of a message, or the error with its help.
async fn send_in(publish: &str, session: &Session) -> (TraceContext, Result<String, String>) {
    let trigger = trigger(publish);
    let context = TraceContext::of(&trigger);
    let answer = match fire(&trigger, &context, session).await {
        Ok(Response::Message(message)) => Ok(message.receipt),
        Ok(other) => panic!("{other:?}"),
        Err(error) => Err(shown(&error)),
    };
    (context, answer)
}

async fn send(publish: String) -> Result<String, String> {
    send_in(&publish, &Session::new()).await.1
}

fn shown(error: &TriggerError) -> String {
    match error.help() {
        Some(help) => format!("{error} (help: {help})"),
        None => error.to_string(),
    }
}

#[tokio::test]
async fn a_broker_that_is_down_is_refused() {
    let down = ClosedPort::reserve();
    let address = format!("127.0.0.1:{}", down.number());
    let error = send(format!("{{ kafka: '{address}', topic: orders, json: 1 }}"));
    let error = error.await.unwrap_err();
    assert!(
        error.starts_with(&format!("connection refused by Kafka at {address}")),
        "{error}"
    );
}

#[tokio::test]
async fn a_broker_that_does_not_answer_or_speaks_another_protocol_is_an_error() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    let error = send(format!(
        "{{ kafka: '{address}', topic: orders, json: 1, timeout: 200ms }}"
    ));
    let error = error.await.unwrap_err();
    assert!(
        error.contains("accepted the connection and did not answer within 200 ms"),
        "{error}"
    );
    let http = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = http.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = http.accept().await.unwrap();
        let answer = b"HTTP/1.1 400 Bad Request\r\n\r\n";
        stream.write_all(answer).await.unwrap();
        // Until the client closes it.
        let _ = stream.read_to_end(&mut Vec::new()).await;
    });
    let error = send(format!("{{ kafka: '{address}', topic: orders, json: 1 }}"));
    let error = error.await.unwrap_err();
    assert!(
        error.contains("its answer is not the Kafka protocol"),
        "{error}"
    );
}
