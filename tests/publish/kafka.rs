//! Kafka.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// The behaviour of a broker that a test plays.
#[derive(Clone)]
struct Broker {
    /// First and last version of `Produce`.
    produce: (i16, i16),
    topics: Vec<&'static str>,
    /// `message.format.version`.
    format: &'static str,
    /// The error code of an acknowledgement; `None` for none.
    acknowledges: Option<i16>,
    /// The partition and the offset of the acknowledgement.
    stored: (i32, i64),
    /// Milliseconds for which it asks the client to pause.
    throttle: i32,
    /// The content of each `Produce` request.
    produced: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Default for Broker {
    fn default() -> Self {
        Self {
            produce: (3, 12),
            topics: vec!["orders"],
            format: "3.0-IV1",
            acknowledges: Some(0),
            stored: (1, 42),
            throttle: 0,
            produced: Arc::default(),
        }
    }
}

impl Broker {
    /// Serves on a port, and returns its address.
    async fn start(self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(self.clone().serve(stream, address.port()));
            }
        });
        address.to_string()
    }

    async fn serve(self, mut stream: TcpStream, port: u16) {
        while let Ok(size) = stream.read_i32().await {
            let mut request = vec![0; usize::try_from(size).unwrap()];
            stream.read_exact(&mut request).await.unwrap();
            let key = i16::from_be_bytes([request[0], request[1]]);
            let correlation = &request[4..8];
            let name = usize::from(request[9]);
            let Some(answer) = self.answer(key, &request[10 + name..], port) else {
                continue;
            };
            let size = i32::try_from(4 + answer.len()).unwrap();
            let frame = [&size.to_be_bytes(), correlation, &answer].concat();
            stream.write_all(&frame).await.unwrap();
        }
    }

    fn answer(&self, key: i16, content: &[u8], port: u16) -> Option<Vec<u8>> {
        Some(match key {
            18 => [
                bytes16(&[0]),
                bytes32(&[4]),
                bytes16(&[0, self.produce.0, self.produce.1]),
                bytes16(&[3, 0, 12, 18, 0, 3, 32, 0, 4]),
            ]
            .concat(),
            3 => {
                let all = content.starts_with(&[0xff; 4]);
                let named: Vec<&str> = match all {
                    true => self.topics.clone(),
                    false => {
                        let size = usize::from(content[5]);
                        vec![std::str::from_utf8(&content[6..6 + size]).unwrap()]
                    }
                };
                let mut answer = [bytes32(&[0, 1, 7]), text("127.0.0.1")].concat();
                answer.extend(bytes32(&[i32::from(port)]));
                // No rack and no cluster id.
                answer.extend(bytes16(&[-1, -1]));
                answer.extend(bytes32(&[7, i32::try_from(named.len()).unwrap()]));
                for topic in named {
                    let error = if self.topics.contains(&topic) { 0 } else { 3 };
                    answer.extend([bytes16(&[error]), text(topic), vec![0]].concat());
                    let partitions: i32 = if error == 0 { 2 } else { 0 };
                    answer.extend(bytes32(&[partitions]));
                    for partition in 0..partitions {
                        answer.extend(bytes16(&[0]));
                        answer.extend(bytes32(&[partition, 7, 1, 7, 1, 7]));
                    }
                }
                answer
            }
            32 => [
                bytes32(&[0, 1]),
                bytes16(&[0, -1]),
                vec![2],
                text("orders"),
                bytes32(&[1]),
                text("message.format.version"),
                text(self.format),
                vec![0, 1, 0],
            ]
            .concat(),
            0 => {
                self.produced.lock().unwrap().push(content.to_vec());
                let error = self.acknowledges?;
                [
                    bytes32(&[1]),
                    text("orders"),
                    bytes32(&[1, self.stored.0]),
                    bytes16(&[error]),
                    self.stored.1.to_be_bytes().to_vec(),
                    bytes32(&[-1, -1, self.throttle]),
                ]
                .concat()
            }
            other => panic!("request {other}"),
        })
    }
}

fn bytes16(values: &[i16]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_be_bytes())
        .collect()
}

fn bytes32(values: &[i32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_be_bytes())
        .collect()
}

fn text(text: &str) -> Vec<u8> {
    let size = i16::try_from(text.len()).unwrap();
    [&size.to_be_bytes(), text.as_bytes()].concat()
}

fn contains(bytes: &[u8], part: &str) -> bool {
    bytes
        .windows(part.len())
        .any(|window| window == part.as_bytes())
}

