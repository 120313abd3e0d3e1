use spanspec::prelude::*;

fn test(trace: Trace) {
    assert_span!(trace, "process_payment", count: 1.5);
}

fn main() {}
