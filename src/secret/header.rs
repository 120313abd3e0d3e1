//! Headers whose values are credentials, and the parts of these.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Parts of the names of headers with credentials.
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

/// Names with such a part that describe the method of authentication, not the credentials.
const HARMLESS: [&str; 4] = [
    "www-authenticate",
    "proxy-authenticate",
    "authentication-info",
    "x-author",
];

/// Returns `true` if the value of a header of this name is a credential. Ignores case.
#[must_use]
pub fn is_credential_header(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    !HARMLESS.contains(&name.as_str()) && TELLING.iter().any(|part| name.contains(part))
}

/// Parts of names of parameters that carry credentials, as in `Digest response="…"`.
const TELLING_PARAMETERS: [&str; 9] = [
    "credential",
    "key",
    "mac",
    "passw",
    "proof",
    "response",
    "secret",
    "signature",
    "token",
];

/// The value of a credential header and the parts of it that are secret too: of `Bearer abc` the
/// token, of `Basic bWU6YWJj` the password, of cookies and telling parameters the values.
pub(crate) fn parts_of_credential(value: &str) -> Vec<String> {
    let scheme = value.split_once(' ').map(|(scheme, _)| scheme);
    let scheme = scheme.filter(|scheme| !scheme.contains(['=', ';']));
    let rest = scheme.map(|scheme| value[scheme.len()..].trim());
    let basic = rest
        .and_then(|token| STANDARD.decode(token).ok())
        .and_then(|user| String::from_utf8(user).ok());
    let password = basic
        .as_deref()
        .and_then(|user| user.split_once(':'))
        .map(|(_, password)| password);
    let pairs = rest.unwrap_or(value).split([';', ',']);
    let pairs = pairs.filter_map(|pair| pair.split_once('='));
    let values = pairs
        .filter(|(name, _)| scheme.is_none() || is_telling_parameter(name))
        .map(|(_, value)| value.trim().trim_matches('"'));
    [Some(value), rest, password]
        .into_iter()
        .flatten()
        .chain(values)
        .filter(|part| !part.trim_matches('=').is_empty())
        .map(str::to_owned)
        .collect()
}

fn is_telling_parameter(name: &str) -> bool {
    let name = name.trim().to_ascii_lowercase();
    TELLING_PARAMETERS.iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_credential_are_secret_too() {
        let parts = |value: &str| parts_of_credential(value).split_off(1);
        assert_eq!(parts("Bearer abc"), ["abc"]);
        assert_eq!(
            parts("Basic bWU6aHVudGVyMg=="),
            ["bWU6aHVudGVyMg==", "hunter2"]
        );
        assert_eq!(parts("Token token=\"abc\""), ["token=\"abc\"", "abc"]);
        let digest = "username=\"me\", uri=\"/orders\", response=\"d12\"";
        assert_eq!(parts(&format!("Digest {digest}")), [digest, "d12"]);
        let aws = "Credential=AK/x, SignedHeaders=host, Signature=5d6";
        assert_eq!(
            parts(&format!("AWS4-HMAC-SHA256 {aws}")),
            [aws, "AK/x", "5d6"]
        );
        assert_eq!(parts("a=\"q12\"; b=z34"), ["q12", "z34"]);
    }

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
