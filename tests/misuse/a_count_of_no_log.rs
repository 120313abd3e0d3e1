use spanspec::prelude::*;

fn test(trace: Trace) {
    assert_no_log!(trace, "card declined", count: 2);
}

fn main() {}
