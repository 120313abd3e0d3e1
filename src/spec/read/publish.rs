//! `publish`.

use url::Url;

use super::{Reader, Refusal};
use crate::spec::keys;
use crate::spec::publish::{Destination, KafkaTopic, Login, Publish, SaslMechanism, SqsQueue};
use crate::yaml::closest;
use crate::yaml::{Entry, Kind, Node};

/// Maximum length of a name in AMQP.
const LONGEST_NAME: usize = 255;

const EXAMPLE: &str = "write `{ kafka: 127.0.0.1:9092, topic: orders, json: { id: 1 } }`";

impl Reader<'_> {
    pub(super) fn publish(&self, node: &Node) -> Option<Publish> {
        if !matches!(node.kind, Kind::Map(_)) {
            let what = format!("`publish` must be a map, found {}", node.describe());
            return self.wrong(node.place, what, "not a map", EXAMPLE);
        }
        let entries = self.map(node, "`publish`", keys::PUBLISH)?;
        let broker = self.broker(node, entries)?;
        let only_own = self.refuse_keys_of_other_brokers(entries, &broker.key.text);
        let to = match broker.key.text.as_str() {
            "kafka" => self.kafka(&broker.value, node),
            "nats" => self.nats(&broker.value, node),
            "amqp" => self.amqp(&broker.value, node),
            _ => self.sqs(&broker.value, node),
        };
        let body = self.body(node);
        let headers = self.optional(node, "headers", |map| self.message_headers(map));
        let login = self.login(node);
        let tls = self.optional(node, "tls", |map| self.tls(map));
        let timeout = self.optional(node, "timeout", |value| self.duration(value, "a timeout"));
        let propagation = self.propagation(node, "headers");
        let ((to, of_url), login, _) = (to?, login?, only_own?);
        if let (Some(_), Some(_)) = (&of_url, &login) {
            return self.wrong(
                node.get("user")?.place,
                "the URL of the broker has a user as well",
                "second user",
                "remove it from the URL, or remove `user` and `password`",
            );
        }
        Some(Publish {
            to,
            body: body?,
            headers: headers?.unwrap_or_default(),
            login: login.or(of_url),
            tls: tls?,
            timeout: timeout?,
            propagation: propagation?,
        })
    }

    /// The entry with the address.
    fn broker<'n>(&self, node: &Node, entries: &'n [Entry]) -> Option<&'n Entry> {
        let mut brokers = entries
            .iter()
            .filter(|entry| keys::BROKERS.contains(&entry.key.text));
        match (brokers.next(), brokers.next()) {
            (Some(broker), None) => Some(broker),
            (Some(first), Some(second)) => self.wrong(
                second.key.place,
                "a message goes to one broker",
                "second broker",
                format!(
                    "remove `{}` or `{}`, or use `steps`",
                    first.key.text, second.key.text
                ),
            ),
            (None, _) => {
                let names = keys::BROKERS.names();
                let is_misspelt = |entry: &Entry| closest(&entry.key.text, &names).is_some();
                if entries.iter().any(is_misspelt) {
                    return None;
                }
                self.wrong(
                    node.place,
                    "this `publish` has no broker",
                    "missing broker",
                    EXAMPLE,
                )
            }
        }
    }

    /// Refuses `topic` beside `nats`.
    fn refuse_keys_of_other_brokers(&self, entries: &[Entry], broker: &str) -> Option<()> {
        let own = keys::OF_BROKERS.iter().find(|(name, _)| *name == broker)?;
        self.all(entries, |entry| {
            let key = entry.key.text.as_str();
            let others = keys::OF_BROKERS.iter().filter(|(name, _)| *name != broker);
            let mut others = others.filter(|(_, keys)| keys.contains(key));
            let Some((other, _)) = others.next() else {
                return Some(());
            };
            self.wrong(
                entry.key.place,
                format!("`{key}` belongs to `{other}`, and this message goes to `{broker}`"),
                "not available",
                format!("`{broker}` has {}", backticked(&own.1.names())),
            )
        })
        .map(drop)
    }

    fn kafka(&self, broker: &Node, node: &Node) -> Option<(Destination, Option<Login>)> {
        let brokers = self.texts(broker, "a broker").and_then(|written| {
            let brokers = written.iter().flat_map(|text| text.split(','));
            let brokers: Vec<&str> = brokers.map(str::trim).collect();
            self.all(&brokers, |text| match broker_address(text) {
                Ok(address) => Some(address),
                Err(Refusal { what, help }) => self.wrong(broker.place, what, "here", help),
            })
        });
        let topic = self
            .destination(node, "topic", "topic: orders")
            .and_then(|topic| {
                let is_plain = |sign: char| sign.is_ascii_alphanumeric() || "._-".contains(sign);
                match topic.chars().all(is_plain) && topic.len() <= 249 {
                    true => Some(topic),
                    false => self.wrong(
                        node.get("topic")?.place,
                        format!("invalid topic `{topic}`"),
                        "here",
                        "use up to 249 letters, digits, `.`, `_` and `-`",
                    ),
                }
            });
        let key = self.optional_text(node, "key");
        let partition = self.optional(node, "partition", |value| {
            self.number::<u16>(value, "a partition", 0)
        });
        let mechanism = self.optional(node, "sasl", |value| self.mechanism(value));
        if let (Some(mechanism), None) = (node.get("sasl"), node.get("user")) {
            return self.wrong(
                mechanism.place,
                "`sasl` requires `user` and `password`",
                "missing `user`",
                "add `user` and `password`, or remove this",
            );
        }
        let kafka = KafkaTopic {
            brokers: brokers?,
            topic: topic?,
            key: key?,
            partition: partition?.map(i32::from),
            mechanism: mechanism?.unwrap_or_default(),
        };
        Some((Destination::Kafka(kafka), None))
    }

    fn mechanism(&self, node: &Node) -> Option<SaslMechanism> {
        self.parse(node, "a mechanism", SaslMechanism::default(), |text| {
            let mut all = SaslMechanism::ALL.into_iter();
            let found = all.find(|(name, _)| text.eq_ignore_ascii_case(name));
            found.map(|(_, mechanism)| mechanism).ok_or_else(|| {
                let names = SaslMechanism::ALL.map(|(name, _)| name);
                let help = format!("use one of {}", backticked(&names));
                Refusal::new(format!("unknown SASL mechanism `{text}`"), help)
            })
        })
    }

    fn nats(&self, broker: &Node, node: &Node) -> Option<(Destination, Option<Login>)> {
        let server = self.broker_url(broker, &["nats", "tls"], 4222);
        let subject = self.destination(node, "subject", "subject: orders.created");
        let subject = subject.and_then(|subject| {
            let mut tokens = subject.split('.');
            let is_token = |token: &str| {
                !token.is_empty() && !token.contains([' ', '\t', '\r', '\n', '*', '>'])
            };
            match tokens.all(is_token) {
                true => Some(subject),
                false => self.wrong(
                    node.get("subject")?.place,
                    format!("a message cannot be published to the subject `{subject}`"),
                    "here",
                    "write names separated by dots, without blanks and wildcards",
                ),
            }
        });
        let ((server, login), subject) = (server?, subject?);
        Some((Destination::Nats { server, subject }, login))
    }

    fn amqp(&self, broker: &Node, node: &Node) -> Option<(Destination, Option<Login>)> {
        let server = self.broker_url(broker, &["amqp", "amqps"], 5672);
        let exchange = self.optional_text(node, "exchange");
        let routing_key = self.optional_text(node, "routing_key");
        let ((server, login), exchange, routing_key) = (server?, exchange?, routing_key?);
        if server.path().len() > LONGEST_NAME {
            let what = format!("the virtual host has more than {LONGEST_NAME} bytes");
            return self.wrong(broker.place, what, "too long", "shorten it");
        }
        for key in ["exchange", "routing_key"] {
            if let Some(value) = node.get(key)
                && self
                    .named(value, key)
                    .is_some_and(|name| name.len() > LONGEST_NAME)
            {
                let what = format!("`{key}` has more than {LONGEST_NAME} bytes");
                return self.wrong(value.place, what, "too long", "shorten it");
            }
        }
        if exchange.is_none() && routing_key.is_none() {
            return self.wrong(
                node.place,
                "this message has no place in the broker",
                "missing `exchange` or `routing_key`",
                "add `routing_key: orders` for a queue, or `exchange: orders`",
            );
        }
        let to = Destination::Amqp {
            server,
            exchange: exchange.unwrap_or_default(),
            routing_key: routing_key.unwrap_or_default(),
        };
        Some((to, login))
    }

    fn sqs(&self, broker: &Node, node: &Node) -> Option<(Destination, Option<Login>)> {
        let queue = self.parse(
            broker,
            "the URL of a queue",
            super::trigger::unknown_url(),
            |text| {
                let example = "write `https://sqs.eu-central-1.amazonaws.com/123456789012/orders`";
                let url = super::trigger::parse_url(text)?;
                if !url.username().is_empty() || url.password().is_some() {
                    return Err(Refusal::new(
                        "the URL of a queue has no user",
                        "write the access key as `user` and `password` beside it",
                    ));
                }
                match url.path().rsplit('/').next() {
                    Some(name) if !name.is_empty() => Ok(url),
                    _ => Err(Refusal::new(
                        format!("the URL `{text}` has no queue"),
                        example,
                    )),
                }
            },
        );
        let region = self.optional_text(node, "region");
        let group = self.optional_text(node, "group");
        let deduplication = self.optional_text(node, "deduplication");
        // Those of the environment belong together.
        let variable = |name| self.scope.environment(name).map(str::to_owned);
        let (id, secret) = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY");
        let login = variable(id).zip(variable(secret));
        let login = login.filter(|_| node.get("user").is_none());
        let token = login.as_ref().and_then(|_| variable("AWS_SESSION_TOKEN"));
        let of_environment = || variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION"));
        let queue = SqsQueue {
            queue: queue?,
            region: region?.or_else(of_environment),
            token,
            group: group?,
            deduplication: deduplication?,
        };
        let login = login.map(|(user, password)| Login {
            user,
            password,
            encoded: None,
        });
        Some((Destination::Sqs(queue), login))
    }

    fn optional_text(&self, node: &Node, key: &str) -> Option<Option<String>> {
        self.optional(node, key, |value| self.named(value, &format!("`{key}`")))
    }

    fn destination(&self, node: &Node, key: &str, example: &str) -> Option<String> {
        match node.get(key) {
            Some(value) => self.named(value, &format!("`{key}`")),
            None => self.wrong(
                node.place,
                format!("this `publish` has no `{key}`"),
                format!("missing `{key}`"),
                format!("add `{example}`"),
            ),
        }
    }

    /// The URL of a server without its login, and the login.
    fn broker_url(
        &self,
        node: &Node,
        schemes: &[&'static str; 2],
        port: u16,
    ) -> Option<(Url, Option<Login>)> {
        let awaited = (super::trigger::unknown_url(), None);
        self.parse(node, "the address of a broker", awaited, |text| {
            server(text, schemes, port)
        })
    }

    fn login(&self, node: &Node) -> Option<Option<Login>> {
        let text = |key| {
            self.optional(node, key, |value| {
                self.text(value, key).map(Option::unwrap_or_default)
            })
        };
        match (text("user")?, text("password")?) {
            (Some(user), Some(password)) => Some(Some(Login {
                user,
                password,
                encoded: None,
            })),
            (None, None) => Some(None),
            (user, _) => {
                let (given, missing) = match user {
                    Some(_) => ("user", "password"),
                    None => ("password", "user"),
                };
                self.wrong(
                    node.get(given)?.place,
                    format!("`{given}` requires a `{missing}`"),
                    format!("missing `{missing}`"),
                    format!("add `{missing}`, or remove this"),
                )
            }
        }
    }

    fn message_headers(&self, node: &Node) -> Option<Vec<(String, String)>> {
        let entries = self.any_map(node, "`headers`")?;
        self.all(entries, |entry| self.is_free_header(entry))?;
        self.text_map(node, "`headers`")
    }

    /// Refuses headers of the trace context.
    fn is_free_header(&self, entry: &Entry) -> Option<()> {
        let name = entry.key.text.as_str();
        if name.is_empty() || name.len() > LONGEST_NAME {
            return self.wrong(
                entry.key.place,
                format!("the name of a header must have 1 to {LONGEST_NAME} bytes"),
                "here",
                "correct the name",
            );
        }
        let help = match name.to_ascii_lowercase().as_str() {
            "baggage" => "write its members under `baggage`, beside `headers`",
            "awstraceheader" => "remove it: it has the same ids as `traceparent`",
            _ => return Some(()),
        };
        self.wrong(
            entry.key.place,
            format!("`{name}` cannot be set: spanspec sends its own with each message"),
            "not here",
            help,
        )
    }
}

