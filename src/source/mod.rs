//! Sources of spans.
//!
//! The contract is in this folder: a [`TraceSource`] follows traces, a [`Follow`] yields
//! [`Snapshot`]s, and [`SourceDiagnostics`] explain why a trace is missing. `otlp` reads and writes
//! bytes, `store` keeps records, `receiver` listens for OTLP, `remote` reads from a receiver in another
//! process, and `backend` from a tracing backend. `scrape` reads metrics that services expose. `saved` reads files; `zipkin_json` and
//! `jaeger_json` read the formats of Zipkin and of Jaeger before OTLP. Judging when a trace is complete is left to `step`.

#[cfg(feature = "run")]
pub(crate) mod backend;
mod contract;
mod diagnostics;
mod follow;
#[cfg(feature = "run")]
mod gone;
#[cfg(feature = "run")]
pub(crate) mod jaeger_json;
mod metric_watch;
#[cfg(feature = "opentelemetry_0_33")]
pub mod opentelemetry_0_33;
pub mod otlp;
#[cfg(feature = "run")]
mod parcel;
mod poll_state;
pub mod receiver;
#[cfg(feature = "run")]
pub mod remote;
#[cfg(feature = "run")]
pub(crate) mod saved;
#[cfg(feature = "run")]
mod scrape;
mod search;
mod snapshot;
mod stats;
mod store;
#[cfg(feature = "run")]
mod text_log;
#[cfg(feature = "run")]
mod traffic_watch;
#[cfg(feature = "run")]
mod windows;
#[cfg(feature = "run")]
mod zipkin_json;

#[cfg(feature = "run")]
pub use backend::SourceSettings;
pub use contract::{BackendFacts, TraceSource};
pub use diagnostics::{LateTrace, SourceDiagnostics};
pub use follow::Follow;
#[cfg(feature = "run")]
pub(crate) use follow::{FollowMark, LateKind, LateRecord};
pub use metric_watch::MetricWatch;
#[cfg(feature = "run")]
pub(crate) use otlp::Signal;
pub use receiver::Receiver;
#[cfg(feature = "run")]
pub use remote::{Connection, connect};
#[cfg(feature = "run")]
pub use scrape::ScrapeTarget;
#[cfg(feature = "run")]
pub(crate) use scrape::Scraper;
#[cfg(feature = "cli")]
pub(crate) use scrape::expose;
pub use search::{SearchError, SearchQuery};
pub use snapshot::{Passage, Snapshot};
pub use stats::{ReceiverStats, Refusal};
#[cfg(feature = "run")]
pub(crate) use store::MetricArrival;
#[cfg(feature = "run")]
pub(crate) use store::TrafficInterest;
pub use store::{Store, StoreEvent};
#[cfg(feature = "run")]
pub(crate) use text_log::TextLog;
#[cfg(feature = "run")]
pub(crate) use traffic_watch::TrafficWatch;
#[cfg(feature = "run")]
pub(crate) use windows::TraceSearch;
