//! What a store keeps of large requests, within its limits.

use std::time::Instant;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::span::Link;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message as _;

use super::limit::Limits;
use super::state::{PORTION, StoreState};
use super::{Store, StoreEvent};
use crate::source::Follow;
use crate::trace::{Hole, Origin, Sender, TraceId};

fn trace(number: u64) -> TraceId {
    TraceId::from_bytes((u128::from(number) + 1).to_be_bytes()).unwrap()
}

fn span(of: u64, number: u64) -> Span {
    Span {
        trace_id: trace(of).as_bytes().to_vec(),
        span_id: (number + 1).to_be_bytes().to_vec(),
        name: format!("{number}"),
        ..Span::default()
    }
}

fn linked(mut span: Span, to: u64) -> Span {
    span.links.push(Link {
        trace_id: trace(to).as_bytes().to_vec(),
        span_id: vec![1; 8],
        ..Link::default()
    });
    span
}

fn request(spans: impl IntoIterator<Item = Span>) -> Vec<u8> {
    let scope = ScopeSpans {
        spans: spans.into_iter().collect(),
        ..ScopeSpans::default()
    };
    let resource = ResourceSpans {
        scope_spans: vec![scope],
        ..ResourceSpans::default()
    };
    let request = ExportTraceServiceRequest {
        resource_spans: vec![resource],
    };
    request.encode_to_vec()
}

fn ingest(store: &Store, spans: impl IntoIterator<Item = Span>) {
    store.ingest(&request(spans)).unwrap();
}

fn follow(store: &Store, number: u64) -> Follow {
    store.follow(trace(number), Origin::Foreign)
}

fn reasons(holes: &[Hole]) -> Vec<&str> {
    holes.iter().map(|hole| hole.reason.as_str()).collect()
}

fn limited(change: impl FnOnce(&mut Limits)) -> Store {
    let mut limits = Limits::default();
    change(&mut limits);
    Store::limited(limits)
}

#[test]
fn a_request_of_several_portions_is_kept_whole_and_in_order() {
    let store = Store::new();
    let mut all = follow(&store, 1);
    let number = 2 * PORTION as u64 + 100;
    // Every tenth one is of another trace.
    let spans = |number: u64| (0..number).map(|at| span(u64::from(at % 10 > 0), at));
    ingest(&store, spans(number));
    let names = |follow: &mut Follow| -> Vec<u64> {
        let trace = follow.snapshot().trace;
        let names = trace.spans().iter().map(|span| span.name.parse().unwrap());
        names.collect()
    };
    let expected: Vec<u64> = (0..number).filter(|at| at % 10 > 0).collect();
    assert_eq!(names(&mut all), expected);
    let mut other = follow(&store, 0);
    assert_eq!(names(&mut other).len(), expected.len().div_ceil(9));
    // A repeated export adds nothing.
    ingest(&store, spans(number));
    assert_eq!(names(&mut all), expected);
}

#[test]
fn a_trace_that_is_released_between_two_portions_gets_the_others_as_late_ones() {
    let store = Store::new();
    let follow = follow(&store, 1);
    let bytes = request((0..10).map(|at| span(1, at)));
    let state = follow_state(&store);
    let new = state.read_spans(&bytes, Instant::now()).unwrap();
    let entered = state.lock().enter(&new);
    let (first, second) = entered.spans.split_at(4);
    state
        .lock()
        .keep(&new, &entered, entered.prepared(&new, first));
    drop(follow);
    state
        .lock()
        .keep(&new, &entered, entered.prepared(&new, second));
    let late: Vec<usize> = store.late().iter().map(|late| late.spans).collect();
    assert_eq!(late, [6]);
}

#[test]
fn a_trace_that_is_followed_anew_between_two_portions_has_each_span_once() {
    // A request with a span of another trace is remembered; this one is kept by entries alone.
    for others in [0, 1] {
        let store = Store::new();
        let first = follow(&store, 1);
        let spans = (0..10).map(|at| span(1, at));
        let bytes = request(spans.chain((0..others).map(|at| span(2, at))));
        let state = follow_state(&store);
        let new = state.read_spans(&bytes, Instant::now()).unwrap();
        let entered = state.lock().enter(&new);
        drop(first);
        let mut again = follow(&store, 1);
        let prepared = entered.prepared(&new, &entered.spans);
        state.lock().keep(&new, &entered, prepared);
        assert_eq!(again.snapshot().trace.len(), 10, "{others}");
        assert_eq!(state.lock().repeats(trace(1)), []);
    }
}

