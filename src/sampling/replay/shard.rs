//! One loop of a processor: traces that wait, ticks, evictions and caches.

use super::cache::Cache;
use super::timeline::{Batch, batches};
use super::{
    Ending, HashMap, Input, Judge, Recorded, Replayed, SECOND, Strategy, VecDeque, Verdict,
    is_too_large,
};
use crate::sampling::policy::TailSampling;
use crate::sampling::version::{CollectorVersion, Since};
use crate::trace::{Nanos, Span};

pub(super) struct Shard<'t> {
    config: &'t TailSampling,
    version: CollectorVersion,
    traces: &'t [(usize, &'t Recorded)],
    judge: Judge,
    /// Traces with spans, or with a decision that is remembered.
    known: HashMap<usize, Waiting>,
    /// Known traces, the oldest first. Those that were removed are skipped.
    queue: VecDeque<(usize, u64)>,
    /// Traces by the tick that decides them, each with the number of its life.
    due: HashMap<u64, Vec<(usize, u64)>>,
    sampled: Cache,
    not_sampled: Cache,
    /// Number of ticks so far.
    ticks: u64,
    lives: u64,
}

/// A trace that the processor knows.
struct Waiting {
    /// Distinguishes it from earlier appearances of the same id.
    life: u64,
    spans: Vec<usize>,
    bytes: i64,
    due: u64,
    /// `true` if it was kept. `None`: not yet decided.
    decided: Option<Option<bool>>,
    /// All spans are late ones of an earlier decision.
    is_late: bool,
}

