//! The credentials in requests and responses, which no report may contain.

use crate::secret::{is_credential_header, parts_of_credential};
use crate::spec::Trigger;
use crate::trace::Response;

/// Minimum length of a secret credential. Shorter values are placeholders.
const SHORTEST_CREDENTIAL: usize = 4;

/// Values that are not credentials, even in a header for credentials.
const HARMLESS: [&str; 4] = ["true", "false", "null", "none"];

/// The values of a trigger's credentials.
pub(crate) fn credentials_of(trigger: &Trigger) -> Vec<String> {
    let headers = trigger.headers().iter();
    let values = headers
        .filter(|(name, _)| is_credential_header(name.as_str()))
        .filter_map(|(_, value)| value.to_str().ok());
    let mut all: Vec<String> = values.flat_map(parts_of_credential).collect();
    all.extend(trigger.url().map_or_else(Vec::new, password_of));
    all.retain(|value| is_credential(value));
    all.extend(trigger.key_password().map(str::to_owned));
    all
}

/// The values of the cookies that a response sets.
pub(crate) fn cookies_of(response: &Response) -> Vec<String> {
    let Some(http) = response.http() else {
        return Vec::new();
    };
    let values = http.header("set-cookie").filter_map(|cookie| {
        let (_, value) = cookie.split(';').next()?.split_once('=')?;
        Some(value.trim().to_owned())
    });
    values.filter(|value| is_credential(value)).collect()
}

/// The password of a URL, as the URL spells it and as it is.
fn password_of(url: &url::Url) -> Vec<String> {
    let Some(password) = url.password() else {
        return Vec::new();
    };
    // Of percent-encoded text, what `=` follows is a value.
    let pair = format!("p={}", password.replace('+', "%2B"));
    let decoded = url::form_urlencoded::parse(pair.as_bytes()).next();
    let decoded = decoded.map(|(_, value)| value.into_owned());
    decoded.into_iter().chain([password.to_owned()]).collect()
}

fn is_credential(value: &str) -> bool {
    value.len() >= SHORTEST_CREDENTIAL && !HARMLESS.contains(&value)
}
