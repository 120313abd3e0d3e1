//! `spanspec conformance` against small services on raw sockets.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::Value as Json;

/// Starts a server that answers the head of each request. It ends with the process of the test.
fn serve(answer: fn(&str) -> Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::spawn(move || {
                let mut stream = stream.unwrap();
                let head = head(&mut stream);
                let _ = stream.write_all(&answer(&head));
            });
        }
    });
    address
}

fn head(stream: &mut TcpStream) -> String {
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let mut received = Vec::new();
    let mut byte = [0];
    while !received.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
        received.push(byte[0]);
    }
    String::from_utf8_lossy(&received).into_owned()
}

fn values<'a>(head: &'a str, name: &str) -> Vec<&'a str> {
    let lines = head.lines().filter_map(|line| line.split_once(':'));
    let named = lines.filter(|(key, _)| key.eq_ignore_ascii_case(name));
    named.map(|(_, value)| value.trim()).collect()
}

fn response(status: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").into_bytes()
}

/// Calls the echo with the first `traceparent`, whatever it is.
fn credulous(head: &str) -> Vec<u8> {
    let header = values(head, "traceparent");
    let header = header
        .first()
        .map(|value| format!("traceparent: {value}\r\n"));
    call_echo(head, &header.unwrap_or_default());
    response("200 OK")
}

fn call_echo(head: &str, lines: &str) {
    let url = values(head, "x-spanspec-echo")[0].to_owned();
    let (host, path) = url.trim_start_matches("http://").split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    let request = format!("GET /{path} HTTP/1.1\r\nhost: {host}\r\n{lines}\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
}

/// Refuses what is not a valid header of version 00, with this status.
fn strict(head: &str, status: &str) -> Vec<u8> {
    let valid = values(head, "traceparent")
        .first()
        .is_some_and(|value| value.len() == 55 && value.starts_with("00-"));
    match valid {
        true => credulous(head),
        false => response(status),
    }
}

fn conformance(url: &str, arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    Command::new(env!("CARGO_BIN_EXE_spanspec"))
        .args([
            "conformance",
            url,
            "--listen",
            "127.0.0.1:0",
            "--flush",
            "100ms",
        ])
        .args(arguments)
        .current_dir(folder.path())
        .env_remove("GITHUB_ACTIONS")
        .output()
        .unwrap()
}

fn text(output: &Output) -> String {
    let all = [output.stdout.as_slice(), &output.stderr].concat();
    String::from_utf8(all).unwrap()
}

/// The same without line breaks, for sentences.
fn sentences(output: &Output) -> String {
    text(output)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

/// The verdicts by name.
fn verdicts(output: &Output) -> serde_json::Map<String, Json> {
    let report: Json = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}: {}", text(output));
    });
    let cases = &report["specs"][0]["attempts"][0]["steps"][0]["response"]["conformance"]["cases"];
    let cases = cases.as_array().unwrap().iter();
    cases
        .map(|case| {
            (
                case["name"].as_str().unwrap().to_owned(),
                case["verdict"].clone(),
            )
        })
        .collect()
}

#[test]
fn a_service_that_passes_everything_on_is_caught_by_the_echo() {
    let address = serve(credulous);
    let url = format!("http://{address}/");
    let output = conformance(
        &url,
        &["--echo", "/echo", "--no-baggage", "--format", "json"],
    );
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    let verdicts = verdicts(&output);
    for (name, verdict) in [
        ("traceparent-valid", "conforming"),
        ("traceparent-upper-case-name", "conforming"),
        ("traceparent-twice", "nonconforming"),
        ("version-ff", "nonconforming"),
        ("trace-id-zero", "nonconforming"),
        ("flags-unknown", "nonconforming"),
        ("tracestate-kept", "nonconforming"),
        ("tracestate-alone", "conforming"),
    ] {
        assert_eq!(verdicts[name], verdict, "{name}");
    }
}

