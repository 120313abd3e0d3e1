//! The records that were received.
//!
//! Spans and log records of followed traces, and of traces that a link ties to them, are kept as raw
//! bytes; log records within a bound. Other spans and log records pass through bounded buffers. Metrics
//! are kept as series if a spec needs them. How bytes arrive is left to `receiver` and `remote`.

mod closed;
mod decoder;
mod entry;
mod event;
mod grouped;
mod handle;
mod limit;
mod losses;
#[cfg(feature = "run")]
mod metric_feed;
mod metrics;
mod presence;
mod recent;
mod registry;
mod request;
mod shared;
mod state;
#[cfg(feature = "run")]
mod traffic;
mod uncorrelated;

#[cfg(feature = "run")]
pub(super) use decoder::is_printed;
pub(super) use decoder::{DecodedLogs, RecordDecoder, undecoded};
pub(super) use entry::RawRecord;
pub use event::StoreEvent;
pub use handle::Store;
pub(super) use losses::Lifetime;
#[cfg(feature = "run")]
pub(crate) use metric_feed::MetricArrival;
pub(super) use shared::SharedState;
#[cfg(feature = "run")]
pub(crate) use traffic::MOST_BYTES;
#[cfg(feature = "run")]
pub use traffic::TrafficInterest;
#[cfg(feature = "run")]
pub(super) use traffic::TrafficRecorder;

#[cfg(test)]
mod tests;
