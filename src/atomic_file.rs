//! Atomic replacement of files, and reading of regular files.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The accounts that can read a new file. On Windows, the folder decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readers {
    /// As for other new files, by the umask: the user wants the file, for example to upload it.
    Usual,
    /// The owner, whatever the umask: the file has secrets, or data of users, and was not asked for.
    Owner,
}

impl Readers {
    #[cfg(unix)]
    fn mode(self) -> u32 {
        match self {
            Self::Usual => 0o666,
            Self::Owner => 0o600,
        }
    }
}

/// Replaces a file atomically: a reader finds the old or the new bytes, never a part. Creates missing
/// folders, follows a link, and keeps the permissions; a read-only file is an error. Other files than
/// regular ones, such as pipes and `/dev/stdout`, are appended to.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_once(path, bytes, Readers::Usual, |_| Ok(()))
}

/// As [`replace`], with a choice of the accounts that can read a new file.
pub(crate) fn replace_for(readers: Readers, path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_once(path, bytes, readers, |_| Ok(()))
}

/// As [`replace`], also after a loss of power. This is slower.
pub(crate) fn replace_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_once(path, bytes, Readers::Usual, File::sync_all)
}

fn replace_once(
    path: &Path,
    bytes: &[u8],
    readers: Readers,
    is_written: fn(&File) -> io::Result<()>,
) -> io::Result<()> {
    if path.starts_with("/dev") {
        return append(path, bytes);
    }
    let permissions = match fs::metadata(path) {
        Ok(there) if there.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
        Ok(there) if !there.is_file() => return append(path, bytes),
        // The permissions of the folder would allow the replacement.
        Ok(there) if there.permissions().readonly() => {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        there => there.ok().map(|there| there.permissions()),
    };
    let target = followed(path)?;
    let folder = folder_of(&target);
    fs::create_dir_all(&folder)?;
    let mut beside = temporary(&folder, readers)?;
    if let Some(permissions) = permissions {
        // Before the content is written.
        beside.as_file().set_permissions(permissions)?;
    }
    beside.write_all(bytes)?;
    is_written(beside.as_file())?;
    beside.persist(&target).map_err(|error| error.error)?;
    Ok(())
}

/// Opens a regular file for reading. Other files are rejected before they are opened, because opening
/// a pipe blocks until it has a writer.
pub(crate) fn open_regular(path: &Path) -> io::Result<File> {
    match irregular(&fs::metadata(path)?) {
        None => File::open(path),
        Some(kind) => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("it is {kind}, not a regular file"),
        )),
    }
}

/// The kind of a file that is not regular, with an article.
pub(crate) fn irregular(found: &fs::Metadata) -> Option<&'static str> {
    match found.file_type() {
        kind if kind.is_file() => None,
        kind if kind.is_dir() => Some("a folder"),
        kind => Some(special(kind)),
    }
}

#[cfg(unix)]
fn special(kind: fs::FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    match kind {
        kind if kind.is_fifo() => "a pipe",
        kind if kind.is_socket() => "a socket",
        _ => "a device",
    }
}

#[cfg(not(unix))]
fn special(_kind: fs::FileType) -> &'static str {
    "a device"
}

fn append(path: &Path, bytes: &[u8]) -> io::Result<()> {
    open_for_append(path)?.write_all(bytes)
}

/// Opens a pipe only if it has a reader: without one, opening would block forever.
#[cfg(unix)]
fn open_for_append(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;

    use nix::fcntl::{FcntlArg, OFlag, fcntl};

    let file = File::options()
        .append(true)
        .custom_flags(OFlag::O_NONBLOCK.bits())
        .open(path)
        .map_err(|error| match error.raw_os_error() {
            Some(code) if code == nix::errno::Errno::ENXIO as i32 => {
                io::Error::new(io::ErrorKind::BrokenPipe, "it is a pipe without a reader")
            }
            _ => error,
        })?;
    fcntl(&file, FcntlArg::F_SETFL(OFlag::O_APPEND))?;
    Ok(file)
}

#[cfg(not(unix))]
fn open_for_append(path: &Path) -> io::Result<File> {
    File::options().append(true).open(path)
}

/// The file that a link leads to, over further links, even if there is no such file yet.
fn followed(path: &Path) -> io::Result<PathBuf> {
    /// As many as Linux follows.
    const MOST_LINKS: usize = 40;
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        match fs::read_link(&path) {
            // A relative link starts at its folder.
            Ok(target) => path = folder_of(&path).join(target),
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::other("it is a link that leads to itself"))
}

fn folder_of(path: &Path) -> PathBuf {
    path.parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .map_or_else(|| PathBuf::from("."), Path::to_owned)
}

fn temporary(folder: &Path, readers: Readers) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".spanspec-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(readers.mode()));
    builder.tempfile_in(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_created_and_no_temporary_file_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/report.xml");
        replace(&path, b"one").unwrap();
        replace_durably(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn permissions_are_kept_and_a_read_only_file_is_not_replaced() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        for (given, is_written) in [(0o600, true), (0o666, true), (0o640, true), (0o444, false)] {
            fs::write(&path, b"old").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(given)).unwrap();
            match replace(&path, b"new") {
                Ok(()) => assert!(is_written, "{given:o}"),
                Err(error) => {
                    assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
                    assert!(!is_written, "{given:o}");
                }
            }
            let text: &[u8] = if is_written { b"new" } else { b"old" };
            assert_eq!(fs::read(&path).unwrap(), text);
            assert_eq!(mode(), given);
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_kept_and_a_new_file_has_the_usual_permissions() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let [path, link, usual] = ["real", "link", "usual"].map(|name| folder.path().join(name));
        fs::write(&path, b"old").unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        replace(&link, b"new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&path).unwrap(), b"new");
        fs::write(&usual, b"").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&path), mode(&usual));
    }

    #[cfg(unix)]
    #[test]
    fn a_new_file_can_be_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("traces/a.json");
        let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        replace_for(Readers::Owner, &path, b"one").unwrap();
        assert_eq!(mode(), 0o600);
        // The mode of an existing file stays.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        replace_for(Readers::Owner, &path, b"two").unwrap();
        assert_eq!(mode(), 0o644);
    }

    #[cfg(unix)]
    #[test]
    fn the_file_of_a_link_is_created_and_a_circle_of_links_is_an_error() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        symlink("there/report.xml", at("second")).unwrap();
        symlink("second", at("first")).unwrap();
        replace(&at("first"), b"new").unwrap();
        assert_eq!(fs::read(at("there/report.xml")).unwrap(), b"new");
        assert!(fs::symlink_metadata(at("first")).unwrap().is_symlink());
        symlink("circle", at("circle")).unwrap();
        let error = replace(&at("circle"), b"new").unwrap_err();
        assert_eq!(error.to_string(), "it is a link that leads to itself");
    }
}
