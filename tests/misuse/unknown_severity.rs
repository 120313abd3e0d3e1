use spanspec::prelude::*;

fn test(trace: Trace) {
    assert_log!(trace, "card declined", severity: loud);
}

fn main() {}
