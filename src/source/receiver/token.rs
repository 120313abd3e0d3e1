//! The token that clients must send, if the receiver has one.

use std::fmt;
use std::hint::black_box;
use std::sync::Arc;

use axum::extract::{Extension, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use tonic::Code;

use super::export::Refused;
use super::listener::Arrival;
use super::{refusing, remedy};
use crate::source::store::Store;

/// A token. It is not printed.
#[derive(Clone)]
pub(super) struct Token(Arc<str>);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

/// The token of a receiver, and the store that records refusals.
#[derive(Clone, Debug)]
pub(super) struct Guard {
    pub(super) token: Token,
    pub(super) store: Store,
}

impl Token {
    pub(super) fn new(token: &str) -> Self {
        Self(token.into())
    }

    /// Returns `true` if the request has the token: `authorization: Bearer TOKEN`. The comparison takes the same time
    /// wherever the first difference is.
    fn is_in(&self, headers: &HeaderMap) -> bool {
        let sent = headers
            .get(header::AUTHORIZATION)
            .map(HeaderValue::as_bytes);
        let Some((scheme, sent)) = sent.and_then(|sent| sent.split_at_checked(b"Bearer ".len()))
        else {
            return false;
        };
        let (sent, token) = (sent.trim_ascii(), self.0.as_bytes());
        let pairs = sent.iter().zip(token);
        let differences = pairs.fold(0, |found, (a, b)| black_box(found | (a ^ b)));
        scheme.eq_ignore_ascii_case(b"Bearer ") && sent.len() == token.len() && differences == 0
    }
}

/// Refuses requests without the token. A preflight request of a web page cannot have it.
pub(super) async fn check(
    State(guard): State<Guard>,
    Extension(arrival): Extension<Arrival>,
    request: Request,
    next: Next,
) -> Response {
    let (headers, method) = (request.headers(), request.method());
    if method == Method::OPTIONS || guard.token.is_in(headers) {
        return next.run(request).await;
    }
    let reason = match headers.contains_key(header::AUTHORIZATION) {
        true => "the token in the header `authorization` is not that of this receiver",
        false => "this receiver has a token, and the request has no header `authorization`",
    };
    let refused = Refused::new(
        StatusCode::UNAUTHORIZED,
        Code::Unauthenticated,
        reason,
        remedy::TOKEN,
    );
    refusing::answer(&guard.store, arrival, &request, &refused, "no-token")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_token_opens() {
        let token = Token::new("s3cret");
        let opens = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, value.parse().unwrap());
            token.is_in(&headers)
        };
        assert!(opens("Bearer s3cret") && opens("bearer  s3cret"));
        for wrong in [
            "s3cret",
            "Bearer",
            "Bearer ",
            "Bearer s3cre",
            "Bearer s3cretx",
            "Basic s3cret",
        ] {
            assert!(!opens(wrong), "{wrong}");
        }
        assert!(!token.is_in(&HeaderMap::new()));
    }
}
