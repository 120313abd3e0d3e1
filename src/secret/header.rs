//! Headers whose values are credentials.

/// Parts of names of headers that carry credentials.
const TELLING: [&str; 13] = [
    "access-key",
    "api-key",
    "apikey",
    "api_key",
    "auth",
    "cookie",
    "credential",
    "functions-key",
    "passw",
    "secret",
    "session",
    "subscription-key",
    "token",
];

/// Names that have such a part, and say how to authenticate, not with what.
const HARMLESS: [&str; 4] = [
    "www-authenticate",
    "proxy-authenticate",
    "authentication-info",
    "x-author",
];

/// Whether the value of a header of this name is a credential. Case does not matter.
#[must_use]
pub fn is_credential_header(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    !HARMLESS.contains(&name.as_str()) && TELLING.iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_with_credentials_are_known_by_their_names() {
        for name in [
            "Authorization",
            "proxy-authorization",
            "Cookie",
            "set-cookie",
            "api-key",
            "X-Api-Key",
            "apikey",
            "x-goog-api-key",
            "X-Auth-Token",
            "x-amz-security-token",
            "x-session-id",
            "ocp-apim-subscription-key",
        ] {
            assert!(is_credential_header(name), "{name}");
        }
        for name in [
            "accept",
            "content-type",
            "idempotency-key",
            "www-authenticate",
            "traceparent",
        ] {
            assert!(!is_credential_header(name), "{name}");
        }
    }
}
