use spanspec::prelude::*;

fn test(trace: Trace) {
    assert_trace!(trace);
}

fn main() {}
