//! Following a trace while its spans arrive.

use std::time::Instant;

use spanspec::internal::source::Follow;
use spanspec::{Origin, Receiver, SpanId, SpanKind, Store, Trace};

use crate::support::{
    PROTOBUF, ingest, linked, post, receiver, request, soon, span, trace_id, url,
};

fn follow(store: &Store, trace: u8) -> Follow {
    store.follow(trace_id(trace), Origin::Foreign)
}

fn names(trace: &Trace) -> Vec<&str> {
    trace
        .spans()
        .iter()
        .map(|span| span.name.as_str())
        .collect()
}

fn linked_names(trace: &Trace) -> Vec<Vec<&str>> {
    trace.linked().iter().map(names).collect()
}

#[tokio::test]
async fn each_arrival_wakes_the_follower() {
    let receiver = receiver().await;
    let mut follow = follow(receiver.store(), 7);
    assert!(follow.snapshot().trace.is_empty());
    for n in 1..=3 {
        let before = Instant::now();
        let body = request("shop", vec![span(7, n, &format!("span {n}"))]);
        post(&receiver, "/v1/traces", PROTOBUF, body).await;
        soon(follow.changed()).await;
        let snapshot = follow.snapshot();
        assert_eq!(snapshot.trace.len(), usize::from(n));
        assert!(snapshot.arrivals[usize::from(n) - 1] >= before);
        assert_eq!(snapshot.linked_arrival, None);
    }
}

#[tokio::test]
async fn a_change_before_the_wait_is_announced() {
    let store = Store::new();
    let mut follow = follow(&store, 1);
    ingest(&store, "shop", vec![span(1, 1, "early")]);
    soon(follow.changed()).await;
    // Only a snapshot resets the change.
    soon(follow.changed()).await;
    follow.snapshot();
    let again = tokio::time::timeout(std::time::Duration::ZERO, follow.changed()).await;
    assert!(again.is_err(), "nothing came since the snapshot");
}

#[tokio::test]
async fn spans_that_arrived_before_the_follow_are_in_the_first_snapshot() {
    let store = Store::new();
    ingest(
        &store,
        "shop",
        vec![span(1, 1, "ours"), span(2, 1, "theirs")],
    );
    assert_eq!(store.stats().unrelated["shop"], 2);
    let mut follow = follow(&store, 1);
    soon(follow.changed()).await;
    assert_eq!(names(&follow.snapshot().trace), ["ours"]);
    let stats = store.stats();
    assert_eq!((stats.unrelated["shop"], stats.related["shop"]), (1, 1));
}

#[test]
fn a_span_that_is_sent_again_counts_once() {
    let store = Store::new();
    let mut follow = follow(&store, 1);
    for _ in 0..3 {
        ingest(&store, "shop", vec![span(1, 1, "once")]);
    }
    let snapshot = follow.snapshot();
    assert_eq!((snapshot.trace.len(), snapshot.arrivals.len()), (1, 1));
}

#[tokio::test]
async fn a_span_that_is_sent_again_with_other_content_wakes_followers_and_replaces_the_first() {
    let store = Store::new();
    let mut follow = follow(&store, 1);
    let mut copy = span(1, 1, "begun");
    copy.end_time_unix_nano = 0;
    ingest(&store, "shop", vec![copy.clone()]);
    let first = follow.snapshot();
    copy.name = "ended".into();
    copy.end_time_unix_nano = 2_000;
    ingest(&store, "shop", vec![copy]);
    soon(follow.changed()).await;
    let second = follow.snapshot();
    assert_eq!(names(&first.trace), ["begun"]);
    assert_eq!(names(&second.trace), ["ended"]);
    assert!(second.arrivals[0] > first.arrivals[0]);
    let peeked = store.peek(trace_id(1), Origin::Foreign);
    assert_eq!(names(&peeked.trace), ["ended"]);
    assert_eq!(peeked.arrivals, second.arrivals);
}

