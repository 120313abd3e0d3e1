//! News from outside: files that changed, and what the user types.

use std::collections::BTreeSet;
use std::io::BufRead;
use std::path::PathBuf;
use std::time::Duration;

use notify_debouncer_full::notify::{self, EventKind, RecommendedWatcher, RecursiveMode};
use notify_debouncer_full::{DebounceEventResult, Debouncer, NoCache, new_debouncer_opt};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::interest::{Folder, Interest, Known, real};

/// Editors write a file in several goes; after this much quiet it is taken as written.
const QUIET: Duration = Duration::from_millis(60);

/// Something that happened.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum News {
    /// These files differ from what they were.
    Changed(BTreeSet<PathBuf>),
    /// The user pressed Enter.
    Enter,
    /// The user typed `q`.
    Quit,
    /// The system reports no more changes, with the reason.
    Blind(String),
}

enum WatchEvent {
    Files(Vec<PathBuf>),
    Line(String),
    Failed(String),
}

/// Watches files and standard input.
pub(super) struct Changes {
    events: mpsc::UnboundedReceiver<WatchEvent>,
    debouncer: Debouncer<RecommendedWatcher, NoCache>,
    /// Came while more was waited for.
    pending: Option<WatchEvent>,
    watched: BTreeSet<Folder>,
    known: Known,
    pub(super) interest: Interest,
}

impl Changes {
    pub(super) fn new(interest: Interest) -> notify::Result<Self> {
        let (tell, events) = mpsc::unbounded_channel();
        let files = tell.clone();
        let heard = move |events: DebounceEventResult| {
            // The receiver is gone only at the end of the process.
            let _ = files.send(match events {
                Ok(events) => WatchEvent::Files(
                    events
                        .into_iter()
                        // We read the files ourselves, which must not be news to us.
                        .filter(|event| !matches!(event.kind, EventKind::Access(_)))
                        .flat_map(|event| event.event.paths)
                        .collect(),
                ),
                Err(errors) => {
                    WatchEvent::Failed(errors.first().map_or_else(String::new, ToString::to_string))
                }
            });
        };
        let debouncer = new_debouncer_opt(
            QUIET,
            None,
            heard,
            NoCache::new(),
            notify::Config::default(),
        )?;
        std::thread::spawn(move || read_lines(&tell));
        let mut changes = Self {
            events,
            debouncer,
            pending: None,
            watched: BTreeSet::new(),
            known: Known::default(),
            interest: Interest::default(),
        };
        changes.look_at(interest)?;
        Ok(changes)
    }

    /// Watches what matters from now on.
    pub(super) fn look_at(&mut self, interest: Interest) -> notify::Result<()> {
        let folders = interest.folders();
        for gone in self.watched.difference(&folders) {
            // It may be gone for good.
            let _ = self.debouncer.unwatch(&gone.path);
        }
        for new in folders.difference(&self.watched) {
            let mode = if new.is_deep {
                RecursiveMode::Recursive
            } else {
                RecursiveMode::NonRecursive
            };
            self.debouncer.watch(&new.path, mode)?;
        }
        self.watched = folders;
        if self.interest != interest {
            self.known.scan(&interest);
            self.interest = interest;
        }
        Ok(())
    }

    /// Takes files as they are now: we wrote them.
    pub(super) fn overlook(&mut self, files: &[PathBuf]) {
        for file in files {
            self.known.has_changed(&real(file));
        }
    }

    /// Waits for the next thing that matters.
    pub(super) async fn next(&mut self) -> News {
        loop {
            let event = match self.pending.take() {
                Some(event) => Some(event),
                None => self.events.recv().await,
            };
            match event {
                Some(WatchEvent::Files(paths)) => {
                    let paths = self.with_what_follows(paths).await;
                    let changed = self.changed(paths);
                    if !changed.is_empty() {
                        return News::Changed(changed);
                    }
                }
                Some(WatchEvent::Line(line)) => match line.trim() {
                    "" => return News::Enter,
                    "q" | "quit" | "exit" => return News::Quit,
                    _ => {}
                },
                Some(WatchEvent::Failed(why)) => return News::Blind(why),
                None => std::future::pending().await,
            }
        }
    }

    /// All that changes without a pause: who saves all files, or checks out a branch, means one
    /// run.
    async fn with_what_follows(&mut self, mut paths: Vec<PathBuf>) -> Vec<PathBuf> {
        while let Ok(Some(event)) = timeout(QUIET, self.events.recv()).await {
            match event {
                WatchEvent::Files(more) => paths.extend(more),
                other => {
                    self.pending = Some(other);
                    break;
                }
            }
        }
        paths
    }

    /// The paths that matter, and differ from what they were.
    fn changed(&mut self, paths: Vec<PathBuf>) -> BTreeSet<PathBuf> {
        if paths.iter().any(|path| path.is_dir()) {
            // A folder of specs that was not there before. Where it cannot be watched, what is in
            // it now can be run all the same.
            let _ = self.look_at(self.interest.clone());
        }
        let files: Vec<PathBuf> = paths
            .into_iter()
            .flat_map(|path| self.files(path))
            .collect();
        let known = &mut self.known;
        files
            .into_iter()
            .filter(|file| known.has_changed(file))
            .collect()
    }

    /// The file, if it is relevant; of a new folder, the files in it, which the system does not report.
    fn files(&self, path: PathBuf) -> Vec<PathBuf> {
        if path.is_dir() {
            return self.interest.brought_by(&path);
        }
        self.interest
            .role(&path)
            .map(|_| path)
            .into_iter()
            .collect()
    }
}

/// Sends the lines of standard input, until its end.
fn read_lines(tell: &mpsc::UnboundedSender<WatchEvent>) {
    for line in std::io::stdin().lock().lines() {
        let is_heard = line.is_ok_and(|line| tell.send(WatchEvent::Line(line)).is_ok());
        if !is_heard {
            return;
        }
    }
}
