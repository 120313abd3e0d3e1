//! The open connections. If there are too many, the one that has been silent for the longest time ends.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// Maximum number of connections, if the process can open so many files.
const MAX_CONNECTIONS: usize = 1024;

/// A connection that was silent for this time can end for a new one.
const PATIENCE: Duration = Duration::from_millis(100);

/// The connections of a listener.
#[derive(Debug)]
pub(super) struct Connections {
    slots: Arc<Semaphore>,
    open: Mutex<HashMap<u64, Arc<Activity>>>,
    next: AtomicU64,
}

/// The activity of a connection.
#[derive(Debug)]
pub(super) struct Activity {
    began: Instant,
    /// Time from `began` to the last bytes of the client, in milliseconds.
    heard: AtomicU64,
    /// Number of requests that have no complete answer.
    serving: AtomicUsize,
    /// Number of those whose body is being read.
    reading: AtomicUsize,
    /// Notified when the connection must end.
    leave: Notify,
}

/// A connection among the others, until it is dropped.
#[derive(Debug)]
pub(super) struct Slot {
    connections: Arc<Connections>,
    id: u64,
    pub(super) activity: Arc<Activity>,
    _permit: OwnedSemaphorePermit,
}

impl Connections {
    pub(super) fn new() -> Self {
        Self::at_most(most())
    }

    fn at_most(most: usize) -> Self {
        Self {
            slots: Arc::new(Semaphore::new(most)),
            open: Mutex::default(),
            next: AtomicU64::new(0),
        }
    }

    /// A slot for a new connection. If all are taken, the connection that has been silent for the longest time, and
    /// waits for no answer, is told to end.
    pub(super) async fn slot(self: &Arc<Self>) -> Slot {
        loop {
            if let Ok(permit) = Arc::clone(&self.slots).try_acquire_owned() {
                return self.with(permit);
            }
            self.end_a_silent_one();
            let next = Arc::clone(&self.slots).acquire_owned();
            if let Ok(Ok(permit)) = timeout(PATIENCE, next).await {
                return self.with(permit);
            }
        }
    }

    fn with(self: &Arc<Self>, permit: OwnedSemaphorePermit) -> Slot {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let activity = Arc::new(Activity::new());
        self.lock().insert(id, Arc::clone(&activity));
        Slot {
            connections: Arc::clone(self),
            id,
            activity,
            _permit: permit,
        }
    }

    fn end_a_silent_one(&self) {
        let open = self.lock();
        let silent = open.values().filter(|activity| activity.waits_for_client());
        let longest = silent.max_by_key(|activity| activity.silence());
        if let Some(activity) = longest.filter(|activity| activity.silence() >= PATIENCE) {
            activity.leave.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Arc<Activity>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.connections.lock().remove(&self.id);
    }
}

impl Activity {
    fn new() -> Self {
        Self {
            began: Instant::now(),
            heard: AtomicU64::new(0),
            serving: AtomicUsize::new(0),
            reading: AtomicUsize::new(0),
            leave: Notify::new(),
        }
    }

    /// Records that bytes came.
    pub(super) fn hear(&self) {
        let heard = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.heard.store(heard, Ordering::Relaxed);
    }

    /// Waits until the connection must end.
    pub(super) async fn leave(&self) {
        self.leave.notified().await;
    }

    /// Counts a request until its answer is complete.
    pub(super) fn serve(self: &Arc<Self>) -> Counted {
        Counted::new(self, |activity| &activity.serving)
    }

    /// Counts a body until it is read.
    pub(super) fn read(self: &Arc<Self>) -> Counted {
        Counted::new(self, |activity| &activity.reading)
    }

    /// Returns `true` if a request of which the client has not sent all is being read.
    pub(super) fn is_reading(&self) -> bool {
        self.reading.load(Ordering::Relaxed) > 0
    }

    fn silence(&self) -> Duration {
        let heard = Duration::from_millis(self.heard.load(Ordering::Relaxed));
        self.began.elapsed().saturating_sub(heard)
    }

    /// Returns `true` if the client waits for no answer, or has not sent the rest of its requests.
    fn waits_for_client(&self) -> bool {
        self.serving.load(Ordering::Relaxed) <= self.reading.load(Ordering::Relaxed)
    }
}

/// A part of a counter, which is subtracted on drop.
#[derive(Debug)]
pub(super) struct Counted {
    activity: Arc<Activity>,
    counter: fn(&Activity) -> &AtomicUsize,
}

impl Counted {
    fn new(activity: &Arc<Activity>, counter: fn(&Activity) -> &AtomicUsize) -> Self {
        counter(activity).fetch_add(1, Ordering::Relaxed);
        Self {
            activity: Arc::clone(activity),
            counter,
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        (self.counter)(&self.activity).fetch_sub(1, Ordering::Relaxed);
    }
}

/// Half of the files that the process can open are left for reports, services and requests.
#[cfg(all(unix, feature = "run"))]
fn most() -> usize {
    use nix::sys::resource::{Resource, getrlimit};

    let files = getrlimit(Resource::RLIMIT_NOFILE).map_or(u64::MAX, |(soft, _)| soft);
    usize::try_from(files / 2)
        .unwrap_or(MAX_CONNECTIONS)
        .clamp(1, MAX_CONNECTIONS)
}

#[cfg(not(all(unix, feature = "run")))]
fn most() -> usize {
    MAX_CONNECTIONS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_new_connection_takes_the_slot_of_the_most_silent_one_and_of_none_that_is_served() {
        let connections = Arc::new(Connections::at_most(2));
        let served = connections.slot().await;
        let _answer = served.activity.serve();
        let silent = connections.slot().await;
        let left = async {
            silent.activity.leave().await;
            drop(silent);
        };
        let (new, ()) = tokio::join!(connections.slot(), left);
        assert_eq!(new.id, 2);
    }
}
