//! The records that were received.
//!
//! Records of followed traces, and of traces that a link ties to them, are kept as raw bytes. All
//! others pass through a bounded buffer. How bytes arrive is left to `receiver` and `remote`.

mod closed;
mod decoder;
mod entry;
mod event;
mod handle;
mod losses;
mod presence;
mod recent;
mod registry;
mod request;
mod shared;
mod state;

pub(super) use decoder::{SpanDecoder, undecoded};
pub(super) use entry::RawRecord;
pub use event::StoreEvent;
pub use handle::Store;
pub(super) use losses::Lifetime;
pub(super) use shared::SharedState;
