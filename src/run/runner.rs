//! All specs, side by side; then those that measure, one after the other.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use tokio::sync::{Semaphore, mpsc, watch};

use super::attempt::{Attempted, attempt};
use super::late::{self, OpenRun, RunEnd, Watching};
use crate::load::{Progress, RetryState};
use crate::result::{Report, RunEvent, SpecReport, Telemetry, Verdict};
use crate::source::TraceSource;
use crate::spec::Spec;
use crate::step::{Options, Setting, Stop};

/// What happens in the specs' tasks, on its way to whoever listens.
enum News {
    Started(String),
    Progress(String, Progress),
    Finished(usize, Box<SpecReport>, Vec<Watching>),
}

/// Runs specs and tells how it goes, up to the last verdict. Spans that have arrived since a
/// verdict are judged, too.
///
/// The source can be asked already, and the services, if we started them, are ready. When `stop`
/// gets a value, what runs is ended, and what has not started stays unrun; the report is made all
/// the same.
pub async fn run(
    specs: &[Spec],
    source: &dyn TraceSource,
    options: &Options,
    stop: watch::Receiver<Option<Stop>>,
    mut on_event: impl FnMut(&RunEvent<'_>),
) -> Report {
    let open = run_open(specs, source, options, stop, &mut on_event).await;
    let end = RunEnd {
        sightings: source.sightings(Instant::now()).await,
        stopping_since: None,
    };
    open.close(&end, on_event)
}

/// As [`run()`], but late spans may still change verdicts, such as those that services export
/// while they are stopped.
pub async fn run_open(
    specs: &[Spec],
    source: &dyn TraceSource,
    options: &Options,
    stop: watch::Receiver<Option<Stop>>,
    mut on_event: impl FnMut(&RunEvent<'_>),
) -> OpenRun {
    let (started, clock) = (jiff::Timestamp::now(), Instant::now());
    let setting = Setting::new(source, options, stop);
    let (sender, mut news) = mpsc::unbounded_channel();
    on_event(&RunEvent::Selected { specs: specs.len() });
    let mut finished: Vec<Option<SpecReport>> = specs.iter().map(|_| None).collect();
    let mut watched = VecDeque::new();
    let work = run_all(&setting, specs, sender);
    let tell = async {
        while let Some(one) = news.recv().await {
            match one {
                News::Started(name) => on_event(&RunEvent::Started { name: &name }),
                News::Progress(name, at) => on_event(&progress(&name, at)),
                News::Finished(at, report, of_steps) => {
                    on_event(&RunEvent::Finished(&report));
                    finished[at] = Some(*report);
                    late::note(&mut watched, &setting.bound);
                    late::watch(&mut watched, source.most_watched(), at, of_steps);
                }
            }
        }
    };
    tokio::join!(work, tell);
    let specs: Vec<SpecReport> = finished.into_iter().flatten().collect();
    let report = Report {
        started,
        duration: clock.elapsed(),
        notices: notices(&setting),
        specs,
        trouble: setting.unsaved(),
        telemetry: Telemetry {
            listened: source.addresses().to_vec(),
            ..Telemetry::default()
        },
        interrupted: matches!(*setting.stop.borrow(), Some(Stop::Interrupted)),
        secrets: setting.secrets.clone(),
    };
    OpenRun::new(report, watched, setting)
}

fn progress(name: &str, at: Progress) -> RunEvent<'_> {
    RunEvent::Progress {
        name,
        done: at.done,
        of: at.of,
        rate: at.rate,
        p50: at.p50,
        failed: at.failed,
    }
}

async fn run_all(setting: &Setting<'_>, specs: &[Spec], news: mpsc::UnboundedSender<News>) {
    let places = Semaphore::new(setting.options.jobs.max(1));
    let not_passed = AtomicUsize::new(0);
    let run = async |(at, spec)| {
        let (report, watched) = run_one(setting, spec, &places, &not_passed, &news).await;
        // The other end is only closed after us.
        let _ = news.send(News::Finished(at, Box::new(report), watched));
    };
    let all = || specs.iter().enumerate();
    side_by_side(all().filter(|(_, spec)| spec.repeat.is_none()).map(run)).await;
    for one in all().filter(|(_, spec)| spec.repeat.is_some()) {
        run(one).await;
    }
}

/// Polls all futures together until each is done.
async fn side_by_side(futures: impl Iterator<Item = impl Future<Output = ()>>) {
    use futures_util::stream::StreamExt;
    let mut all: futures_util::stream::FuturesUnordered<_> = futures.collect();
    while all.next().await.is_some() {}
}

async fn run_one(
    setting: &Setting<'_>,
    spec: &Spec,
    places: &Semaphore,
    not_passed: &AtomicUsize,
    news: &mpsc::UnboundedSender<News>,
) -> (SpecReport, Vec<Watching>) {
    if let Some(reason) = &spec.skip {
        let verdict = Verdict::Skipped(reason.clone());
        return (without_attempt(setting, spec, verdict), Vec::new());
    }
    // The lock first: who waits for it should not hold a place that another could use.
    let lock = spec.lock.as_ref().map(|name| setting.lock(name));
    let _lock = match &lock {
        Some(lock) => Some(lock.lock().await),
        None => None,
    };
    let _place = places
        .acquire()
        .await
        .expect("this semaphore is never closed");
    let _company = setting.company(spec).await;
    if let Some(why) = reason_not_to_start(setting, not_passed) {
        let report = without_attempt(setting, spec, Verdict::NotRun(why));
        return (report, Vec::new());
    }
    let _ = news.send(News::Started(setting.secrets.text(&spec.name)));
    let tell = |progress| {
        let name = setting.secrets.text(&spec.name);
        let _ = news.send(News::Progress(name, progress));
    };
    let (report, watched) = run_until_passed(setting, spec, &tell).await;
    if matches!(report.verdict, Verdict::Failed | Verdict::Errored) {
        not_passed.fetch_add(1, Ordering::Relaxed);
    }
    (report, watched)
}

fn reason_not_to_start(setting: &Setting<'_>, not_passed: &AtomicUsize) -> Option<String> {
    match &*setting.stop.borrow() {
        Some(Stop::Interrupted) => return Some("interrupted".to_owned()),
        Some(Stop::Died(trouble)) => return Some(trouble.what.clone()),
        None => {}
    }
    let most = setting.options.max_fail?;
    let failed = not_passed.load(Ordering::Relaxed);
    (failed >= most).then(|| match failed {
        1 => "after a failure (--fail-fast)".to_owned(),
        _ => format!("after {failed} failures (--max-fail)"),
    })
}

async fn run_until_passed(
    setting: &Setting<'_>,
    spec: &Spec,
    tell: &(dyn Fn(Progress) + Send + Sync),
) -> (SpecReport, Vec<Watching>) {
    let clock = Instant::now();
    let mut attempts = Vec::new();
    loop {
        let retry = match attempts.len() < setting.options.retries {
            true => RetryState::Another,
            false => RetryState::Last,
        };
        let Attempted { attempt, watched } = attempt(setting, spec, retry, tell).await;
        let verdict = attempt.verdict.clone();
        attempts.push(attempt);
        let is_stopped = setting.stop.borrow().is_some();
        if verdict == Verdict::Passed || is_stopped || retry == RetryState::Last {
            let was_interrupted = matches!(*setting.stop.borrow(), Some(Stop::Interrupted));
            let verdict = match verdict {
                Verdict::Errored if was_interrupted => {
                    Verdict::NotRun("interrupted in the middle".to_owned())
                }
                verdict => verdict,
            };
            let report = setting.secrets.spec(SpecReport {
                name: spec.name.clone(),
                at: spec.at.clone(),
                tags: spec.tags.clone(),
                verdict,
                attempts,
                duration: clock.elapsed(),
            });
            return (report, watched);
        }
    }
}

fn without_attempt(setting: &Setting<'_>, spec: &Spec, verdict: Verdict) -> SpecReport {
    setting.secrets.spec(SpecReport {
        name: spec.name.clone(),
        at: spec.at.clone(),
        tags: spec.tags.clone(),
        verdict,
        attempts: Vec::new(),
        duration: std::time::Duration::ZERO,
    })
}

/// The advice for services whose flush bound is unknown: a line for them, and one for the project.
const UNKNOWN_FLUSH: &str = "the flush bound of the services is unknown: each trace waited 5.5 s; two lines make it fast, the first in the environment of the services, the second in spanspec.yaml:\n\
    OTEL_BSP_SCHEDULE_DELAY=100\n\
    defaults: { wait: { flush: 350ms } }";

fn notices(setting: &Setting<'_>) -> Vec<String> {
    let mut notices = Vec::new();
    if setting.has_assumed() {
        notices.push(UNKNOWN_FLUSH.to_owned());
    }
    notices.extend(setting.bound.note_of_run());
    notices.extend(setting.calls_unanswered());
    notices
}
