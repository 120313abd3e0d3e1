//! Symbols of enums.

use std::ops::Range;

use crate::sampling::ottl::lexer::invalid;
use crate::sampling::ottl::problem::Problem;
use crate::trace::{SpanKind, StatusCode};
use crate::yaml::did_you_mean;

/// The number of an enum's symbol.
pub(super) fn constant(name: &str) -> Option<i64> {
    let nth = |at: usize| i64::try_from(at).ok();
    if let Some(kind) = name.strip_prefix("SPAN_KIND_") {
        let mut kinds = SpanKind::ALL.iter();
        return kinds
            .position(|known| known.as_str().to_ascii_uppercase() == kind)
            .and_then(nth);
    }
    let code = name.strip_prefix("STATUS_CODE_")?;
    let mut codes = StatusCode::ALL.iter();
    codes
        .position(|known| known.as_str().to_ascii_uppercase() == code)
        .and_then(nth)
}

pub(super) fn unknown_constant(name: &str, at: Range<usize>) -> Problem {
    const KNOWN: [&str; 9] = [
        "SPAN_KIND_UNSPECIFIED",
        "SPAN_KIND_INTERNAL",
        "SPAN_KIND_SERVER",
        "SPAN_KIND_CLIENT",
        "SPAN_KIND_PRODUCER",
        "SPAN_KIND_CONSUMER",
        "STATUS_CODE_UNSET",
        "STATUS_CODE_OK",
        "STATUS_CODE_ERROR",
    ];
    Problem {
        help: did_you_mean(name, &KNOWN),
        ..invalid(at, format!("no constant `{name}`"))
    }
}
