//! The items that a test file usually needs: `use spanspec::prelude::*;`.

pub use crate::harness::{
    LogPattern, Severity, SpanPattern, absent, any_log, any_span, contains, exists, log, ms, not,
    regex, secs, service, span,
};
pub use crate::source::Receiver;
pub use crate::spec::SpanType;
pub use crate::trace::{SpanKind, StatusCode, Trace};
pub use crate::{assert_log, assert_no_log, assert_no_span, assert_span, assert_trace};