fn follow_state(store: &Store) -> super::SharedState {
    store.state().clone()
}

#[test]
fn spans_above_the_limit_of_a_trace_are_a_hole_in_it_and_in_no_other_one() {
    let store = limited(|limits| limits.spans = 1_000);
    let (mut large, mut other) = (follow(&store, 1), follow(&store, 2));
    ingest(&store, (0..1_000).map(|at| span(1, at)));
    assert_eq!(reasons(large.snapshot().trace.holes()), [""; 0]);
    let ingested = store
        .ingest(&request([span(1, 1_000), span(2, 1)]))
        .unwrap();
    assert_eq!((ingested.spans, ingested.rejected), (2, 0));
    let found = large.snapshot().trace;
    assert_eq!(found.len(), 1_000);
    assert_eq!(
        reasons(found.holes()),
        ["this trace has more than 1,000 spans, and the further ones were discarded"]
    );
    assert!(
        found.holes()[0]
            .remedy
            .contains("a loop that creates spans")
    );
    let found = other.snapshot().trace;
    assert_eq!((found.len(), found.holes()), (1, &[][..]));
    // A copy of a span that is there is none of the further ones.
    let store = limited(|limits| limits.spans = 1);
    let mut one = follow(&store, 1);
    ingest(&store, [span(1, 1), span(1, 1)]);
    assert!(one.snapshot().trace.holes().is_empty());
}

#[test]
fn the_loss_of_spans_above_a_limit_is_known_to_those_who_follow_the_trace_later() {
    let store = limited(|limits| limits.spans = 3);
    let first = follow(&store, 1);
    ingest(&store, (0..5).map(|at| span(1, at)));
    drop(first);
    let mut again = follow(&store, 1);
    assert_eq!(again.snapshot().trace.holes().len(), 1);
    assert_eq!(store.peek(trace(1), Origin::Foreign).trace.holes().len(), 1);
}

#[test]
fn the_size_of_a_trace_and_of_all_traces_is_limited_and_free_again_after_release() {
    let store = limited(|limits| limits.bytes = 100_000);
    let mut large = follow(&store, 1);
    ingest(&store, (0..2_000).map(|at| span(1, at)));
    let found = large.snapshot().trace;
    assert!((100..2_000).contains(&found.len()), "{}", found.len());
    assert_eq!(
        reasons(found.holes()),
        ["the spans of this trace have more than 0 MiB, and the further ones were discarded"]
    );
    let store = limited(|limits| limits.all_bytes = 1 << 20);
    for round in 0..3 {
        let mut all: Vec<Follow> = (0..10).map(|at| follow(&store, 10 * round + at)).collect();
        for number in 0..10 {
            let of = 10 * round + number;
            ingest(&store, (0..1_000).map(|at| span(of, at)));
        }
        let traces = all.iter_mut().map(|one| one.snapshot().trace);
        let holes: Vec<usize> = traces.map(|trace| trace.holes().len()).collect();
        // The first ones have room.
        assert_eq!(holes[..3], [0, 0, 0], "{round}");
        assert_eq!(holes[9], 1);
        let last = all[9].snapshot().trace;
        assert_eq!(
            reasons(last.holes()),
            [
                "spans of this trace were discarded: spanspec keeps 1 MiB for all traces that are followed"
            ]
        );
    }
    assert!(store.state().lock().is_idle());
}

#[test]
fn links_with_too_many_traces_are_a_hole_and_the_first_traces_are_kept() {
    let linking = |store: &Store| {
        for number in 0..50 {
            ingest(store, [linked(span(10 + number, 1), 1)]);
        }
    };
    let too_many = "links tie more than 20 traces to this one, and the spans of the further ones were not kept";
    // Before and while the trace is followed.
    let store = limited(|limits| limits.ties = 20);
    linking(&store);
    let peeked = store.peek(trace(1), Origin::Foreign).trace;
    assert_eq!(
        (peeked.linked().len(), reasons(peeked.holes())),
        (20, vec![too_many])
    );
    let mut before = follow(&store, 1);
    let store_of_later = limited(|limits| limits.ties = 20);
    let mut later = follow(&store_of_later, 1);
    linking(&store_of_later);
    for follow in [&mut before, &mut later] {
        let found = follow.snapshot().trace;
        assert_eq!(found.linked().len(), 20);
        assert_eq!(found.linked()[19].id(), trace(29));
        assert_eq!(reasons(found.holes()), [too_many]);
    }
    // Links from the trace count as well.
    ingest(&store, (0..50).map(|at| linked(span(2, at), 100 + at)));
    let mut from = follow(&store, 2);
    assert_eq!(reasons(from.snapshot().trace.holes()), [too_many]);
    drop((before, from));
    assert!(store.state().lock().is_idle());
}

