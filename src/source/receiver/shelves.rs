//! What a store holds, and where each span goes: to traces that are kept, or into the ring.
//!
//! Who may look, and when, is for [`Store`](super::Store) to say.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::watch;

use super::census::{Census, DroppedAttribute, Rejection};
use super::finished::Finished;
use super::kept::{Followed, Interner, Kept, RawSpan, SpanCopy};
use super::lost::{self, Lifetime, Loss, Lost};
use super::news::{Audience, News};
use super::presence::Presence;
use super::ring::Ring;
use crate::source::otlp::{self, LinkAt, Malformed, SpanAt, Walk};
use crate::trace::{Hole, Sender, TraceId};

/// Everything that a store holds, behind its lock.
#[derive(Debug, Default)]
pub(super) struct Shelves {
    pub(super) kept: HashMap<TraceId, Kept>,
    /// The kept traces that have links to a trace, by that trace.
    linking: HashMap<TraceId, Vec<TraceId>>,
    pub(super) finished: Finished,
    ring: Ring,
    lost: Lost,
    interner: Interner,
    pub(super) census: Census,
    pub(super) news: Audience,
    /// For how long a span may be kept before it comes here, if that is known.
    pub(super) flush: Option<Duration>,
    pub(super) presence: Presence,
    /// Whether the ring gets also what is kept.
    remembers_all: bool,
}

impl Shelves {
    /// Those of a store that remembers all spans within so many bytes.
    pub(super) fn remembering(bytes: usize) -> Self {
        Self {
            ring: Ring::of(bytes),
            remembers_all: true,
            ..Self::default()
        }
    }

    pub(super) fn take_in(
        &mut self,
        request: &[u8],
        walk: &Walk<'_>,
        services: &[String],
        arrived: Instant,
    ) {
        // First, so that a link counts for the spans that stand before it, too.
        self.tie_all(&walk.links);
        let watched = self.keep(walk, arrived);
        self.count(walk, services, &watched, arrived);
        if self.is_worth_remembering(walk, &watched) {
            let discarded = self.ring.push(request, walk, arrived);
            self.note_discarded(discarded);
        }
        self.tell(walk);
    }

    /// Traces that are kept have a copy of what the ring discards.
    fn note_discarded(&mut self, discarded: Vec<(Box<[TraceId]>, Instant)>) {
        if discarded.is_empty() {
            return;
        }
        let hole = Arc::new(lost::discarded(self.ring.capacity()));
        for (traces, at) in discarded {
            for &trace in &traces {
                let hole = Arc::clone(&hole);
                self.lost.note(trace, Loss { at, hole });
            }
        }
    }

    /// A rejected span is lost to its trace, and to those that it links to. Where its trace is not
    /// known, it may be any.
    pub(super) fn note_rejected(
        &mut self,
        walk: &Walk<'_>,
        services: &[String],
        at: Instant,
        sender: &Sender,
    ) {
        for span in &walk.rejected {
            let service = services[walk.scopes[span.scope].resource].clone();
            let sender = Sender {
                service: Some(service),
                ..sender.clone()
            };
            let hole = Arc::new(span.reason.hole(span.name, sender));
            let loss = Loss { at, hole };
            match span.trace_id {
                Some(trace) => self.lose(trace, loss.clone()),
                None => self.lose_of_unknown(loss.clone()),
            }
            for &linked in &span.links {
                self.lose(linked, loss.clone());
            }
        }
    }

    /// Notes spans of a known trace that are lost.
    pub(super) fn lose(&mut self, trace: TraceId, loss: Loss) {
        if let Some(kept) = self.kept.get_mut(&trace) {
            kept.losses.add(loss.clone());
            self.notify(trace);
        }
        self.lost.note(trace, loss);
    }

    /// Notes spans that are lost and may be of any trace.
    pub(super) fn lose_of_unknown(&mut self, loss: Loss) {
        self.lost.note_general(loss);
        self.kept.values().for_each(Kept::notify);
    }

