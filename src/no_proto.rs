//! Replaces `proto/` without the feature `grpc`: schemas do not exist.

use std::convert::Infallible;
use std::path::{Path, PathBuf};

use crate::trace::Value;

/// A schema, which cannot exist.
#[derive(Clone, Debug)]
pub(crate) enum Schema {}

/// A method, which cannot exist.
pub(crate) enum Method {}

/// A message type, which cannot exist. Its field is private, so the code that handles it is reachable.
pub(crate) struct MessageType(Infallible);

/// The reason why there is no schema, and help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SchemaError {
    pub(crate) what: String,
    pub(crate) help: &'static str,
}

/// The reason why a schema has no such method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum UnknownMethod {
    Service(Vec<String>),
    Method(Vec<String>),
}

/// A part of a JSON value that does not fit a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Misfit {
    pub(crate) path: Vec<PathStep>,
    pub(crate) is_key: bool,
    pub(crate) what: String,
    pub(crate) unknown: Option<String>,
    pub(crate) known: Vec<String>,
}

/// A step from a value to a part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PathStep {
    Key(String),
    Item(usize),
}

fn no_grpc() -> SchemaError {
    SchemaError {
        what: "this build of spanspec has no gRPC".to_owned(),
        help: "add the feature `grpc` of spanspec in Cargo.toml",
    }
}

impl Schema {
    pub(crate) fn of_protos(_: &[PathBuf], _: &[PathBuf]) -> Result<Self, SchemaError> {
        Err(no_grpc())
    }

    pub(crate) fn of_descriptors(_: &Path) -> Result<Self, SchemaError> {
        Err(no_grpc())
    }

    pub(crate) fn method(&self, _: &str, _: &str) -> Result<Method, UnknownMethod> {
        match *self {}
    }
}

impl Method {
    pub(crate) fn input(&self) -> MessageType {
        match *self {}
    }

    pub(crate) fn takes_stream(&self) -> bool {
        match *self {}
    }
}

pub(crate) fn encode(of: &MessageType, _: &Value) -> Result<bytes::Bytes, Misfit> {
    match of.0 {}
}
