//! A request to send: that of the spec, or the next one of a redirect.

use http::header::{
    CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_TYPE, HOST, LOCATION,
    TRANSFER_ENCODING,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use url::Url;

use super::body::EncodedBody;
use super::{Attempted, TraceContext, TriggerError};
use crate::secret::is_credential_header;
use crate::spec::{Request, Tls};

/// A request that is ready to send.
#[derive(Clone, Debug)]
pub(super) struct Hop {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) payload: EncodedBody,
    pub(super) tls: Tls,
}

impl Hop {
    /// The request of the spec with its trace context.
    pub(super) async fn first(
        request: &Request,
        context: &TraceContext,
    ) -> Result<Self, TriggerError> {
        let payload = EncodedBody::load(&request.body).await?;
        let mut headers: HeaderMap = HeaderMap::new();
        for (name, value) in &request.headers {
            headers.append(name, value.clone());
        }
        payload.describe(&mut headers);
        propagate(context, &mut headers)?;
        Ok(Self {
            method: request.method.clone(),
            url: with_query(&request.url, &request.query),
            headers,
            payload,
            tls: request.tls.clone(),
        })
    }

    /// The request for error messages.
    pub(super) fn attempted(&self) -> Attempted {
        Attempted::new(&self.method, &self.url)
    }

    /// The next request after a redirect. `None` if the response is not a redirect, or one that cannot
    /// be followed.
    pub(super) fn redirected(&self, status: StatusCode, headers: &HeaderMap) -> Option<Self> {
        let location = headers.get(LOCATION)?.to_str().ok()?;
        let url = self.url.join(location).ok()?;
        let mut next = self.clone();
        match status.as_u16() {
            303 if self.method != Method::HEAD => next.become_get(),
            301 | 302 if self.method == Method::POST => next.become_get(),
            301 | 302 | 303 | 307 | 308 => {}
            _ => return None,
        }
        if !matches!(url.scheme(), "http" | "https") {
            return None;
        }
        if !same_party(&self.url, &url) {
            next.forget_credentials();
        }
        next.url = url;
        Some(next)
    }

    fn become_get(&mut self) {
        self.method = Method::GET;
        self.payload = EncodedBody::None;
        for name in [
            CONTENT_TYPE,
            CONTENT_LENGTH,
            CONTENT_ENCODING,
            CONTENT_LANGUAGE,
            TRANSFER_ENCODING,
        ] {
            self.headers.remove(name);
        }
    }

    /// Removes authenticating headers, baggage and the client certificate for another host.
    fn forget_credentials(&mut self) {
        let secret: Vec<_> = self
            .headers
            .iter()
            .filter(|(name, value)| value.is_sensitive() || is_credential_header(name.as_str()))
            .map(|(name, _)| name.clone())
            .collect();
        for name in secret {
            self.headers.remove(name);
        }
        self.headers.remove(HOST);
        self.headers.remove("baggage");
        self.tls.cert = None;
        self.tls.key = None;
        self.tls.key_password = None;
    }
}

/// Returns `true` for the same host and port, without a downgrade from `https` to `http`.
fn same_party(from: &Url, to: &Url) -> bool {
    let downgraded = from.scheme() == "https" && to.scheme() == "http";
    let same_port = from.port_or_known_default() == to.port_or_known_default();
    from.host() == to.host() && same_port && !downgraded
}

fn with_query(url: &Url, query: &[(String, String)]) -> Url {
    let mut url = url.clone();
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    url
}

pub(super) fn propagate(
    context: &TraceContext,
    headers: &mut HeaderMap,
) -> Result<(), TriggerError> {
    for (name, value) in context.fields() {
        let header = HeaderValue::try_from(&value);
        // Only `tracestate` is text of the spec: the other fields are encoded.
        let header = header.map_err(|_| TriggerError::TraceState { value })?;
        headers.insert(name, header);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    fn hop(method: Method, url: &str) -> Hop {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("authorization", "Bearer x"),
            ("x-api-key", "x"),
            ("accept", "text/html"),
            ("traceparent", "00-…"),
            ("baggage", "user.id=7"),
        ] {
            headers.insert(name, HeaderValue::from_str(value).unwrap());
        }
        Hop {
            method,
            url: url.parse().unwrap(),
            headers,
            payload: EncodedBody::Multipart(vec![]),
            tls: Tls {
                cert: Some("client.pem".into()),
                ..Tls::default()
            },
        }
    }

    fn next(hop: &Hop, status: u16, location: &str) -> Option<Hop> {
        let headers = HeaderMap::from_iter([(LOCATION, location.parse().unwrap())]);
        hop.redirected(StatusCode::from_u16(status).unwrap(), &headers)
    }

    #[test]
    fn methods_change_as_browsers_change_them() {
        for (method, status, after) in [
            (Method::POST, 301, Method::GET),
            (Method::POST, 302, Method::GET),
            (Method::PUT, 302, Method::PUT),
            (Method::PUT, 303, Method::GET),
            (Method::HEAD, 303, Method::HEAD),
            (Method::POST, 307, Method::POST),
            (Method::POST, 308, Method::POST),
        ] {
            let next = next(&hop(method.clone(), "http://a.test/x"), status, "/y").unwrap();
            assert_eq!(next.method, after, "{method} {status}");
            let body_kept = matches!(next.payload, EncodedBody::Multipart(_));
            assert_eq!(body_kept, after == method, "{method} {status}");
        }
    }

    #[test]
    fn another_host_port_or_a_downgrade_gets_no_credentials() {
        let from = hop(Method::GET, "https://a.test/x");
        for to in [
            "https://b.test/",
            "https://a.test:8443/",
            "http://a.test:443/",
            "//b.test/",
        ] {
            let next = next(&from, 302, to).unwrap();
            let mut names: Vec<_> = next.headers.keys().map(HeaderName::as_str).collect();
            names.sort_unstable();
            assert_eq!(names, ["accept", "traceparent"], "{to}");
            assert_eq!(next.tls.cert, None, "{to}");
        }
    }

    #[test]
    fn the_same_host_gets_everything_again() {
        let next = next(&hop(Method::GET, "https://a.test/x"), 302, "y?z=1").unwrap();
        assert_eq!(next.url.as_str(), "https://a.test/y?z=1");
        assert!(next.headers.contains_key("authorization"));
        assert!(next.tls.cert.is_some());
    }

    #[test]
    fn what_cannot_be_followed_is_the_response() {
        let from = hop(Method::GET, "http://a.test/");
        assert!(next(&from, 200, "/y").is_none());
        assert!(next(&from, 304, "/y").is_none());
        assert!(next(&from, 302, "mailto:a@b.test").is_none());
        assert!(
            from.redirected(StatusCode::FOUND, &HeaderMap::new())
                .is_none()
        );
    }
}
