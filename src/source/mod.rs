//! Where spans come from.

#[cfg(feature = "opentelemetry_0_33")]
pub mod opentelemetry_0_33;
pub mod otlp;
pub mod receiver;

pub use receiver::{Receiver, Store};
