//! Spans of a trace, picked by what they are like.

use super::assertion::SpanAssertion;
use super::pattern::{SpanPattern, nowhere};
use crate::check;
use crate::trace::{Span, Trace};

impl Trace {
    /// The spans that are like this, by start time: for assertions that macros have no words for.
    ///
    /// ```
    /// use spanspec::prelude::*;
    /// use spanspec::{Origin, Span, SpanId, TraceId};
    ///
    /// let id = TraceId::random();
    /// let spans = ["SELECT stock", "UPDATE stock"].map(|name| Span::new(id, SpanId::random(), name));
    /// let trace = Trace::assemble(id, Origin::Foreign, spans);
    ///
    /// assert_eq!(trace.select(regex("stock$")).len(), 2);
    /// assert_eq!(trace.select("SELECT stock")[0].name, "SELECT stock");
    /// ```
    ///
    /// # Panics
    /// If no span can meet the pattern.
    #[must_use]
    #[track_caller]
    pub fn select(&self, pattern: impl Into<SpanPattern>) -> Vec<&Span> {
        let pattern = pattern.into().outermost();
        check::select(&pattern.selector(&nowhere()), self)
    }

    /// The only span that is like this.
    ///
    /// # Panics
    /// If there is none, or more than one: with what comes nearest, and with the trace.
    #[must_use]
    #[track_caller]
    pub fn only(&self, pattern: impl Into<SpanPattern>) -> &Span {
        let pattern: SpanPattern = pattern.into().outermost();
        let selector = pattern.clone().selector(&nowhere());
        if let [only] = check::select(&selector, self).as_slice() {
            return only;
        }
        let caller = std::panic::Location::caller();
        let caller = (caller.file(), caller.line(), caller.column());
        let find = (pattern, selector.to_string());
        let mut assertion = SpanAssertion::new("only", caller, (self, "trace"), (find.0, &find.1));
        assertion.count("1", 1);
        assertion.each_holds();
        unreachable!("one span is what was asked for, and it was not one")
    }
}
