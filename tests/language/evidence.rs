//! Spans that say less than a check needs: sent too early, or cut by the limits of an SDK.

use spanspec::check::{Evidence, Finality, judge};
use spanspec::trace::{Response, Span, Status, StatusCode, Trace};

use super::{expect, http, span, trace};

/// True if no further span can change any of the outcomes.
fn is_final(text: &str, trace: &Trace) -> bool {
    let response = Response::Http(http());
    let judged = judge(&expect(text), &Evidence::new(&response, Some(trace), true));
    judged.iter().all(|one| one.finality == Finality::Final)
}

/// `charge` with status error, as it was exported before or after its end.
fn charge(end: u64) -> Trace {
    let failed = Status {
        code: StatusCode::Error,
        message: String::new(),
    };
    trace([Span {
        status: failed,
        end,
        ..span(1, 0, "order", "charge", 10, 20)
    }])
}

#[test]
fn nothing_is_final_while_a_span_has_not_ended_for_it_comes_again() {
    for text in [
        "  errors: 0\n",
        "  spans: [charge]\n",
        "  spans:\n    - find: charge\n      count: 0\n",
    ] {
        assert!(is_final(text, &charge(20)), "{text}");
        assert!(!is_final(text, &charge(0)), "{text}");
    }
    assert!(is_final("  status: 200\n", &charge(0)));
}
