use spanspec::prelude::*;

fn test(trace: Trace) {
    assert_span!(trace, "process_payment", duration: ms(600));
}

fn main() {}
