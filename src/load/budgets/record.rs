//! What was measured is written down.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

use super::Chance;
use super::asked::{Asked, is_compared};
use super::decide::Decided;
use super::place::Place;
use super::revise::{self, Replaced, Revised};
use crate::budget::baseline::{
    self, BaselineError, Difference, Fingerprint, Lock, Run, Undo, hand_over, pending_path, read,
};
use crate::check::{self, Outcome};
use crate::result::Load;
use crate::step::{Setting, Update};

/// Whether this run may be written down, and if not, why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// It may.
    Write(Way),
    /// Nothing is compared with a baseline.
    Nothing,
    /// The options say so.
    Never,
    /// The baseline cannot be read, and so is kept.
    Unread,
    /// More requests failed than may.
    Failed,
    /// The run ended early.
    Stopped,
    /// A budget found nothing to measure.
    NothingFound,
    /// The attempt did not pass, and another one follows, which is not to be held against it.
    Again,
    /// This machine sent requests so late that one sees it.
    Late(Way),
    /// It is of several versions at once.
    Mixed(Way),
}

/// Where to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Beside the baseline, where there is a reason.
    Proposed,
    /// Into the baseline.
    Always,
}

/// What this run measured, as a baseline keeps it.
pub(super) struct Fresh {
    pub(super) case: String,
    pub(super) here: Fingerprint,
    /// By subject.
    pub(super) runs: BTreeMap<String, Run>,
    /// The subjects of which something became slower.
    pub(super) regressed: BTreeSet<String>,
}

/// Why a new baseline is proposed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// The baseline proves nothing here.
    Differs,
    /// Something became slower, and may have been meant to.
    Regressed,
    /// There is none of these subjects.
    Missing(Vec<String>),
}

/// What was written.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Written {
    /// The file.
    pub(super) path: PathBuf,
    pub(super) way: Way,
    /// Of the budget that has most.
    pub(super) runs: usize,
    /// Why runs that were there are not any more, if so.
    pub(super) replaced: Option<Replaced>,
    /// Takes it back.
    pub(super) undo: Undo,
}

