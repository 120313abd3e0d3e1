//! Judges traces on one thread, however many clients wait for a verdict.

use std::future::Future;
use std::io;
use std::sync::{Arc, OnceLock};

use futures_util::future::LocalBoxFuture;
use tokio::runtime;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::LocalSet;

/// Maximum number of judgements that are in progress or wait for their traces.
const MOST_JUDGEMENTS: usize = 1_024;

/// Begins a judgement on the thread, since the variables of a spec belong to one thread.
type Job = Box<dyn FnOnce() -> LocalBoxFuture<'static, ()> + Send>;

/// The thread on which traces are judged. It starts with the first judgement, and ends when this is dropped.
#[derive(Debug)]
pub(super) struct JudgingThread {
    jobs: OnceLock<Option<mpsc::UnboundedSender<Job>>>,
    turns: Arc<Semaphore>,
}

/// The reason why there is no judgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoJudgement {
    /// As many as possible are in progress.
    TooMany,
    /// The thread cannot be started, or it has ended.
    NoThread,
}

impl Default for JudgingThread {
    fn default() -> Self {
        Self {
            jobs: OnceLock::new(),
            turns: Arc::new(Semaphore::new(MOST_JUDGEMENTS)),
        }
    }
}

impl JudgingThread {
    /// Runs a judgement beside the others. It ends when the returned future is dropped.
    ///
    /// # Errors
    /// As [`NoJudgement`] says.
    pub(super) async fn run<T, F>(
        &self,
        judgement: impl FnOnce() -> F + Send + 'static,
    ) -> Result<T, NoJudgement>
    where
        T: Send + 'static,
        F: Future<Output = T> + 'static,
    {
        let turn = Arc::clone(&self.turns).try_acquire_owned();
        let turn = turn.map_err(|_| NoJudgement::TooMany)?;
        let (mut reply, judged) = oneshot::channel();
        let job: Job = Box::new(move || {
            Box::pin(async move {
                let _turn = turn;
                tokio::select! {
                    done = judgement() => drop(reply.send(done)),
                    () = reply.closed() => {}
                }
            })
        });
        let jobs = self.jobs.get_or_init(|| start().ok()).as_ref();
        let sent = jobs.is_some_and(|jobs| jobs.send(job).is_ok());
        match sent {
            true => judged.await.map_err(|_| NoJudgement::NoThread),
            false => Err(NoJudgement::NoThread),
        }
    }
}

fn start() -> io::Result<mpsc::UnboundedSender<Job>> {
    let (jobs, mut coming) = mpsc::unbounded_channel::<Job>();
    let runtime = runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    let thread = std::thread::Builder::new().name("judging".to_owned());
    thread.spawn(move || {
        LocalSet::new().block_on(&runtime, async move {
            while let Some(job) = coming.recv().await {
                tokio::task::spawn_local(job());
            }
        });
    })?;
    Ok(jobs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_judgement_that_panics_ends_no_other() {
        let thread = JudgingThread::default();
        let panicking = thread.run(|| async { panic!("a fault") });
        assert_eq!(panicking.await, Err::<(), _>(NoJudgement::NoThread));
        assert_eq!(thread.run(|| async { 1 }).await, Ok(1));
    }

    #[tokio::test]
    async fn as_many_as_possible_wait_at_the_same_time_and_no_more() {
        let thread = JudgingThread::default();
        let (begun, mut beginnings) = mpsc::unbounded_channel();
        let waiting: Vec<_> = (0..MOST_JUDGEMENTS)
            .map(|_| {
                let begun = begun.clone();
                Box::pin(thread.run(move || {
                    let _ = begun.send(());
                    std::future::pending::<()>()
                }))
            })
            .collect();
        let mut all = futures_util::future::select_all(waiting);
        for _ in 0..MOST_JUDGEMENTS {
            tokio::select! {
                _ = &mut all => panic!("none of them ends"),
                begun = beginnings.recv() => assert_eq!(begun, Some(())),
            }
        }
        let further = thread.run(|| async {}).await;
        assert_eq!(further, Err(NoJudgement::TooMany));
        drop(all);
        // Each of them ends, and makes room.
        while thread.run(|| async {}).await.is_err() {
            tokio::task::yield_now().await;
        }
    }
}
