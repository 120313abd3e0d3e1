//! A connection to a broker: versions, login, topics and records.

use std::collections::HashMap;
use std::io;

use base64::Engine as _;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::errors::{UNKNOWN_TOPIC, explain};
use super::wire::{Decoder, Encoder, Record, Request, api};
use super::{rejected, sasl};
use crate::spec::{SaslMechanism, did_you_mean};
use crate::trigger::TriggerError;
use crate::trigger::publish::error::{PublishProblem, Step};
use crate::trigger::publish::message::Message;
use crate::trigger::publish::stream::{self, Address, Stream};

/// Maximum size of an answer. Metadata of large clusters have a few megabytes.
const LIMIT: i32 = 64 * 1024 * 1024;

/// Records with headers, in message format 2, since Kafka 0.11.
const WITH_HEADERS: i16 = 3;

/// Time for the replicas to confirm a record, which the broker counts. Ours is shorter.
const REPLICAS_MILLIS: i32 = 30_000;

/// A connection after the login.
pub(super) struct Connection {
    stream: Stream,
    address: String,
    correlation: i32,
    /// The first and last version of each request, by its key.
    versions: HashMap<i16, (i16, i16)>,
    /// Addresses by the number of the broker.
    brokers: HashMap<i32, String>,
    topics: HashMap<String, Vec<Partition>>,
    /// Topics whose records have headers.
    with_headers: Vec<String>,
}

/// A partition of a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Partition {
    pub(super) number: i32,
    pub(super) leader: i32,
}

/// The answer about topics.
struct Metadata {
    brokers: HashMap<i32, String>,
    topics: Vec<Topic>,
}