    /// The known losses of a trace and of those that it is linked with.
    pub(super) fn holes(
        &self,
        trace: TraceId,
        linked: &[TraceId],
        lifetime: Lifetime,
    ) -> Vec<Hole> {
        let mut holes: Vec<Hole> = Vec::new();
        for id in std::iter::once(&trace).chain(linked) {
            let losses = match self.kept.get(id) {
                Some(kept) => kept.losses.clone(),
                None => self.lost.of(*id),
            };
            holes.extend(losses.holes().map(|hole| Hole::clone(hole)));
        }
        let general = self.lost.general(lifetime);
        holes.extend(general.map(|hole| Hole::clone(hole)));
        holes
    }

    /// Tells which traces got spans, where anybody listens.
    fn tell(&self, walk: &Walk<'_>) {
        self.news.tell(|| {
            let mut traces: Vec<(TraceId, usize)> = Vec::new();
            for span in &walk.spans {
                match traces.iter_mut().find(|(id, _)| *id == span.trace_id) {
                    Some((_, spans)) => *spans += 1,
                    None => traces.push((span.trace_id, 1)),
                }
            }
            News::Arrived(traces)
        });
    }

    /// Keeps the spans of followed and linked traces. Says of each span whether its trace is or
    /// was watched.
    fn keep(&mut self, walk: &Walk<'_>, arrived: Instant) -> Vec<bool> {
        let mut changed = Vec::new();
        let watched = walk.spans.iter().map(|span| {
            let kept = self.kept.get_mut(&span.trace_id);
            let is_kept = kept.is_some();
            let is_followed = kept.as_ref().is_some_and(|kept| kept.followed.is_some());
            if let Some(kept) = kept
                && add(kept, &mut self.interner, walk, span, arrived)
                && changed.last() != Some(&span.trace_id)
            {
                changed.push(span.trace_id);
            }
            let was_followed = !is_followed && self.finished.note(walk, span, arrived);
            is_kept || was_followed
        });
        let watched = watched.collect();
        for link in &walk.links {
            if let Some(kept) = self.kept.get_mut(&link.from)
                && kept.links.insert(link.to)
            {
                self.linking.entry(link.to).or_default().push(link.from);
            }
        }
        for trace in changed {
            self.notify(trace);
        }
        watched
    }

    /// Spans that are kept need not be remembered, unless the watch over them is over.
    fn is_worth_remembering(&self, walk: &Walk<'_>, watched: &[bool]) -> bool {
        let mut spans = walk.spans.iter().zip(watched);
        self.remembers_all && !walk.spans.is_empty()
            || spans.any(|(span, &watched)| !watched || self.finished.contains(span.trace_id))
    }

    fn count(&mut self, walk: &Walk<'_>, services: &[String], watched: &[bool], arrived: Instant) {
        let mut counts = vec![(0, 0); services.len()];
        for (span, &watched) in walk.spans.iter().zip(watched) {
            let (ours, strangers) = &mut counts[walk.scopes[span.scope].resource];
            *(if watched { ours } else { strangers }) += 1;
        }
        for (service, (ours, strangers)) in services.iter().zip(counts) {
            self.census.count_watched(service, ours);
            self.census.count_strangers(service, strangers);
        }
        self.census.requests += 1;
        self.census.spans += walk.spans.len() as u64;
        self.census.last_arrival = Some(arrived);
    }

    pub(super) fn follow(&mut self, trace: TraceId) -> watch::Receiver<u64> {
        let was_followed = self.finished.contains(trace);
        self.finished.remove(trace);
        self.keep_from_now_on(trace, !was_followed);
        let kept = self.kept.entry(trace).or_default();
        let followed = kept.followed.get_or_insert_with(Followed::default);
        followed.followers += 1;
        let changes = followed.changes.subscribe();
        if followed.followers == 1 {
            if !kept.spans.is_empty() {
                kept.notify();
            }
            for linked in self.linked_with(trace) {
                self.tie(trace, linked);
            }
        }
        changes
    }

    /// Every trace known to have a link to this one, or to which this one has a link.
    fn linked_with(&self, trace: TraceId) -> Vec<TraceId> {
        let own = self
            .kept
            .get(&trace)
            .into_iter()
            .flat_map(|kept| &kept.links);
        let kept = self.linking.get(&trace).into_iter().flatten();
        let remembered = self.ring.about(trace).flat_map(|(walk, _)| walk.links);
        own.copied()
            .chain(kept.copied())
            .chain(
                remembered
                    .filter(|link| link.to == trace)
                    .map(|link| link.from),
            )
            .collect()
    }

