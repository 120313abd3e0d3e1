//! The end of a source that is read from elsewhere.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::watch;

/// The reason why a source cannot be read any longer. Copies refer to the same source.
#[derive(Clone, Debug)]
pub(super) struct Gone(watch::Sender<Option<String>>);

impl Default for Gone {
    fn default() -> Self {
        Self(watch::Sender::new(None))
    }
}

impl Gone {
    /// Records the reason. The first one is kept.
    pub(super) fn record(&self, why: impl FnOnce() -> String) {
        self.0.send_if_modified(|gone| {
            let is_first = gone.is_none();
            gone.get_or_insert_with(why);
            is_first
        });
    }

    /// Resolves to the reason when the source is gone.
    pub(super) fn reason(&self) -> BoxFuture<'static, String> {
        let mut gone = self.0.subscribe();
        let reason = async move {
            let reason = gone.wait_for(Option::is_some).await;
            match reason.ok().and_then(|reason| reason.clone()) {
                Some(reason) => reason,
                None => std::future::pending().await,
            }
        };
        reason.boxed()
    }
}
