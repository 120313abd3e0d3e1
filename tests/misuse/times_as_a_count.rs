use spanspec::prelude::*;

fn holds(trace: &Trace) {
    assert_span!(trace, "ship", times: 2);
}

fn main() {}