struct Topic {
    error: i16,
    name: String,
    is_internal: bool,
    partitions: Vec<Partition>,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Connection {
    pub(super) async fn open(
        address: Address<'_>,
        mechanism: SaslMechanism,
        message: &Message<'_>,
    ) -> Result<Self, TriggerError> {
        message.progress.reach(Step::Connecting);
        let tls = message.publish.tls.as_ref();
        let stream = stream::connect(address, tls, message).await?;
        message.progress.reach(Step::Greeting);
        let mut connection = Self {
            stream,
            address: address.text().to_owned(),
            correlation: 0,
            versions: HashMap::new(),
            brokers: HashMap::new(),
            topics: HashMap::new(),
            with_headers: Vec::new(),
        };
        connection.ask_versions(message).await?;
        connection.log_in(mechanism, message).await?;
        Ok(connection)
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// The number of brokers of the cluster.
    pub(super) fn brokers(&self) -> usize {
        self.brokers.len()
    }

    pub(super) fn address_of(&self, broker: i32) -> Option<&str> {
        self.brokers.get(&broker).map(String::as_str)
    }

    /// Returns `false` if the broker has closed the connection.
    pub(super) fn is_alive(&mut self) -> bool {
        // Nothing is to be read between two requests.
        stream::is_idle(&mut self.stream)
    }

    async fn ask_versions(&mut self, message: &Message<'_>) -> Result<(), TriggerError> {
        let answer = self.ask(api::API_VERSIONS, 0, |_| {}).await;
        let versions = answer.and_then(|answer| {
            let mut answer = Decoder(&answer);
            let error = answer.i16()?;
            let versions = answer.all(|one| Ok((one.i16()?, (one.i16()?, one.i16()?))))?;
            Ok((error, versions))
        });
        let (error, versions) = versions.map_err(|error| not_served(&error, message))?;
        if error != 0 {
            let (why, help) = explain(error);
            let help = help.unwrap_or("check the version of the broker");
            return Err(message.failed(PublishProblem::NotServed { why, help }));
        }
        self.versions = versions.into_iter().collect();
        match self.has(api::PRODUCE, WITH_HEADERS) {
            true => Ok(()),
            false => Err(message.failed(PublishProblem::NotServed {
                why: "it does not accept messages with headers, which contain the trace context"
                    .to_owned(),
                help: "use a broker from version 0.11 on",
            })),
        }
    }

    fn has(&self, key: i16, version: i16) -> bool {
        let range = self.versions.get(&key);
        range.is_some_and(|(first, last)| (*first..=*last).contains(&version))
    }

    async fn log_in(
        &mut self,
        mechanism: SaslMechanism,
        message: &Message<'_>,
    ) -> Result<(), TriggerError> {
        let Some(login) = &message.publish.login else {
            return Ok(());
        };
        let name = sasl::name(mechanism);
        let handshake = self.ask(api::SASL_HANDSHAKE, 1, |content| {
            content.text(name);
        });
        let handshake = handshake.await.and_then(|answer| {
            let mut answer = Decoder(&answer);
            Ok((answer.i16()?, answer.all(Decoder::text)?))
        });
        let (error, known) = handshake.map_err(|error| not_served(&error, message))?;
        if error != 0 {
            let (mut why, help) = explain(error);
            if !known.is_empty() {
                why = format!("{why}: it has {}, and `sasl` is {name}", known.join(", "));
            }
            let help = help.unwrap_or("check `sasl`");
            return Err(message.failed(PublishProblem::NotServed { why, help }));
        }
        if mechanism == SaslMechanism::Plain {
            self.authenticate(&sasl::plain(login), message).await?;
            return Ok(());
        }
        let nonce = base64::engine::general_purpose::STANDARD.encode(rand::random::<[u8; 18]>());
        let scram = sasl::Scram::new(login, mechanism, nonce);
        let first = scram.first_message();
        let challenge = self.authenticate(first.as_bytes(), message).await?;
        let refused = |why: &str| {
            message.failed(PublishProblem::NotServed {
                why: why.to_owned(),
                help: "check `user`, `password` and `sasl`",
            })
        };
        let challenge = String::from_utf8_lossy(&challenge);
        let Some(proof) = scram.proof(&challenge) else {
            return Err(refused("its challenge for the login is invalid"));
        };
        let answer = self.authenticate(proof.message.as_bytes(), message).await?;
        match answer == proof.answer.as_bytes() {
            true => Ok(()),
            false => Err(refused("it does not know the password")),
        }
    }

    /// Sends a message of the SASL mechanism. Returns the answer.
    async fn authenticate(
        &mut self,
        bytes: &[u8],
        message: &Message<'_>,
    ) -> Result<Vec<u8>, TriggerError> {
        let answer = self.ask(api::SASL_AUTHENTICATE, 0, |content| {
            content.bytes(bytes);
        });
        let answer = answer.await.and_then(|answer| {
            let mut answer = Decoder(&answer);
            Ok((answer.i16()?, answer.text()?, answer.bytes()?.to_vec()))
        });
        let (error, text, bytes) = answer.map_err(|error| not_served(&error, message))?;
        if error == 0 {
            return Ok(bytes);
        }
        let (name, help) = explain(error);
        let why = match text.is_empty() {
            true => name,
            false => format!("{name}: {text}"),
        };
        let help = help.unwrap_or("check `user`, `password` and `sasl`");
        Err(message.failed(PublishProblem::NotServed { why, help }))
    }

    /// The partitions of a topic, in the order of their numbers.
    pub(super) async fn partitions(
        &mut self,
        topic: &str,
        message: &Message<'_>,
    ) -> Result<Vec<Partition>, TriggerError> {
        if let Some(known) = self.topics.get(topic) {
            return Ok(known.clone());
        }
        let metadata = self.metadata(Some(topic), message).await?;
        self.brokers = metadata.brokers;
        let found = metadata
            .topics
            .into_iter()
            .find(|found| found.name == topic);
        let (error, mut partitions) = match found {
            Some(found) => (found.error, found.partitions),
            None => (UNKNOWN_TOPIC, Vec::new()),
        };
        match error {
            0 => {}
            UNKNOWN_TOPIC => return Err(self.no_topic(topic, message).await),
            error => {
                let (answer, help) = explain(error);
                return Err(rejected(message, answer, help));
            }
        }
        partitions.sort_by_key(|partition| partition.number);
        self.topics.insert(topic.to_owned(), partitions.clone());
        Ok(partitions)
    }

    /// The error for a topic that does not exist, with those that exist.
    async fn no_topic(&mut self, topic: &str, message: &Message<'_>) -> TriggerError {
        let all = self.metadata(None, message).await.map(|all| all.topics);
        let existing = all.unwrap_or_default().into_iter();
        let existing = existing.filter(|topic| !topic.is_internal && !topic.name.starts_with("__"));
        let mut existing: Vec<String> = existing.map(|topic| topic.name).collect();
        existing.sort();
        let existing: Vec<&str> = existing.iter().map(String::as_str).collect();
        const CREATE: &str = "create the topic, because spanspec creates none";
        let help = match did_you_mean(topic, &existing) {
            Some(meant) => meant,
            None if existing.is_empty() => format!("{CREATE}; this user sees no topic"),
            None => format!("{CREATE}; there are {}", shortened(&existing)),
        };
        message.failed(PublishProblem::NoPlace {
            name: topic.to_owned(),
            help,
        })
    }

    /// Asks for one topic, or for all.
    async fn metadata(
        &mut self,
        topic: Option<&str>,
        message: &Message<'_>,
    ) -> Result<Metadata, TriggerError> {
        let answer = self.ask(api::METADATA, 4, |content| {
            match topic {
                Some(topic) => content.i32(1).text(topic),
                None => content.i32(-1),
            };
            // No topic is created.
            content.i8(0);
        });
        let metadata = answer.await.and_then(|answer| Metadata::read(&answer));
        metadata.map_err(|error| not_served(&error, message))
    }

    /// Refuses a topic in an old message format, from which the broker removes headers. Brokers from
    /// version 4 on have no such topics.
    pub(super) async fn refuse_old_format(
        &mut self,
        topic: &str,
        message: &Message<'_>,
    ) -> Result<(), TriggerError> {
        let can_be_old = self.has(api::PRODUCE, 0) && self.has(api::DESCRIBE_CONFIGS, 0);
        if !can_be_old || self.with_headers.iter().any(|known| known == topic) {
            return Ok(());
        }
        const TOPIC: i8 = 2;
        let answer = self.ask(api::DESCRIBE_CONFIGS, 0, |content| {
            content.i32(1).i8(TOPIC).text(topic);
            content.i32(1).text("message.format.version");
        });
        let format = answer.await.and_then(|answer| format_of(&answer));
        let format = format.map_err(|error| not_served(&error, message))?;
        let is_old = |format: &str| {
            let mut numbers = format.split(['.', '-']).map(|part| part.parse::<u32>());
            matches!(
                (numbers.next(), numbers.next()),
                (Some(Ok(0)), Some(Ok(..11)))
            )
        };
        if let Some(format) = format.filter(|format| is_old(format)) {
            return Err(rejected(
                message,
                format!(
                    "the topic stores messages in format {format}, which has no headers for the trace context"
                ),
                Some("raise `message.format.version` of the topic to 0.11 or later"),
            ));
        }
        self.with_headers.push(topic.to_owned());
        Ok(())
    }

    /// Produces a record. Returns its offset.
    pub(super) async fn produce(
        &mut self,
        topic: &str,
        partition: i32,
        record: &Record<'_>,
        message: &Message<'_>,
    ) -> Result<i64, TriggerError> {
        let batch = record.batch();
        let answer = self.ask(api::PRODUCE, WITH_HEADERS, |content| {
            const ALL_IN_SYNC: i16 = -1;
            // No transaction.
            content.i16(-1).i16(ALL_IN_SYNC).i32(REPLICAS_MILLIS);
            content.i32(1).text(topic);
            content.i32(1).i32(partition).bytes(&batch);
        });
        let answer = answer.await.and_then(|answer| {
            let topics = Decoder(&answer).all(|answered| {
                let is_ours = answered.text()? == topic;
                answered.all(|one| {
                    let (number, error, offset) = (one.i32()?, one.i16()?, one.i64()?);
                    one.i64()?;
                    Ok((is_ours && number == partition, error, offset))
                })
            })?;
            let mut all = topics.into_iter().flatten();
            let ours =
                all.find(|(is_ours, error, offset)| *is_ours && (*error != 0 || *offset >= 0));
            let ours = ours.map(|(_, error, offset)| (error, offset));
            ours.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))
        });
        match answer {
            Ok((0, offset)) => Ok(offset),
            Ok((error, _)) => {
                let (answer, help) = explain(error);
                Err(rejected(message, answer, help))
            }
            Err(error) => {
                let answer = format!("no acknowledgement: {}", in_words(&error));
                let help = "check the log of the broker, and its limit `socket.request.max.bytes`";
                Err(rejected(message, answer, Some(help)))
            }
        }
    }

