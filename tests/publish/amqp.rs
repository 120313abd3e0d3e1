//! AMQP 0.9.1.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// Frames, each with its channel and its content.
type Frames = Vec<(u16, Vec<u8>)>;

/// The fields of a method.
fn method(class: u16, number: u16, fields: &[&[u8]]) -> Vec<u8> {
    [
        &class.to_be_bytes()[..],
        &number.to_be_bytes(),
        &fields.concat(),
    ]
    .concat()
}

/// A text of up to 255 bytes.
fn short(text: &str) -> Vec<u8> {
    [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat()
}

fn ack() -> Vec<u8> {
    method(60, 80, &[&1_u64.to_be_bytes(), &[0]])
}

/// Reads a frame. Returns its kind, class and method.
async fn read(stream: &mut TcpStream) -> Option<(u8, u16, u16)> {
    let kind = stream.read_u8().await.ok()?;
    stream.read_u16().await.ok()?;
    let size = stream.read_u32().await.ok()?;
    let mut content = vec![0; size as usize + 1];
    stream.read_exact(&mut content).await.ok()?;
    // A body can be shorter.
    content.resize(content.len().max(4), 0);
    let number = |at: usize| u16::from_be_bytes([content[at], content[at + 1]]);
    Some((kind, number(0), number(2)))
}

async fn write(stream: &mut TcpStream, channel: u16, content: &[u8]) -> Option<()> {
    let size = u32::try_from(content.len()).unwrap();
    let head = [&[1][..], &channel.to_be_bytes(), &size.to_be_bytes()].concat();
    stream
        .write_all(&[&head, content, &[0xce]].concat())
        .await
        .ok()
}

/// Plays a broker that answers a message with these frames, and then ends the connection if it has
/// answered something. Returns at the end of the connection.
async fn serve(mut stream: TcpStream, answers: Frames) -> Option<()> {
    stream.read_exact(&mut [0; 8]).await.ok()?;
    let empty = [0; 4];
    let start = method(10, 10, &[&[0, 9], &empty, &empty, &empty]);
    write(&mut stream, 0, &start).await?;
    loop {
        match read(&mut stream).await? {
            // StartOk: Tune with frames of 4096 bytes.
            (1, 10, 11) => {
                let tune = method(10, 30, &[&[0, 0], &4096_u32.to_be_bytes(), &[0, 0]]);
                write(&mut stream, 0, &tune).await?;
            }
            (1, 10, 40) => write(&mut stream, 0, &method(10, 41, &[&[0]])).await?,
            (1, 20, 10) => write(&mut stream, 1, &method(20, 11, &[&empty])).await?,
            (1, 85, 10) => write(&mut stream, 1, &method(85, 11, &[])).await?,
            // The body, which is one frame.
            (3, ..) => {
                for (channel, content) in &answers {
                    write(&mut stream, *channel, content).await?;
                }
                if !answers.is_empty() {
                    return Some(());
                }
            }
            _ => {}
        }
    }
}

/// Starts a broker that answers each message with these frames. Returns its address.
async fn broker(answers: Frames) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, answers.clone()));
        }
    });
    address.to_string()
}

async fn receives(answers: Frames, more: &str) -> Result<String, String> {
    let address = broker(answers).await;
    send(format!(
        "{{ amqp: 'amqp://{address}', routing_key: orders, json: 1{more} }}"
    ))
    .await
}

#[tokio::test]
async fn a_confirmed_message_is_acknowledged() {
    let receipt = receives(vec![(1, ack())], "").await;
    assert_eq!(receipt.unwrap(), r#"{"acknowledged":true}"#);
}

#[tokio::test]
async fn a_message_that_no_queue_takes_is_an_error_although_it_is_confirmed() {
    let code = 312_u16.to_be_bytes();
    let fields = [short("NO_ROUTE"), short(""), short("orders")].concat();
    let returned = method(60, 50, &[&code, &fields]);
    let error = receives(vec![(1, returned), (1, ack())], "")
        .await
        .unwrap_err();
    assert!(
        error.contains(
            "no queue takes it: NO_ROUTE (code 312) (queue orders) (help: create the queue"
        ),
        "{error}"
    );
}

#[tokio::test]
async fn a_message_that_is_not_confirmed_is_an_error() {
    let nack = method(60, 120, &[&1_u64.to_be_bytes(), &[0]]);
    let reason = [short("PRECONDITION_FAILED - too large"), vec![0; 4]].concat();
    let close = method(20, 40, &[&406_u16.to_be_bytes(), &reason]);
    let flow = method(20, 20, &[&[0]]);
    for (answers, found) in [
        (
            vec![(1, nack)],
            "rejected the message: it did not store it (basic.nack)",
        ),
        (
            vec![(1, close)],
            "rejected the message: PRECONDITION_FAILED - too large (code 406)",
        ),
        // It stops taking messages, and ends the connection.
        (
            vec![(1, flow)],
            "rejected the message: it closed the connection",
        ),
    ] {
        let error = receives(answers, "").await.unwrap_err();
        assert!(error.contains(found), "{error}");
    }
    let error = receives(Vec::new(), ", timeout: 200ms").await.unwrap_err();
    assert!(
        error.contains("did not acknowledge the message within 200 ms (queue orders)"),
        "{error}"
    );
}

#[tokio::test]
async fn a_message_that_no_one_consumes_is_named_and_its_password_is_not() {
    let address = broker(vec![(1, ack())]).await;
    let folder = tempfile::tempdir().unwrap();
    let spec = format!(
        "publish: {{ amqp: 'amqp://alice:p%40ss-w0rd@{address}', routing_key: orders, json: 1 }}\n\
         wait: {{ tail: 0s, flush: 100ms, timeout: 500ms }}\n\
         expect: {{ spans: [{{ find: {{ caused_by: trigger }} }}] }}\n"
    );
    std::fs::write(folder.path().join("order.yaml"), spec).unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_spanspec"));
    command
        .current_dir(folder.path())
        .args(["run", "order.yaml"]);
    command.args(["--listen", "127.0.0.1:0", "--no-annotations"]);
    command.args([
        "--report",
        "json=report.json",
        "--report",
        "html=report.html",
    ]);
    let output = tokio::task::spawn_blocking(move || command.output());
    let output = output.await.unwrap().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let text = String::from_utf8_lossy(&output.stdout);
    let text: Vec<&str> = text
        .split_whitespace()
        .filter(|word| *word != "│")
        .collect();
    let text = text.join(" ");
    for part in [
        &format!(
            "the AMQP broker at {address} acknowledged the message (queue orders), which carried"
        ),
        "as the span id of the producer",
        "check that a consumer of queue orders runs",
    ] {
        assert!(text.contains(part), "{text}");
    }
    for file in ["report.json", "report.html"] {
        let report = std::fs::read_to_string(folder.path().join(file)).unwrap();
        for text in [&text, &report] {
            assert!(!text.contains("ss-w0rd"), "{text}");
        }
    }
}
