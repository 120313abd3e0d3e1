//! The receiver as exporters and tests see it: real sockets, real requests.

mod fixtures;
mod follow;
mod grpc;
mod holes;
mod hostile;
mod http;
mod lenient;
mod support;
