//! Schemas of Protocol Buffers: descriptors, and messages as JSON.
//!
//! `spec` reads schemas from files, `trigger` from the reflection service of a server. `no_proto.rs`
//! replaces this module without the feature `grpc`.

mod details;
mod files;
mod message;
mod misfit;
mod schema;

pub(crate) use details::{Detail, details};
pub(crate) use files::SchemaError;
pub(crate) use message::{decode, encode};
pub(crate) use misfit::{Misfit, PathStep};
pub(crate) use schema::{Method, Schema, UnknownMethod};