impl<'t> Shard<'t> {
    pub(super) fn new(
        config: &'t TailSampling,
        version: CollectorVersion,
        traces: &'t [(usize, &'t Recorded)],
    ) -> Self {
        let shards = u64::from(config.num_shards.max(1));
        let cache = |size: u64| match size {
            0 => Cache::new(0),
            size => Cache::new((size / shards).max(1)),
        };
        Self {
            config,
            version,
            traces,
            judge: Judge::new(config, version),
            known: HashMap::new(),
            queue: VecDeque::new(),
            due: HashMap::new(),
            sampled: cache(config.decision_cache.sampled),
            not_sampled: cache(config.decision_cache.non_sampled),
            ticks: 0,
            lives: 0,
        }
    }

    /// Lets all spans arrive, and all traces be decided.
    pub(super) fn run(mut self, results: &mut [Replayed]) {
        let batches = batches(self.traces);
        let Some(first) = batches.first().map(|batch| batch.at) else {
            return;
        };
        for batch in &batches {
            let ticks = (batch.at - first) / SECOND;
            self.tick_until(ticks, first, results);
            self.arrive(batch, results);
        }
        let last = self.due.keys().max().copied().unwrap_or(0);
        self.tick_until(last, first, results);
    }

    /// Ticks that decide nothing are skipped.
    fn tick_until(&mut self, ticks: u64, first: Nanos, results: &mut [Replayed]) {
        while self.ticks < ticks {
            let Some(next) = self.due.keys().min().copied().filter(|next| *next <= ticks) else {
                self.ticks = ticks;
                return;
            };
            self.ticks = next.max(self.ticks + 1);
            let now = first + self.ticks * SECOND;
            for (trace, life) in self.due.remove(&next).unwrap_or_default() {
                self.decide(trace, life, now, results);
            }
        }
    }

    /// Whole seconds of a wait, at least one for the time until a decision.
    fn seconds(wait: std::time::Duration) -> u64 {
        wait.as_secs()
    }

    fn arrive(&mut self, batch: &Batch, results: &mut [Replayed]) {
        let trace = batch.trace;
        let id = self.traces[trace].1.id;
        let number = batch.spans.len();
        let at = self.traces[trace].0;
        if self.sampled.get(id) {
            results[at].late.kept += number;
            return;
        }
        if self.not_sampled.get(id) {
            results[at].late.not_kept += number;
            return;
        }
        if !self.known.contains_key(&trace) {
            self.begin(trace, results);
        }
        self.add(batch, results);
    }

    /// A new trace, or the late spans of one that is forgotten.
    fn begin(&mut self, trace: usize, results: &mut [Replayed]) {
        let room = (self.config.num_traces / u64::from(self.config.num_shards.max(1))).max(1);
        while self.known.len() as u64 >= room {
            self.evict(results);
        }
        self.lives += 1;
        let wait = Self::seconds(self.config.decision_wait).max(1);
        let due = self.ticks + wait + 1;
        let result = &results[self.traces[trace].0];
        let is_late = result.verdict.is_some() || result.ending != Ending::Decided;
        self.known.insert(
            trace,
            Waiting {
                life: self.lives,
                spans: Vec::new(),
                bytes: 0,
                due,
                decided: None,
                is_late,
            },
        );
        self.queue.push_back((trace, self.lives));
        self.due.entry(due).or_default().push((trace, self.lives));
    }

    /// Removes the oldest trace.
    fn evict(&mut self, results: &mut [Replayed]) {
        while let Some((trace, life)) = self.queue.pop_front() {
            let is_current = self
                .known
                .get(&trace)
                .is_some_and(|known| known.life == life);
            if !is_current {
                continue;
            }
            let Some(removed) = self.known.remove(&trace) else {
                return;
            };
            if removed.decided.is_none() {
                let result = &mut results[self.traces[trace].0];
                match removed.is_late {
                    true => result.late.not_kept += removed.spans.len(),
                    false => {
                        result.ending = Ending::Evicted;
                        result.judged = removed.spans;
                        result.is_cut = true;
                    }
                }
            }
            return;
        }
    }

    fn add(&mut self, batch: &Batch, results: &mut [Replayed]) {
        let (at, recorded) = self.traces[batch.trace];
        let ticks = self.ticks;
        let Some(known) = self.known.get_mut(&batch.trace) else {
            return;
        };
        let number = batch.spans.len();
        if let Some(kept) = known.decided {
            match kept {
                Some(true) => results[at].late.kept += number,
                _ => results[at].late.not_kept += number,
            }
            return;
        }
        let spans: Vec<&Span> = batch
            .spans
            .iter()
            .map(|&span| &recorded.spans[span])
            .collect();
        known.spans.extend(&batch.spans);
        known.bytes += super::trace_size(&spans);
        let after_root = Self::seconds(self.config.decision_wait_after_root_received);
        let has_root = spans.iter().any(|span| span.parent_id.is_none());
        if has_root && after_root > 0 && self.version.has(Since::WaitAfterRoot) {
            let due = ticks + after_root + 1;
            if due < known.due {
                known.due = due;
                self.due
                    .entry(due)
                    .or_default()
                    .push((batch.trace, known.life));
            }
        }
        let size = known.bytes;
        if is_too_large(self.config, self.version, size) {
            return self.refuse(batch.trace, size, results);
        }
        if self.config.strategy == Strategy::SpanIngest {
            self.ingest(batch, &spans, results);
        }
    }

    /// Ends a trace that is too large.
    fn refuse(&mut self, trace: usize, size: i64, results: &mut [Replayed]) {
        let (at, recorded) = self.traces[trace];
        let is_cached = self.not_sampled.put(recorded.id);
        let Some(known) = self.known.get_mut(&trace) else {
            return;
        };
        known.decided = Some(Some(false));
        let spans = std::mem::take(&mut known.spans);
        match known.is_late {
            true => results[at].late.not_kept += spans.len(),
            false => {
                results[at].ending = Ending::TooLarge(size);
                results[at].judged = spans;
            }
        }
        if is_cached {
            self.known.remove(&trace);
        }
    }

    /// Judges one batch at its arrival. Only a decision to keep or to drop ends the trace.
    fn ingest(&mut self, batch: &Batch, spans: &[&Span], results: &mut [Replayed]) {
        let (_, recorded) = self.traces[batch.trace];
        let count = self
            .known
            .get(&batch.trace)
            .map_or(0, |known| known.spans.len());
        let input = Input {
            spans,
            count,
            losses: &recorded.losses,
        };
        let verdict = self.judge.judge_batch(input, batch.at);
        let is_known = verdict.decision().is_some();
        if verdict.is_final() || !is_known {
            self.end(batch.trace, verdict, results);
        }
    }

    fn decide(&mut self, trace: usize, life: u64, now: Nanos, results: &mut [Replayed]) {
        let (_, recorded) = self.traces[trace];
        let Some(known) = self.known.get(&trace) else {
            return;
        };
        if known.life != life || known.decided.is_some() || known.due > self.ticks {
            return;
        }
        let spans: Vec<&Span> = known
            .spans
            .iter()
            .map(|&span| &recorded.spans[span])
            .collect();
        let input = Input::new(&spans, &recorded.losses);
        let verdict = match self.config.strategy {
            Strategy::TraceComplete => self.judge.judge(input, now),
            Strategy::SpanIngest => self.judge.judge(input, now).not_kept(),
        };
        self.end(trace, verdict, results);
    }

    fn end(&mut self, trace: usize, verdict: Verdict, results: &mut [Replayed]) {
        let (at, recorded) = self.traces[trace];
        let kept = verdict.kept();
        let is_cached = match kept {
            Some(true) => self.sampled.put(recorded.id),
            _ => self.not_sampled.put(recorded.id),
        };
        let Some(known) = self.known.get_mut(&trace) else {
            return;
        };
        known.decided = Some(kept);
        let spans = std::mem::take(&mut known.spans);
        let result = &mut results[at];
        if known.is_late {
            result.late.judged_alone += spans.len();
            match kept {
                Some(true) => result.late.kept += spans.len(),
                _ => result.late.not_kept += spans.len(),
            }
        } else {
            result.is_cut = spans.len() < recorded.spans.len();
            result.judged = spans;
            result.verdict = Some(verdict);
        }
        if is_cached {
            self.known.remove(&trace);
        }
    }
}