#[test]
fn the_halves_of_a_call_under_one_id_are_two_spans() {
    let store = Store::new();
    let mut follow = follow(&store, 1);
    let half = |name: &str, kind: SpanKind| {
        let mut half = span(1, 1, name);
        half.kind = kind as i32;
        half
    };
    ingest(&store, "order", vec![half("GET /order", SpanKind::Server)]);
    ingest(&store, "front", vec![half("GET", SpanKind::Client)]);
    let snapshot = follow.snapshot();
    assert_eq!(names(&snapshot.trace), ["GET", "GET /order"]);
    assert_eq!(snapshot.trace.parent(1), Some(0));
    assert_eq!(snapshot.arrivals.len(), 2);
}

#[test]
fn arrivals_have_the_order_of_the_spans() {
    let store = Store::new();
    let mut follow = follow(&store, 1);
    let mut first = span(1, 1, "starts first");
    let mut second = span(1, 2, "starts second");
    (first.start_time_unix_nano, second.start_time_unix_nano) = (1, 2);
    ingest(&store, "shop", vec![second]);
    ingest(&store, "shop", vec![first]);
    let snapshot = follow.snapshot();
    assert_eq!(names(&snapshot.trace), ["starts first", "starts second"]);
    assert!(snapshot.arrivals[0] > snapshot.arrivals[1]);
}

#[test]
fn spans_of_one_service_share_their_resource() {
    let store = Store::new();
    let mut follow = follow(&store, 1);
    ingest(&store, "shop", vec![span(1, 1, "a"), span(1, 2, "b")]);
    follow.snapshot();
    ingest(&store, "shop", vec![span(1, 3, "c")]);
    let trace = follow.snapshot().trace;
    let [a, b, c] = trace.spans() else {
        panic!("{} spans", trace.len())
    };
    assert!(std::sync::Arc::ptr_eq(&a.resource, &b.resource));
    assert!(std::sync::Arc::ptr_eq(&a.resource, &c.resource));
}

/// Trace 1 is followed; trace 2 has a span without a link, and one with a link to trace 1.
#[test]
fn a_trace_that_links_to_ours_is_attached_whole_in_whatever_order_its_spans_come() {
    type Step = fn(&Store);
    let ours: Step = |store| ingest(store, "shop", vec![span(1, 1, "publish")]);
    let link: Step = |store| ingest(store, "mail", vec![linked(span(2, 1, "consume"), 1)]);
    let rest: Step = |store| ingest(store, "mail", vec![span(2, 2, "send")]);
    let orders: [[Step; 3]; 6] = [
        [ours, link, rest],
        [ours, rest, link],
        [link, ours, rest],
        [link, rest, ours],
        [rest, ours, link],
        [rest, link, ours],
    ];
    for (at, order) in orders.into_iter().enumerate() {
        for followed_from in 0..=3 {
            let store = Store::new();
            order[..followed_from].iter().for_each(|step| step(&store));
            let mut follow = follow(&store, 1);
            follow.snapshot();
            order[followed_from..].iter().for_each(|step| step(&store));
            let snapshot = follow.snapshot();
            assert_eq!(names(&snapshot.trace), ["publish"]);
            let linked = linked_names(&snapshot.trace);
            assert_eq!(
                linked,
                [["consume", "send"]],
                "order {at}, from {followed_from}"
            );
            assert!(snapshot.linked_arrival.is_some());
        }
    }
}

#[test]
fn a_trace_that_ours_links_to_is_attached_in_whatever_order_it_comes() {
    for followed_from in 0..=2 {
        for theirs_first in [true, false] {
            let store = Store::new();
            let mut kept = None;
            for step in 0..=2 {
                if step == followed_from {
                    kept = Some(follow(&store, 1));
                }
                if step < 2 && (step == 0) == theirs_first {
                    ingest(&store, "mail", vec![span(2, 1, "cause")]);
                } else if step < 2 {
                    ingest(&store, "shop", vec![linked(span(1, 1, "effect"), 2)]);
                }
            }
            let trace = kept.unwrap().snapshot().trace;
            assert_eq!(
                linked_names(&trace),
                [["cause"]],
                "{followed_from} {theirs_first}"
            );
        }
    }
}

