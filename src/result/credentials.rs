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
    if let Trigger::Publish(publish) = trigger {
        let headers = publish.headers.iter();
        let secret = headers.filter(|(name, _)| is_credential_header(name));
        all.extend(secret.flat_map(|(_, value)| parts_of_credential(value)));
        all.extend(publish.secrets().map(str::to_owned));
    }
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

#[cfg(all(test, feature = "run"))]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::spec::{Context, Source, Spec};

    fn credentials(trigger: &str) -> Vec<String> {
        let text = format!("{trigger}\nexpect: {{ errors: 0 }}\n");
        let context = Context::default();
        let specs = Spec::read_all(&Source::new("a.yaml", text), Path::new("."), &context);
        let spec = specs.unwrap().remove(0);
        credentials_of(&spec.steps[0].trigger(&spec.scope()).unwrap())
    }

    #[test]
    fn the_secrets_of_a_message_are_credentials_as_they_are_and_as_a_url_spells_them() {
        for (publish, secrets) in [
            (
                "amqp: 'amqp://alice:p%40ssword@a', routing_key: b",
                &["p@ssword", "p%40ssword"][..],
            ),
            (
                "nats: 'nats://t%40ken@a', subject: b",
                &["t@ken", "t%40ken"],
            ),
            ("nats: a, subject: b, user: token, password: ''", &["token"]),
            (
                "kafka: a, topic: b, user: alice, password: secret",
                &["secret"],
            ),
            (
                "kafka: a, topic: b, headers: { X-Api-Key: secret, source: test }",
                &["secret"],
            ),
        ] {
            assert_eq!(
                credentials(&format!("publish: {{ {publish} }}")),
                secrets,
                "{publish}"
            );
        }
    }
}
