//! What a store tells those who want to hear of everything.

use tokio::sync::broadcast;

use super::census::Refusal;
use crate::trace::TraceId;

/// Something that came.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum News {
    /// Traces that a request had spans for, and how many for each.
    Arrived(Vec<(TraceId, usize)>),
    /// A request that was not accepted.
    Refused(Refusal),
}

/// Whoever is slower than this many pieces of news misses the oldest, and is told so.
const NEWS: usize = 1024;

/// Those who want to hear of everything; telling costs nothing where there is nobody.
#[derive(Debug)]
pub(super) struct Audience(broadcast::Sender<News>);

impl Default for Audience {
    fn default() -> Self {
        Self(broadcast::Sender::new(NEWS))
    }
}

impl Audience {
    /// What is told from now on.
    pub(super) fn join(&self) -> broadcast::Receiver<News> {
        self.0.subscribe()
    }

    /// Tells everybody.
    pub(super) fn tell(&self, news: impl FnOnce() -> News) {
        if self.0.receiver_count() > 0 {
            // Whoever stopped listening in between needs no news.
            let _ = self.0.send(news());
        }
    }
}
