//! All specs, side by side; then those that measure, one after the other.

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use tokio::sync::{Semaphore, mpsc, watch};

use super::attempt::{Chance, attempt};
use super::load::Progress;
use super::setting::{Options, Setting, Stop};
use super::{Phase, Report, RunEvent, SpecReport, StepReport, Telemetry, Verdict, diagnosis};
use crate::source::receiver::Refusal;
use crate::source::{Sightings, TraceSource};
use crate::spec::Spec;

/// What happens in the specs' tasks, on its way to whoever listens.
enum News {
    Started(String),
    Progress(String, Progress),
    Finished(usize, Box<SpecReport>),
}

/// Runs specs and tells how it goes.
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
    let (started, clock) = (jiff::Timestamp::now(), Instant::now());
    let setting = Setting::new(source, options, stop);
    let (sender, mut news) = mpsc::unbounded_channel();
    on_event(&RunEvent::Selected { specs: specs.len() });
    let mut finished: Vec<Option<SpecReport>> = specs.iter().map(|_| None).collect();
    let work = run_all(&setting, specs, sender);
    let tell = async {
        while let Some(one) = news.recv().await {
            match one {
                News::Started(name) => on_event(&RunEvent::Started { name: &name }),
                News::Progress(name, at) => on_event(&RunEvent::Progress {
                    name: &name,
                    done: at.done,
                    of: at.of,
                    rate: at.rate,
                    p50: at.p50,
                    failed: at.failed,
                }),
                News::Finished(at, report) => {
                    on_event(&RunEvent::Finished(&report));
                    finished[at] = Some(*report);
                }
            }
        }
    };
    tokio::join!(work, tell);
    let specs: Vec<SpecReport> = finished.into_iter().flatten().collect();
    let duration = clock.elapsed();
    let sightings = source.sightings(Instant::now()).await;
    let report = Report {
        started,
        duration,
        notices: notices(&setting, &sightings, &specs),
        specs,
        trouble: setting.unsaved(),
        telemetry: telemetry(&setting, &sightings),
        interrupted: matches!(*setting.stop.borrow(), Some(Stop::Interrupted)),
        secrets: setting.secrets.clone(),
    };
    // Secrets that a spec captured are masked also in the reports of those that ended before.
    setting.secrets.report(report)
}

async fn run_all(setting: &Setting<'_>, specs: &[Spec], news: mpsc::UnboundedSender<News>) {
    let places = Semaphore::new(setting.options.jobs.max(1));
    let not_passed = AtomicUsize::new(0);
    let run = async |(at, spec)| {
        let report = run_one(setting, spec, &places, &not_passed, &news).await;
        // The other end is only closed after us.
        let _ = news.send(News::Finished(at, Box::new(report)));
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
) -> SpecReport {
    if let Some(reason) = &spec.skip {
        return without_attempt(setting, spec, Verdict::Skipped(reason.clone()));
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
        return without_attempt(setting, spec, Verdict::NotRun(why));
    }
    let _ = news.send(News::Started(setting.secrets.text(&spec.name)));
    let tell = |progress| {
        let name = setting.secrets.text(&spec.name);
        let _ = news.send(News::Progress(name, progress));
    };
    let report = run_until_passed(setting, spec, &tell).await;
    if matches!(report.verdict, Verdict::Failed | Verdict::Errored) {
        not_passed.fetch_add(1, Ordering::Relaxed);
    }
    report
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
) -> SpecReport {
    let clock = Instant::now();
    let mut attempts = Vec::new();
    loop {
        let chance = match attempts.len() < setting.options.retries {
            true => Chance::Another,
            false => Chance::Last,
        };
        let attempt = attempt(setting, spec, chance, tell).await;
        let verdict = attempt.verdict.clone();
        attempts.push(attempt);
        let is_stopped = setting.stop.borrow().is_some();
        if verdict == Verdict::Passed || is_stopped || chance == Chance::Last {
            let was_interrupted = matches!(*setting.stop.borrow(), Some(Stop::Interrupted));
            let verdict = match verdict {
                Verdict::Errored if was_interrupted => {
                    Verdict::NotRun("interrupted in the middle".to_owned())
                }
                verdict => verdict,
            };
            return setting.secrets.spec(SpecReport {
                name: spec.name.clone(),
                at: spec.at.clone(),
                tags: spec.tags.clone(),
                verdict,
                attempts,
                duration: clock.elapsed(),
            });
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

fn notices(setting: &Setting<'_>, sightings: &Sightings, specs: &[SpecReport]) -> Vec<String> {
    let mut notices = Vec::new();
    if setting.has_assumed() {
        notices.push(UNKNOWN_FLUSH.to_owned());
    }
    notices.extend(setting.bound.note_of_run());
    notices.extend(setting.calls_unanswered());
    let judged: std::collections::HashSet<_> = steps(specs)
        .filter(|step| step.phase == Phase::Test)
        // Of many requests this is told already.
        .filter(|step| step.was_closed && step.load.is_none())
        .filter_map(|step| step.trace_id)
        .collect();
    let late = sightings.late.iter();
    notices.extend(diagnosis::late(
        late.filter(|late| judged.contains(&late.trace_id)),
    ));
    let dropped = diagnosis::dropped(&sightings.census);
    notices.extend(dropped.map(|text| setting.secrets.text(&text)));
    notices
}

fn steps(specs: &[SpecReport]) -> impl Iterator<Item = &StepReport> {
    specs
        .iter()
        .flat_map(|spec| &spec.attempts)
        .flat_map(|attempt| &attempt.steps)
}

fn telemetry(setting: &Setting<'_>, sightings: &Sightings) -> Telemetry {
    let census = &sightings.census;
    let refused = census.refusals.iter().map(Refusal::in_full);
    Telemetry {
        listened: setting.source.addresses().to_vec(),
        spans: census.spans,
        log_records: census.log_records,
        metric_points: census.metric_points,
        refused: refused.map(|text| setting.secrets.text(&text)).collect(),
        refused_count: census.refused,
        late_spans: sightings.late.iter().map(|late| late.spans as u64).sum(),
    }
}
