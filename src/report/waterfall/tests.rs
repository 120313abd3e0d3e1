use snapbox::{assert_data_eq, str};

use super::super::look::{Charset, Colors, width};
use super::super::sample::{assemble, failed, shop, span, span_id, trace_id};
use super::*;
use crate::trace::Origin;

fn mark(n: u64, text: &str) -> Mark {
    Mark {
        trace_id: trace_id(),
        span_id: span_id(n),
        service: None,
        text: text.to_owned(),
    }
}

fn paypal() -> Vec<Mark> {
    vec![mark(5, "payment.method = \"paypal\"")]
}

fn drawn(trace: &Trace, marks: &[Mark], columns: usize) -> String {
    waterfall(
        trace,
        marks,
        Records::All,
        &Look::plain().with_width(columns),
        USUAL_ROWS,
    )
}

fn long(n: u64) -> Trace {
    let children =
        (2..n).map(|at| span(at, 1, "worker", &format!("job {at}"), at, at + 1 + at % 7));
    assemble(std::iter::once(span(1, 0, "queue", "drain", 0, n)).chain(children))
}

fn deep(n: u64) -> Trace {
    assemble((1..=n).map(|at| {
        span(
            at,
            at - 1,
            "recursion",
            &format!("level {at}"),
            at,
            3 * n - at,
        )
    }))
}

fn named<'a>(text: &'a str, name: &str) -> &'a str {
    text.lines().find(|line| line.contains(name)).unwrap()
}

