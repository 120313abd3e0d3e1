//! What every spec of a run shares.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::{OnceCell, RwLock, RwLockReadGuard, RwLockWriteGuard, Semaphore, watch};

use super::completeness::Flush;
use super::delays::ProvenBound;
use crate::budget::baseline::{Mismatch, ReceivedBy};
use crate::machine::Machine;
use crate::result::Trouble;
use crate::run::Archive;
use crate::secret::Secrets;
use crate::source::TraceSource;
use crate::spec::Spec;
use crate::trace::{Peers, Trace};

/// Maximum number of calls without a SERVER span that the notes of a run list.
const MOST_CALLS: usize = 6;

/// How a run goes about its specs.
#[derive(Clone, Debug)]
pub struct Options {
    /// So many specs run side by side.
    pub jobs: usize,
    /// So many more attempts a spec gets that did not pass.
    pub retries: usize,
    /// After so many specs that did not pass, no further one starts.
    pub max_fail: Option<usize>,
    /// For how long services may keep a span.
    pub flush: Flush,
    /// Until when a refused connection may only mean that a service is still starting.
    pub starting_until: Option<Instant>,
    /// Which traces are saved.
    pub save_traces: SaveTraces,
    /// Whether we started services: then nobody has to be told which variables to set.
    pub services: Services,
    /// Values that must not be written; those that become known in the run are added.
    pub secrets: Secrets,
    /// How budgets are judged.
    pub budgets: Budgeting,
    /// What this run has in common with others that go on at the same time.
    pub shared: Shared,
}

/// How a run judges budgets, and what becomes of baselines.
#[derive(Clone, Debug)]
pub struct Budgeting {
    /// Whether what is not proven fails.
    pub is_strict: bool,
    /// Where baselines are, instead of beside their specs; below it, files are named as their specs
    /// are from `root`.
    pub folder: Option<PathBuf>,
    /// The folder of the project.
    pub root: PathBuf,
    /// Whether baselines are written.
    pub update: Update,
    /// Whether a baseline from another machine may be compared with.
    pub mismatch: Mismatch,
    /// What this machine is called: those with the same name are taken for alike.
    pub machine: Option<String>,
    /// Who receives the spans.
    pub received_by: ReceivedBy,
}

/// Whether what was measured is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Update {
    /// Beside the baseline, for the user to accept, where there is none or where the verdict asks
    /// for one.
    Proposed,
    /// Into the baseline.
    Always,
    /// Nowhere.
    Never,
}

impl Update {
    /// What becomes of baselines where the user does not say: they are proposed, but for CI, where
    /// nobody would accept them. `ci` is the variable `CI`.
    #[must_use]
    pub fn usual(ci: Option<&str>) -> Self {
        match ci {
            None | Some("" | "0" | "false") => Self::Proposed,
            Some(_) => Self::Never,
        }
    }
}

impl Default for Budgeting {
    /// Baselines beside their specs are read, and none is written.
    fn default() -> Self {
        Self {
            is_strict: false,
            folder: None,
            root: PathBuf::from("."),
            update: Update::Never,
            mismatch: Mismatch::Refused,
            machine: None,
            received_by: ReceivedBy::Itself,
        }
    }
}

/// State shared by concurrent runs against the same system: the locks of specs, the flush bound
/// that late spans have proved, the services seen, the requests in flight, exclusive measurements, and the machine.
/// A clone refers to the same state.
#[derive(Clone, Debug)]
pub struct Shared {
    bound: Arc<ProvenBound>,
    peers: Arc<Mutex<Peers>>,
    in_flight: Arc<Semaphore>,
    locks: Arc<Mutex<Locks>>,
    machine: Arc<OnceCell<Machine>>,
    quiet: Arc<RwLock<()>>,
}

type Locks = HashMap<String, Arc<tokio::sync::Mutex<()>>>;

impl Default for Shared {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            bound: Arc::default(),
            peers: Arc::default(),
            in_flight: Arc::new(Semaphore::new((2 * cores).max(8))),
            locks: Arc::default(),
            machine: Arc::default(),
            quiet: Arc::default(),
        }
    }
}

impl Shared {
    /// On a machine that need not be looked at.
    #[cfg(test)]
    pub(crate) fn on(machine: Machine) -> Self {
        Self {
            machine: Arc::new(OnceCell::from(machine)),
            ..Self::default()
        }
    }

    /// What machine this is; looked at once, when somebody first asks.
    pub(crate) async fn machine(&self) -> Machine {
        let examine = || async {
            let examined = tokio::task::spawn_blocking(Machine::examine).await;
            examined.unwrap_or_else(|_| Machine::examine())
        };
        self.machine.get_or_init(examine).await.clone()
    }
}

impl Default for Options {
    /// 64 specs side by side, one attempt each, all of them, with services that somebody else
    /// started; no trace is saved.
    fn default() -> Self {
        Self {
            jobs: 64,
            retries: 0,
            max_fail: None,
            flush: Flush::Assumed,
            starting_until: None,
            save_traces: SaveTraces::Never,
            services: Services::Theirs,
            secrets: Secrets::default(),
            budgets: Budgeting::default(),
            shared: Shared::default(),
        }
    }
}

/// Which traces are saved as OTLP/JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SaveTraces {
    /// Those of specs that did not pass, in this folder.
    Failures(PathBuf),
    /// All of them, in this folder.
    All(PathBuf),
    /// None.
    Never,
}

