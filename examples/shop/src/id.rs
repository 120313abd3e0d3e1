//! Names for new things: `ord-5f3c…`.

use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};

/// A name that nothing else has.
pub(crate) fn fresh(prefix: &str) -> String {
    format!("{prefix}-{}", RandomIdGenerator::default().new_span_id())
}