#[test]
fn a_trace_is_drawn_as_a_tree_of_bars_with_its_marks() {
    assert_data_eq!(
        drawn(&shop(), &paypal(), 100),
        str![[r#"
gateway    POST /orders         ████████████████████████████████ 801 ms
order        POST /orders       ▐██████████████████████████████▌ 776 ms
order          reserve_stock    ▐██▋                              71 ms
inventory        SELECT stock    ██▍                              53 ms
payment        process_payment       ▐████████████████           412 ms  ← payment.method = "paypal"
order          INSERT orders                          ▌            1 ms

"#]]
    );
}

#[test]
fn on_a_narrow_terminal_bars_shrink_and_marks_are_below_their_span() {
    let mut spans = shop().spans().to_vec();
    spans.push(failed(
        span(7, 2, "notifier", "send a mail to the customer", 600, 780),
        "no such mailbox",
    ));
    assert_data_eq!(
        drawn(&assemble(spans), &paypal(), 60),
        str![[r#"
gateway    POST /orders              ████████████████ 801 ms
order        POST /orders            ███████████████▊ 776 ms
order          reserve_stock         ▐▉                71 ms
inventory        SELECT stock        ▐▋                53 ms
payment        process_payment         ▐████████      412 ms
               ↑ payment.method = "paypal"
order          INSERT orders                    ▎       1 ms
notifier       send a mail to the…               ███▋ 180 ms
               ✗ no such mailbox

"#]]
    );
}

#[test]
fn ascii_shows_the_same() {
    let look = Look::plain().with_width(80).with_charset(Charset::Ascii);
    assert_data_eq!(
        waterfall(&shop(), &paypal(), Records::All, &look, USUAL_ROWS),
        str![[r#"
gateway    POST /orders         ######################################### 801 ms
order        POST /orders        #######################################  776 ms
order          reserve_stock     ####                                      71 ms
inventory        SELECT stock     ##                                       53 ms
payment        process_payment         #####################              412 ms
               ^ payment.method = "paypal"
order          INSERT orders                                |               1 ms

"#]]
    );
}

#[test]
fn orphans_of_the_same_parent_are_grouped() {
    let trace = assemble([
        span(1, 0, "gateway", "GET /", 0, 10),
        span(2, 9, "mailer", "render", 1, 4),
        span(3, 8, "stock", "reserve", 2, 5),
        span(4, 9, "mailer", "send", 4, 9),
    ]);
    assert_data_eq!(
        drawn(&trace, &[], 60),
        str![[r#"
gateway  GET /      ██████████████████████████████████ 10 ms
         ? missing parent 00f067aa00000009
mailer     render      ▐█████████▋                      3 ms
mailer     send                  ▐████████████████▋     5 ms
         ? missing parent 00f067aa00000008
stock      reserve        ▐██████████                   3 ms

"#]]
    );
}

#[test]
fn linked_traces_follow_with_their_distance_in_time() {
    let other: TraceId = "5bf92f3577b34da6a3ce929d0e0e4736".parse().unwrap();
    let consumer = |n, parent, name| Span {
        trace_id: other,
        ..span(n, parent, "mailer", name, 900, 1_000)
    };
    let spans = [
        consumer(9, 0, "process order.created"),
        consumer(10, 9, "send"),
    ];
    let linked = Trace::assemble(other, Origin::Injected(span_id(0)), spans);
    let marks = [Mark {
        trace_id: other,
        span_id: span_id(10),
        service: None,
        text: "no link".to_owned(),
    }];
    assert_data_eq!(
        drawn(&shop().with_linked(vec![linked]), &marks, 100),
        str![[r#"
gateway    POST /orders           ████████████████████████████████████████████████ 801 ms
order        POST /orders         ▐██████████████████████████████████████████████▎ 776 ms
order          reserve_stock       ████▌                                            71 ms
inventory        SELECT stock      ▕███                                             53 ms
payment        process_payment            ▐████████████████████████▏               412 ms
order          INSERT orders                                       ▐                 1 ms
⤷ linked trace 5bf92f3577b34da6a3ce929d0e0e4736, 2 spans, starts 900 ms later
mailer     process order.created  ████████████████████████████████████████████████ 100 ms
mailer       send                 ████████████████████████████████████████████████ 100 ms  ← no link

"#]]
    );
}

#[test]
fn a_long_trace_shows_important_spans_and_counts_the_others() {
    let marks = [mark(4_000, "late")];
    assert_data_eq!(
        drawn(&long(5_000), &marks, 80),
        str![[r#"
queue   drain       ███████████████████████████████████████████████  5 s
worker    job 6     ▏                                               7 ms
worker    job 13    ▎                                               7 ms
worker    job 20    ▍                                               7 ms
worker    job 27    ▍                                               7 ms
worker    job 34    ▌                                               7 ms
worker    job 41    ▌                                               7 ms
worker    job 48    ▐                                               7 ms
worker    job 4000                                       ▐          4 ms  ← late
          … 4,990 more spans

"#]]
    );
}

#[test]
fn marks_that_do_not_fit_are_counted() {
    let marks: Vec<Mark> = (2..200).map(|n| mark(n, "")).collect();
    let text = drawn(&long(200), &marks, 80);
    assert!(
        text.contains("… 158 more spans, 158 of them marked"),
        "{text}"
    );
}

#[test]
fn spans_between_two_spans_of_a_deep_tree_are_counted() {
    assert_data_eq!(
        drawn(&deep(5_000), &[mark(4_000, "here")], 80),
        str![[r#"
recursion  level 1           ██████████████████████████████████████ 15 s
             … 3,997 spans in between
recursion      level 3999              █████████████████▉            7 s
recursion        level 4000            █████████████████▉            7 s  ← here
                 … 1,000 more spans

"#]]
    );
}

#[test]
fn a_tree_of_thirty_levels_leaves_room_for_names_and_bars() {
    let text = drawn(&deep(30), &[], 60);
    assert!(named(&text, "level 30").contains("+17 level 30"), "{text}");
    assert!(text.lines().all(|line| width(line) <= 60), "{text}");
}

#[test]
fn clocks_that_disagree_do_not_break_the_scale() {
    let mut spans = shop().spans().to_vec();
    spans[3].start -= 500_000_000;
    spans[3].end -= 500_000_000;
    spans[5].start = 0;
    spans[5].end = 1_000;
    assert_data_eq!(
        drawn(&assemble(spans), &[], 80),
        str![[r#"
gateway    POST /orders                        ██████████████████████████ 801 ms
order        POST /orders                      ▐████████████████████████▋ 776 ms
order          INSERT orders    ◂                                           1 µs
order          reserve_stock                   ▐██▏                        71 ms
inventory        SELECT stock   █▊                                         53 ms
payment        process_payment                     ▐█████████████         412 ms

"#]]
    );
}

#[test]
fn lines_keep_to_the_width_without_trailing_spaces_or_control_characters() {
    let spans = [
        span(
            1,
            0,
            "ゲートウェイ",
            "POST /注文/確定する/支払い/配送",
            0,
            100,
        ),
        span(2, 1, "a 🛒 service", "emoji 🛒🛒🛒🛒🛒🛒🛒🛒🛒🛒", 10, 50),
        failed(
            span(3, 2, "evil\u{1b}[31m", "a\nb\u{202e}", 10, 20),
            "one\r\ntwo\u{7}",
        ),
        span(4, 9, "lost", &"long ".repeat(200), 5, 6),
    ];
    let trace = assemble(spans);
    let marks = [
        mark(2, "注文 = \"確定する\", and a lot of other words beside it"),
        mark(3, "\u{9b}x"),
    ];
    for columns in (30..140).step_by(3) {
        for charset in [Charset::Unicode, Charset::Ascii] {
            let look = Look::plain().with_width(columns).with_charset(charset);
            for line in waterfall(&trace, &marks, Records::All, &look, USUAL_ROWS).lines() {
                assert!(width(line) <= columns, "{columns}: {line}");
                assert!(
                    !line.ends_with(' ') && !line.chars().any(char::is_control),
                    "{line:?}"
                );
            }
        }
    }
}

#[test]
fn colours_add_nothing_to_the_text() {
    let look = Look::plain().with_colors(Colors::Ansi);
    let colored = waterfall(&shop(), &paypal(), Records::All, &look, USUAL_ROWS);
    assert!(colored.contains("\u{1b}["));
    assert_eq!(
        super::super::sample::bare(&colored),
        drawn(&shop(), &paypal(), 100)
    );
}

#[test]
fn an_error_that_equals_a_mark_is_shown_once() {
    let trace = assemble([failed(
        span(1, 0, "payment", "charge", 0, 10),
        "card declined",
    )]);
    let text = drawn(&trace, &[mark(1, "status error: card declined")], 100);
    assert!(
        text.ends_with("10 ms  ✗  ← status error: card declined\n"),
        "{text}"
    );
}

#[test]
fn a_trace_without_spans_is_empty() {
    assert_eq!(drawn(&assemble([]), &[], 80), "");
}

#[test]
fn a_hundred_thousand_spans_fit_on_a_screen() {
    for trace in [long(100_000), deep(100_000)] {
        let marks: Vec<Mark> = (1..1_000).map(|n| mark(n * 90, "marked")).collect();
        let text = drawn(&trace, &marks, 80);
        assert!(text.lines().count() < 250, "{}", text.lines().count());
    }
}

#[test]
fn all_spans_are_shown_on_request() {
    let text = waterfall(&deep(3_000), &[], Records::All, &Look::plain(), usize::MAX);
    assert_eq!(text.lines().count(), 3_000);
}

#[test]
fn a_mark_belongs_to_one_service_of_a_shared_id() {
    let half = |service, name, start, end| span(2, 1, service, name, start, end);
    let trace = assemble([
        span(1, 0, "front", "GET /go", 0, 20),
        half("front", "GET", 1, 18),
        half("order", "GET /order", 2, 15),
    ]);
    let marks = [Mark {
        service: Some("order".to_owned()),
        ..mark(2, "boom")
    }];
    let drawn = drawn(&trace, &marks, 80);
    let marked: Vec<&str> = drawn.lines().filter(|line| line.contains("boom")).collect();
    assert_eq!(marked.len(), 1, "{drawn}");
    assert!(marked[0].contains("GET /order"), "{drawn}");
}
