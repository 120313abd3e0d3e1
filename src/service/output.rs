//! The output of a process: kept for errors, reported as events, and searched for a line.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{OutputStream, ServiceEvent};
use crate::process::{Child, Line, each_line};

/// Number of lines that are kept.
const KEPT: usize = 200;

/// The callback for events.
pub(super) type EventCallback = Arc<dyn Fn(ServiceEvent) + Send + Sync>;

/// The last lines of both outputs of a process, in the order of their arrival.
#[derive(Debug, Default)]
pub(super) struct LineTail(Mutex<VecDeque<(Instant, String)>>);

impl LineTail {
    pub(super) fn push(&self, line: String) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == KEPT {
            lines.pop_front();
        }
        lines.push_back((Instant::now(), line));
    }

    /// The last `count` lines.
    pub(super) fn last(&self, count: usize) -> Vec<String> {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let skipped = lines.len().saturating_sub(count);
        let lines = lines.iter().skip(skipped);
        lines.map(|(_, line)| line.clone()).collect()
    }

    /// The lines since this moment, as far as they are kept.
    fn since(&self, moment: Instant) -> Vec<String> {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let since = lines.iter().skip_while(|(at, _)| *at < moment);
        since.map(|(_, line)| line.clone()).collect()
    }
}

/// Reads both outputs of a child until they are closed, or the set is dropped.
pub(super) fn read(
    child: &mut Child,
    take: impl Fn(OutputStream, Line) + Clone + Send + 'static,
) -> JoinSet<()> {
    let mut readers = JoinSet::new();
    if let Some((stdout, stderr)) = child.output() {
        let of_stdout = take.clone();
        readers.spawn(each_line(stdout, move |line| {
            of_stdout(OutputStream::Stdout, line);
        }));
        readers.spawn(each_line(stderr, move |line| {
            take(OutputStream::Stderr, line);
        }));
    }
    readers
}

/// The output of a service.
pub(super) struct ServiceOutput {
    service: String,
    awaited: Option<regex::Regex>,
    seen: watch::Sender<bool>,
    tail: LineTail,
    /// The beginning of a line that is not complete.
    begun: Mutex<String>,
    listener: EventCallback,
}

impl ServiceOutput {
    /// The output of a service, searched for a line that matches `awaited`.
    pub(super) fn new(
        service: String,
        awaited: Option<regex::Regex>,
        listener: EventCallback,
    ) -> Self {
        Self {
            service,
            awaited,
            seen: watch::Sender::new(false),
            tail: LineTail::default(),
            begun: Mutex::default(),
            listener,
        }
    }

    pub(super) fn take(&self, stream: OutputStream, line: Line) {
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        match line {
            Line::Begun(line) => {
                self.look_for_awaited(&line);
                *begun = line;
            }
            Line::Whole(line) => {
                if line.starts_with(begun.as_str()) {
                    begun.clear();
                }
                self.tail.push(line.clone());
                (self.listener)(ServiceEvent::Output {
                    service: self.service.clone(),
                    stream,
                    line: line.clone(),
                });
                self.look_for_awaited(&line);
            }
        }
    }

    fn look_for_awaited(&self, line: &str) {
        let Some(awaited) = &self.awaited else {
            return;
        };
        if awaited.is_match(line) {
            self.seen.send_replace(true);
        }
    }

    /// The last `count` lines, including the beginning of an incomplete line.
    pub(super) fn last(&self, count: usize) -> Vec<String> {
        let begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        let mut lines = self.tail.last(count);
        if !begun.is_empty() {
            lines.push(begun.clone());
            lines.drain(..lines.len().saturating_sub(count));
        }
        lines
    }

    /// The whole lines since this moment, as far as they are kept.
    pub(super) fn since(&self, moment: Instant) -> Vec<String> {
        self.tail.since(moment)
    }

    /// Resolves when the awaited line has been written.
    pub(super) async fn seen(&self) {
        let mut seen = self.seen.subscribe();
        seen.wait_for(|seen| *seen)
            .await
            .expect("the sender lives as long as `self`");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_lines_are_kept() {
        let tail = LineTail::default();
        (0..KEPT + 5).for_each(|number| tail.push(number.to_string()));
        assert_eq!(tail.last(2), ["203", "204"]);
        assert_eq!(tail.last(1000).len(), KEPT);
    }
}
