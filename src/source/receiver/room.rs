//! The memory of request bodies that are being read.
//!
//! A body takes room for the bytes that have come, not for its connection or its length. If there is no room left, the
//! body whose client has been silent for the longest time gives up its own.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::time::sleep_until;

/// Maximum size of all bodies together: four of the largest ones.
const MAX_ROOM: usize = 256 << 20;

/// A client that sends nothing for this time can lose its room. Long enough for a busy machine.
const PATIENCE: Duration = Duration::from_millis(100);

/// Maximum number of bodies that wait for room. Each can have 16 MiB that were sent and are not read.
const MAX_WAITING: usize = 16;

/// The room, shared by all requests of a receiver.
#[derive(Debug)]
pub(super) struct Room {
    bodies: Mutex<Bodies>,
    /// Notified when a body ends.
    released: Notify,
}

#[derive(Debug)]
struct Bodies {
    free: usize,
    next: u64,
    open: HashMap<u64, OpenBody>,
}

#[derive(Debug)]
struct OpenBody {
    held: usize,
    state: BodyState,
    /// Notified when the body must give up its room.
    revoked: Arc<Notify>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BodyState {
    /// Its client has sent nothing since this moment.
    Silent(Instant),
    /// It needs more room.
    Waiting,
    /// It will end soon: it is whole, or was told to give up its room.
    Ending,
}

/// There is no room for more bytes of this body.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoRoom;

impl Default for Room {
    fn default() -> Self {
        Self::of(MAX_ROOM)
    }
}

impl Room {
    fn of(free: usize) -> Self {
        let bodies = Bodies {
            free,
            next: 0,
            open: HashMap::new(),
        };
        Self {
            bodies: Mutex::new(bodies),
            released: Notify::new(),
        }
    }

    /// The place of a body of which no byte has come.
    pub(super) fn enter(self: &Arc<Self>) -> Place {
        let revoked = Arc::new(Notify::new());
        let mut bodies = self.lock();
        let id = bodies.next;
        bodies.next += 1;
        let body = OpenBody {
            held: 0,
            state: BodyState::Silent(Instant::now()),
            revoked: Arc::clone(&revoked),
        };
        bodies.open.insert(id, body);
        drop(bodies);
        Place {
            room: Arc::clone(self),
            id,
            revoked,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Bodies> {
        self.bodies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a body that needs room does next.
enum Step {
    Taken,
    Refused,
    /// It waits for the end of another body, and tries again at this moment.
    Wait(Option<Instant>),
}

impl Bodies {
    fn take(&mut self, id: u64, bytes: usize, now: Instant) -> Step {
        if self.free >= bytes {
            self.free -= bytes;
            if let Some(body) = self.open.get_mut(&id) {
                body.held += bytes;
                body.state = BodyState::Silent(now);
            }
            return Step::Taken;
        }
        if let Some(body) = self.open.get_mut(&id) {
            body.state = BodyState::Waiting;
        }
        let others = self.open.iter().filter(|(other, _)| **other != id);
        let waiting = others
            .clone()
            .filter(|(_, body)| body.state == BodyState::Waiting);
        if waiting.count() >= MAX_WAITING {
            return Step::Refused;
        }
        let holders = others.filter(|(_, body)| body.held > 0);
        if holders
            .clone()
            .any(|(_, body)| body.state == BodyState::Ending)
        {
            return Step::Wait(None);
        }
        let silent = holders.filter_map(|(&id, body)| match body.state {
            BodyState::Silent(since) => Some((since, id)),
            BodyState::Waiting | BodyState::Ending => None,
        });
        match silent.min() {
            // All others wait for room, perhaps for that of this body.
            None => Step::Refused,
            Some((since, other)) if since + PATIENCE <= now => {
                if let Some(body) = self.open.get_mut(&other) {
                    body.state = BodyState::Ending;
                    body.revoked.notify_one();
                }
                Step::Wait(None)
            }
            Some((since, _)) => Step::Wait(Some(since + PATIENCE)),
        }
    }
}

/// The place of a body. Its room is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    room: Arc<Room>,
    id: u64,
    revoked: Arc<Notify>,
}

impl Place {
    /// Takes room for bytes that have come, perhaps after a wait.
    ///
    /// # Errors
    /// When there is none, and no silent client to take it from.
    pub(super) async fn take(&self, bytes: usize) -> Result<(), NoRoom> {
        loop {
            let mut released = std::pin::pin!(self.room.released.notified());
            // From here on, no end is missed.
            released.as_mut().enable();
            let step = self.room.lock().take(self.id, bytes, Instant::now());
            let again = match step {
                Step::Taken => return Ok(()),
                Step::Refused => return Err(NoRoom),
                Step::Wait(again) => again,
            };
            let again = async {
                match again {
                    Some(at) => sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = released => {}
                () = again => {}
            }
        }
    }

    /// Waits until the body must give up its room.
    pub(super) async fn revoked(&self) {
        self.revoked.notified().await;
    }

    /// Records that the body is whole.
    pub(super) fn is_whole(&self) {
        if let Some(body) = self.room.lock().open.get_mut(&self.id) {
            body.state = BodyState::Ending;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut bodies = self.room.lock();
        if let Some(body) = bodies.open.remove(&self.id) {
            bodies.free += body.held;
        }
        drop(bodies);
        self.room.released.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> (Arc<Room>, Place) {
        let room = Arc::new(Room::of(100));
        let first = room.enter();
        (room, first)
    }

    #[tokio::test]
    async fn a_body_whose_client_is_silent_gives_its_room_to_one_whose_client_sends() {
        let (room, silent) = full();
        silent.take(80).await.unwrap();
        let active = room.enter();
        let ended = async {
            silent.revoked().await;
            drop(silent);
        };
        let (taken, ()) = tokio::join!(active.take(60), ended);
        assert_eq!(taken, Ok(()));
    }

    #[tokio::test]
    async fn a_body_waits_for_the_end_of_a_whole_one() {
        let (room, whole) = full();
        whole.take(80).await.unwrap();
        whole.is_whole();
        let next = room.enter();
        let waiting = tokio::spawn(async move { next.take(60).await });
        drop(whole);
        assert_eq!(waiting.await.unwrap(), Ok(()));
    }

    #[tokio::test]
    async fn of_bodies_that_all_wait_the_last_one_is_refused() {
        let (room, first) = full();
        first.take(50).await.unwrap();
        let second = room.enter();
        second.take(50).await.unwrap();
        let (one, two) = tokio::join!(first.take(10), async {
            let refused = second.take(10).await;
            drop(second);
            refused
        });
        assert_eq!((one, two), (Ok(()), Err(NoRoom)));
    }
}
