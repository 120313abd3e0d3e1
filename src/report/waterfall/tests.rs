use super::super::look::Charset;
use super::super::sample::{assemble, failed, shop, span, span_id, trace_id};
use super::*;

fn mark(n: u64, text: &str) -> Mark {
    Mark {
        trace_id: trace_id(),
        span_id: span_id(n),
        text: text.to_owned(),
    }
}

#[test]
fn look_at_it() {
    let marks = [mark(5, "payment.method = \"paypal\"")];
    let mut spans = shop().spans().to_vec();
    spans.push(failed(
        span(7, 99, "notifier", "send mail", 600, 780),
        "no such mailbox",
    ));
    spans.push(span(8, 99, "notifier", "log", 610, 620));
    let t = assemble(spans);
    for w in [40, 60, 80, 120] {
        println!(
            "{}\n{}",
            "-".repeat(w),
            waterfall(&t, &marks, &Look::plain().with_width(w), 40)
        );
    }
    println!(
        "{}",
        waterfall(
            &t,
            &marks,
            &Look::plain().with_width(80).with_charset(Charset::Ascii),
            40
        )
    );
}
