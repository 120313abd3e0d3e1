//! Settings of a run.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OnceCell, RwLock, RwLockReadGuard, RwLockWriteGuard, Semaphore};

use super::completeness::Flush;
use super::delays::ExportDelays;
use super::kept::KeptEvidence;
use crate::budget::baseline::{Mismatch, ReceivedBy};
use crate::machine::Machine;
use crate::result::Trouble;
use crate::secret::Secrets;
use crate::service::ServiceOutputs;
use crate::source::ScrapeTarget;
use crate::spec::{Spec, Step};
use crate::trace::Peers;

/// Settings of a run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Maximum number of specs that run concurrently.
    pub jobs: usize,
    /// Number of further attempts after a spec did not pass.
    pub retries: usize,
    /// No further spec starts after this number of specs did not pass.
    pub max_fail: Option<usize>,
    /// Upper bound for the delay between the end of a span and its export.
    pub flush: Flush,
    /// Upper bound for the delay between a log record and its export.
    pub log_flush: Flush,
    /// Upper bound for the delay between a measurement and the export of its metric.
    pub metric_flush: Flush,
    /// Endpoints with metrics of the services.
    pub scrape: Vec<ScrapeTarget>,
    /// Until this moment, a refused connection is tried again: the service may still be starting.
    pub starting_until: Option<Instant>,
    /// The outputs of the services that this process started.
    pub outputs: ServiceOutputs,
    /// Traces to save.
    pub save_traces: SaveTraces,
    /// The process that started the services. Determines whether diagnoses mention environment variables.
    pub services: Services,
    /// Values to mask. The run adds those that it captures.
    pub secrets: Secrets,
    /// Settings for budgets and baselines.
    pub budgets: Budgeting,
    /// Keeps the evidence of each step. Checks of traces then wait for the complete trace.
    pub keep_evidence: Option<KeptEvidence>,
    /// State shared by concurrent runs: locks, export delays, requests in flight.
    pub shared: Shared,
}

/// Settings for budgets and baselines.
#[derive(Clone, Debug)]
pub struct Budgeting {
    /// Fail verdicts that are not proven.
    pub is_strict: bool,
    /// The folder of all baselines, which are named by the path of their spec relative to `root`.
    /// `None`: baselines are next to their specs.
    pub folder: Option<PathBuf>,
    /// The folder of the project.
    pub root: PathBuf,
    /// When baselines are written.
    pub update: Update,
    /// Permits comparison with baselines of other machines.
    pub mismatch: Mismatch,
    /// Name of this machine. Machines with the same name are comparable.
    pub machine: Option<String>,
    /// The process that receives the spans.
    pub received_by: ReceivedBy,
    /// Maximum number of further runs before a budget fails, instead of that of the spec.
    pub confirm: Option<u8>,
    /// The pause before a further run, so that a short disturbance is over.
    pub confirm_pause: Duration,
}

/// When a run writes baselines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Update {
    /// A proposal next to the baseline, if there is no baseline or the verdict asks for a new one.
    Proposed,
    /// The baseline itself, after each run.
    Always,
    /// Never.
    Never,
    /// Never, because that is the default in CI.
    NeverInCi,
}

impl Update {
    /// The default, given the environment variable `CI`: proposals, but nothing in CI, where no
    /// user can accept them.
    #[must_use]
    pub fn usual(ci: Option<&str>) -> Self {
        match ci {
            None | Some("" | "0" | "false") => Self::Proposed,
            Some(_) => Self::NeverInCi,
        }
    }
}

impl Default for Budgeting {
    /// Reads baselines next to their specs, and writes none.
    fn default() -> Self {
        Self {
            is_strict: false,
            folder: None,
            root: PathBuf::from("."),
            update: Update::Never,
            mismatch: Mismatch::Refused,
            machine: None,
            received_by: ReceivedBy::Itself,
            confirm: None,
            confirm_pause: Duration::from_secs(5),
        }
    }
}

