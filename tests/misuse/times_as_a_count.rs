use spanspec::prelude::*;

fn test(trace: Trace) {
    assert_span!(trace, "ship", times: 2);
}

fn main() {}