impl Wish {
    pub(super) fn new(update: Update, asked: &[Asked<'_>], load: &Load) -> Self {
        let way = match update {
            _ if !asked.iter().any(Asked::is_compared) => return Self::Nothing,
            Update::Never => return Self::Never,
            Update::Proposed => Way::Proposed,
            Update::Always => Way::Always,
        };
        let measured = load.measured.iter().enumerate();
        let mut compared = measured.filter(|(number, _)| is_compared(asked, *number));
        let are_several = compared.any(|(_, one)| one.versions.are_several());
        if load.stopped.is_some() {
            Self::Stopped
        } else if load.failed + load.errored > load.allowed {
            Self::Failed
        } else if load.measured.iter().any(|one| one.samples.is_empty()) {
            Self::NothingFound
        } else if load.is_late() {
            Self::Late(way)
        } else if are_several {
            Self::Mixed(way)
        } else {
            Self::Write(way)
        }
    }

    /// What of it is left once it is known what the attempt came to.
    pub(super) fn after(self, chance: Chance, checks: &[check::Judged]) -> Self {
        let has_failed = |one: &check::Judged| matches!(one.outcome, Outcome::Fail(_));
        match (self, chance) {
            (Self::Write(_), Chance::Lost) => Self::Again,
            (Self::Write(_), Chance::Another) if checks.iter().any(has_failed) => Self::Again,
            _ => self,
        }
    }
}

impl Fresh {
    /// Only of budgets that are compared with a baseline.
    pub(super) fn new(
        setting: &Setting<'_>,
        place: &Place,
        here: Fingerprint,
        started: jiff::Timestamp,
        asked: &[Asked<'_>],
        decided: &Decided<'_>,
        load: &Load,
    ) -> Self {
        let masked = |text: &str| setting.secrets.text(text);
        let measured = load.measured.iter().enumerate();
        let runs = measured
            .filter(|(number, _)| is_compared(asked, *number))
            .filter_map(|(_, one)| {
                let version = one.version.as_deref().map(masked);
                let run = Run::new(started, version, one.samples.clone())?;
                Some((masked(&one.subject), run))
            });
        Self {
            case: place.case.clone(),
            here,
            runs: runs.collect(),
            regressed: decided
                .regressed()
                .map(|asked| masked(asked.subject))
                .collect(),
        }
    }
}

/// What is a reason to propose this run as the baseline, if anything.
pub(super) fn why(
    setting: &Setting<'_>,
    decided: &Decided<'_>,
    differs: &[Difference],
) -> Option<Why> {
    let missing = decided.missing.iter();
    // As the file has them.
    let missing = missing.map(|asked| setting.secrets.text(asked.subject));
    if !differs.is_empty() {
        Some(Why::Differs)
    } else if decided.regressed().next().is_some() {
        Some(Why::Regressed)
    } else {
        let missing: Vec<String> = missing.collect();
        (!missing.is_empty()).then_some(Why::Missing(missing))
    }
}

/// Writes this run where it should be; tells what was written. Of several processes that write the
/// same file one does so at a time, and each keeps what the others have written. A run that is
/// stopped while it waits for another one writes nothing.
///
/// # Errors
/// What is there cannot be read, and is kept; the file system does not take it; or another process
/// has been writing for longer than `patience`.
pub(super) async fn record(
    setting: &Setting<'_>,
    patience: Duration,
    way: Way,
    path: PathBuf,
    fresh: Fresh,
    why: Option<Why>,
) -> Result<Option<Written>, BaselineError> {
    if way == Way::Proposed && why.is_none() {
        return Ok(None);
    }
    let (told, got) = oneshot::channel();
    hand_over(&path, move |lock| drop(told.send(lock)));
    let lock = tokio::select! {
        biased;
        lock = timeout(patience, got) => lock.map_err(|_| BaselineError::busy(&path))?,
        _ = setting.stopped() => return Ok(None),
    };
    let Ok(lock) = lock else {
        return Ok(None);
    };
    let write = move || match (way, why) {
        (Way::Always, _) => write_into(lock, &path, &fresh).map(Some),
        (Way::Proposed, Some(why)) => propose(lock, &path, &fresh, &why).map(Some),
        (Way::Proposed, None) => Ok(None),
    };
    match tokio::task::spawn_blocking(write).await {
        Ok(written) => written,
        // The runtime ends, and so does the run.
        Err(_) => Ok(None),
    }
}

fn write_into(_lock: Lock, path: &Path, fresh: &Fresh) -> Result<Written, BaselineError> {
    let mut all = read(path)?.unwrap_or_default();
    let Revised {
        case,
        runs,
        replaced,
    } = revise::added(all.cases.get(&fresh.case), fresh);
    all.cases.insert(fresh.case.clone(), case);
    let ((), undo) = Undo::around(path, path, || baseline::write(path, &all))?;
    Ok(Written {
        path: path.to_owned(),
        way: Way::Always,
        runs,
        replaced,
        undo,
    })
}

fn propose(_lock: Lock, path: &Path, fresh: &Fresh, why: &Why) -> Result<Written, BaselineError> {
    let mut all = read(&pending_path(path))?.unwrap_or_default();
    let Revised {
        case,
        runs,
        replaced,
    } = revise::proposed(all.cases.get(&fresh.case), fresh, why);
    all.cases.insert(fresh.case.clone(), case);
    let file = pending_path(path);
    let ((), undo) = Undo::around(path, &file, || baseline::record(path, &all))?;
    Ok(Written {
        path: file,
        way: Way::Proposed,
        runs,
        replaced,
        undo,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::baseline::lock;
    use crate::budget::baseline::tests::fingerprint;
    use crate::source::Receiver;
    use crate::step::{Options, Stop};
    use tokio::sync::watch;

    fn fresh(case: &str) -> Fresh {
        let started = jiff::Timestamp::UNIX_EPOCH;
        let run = Run::new(started, None, (1..=100).collect()).unwrap();
        Fresh {
            case: case.to_owned(),
            here: fingerprint(),
            runs: BTreeMap::from([("response time".to_owned(), run)]),
            regressed: BTreeSet::new(),
        }
    }

    #[test]
    fn writers_of_one_file_keep_what_the_others_wrote() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("baselines/order.yaml.json");
        let names: Vec<String> = (1..=8).map(|number| format!("case {number}")).collect();
        std::thread::scope(|scope| {
            for name in &names {
                scope.spawn(|| {
                    write_into(lock(&path).unwrap(), &path, &fresh(name)).unwrap();
                    let why = Why::Regressed;
                    propose(lock(&path).unwrap(), &path, &fresh(name), &why).unwrap();
                });
            }
        });
        for file in [path.clone(), pending_path(&path)] {
            let written = read(&file).unwrap().unwrap();
            assert!(written.cases.keys().eq(&names), "{:?}", written.cases);
        }
    }

    /// What becomes of a run that is to be recorded.
    fn recorded(
        path: &Path,
        patience: Duration,
        stop: Option<Stop>,
    ) -> Result<Option<Written>, BaselineError> {
        crate::block_on(async {
            let receiver = Receiver::builder()
                .listen(["127.0.0.1:0".parse().unwrap()])
                .start()
                .await
                .unwrap();
            let options = Options::default();
            let (_stop, stop) = watch::channel(stop);
            let setting = Setting::new(&receiver, &options, stop);
            let (path, fresh) = (path.to_owned(), fresh("order"));
            record(&setting, patience, Way::Always, path, fresh, None).await
        })
    }

    #[test]
    fn who_waits_too_long_for_another_process_or_is_stopped_meanwhile_never_writes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("baselines/order.yaml.json");
        let another = lock(&path).unwrap();
        let late = recorded(&path, Duration::from_millis(1), None).unwrap_err();
        assert!(matches!(late, BaselineError::Busy { .. }), "{late}");
        let stop = Some(Stop::Interrupted);
        let stopped = recorded(&path, Duration::from_secs(600), stop);
        assert_eq!(stopped.unwrap(), None);
        drop(another);
        // Whoever gave up before us lets go of it by itself.
        let _lock = lock(&path).unwrap();
        assert_eq!(read(&path).unwrap(), None);
    }

    #[test]
    fn who_waits_for_a_moment_writes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("baselines/order.yaml.json");
        let another = lock(&path).unwrap();
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| recorded(&path, Duration::from_secs(600), None));
            drop(another);
            assert_eq!(waits.join().unwrap().unwrap().unwrap().runs, 1);
        });
        assert_eq!(read(&path).unwrap().unwrap().cases.len(), 1);
    }
}
