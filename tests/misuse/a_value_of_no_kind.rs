use spanspec::prelude::*;

fn test(trace: Trace) {
    assert_span!(trace, "process_payment", attributes: { "payment.method" => Some("card") });
}

fn main() {}