#[tokio::test]
async fn a_record_has_the_trace_context_in_its_headers_and_is_sent_once() {
    // A client of Kafka may send a record again after a pause, although the broker has it. The
    // hash of the key is one of those in the tests of Kafka, and odd.
    let broker = Broker {
        throttle: 50,
        ..Broker::default()
    };
    let produced = Arc::clone(&broker.produced);
    let address = broker.start().await;
    let session = Session::new();
    let message = format!(
        "{{ kafka: '{address}', topic: orders, key: abc, json: {{ id: 1 }}, headers: {{ source: test }}, tracestate: v=1, baggage: {{ tenant: acme }} }}"
    );
    let (context, receipt) = send_in(&message, &session).await;
    assert_eq!(receipt.unwrap(), r#"{"partition":1,"offset":42}"#);
    let records = produced.lock().unwrap().clone();
    let [record] = &records[..] else {
        panic!("{records:?}")
    };
    for part in [
        r#"{"id":1}"#,
        "source",
        "traceparent",
        &context.traceparent(),
        "tracestate",
        "v=1",
        "baggage",
        "tenant=acme",
    ] {
        assert!(contains(record, part), "{part}");
    }
    // The second message uses the same connection.
    send_in(&message, &session).await.1.unwrap();
    assert_eq!(produced.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_record_that_is_not_acknowledged_is_an_error() {
    let broker = Broker {
        acknowledges: None,
        ..Broker::default()
    };
    let address = broker.start().await;
    let error = send(format!(
        "{{ kafka: '{address}', topic: orders, partition: 1, json: 1, timeout: 200ms }}"
    ));
    assert_eq!(
        error.await.unwrap_err(),
        format!(
            "Kafka at {address} did not acknowledge the message within 200 ms (topic orders) (help: check the state of the broker, or increase `timeout` of `publish`)"
        )
    );
    let broker = Broker {
        acknowledges: Some(10),
        ..Broker::default()
    };
    let address = broker.start().await;
    let error = send(format!(
        "{{ kafka: '{address}', topic: orders, partition: 1, json: 1 }}"
    ));
    assert_eq!(
        error.await.unwrap_err(),
        format!(
            "Kafka at {address} rejected the message: MESSAGE_TOO_LARGE (error 10) (topic orders) (help: raise `max.message.bytes` of the topic, or publish a smaller message)"
        )
    );
}

#[tokio::test]
async fn an_acknowledgement_of_another_record_is_an_error() {
    for stored in [(0, 42), (1, -1)] {
        let broker = Broker {
            stored,
            ..Broker::default()
        };
        let address = broker.start().await;
        let message = format!("{{ kafka: '{address}', topic: orders, partition: 1, json: 1 }}");
        let error = send(message).await.unwrap_err();
        assert!(
            error.contains("no acknowledgement: its answer is not the Kafka protocol"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_broker_that_drops_headers_is_an_error() {
    let broker = Broker {
        produce: (0, 2),
        ..Broker::default()
    };
    let address = broker.start().await;
    let error = send(format!(
        "{{ kafka: '{address}', topic: orders, partition: 1, json: 1 }}"
    ))
    .await;
    let error = error.unwrap_err();
    assert!(
        error.contains("it does not accept messages with headers, which contain the trace context"),
        "{error}"
    );
    for (format, is_accepted) in [("0.10.2", false), ("0.11.0", true), ("1.0", true)] {
        let broker = Broker {
            produce: (0, 8),
            format,
            ..Broker::default()
        };
        let produced = Arc::clone(&broker.produced);
        let address = broker.start().await;
        let sent = send(format!(
            "{{ kafka: '{address}', topic: orders, partition: 1, json: 1 }}"
        ))
        .await;
        assert_eq!(sent.is_ok(), is_accepted, "{format}: {sent:?}");
        assert_eq!(produced.lock().unwrap().len(), usize::from(is_accepted));
    }
}

#[tokio::test]
async fn a_topic_that_does_not_exist_is_an_error_with_those_that_do() {
    let broker = Broker {
        topics: vec!["orders", "payments"],
        ..Broker::default()
    };
    let address = broker.start().await;
    let error = send(format!("{{ kafka: '{address}', topic: ordres, json: 1 }}"));
    assert_eq!(
        error.await.unwrap_err(),
        format!("Kafka at {address} has no `ordres` (topic ordres) (help: did you mean `orders`?)")
    );
    let error = send(format!("{{ kafka: '{address}', topic: mails, json: 1 }}"));
    let error = error.await.unwrap_err();
    assert!(
        error.ends_with(
            "(help: create the topic, because spanspec creates none; there are `orders`, `payments`)"
        ),
        "{error}"
    );
}

#[tokio::test]
async fn a_broker_that_is_down_is_skipped_if_another_of_the_list_runs() {
    let reserved = ClosedPort::reserve();
    let down = reserved.number();
    let up = Broker::default().start().await;
    let to = |brokers: &str| format!("{{ kafka: '{brokers}', topic: orders, key: abc, json: 1 }}");
    send(to(&format!("127.0.0.1:{down},{up}"))).await.unwrap();
}
