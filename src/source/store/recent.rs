//! The last requests of a signal with records of unrelated traces, as raw bytes within a bound.
//!
//! They serve traces that are followed or linked later, and the diagnosis of a trace that did not
//! arrive. The requests about a trace, and its records in each of them, are found by an index.

mod request;

#[cfg(test)]
use std::cell::Cell;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

pub(super) use request::{RecentRequest, RecordView};

use crate::trace::TraceId;

/// Default bound in bytes: about 30,000 spans of usual size.
pub(super) const CAPACITY: usize = 16 << 20;

/// A request about more traces is not in the index of all requests, because adding it would take long. It is
/// asked itself; there is room for few of that size.
const MOST_INDEXED: usize = 4096;

/// The memory of a trace in the index.
const INDEXED: usize = 2 * size_of::<(TraceId, u64)>();

/// The last requests, oldest first.
#[derive(Debug)]
pub(super) struct RecentRequests {
    requests: VecDeque<NumberedRequest>,
    /// The number of the next request. Numbers are consecutive, and start at 1.
    next: u64,
    /// The last request about each trace.
    last: HashMap<TraceId, u64>,
    /// The requests that are not in the index.
    large: VecDeque<u64>,
    bytes: usize,
    capacity: usize,
    /// Number of requests that were looked at.
    #[cfg(test)]
    looked_at: Cell<usize>,
}

#[derive(Debug)]
struct NumberedRequest {
    request: Arc<RecentRequest>,
    /// For each of its traces, the number of the request before it about that trace. It may have been
    /// discarded. Empty if the request is not in the index.
    before: Box<[u64]>,
}

impl Default for RecentRequests {
    fn default() -> Self {
        Self::within(CAPACITY)
    }
}

impl RecentRequests {
    /// A buffer with this capacity in bytes.
    pub(super) fn within(capacity: usize) -> Self {
        Self {
            requests: VecDeque::new(),
            next: 1,
            last: HashMap::new(),
            large: VecDeque::new(),
            bytes: 0,
            capacity,
            #[cfg(test)]
            looked_at: Cell::default(),
        }
    }

    /// Adds a request that fits, and discards the oldest ones to make room. Returns the discarded requests.
    pub(super) fn push(&mut self, request: Arc<RecentRequest>) -> Vec<Arc<RecentRequest>> {
        let size = size(&request);
        let mut discarded = Vec::new();
        while self.bytes + size > self.capacity
            && let Some(oldest) = self.discard_oldest()
        {
            discarded.push(oldest);
        }
        self.bytes += size;
        let before = match request.about().len() > MOST_INDEXED {
            true => {
                self.large.push_back(self.next);
                Box::default()
            }
            false => self.index(&request),
        };
        self.requests.push_back(NumberedRequest { request, before });
        self.next += 1;
        discarded
    }

    #[cfg(test)]
    pub(super) fn visits(&self) -> usize {
        self.looked_at.get()
    }

    #[cfg(test)]
    pub(super) fn reset_visits(&self) {
        self.looked_at.set(0);
    }

    /// Maximum size in bytes.
    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Requests with a record of this trace or a link to it, oldest first.
    pub(super) fn about(&self, trace: TraceId) -> Vec<Arc<RecentRequest>> {
        let mut numbers = Vec::new();
        let mut next = self.last.get(&trace).copied();
        while let Some(number) = next
            && let Some(found) = self.get(number)
        {
            numbers.push(number);
            let at = found.request.about().binary_search(&trace).ok();
            next = at.and_then(|at| found.before.get(at)).copied();
        }
        let is_about = |number: &u64| {
            let found = self.get(*number);
            found.is_some_and(|found| found.request.about().binary_search(&trace).is_ok())
        };
        numbers.extend(self.large.iter().copied().filter(is_about));
        numbers.sort_unstable();
        let found = numbers.into_iter().filter_map(|number| self.get(number));
        found.map(|found| Arc::clone(&found.request)).collect()
    }

    /// Requests that arrived at this moment or later, oldest first; all without a moment.
    pub(super) fn since(&self, moment: Option<Instant>) -> Vec<Arc<RecentRequest>> {
        let requests = self.requests.iter().map(|one| &one.request);
        let found = requests.filter(|request| Some(request.arrived()) >= moment);
        found.map(Arc::clone).collect()
    }

    /// The newest of the requests that arrived at this moment or later, up to this size in bytes, oldest first; and
    /// `true` if these are all.
    pub(super) fn newest_since(
        &self,
        moment: Instant,
        most: usize,
    ) -> (Vec<Arc<RecentRequest>>, bool) {
        let (mut room, mut is_all, mut newest) = (most, true, Vec::new());
        // Requests are not strictly in the order of their arrival.
        let since = self.requests.iter().rev().map(|one| &one.request);
        for request in since.filter(|request| request.arrived() >= moment) {
            let Some(rest) = room.checked_sub(size(request)) else {
                is_all = false;
                break;
            };
            room = rest;
            newest.push(Arc::clone(request));
        }
        newest.reverse();
        (newest, is_all)
    }

    /// Enters a request as the last one about its traces. Returns the ones before it.
    fn index(&mut self, request: &RecentRequest) -> Box<[u64]> {
        let traces = request.about().iter();
        let before = traces.map(|&trace| self.last.insert(trace, self.next));
        before.map(Option::unwrap_or_default).collect()
    }

    fn discard_oldest(&mut self) -> Option<Arc<RecentRequest>> {
        let number = self.first();
        let NumberedRequest { request, before } = self.requests.pop_front()?;
        self.bytes -= size(&request);
        if self.requests.is_empty() {
            self.last.clear();
            self.large.clear();
            return Some(request);
        }
        if before.is_empty() {
            self.large.pop_front_if(|large| *large == number);
        }
        for trace in request.about().iter().take(before.len()) {
            if self.last.get(trace) == Some(&number) {
                self.last.remove(trace);
            }
        }
        Some(request)
    }

    /// The number of the oldest request.
    fn first(&self) -> u64 {
        self.next - self.requests.len() as u64
    }

    fn get(&self, number: u64) -> Option<&NumberedRequest> {
        #[cfg(test)]
        self.looked_at.set(self.looked_at.get() + 1);
        let at = number.checked_sub(self.first())?;
        self.requests.get(usize::try_from(at).ok()?)
    }
}

/// The memory of a request with its entries in the index.
fn size(request: &RecentRequest) -> usize {
    request.size() + size_of::<NumberedRequest>() + request.about().len() * INDEXED
}

/// Returns `true` if a request has room when all others are discarded.
pub(super) fn fits(request: &RecentRequest, capacity: usize) -> bool {
    size(request) <= capacity
}

#[cfg(test)]
mod tests;
