//! The names of the receiver that requests may use.
//!
//! A web page can make its domain name resolve to this machine, and then send requests as if it had
//! the same origin. Such a request names the domain as its host.

use axum::extract::{Extension, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use tonic::Code;

use super::export::Refused;
use super::listener::Arrival;
use super::{paths, refusing, remedy};
use crate::source::store::Store;

/// Allowed names, in addition to those of this machine.
#[derive(Clone, Debug, Default)]
pub(super) struct Hosts(Vec<String>);

/// The allowed names of a receiver, and the store that records refusals.
#[derive(Clone, Debug)]
pub(super) struct HostGuard {
    pub(super) hosts: Hosts,
    pub(super) store: Store,
}

impl Hosts {
    pub(super) fn allow(&mut self, name: String) {
        self.0.push(name);
    }

    /// Returns `true` for an IP address, a name of this machine, an allowed name, and a name without a dot, which is
    /// none of the Internet. Containers use names that end in `.internal` for their host.
    fn allows(&self, host: &str) -> bool {
        let url = url::Url::parse(&format!("http://{host}/"));
        match url.as_ref().ok().and_then(url::Url::host) {
            Some(url::Host::Domain(name)) => {
                let name = name.trim_end_matches('.');
                let is_local = !name.contains('.')
                    || name.ends_with(".localhost")
                    || name.ends_with(".internal");
                let mut allowed = self.0.iter();
                is_local || allowed.any(|own| own == "*" || own.eq_ignore_ascii_case(name))
            }
            Some(url::Host::Ipv4(_) | url::Host::Ipv6(_)) => true,
            None => false,
        }
    }

    /// The name of another host in a request, if it has one. HTTP/2 has the host in the URI.
    fn foreign<'r>(&self, request: &'r Request) -> Option<&'r str> {
        let headers = request.headers().get_all(header::HOST).iter();
        let in_headers = headers.map(|host| host.to_str().unwrap_or_default());
        let in_uri = request.uri().authority().map(|host| host.as_str());
        let mut named = in_headers.chain(in_uri).peekable();
        match named.peek() {
            None => Some(""),
            Some(_) => named.find(|host| !self.allows(host)),
        }
    }
}

/// Refuses requests of web pages, and of all clients of the API, with the name of another host. Exporters can use any
/// name: they send, and are answered nothing worth reading.
pub(super) async fn check(
    State(guard): State<HostGuard>,
    Extension(arrival): Extension<Arrival>,
    request: Request,
    next: Next,
) -> Response {
    let is_checked = is_of_page(&request) || paths::is_of_api(request.uri().path());
    let foreign = match is_checked {
        true => guard.hosts.foreign(&request),
        false => None,
    };
    let Some(host) = foreign else {
        return next.run(request).await;
    };
    let reason = match host {
        "" => "the request does not name its host".to_owned(),
        host => format!("`{host}` is no name of this receiver"),
    };
    let refused = Refused::new(
        StatusCode::FORBIDDEN,
        Code::PermissionDenied,
        reason,
        remedy::HOST,
    );
    refusing::answer(&guard.store, arrival, &request, &refused, "wrong-host")
}

/// Browsers add these headers, and pages cannot change them.
fn is_of_page(request: &Request) -> bool {
    let headers = request.headers();
    headers.contains_key(header::ORIGIN) || headers.contains_key("sec-fetch-site")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_and_names_of_this_machine_are_allowed_without_settings() {
        let mut hosts = Hosts::default();
        hosts.allow("spans.example".to_owned());
        for own in [
            "127.0.0.1:4318",
            "localhost",
            "LOCALHOST.:4318",
            "app.localhost",
            "[::1]:4318",
            "host.docker.internal:4318",
            "spanspec:4318",
            "Spans.Example:4318",
        ] {
            assert!(hosts.allows(own), "{own}");
        }
        for other in [
            "evil.example:4318",
            "localhost.evil.example",
            "a.spans.example",
            "",
        ] {
            assert!(!hosts.allows(other), "{other}");
        }
        hosts.allow("*".to_owned());
        assert!(hosts.allows("evil.example"));
    }

    #[test]
    fn each_host_of_a_request_must_be_allowed() {
        let request = |uri: &str, hosts: &[&str]| {
            let builder = Request::builder().uri(uri);
            let builder = hosts
                .iter()
                .fold(builder, |builder, host| builder.header("host", *host));
            builder.body(axum::body::Body::empty()).unwrap()
        };
        for (request, foreign) in [
            (request("/api", &["localhost"]), None),
            (
                request("/api", &["localhost", "evil.example"]),
                Some("evil.example"),
            ),
            (
                request("http://evil.example/api", &["localhost"]),
                Some("evil.example"),
            ),
            (request("http://localhost/api", &[]), None),
            (request("/api", &[]), Some("")),
        ] {
            assert_eq!(Hosts::default().foreign(&request), foreign);
        }
    }
}