/// State shared by concurrent runs against the same system: locks of specs, export delays, services
/// seen, requests in flight, exclusive access for measurements, and the machine. A clone refers to
/// the same state.
#[derive(Clone, Debug)]
pub struct Shared {
    pub(super) delays: Arc<ExportDelays>,
    pub(super) peers: Arc<Mutex<Peers>>,
    pub(super) in_flight: Arc<Semaphore>,
    locks: Arc<Mutex<Locks>>,
    machine: Arc<OnceCell<Machine>>,
    access: Arc<RwLock<()>>,
}

type Locks = HashMap<String, Arc<tokio::sync::Mutex<()>>>;

/// The right to send requests to the system under test.
pub(crate) enum SystemAccess<'a> {
    /// Other specs may run at the same time.
    Shared { _held: RwLockReadGuard<'a, ()> },
    /// No other spec runs.
    Exclusive { _held: RwLockWriteGuard<'a, ()> },
}

impl Default for Shared {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            delays: Arc::default(),
            peers: Arc::default(),
            in_flight: Arc::new(Semaphore::new((2 * cores).max(8))),
            locks: Arc::default(),
            machine: Arc::default(),
            access: Arc::default(),
        }
    }
}

impl Shared {
    /// State that knows these traced services.
    pub(crate) fn with_peers(peers: Arc<Mutex<Peers>>) -> Self {
        Self {
            peers,
            ..Self::default()
        }
    }

    /// Shared state with a known machine.
    #[cfg(test)]
    pub(crate) fn on(machine: Machine) -> Self {
        Self {
            machine: Arc::new(OnceCell::from(machine)),
            ..Self::default()
        }
    }

    /// This machine, examined on the first call.
    pub(crate) async fn machine(&self) -> Machine {
        let examine = || async {
            let examined = tokio::task::spawn_blocking(Machine::examine).await;
            examined.unwrap_or_else(|_| Machine::examine())
        };
        self.machine.get_or_init(examine).await.clone()
    }

    /// The lock with this name, created on first use.
    pub(crate) fn lock(&self, name: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(locks.entry(name.to_owned()).or_default())
    }

    /// Waits until this spec may send requests. Specs that run alone get exclusive access.
    pub(crate) async fn access(&self, spec: &Spec) -> SystemAccess<'_> {
        match spec.runs_alone() {
            false => SystemAccess::Shared {
                _held: self.access.read().await,
            },
            true => SystemAccess::Exclusive {
                _held: self.access.write().await,
            },
        }
    }
}

impl Default for Options {
    /// Up to 64 specs run concurrently, with one attempt each, against services that were started
    /// elsewhere. No trace is saved.
    fn default() -> Self {
        Self {
            jobs: 64,
            retries: 0,
            max_fail: None,
            flush: Flush::Assumed,
            log_flush: Flush::Assumed,
            metric_flush: Flush::Assumed,
            scrape: Vec::new(),
            starting_until: None,
            outputs: ServiceOutputs::default(),
            save_traces: SaveTraces::Never,
            services: Services::Theirs,
            secrets: Secrets::default(),
            budgets: Budgeting::default(),
            keep_evidence: None,
            shared: Shared::default(),
        }
    }
}

/// Traces to save as OTLP/JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SaveTraces {
    /// Those of specs that did not pass, in this folder.
    Failures(PathBuf),
    /// All traces, in this folder.
    All(PathBuf),
    /// None.
    Never,
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

/// The process that started the services under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Services {
    /// This process, with environment variables that send their spans here.
    Ours,
    /// Another process.
    Theirs,
}

/// The reason to end a run early.
#[derive(Clone, Debug, PartialEq)]
pub enum Stop {
    /// The user pressed Ctrl-C.
    Interrupted,
    /// A service that this process started has ended.
    Died(Trouble),
}

impl Stop {
    /// The trouble of a step that this ended.
    pub(crate) fn trouble(self, step: &Step) -> Trouble {
        match self {
            Self::Died(trouble) => Trouble {
                at: Some(step.at.clone()),
                ..trouble
            },
            Self::Interrupted => Trouble::new("interrupted"),
        }
    }
}
