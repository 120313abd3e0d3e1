//! `receiver` of the project file: addresses, web pages, hosts, token and TLS.

use std::net::SocketAddr;

use crate::source::receiver::{ServerTls, TlsFiles, TlsProblem};
use crate::spec::{Node, Reader, Refusal, SpecError, keys};

/// The entries of `receiver` that have no variables.
#[derive(Clone, Debug, Default)]
pub(super) struct ReceiverSettings {
    pub(super) listen: Option<Vec<SocketAddr>>,
    pub(super) cors: Vec<String>,
    pub(super) hosts: Vec<String>,
}

/// Reads `receiver`.
pub(super) fn receiver(node: &Node, reader: &Reader<'_>) -> Option<ReceiverSettings> {
    reader.map(node, "`receiver`", keys::RECEIVER)?;
    let listen = reader.optional(node, "listen", |list| {
        reader.all(reader.list(list, "`listen`")?, |address| {
            let any = SocketAddr::from(([127, 0, 0, 1], 0));
            reader.parse(address, "an address", any, read_address)
        })
    });
    let cors = reader.optional(node, "cors", |list| reader.texts(list, "`cors`"));
    let hosts = reader.optional(node, "hosts", |list| {
        reader.all(list.items(), |host| name_of_host(host, reader))
    });
    Some(ReceiverSettings {
        listen: listen?,
        cors: cors?.unwrap_or_default(),
        hosts: hosts?.unwrap_or_default(),
    })
}

/// A host name without port and scheme, or `*`.
fn name_of_host(node: &Node, reader: &Reader<'_>) -> Option<String> {
    let name = reader.named(node, "a host")?;
    let is_plain = |sign: char| sign.is_ascii_alphanumeric() || "-_.".contains(sign);
    if name == "*" || name.chars().all(is_plain) {
        return Some(name);
    }
    reader.wrong(
        node.place,
        format!("`{name}` is not the name of a host"),
        "not a name",
        "write the name alone, such as `spans.example`, without scheme, port and path; or `*` for every name",
    )
}

/// A token of visible ASCII characters, as headers permit.
pub(super) fn token(node: &Node, reader: &Reader<'_>) -> Option<String> {
    let token = reader.named(node, "`token`")?;
    match token.chars().all(|sign| sign.is_ascii_graphic()) {
        true => Some(token),
        false => reader.wrong(
            node.place,
            "`token` has a character that a header cannot have",
            "not visible ASCII",
            "write visible ASCII characters without spaces, such as the output of `openssl rand -hex 16`",
        ),
    }
}

/// Reads `tls`, and its files. Also returns warnings.
pub(super) fn tls(node: &Node, reader: &Reader<'_>) -> Option<(ServerTls, Vec<SpecError>)> {
    reader.map(node, "`tls`", keys::RECEIVER_TLS)?;
    let file = |key| reader.optional(node, key, |value| reader.file(value, "a PEM file"));
    let (cert, key, ca, client_ca) = (file("cert"), file("key"), file("ca"), file("client_ca"));
    let (cert, key, ca, client_ca) = (cert?, key?, ca?, client_ca?);
    let (Some(cert), Some(key)) = (cert, key) else {
        return reader.wrong(
            node.place,
            "`tls` of `receiver` requires a certificate and its key",
            "missing `cert` or `key`",
            "add both `cert` and `key`, such as `{ cert: server.pem, key: server.key }`",
        );
    };
    let files = TlsFiles {
        cert,
        key,
        ca,
        client_ca,
    };
    let place = |problem: &TlsProblem| node.get(problem.file.key()).unwrap_or(node).place;
    match ServerTls::load(&files) {
        Ok((tls, warnings)) => {
            let warnings = warnings.into_iter().map(|warning| SpecError {
                at: reader.at(place(&warning)),
                what: warning.what,
                label: warning.label.to_owned(),
                help: Some(warning.help),
            });
            Some((tls, warnings.collect()))
        }
        Err(error) => reader.wrong(place(&error), error.what, error.label, error.help),
    }
}

/// Parses an address such as `127.0.0.1:4317`. A port alone is on loopback.
///
/// # Errors
/// If it is invalid. The text includes help.
pub fn parse_address(text: &str) -> Result<SocketAddr, String> {
    read_address(text).map_err(|no| no.to_string())
}

fn read_address(text: &str) -> Result<SocketAddr, Refusal> {
    if let Ok(port) = text.parse::<u16>() {
        return Ok(SocketAddr::from(([127, 0, 0, 1], port)));
    }
    let text = text
        .strip_prefix("localhost:")
        .map_or_else(|| text.to_owned(), |port| format!("127.0.0.1:{port}"));
    text.parse().map_err(|_| {
        Refusal::new(
            format!("invalid address `{text}`"),
            "write `127.0.0.1:4317`, or `127.0.0.1:0` for a free port",
        )
    })
}
