//! Where spans come from.

pub mod otlp;
pub mod receiver;

pub use receiver::Receiver;
