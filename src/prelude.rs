//! The items that a test file usually needs: `use spanspec::prelude::*;`.

pub use crate::harness::{
    SpanPattern, absent, any_span, contains, exists, ms, not, regex, secs, service, span,
};
pub use crate::source::Receiver;
pub use crate::spec::SpanType;
pub use crate::trace::{SpanKind, StatusCode, Trace};
pub use crate::{assert_no_span, assert_span, assert_trace};
