//! Replaces `proto/` without the feature `grpc`: schemas do not exist.

#[path = "proto/problem.rs"]
mod problem;

use std::convert::Infallible;
use std::path::{Path, PathBuf};

pub(crate) use problem::{Misfit, PathStep, SchemaError, UnknownMethod};

use crate::trace::Value;

/// A schema, which cannot exist.
#[derive(Clone, Debug)]
pub(crate) enum Schema {}

/// A method, which cannot exist.
pub(crate) enum Method {}

/// A message type, which cannot exist. Its field is private, so the code that handles it is reachable.
pub(crate) struct MessageType(Infallible);

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

    pub(crate) fn files(&self) -> &[PathBuf] {
        match *self {}
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