    fn tie_all(&mut self, links: &[LinkAt]) {
        for link in links {
            self.tie(link.from, link.to);
            self.tie(link.to, link.from);
        }
    }

    /// Keeps a trace because one that is followed is linked with it.
    fn tie(&mut self, trace: TraceId, linked: TraceId) {
        let is_followed = |kept: &Kept| kept.followed.is_some();
        if trace == linked || !self.kept.get(&trace).is_some_and(is_followed) {
            return;
        }
        let is_news = !self.finished.contains(linked);
        self.keep_from_now_on(linked, is_news);
        let kept = self.kept.entry(linked).or_default();
        if !kept.tied_to.insert(trace) {
            return;
        }
        let has_spans = !kept.spans.is_empty();
        if let Some(followed) = self
            .kept
            .get_mut(&trace)
            .and_then(|kept| kept.followed.as_mut())
        {
            followed.ties.push(linked);
            if has_spans {
                followed.changes.send_modify(|changes| *changes += 1);
            }
        }
    }

    /// Keeps a trace, beginning with what the ring still knows of it. Where it was followed
    /// before, its spans are counted as watched already.
    fn keep_from_now_on(&mut self, trace: TraceId, is_news: bool) {
        if self.kept.contains_key(&trace) {
            return;
        }
        let mut kept = Kept {
            losses: self.lost.of(trace),
            ..Kept::default()
        };
        for (walk, arrived) in self.ring.about(trace) {
            for span in walk.spans.iter().filter(|span| span.trace_id == trace) {
                if add(&mut kept, &mut self.interner, &walk, span, arrived) && is_news {
                    self.census.adopt(&service(&walk, span), 1);
                }
            }
            let own = walk.links.iter().filter(|link| link.from == trace);
            kept.links.extend(own.map(|link| link.to));
        }
        for &linked in &kept.links {
            self.linking.entry(linked).or_default().push(trace);
        }
        self.kept.insert(trace, kept);
    }

    pub(super) fn release(&mut self, trace: TraceId) {
        let Some(kept) = self.kept.get_mut(&trace) else {
            return;
        };
        let Some(followed) = &mut kept.followed else {
            return;
        };
        followed.followers -= 1;
        if followed.followers > 0 {
            return;
        }
        let ties = std::mem::take(&mut followed.ties);
        kept.followed = None;
        self.finished
            .insert(trace, kept.seen.clone(), Instant::now());
        for linked in ties {
            if let Some(kept) = self.kept.get_mut(&linked) {
                kept.tied_to.remove(&trace);
            }
            self.forget_if_idle(linked);
        }
        self.forget_if_idle(trace);
    }

    fn forget_if_idle(&mut self, trace: TraceId) {
        if !self.kept.get(&trace).is_some_and(Kept::is_idle) {
            return;
        }
        let forgotten = self.kept.remove(&trace);
        for linked in forgotten.into_iter().flat_map(|kept| kept.links) {
            if let Entry::Occupied(mut linking) = self.linking.entry(linked) {
                linking.get_mut().retain(|&from| from != trace);
                if linking.get().is_empty() {
                    linking.remove();
                }
            }
        }
    }

    /// Tells those who follow this trace, or one that it is linked with.
    fn notify(&self, trace: TraceId) {
        let Some(kept) = self.kept.get(&trace) else {
            return;
        };
        kept.notify();
        for followed in &kept.tied_to {
            if let Some(followed) = self.kept.get(followed) {
                followed.notify();
            }
        }
    }

    pub(super) fn spans_from(&self, trace: TraceId, known: usize) -> Vec<RawSpan> {
        let kept = self.kept.get(&trace);
        let news = kept.and_then(|kept| kept.spans.get(known..));
        news.unwrap_or_default().to_vec()
    }

    /// The spans of a trace and, after them, those of the traces that it is linked with.
    pub(super) fn peek(&self, trace: TraceId) -> Vec<(TraceId, Vec<RawSpan>)> {
        let mut traces = vec![trace];
        let own = self.ring.about(trace).flat_map(|(walk, _)| walk.links);
        let own = own.filter(|link| link.from == trace).map(|link| link.to);
        for linked in self.linked_with(trace).into_iter().chain(own) {
            if !traces.contains(&linked) {
                traces.push(linked);
            }
        }
        let spans = traces.into_iter().map(|id| (id, self.spans_of(id)));
        spans.collect()
    }

