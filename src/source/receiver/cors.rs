//! The web pages that are allowed to send spans.

use std::time::Duration;

use axum::http::{HeaderValue, Method};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

/// Allowed origins, in addition to those of this machine.
#[derive(Clone, Debug, Default)]
pub(super) struct Origins(Vec<String>);

impl Origins {
    pub(super) fn allow(&mut self, origin: String) {
        self.0.push(origin.trim_end_matches('/').to_owned());
    }

    /// Answers preflight requests, and adds the headers for allowed origins to responses.
    pub(super) fn layer(self) -> CorsLayer {
        let allowed = move |origin: &HeaderValue, _: &_| self.allows(origin);
        CorsLayer::new()
            .allow_origin(AllowOrigin::predicate(allowed))
            .allow_methods([Method::POST, Method::GET])
            // `content-type`, `traceparent`, and custom headers of the exporter.
            .allow_headers(AllowHeaders::mirror_request())
            // `navigator.sendBeacon` always requires it.
            .allow_credentials(true)
            .max_age(Duration::from_secs(600))
    }

    fn allows(&self, origin: &HeaderValue) -> bool {
        let Ok(origin) = origin.to_str() else {
            return false;
        };
        is_local(origin)
            || self
                .0
                .iter()
                .any(|allowed| allowed == "*" || allowed.eq_ignore_ascii_case(origin))
    }
}

/// Returns `true` for a page of this machine, on any port.
fn is_local(origin: &str) -> bool {
    let Ok(url) = url::Url::parse(origin) else {
        return false;
    };
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_this_machine_may_always_send_and_others_by_name() {
        let mut origins = Origins::default();
        origins.allow("https://shop.example/".to_owned());
        for allowed in [
            "http://localhost:3000",
            "https://app.localhost",
            "http://127.0.0.1",
            "http://[::1]:8080",
            "https://shop.example",
        ] {
            assert!(
                origins.allows(&HeaderValue::from_static(allowed)),
                "{allowed}"
            );
        }
        for refused in [
            "null",
            "http://shop.example",
            "https://localhost.example",
            "https://evil.example",
        ] {
            assert!(
                !origins.allows(&HeaderValue::from_static(refused)),
                "{refused}"
            );
        }
    }
}
