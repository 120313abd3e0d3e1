use spanspec::prelude::*;

fn holds(trace: &Trace) {
    assert_no_span!(trace, "ship", count: 2);
}

fn main() {}