#[test]
fn the_table_names_each_case_and_a_failure_the_bytes_and_the_section() {
    let address = serve(credulous);
    let url = format!("http://{address}/");
    let output = conformance(&url, &["--echo", "/echo", "--level", "1"]);
    let text = text(&output);
    for part in [
        "case `version-ff` does not conform",
        "sent: traceparent: ff-",
        "https://www.w3.org/TR/trace-context-1/#version",
        "cases/s): ",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains("flags-03"), "{text}");
}

#[test]
fn cases_that_are_allowed_do_not_fail() {
    let address = serve(|head| {
        let header = values(head, "traceparent");
        let lines: String = ["tracestate", "traceparent"]
            .iter()
            .filter(|_| header.len() == 1)
            .flat_map(|name| {
                values(head, name)
                    .into_iter()
                    .map(move |value| format!("{name}: {value}\r\n"))
            })
            .collect();
        call_echo(head, &lines);
        response("200 OK")
    });
    let url = format!("http://{address}/");
    let json = ["--echo", "/echo", "--no-baggage", "--format", "json"];
    let output = conformance(&url, &json);
    let wrong: Vec<String> = verdicts(&output)
        .into_iter()
        .filter(|(_, verdict)| verdict == "nonconforming")
        .map(|(name, _)| name)
        .collect();
    let allow = format!("traceparent-valid,{}", wrong.join(","));
    let output = conformance(
        &url,
        &[&json[..], &["--allow", &allow, "--strict"]].concat(),
    );
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert!(text(&output).contains("`traceparent-valid` conforms now"));
    let output = conformance(&url, &["--allow", "version-fg"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output).contains("did you mean `version-ff`?"),
        "{}",
        text(&output)
    );
}

#[test]
fn a_refusal_masks_an_invalid_header_and_a_failure_of_the_service_does_not_conform() {
    let masked = serve(|head| strict(head, "400 Bad Request"));
    let json = ["--echo", "/echo", "--no-baggage", "--format", "json"];
    let output = conformance(&format!("http://{masked}/"), &json);
    assert_eq!(verdicts(&output)["version-ff"], "masked");
    let failing = serve(|head| strict(head, "500 Internal Server Error"));
    let output = conformance(&format!("http://{failing}/"), &json);
    assert_eq!(verdicts(&output)["version-ff"], "nonconforming");
}

#[test]
fn without_a_control_that_is_seen_nothing_is_judged() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let refused = free.local_addr().unwrap().to_string();
    drop(free);
    let closing = serve(|_| Vec::new()).to_string();
    let http2 = serve(|_| b"\0\0\x12\x04\0\0\0\0\0".to_vec()).to_string();
    let silent = serve(|_| response("200 OK")).to_string();
    let broken = serve(|_| response("503 Service Unavailable")).to_string();
    for (address, echo, reason) in [
        (&refused, "/", "connection refused by"),
        (
            &closing,
            "/",
            "the connection was closed without a response",
        ),
        (&http2, "/", "the response is not HTTP/1.1"),
        (&broken, "/", "the response has the status 503"),
        (&silent, "/", "the service did not call the echo"),
    ] {
        let output = conformance(&format!("http://{address}/"), &["--echo", echo]);
        assert_eq!(output.status.code(), Some(3), "{}", text(&output));
        assert!(
            sentences(&output).contains(reason),
            "{reason} in {}",
            text(&output)
        );
    }
    let output = conformance(&format!("http://{silent}/"), &[]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    let reason =
        "no observer saw the control, a plain `traceparent`: the response has the status 200";
    assert!(sentences(&output).contains(reason), "{}", text(&output));
}

#[test]
fn a_service_that_never_answers_ends_with_the_timeout() {
    let slow = serve(|_| {
        loop {
            std::thread::park();
        }
    });
    let output = conformance(&format!("http://{slow}/"), &["--timeout", "200ms"]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    assert!(
        sentences(&output).contains("there was no response in time"),
        "{}",
        text(&output)
    );
}