fn backticked(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

/// `host:port` of a Kafka broker.
fn broker_address(text: &str) -> Result<String, Refusal> {
    let example = "write `127.0.0.1:9092`";
    if let Some((scheme, rest)) = text.split_once("://") {
        let rest = rest.rsplit_once('@').map_or(rest, |(_, address)| address);
        return Err(Refusal::new(
            format!("the address of a Kafka broker has no scheme, found `{scheme}://`"),
            format!("write `{rest}`; `tls: {{}}` turns TLS on"),
        ));
    }
    if text.contains('@') {
        return Err(Refusal::new(
            "the address of a Kafka broker has no user",
            "write `user` and `password` beside it",
        ));
    }
    match text.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => {
            Ok(text.to_owned())
        }
        None if !text.is_empty() => Ok(format!("{text}:9092")),
        _ => Err(Refusal::new(format!("invalid address `{text}`"), example)),
    }
}

/// The URL of a server, with its port and without its login. The scheme may be left out.
fn server(
    text: &str,
    schemes: &[&'static str; 2],
    port: u16,
) -> Result<(Url, Option<Login>), Refusal> {
    let example = || format!("write `{}://127.0.0.1:{port}`", schemes[0]);
    let written = match text.contains("://") {
        true => text.to_owned(),
        false => format!("{}://{text}", schemes[0]),
    };
    let invalid = || Refusal::new("invalid address of a broker", example());
    let mut url = Url::parse(&written).map_err(|_| invalid())?;
    if !schemes.contains(&url.scheme()) {
        let what = format!("`{}` is not the scheme of this broker", url.scheme());
        let help = format!("use {}", backticked(&schemes.map(|scheme| scheme)));
        return Err(Refusal::new(what, help));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(invalid());
    }
    let decoded = |text: &str| {
        let decoded = percent_encoding::percent_decode_str(text).decode_utf8_lossy();
        decoded.into_owned()
    };
    let secret = url.password().unwrap_or_else(|| url.username());
    let login = (!url.username().is_empty()).then(|| Login {
        user: decoded(url.username()),
        password: decoded(url.password().unwrap_or_default()),
        encoded: (secret != decoded(secret)).then(|| secret.to_owned()),
    });
    let _ = url.set_username("");
    let _ = url.set_password(None);
    if url.port().is_none() {
        let port = if url.scheme() == "amqps" { 5671 } else { port };
        let _ = url.set_port(Some(port));
    }
    Ok((url, login))
}
