//! Whom a client believes to ask.
//!
//! A web page can let its own name lead to this machine, and would then pass for ours. Where only
//! this machine is listened to, names that are not of it are refused.

use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::problem::Problem;
use super::state::Api;

/// Answers only who asks this machine by a name of its own.
pub(super) async fn check(State(api): State<Api>, request: Request, next: Next) -> Response {
    let state = api.state();
    let mut listened = state.known.listened.iter();
    let is_closed = listened.all(|address| address.ip().is_loopback());
    let in_header = request.headers().get(header::HOST);
    let host = match in_header {
        Some(host) => host.to_str().unwrap_or_default(),
        // HTTP/2 has it in the request line.
        None => request.uri().host().unwrap_or_default(),
    };
    if is_closed && !is_of_this_machine(host) {
        return Problem::wrong_host(host).into_response();
    }
    next.run(request).await
}

/// Addresses are nobody's name; `.internal` is what containers call their host.
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
