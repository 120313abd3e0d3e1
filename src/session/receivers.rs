//! The receivers that a project asks for, and what others can do with them.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use crate::result::Trouble;
use crate::service::{TelemetryTarget, port_owner};
use crate::source::Receiver;
use crate::source::receiver::{BindError, DEFAULT_ADDRESSES, ReceiverBuilder};
use crate::workspace::Workspace;

/// The addresses for OTLP of a project; port 0 takes a free port. See [`Session::start`](super::Session::start).
#[must_use]
pub fn addresses(workspace: &Workspace, listen: &[SocketAddr]) -> Vec<SocketAddr> {
    let project = &workspace.project;
    match &project.listen {
        _ if !listen.is_empty() => listen.to_vec(),
        Some(listen) => listen.clone(),
        None if project.has_services() => vec![(Ipv4Addr::LOCALHOST, 0).into()],
        None => DEFAULT_ADDRESSES.to_vec(),
    }
}

/// Warnings of a receiver without a token that others can use, with a remedy. `more` names their abilities besides
/// sending.
#[must_use]
pub fn exposures(workspace: &Workspace, listen: &[SocketAddr], more: &str) -> Vec<String> {
    let tls = workspace.tls.as_ref();
    if workspace.token.is_some() || tls.is_some_and(|tls| tls.admits_only_certified) {
        return Vec::new();
    }
    let open = addresses(workspace, listen).into_iter();
    let open: Vec<String> = open
        .filter(|address| !address.ip().is_loopback())
        .map(|address| address.to_string())
        .collect();
    let of_network = (!open.is_empty()).then(|| {
        format!(
            "everyone who reaches {} can send telemetry{more}: set `receiver: {{ token: … }}`, or listen on 127.0.0.1",
            open.join(", ")
        )
    });
    let allows_all = workspace.project.cors.iter().any(|origin| origin == "*");
    let of_pages = allows_all.then(|| {
        format!(
            "`receiver.cors` permits every web page that a browser on this machine shows to send telemetry{more}: name the origins, or set `receiver: {{ token: … }}`"
        )
    });
    of_network.into_iter().chain(of_pages).collect()
}

/// The receiver that a project asks for; it does not listen yet. See [`Session::start`](super::Session::start).
#[must_use]
pub fn receiver(workspace: &Workspace, listen: &[SocketAddr]) -> ReceiverBuilder {
    let addresses = addresses(workspace, listen);
    let cors = workspace.project.cors.iter();
    let builder = guarded(Receiver::builder().listen(addresses), workspace);
    let hosts = workspace.project.hosts.iter();
    let builder = hosts.fold(builder, |builder, name| builder.host(name));
    cors.fold(builder, |builder, origin| builder.cors_origin(origin))
}

/// The same receiver, which requires the token of the project, and TLS, if there are any.
fn guarded(builder: ReceiverBuilder, workspace: &Workspace) -> ReceiverBuilder {
    let builder = match &workspace.token {
        Some(token) => builder.token(token),
        None => builder,
    };
    match &workspace.tls {
        Some(tls) => builder.tls(tls.clone()),
        None => builder,
    }
}

/// The destination of the telemetry of services and commands on this machine.
#[must_use]
pub fn telemetry(workspace: &Workspace, receiver: &Receiver) -> TelemetryTarget {
    let tls = workspace.tls.as_ref();
    TelemetryTarget {
        endpoint: receiver.endpoint(),
        token: workspace.token.clone(),
        certificate: tls.map(|tls| tls.trusted().to_string_lossy().into_owned()),
    }
}

/// Starts the named receivers of the project, which fill the same store.
pub(super) async fn named_receivers(
    workspace: &Workspace,
    first: &Receiver,
) -> Result<Vec<Receiver>, Vec<Trouble>> {
    let mut named = Vec::new();
    for (name, address) in workspace.named_receivers() {
        let builder = guarded(Receiver::builder().listen([address]).named(name), workspace);
        let started = builder.store(first.store().clone()).start().await;
        named.push(started.map_err(|error| vec![unbound(&error)])?);
    }
    Ok(named)
}

/// The trouble for an address that cannot be listened on.
#[must_use]
pub fn unbound(error: &BindError) -> Trouble {
    let is_taken = error.source.kind() == io::ErrorKind::AddrInUse;
    let port = error.addr.port();
    let owner = if is_taken { port_owner(port) } else { None };
    let by = owner.map_or_else(String::new, |owner| format!(" by {owner}"));
    let what = if is_taken {
        format!(
            "port {port} is taken{by}: cannot listen for OTLP on {}",
            error.addr
        )
    } else {
        format!("cannot listen for OTLP on {}: {}", error.addr, error.source)
    };
    Trouble {
        what,
        at: None,
        details: Vec::new(),
        help: vec![
            "`receiver: { listen: [127.0.0.1:0] }` in spanspec.yaml, or `--listen 127.0.0.1:0`, takes a port that is free".to_owned(),
        ],
    }
}
