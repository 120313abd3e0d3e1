use spanspec::prelude::*;

fn test(trace: Trace) {
    assert_no_span!(trace, "ship", below service("order"));
}

fn main() {}
