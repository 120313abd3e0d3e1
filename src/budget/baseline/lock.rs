//! One writer at a time.

use std::fs::{File, OpenOptions};
use std::hash::Hasher;
use std::path::Path;

use fnv::FnvHasher;

/// Nobody else who asks for it writes the same baseline, until this is dropped.
#[derive(Debug)]
pub struct Lock(Option<File>);

/// Waits until nobody else writes this baseline or what waits beside it. Who reads one, changes it
/// and writes it holds this, so that two processes do not undo each other's work.
///
/// The lock is a file in the folder of temporary files, so that none is left among what users
/// commit; the system gives it back when a process ends. Where there can be none, writing goes on:
/// a file is still written whole or not at all.
#[must_use]
pub fn lock(baseline: &Path) -> Lock {
    let path = std::env::temp_dir().join(name(baseline));
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    // Everybody may wait for everybody.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o666);
    let file = options.open(path).ok();
    Lock(file.filter(|file| file.lock().is_ok()))
}

impl Lock {
    /// Whether others really wait.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.0.is_some()
    }
}

/// The same for the same file, whatever leads to it.
fn name(baseline: &Path) -> String {
    let folder = baseline.parent().unwrap_or(Path::new("."));
    let real = folder.canonicalize();
    let real = real.or_else(|_| std::path::absolute(folder));
    let real = real.unwrap_or_else(|_| folder.to_owned());
    let mut hash = FnvHasher::default();
    hash.write(real.as_os_str().as_encoded_bytes());
    hash.write(baseline.file_name().unwrap_or_default().as_encoded_bytes());
    format!("spanspec-baseline-{:016x}.lock", hash.finish())
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

    #[test]
    fn who_comes_second_waits() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.yaml.json");
        let first = lock(&path);
        assert!(first.is_held());
        let (told, second) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let _second = lock(&path);
                told.send("second").unwrap();
            });
            assert!(second.try_recv().is_err());
            drop(first);
            assert_eq!(second.recv(), Ok("second"));
        });
    }
}
