//! Checks the host of a request.
//!
//! A web page can make its domain name resolve to this machine, and then send requests as if it had
//! the same origin. If the receiver only listens on loopback, names of other hosts are refused.

use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::problem::Problem;
use super::state::Api;

/// Refuses requests with the name of another host.
pub(super) async fn check(State(api): State<Api>, request: Request, next: Next) -> Response {
    let state = api.state();
    let mut listened = state.known.listened.iter();
    let is_closed = listened.all(|address| address.ip().is_loopback());
    let in_header = request.headers().get(header::HOST);
    let host = match in_header {
        Some(host) => host.to_str().unwrap_or_default(),
        // In HTTP/2, it is a part of the URI.
        None => request.uri().host().unwrap_or_default(),
    };
    if is_closed && !is_of_this_machine(host) {
        return Problem::wrong_host(host).into_response();
    }
    next.run(request).await
}

/// Returns `true` for an IP address and for a name of this machine. Containers use names that end in
/// `.internal` for their host.
fn is_of_this_machine(host: &str) -> bool {
    let url = url::Url::parse(&format!("http://{host}/"));
    match url.as_ref().ok().and_then(url::Url::host) {
        Some(url::Host::Domain(name)) => {
            name == "localhost" || name.ends_with(".localhost") || name.ends_with(".internal")
        }
        Some(url::Host::Ipv4(_) | url::Host::Ipv6(_)) => true,
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_and_addresses_are_answered() {
        for own in [
            "127.0.0.1:4318",
            "localhost",
            "[::1]:4318",
            "host.docker.internal:4318",
        ] {
            assert!(is_of_this_machine(own), "{own}");
        }
        for other in ["evil.example:4318", "localhost.evil.example", ""] {
            assert!(!is_of_this_machine(other), "{other}");
        }
    }
}
