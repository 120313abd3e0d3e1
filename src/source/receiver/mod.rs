//! An OTLP receiver: OTLP/gRPC and OTLP/HTTP on the same ports.
//!
//! Services export to a [`Receiver`], which fills a [`Store`](super::Store).
//!
//! ```
//! use spanspec::{Origin, Receiver, SpanId, TraceId};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let receiver = Receiver::builder().listen(["127.0.0.1:0".parse()?]).start().await?;
//! let sent = Origin::Injected(SpanId::random());
//! let mut follow = receiver.follow(TraceId::random(), sent);
//! println!("OTEL_EXPORTER_OTLP_ENDPOINT=http://{}", receiver.addresses()[0]);
//! assert!(follow.snapshot().trace.is_empty());
//! # Ok(())
//! # }
//! ```

mod body;
mod certificates;
mod coding;
mod connections;
mod cors;
mod export;
mod grpc;
mod handle;
mod hosts;
mod http;
mod incoming;
mod listener;
mod paths;
mod refusing;
mod remedy;
mod resets;
mod room;
mod routes;
#[cfg(all(test, feature = "tls"))]
mod tests;
#[cfg_attr(not(feature = "tls"), path = "no_tls.rs")]
mod tls;
mod token;
mod unread;
mod work;

#[cfg(feature = "run")]
pub(crate) use certificates::{ServerTls, TlsFiles, TlsProblem};
#[cfg(feature = "_fuzzing")]
pub(crate) use grpc::decoded_message;
pub use handle::{BindError, DEFAULT_ADDRESSES, Receiver, ReceiverBuilder};
#[cfg(feature = "run")]
pub(crate) use listener::Arrival;
#[cfg(feature = "run")]
pub(crate) use paths::other_protocol;
