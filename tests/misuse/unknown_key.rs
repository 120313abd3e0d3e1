use spanspec::prelude::*;

fn test(trace: Trace) {
    assert_span!(trace, "process_payment", belw: service("order"));
}

fn main() {}