#[test]
fn both_ends_of_a_link_may_be_followed() {
    let store = Store::new();
    let mut ours = follow(&store, 1);
    ingest(&store, "shop", vec![span(1, 1, "publish")]);
    ingest(&store, "mail", vec![linked(span(2, 1, "consume"), 1)]);
    let mut theirs = follow(&store, 2);
    assert_eq!(linked_names(&theirs.snapshot().trace), [["publish"]]);
    drop(theirs);
    ingest(&store, "mail", vec![span(2, 2, "send")]);
    assert_eq!(linked_names(&ours.snapshot().trace), [["consume", "send"]]);
}

#[test]
fn links_of_linked_traces_lead_no_further() {
    let store = Store::new();
    let mut follow = follow(&store, 1);
    ingest(
        &store,
        "a",
        vec![span(1, 1, "one"), linked(span(2, 1, "two"), 1)],
    );
    ingest(&store, "b", vec![linked(span(3, 1, "three"), 2)]);
    assert_eq!(linked_names(&follow.snapshot().trace), [["two"]]);
}

#[tokio::test]
async fn a_span_of_a_linked_trace_wakes_the_follower() {
    let store = Store::new();
    let mut follow = follow(&store, 1);
    ingest(&store, "mail", vec![linked(span(2, 1, "consume"), 1)]);
    soon(follow.changed()).await;
    follow.snapshot();
    ingest(&store, "mail", vec![span(2, 2, "send")]);
    soon(follow.changed()).await;
    assert_eq!(
        linked_names(&follow.snapshot().trace),
        [["consume", "send"]]
    );
}

#[test]
fn spans_after_the_follow_are_late_and_not_unrelated() {
    let store = Store::new();
    let since = Instant::now();
    let mut watch = follow(&store, 1);
    ingest(&store, "shop", vec![span(1, 1, "in time")]);
    watch.snapshot();
    drop(watch);
    ingest(
        &store,
        "shop",
        vec![
            span(1, 1, "in time"),
            span(1, 2, "late"),
            span(1, 3, "late"),
        ],
    );
    let [late] = &store.late()[..] else {
        panic!("{:?}", store.late())
    };
    assert_eq!((late.trace_id, late.spans), (trace_id(1), 2));
    assert!(late.by > std::time::Duration::ZERO);
    assert!(store.unrelated(since).is_empty());
    assert_eq!(
        names(&follow(&store, 1).snapshot().trace).len(),
        3,
        "remembered all the same"
    );
}

#[test]
fn a_trace_has_two_followers_and_neither_ends_the_watch_of_the_other() {
    let store = Store::new();
    let (mut a, b) = (follow(&store, 1), follow(&store, 1));
    drop(b);
    ingest(&store, "shop", vec![span(1, 1, "for a")]);
    assert_eq!(names(&a.snapshot().trace), ["for a"]);
    assert!(store.late().is_empty());
}

#[test]
fn unrelated_traces_are_those_that_were_never_followed() {
    let store = Store::new();
    let _ours = follow(&store, 1);
    ingest(&store, "old", vec![span(9, 1, "before")]);
    let since = Instant::now();
    let mut root = span(3, 1, "GET /stock");
    root.kind = 2;
    ingest(&store, "inventory", vec![span(1, 1, "ours"), root]);
    ingest(&store, "mail", vec![linked(span(2, 1, "consume"), 1)]);
    let strangers = store.unrelated(since);
    let [lost] = &strangers[..] else {
        panic!("{} traces", strangers.len())
    };
    assert_eq!(lost.spans()[0].kind, SpanKind::Server);
    assert_eq!(
        (lost.spans()[0].service(), lost.roots()),
        ("inventory", &[0][..])
    );
}

#[test]
fn recent_requests_discard_the_oldest_and_no_followed_span() {
    let store = Store::new();
    let mut watch = follow(&store, 1);
    ingest(&store, "shop", vec![span(1, 1, "ours")]);
    ingest(&store, "shop", vec![span(2, 1, "forgotten")]);
    let bulky = "x".repeat(1 << 20);
    for n in 3..30 {
        ingest(&store, "shop", vec![span(n, 1, &bulky)]);
    }
    assert_eq!(names(&watch.snapshot().trace), ["ours"]);
    assert!(follow(&store, 2).snapshot().trace.is_empty());
    assert_eq!(follow(&store, 29).snapshot().trace.len(), 1);
}