#[test]
fn many_traces_that_link_to_one_are_tied_and_released_in_order_and_completely() {
    let store = Store::new();
    ingest(&store, (0..2_000).map(|at| linked(span(10 + at, at), 1)));
    store.state().lock().reset_visits();
    let mut one = follow(&store, 1);
    let ids: Vec<TraceId> = one
        .snapshot()
        .trace
        .linked()
        .iter()
        .map(|one| one.id())
        .collect();
    let expected: Vec<TraceId> = (0..2_000).map(|at| trace(10 + at)).collect();
    assert_eq!(ids, expected);
    // The one request is looked at a few times for each trace.
    let visits = store.state().lock().visits();
    assert!(visits < 10 * 2_000, "{visits}");
    drop(one);
    assert!(store.state().lock().is_idle());
}

#[test]
fn a_request_is_compared_with_the_traces_that_are_kept_and_not_the_other_way_round() {
    let store = Store::new();
    let followed: Vec<Follow> = (0..3)
        .map(|number| follow(&store, 1_000 * number))
        .collect();
    let state = store.state();
    let few = request((0..2).map(|at| span(at, at)));
    let many = request((0..5_000).map(|at| span(at, at)));
    let compared = |bytes: &[u8]| {
        let new = state.read_spans(bytes, Instant::now()).unwrap();
        let mut state = state.lock();
        state.reset_visits();
        let entered = state.enter(&new);
        (entered.spans.len(), state.visits())
    };
    assert_eq!(compared(&few), (1, 2));
    assert_eq!(compared(&many), (3, 3));
    drop(followed);
}

#[test]
fn an_event_names_a_bounded_number_of_traces() {
    let store = Store::new();
    let mut events = store.events();
    ingest(&store, (0..6_000).map(|at| span(at / 2, at)));
    ingest(&store, (0..6_000).map(|at| span(at, at)));
    let mut found = Vec::new();
    while let Ok(event) = events.try_recv() {
        found.push(match event {
            StoreEvent::Arrived(traces) => {
                let spans = traces.iter().map(|(_, spans)| spans).sum::<usize>();
                (traces.len(), spans)
            }
            StoreEvent::Omitted { traces } => (traces, 0),
            StoreEvent::Refused(refusal) => panic!("{refusal}"),
        });
    }
    let mut expected = vec![(512, 1_024); 5];
    expected.push((440, 880));
    expected.extend([(512, 512); 8]);
    expected.push((1_904, 0));
    assert_eq!(found, expected);
}

#[test]
fn a_request_without_room_among_the_recent_ones_is_a_hole_in_each_of_its_traces() {
    let store = Store::remembering(10_000);
    ingest(&store, [span(1, 1)]);
    ingest(&store, (0..1_000).map(|at| span(10 + at, at)));
    let holes = |number: u64| {
        store
            .peek(trace(number), Origin::Foreign)
            .trace
            .holes()
            .len()
    };
    assert_eq!([1, 10, 1_009, 2_000].map(holes), [0, 1, 1, 0]);
}

#[test]
fn nothing_is_left_of_a_rejected_span_but_a_loss() {
    let store = Store::new();
    let mut one = follow(&store, 1);
    let rejected = Span {
        span_id: vec![1; 3],
        ..linked(span(2, 1), 1)
    };
    let bytes = request([rejected, span(1, 1)]);
    let new = store.state().read_spans(&bytes, Instant::now()).unwrap();
    let losses = new.rejected(&Sender::default());
    assert_eq!(losses.len(), 1);
    store.state().take_in_spans(&new, &Sender::default());
    let found = one.snapshot().trace;
    assert_eq!((found.len(), found.holes().len()), (1, 1));
}

/// Checks that only limits of tests are below the defaults.
#[test]
fn the_default_limits_have_room_for_large_traces() {
    let limits = Limits::default();
    assert_eq!((limits.spans, limits.ties), (1_000_000, 10_000));
    assert!(limits.bytes >= 512 << 20 && limits.all_bytes > limits.bytes);
    assert!(StoreState::default().is_idle());
}
