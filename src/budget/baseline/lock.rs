//! One writer at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::hash::Hasher;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use fnv::FnvHasher;

use super::BaselineError;

/// Nobody else who asks for it writes the same baseline, until this is dropped.
#[derive(Debug)]
pub struct Lock(
    #[cfg_attr(not(test), expect(dead_code, reason = "held until dropped"))] Option<File>,
);

/// For so long one process waits for another one that writes the same baseline. That takes
/// milliseconds; who takes longer was stopped, or waits for a disk that does not answer.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Waits until nobody else writes this baseline or what waits beside it. Who reads one, changes it
/// and writes it holds this, so that two processes do not undo each other's work.
///
/// The lock is a file in the folder of temporary files, so that none is left among what users
/// commit; the system gives it back when a process ends. Where there can be none, writing goes on:
/// a file is still written whole or not at all.
///
/// # Errors
/// Somebody else has it for longer than [`PATIENCE`].
pub fn lock(baseline: &Path) -> Result<Lock, BaselineError> {
    lock_within(baseline, PATIENCE)
}

/// The same for another patience.
pub(super) fn lock_within(baseline: &Path, patience: Duration) -> Result<Lock, BaselineError> {
    let (told, got) = mpsc::channel();
    hand_over(baseline, move |lock| drop(told.send(lock)));
    // Who gets it later, finds nobody who would take it, and lets go of it.
    got.recv_timeout(patience)
        .map_err(|_| BaselineError::busy(baseline))
}

/// Calls `take` as soon as nobody else writes this baseline: at once, or in a thread of its own.
/// The program does not wait for that thread when it ends, for nobody can say when that will be.
pub(crate) fn hand_over(baseline: &Path, take: impl FnOnce(Lock) + Send + 'static) {
    let path = std::env::temp_dir().join(name(baseline));
    let Ok(file) = open(&path) else {
        return take(Lock(None));
    };
    match file.try_lock() {
        Ok(()) => take(Lock(Some(file))),
        Err(TryLockError::Error(_)) => take(Lock(None)),
        Err(TryLockError::WouldBlock) => {
            std::thread::spawn(move || take(Lock(held(file))));
        }
    }
}

/// Waits until nobody else has it.
fn held(file: File) -> Option<File> {
    loop {
        match file.lock() {
            Ok(()) => return Some(file),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
}

/// Everybody may wait for everybody, whoever made the file. Where that made it for itself alone,
/// who may read it can lock it.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true);
    match options.clone().create_new(true).open(path) {
        Ok(file) => {
            open_to_all(&file);
            Ok(file)
        }
        Err(_) => options.open(path).or_else(|_| File::open(path)),
    }
}

/// Only of a file that we have made: another may be a link to anything.
#[cfg(unix)]
fn open_to_all(file: &File) {
    use std::os::unix::fs::PermissionsExt;
    // The umask has cut what we asked for. Where this fails, others cannot wait for us.
    let _ = file.set_permissions(std::fs::Permissions::from_mode(0o666));
}

#[cfg(not(unix))]
fn open_to_all(_file: &File) {}

#[cfg(test)]
impl Lock {
    /// Whether others really wait.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.0.is_some()
    }
}

/// The same for the same file, whatever leads to it, and whether it is there yet or not.
fn name(baseline: &Path) -> String {
    let mut hash = FnvHasher::default();
    hash.write(real(baseline).as_os_str().as_encoded_bytes());
    format!("spanspec-baseline-{:016x}.lock", hash.finish())
}

/// The path without links, as far as it exists.
fn real(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut there = path.ancestors().filter_map(|above| {
        let rest = path.strip_prefix(above).ok()?;
        let real = above.canonicalize().ok()?;
        // Joined with nothing, a path would end with a slash.
        Some(match rest.as_os_str().is_empty() {
            true => real,
            false => real.join(rest),
        })
    });
    there.next().unwrap_or_else(|| path.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_file_has_one_lock_whatever_leads_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("baselines/a.yaml.json");
        std::fs::create_dir(folder.path().join("baselines")).unwrap();
        let detour = folder.path().join("baselines/../baselines/a.yaml.json");
        assert_eq!(name(&path), name(&detour));
        assert_ne!(
            name(&path),
            name(&folder.path().join("baselines/b.yaml.json"))
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_lock_keeps_its_name_when_the_folder_is_created() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("real")).unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(folder.path().join("real"), &link).unwrap();
        let path = link.join("baselines/a.yaml.json");
        let before = name(&path);
        std::fs::create_dir(link.join("baselines")).unwrap();
        assert_eq!(name(&path), before);
        std::fs::write(&path, "").unwrap();
        assert_eq!(name(&path), before);
    }

    #[cfg(unix)]
    #[test]
    fn everybody_may_lock_and_what_is_there_already_keeps_its_permissions() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.lock");
        let mode = || std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        open(&path).unwrap();
        assert_eq!(mode(), 0o666);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o444)).unwrap();
        assert!(open(&path).unwrap().lock().is_ok());
        assert_eq!(mode(), 0o444);
    }

    #[test]
    fn who_comes_second_waits() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.yaml.json");
        let first = lock(&path).unwrap();
        assert!(first.is_held());
        let (told, second) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let _second = lock(&path).unwrap();
                told.send("second").unwrap();
            });
            assert!(second.try_recv().is_err());
            drop(first);
            assert_eq!(second.recv(), Ok("second"));
        });
    }

    #[test]
    fn who_has_waited_long_enough_is_told_who_keeps_him_and_never_gets_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.yaml.json");
        let first = lock(&path).unwrap();
        let error = lock_within(&path, Duration::from_millis(1)).unwrap_err();
        let said = error.to_string();
        assert!(
            said.starts_with("another process writes the baseline ")
                && said.contains("a.yaml.json"),
            "{said}"
        );
        drop(first);
        // The thread that gave up may have it for a moment; it lets go by itself.
        assert!(lock(&path).unwrap().is_held());
    }
}