    /// Sends a request, and returns the answer without its header.
    async fn ask(
        &mut self,
        key: i16,
        version: i16,
        write: impl FnOnce(&mut Encoder),
    ) -> io::Result<Vec<u8>> {
        self.correlation = self.correlation.wrapping_add(1);
        let mut content = Encoder::default();
        write(&mut content);
        let request = Request {
            key,
            version,
            content,
        };
        self.stream
            .write_all(&request.frame(self.correlation))
            .await?;
        self.stream.flush().await?;
        let size = self.stream.read_i32().await?;
        if !(4..=LIMIT).contains(&size) {
            return Err(io::Error::from(io::ErrorKind::InvalidData));
        }
        let correlation = self.stream.read_i32().await?;
        if correlation != self.correlation {
            return Err(io::Error::from(io::ErrorKind::InvalidData));
        }
        let mut answer = vec![0; usize::try_from(size - 4).unwrap_or_default()];
        self.stream.read_exact(&mut answer).await?;
        Ok(answer)
    }
}

impl Metadata {
    fn read(answer: &[u8]) -> io::Result<Self> {
        let mut answer = Decoder(answer);
        // Throttle time, of which nothing is sent again.
        answer.i32()?;
        let brokers = answer.all(|broker| {
            let (number, host, port) = (broker.i32()?, broker.text()?, broker.i32()?);
            // Rack.
            broker.text()?;
            Ok((number, format!("{host}:{port}")))
        })?;
        // Cluster and controller.
        answer.text()?;
        answer.i32()?;
        let topics = answer.all(|topic| {
            Ok(Topic {
                error: topic.i16()?,
                name: topic.text()?,
                is_internal: topic.bool()?,
                partitions: topic.all(|partition| {
                    partition.i16()?;
                    let (number, leader) = (partition.i32()?, partition.i32()?);
                    // All replicas, and those in sync.
                    partition.all(Decoder::i32)?;
                    partition.all(Decoder::i32)?;
                    Ok(Partition { number, leader })
                })?,
            })
        })?;
        Ok(Self {
            brokers: brokers.into_iter().collect(),
            topics,
        })
    }
}