    /// What is kept or remembered of a trace, each copy of a span once.
    fn spans_of(&self, trace: TraceId) -> Vec<RawSpan> {
        if let Some(kept) = self.kept.get(&trace) {
            return kept.spans.clone();
        }
        let (mut copies, mut found) = (Interner::default(), Kept::default());
        for (walk, arrived) in self.ring.about(trace) {
            for span in walk.spans.iter().filter(|span| span.trace_id == trace) {
                add(&mut found, &mut copies, &walk, span, arrived);
            }
        }
        found.spans
    }

    pub(super) fn strangers(&self, since: Instant) -> Vec<RawSpan> {
        self.remembered(Some(since), |span| {
            let known = self.kept.contains_key(&span.trace_id);
            !known && !self.finished.contains(span.trace_id)
        })
    }

    #[cfg(feature = "run")]
    pub(super) fn servers(&self, since: Option<Instant>) -> Vec<RawSpan> {
        self.remembered(since, |span| otlp::is_server(span.bytes))
    }

    /// The remembered spans that are wanted and arrived at this moment or later.
    fn remembered(
        &self,
        since: Option<Instant>,
        is_wanted: impl Fn(&SpanAt<'_>) -> bool,
    ) -> Vec<RawSpan> {
        let mut copies = Interner::default();
        let mut found = Vec::new();
        for (walk, arrived) in self.ring.since(since) {
            for span in walk.spans.iter().filter(|span| is_wanted(span)) {
                found.push(raw(&mut copies, &walk, span, arrived));
            }
        }
        found
    }
}

/// Adds a span to a trace, unless the same copy of it came before.
fn add(
    kept: &mut Kept,
    interner: &mut Interner,
    walk: &Walk<'_>,
    span: &SpanAt<'_>,
    arrived: Instant,
) -> bool {
    let is_new = kept.seen.insert(SpanCopy::of(walk, span));
    if is_new {
        kept.spans.push(raw(interner, walk, span, arrived));
    }
    is_new
}

/// Copies a span out of its request: one span of many shall not hold the memory of all.
fn raw(interner: &mut Interner, walk: &Walk<'_>, span: &SpanAt<'_>, arrived: Instant) -> RawSpan {
    let scope = &walk.scopes[span.scope];
    RawSpan {
        bytes: Bytes::copy_from_slice(span.bytes),
        resource: interner.intern(&walk.resources[scope.resource].joined()),
        scope: interner.intern(&scope.scope.joined()),
        arrived,
    }
}

/// `service.name` of each resource of a request.
pub(super) fn services(walk: &Walk<'_>) -> Result<Vec<String>, Malformed> {
    let resources = walk.resources.iter();
    resources
        .map(|resource| service_name(&resource.joined()))
        .collect()
}

/// The rejected spans of a request; `services` has the service of each resource.
pub(super) fn rejections(walk: &Walk<'_>, services: &[String]) -> Vec<Rejection> {
    let rejected = walk.rejected.iter();
    rejected
        .map(|span| Rejection {
            trace_id: span.trace_id,
            service: services[walk.scopes[span.scope].resource].clone(),
            name: String::from_utf8_lossy(span.name).into_owned(),
            reason: span.reason.clone(),
        })
        .collect()
}

/// The attributes of a request that cannot be decoded.
pub(super) fn drops(walk: &Walk<'_>, services: &[String]) -> Vec<DroppedAttribute> {
    let undecodable = walk.undecodable.iter();
    undecodable
        .map(|attribute| DroppedAttribute {
            service: services[attribute.resource].clone(),
            owner: attribute.owner.to_string(),
            key: String::from_utf8_lossy(attribute.key).into_owned(),
            reason: attribute.reason.to_string(),
        })
        .collect()
}

fn service(walk: &Walk<'_>, span: &SpanAt<'_>) -> String {
    let resource = &walk.resources[walk.scopes[span.scope].resource];
    service_name(&resource.joined()).unwrap_or_default()
}

fn service_name(resource: &[u8]) -> Result<String, Malformed> {
    let resource = otlp::resource(Bytes::copy_from_slice(resource))?;
    Ok(resource.service().to_owned())
}
