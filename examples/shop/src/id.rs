//! Unique ids such as `ord-5f3c…`.

use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};

/// A new id with this prefix.
pub(crate) fn fresh(prefix: &str) -> String {
    format!("{prefix}-{}", RandomIdGenerator::default().new_span_id())
}
