//! Where spans come from.

pub mod otlp;
