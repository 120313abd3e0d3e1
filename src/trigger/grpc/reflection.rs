//! The reflection service of a server: version 1, or `v1alpha` of older servers, with the same
//! messages.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use prost::Message as _;

use super::exchange::{Answer, Exchange};
use super::wire::metadata;
use crate::spec::GrpcCall;
use crate::trace::{GrpcCode, GrpcEnding};
use crate::trigger::{Session, TraceContext, TriggerError};

/// Maximum time for each exchange.
const LIMIT: Duration = Duration::from_secs(10);

const SERVICES: [&str; 2] = [
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
];

#[derive(Clone, PartialEq, prost::Message)]
struct Question {
    #[prost(string, optional, tag = "3")]
    file_by_filename: Option<String>,
    #[prost(string, optional, tag = "4")]
    file_containing_symbol: Option<String>,
    #[prost(string, optional, tag = "7")]
    list_services: Option<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Reply {
    #[prost(message, optional, tag = "4")]
    files: Option<Files>,
    #[prost(message, optional, tag = "6")]
    services: Option<Services>,
    #[prost(message, optional, tag = "7")]
    error: Option<ReplyError>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Files {
    #[prost(bytes = "vec", repeated, tag = "1")]
    protos: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Services {
    #[prost(message, repeated, tag = "1")]
    service: Vec<ServiceName>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ServiceName {
    #[prost(string, tag = "1")]
    name: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ReplyError {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

/// The name and the imports of a file.
#[derive(Clone, PartialEq, prost::Message)]
struct FileOutline {
    #[prost(string, optional, tag = "1")]
    name: Option<String>,
    #[prost(string, repeated, tag = "3")]
    imports: Vec<String>,
}

/// The reflection service of a server.
pub(super) struct Reflection<'a> {
    call: &'a GrpcCall,
    session: &'a Session,
    service: &'static str,
}

/// The serialized descriptors of files, by their names.
pub(super) type FileSet = BTreeMap<String, Vec<u8>>;

impl<'a> Reflection<'a> {
    /// The files with a symbol and their imports; `None` if the server does not know the symbol.
    pub(super) async fn files(
        call: &'a GrpcCall,
        session: &'a Session,
        symbol: &str,
    ) -> Result<(Self, Option<FileSet>), TriggerError> {
        let question = Question {
            file_containing_symbol: Some(symbol.to_owned()),
            ..Question::default()
        };
        for service in SERVICES {
            let reflection = Self {
                call,
                session,
                service,
            };
            let Some(replies) = reflection.ask(std::slice::from_ref(&question)).await? else {
                continue;
            };
            let files = replies.into_iter().next().and_then(|reply| reply.files);
            let files = match files {
                Some(files) => Some(reflection.with_imports(files).await?),
                None => None,
            };
            return Ok((reflection, files));
        }
        Err(TriggerError::NoReflection {
            server: call.server.to_string(),
        })
    }

    /// The names of all services.
    pub(super) async fn services(&self) -> Result<Vec<String>, TriggerError> {
        let question = Question {
            list_services: Some(String::new()),
            ..Question::default()
        };
        let replies = self.ask(&[question]).await?.unwrap_or_default();
        let services = replies.into_iter().filter_map(|reply| reply.services);
        let names = services.flat_map(|services| services.service);
        Ok(names.map(|service| service.name).collect())
    }

    /// Adds the files that others import.
    async fn with_imports(&self, first: Files) -> Result<FileSet, TriggerError> {
        let mut known = FileSet::new();
        let mut imported: BTreeMap<String, String> = BTreeMap::new();
        let mut asked = BTreeSet::new();
        let mut fresh = first.protos;
        loop {
            for proto in fresh {
                let outline = FileOutline::decode(proto.as_slice());
                let outline = outline.map_err(|error| self.broken(error.to_string()))?;
                let name = outline.name.unwrap_or_default();
                let importer = name.clone();
                let imports = outline.imports.into_iter();
                imported.extend(imports.map(|import| (import, importer.clone())));
                known.insert(name, proto);
            }
            let missing: Vec<String> = imported
                .keys()
                .filter(|name| !known.contains_key(*name) && asked.insert((*name).clone()))
                .cloned()
                .collect();
            if missing.is_empty() {
                break;
            }
            fresh = self.by_name(missing).await?;
        }
        let standard = prost_reflect::DescriptorPool::global();
        for (import, importer) in &imported {
            if known.contains_key(import) {
                continue;
            }
            let Some(file) = standard.get_file_by_name(import) else {
                return Err(self.broken(format!(
                    "it has no file `{import}`, which `{importer}` imports"
                )));
            };
            known.insert(import.clone(), file.encode_to_vec());
        }
        Ok(known)
    }

    /// The files with these names, as far as the server has them.
    async fn by_name(&self, names: Vec<String>) -> Result<Vec<Vec<u8>>, TriggerError> {
        let questions: Vec<Question> = names
            .into_iter()
            .map(|name| Question {
                file_by_filename: Some(name),
                ..Question::default()
            })
            .collect();
        let replies = self.ask(&questions).await?.unwrap_or_default();
        let files = replies.into_iter().filter_map(|reply| reply.files);
        Ok(files.flat_map(|files| files.protos).collect())
    }

    /// The replies to all questions; `None` if the server does not have this service.
    async fn ask(&self, questions: &[Question]) -> Result<Option<Vec<Reply>>, TriggerError> {
        let messages: Vec<Bytes> = questions
            .iter()
            .map(|question| question.encode_to_vec().into())
            .collect();
        let answer = Exchange {
            server: &self.call.server,
            tls: &self.call.tls,
            path: &format!("/{}/ServerReflectionInfo", self.service),
            headers: unsampled(metadata(self.call)),
            messages: &messages,
            limit: LIMIT,
        };
        let answer = answer.run(self.session).await?;
        if answer.code == GrpcCode::UNIMPLEMENTED {
            return Ok(None);
        }
        self.replies(&answer, questions.len()).map(Some)
    }

    fn replies(&self, answer: &Answer, asked: usize) -> Result<Vec<Reply>, TriggerError> {
        // A server that does not end its stream has answered nevertheless.
        let is_complete = answer.messages.len() >= asked;
        let is_over = answer.ending == GrpcEnding::Server;
        if answer.code != GrpcCode::OK && (is_over || !is_complete) {
            return Err(self.broken(format!("{}: {}", answer.code, answer.status_message)));
        }
        let replies = answer.messages.iter().map(|bytes| {
            let reply = Reply::decode(bytes.as_ref());
            reply.map_err(|error| self.broken(error.to_string()))
        });
        let replies: Vec<Reply> = replies.collect::<Result<_, _>>()?;
        let unexpected = replies.iter().filter_map(|reply| reply.error.as_ref());
        let not_found = 5;
        match unexpected.into_iter().find(|error| error.code != not_found) {
            Some(error) => Err(self.broken(error.message.clone())),
            None => Ok(replies),
        }
    }

    fn broken(&self, reason: String) -> TriggerError {
        TriggerError::Reflection {
            server: self.call.server.to_string(),
            reason,
        }
    }
}

/// Adds a trace context that asks the server to record nothing.
fn unsampled(mut headers: HeaderMap) -> HeaderMap {
    let context = TraceContext {
        sampled: false,
        ..TraceContext::random()
    };
    let value = HeaderValue::try_from(context.traceparent());
    headers.insert("traceparent", value.expect("hex digits and dashes"));
    headers
}
