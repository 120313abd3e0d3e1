//! Schemas of Protocol Buffers: descriptors, and messages as JSON.
//!
//! `spec` reads schemas from files, `trigger` from the reflection service of a server. `no_proto.rs`
//! replaces this module without the feature `grpc`.

mod details;
mod files;
mod message;
mod misfit;
mod problem;
mod schema;

pub(crate) use details::{Detail, details};
pub(crate) use message::{decode, encode};
pub(crate) use problem::{Misfit, PathStep, SchemaError, UnknownMethod};
pub(crate) use schema::{Method, Schema};
