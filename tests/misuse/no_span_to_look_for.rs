use spanspec::prelude::*;

fn test(trace: Trace) {
    assert_span!(trace);
}

fn main() {}