#[test]
fn the_origin_tells_roots_from_orphans() {
    let store = Store::new();
    let parent = SpanId::from_bytes([9; 8]).unwrap();
    let mut child = span(1, 1, "GET /");
    child.parent_span_id = vec![9; 8];
    ingest(&store, "shop", vec![child]);
    let mut ours = store.follow(trace_id(1), Origin::Injected(parent));
    assert_eq!(ours.snapshot().trace.orphans().count(), 0);
    assert_eq!(follow(&store, 1).snapshot().trace.orphans().count(), 1);
}

#[tokio::test]
async fn dropping_the_receiver_ends_connections_and_frees_its_ports() {
    let receiver = receiver().await;
    let mut follow = follow(receiver.store(), 1);
    let address = receiver.addresses()[0];
    let client = reqwest::Client::new();
    let health = url(&receiver, "/health");
    soon(client.get(&health).send())
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let mut idle = tokio::net::TcpStream::connect(address).await.unwrap();
    drop(receiver);

    let mut byte = [0];
    let end = soon(tokio::io::AsyncReadExt::read(&mut idle, &mut byte)).await;
    assert!(matches!(end, Ok(0) | Err(_)), "an idle connection ends");
    assert!(soon(client.get(&health).send()).await.is_err());
    let again = Receiver::builder().listen([address]).start().await.unwrap();
    assert_eq!(again.addresses(), [address]);
    assert!(
        follow.snapshot().trace.is_empty(),
        "a watch outlives its receiver"
    );
}

#[tokio::test]
async fn several_addresses_serve_the_same_store_and_a_taken_one_is_named() {
    let any = ([127, 0, 0, 1], 0).into();
    let receiver = Receiver::builder()
        .listen([any, any])
        .start()
        .await
        .unwrap();
    for (n, address) in (1..).zip(receiver.addresses()) {
        let request = reqwest::Client::new()
            .post(format!("http://{address}/v1/traces"))
            .header("content-type", PROTOBUF)
            .body(request("shop", vec![span(1, n, "span")]));
        assert_eq!(soon(request.send()).await.unwrap().status(), 200);
    }
    assert_eq!(follow(receiver.store(), 1).snapshot().trace.len(), 2);

    let taken = receiver.addresses()[1];
    let error = Receiver::builder()
        .listen([any, taken])
        .start()
        .await
        .unwrap_err();
    assert_eq!(error.addr, taken);
    assert_eq!(
        error.to_string(),
        format!("failed to bind the OTLP receiver to {taken}")
    );
}

#[tokio::test]
async fn a_store_that_remembers_all_has_a_whole_trace_later() {
    let store = Store::remembering(1 << 20);
    let first = follow(&store, 1);
    ingest(&store, "shop", vec![span(1, 1, "followed")]);
    drop(first);
    ingest(&store, "shop", vec![span(1, 2, "late")]);
    for _ in 0..2 {
        let snapshot = follow(&store, 1).snapshot();
        assert_eq!(names(&snapshot.trace), ["followed", "late"]);
    }
    assert_eq!(store.stats().related["shop"], 2);
}

#[tokio::test]
async fn peek_sees_the_same_without_following() {
    let store = Store::remembering(1 << 20);
    ingest(&store, "shop", vec![span(1, 1, "own")]);
    ingest(&store, "shop", vec![linked(span(2, 1, "consumer"), 1)]);
    let seen = store.peek(trace_id(1), Origin::Foreign);
    assert_eq!(names(&seen.trace), ["own"]);
    assert_eq!(linked_names(&seen.trace), [["consumer"]]);
    assert_eq!(seen.arrivals.len(), 1);
    assert!(seen.linked_arrival.is_some());
    let stats = store.stats();
    assert_eq!((stats.related.len(), stats.unrelated["shop"]), (0, 2));
    assert!(store.late().is_empty());
}

#[tokio::test]
async fn remembered_spans_have_a_bound_and_the_oldest_are_discarded_first() {
    let store = Store::remembering(10_000);
    for trace in 1..=100 {
        let name = "x".repeat(500);
        ingest(&store, "shop", vec![span(trace, 1, &name)]);
    }
    let is_there = |trace| {
        !store
            .peek(trace_id(trace), Origin::Foreign)
            .trace
            .is_empty()
    };
    assert!(!is_there(1) && is_there(100));
}