/// Whose services are tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Services {
    /// We started them, with an environment that leads their spans to us.
    Ours,
    /// They run anyway.
    Theirs,
}

/// Why no spec should start any more, or go on.
#[derive(Clone, Debug, PartialEq)]
pub enum Stop {
    /// The user pressed Ctrl-C.
    Interrupted,
    /// A service that we started has died.
    Died(Trouble),
}

/// What the steps of a run share.
pub(crate) struct Setting<'a> {
    pub(crate) source: &'a dyn TraceSource,
    pub(crate) options: &'a Options,
    /// The flush bound that late spans have proved.
    pub(crate) bound: Arc<ProvenBound>,
    /// The services that had SERVER spans.
    peers: Arc<Mutex<Peers>>,
    /// Calls of such services without a SERVER span, in traces that were complete by a known flush bound.
    unanswered: Mutex<BTreeMap<String, usize>>,
    pub(crate) secrets: Secrets,
    pub(crate) archive: Archive,
    pub(crate) stop: watch::Receiver<Option<Stop>>,
    /// Triggers in flight at the same time: so that fifty specs that mostly wait do not make the
    /// system slow by all calling it at once.
    pub(crate) in_flight: Arc<Semaphore>,
    /// Traces waited for the default flush bound, since the services' is unknown.
    has_assumed: AtomicBool,
    /// Why traces could not be saved; each reason once.
    unsaved: Mutex<BTreeSet<String>>,
    locks: Arc<Mutex<Locks>>,
    quiet: Arc<RwLock<()>>,
}

/// While it is held, what would disturb it waits.
pub(crate) enum Company<'a> {
    /// Others of the kind run side by side.
    Others { _held: RwLockReadGuard<'a, ()> },
    /// Nobody else uses the system.
    Nobody { _held: RwLockWriteGuard<'a, ()> },
}

impl SaveTraces {
    /// The folder of saved traces.
    pub(crate) fn folder(&self) -> Option<&Path> {
        match self {
            Self::Failures(folder) | Self::All(folder) => Some(folder),
            Self::Never => None,
        }
    }
}

impl<'a> Setting<'a> {
    pub(crate) fn new(
        source: &'a dyn TraceSource,
        options: &'a Options,
        stop: watch::Receiver<Option<Stop>>,
    ) -> Self {
        let shared = options.shared.clone();
        Self {
            source,
            options,
            bound: shared.bound,
            peers: shared.peers,
            unanswered: Mutex::default(),
            secrets: options.secrets.clone(),
            archive: Archive::default(),
            stop,
            in_flight: shared.in_flight,
            has_assumed: AtomicBool::new(false),
            unsaved: Mutex::default(),
            locks: shared.locks,
            quiet: shared.quiet,
        }
    }

    /// The lock of this name, made on first use.
    pub(crate) fn lock(&self, name: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(locks.entry(name.to_owned()).or_default())
    }

    /// Waits until the system is free for this spec: where durations are measured nothing else may
    /// run.
    pub(crate) async fn company(&self, spec: &Spec) -> Company<'_> {
        match spec.repeat {
            None => Company::Others {
                _held: self.quiet.read().await,
            },
            Some(_) => Company::Nobody {
                _held: self.quiet.write().await,
            },
        }
    }

    /// Calls of services that had SERVER spans in this run, without one: the indexes of their spans.
    pub(crate) fn unanswered(&self, trace: &Trace) -> Vec<usize> {
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        peers.note(trace);
        peers.unanswered(trace)
    }

    /// Records sentences about calls without a SERVER span in a trace that was taken for complete.
    pub(crate) fn note_unanswered(&self, calls: impl IntoIterator<Item = String>) {
        let mut unanswered = self
            .unanswered
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for call in calls {
            *unanswered.entry(call).or_default() += 1;
        }
    }

    /// The calls without a SERVER span in traces that were taken for complete, a sentence each.
    pub(crate) fn calls_unanswered(&self) -> Vec<String> {
        let unanswered = self
            .unanswered
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let sentence = |(call, times): (&String, &usize)| match times {
            1 => call.clone(),
            _ => format!("{call} ({times} times)"),
        };
        unanswered.iter().take(MOST_CALLS).map(sentence).collect()
    }

    /// Records that a trace waited for this flush bound.
    pub(crate) fn note_wait(&self, flush: Flush) {
        if flush == Flush::Assumed {
            self.has_assumed.store(true, Ordering::Relaxed);
        }
    }

    /// A trace waited for the default flush bound, since the services' is unknown.
    pub(crate) fn has_assumed(&self) -> bool {
        self.has_assumed.load(Ordering::Relaxed)
    }

    pub(crate) fn note_unsaved(&self, why: String) {
        let mut unsaved = self.unsaved.lock().unwrap_or_else(PoisonError::into_inner);
        unsaved.insert(why);
    }

    /// What kept traces from being saved.
    pub(crate) fn unsaved(&self) -> Vec<Trouble> {
        let unsaved = self.unsaved.lock().unwrap_or_else(PoisonError::into_inner);
        unsaved.iter().map(|why| Trouble::told(why, None)).collect()
    }

    /// Resolves when the run should end early.
    pub(crate) async fn stopped(&self) -> Stop {
        let mut stop = self.stop.clone();
        let stopped = stop
            .wait_for(Option::is_some)
            .await
            .ok()
            .and_then(|stop| stop.clone());
        match stopped {
            Some(stop) => stop,
            // Nobody is left who could stop it.
            None => std::future::pending().await,
        }
    }
}
