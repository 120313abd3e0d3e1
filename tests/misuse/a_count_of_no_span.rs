use spanspec::prelude::*;

fn test(trace: Trace) {
    assert_no_span!(trace, "ship", count: 2);
}

fn main() {}
