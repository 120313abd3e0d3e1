//! Everything malformed that can arrive on a port, against the command as users start it.
//!
//! After each class of cases, and for floods also meanwhile: honest clients over HTTP and gRPC are answered, memory and
//! open files are as before, and nothing has panicked. A status of 5xx is a failure, except the 503 of overload.

mod api;
mod calls;
mod codings;
mod connections;
mod http1;
mod http2;
mod json;
mod target;
mod tls;
mod wire;

use crate::target::Target;

/// Sends the cases of a class, and returns their number.
type Class = fn(&Target) -> usize;

const CLASSES: [(&str, Class); 10] = [
    ("protobuf", wire::send),
    ("JSON", json::send),
    ("codings", codings::send),
    ("gRPC calls", calls::send),
    ("HTTP/1.1", http1::send),
    ("HTTP/2", http2::send),
    ("floods of HTTP/2", http2::flood),
    ("connections", connections::send),
    ("the HTTP API", api::send),
    ("TLS on a plain port", tls::send_to_plain),
];

#[test]
#[allow(clippy::print_stdout, reason = "a run reports how many cases it sent")]
fn nothing_malformed_hurts_the_receiver_or_its_honest_clients() {
    let target = Target::start("");
    let mut all = 0;
    let only = std::env::var("SPANSPEC_PROTOCOL_CLASS").ok();
    let classes = CLASSES.into_iter();
    let classes =
        classes.filter(|(name, _)| only.as_deref().is_none_or(|only| name.starts_with(only)));
    for (name, send) in classes {
        let cases = send(&target);
        target.is_well(name);
        println!("{name}: {cases} cases");
        all += cases;
    }
    target.stop();
    println!("{all} cases in all");
}

#[test]
#[allow(clippy::print_stdout, reason = "a run reports how many cases it sent")]
fn nothing_malformed_hurts_a_receiver_with_tls() {
    let target = Target::start("tls: { cert: server.pem, key: server.key, ca: authority.pem }");
    let cases = tls::send_to_secure(&target);
    target.is_well("TLS");
    target.stop();
    println!("TLS: {cases} cases");
}
