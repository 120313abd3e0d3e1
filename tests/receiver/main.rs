//! The receiver as exporters and tests see it: real sockets, real requests.

mod fixtures;
mod follow;
mod grpc;
mod holes;
mod hostile;
mod http;
mod lenient;
#[path = "../support/raw_codec.rs"]
mod raw_codec;
mod support;