/// The first names of a list.
fn shortened(names: &[&str]) -> String {
    const MOST: usize = 8;
    let named: Vec<String> = names
        .iter()
        .take(MOST)
        .map(|name| format!("`{name}`"))
        .collect();
    match names.len().saturating_sub(MOST) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

/// The message format of a topic; `None` if the user must not see it.
fn format_of(answer: &[u8]) -> io::Result<Option<String>> {
    let mut answer = Decoder(answer);
    // Throttle time.
    answer.i32()?;
    let resources = answer.all(|resource| {
        // Error, its text, the kind of the resource and its name.
        resource.i16()?;
        resource.text()?;
        resource.bool()?;
        resource.text()?;
        resource.all(|config| {
            let (_, value) = (config.text()?, config.text()?);
            // Read-only, default, sensitive.
            for _ in 0..3 {
                config.bool()?;
            }
            Ok(value)
        })
    })?;
    Ok(resources.into_iter().flatten().next())
}

/// The error of a connection before the record was sent.
fn not_served(error: &io::Error, message: &Message<'_>) -> TriggerError {
    let publish = message.publish;
    let help = match (publish.login.is_some(), publish.tls.is_some()) {
        _ if error.kind() == io::ErrorKind::InvalidData => {
            "check the port, which can be one of another protocol; `tls: {}` turns TLS on"
        }
        (false, false) => {
            "if this listener requires a login, add `user` and `password`; if it requires TLS, add `tls: {}`"
        }
        (false, true) => "if this listener requires a login, add `user` and `password`",
        (true, false) => "check `sasl`; if this listener requires TLS, add `tls: {}`",
        (true, true) => "check `sasl`, and the log of the broker",
    };
    let why = in_words(error);
    message.failed(PublishProblem::NotServed { why, help })
}

fn in_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::BrokenPipe => "it closed the connection".to_owned(),
        io::ErrorKind::InvalidData => "its answer is not the Kafka protocol".to_owned(),
        _ => error.to_string(),
    }
}
