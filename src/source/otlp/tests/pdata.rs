//! Our reading of OTLP/JSON against the Collector's: `.ci/pdata` recorded what its package pdata, in version 1.67.0,
//! makes of each request.

use bytes::Bytes;
use prost::Message;
use serde::Deserialize;

use crate::source::otlp::message::{LogsData, TracesData};
use crate::source::otlp::{
    Malformed, MetricExport, decode, logs_from_json, metrics_from_json, traces_from_json,
};

#[derive(Deserialize)]
struct Recorded {
    signal: String,
    request: String,
    /// In hexadecimal digits; `None` if it is refused.
    protobuf: Option<String>,
}

fn recorded() -> impl Iterator<Item = Recorded> {
    let lines = include_str!("../../../../tests/fixtures/pdata/requests.jsonl").lines();
    lines.map(|line| serde_json::from_str(line).unwrap())
}

fn ours(recorded: &Recorded) -> Result<Vec<u8>, Malformed> {
    let request = recorded.request.clone();
    match recorded.signal.as_str() {
        "traces" => traces_from_json(request),
        "logs" => logs_from_json(request),
        _ => metrics_from_json(request),
    }
}

fn bytes(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks_exact(2);
    let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
    pairs.map(byte).collect()
}

/// What we read in a protobuf request.
fn meaning(signal: &str, request: Vec<u8>) -> String {
    let request = Bytes::from(request);
    match signal {
        "traces" => {
            let (spans, rejected) = decode::spans(TracesData::decode(request).unwrap());
            let reasons: Vec<_> = rejected.iter().map(|span| &span.reason).collect();
            format!("{spans:#?}\n{reasons:#?}")
        }
        "logs" => format!("{:#?}", decode::logs(LogsData::decode(request).unwrap())),
        _ => format!("{:#?}", MetricExport::decode(request).unwrap()),
    }
}

/// The lines of one text that the other does not have, after this sign.
fn only_in(text: &str, other: &str, sign: char) -> String {
    let lines = text.lines().map(str::trim);
    let own = lines.filter(|line| !other.lines().any(|other| other.trim() == *line));
    own.map(|line| format!("  {sign} {line}\n")).collect()
}

/// Lists the requests that the Collector accepts, and that we refuse or read differently: what could hide a span or a
/// value is refused, and old names of fields are read.
#[test]
fn what_the_collector_accepts_is_accepted_with_the_same_meaning_unless_it_is_listed() {
    let mut list = String::new();
    let mut same = 0;
    for recorded in recorded() {
        let Some(theirs) = &recorded.protobuf else {
            continue;
        };
        let theirs = meaning(&recorded.signal, bytes(theirs));
        let request = recorded
            .request
            .escape_debug()
            .to_string()
            .replace("\\\"", "\"");
        let request: String = request.chars().take(300).collect();
        match ours(&recorded) {
            Err(error) => list.push_str(&format!("{request}\n  refused: {error}\n")),
            Ok(protobuf) => match meaning(&recorded.signal, protobuf) {
                ours if ours == theirs => same += 1,
                ours => {
                    let ours = only_in(&ours, &theirs, '+') + &only_in(&theirs, &ours, '-');
                    list.push_str(&format!("{request}\n{ours}"));
                }
            },
        }
    }
    list.push_str(&format!("{same} requests have the same meaning\n"));
    snapbox::assert_data_eq!(list, snapbox::file!["pdata.txt"].raw());
}
