//! What a process writes: kept for errors, told as events, looked through for a line.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::ServiceEvent;
use crate::process::{Child, Line, each_line};

/// How many lines are kept.
const KEPT: usize = 200;

/// Whom events are told.
pub(super) type Listener = Arc<dyn Fn(ServiceEvent) + Send + Sync>;

/// The last lines of a process, those of both outputs in the order they came.
#[derive(Debug, Default)]
pub(super) struct Tail(Mutex<VecDeque<String>>);

impl Tail {
    pub(super) fn push(&self, line: String) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == KEPT {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    /// At most this many lines, the last ones.
    pub(super) fn last(&self, count: usize) -> Vec<String> {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let skipped = lines.len().saturating_sub(count);
        lines.iter().skip(skipped).cloned().collect()
    }
}

/// Reads both outputs of a child until they are closed. Dropping the set ends the reading.
pub(super) fn read(child: &mut Child, take: impl Fn(Line) + Clone + Send + 'static) -> JoinSet<()> {
    let mut readers = JoinSet::new();
    if let Some((stdout, stderr)) = child.output() {
        readers.spawn(each_line(stdout, take.clone()));
        readers.spawn(each_line(stderr, take));
    }
    readers
}

/// What a service writes.
pub(super) struct Output {
    service: String,
    awaited: Option<regex::Regex>,
    seen: watch::Sender<bool>,
    tail: Tail,
    /// The line that was begun last, until all of it is written.
    begun: Mutex<String>,
    listener: Listener,
}

impl Output {
    /// Looks for a line that matches `awaited`, if there is one.
    pub(super) fn new(service: String, awaited: Option<regex::Regex>, listener: Listener) -> Self {
        Self {
            service,
            awaited,
            seen: watch::Sender::new(false),
            tail: Tail::default(),
            begun: Mutex::default(),
            listener,
        }
    }

    pub(super) fn take(&self, line: Line) {
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
                    line: line.clone(),
                });
                self.look_for_awaited(&line);
            }
        }
    }

    /// Colours and other control sequences are no part of a line.
    fn look_for_awaited(&self, line: &str) {
        let Some(awaited) = &self.awaited else {
            return;
        };
        if awaited.is_match(&anstream::adapter::strip_str(line).to_string()) {
            self.seen.send_replace(true);
        }
    }

    /// At most this many lines, the last ones, with the beginning of a line that has no end yet.
    pub(super) fn last(&self, count: usize) -> Vec<String> {
        let begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        let mut lines = self.tail.last(count);
        if !begun.is_empty() {
            lines.push(begun.clone());
            lines.drain(..lines.len().saturating_sub(count));
        }
        lines
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
        let tail = Tail::default();
        (0..KEPT + 5).for_each(|number| tail.push(number.to_string()));
        assert_eq!(tail.last(2), ["203", "204"]);
        assert_eq!(tail.last(1000).len(), KEPT);
    }
}
