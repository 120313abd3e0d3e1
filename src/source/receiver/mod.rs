//! An OTLP receiver to have in a test: services export to it, the test follows its traces.
//!
//! Three layers: [`Receiver`] is what one holds, [`Store`] is what it remembers, and the rest is
//! how bytes arrive (OTLP/gRPC and OTLP/HTTP on the same ports). When a trace is complete is
//! decided elsewhere.
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
mod census;
mod coding;
mod cors;
mod decoder;
mod export;
mod finished;
mod follow;
mod grpc;
mod handle;
mod http;
mod kept;
mod listener;
mod lost;
mod news;
mod paths;
mod presence;
mod remedy;
mod ring;
mod routes;
mod shelves;
mod store;

pub use census::{Carried, Census, DroppedAttribute, Refusal, Rejection};
pub use finished::Late;
pub use follow::{Follow, Snapshot};
#[cfg(feature = "run")]
pub(crate) use follow::{LateSpan, Mark, Parcel};
pub use handle::{BindError, Builder, DEFAULT_ADDRESSES, Receiver};
#[cfg(feature = "run")]
pub(crate) use listener::Arrival;
pub use news::News;
pub use store::Store;
