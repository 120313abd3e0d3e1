use std::time::Duration;

use super::super::grouped::{Links, RequestIndex};
use super::*;
use crate::source::otlp::Walk;

fn trace(number: u64) -> TraceId {
    TraceId::from_bytes((u128::from(number) + 1).to_be_bytes()).unwrap()
}

fn field(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).unwrap();
    [&[tag << 3 | 2, length], content].concat()
}

/// A request with a span of each of these traces.
fn request(traces: impl Iterator<Item = u64>) -> Vec<u8> {
    let mut request = Vec::new();
    for number in traces {
        let id = field(1, trace(number).as_bytes());
        let span = field(2, &[id, field(2, &(number + 1).to_be_bytes())].concat());
        request.extend(field(1, &field(2, &span)));
    }
    request
}

fn kept(bytes: &[u8]) -> RecentRequest {
    let walk = Walk::of(bytes).unwrap();
    let index = Arc::new(RequestIndex::of_spans(&walk));
    RecentRequest::of_spans(bytes, &walk, index, Instant::now())
}

fn push(recent: &mut RecentRequests, traces: impl Iterator<Item = u64>) -> usize {
    let bytes = request(traces);
    recent.push(Arc::new(kept(&bytes))).len()
}

/// The numbers of the spans of a trace that are found.
fn found(recent: &RecentRequests, number: u64) -> Vec<usize> {
    let requests = recent.about(trace(number));
    let spans = requests.iter().map(|one| one.records_of(trace(number)));
    spans.map(Iterator::count).collect()
}

#[test]
fn a_lookup_visits_the_requests_about_its_trace_and_no_others() {
    let mut recent = RecentRequests::within(CAPACITY);
    for number in 0..1_000 {
        push(&mut recent, [number, 5_000].into_iter());
    }
    recent.looked_at.set(0);
    assert_eq!(found(&recent, 500), [1]);
    assert!(found(&recent, 7_000).is_empty());
    // Once on the way, and once for the answer; one more behind the first.
    assert!(recent.looked_at.get() <= 3, "{:?}", recent.looked_at);
    assert_eq!(found(&recent, 5_000).len(), 1_000);
}

#[test]
fn the_index_has_what_the_buffer_has_whatever_is_discarded() {
    let mut recent = RecentRequests::within(40_000);
    let mut kept: VecDeque<Vec<u64>> = VecDeque::new();
    for number in 0..2_000_u64 {
        // Some traces come back, with other neighbours.
        let traces: Vec<u64> = (0..number % 7).map(|at| (number * at * 13) % 50).collect();
        let discarded = push(&mut recent, traces.iter().copied());
        kept.push_back(traces);
        kept.drain(..discarded);
    }
    assert!(kept.len() < 1_000, "{}", kept.len());
    for number in 0..50 {
        let spans = kept
            .iter()
            .map(|one| one.iter().filter(|it| **it == number).count());
        let expected: Vec<usize> = spans.filter(|number| *number > 0).collect();
        assert_eq!(found(&recent, number), expected, "{number}");
    }
    let indexed: std::collections::HashSet<&u64> = kept.iter().flatten().collect();
    assert_eq!(recent.last.len(), indexed.len());
}

#[test]
fn a_request_about_many_traces_is_found_and_discarded_like_others() {
    let mut recent = RecentRequests::within(CAPACITY);
    let many = MOST_INDEXED as u64 + 1;
    push(&mut recent, [3].into_iter());
    push(&mut recent, 0..many);
    push(&mut recent, [3].into_iter());
    assert_eq!(found(&recent, 3), [1, 1, 1]);
    assert_eq!(found(&recent, many - 1), [1]);
    assert_eq!(recent.last.len(), 1);
    while found(&recent, many - 1) == [1] {
        push(&mut recent, 10_000..14_000);
    }
    assert_eq!(recent.large.len(), 0);
    assert!(recent.bytes <= CAPACITY);
}

#[test]
fn records_are_found_with_resource_and_scope_also_if_these_are_sent_in_pieces() {
    let attribute = |value: &str| {
        let value = field(2, &field(1, value.as_bytes()));
        field(1, &[field(1, b"service.name"), value].concat())
    };
    let span = [field(1, trace(1).as_bytes()), field(2, &[1; 8])].concat();
    let scope = [
        field(1, &field(1, b"of")),
        field(1, &field(2, b"1")),
        field(2, &span),
    ]
    .concat();
    let resource = [
        field(1, &attribute("order")),
        field(2, &scope),
        field(1, &attribute("x")),
    ];
    let bytes = field(1, &resource.concat());
    let kept = kept(&bytes);
    let view = kept.records().next().unwrap();
    assert_eq!(view.bytes, span);
    assert_eq!(
        *view.resource,
        *[attribute("order"), attribute("x")].concat()
    );
    assert_eq!(*view.scope, *[field(1, b"of"), field(2, b"1")].concat());
    assert_eq!(kept.about(), [trace(1)]);
}

#[test]
fn links_make_a_request_about_the_traces_that_they_refer_to() {
    let link = field(
        13,
        &[field(1, trace(9).as_bytes()), field(2, &[1; 8])].concat(),
    );
    let span = [field(1, trace(1).as_bytes()), field(2, &[1; 8]), link].concat();
    let bytes = field(1, &field(2, &field(2, &span)));
    let kept = kept(&bytes);
    assert_eq!(kept.about(), [trace(1), trace(9)]);
    let linking: Vec<TraceId> = Links::to(kept.links(), trace(9)).collect();
    assert_eq!(linking, [trace(1)]);
}

#[test]
fn the_newest_requests_are_those_that_fit_and_arrived_since() {
    let mut recent = RecentRequests::within(1 << 20);
    let start = Instant::now();
    // The third arrived first, and was read last.
    for (number, arrived) in [(1, 1), (2, 2), (3, 0)] {
        let bytes = request([number].into_iter());
        let walk = Walk::of(&bytes).unwrap();
        let index = Arc::new(RequestIndex::of_spans(&walk));
        let arrived = start + Duration::from_secs(arrived);
        let request = RecentRequest::of_spans(&bytes, &walk, index, arrived);
        recent.push(Arc::new(request));
    }
    let newest = |seconds, most| {
        let moment = start + Duration::from_secs(seconds);
        let (requests, is_all) = recent.newest_since(moment, most);
        let about = requests.iter().map(|request| request.about()[0]);
        (about.collect::<Vec<_>>(), is_all)
    };
    let size = recent.bytes;
    assert_eq!(newest(0, size), (vec![trace(1), trace(2), trace(3)], true));
    assert_eq!(newest(0, size - 1), (vec![trace(2), trace(3)], false));
    assert_eq!(newest(1, size), (vec![trace(1), trace(2)], true));
    assert_eq!(newest(0, 0), (vec![], false));
    assert_eq!(newest(3, 0), (vec![], true));
}
